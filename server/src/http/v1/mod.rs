//! The HTTP API for operators' own programs: tokens, rooms and who is in them. Described by `GET /api/openapi.json`,
//! which is made from the handlers below.

mod arrival;
mod auth;
mod body;
mod captions;
mod idempotency;
mod kept_rooms;
mod participants;
mod quota;
mod responses;
mod rooms;
mod tokens;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::{Json, Router, middleware};
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::openapi::OpenApi as Description;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::quota::Quotas;
use super::problem::Problem;
use crate::access::ControlError;
use crate::app::App;
use crate::config::Origin;
use crate::control::StoreError;

/// Longest body of a request in bytes: a token's grants with the longest metadata are a tenth of it.
const BODY_BYTES_MAX: usize = 32 * 1024;
/// Most items of a page, and how many there are when nobody says.
const PAGE_MAX: usize = 100;
const PAGE_DEFAULT: usize = 50;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What is said about the API as a whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Visavis",
        description = "Tokens, rooms and participants of a Visavis server. Every request carries a key: \
            `Authorization: Bearer ID:SECRET`, or a JSON Web Token of at most an hour whose `aud` is `visavis:api`. \
            Errors are problem details (RFC 9457). A POST with an `Idempotency-Key` may be repeated for a day: it is \
            done once.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/api/v1", description = "This server.")),
    components(schemas(Problem)),
    modifiers(&Bearer),
    security(("key" = [])),
)]
struct Whole;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, description: &mut Description) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        description.components.get_or_insert_default().add_security_scheme("key", scheme);
    }
}

fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Whole::openapi())
        .routes(routes!(tokens::create_token))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(rooms::list_rooms, rooms::create_room))
        .routes(routes!(rooms::read_room, rooms::forget_room))
        .routes(routes!(rooms::set_policy))
        .routes(routes!(rooms::end_room))
        .routes(routes!(participants::list_participants))
        .routes(routes!(participants::remove_participant))
        .routes(routes!(participants::mute_participant))
        .routes(routes!(captions::feed_caption))
}

/// What `GET /api/openapi.json` answers: OpenAPI 3.1.
pub(super) async fn description() -> Json<Description> {
    Json(operations().into_openapi())
}

/// The routes below `/api/v1`.
pub(super) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let (routes, _) = operations().split_for_parts();
    routes
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .fallback(async || Problem::not_found("There is nothing at this address of the API."))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(app), idempotency::once))
        .layer(middleware::from_fn(arrival::complete))
        .layer(middleware::from_fn_with_state(Arc::clone(app), auth::authorize))
        .layer(cross_origin(&app.config.origins))
}

/// Pages of the configured origins may use the API (Fetch standard, CORS); those of others may not, and no cookie is
/// ever looked at.
fn cross_origin(origins: &[Origin]) -> CorsLayer {
    let values = origins.iter().filter_map(|origin| HeaderValue::from_str(origin.as_str()).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(values))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, IDEMPOTENCY_KEY])
        .expose_headers([header::RETRY_AFTER, RATE_LIMIT, RATE_LIMIT_POLICY, IDEMPOTENCY_REPLAYED])
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict | StoreError::LeaseLost => Self::conflict(
                "Somebody else changed this at the same time. Read it again and repeat the change.",
            ),
            StoreError::TooLarge(what) => {
                Self::bad_request(format!("This is too long for the server: {what}."))
            }
            StoreError::Busy => {
                Self::unavailable("The server has too much to do. Try again in a few seconds.")
            }
            StoreError::Down(_) => {
                tracing::error!(%error, "a request of the API failed");
                Self::unavailable(
                    "The server cannot use its data folder at the moment. Running meetings go on.",
                )
            }
        }
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::NoSuchRoom => Self::not_found("Nobody is in this room."),
            ControlError::NoSuchParticipant => Self::not_found("This participant is not in the room."),
            ControlError::TooFast => Self::too_many_requests(1),
            ControlError::Busy => {
                Self::unavailable("The server has too much to do. Try again in a few seconds.")
            }
            ControlError::Detached => {
                Self::not_implemented("This server does not tell about its live rooms.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The committed description. After a change of the API, run this test with `UPDATE_OPENAPI=1` and look at the
    /// difference: programs of others depend on it.
    #[test]
    fn the_committed_description_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let mut current = operations().into_openapi().to_pretty_json().unwrap();
        current.push('\n');
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(path, &current).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == current,
            "server/openapi.json is not current: run this test with UPDATE_OPENAPI=1"
        );
    }

    #[test]
    fn every_operation_tells_its_errors_and_needs_a_key() {
        let description = serde_json::to_value(operations().into_openapi()).unwrap();
        assert_eq!(description["openapi"], "3.1.0");
        assert_eq!(description["security"][0]["key"], serde_json::json!([]));
        let paths = description["paths"].as_object().unwrap();
        for (path, item) in paths {
            for (method, operation) in item.as_object().unwrap() {
                for status in ["401", "429", "503"] {
                    assert!(operation["responses"][status].is_object(), "{method} {path} {status}");
                }
            }
        }
        assert_eq!(paths.values().map(|item| item.as_object().unwrap().len()).sum::<usize>(), 12);
    }
}
