//! Plain HTTP beside an encrypted site: every request is sent on to https, and to nowhere else.

use std::net::SocketAddr;

use axum::Router;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::problem::Problem;
use super::tls::Tls;

/// Why a request is not sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Refused {
    /// There is not exactly one host, or it is none.
    #[error("The request names no host, or more than one.")]
    NoHost,
    /// The host is somebody else's: sending there would make this server a helper of whoever made the link.
    #[error("This server does not answer for that host.")]
    NotOurs,
    /// The target is no path.
    #[error("Only paths are sent on to https.")]
    NoPath,
}

/// The router of the plain listener. `https` is where the encrypted site listens.
pub(super) fn router(tls: Tls, https: SocketAddr) -> Router {
    Router::new().fallback(async move |uri: Uri, headers: HeaderMap| {
        answer(location(&uri, &headers, https.port(), |host| tls.is_own(host)))
    })
}

fn answer(location: Result<String, Refused>) -> Response {
    match location {
        // RFC 9110 section 15.4.9: the method stays what it is.
        Ok(location) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response(),
        Err(Refused::NotOurs) => {
            let status = StatusCode::MISDIRECTED_REQUEST;
            Problem::unreadable_request(status, Refused::NotOurs.to_string()).into_response()
        }
        Err(refused @ (Refused::NoHost | Refused::NoPath)) => {
            Problem::bad_request(refused.to_string()).into_response()
        }
    }
}

/// Where a request is sent on to. Pure.
fn location(
    uri: &Uri,
    headers: &HeaderMap,
    https_port: u16,
    is_own: impl Fn(&str) -> bool,
) -> Result<String, Refused> {
    let path = uri.path_and_query().map(|path| path.as_str()).filter(|path| path.starts_with('/'));
    // RFC 9112 section 3.2.2: in absolute form, the target's host counts and not the header.
    let authority = match uri.authority() {
        Some(authority) => authority.clone(),
        None => {
            let mut hosts = headers.get_all(header::HOST).iter();
            let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(Refused::NoHost) };
            host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()).ok_or(Refused::NoHost)?
        }
    };
    let host = authority.host();
    let name = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    if authority.as_str().contains('@') || name.is_empty() || !name.chars().all(is_name) {
        return Err(Refused::NoHost);
    }
    if !is_own(&name) {
        return Err(Refused::NotOurs);
    }
    let path = path.ok_or(Refused::NoPath)?;
    let host = if name.contains(':') { format!("[{name}]") } else { name };
    let port = if https_port == 443 { String::new() } else { format!(":{https_port}") };
    Ok(format!("https://{host}{port}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, hosts: &[&str], port: u16, expected: Result<&str, Refused>) {
        let headers: HeaderMap = hosts.iter().map(|host| (header::HOST, host.parse().unwrap())).collect();
        let is_own = |host: &str| ["meet.example.org", "2001:db8::1"].contains(&host);
        let found = location(&uri.parse().unwrap(), &headers, port, is_own);
        assert_eq!(found.as_deref().map_err(|refused| *refused), expected, "{uri} at {hosts:?}");
    }

    #[test]
    fn path_and_query_are_kept_and_the_port_is_that_of_https() {
        let host = ["meet.example.org"];
        check("/r/standup?a=b&c=%20d", &host, 443, Ok("https://meet.example.org/r/standup?a=b&c=%20d"));
        check("/", &["Meet.Example.ORG:80"], 8443, Ok("https://meet.example.org:8443/"));
        check("/", &["[2001:db8::1]:8080"], 443, Ok("https://[2001:db8::1]/"));
        check("//evil.example/x", &host, 443, Ok("https://meet.example.org//evil.example/x"));
        check("http://meet.example.org/x", &["evil.example"], 443, Ok("https://meet.example.org/x"));
    }

    #[test]
    fn nobody_is_sent_to_a_host_that_is_not_ours() {
        check("/", &["evil.example"], 443, Err(Refused::NotOurs));
        check("/", &["meet.example.org.evil.example"], 443, Err(Refused::NotOurs));
        check("http://evil.example/x", &["meet.example.org"], 443, Err(Refused::NotOurs));
        check("/", &["192.0.2.1"], 443, Err(Refused::NotOurs));
        check("/", &[], 443, Err(Refused::NoHost));
        check("/", &["meet.example.org", "meet.example.org"], 443, Err(Refused::NoHost));
        check("/", &["evil.example@meet.example.org"], 443, Err(Refused::NoHost));
        check("/", &["meet.example.org/evil"], 443, Err(Refused::NoHost));
        check("/", &["meet.example.org\\evil"], 443, Err(Refused::NoHost));
        check("/", &[""], 443, Err(Refused::NoHost));
        check("*", &["meet.example.org"], 443, Err(Refused::NoPath));
        check("meet.example.org:443", &["meet.example.org"], 443, Err(Refused::NoPath));
    }
}
