//! Headers that every answer carries.

use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

use crate::config::Origin;

/// What a page may load and do (CSP level 3), apart from its inline scripts. WebAssembly needs its own word;
/// `blob:` serves workers and pictures made in the page. Style attributes are set by the views.
const POLICY: &str = "default-src 'self'; connect-src 'self'; img-src 'self' data: blob:; \
    media-src 'self' blob: mediastream:; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; \
    object-src 'none'; base-uri 'self'; form-action 'self'";

/// The devices are for the site itself, not for what it may frame.
const PERMISSIONS: &str = "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), \
    fullscreen=(self), speaker-selection=(self), screen-wake-lock=(self), geolocation=(), payment=(), usb=()";

/// The policy of a page with these inline scripts, each given as the base64 of its SHA-256. Besides the site itself, pages
/// of `embed_origins` may show it in a frame.
pub(super) fn policy(script_hashes: &[String], embed_origins: &[Origin]) -> String {
    let hashes: String = script_hashes.iter().map(|hash| format!(" 'sha256-{hash}'")).collect();
    let ancestors: String = embed_origins.iter().map(|origin| format!(" {origin}")).collect();
    format!("{POLICY}; frame-ancestors 'self'{ancestors}; script-src 'self' 'wasm-unsafe-eval'{hashes}")
}

/// For files that pages of any origin load: the script of the embedding and what describes it. Nothing in them is secret.
pub(super) fn share(headers: &mut HeaderMap) {
    set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(headers, HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
}

/// Adds what is missing; a page's own policy stays.
pub(super) async fn secure(mut response: Response) -> Response {
    let is_unmodified = response.status() == StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, header::REFERRER_POLICY, "no-referrer");
    set(headers, HeaderName::from_static("permissions-policy"), PERMISSIONS);
    set(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    // The headers of a 304 replace those of the page in the browser's cache (RFC 9111 §3.2): it must not bring a
    // policy, or a reload would get the page without its scripts.
    if !is_unmodified {
        set(headers, header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    }
    response
}

/// For every answer over TLS: for two years browsers ask for nothing else (RFC 6797). Names below this one are not meant:
/// they may be somebody else's.
pub(super) async fn only_encrypted(mut response: Response) -> Response {
    set(response.headers_mut(), header::STRICT_TRANSPORT_SECURITY, "max-age=63072000");
    response
}

/// For answers that are true only now.
pub(super) async fn never_cache(mut response: Response) -> Response {
    set(response.headers_mut(), header::CACHE_CONTROL, "no-store");
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;

    #[test]
    fn only_listed_pages_may_show_the_site_in_a_frame() {
        let ancestors = |origins: &[&str]| {
            let origins: Vec<Origin> = origins.iter().map(|text| text.parse().unwrap()).collect();
            let policy = policy(&[], &origins);
            policy.split("; ").find(|part| part.starts_with("frame-ancestors")).map(str::to_owned)
        };
        assert_eq!(ancestors(&[]).as_deref(), Some("frame-ancestors 'self'"));
        assert_eq!(
            ancestors(&["https://a.example", "http://localhost:8000"]).as_deref(),
            Some("frame-ancestors 'self' https://a.example http://localhost:8000")
        );
    }

    #[tokio::test]
    async fn an_unmodified_page_keeps_the_policy_that_the_browser_has_stored() {
        let unmodified = secure(StatusCode::NOT_MODIFIED.into_response()).await;
        assert!(!unmodified.headers().contains_key(header::CONTENT_SECURITY_POLICY));
        let missing = secure(StatusCode::NOT_FOUND.into_response()).await;
        assert!(missing.headers().contains_key(header::CONTENT_SECURITY_POLICY));
    }
}
