//! The small HTTP API: a name for a new meeting, and what operators and load balancers ask.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use shared::RoomId;
use shared::protocol::Version;

use super::caller;
use super::problem::Problem;
use crate::app::App;
use crate::signaling::CAPABILITIES;

/// How long the media threads may take to answer before the server counts as not ready: a hundred times what a
/// full turn of theirs takes.
const READY_DEADLINE: Duration = Duration::from_millis(500);

/// The answer to `POST /api/rooms`.
#[derive(Debug, Serialize)]
pub(super) struct CreatedRoom {
    room: RoomId,
    link: String,
}

/// Draws a random room id. Nothing is created: a room exists while somebody is in it.
pub(super) async fn create_room(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> (StatusCode, Json<CreatedRoom>) {
    let room = RoomId::from_random(rand::random());
    let config = &app.config;
    // A browser tells its page's origin, which is right behind every proxy; others get what the request shows.
    let origin = caller::origin(&headers).filter(|origin| caller::is_allowed(Some(origin), &headers, &[]));
    let base = match origin {
        Some(origin) => origin.to_owned(),
        None => caller::base(peer, &headers, &config.trusted_proxies).unwrap_or_default(),
    };
    let link = format!("{base}/r/{room}");
    (StatusCode::CREATED, Json(CreatedRoom { room, link }))
}

/// The answer to `GET /api/health` and `GET /api/ready`.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    status: &'static str,
}

/// The process is alive.
pub(super) async fn health() -> Json<Status> {
    Json(Status { status: "alive" })
}

/// Meetings can be held: every media thread answers, and the server is not about to stop.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Json<Status>, Problem> {
    if app.is_stopping() {
        return Err(Problem::unavailable("The server is stopping."));
    }
    match app.shards.statistics(READY_DEADLINE).await {
        Some(_) => Ok(Json(Status { status: "ready" })),
        None => Err(Problem::unavailable("A media thread does not answer.")),
    }
}

/// The answer to `GET /api/version`.
#[derive(Debug, Serialize)]
pub(super) struct Versions {
    version: &'static str,
    protocol: Version,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'static str>,
    capabilities: &'static [&'static str],
}

/// What runs here.
pub(super) async fn version() -> Json<Versions> {
    Json(Versions {
        version: env!("CARGO_PKG_VERSION"),
        protocol: Version::CURRENT,
        commit: option_env!("VISAVIS_COMMIT"),
        capabilities: &CAPABILITIES,
    })
}
