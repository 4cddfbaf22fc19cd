//! How the site is encrypted, as it stands in the settings.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use axum::http::Uri;
use serde::Deserialize;

use super::layer::Layer;
use super::value::InvalidValue;
use super::{ConfigError, invalid};

/// Let's Encrypt.
const DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// Most names of one certificate: what Let's Encrypt allows.
const DOMAINS_MAX: usize = 100;
/// Longest name (RFC 1035 section 2.3.4), and longest label.
const DOMAIN_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// Where the site's certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsSource {
    /// Two files, which somebody else renews.
    Files(CertificateFiles),
    /// The server gets and renews it by itself.
    Acme(AcmeSettings),
}

/// A certificate in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, followed by those that lead to its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How a certificate is got from an authority (RFC 8555).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmeSettings {
    /// The names that it is for; at least one.
    pub domains: Vec<DomainName>,
    /// Whom the authority may write to.
    pub contact: Vec<MailContact>,
    /// The authority.
    pub directory: DirectoryUrl,
    /// A file with the authority that the directory's own certificate is checked against, in PEM; nothing: those that
    /// this machine trusts.
    pub root: Option<PathBuf>,
}

/// A name in the DNS, in lower case and without a wildcard.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct DomainName(String);

impl DomainName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DomainName {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim().to_ascii_lowercase();
        let is_label = |label: &str| {
            let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
            (1..=LABEL_BYTES_MAX).contains(&label.len())
                && label.chars().all(is_allowed)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_address = last.chars().all(|c| c.is_ascii_digit());
        let is_name = name.len() <= DOMAIN_BYTES_MAX && name.contains('.') && name.split('.').all(is_label);
        if is_name && !is_address {
            return Ok(Self(name));
        }
        Err(InvalidValue(
            "a name in the DNS such as meet.example.org, without a wildcard, a port or an address",
        ))
    }
}

impl TryFrom<String> for DomainName {
    type Error = InvalidValue;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A mail address, kept as the URL that ACME wants: `mailto:…`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct MailContact(String);

impl MailContact {
    /// The address as a URL.
    #[must_use]
    pub fn as_url(&self) -> &str {
        &self.0
    }
}

impl FromStr for MailContact {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let address = text.strip_prefix("mailto:").unwrap_or(text);
        // RFC 8555 section 7.3: one address, no further fields.
        let is_plain =
            |c: char| c.is_ascii_graphic() && !matches!(c, ',' | '?' | '<' | '>' | '"' | '(' | ')' | '/');
        match address.split_once('@') {
            Some((name, host)) if !name.is_empty() && host.contains('.') && address.chars().all(is_plain) => {
                Ok(Self(format!("mailto:{address}")))
            }
            Some(_) | None => Err(InvalidValue("a mail address such as admin@example.org")),
        }
    }
}

impl TryFrom<String> for MailContact {
    type Error = InvalidValue;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The address of an ACME directory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct DirectoryUrl(String);

impl DirectoryUrl {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for DirectoryUrl {
    fn default() -> Self {
        Self(DIRECTORY.to_owned())
    }
}

impl FromStr for DirectoryUrl {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: InvalidValue =
            InvalidValue("an https address such as https://acme.example.org/directory");
        let url: Uri = text.trim().parse().map_err(|_| FORM)?;
        // RFC 8555 section 6.1: ACME is spoken over https alone.
        let is_complete =
            url.scheme_str() == Some("https") && url.host().is_some_and(|host| !host.is_empty());
        if is_complete { Ok(Self(url.to_string())) } else { Err(FORM) }
    }
}

impl TryFrom<String> for DirectoryUrl {
    type Error = InvalidValue;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Puts the settings of TLS together. Files are looked at when the server starts, not here.
pub(super) fn source(layer: &Layer) -> Result<Option<TlsSource>, ConfigError> {
    let domains = layer.acme_domains.clone().unwrap_or_default();
    let files = match (&layer.tls_certificate, &layer.tls_key) {
        (Some(certificate), Some(key)) => {
            Some(CertificateFiles { certificate: certificate.clone(), key: key.clone() })
        }
        (None, None) => None,
        (Some(certificate), None) => {
            return Err(invalid("tls_certificate", certificate.display(), "given together with tls_key"));
        }
        (None, Some(key)) => {
            return Err(invalid("tls_key", key.display(), "given together with tls_certificate"));
        }
    };
    match (files, domains.is_empty()) {
        (Some(_), false) => {
            let names: Vec<&str> = domains.iter().map(DomainName::as_str).collect();
            let bound = "absent where tls_certificate is given: either files or ACME";
            Err(invalid("acme_domains", names.join(","), bound))
        }
        (Some(files), true) => without_acme(layer).map(|()| Some(TlsSource::Files(files))),
        (None, true) => without_acme(layer).map(|()| None),
        (None, false) if domains.len() > DOMAINS_MAX => {
            Err(invalid("number of acme_domains", domains.len(), &format!("at most {DOMAINS_MAX}")))
        }
        (None, false) => Ok(Some(TlsSource::Acme(AcmeSettings {
            domains,
            contact: layer.acme_contact.clone().unwrap_or_default(),
            directory: layer.acme_directory.clone().unwrap_or_default(),
            root: layer.acme_root.clone(),
        }))),
    }
}

/// Who sets how a certificate is got and not for which names has forgotten something.
fn without_acme(layer: &Layer) -> Result<(), ConfigError> {
    let directory = layer.acme_directory.as_ref().map(|url| ("acme_directory", url.as_str().to_owned()));
    let contact = layer.acme_contact.as_ref().and_then(|contacts| contacts.first());
    let contact = contact.map(|contact| ("acme_contact", contact.as_url().to_owned()));
    let root = layer.acme_root.as_ref().map(|root| ("acme_root", root.display().to_string()));
    match directory.or(contact).or(root) {
        Some((key, value)) => Err(invalid(key, value, "given together with acme_domains")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_of_the_dns() {
        assert_eq!("Meet.Example.ORG".parse::<DomainName>().unwrap().as_str(), "meet.example.org");
        let long = format!("{}.org", "a".repeat(64));
        for text in
            ["localhost", "*.example.org", "192.0.2.1", "a b.org", "-a.org", "a..org", "a.org:443", "", &long]
        {
            assert!(text.parse::<DomainName>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_contact_is_a_mail_address_with_or_without_its_scheme() {
        for text in ["ada@example.org", " mailto:ada@example.org"] {
            assert_eq!(text.parse::<MailContact>().unwrap().as_url(), "mailto:ada@example.org");
        }
        for text in ["ada", "@example.org", "ada@host", "a@b.org?subject=x", "a b@c.org", "tel:1@b.org/x"] {
            assert!(text.parse::<MailContact>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_directory_is_asked_over_https_alone() {
        assert!("https://acme.example.org:14000/dir".parse::<DirectoryUrl>().is_ok());
        for text in ["http://acme.example.org/dir", "acme.example.org", "https://", "/dir", "ftp://a/b"] {
            assert!(text.parse::<DirectoryUrl>().is_err(), "{text}");
        }
    }
}
