//! The server's HTTP interface.

use gloo_net::http::Request;
use shared::RoomId;

/// Asks the server whether a page of this origin may speak with us. A server that does not answer allows nothing.
pub(crate) async fn may_embed(origin: &str) -> bool {
    let request = Request::get("/api/embed").query([("origin", origin)]);
    let Ok(response) = request.send().await else { return false };
    let answer = response.json::<serde_json::Value>().await.ok();
    answer.and_then(|answer| answer.get("allowed")?.as_bool()) == Some(true)
}

/// A room that was made for this person.
#[derive(Debug)]
pub(crate) struct CreatedRoom {
    /// Its name.
    pub(crate) room: RoomId,
    /// Makes them its host; servers that know no hosts give none.
    pub(crate) token: Option<String>,
}

/// Asks the server for a new room. Nothing when it cannot be reached or refuses.
pub(crate) async fn create() -> Option<CreatedRoom> {
    let response = Request::post("/api/rooms").send().await.ok()?;
    if !response.ok() {
        return None;
    }
    let created: serde_json::Value = response.json().await.ok()?;
    let token = created.get("token").and_then(|token| token.as_str()).map(str::to_owned);
    Some(CreatedRoom { room: RoomId::new(created.get("room")?.as_str()?).ok()?, token })
}

/// What a packet's stay in the server takes on average, in milliseconds. Nothing when it cannot be reached or has forwarded nothing.
pub(crate) async fn forwarding_ms() -> Option<f64> {
    let response = Request::get("/api/forwarding").send().await.ok()?;
    let told: serde_json::Value = response.json().await.ok()?;
    Some(told.get("mean_us")?.as_f64()? / 1000.0)
}
