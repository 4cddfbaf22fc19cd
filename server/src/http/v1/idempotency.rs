//! A POST with an `Idempotency-Key` is done once, however often it is sent (IETF draft-ietf-httpapi-idempotency-key-header).
//! The first answer is kept for a day and given again.

use std::sync::Arc;
use std::time::SystemTime;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::problem::Problem;
use super::{BODY_BYTES_MAX, IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED};
use crate::access::{ApiBearer, UnixSeconds};
use crate::app::App;
use crate::control::{Commit, Condition, KeyName, Space, StoreError, Write};

/// How long an answer is kept.
const KEPT_S: u64 = 24 * 3600;
/// How long a request may take; when the server ends in the middle of one, it may be repeated after this.
const IN_PROGRESS_S: u64 = 60;
/// Longest idempotency key in bytes.
const KEY_BYTES_MAX: usize = 255;
/// Longest answer in bytes: those of POSTs are short.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What is kept of a request.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// The digest of method, path and body.
    fingerprint: String,
    /// Absent while it is worked on.
    answer: Option<Answer>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    status: u16,
    content_type: Option<String>,
    /// In base64.
    body: String,
}

/// Carries out what has not been carried out yet.
pub(super) async fn once(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let key = request.headers().get(IDEMPOTENCY_KEY).cloned();
    let bearer = request.extensions().get::<ApiBearer>().cloned();
    let (Some(key), Some(bearer), &Method::POST) = (key, bearer, request.method()) else {
        return next.run(request).await;
    };
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Problem::bad_request(format!("Idempotency-Key must have 1 to {KEY_BYTES_MAX} bytes."))
            .into_response();
    }
    // The digest keeps the store's keys short, whatever the caller chose.
    let name = KeyName::of(Space::Idempotency, bearer.key.as_str())
        .child(&BASE64_STANDARD.encode(Sha256::digest(key.as_bytes())));
    match begin(&app, &name, request).await {
        Ok((fingerprint, request)) => {
            let response = next.run(request).await;
            keep(&app, &name, fingerprint, response).await
        }
        Err(answer) => *answer,
    }
}

/// Takes the key for this request, or says what to answer instead.
async fn begin(app: &App, name: &KeyName, request: Request) -> Result<(String, Request), Box<Response>> {
    let refuse = |problem: Problem| Box::new(problem.into_response());
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| {
        refuse(Problem::unreadable_request(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The body is too long, or broke off.",
        ))
    })?;
    let mut digest = Sha256::new();
    digest.update(parts.uri.path());
    digest.update([0]);
    digest.update(&body);
    let fingerprint = BASE64_STANDARD.encode(digest.finalize());
    let begun = Kept { fingerprint: fingerprint.clone(), answer: None };
    let now = UnixSeconds::of(SystemTime::now());
    let commit = Commit {
        conditions: vec![Condition::Absent(name.clone())],
        writes: vec![put(name, &begun, now.plus(IN_PROGRESS_S))],
    };
    match app.store.commit(commit, now).await {
        Ok(_) => Ok((fingerprint, Request::from_parts(parts, Body::from(body)))),
        Err(StoreError::Conflict) => Err(Box::new(again(app, name, &fingerprint, now).await)),
        Err(error) => Err(refuse(error.into())),
    }
}

/// The answer to a request whose key was used before.
async fn again(app: &App, name: &KeyName, fingerprint: &str, now: UnixSeconds) -> Response {
    let entry = match app.store.get(name.clone(), now).await {
        Ok(entry) => entry,
        Err(error) => return Problem::from(error).into_response(),
    };
    let kept = entry.and_then(|entry| serde_json::from_slice::<Kept>(&entry.value).ok());
    match kept {
        Some(kept) if kept.fingerprint != fingerprint => Problem::unprocessable(
            "This Idempotency-Key was used for another request. Take a new one for each that differs.",
        )
        .into_response(),
        Some(Kept { answer: Some(answer), .. }) => replay(&answer),
        Some(Kept { answer: None, .. }) | None => Problem::in_progress().into_response(),
    }
}

fn replay(answer: &Answer) -> Response {
    let body = BASE64_STANDARD.decode(&answer.body).unwrap_or_default();
    let mut response = (StatusCode::from_u16(answer.status).unwrap_or_default(), body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    if let Some(kind) = answer.content_type.as_ref().and_then(|kind| HeaderValue::from_str(kind).ok()) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    response
}

/// Keeps an answer that stands. What failed on our side may be tried again with the same key.
async fn keep(app: &App, name: &KeyName, fingerprint: String, response: Response) -> Response {
    let now = UnixSeconds::of(SystemTime::now());
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap_or_default();
    let write = if parts.status.is_server_error() {
        Write::Delete(name.clone())
    } else {
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let answer = Answer {
            status: parts.status.as_u16(),
            content_type: kind.map(str::to_owned),
            body: BASE64_STANDARD.encode(&body),
        };
        put(name, &Kept { fingerprint, answer: Some(answer) }, now.plus(KEPT_S))
    };
    if let Err(error) = app.store.commit(Commit::of(vec![write]), now).await {
        tracing::error!(%error, "an answer of the API cannot be kept for its repetition");
    }
    Response::from_parts(parts, Body::from(body))
}

fn put(name: &KeyName, kept: &Kept, until: UnixSeconds) -> Write {
    let value = serde_json::to_vec(kept).unwrap_or_default();
    Write::Put { key: name.clone(), value, until: Some(until) }
}
