//! Errors over HTTP, in the form of RFC 9457 (problem details), mapped in one place.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// When somebody who was refused for want of room may try again.
const RETRY_AFTER_S: u32 = 10;

/// An error that a person or a program can act on (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Says no more than the status.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// A sentence that says what is wrong and what to do.
    detail: String,
    /// Sent as the header of RFC 9110 §10.2.3.
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            detail: detail.into(),
            retry_after_s: None,
        }
    }

    pub(super) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "This address answers to another method.")
    }

    pub(super) fn origin_refused() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "This page may not connect here. Its origin must be the server's own or be listed in the setting `origins`.",
        )
    }

    pub(super) fn forbidden(detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    pub(super) fn too_many_rooms(max: usize) -> Self {
        Self::forbidden(&format!(
            "This key has set up as many rooms as a key may: rooms_per_key_max is {max}. Forget some with DELETE \
             /api/v1/rooms/ROOM, or raise rooms_per_key_max in the server's settings."
        ))
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    pub(super) fn conflict(detail: &str) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub(super) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// A body or a parameter that the framework could not read, with its own status.
    pub(super) fn unreadable_request(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::new(status, detail)
    }

    pub(super) fn too_many_requests(retry_after_s: u32) -> Self {
        let detail = "Too many requests in too short a time. Wait as long as Retry-After says and try again.";
        Self { retry_after_s: Some(retry_after_s), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    pub(super) fn late_body() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time. Send the request again.")
    }

    pub(super) fn not_implemented(detail: &str) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, detail)
    }

    pub(super) fn in_progress() -> Self {
        let detail = "The same request with this Idempotency-Key is being worked on. Try again in a moment.";
        Self { retry_after_s: Some(1), ..Self::new(StatusCode::CONFLICT, detail) }
    }

    pub(super) fn too_many_connections() -> Self {
        let detail = "Too many connections from your address are open. Close some meetings and try again.";
        Self { retry_after_s: Some(RETRY_AFTER_S), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    pub(super) fn no_websocket() -> Self {
        Self::new(StatusCode::UPGRADE_REQUIRED, "This address speaks WebSocket (RFC 6455) only.")
    }

    pub(super) fn unavailable(detail: &str) -> Self {
        Self { retry_after_s: Some(RETRY_AFTER_S), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    pub(super) fn unreadable() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "The site cannot be read at the moment.")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers =
            [(header::CONTENT_TYPE, "application/problem+json"), (header::CACHE_CONTROL, "no-store")];
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (status, headers, body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §11.6.1: how to do better.
            let challenge = header::HeaderValue::from_static("Bearer realm=\"visavis\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
