//! Which certificate a client is shown.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::certificate::Certificate;

/// The protocol of a validation (RFC 8737 section 6.2).
pub(super) const CHALLENGE_PROTOCOL: &[u8] = b"acme-tls/1";

/// One certificate for everybody, and one for each name that is being validated (bounded by the names of the settings).
#[derive(Debug, Default)]
pub(super) struct Resolver {
    current: RwLock<Option<Arc<Certificate>>>,
    challenges: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Resolver {
    /// From now on this one is shown; connections that are open stay as they are.
    pub(super) fn show(&self, certificate: Certificate) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(certificate));
    }

    pub(super) fn current(&self) -> Option<Arc<Certificate>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For which names the present certificate is.
    pub(super) fn names(&self) -> Option<Vec<String>> {
        self.current().map(|certificate| certificate.facts.names.clone())
    }

    /// Answers validations of this name until [`Resolver::forget_challenges`].
    pub(super) fn add_challenge(&self, name: &str, key: CertifiedKey) {
        self.lock_challenges().insert(name.to_owned(), Arc::new(key));
    }

    pub(super) fn forget_challenges(&self) {
        self.lock_challenges().clear();
    }

    fn lock_challenges(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<CertifiedKey>>> {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // RFC 8737 section 3: who validates offers this protocol and no other, and names the name.
        let offers_challenge = hello.alpn().is_some_and(|mut offered| {
            offered.next() == Some(CHALLENGE_PROTOCOL) && offered.next().is_none()
        });
        if offers_challenge {
            return self.lock_challenges().get(hello.server_name()?).cloned();
        }
        self.current().map(|certificate| Arc::clone(&certificate.key))
    }
}

/// Whether this connection was a validation, which ends with its handshake.
pub(in crate::http) fn is_challenge(negotiated: Option<&[u8]>) -> bool {
    negotiated == Some(CHALLENGE_PROTOCOL)
}
