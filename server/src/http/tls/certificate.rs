//! What a certificate says, and whether it can be served. Pure: bytes and the time are arguments.

use std::net::IpAddr;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, InconsistentKeys};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::access::UnixSeconds;

/// Most certificates of a chain that are looked at; real ones have two or three.
const CHAIN_MAX: usize = 16;
const DAY_S: u64 = 24 * 3600;

/// Why a certificate cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CertificateError {
    #[error("there is no certificate in PEM in it")]
    NoCertificate,
    #[error("certificate {0} in it cannot be read")]
    Malformed(usize),
    #[error("there are more than {CHAIN_MAX} certificates in it")]
    TooMany,
    #[error("there is no private key in PEM in it")]
    NoKey,
    #[error("its private key is of a kind that TLS does not use here")]
    UnusableKey,
    #[error("the private key belongs to another certificate")]
    KeyMismatch,
    #[error("the certificate is for no name")]
    NoNames,
    #[error("the certificate expired {} ago", days(*seconds))]
    Expired { seconds: u64 },
    #[error("the certificate is valid in {} only; is this machine's clock right?", days(*seconds))]
    NotYetValid { seconds: u64 },
}

/// What stands in the first certificate of a chain, and how the others follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Names and addresses, as in `subjectAltName`; names in lower case, maybe with a wildcard.
    pub(crate) names: Vec<String>,
    pub(crate) not_before: UnixSeconds,
    pub(crate) not_after: UnixSeconds,
    /// Each certificate is followed by that of its issuer.
    pub(crate) is_in_order: bool,
    /// Its issuer is not among those that follow, and it is not its own.
    pub(crate) lacks_issuer: bool,
    /// It is its own issuer: nobody trusts it who was not told to.
    pub(crate) is_self_signed: bool,
}

/// What is shown to clients.
#[derive(Debug)]
pub(crate) struct Certificate {
    pub(crate) facts: Facts,
    pub(crate) key: Arc<CertifiedKey>,
}

impl Certificate {
    /// Reads a chain and its key, and refuses what clients would refuse.
    pub(crate) fn read(chain_pem: &[u8], key_pem: &[u8], now: UnixSeconds) -> Result<Self, CertificateError> {
        let chain = chain(chain_pem)?;
        let facts = Facts::of(&chain)?;
        let key = certified(chain, key_pem)?;
        facts.check(now)?;
        Ok(Self { facts, key: Arc::new(key) })
    }
}

impl Facts {
    /// Reads the certificates of a chain.
    pub(crate) fn read(chain_pem: &[u8]) -> Result<Self, CertificateError> {
        Self::of(&chain(chain_pem)?)
    }

    fn of(chain: &[CertificateDer<'static>]) -> Result<Self, CertificateError> {
        let read = |(index, der): (usize, &CertificateDer<'static>)| {
            let parsed =
                X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed(index + 1))?;
            let certificate = parsed.1;
            let (subject, issuer) =
                (certificate.subject().as_raw().to_vec(), certificate.issuer().as_raw().to_vec());
            Ok(((subject, issuer), (index == 0).then(|| (names(&certificate), period(&certificate)))))
        };
        let all: Vec<_> = chain.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        let ((subject, issuer), Some((names, (not_before, not_after)))) =
            all.first().ok_or(CertificateError::NoCertificate)?
        else {
            return Err(CertificateError::NoCertificate);
        };
        if names.is_empty() {
            return Err(CertificateError::NoNames);
        }
        let follows = all.windows(2).all(|pair| pair[0].0.1 == pair[1].0.0);
        let is_self_signed = subject == issuer;
        let has_issuer = all.iter().skip(1).any(|((other, _), _)| other == issuer);
        Ok(Self {
            names: names.clone(),
            not_before: *not_before,
            not_after: *not_after,
            is_in_order: follows,
            lacks_issuer: !is_self_signed && !has_issuer,
            is_self_signed,
        })
    }

    /// Whether it is valid now.
    pub(crate) fn check(&self, now: UnixSeconds) -> Result<(), CertificateError> {
        if now > self.not_after {
            return Err(CertificateError::Expired { seconds: now.0 - self.not_after.0 });
        }
        if now < self.not_before {
            return Err(CertificateError::NotYetValid { seconds: self.not_before.0 - now.0 });
        }
        Ok(())
    }

    /// Whether a client that asked for this name or address accepts it (RFC 6125: a wildcard is one whole label).
    pub(crate) fn covers(&self, host: &str) -> bool {
        covers(&self.names, host)
    }
}

/// See [`Facts::covers`].
pub(crate) fn covers(names: &[String], host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    names.iter().any(|name| match name.strip_prefix("*.") {
        Some(parent) => {
            let is_address = host.parse::<IpAddr>().is_ok();
            !is_address
                && host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent)
        }
        None => *name == host,
    })
}

/// Whether the key belongs to the first certificate of the chain.
pub(crate) fn check_key(chain_pem: &[u8], key_pem: &[u8]) -> Result<(), CertificateError> {
    certified(chain(chain_pem)?, key_pem).map(drop)
}

/// Whether there is an authority in PEM that others can be checked against.
pub(crate) fn check_root(pem: &[u8]) -> Result<(), CertificateError> {
    let chain = chain(pem)?;
    let first = chain.first().ok_or(CertificateError::NoCertificate)?;
    X509Certificate::from_der(first).map(drop).map_err(|_| CertificateError::Malformed(1))
}

fn certified(chain: Vec<CertificateDer<'static>>, key_pem: &[u8]) -> Result<CertifiedKey, CertificateError> {
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| CertificateError::NoKey)?;
    let signing = aws_lc_rs::sign::any_supported_type(&key).map_err(|_| CertificateError::UnusableKey)?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        // A key that does not tell its public half is taken at its word.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(CertificateError::KeyMismatch),
        Err(_) => Err(CertificateError::Malformed(1)),
    }
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let mut chain = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        if chain.len() == CHAIN_MAX {
            return Err(CertificateError::TooMany);
        }
        chain.push(certificate.map_err(|_| CertificateError::Malformed(chain.len() + 1))?);
    }
    if chain.is_empty() { Err(CertificateError::NoCertificate) } else { Ok(chain) }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = extension.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        GeneralName::OtherName(..)
        | GeneralName::RFC822Name(_)
        | GeneralName::X400Address(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EDIPartyName(_)
        | GeneralName::URI(_)
        | GeneralName::RegisteredID(_)
        | GeneralName::Invalid(..) => None,
    });
    names.collect()
}

fn period(certificate: &X509Certificate<'_>) -> (UnixSeconds, UnixSeconds) {
    let seconds = |time: i64| UnixSeconds(u64::try_from(time).unwrap_or_default());
    let validity = certificate.validity();
    (seconds(validity.not_before.timestamp()), seconds(validity.not_after.timestamp()))
}

fn days(seconds: u64) -> String {
    match (seconds / DAY_S, seconds / 3600) {
        (0, 0) => "less than an hour".to_owned(),
        (0, hours) => format!("{hours} h"),
        (1, _) => "1 day".to_owned(),
        (days, _) => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests;
