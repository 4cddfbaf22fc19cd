//! The small HTTP API: a name for a new meeting, and what operators and load balancers ask.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
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
    /// With this whoever asked leads the meeting; absent where the operator's keys say who does.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
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
    let is_own = |origin: &&str| caller::is_allowed(Some(*origin), &headers, config.tls.is_some(), &[]);
    let origin = caller::origin(&headers).filter(is_own);
    let base = match origin {
        Some(origin) => origin.to_owned(),
        None => caller::base(peer, &headers, config).unwrap_or_default(),
    };
    let link = format!("{base}/r/{room}");
    let token = app.rooms.host_token(&room);
    (StatusCode::CREATED, Json(CreatedRoom { room, link, token }))
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

/// Meetings can be held: every media thread answers, what they keep can be written, and the server is not about to stop.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Json<Status>, Problem> {
    if app.is_stopping() {
        return Err(Problem::unavailable("The server is stopping."));
    }
    if app.shards.statistics(READY_DEADLINE).await.is_none() {
        return Err(Problem::unavailable("A media thread does not answer."));
    }
    match tokio::time::timeout(READY_DEADLINE, app.store.check()).await {
        Ok(Ok(())) => Ok(Json(Status { status: "ready" })),
        Ok(Err(error)) => {
            tracing::error!(%error, "the data folder cannot be written");
            Err(Problem::unavailable("The data folder cannot be written. Running meetings go on."))
        }
        Err(_) => Err(Problem::unavailable("The data folder answers too slowly. Running meetings go on.")),
    }
}

/// The answer to `GET /api/forwarding`.
#[derive(Debug, Serialize)]
pub(super) struct Forwarding {
    /// From reading a packet to sending it on, on average and on the slowest thread; absent before anything was forwarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_us: Option<u32>,
}

/// What a packet's stay in this server takes: a stage in the latency of a call, and nothing about anybody in it.
pub(super) async fn forwarding(State(app): State<Arc<App>>) -> Json<Forwarding> {
    Json(Forwarding { mean_us: app.shards.forwarding_us() })
}

/// What `GET /api/embed` is asked.
#[derive(Debug, Deserialize)]
pub(super) struct EmbedQuestion {
    origin: String,
}

/// The answer to `GET /api/embed`.
#[derive(Debug, Serialize)]
pub(super) struct EmbedAnswer {
    allowed: bool,
}

/// Whether a page of this origin may speak with the meeting that it shows in a frame. Asked by the frame.
pub(super) async fn embed(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    question: Result<Query<EmbedQuestion>, QueryRejection>,
) -> Json<EmbedAnswer> {
    let config = &app.config;
    let is_listed =
        |origin: &str| caller::may_embed(origin, &headers, config.tls.is_some(), &config.embed_origins);
    Json(EmbedAnswer { allowed: question.is_ok_and(|Query(question)| is_listed(&question.origin)) })
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
