//! Who asks: the address, the scheme and the origin, behind reverse proxies too.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};

use crate::access::Locality;
use crate::config::{Config, Origin};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The address of the client. A trusted proxy appends the one it saw to `X-Forwarded-For`: the last entry that
/// is not itself a trusted proxy counts, everything before it may be invented.
pub(super) fn address(peer: SocketAddr, headers: &HeaderMap, trusted_proxies: &[IpAddr]) -> IpAddr {
    let peer = peer.ip().to_canonical();
    if !trusted_proxies.contains(&peer) {
        return peer;
    }
    let entries = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let addresses: Vec<IpAddr> =
        entries.flat_map(|value| value.split(',')).filter_map(|entry| entry.trim().parse().ok()).collect();
    addresses.into_iter().rev().find(|address| !trusted_proxies.contains(address)).unwrap_or(peer)
}

/// Whether the request comes from this very machine. A proxy on it makes nobody local.
pub(super) fn locality(peer: SocketAddr, headers: &HeaderMap, trusted_proxies: &[IpAddr]) -> Locality {
    const OF_PROXIES: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_forwarded = OF_PROXIES.iter().any(|name| headers.contains_key(*name));
    Locality::of(address(peer, headers, trusted_proxies), host, is_forwarded)
}

/// The site's own base address as the caller sees it, such as `https://meet.example.org`.
pub(super) fn base(peer: SocketAddr, headers: &HeaderMap, config: &Config) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let is_trusted = config.trusted_proxies.contains(&peer.ip().to_canonical());
    let is_encrypted = match headers.get(FORWARDED_PROTO).filter(|_| is_trusted) {
        Some(scheme) => scheme == "https",
        None => config.tls.is_some(),
    };
    let scheme = if is_encrypted { "https" } else { "http" };
    format!("{scheme}://{host}").parse::<Origin>().ok().map(|origin| origin.to_string())
}

/// The `Origin` of a request, when it has one that can be read. A browser always sends it with a WebSocket
/// (RFC 6455 section 4.1); programs that are not browsers need not.
pub(super) fn origin(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or("null"))
}

/// Whether a page of this origin may use the server: when it has no origin (no browser, so no user's cookies or
/// devices are at stake), when it is the site itself, or when it is listed. A site that is encrypted here has one scheme;
/// otherwise it is not compared, because a proxy may have added TLS. On the loopback address any port may, because
/// `trunk serve` serves the page from a port of its own.
pub(super) fn is_allowed(
    origin: Option<&str>,
    headers: &HeaderMap,
    is_encrypted: bool,
    allowed: &[Origin],
) -> bool {
    let Some(origin) = origin else { return true };
    let Ok(origin) = origin.parse::<Origin>() else { return false };
    if allowed.contains(&origin) {
        return true;
    }
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let own: Vec<Origin> =
        schemes(is_encrypted).iter().filter_map(|scheme| format!("{scheme}://{host}").parse().ok()).collect();
    own.contains(&origin) || own.iter().any(|own| own.is_loopback() && origin.is_loopback())
}

/// Whether a page of this origin may show the site in a frame and speak with it: the site itself, or one that is listed. The same
/// pages stand in `frame-ancestors`; there is no exception for the loopback address.
pub(super) fn may_embed(origin: &str, headers: &HeaderMap, is_encrypted: bool, listed: &[Origin]) -> bool {
    let Ok(origin) = origin.parse::<Origin>() else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_own =
        |scheme: &&str| format!("{scheme}://{host}").parse::<Origin>().is_ok_and(|own| own == origin);
    listed.contains(&origin) || schemes(is_encrypted).iter().any(is_own)
}

