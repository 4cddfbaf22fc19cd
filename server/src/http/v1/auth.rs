//! Who asks: the bearer of a key.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::super::caller;
use super::super::problem::Problem;
use super::quota::{Left, TooMany};
use super::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::access::{ApiBearer, UnixSeconds};
use crate::app::App;

/// Lets a request through that carries a key which opens the API, within its quotas. Handlers find the
/// [`ApiBearer`] among the request's extensions.
pub(super) async fn authorize(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let address = caller::address(peer, request.headers(), &app.config.trusted_proxies);
    let now = Instant::now();
    let admitted = app.quotas.of_address(address, now).map_err(too_many).and_then(|_| {
        let bearer = bearer(&app, request.headers())?;
        let left = app.quotas.of_key(&bearer.key, now).map_err(too_many)?;
        Ok((bearer, left))
    });
    match admitted {
        Ok((bearer, left)) => {
            request.extensions_mut().insert(bearer);
            with_limits(next.run(request).await, left)
        }
        Err(problem) => problem.into_response(),
    }
}

fn bearer(app: &App, headers: &HeaderMap) -> Result<ApiBearer, Problem> {
    const FORM: &str = "Send a key: Authorization: Bearer ID:SECRET, or a signed token for the API.";
    if app.gate.keys().is_empty() {
        return Err(Problem::forbidden(
            "This server has no keys, so its API is closed. Make one with `visavis keys new`.",
        ));
    }
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let credentials = value.and_then(|value| value.split_once(' '));
    // The scheme's case does not matter (RFC 9110 §11.1).
    let credentials = credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, credentials) = credentials.ok_or_else(|| Problem::unauthorized(FORM))?;
    let now = UnixSeconds::of(SystemTime::now());
    app.gate.api(credentials.trim(), now).map_err(|error| {
        tracing::debug!(%error, "refused a bearer of the API");
        Problem::unauthorized(format!("The key does not open the API: {error}."))
    })
}

fn too_many(refused: TooMany) -> Problem {
    let whole_seconds = refused.retry_after.as_millis().div_ceil(1000).max(1);
    Problem::too_many_requests(u32::try_from(whole_seconds).unwrap_or(u32::MAX))
}

/// Tells what is left, in the form of the IETF's draft on rate limit headers.
fn with_limits(mut response: Response, left: Left) -> Response {
    let policy = format!("\"key\";q={};w={}", left.burst, left.window_s);
    let state = format!("\"key\";r={};t={}", left.requests, left.window_s);
    for (name, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
