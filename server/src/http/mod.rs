//! Everything that is asked over HTTP: the site, a small API, and the upgrade to a WebSocket.

mod admission;
mod api;
mod caller;
mod headers;
mod listener;
mod problem;
mod redirect;
mod site;
pub(crate) mod tls;
mod upgrade;
mod v1;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{any, get, post};
use tower_http::compression::CompressionLayer;

pub(crate) use self::admission::{Admission, SIGNALING_MAX};
pub(crate) use self::listener::{Port, serve};
use self::problem::Problem;
pub(crate) use self::site::Site;
use self::tls::Tls;
pub(crate) use self::v1::Quotas;
use crate::app::App;

/// All routes. What is neither the API nor the WebSocket belongs to the site.
pub(crate) fn router(app: Arc<App>) -> Router {
    let api = Router::new()
        .route("/rooms", post(api::create_room))
        .route("/embed", get(api::embed))
        .route("/health", get(api::health))
        .route("/ready", get(api::ready))
        .route("/version", get(api::version))
        .route("/forwarding", get(api::forwarding))
        .route("/openapi.json", get(v1::description))
        .nest("/v1", v1::router(&app))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .fallback(async || Problem::not_found("There is nothing at this address of the API."))
        .layer(middleware::map_response(headers::never_cache));
    let pages = any(site::serve).layer(CompressionLayer::new());
    let is_encrypted = app.config.tls.is_some();
    let router = Router::new()
        .nest("/api", api)
        .route("/ws", any(upgrade::upgrade))
        .fallback_service(pages.with_state(Arc::clone(&app)))
        .layer(middleware::map_response(headers::secure))
        .with_state(app);
    if is_encrypted { router.layer(middleware::map_response(headers::only_encrypted)) } else { router }
}

/// Whether this program carries a site.
pub(crate) fn has_built_in_site() -> bool {
    site::is_built_in()
}

/// What is answered over plain HTTP beside the encrypted site at `https`.
pub(crate) fn redirect(tls: Tls, https: SocketAddr) -> Router {
    redirect::router(tls, https).layer(middleware::map_response(headers::secure))
}
