//! TLS for the site: the certificate that is shown, and where it comes from.
//!
//! [`Tls::start`] reads what there is and refuses to start with what clients would refuse. From then on a task of its own
//! follows the files, or gets and renews the certificate; what is valid is shown until something better is there.

mod acme;
mod certificate;
mod files;
mod resolver;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{self, ServerConfig};

use self::acme::Acme;
pub(crate) use self::acme::AcmeStorage;
pub(crate) use self::certificate::{Facts, check_key, check_root, covers};
pub(super) use self::resolver::is_challenge;
use self::resolver::{CHALLENGE_PROTOCOL, Resolver};
use crate::access::UnixSeconds;
use crate::config::{DataDir, TlsSource};

/// What is spoken inside. HTTP/2 is not: the signaling is one WebSocket, which wants a connection of its own anyway, and
/// every bound of the listener is one of a connection.
const PROTOCOL: &[u8] = b"http/1.1";

/// Why the site cannot be encrypted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate or its key cannot be shown to clients.
    #[error("the certificate {} with the key {} cannot be used: {reason}", certificate.display(), key.display())]
    Certificate {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        reason: String,
    },
    /// The folder for the account and the certificates cannot be made.
    #[error("the folder {} for the certificates of ACME cannot be used", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file with the authority of the ACME directory holds none.
    #[error("there is no certificate of an authority in {}, which acme_root names", path.display())]
    Root {
        /// Which.
        path: PathBuf,
    },
    /// There is no folder to keep certificates in.
    #[error("certificates of ACME are kept in the data folder, and there is none; name one with --data-dir")]
    NoFolder,
    /// The library refuses its settings.
    #[error("TLS cannot be set up")]
    Library(#[from] rustls::Error),
}

/// Encrypts connections, and knows for which names.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    config: Arc<ServerConfig>,
    resolver: Arc<Resolver>,
    /// The names that ACME is asked for, which hold before there is a certificate.
    wanted: Arc<[String]>,
}

/// What keeps the certificate up to date.
#[derive(Debug)]
pub(crate) enum Upkeep {
    /// The files are looked at.
    Files(files::Watched),
    /// Certificates are got and renewed.
    Acme(Box<Acme>),
}

impl Tls {
    /// Reads the certificate. Blocks for as long as files take.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(crate) fn start(source: &TlsSource, data_dir: Option<&DataDir>) -> Result<(Self, Upkeep), TlsError> {
        let resolver = Arc::new(Resolver::default());
        let now = UnixSeconds::of(SystemTime::now());
        let (upkeep, wanted, protocols) = match source {
            TlsSource::Files(paths) => {
                let watched = files::Watched::open(paths.clone(), &resolver, now)?;
                (Upkeep::Files(watched), Vec::new(), vec![PROTOCOL.to_vec()])
            }
            TlsSource::Acme(settings) => {
                let folder = data_dir.ok_or(TlsError::NoFolder)?;
                let wanted = settings.domains.iter().map(|name| name.as_str().to_owned()).collect();
                let acme = Acme::open(settings.clone(), &folder.path, &resolver, now)?;
                (Upkeep::Acme(Box::new(acme)), wanted, vec![PROTOCOL.to_vec(), CHALLENGE_PROTOCOL.to_vec()])
            }
        };
        let config = Arc::new(server_config(Arc::clone(&resolver), protocols)?);
        Ok((Self { config, resolver, wanted: wanted.into() }, upkeep))
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// Whether this is a name of the site.
    pub(super) fn is_own(&self, host: &str) -> bool {
        covers(&self.wanted, host) || self.resolver.names().is_some_and(|names| covers(&names, host))
    }

    /// A name of the site that can be written into a link.
    pub(crate) fn name(&self) -> Option<String> {
        let shown = self.resolver.names().unwrap_or_default();
        self.wanted.iter().chain(&shown).find(|name| !name.starts_with("*.")).cloned()
    }
}

impl Upkeep {
    /// Keeps the certificate up to date until the server stops.
    pub(crate) async fn run(self, shutdown: watch::Receiver<bool>) {
        match self {
            Self::Files(watched) => watched.run(shutdown).await,
            Self::Acme(acme) => acme.run(shutdown).await,
        }
    }
}

/// The address of the site as a browser on this machine or elsewhere can open it.
#[must_use]
pub(crate) fn authority(name: Option<&str>, address: SocketAddr) -> String {
    let ip = address.ip();
    let host = match name {
        Some(name) if name.contains(':') => format!("[{name}]"),
        Some(name) => name.to_owned(),
        None if ip.is_unspecified() || ip.is_loopback() => "localhost".to_owned(),
        None if ip.is_ipv6() => format!("[{ip}]"),
        None => ip.to_string(),
    };
    match address.port() {
        443 => host,
        port => format!("{host}:{port}"),
    }
}

fn server_config(resolver: Arc<Resolver>, protocols: Vec<Vec<u8>>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = protocols;
    // Sessions are resumed from tickets: the server keeps none of them in memory.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(config)
}

/// Waits, and returns whether the server goes on.
async fn pause(duration: Duration, shutdown: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(duration) => true,
        () = crate::app::stopping(shutdown) => false,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_names_the_site_as_its_certificate_does() {
        let check = |name, address: &str, expected: &str| {
            assert_eq!(authority(name, address.parse().unwrap()), expected);
        };
        check(Some("meet.example.org"), "0.0.0.0:443", "meet.example.org");
        check(Some("meet.example.org"), "0.0.0.0:8443", "meet.example.org:8443");
        check(Some("2001:db8::1"), "[::]:443", "[2001:db8::1]");
        check(None, "0.0.0.0:443", "localhost");
        check(None, "192.0.2.1:8443", "192.0.2.1:8443");
        check(None, "[2001:db8::1]:443", "[2001:db8::1]");
    }
}