/// Which schemes the site's own pages may have: behind a proxy it is not known.
const fn schemes(is_encrypted: bool) -> &'static [&'static str] {
    if is_encrypted { &["https"] } else { &["https", "http"] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{CertificateFiles, TlsSource};

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn check_origin(origin: Option<&str>, host: &str, listed: &[&str], expected: bool) {
        let listed: Vec<Origin> = listed.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(
            is_allowed(origin, &headers(&[("host", host)]), false, &listed),
            expected,
            "{origin:?} at {host}"
        );
    }

    #[test]
    fn the_site_s_own_pages_may_connect() {
        check_origin(Some("http://localhost:8080"), "localhost:8080", &[], true);
        check_origin(Some("https://meet.example.org"), "meet.example.org", &[], true);
        check_origin(Some("https://meet.example.org"), "meet.example.org:443", &[], true);
        check_origin(Some("http://[::1]:8080"), "[::1]:8080", &[], true);
        check_origin(None, "localhost:8080", &[], true);
    }

    #[test]
    fn on_the_loopback_address_another_port_may_connect() {
        check_origin(Some("http://localhost:8081"), "localhost:8080", &[], true);
        check_origin(Some("http://127.0.0.1:8081"), "localhost:8080", &[], true);
        check_origin(Some("http://[::1]:8081"), "127.0.0.1:8080", &[], true);
    }

    #[test]
    fn other_pages_may_connect_only_when_listed() {
        check_origin(Some("https://evil.example"), "meet.example.org", &[], false);
        check_origin(Some("http://localhost:8081"), "meet.example.org", &[], false);
        check_origin(Some("https://evil.example"), "localhost:8080", &[], false);
        check_origin(Some("http://localhost.evil.example"), "localhost:8080", &[], false);
        check_origin(Some("https://meet.example.org.evil.example"), "meet.example.org", &[], false);
        check_origin(Some("null"), "localhost:8080", &[], false);
        check_origin(Some("https://app.example"), "meet.example.org", &["https://app.example"], true);
        check_origin(Some("http://app.example"), "meet.example.org", &["https://app.example"], false);
    }

    #[test]
    fn only_listed_pages_and_the_site_itself_may_embed() {
        let listed = ["https://app.example".parse().unwrap()];
        let check = |origin: &str, host: &str, expected| {
            assert_eq!(
                may_embed(origin, &headers(&[("host", host)]), false, &listed),
                expected,
                "{origin} at {host}"
            );
        };
        check("https://app.example", "meet.example.org", true);
        check("https://meet.example.org", "meet.example.org", true);
        check("http://app.example", "meet.example.org", false);
        check("https://evil.example", "meet.example.org", false);
        check("https://app.example.evil.example", "meet.example.org", false);
        check("http://localhost:8000", "localhost:8080", false);
        check("null", "meet.example.org", false);
        check("", "meet.example.org", false);
    }

    #[test]
    fn forwarding_headers_are_believed_from_trusted_proxies_only() {
        let check = |peer: &str, forwarded: &str, trusted: &[&str], expected: &str| {
            let trusted: Vec<IpAddr> = trusted.iter().map(|text| text.parse().unwrap()).collect();
            let headers = headers(&[("x-forwarded-for", forwarded)]);
            let found = address(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap());
        };
        check("203.0.113.1:5", "198.51.100.9", &[], "203.0.113.1");
        check("10.0.0.1:5", "198.51.100.9", &["10.0.0.1"], "198.51.100.9");
        check("10.0.0.1:5", "1.1.1.1, 198.51.100.9, 10.0.0.2", &["10.0.0.1", "10.0.0.2"], "198.51.100.9");
        check("10.0.0.1:5", "nonsense", &["10.0.0.1"], "10.0.0.1");
        check("[::ffff:10.0.0.1]:5", "198.51.100.9", &["10.0.0.1"], "198.51.100.9");
    }

    #[test]
    fn what_a_proxy_on_this_machine_passes_on_is_not_from_here() {
        let check = |peer: &str, list: &[(&'static str, &str)], expected| {
            assert_eq!(locality(peer.parse().unwrap(), &headers(list), &[]), expected);
        };
        let host = ("host", "localhost:8080");
        check("127.0.0.1:5", &[host], Locality::ThisMachine);
        check("127.0.0.1:5", &[host, ("x-forwarded-for", "127.0.0.1")], Locality::Elsewhere);
        check("127.0.0.1:5", &[host, ("via", "1.1 proxy")], Locality::Elsewhere);
        check("192.0.2.1:5", &[host], Locality::Elsewhere);
    }

    #[test]
    fn the_base_is_what_the_caller_sees() {
        let config = Config { trusted_proxies: vec!["10.0.0.1".parse().unwrap()], ..Config::default() };
        let check = |peer: &str, list: &[(&'static str, &str)], expected: Option<&str>| {
            assert_eq!(base(peer.parse().unwrap(), &headers(list), &config).as_deref(), expected);
        };
        check("10.0.0.9:1", &[("host", "localhost:8080")], Some("http://localhost:8080"));
        let proxied = [("host", "meet.example.org"), ("x-forwarded-proto", "https")];
        check("10.0.0.1:1", &proxied, Some("https://meet.example.org"));
        check("10.0.0.9:1", &proxied, Some("http://meet.example.org"));
        check("10.0.0.9:1", &[("host", "a/b")], None);
        check("10.0.0.9:1", &[], None);
    }

    #[test]
    fn a_site_that_is_encrypted_here_has_https_alone() {
        let files = CertificateFiles { certificate: "a.pem".into(), key: "b.pem".into() };
        let tls = Some(TlsSource::Files(files));
        let config = Config { tls, trusted_proxies: vec!["10.0.0.1".parse().unwrap()], ..Config::default() };
        let host = ("host", "meet.example.org");
        let base = |peer: &str, list: &[(&'static str, &str)]| {
            base(peer.parse().unwrap(), &headers(list), &config).unwrap()
        };
        assert_eq!(base("10.0.0.9:1", &[host]), "https://meet.example.org");
        assert_eq!(base("10.0.0.9:1", &[host, ("x-forwarded-proto", "http")]), "https://meet.example.org");
        assert_eq!(base("10.0.0.1:1", &[host, ("x-forwarded-proto", "http")]), "http://meet.example.org");
        let (own, list) = (["https://meet.example.org", "http://meet.example.org"], headers(&[host]));
        assert_eq!(own.map(|origin| is_allowed(Some(origin), &list, true, &[])), [true, false]);
        assert_eq!(own.map(|origin| may_embed(origin, &list, true, &[])), [true, false]);
        let list = headers(&[("host", "localhost:8443")]);
        assert!(is_allowed(Some("http://localhost:8081"), &list, true, &[]), "trunk serves the page");
    }
}
