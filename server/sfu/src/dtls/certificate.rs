//! Our certificate and the peer's fingerprint (RFC 8122).

use std::fmt;
use std::sync::Arc;

use rtc::crypto::RTCCryptoProvider;
use rtc::dtls::crypto::Certificate as Identity;
use rtc::shared::error::Error as RtcError;

use super::DtlsError;
use crate::fingerprint::Fingerprint;

/// A self-signed ECDSA certificate with its key. Generate one per process; clones share the key.
#[derive(Clone)]
pub struct Certificate {
    identity: Identity,
    fingerprint: Fingerprint,
    provider: Arc<dyn RTCCryptoProvider>,
}

impl Certificate {
    /// Generates a key on P-256 and a certificate for it. Takes its randomness from the operating system: a
    /// private key must not depend on a caller's seed.
    ///
    /// # Errors
    /// [`DtlsError::Failed`] when the cryptography fails.
    pub fn generate() -> Result<Self, DtlsError> {
        let provider = rtc::crypto::default_provider()
            .map_err(|error| DtlsError::Failed(RtcError::Crypto(error.to_string())))?;
        let identity = Identity::generate_self_signed(vec!["visavis".to_owned()], provider.crypto())
            .map_err(DtlsError::Failed)?;
        let fingerprint = Fingerprint::of(&identity.certificate[0]);
        Ok(Self { identity, fingerprint, provider })
    }

    /// The SHA-256 fingerprint for `a=fingerprint`.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(super) fn identity(&self) -> Identity {
        self.identity.clone()
    }

    pub(super) fn provider(&self) -> Arc<dyn RTCCryptoProvider> {
        Arc::clone(&self.provider)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_private_key_is_not_shown() {
        let shown = format!("{:?}", Certificate::generate().unwrap());
        assert!(!shown.contains("key"), "{shown}");
    }
}
