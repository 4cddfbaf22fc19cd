//! Bodies that are too long or come too slowly, refused before anything else looks at them. Only whoever has a key is
//! listened to at all.

use std::time::Duration;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::super::problem::Problem;
use super::BODY_BYTES_MAX;

/// A body has 32 KiB at most: a slow phone sends it in a second.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// Reads the whole body.
pub(super) async fn complete(request: Request, next: Next) -> Response {
    const TOO_LONG: &str = "The body is too long, or broke off.";
    let too_long = || Problem::unreadable_request(StatusCode::PAYLOAD_TOO_LARGE, TOO_LONG).into_response();
    let (parts, body) = request.into_parts();
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return too_long();
    }
    match tokio::time::timeout(BODY_DEADLINE, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(_)) => too_long(),
        Err(_) => Problem::late_body().into_response(),
    }
}
