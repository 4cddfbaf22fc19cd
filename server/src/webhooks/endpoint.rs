//! Where webhooks go, as the operator configured it.

use std::net::IpAddr;

use axum::http::Uri;

use super::address::is_public;
use super::event::EventKind;
use super::signature::Secret;
use crate::access::KeyId;

/// Most endpoints.
pub const ENDPOINTS_MAX: usize = 16;

/// Why webhooks cannot go there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is no URL of the web.
    #[error("the url must be like https://example.org/path, without a user and a fragment")]
    Url,
    /// It is not encrypted.
    #[error("the url must be https, unless allow_private says that it is in your own network")]
    NotEncrypted,
    /// It is an address of a private network.
    #[error("the url names a private address; say allow_private = true if that is meant")]
    Private,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name in the settings, in logs and in the store.
    pub id: KeyId,
    /// Where.
    pub url: Uri,
    /// What signs.
    pub secret: Secret,
    /// What it wants to hear; empty: everything.
    pub events: Vec<EventKind>,
    /// It may be in a private network and without encryption.
    pub allow_private: bool,
}

impl Endpoint {
    /// Checks the URL. A name is checked again at each connection, because what it leads to may change.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn new(
        id: KeyId,
        url: &str,
        secret: Secret,
        events: Vec<EventKind>,
        allow_private: bool,
    ) -> Result<Self, EndpointError> {
        let url: Uri = url.parse().map_err(|_| EndpointError::Url)?;
        let has_user = url.authority().is_none_or(|authority| authority.as_str().contains('@'));
        let is_web = matches!(url.scheme_str(), Some("http" | "https"));
        if has_user || !is_web || url.host().is_none_or(str::is_empty) {
            return Err(EndpointError::Url);
        }
        let endpoint = Self { id, url, secret, events, allow_private };
        if !allow_private && !endpoint.is_encrypted() {
            return Err(EndpointError::NotEncrypted);
        }
        if !allow_private && endpoint.host().parse::<IpAddr>().is_ok_and(|address| !is_public(address)) {
            return Err(EndpointError::Private);
        }
        Ok(endpoint)
    }

    /// Whether it wants to hear of this.
    #[must_use]
    pub fn wants(&self, kind: EventKind) -> bool {
        self.events.is_empty() || self.events.contains(&kind)
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.url.scheme_str() == Some("https")
    }

    /// The name or the address, without the brackets of IPv6.
    pub(super) fn host(&self) -> &str {
        self.url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    pub(super) fn port(&self) -> u16 {
        self.url.port_u16().unwrap_or(if self.is_encrypted() { 443 } else { 80 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, allow_private: bool) -> Option<EndpointError> {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        Endpoint::new(KeyId::new("crm").unwrap(), url, secret, Vec::new(), allow_private).err()
    }

    #[test]
    fn only_encrypted_public_places_are_taken_unless_the_operator_says_otherwise() {
        assert_eq!(check("https://example.org/hook?x=1", false), None);
        assert_eq!(check("http://example.org/hook", false), Some(EndpointError::NotEncrypted));
        assert_eq!(check("https://10.0.0.1/hook", false), Some(EndpointError::Private));
        assert_eq!(check("https://[::1]:8443/hook", false), Some(EndpointError::Private));
        assert_eq!(check("http://127.0.0.1:9000/hook", true), None);
        for url in ["", "/hook", "ftp://example.org", "https://ada:pw@example.org/", "example.org"] {
            assert_eq!(check(url, true), Some(EndpointError::Url), "{url}");
        }
    }
}
