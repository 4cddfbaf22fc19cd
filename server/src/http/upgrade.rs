//! From an HTTP request to a signaling connection.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use shared::limits::MESSAGE_BYTES_MAX;
use tracing::Instrument as _;

use super::admission::{self, Full};
use super::caller;
use super::problem::Problem;
use crate::access::{Locality, Openness, Refusal};
use crate::app::App;
use crate::signaling::{Line, Visit, converse, span};

/// Messages up to this long are read, so that one that is too long gets an answer; beyond it the connection breaks.
const READ_BYTES_MAX: usize = 4 * MESSAGE_BYTES_MAX;

/// Signaling messages are small; the library's own 128 KiB for each client would be most of what a client costs.
const READ_BUFFER_BYTES: usize = 4096;

/// Checks the origin and the bounds, then hands the socket to a task of its own.
pub(super) async fn upgrade(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let address = caller::address(peer, &headers, &app.config.trusted_proxies);
    let is_encrypted = app.config.tls.is_some();
    if !caller::is_allowed(caller::origin(&headers), &headers, is_encrypted, &app.config.origins) {
        tracing::debug!(%address, "refused a page of another origin");
        return Problem::origin_refused().into_response();
    }
    let from = caller::locality(peer, &headers, &app.config.trusted_proxies);
    if app.gate.openness() == Openness::ThisMachine && from == Locality::Elsewhere {
        return Problem::forbidden(&Refusal::NotFromHere.to_string()).into_response();
    }
    let Ok(upgrade) = upgrade else { return Problem::no_websocket().into_response() };
    if app.is_stopping() {
        return Problem::unavailable("The server is stopping.").into_response();
    }
    let permit = match app.admission.admit(address) {
        Ok(permit) => permit,
        Err(full) => {
            tracing::debug!(%address, ?full, "refused: too many connections");
            let problem = match full {
                Full::Server => Problem::unavailable("The server is full. Try again in a few seconds."),
                Full::Address => Problem::too_many_connections(),
            };
            return problem.into_response();
        }
    };
    let visit = Visit { address: admission::network(address) };
    let connection = app.next_connection();
    let work = app.work.clone();
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(READ_BYTES_MAX)
        .max_frame_size(READ_BYTES_MAX)
        .on_upgrade(move |socket| async move {
            tracing::debug!(connection = connection.0, %address, "connected");
            let conversation =
                converse(Line::new(socket), connection, visit, Arc::clone(&app.rooms), app.shutdown.clone());
            conversation.instrument(span(connection)).await;
            drop((permit, work));
        })
}
