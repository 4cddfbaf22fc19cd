//! Our certificate and the peer's fingerprint (RFC 8122).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::digest;
use rtc::crypto::RTCCryptoProvider;
use rtc::dtls::crypto::Certificate as Identity;
use rtc::shared::error::Error as RtcError;

use super::DtlsError;

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
        let fingerprint = Fingerprint::sha_256(&identity.certificate[0]);
        Ok(Self { identity, fingerprint, provider })
    }

    /// The SHA-256 fingerprint for `a=fingerprint`.
    pub const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
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

/// The hash of a certificate, as `sha-256 4A:AD:B9:…` in a session description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    hash: Hash,
    digest: Vec<u8>,
}

impl Fingerprint {
    fn sha_256(certificate: &[u8]) -> Self {
        Self { hash: Hash::Sha256, digest: Hash::Sha256.digest(certificate) }
    }

    /// Whether this is the hash of the certificate in DER.
    pub(super) fn matches(&self, certificate: &[u8]) -> bool {
        self.hash.digest(certificate) == self.digest
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.hash.name())?;
        for (at, octet) in self.digest.iter().enumerate() {
            let separator = if at == 0 { ' ' } else { ':' };
            write!(f, "{separator}{octet:02X}")?;
        }
        Ok(())
    }
}

impl FromStr for Fingerprint {
    type Err = DtlsError;

    /// Parses the value of `a=fingerprint`. Hash names and hexadecimal digits may have either case.
    fn from_str(value: &str) -> Result<Self, DtlsError> {
        Self::parse(value).ok_or(DtlsError::InvalidFingerprint)
    }
}

impl Fingerprint {
    fn parse(value: &str) -> Option<Self> {
        let (name, digits) = value.trim().split_once(' ')?;
        let hash = Hash::ACCEPTED.into_iter().find(|hash| hash.name().eq_ignore_ascii_case(name))?;
        let len = hash.algorithm().output_len();
        // Two digits and a separator for each octet but the last; longer input is not even looked at.
        if digits.len() != 3 * len - 1 {
            return None;
        }
        let digest = digits.split(':').map(hex_octet).collect::<Option<Vec<u8>>>()?;
        (digest.len() == len).then_some(Self { hash, digest })
    }
}

fn hex_octet(digits: &str) -> Option<u8> {
    let is_octet = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_octet.then(|| u8::from_str_radix(digits, 16).ok())?
}

/// A hash function for fingerprints. Weaker ones of RFC 8122 (MD5, SHA-1) are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    const ACCEPTED: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    const fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }

    fn digest(self, octets: &[u8]) -> Vec<u8> {
        digest::digest(self.algorithm(), octets).as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_survives_the_session_description() {
        let certificate = Certificate::generate().unwrap();
        let text = certificate.fingerprint().to_string();
        assert_eq!(text.len(), "sha-256 ".len() + 32 * 3 - 1);
        assert_eq!(&text.parse::<Fingerprint>().unwrap(), certificate.fingerprint());
        let other_case = text.to_lowercase().replace("sha", "SHA");
        assert_eq!(&other_case.parse::<Fingerprint>().unwrap(), certificate.fingerprint());
    }

    #[test]
    fn stronger_hashes_are_accepted_and_weaker_ones_refused() {
        for hash in [Hash::Sha384, Hash::Sha512] {
            let fingerprint = Fingerprint { hash, digest: hash.digest(b"certificate") };
            let parsed: Fingerprint = fingerprint.to_string().parse().unwrap();
            assert!(parsed.matches(b"certificate") && !parsed.matches(b"another"));
        }
        let sha_1 = format!("sha-1 {}", ["AB"; 20].join(":"));
        assert!(sha_1.parse::<Fingerprint>().is_err());
    }

    #[test]
    fn malformed_fingerprints_are_refused() {
        let good = Certificate::generate().unwrap().fingerprint().to_string();
        let bad = [
            String::new(),
            "sha-256".to_owned(),
            "sha-256 ".to_owned(),
            good.replace(':', "-"),
            good[..good.len() - 3].to_owned(),
            format!("{good}:00"),
            format!("{}+0", &good[..good.len() - 2]),
            format!("{}é", &good[..good.len() - 2]),
        ];
        for value in bad {
            assert!(value.parse::<Fingerprint>().is_err(), "{value}");
        }
    }

    #[test]
    fn the_private_key_is_not_shown() {
        let shown = format!("{:?}", Certificate::generate().unwrap());
        assert!(!shown.contains("key"), "{shown}");
    }
}
