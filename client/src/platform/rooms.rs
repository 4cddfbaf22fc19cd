//! The server's HTTP interface.

use gloo_net::http::Request;
use shared::RoomId;

/// Asks the server for a new room. Nothing when it cannot be reached or refuses.
pub(crate) async fn create() -> Option<RoomId> {
    let response = Request::post("/api/rooms").send().await.ok()?;
    if !response.ok() {
        return None;
    }
    let created: serde_json::Value = response.json().await.ok()?;
    RoomId::new(created.get("room")?.as_str()?).ok()
}
