//! Asks an address whether Visavis answers there, and what time it has.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::{Request, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::observation::NoAnswer;
use crate::access::UnixSeconds;
use crate::app::describe;

/// From looking the name up to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What answers.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) version: String,
    pub(super) time: Option<UnixSeconds>,
}

#[derive(Deserialize)]
struct Versions {
    version: String,
    /// Only Visavis tells it.
    protocol: serde_json::Map<String, serde_json::Value>,
}

/// Asks this machine's own port. Its certificate is not looked at: it is for another name, and nothing secret is said.
pub(super) async fn ask_here(address: SocketAddr, is_encrypted: bool) -> Option<Answer> {
    let asked = async {
        let stream = TcpStream::connect(address).await.ok()?;
        if !is_encrypted {
            return exchange(stream, "localhost").await.ok();
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .ok()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").ok()?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
        exchange(stream, "localhost").await.ok()
    };
    tokio::time::timeout(TIMEOUT, asked).await.ok().flatten()
}

/// Asks as a browser would, certificate and all. Whom this machine trusts is trusted: the authorities of the system, or
/// those in the files that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
pub(super) async fn ask(host: &str, port: u16, is_encrypted: bool) -> Result<Answer, NoAnswer> {
    let silent = |error: io::Error| NoAnswer::Silent(error.to_string());
    let asked = async {
        let stream = TcpStream::connect((host, port)).await.map_err(silent)?;
        if !is_encrypted {
            return exchange(stream, host).await.map_err(NoAnswer::Silent);
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| NoAnswer::Silent(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name =
            ServerName::try_from(host.to_owned()).map_err(|error| NoAnswer::Silent(error.to_string()))?;
        let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        exchange(connected.map_err(|error| unconnected(&error))?, host).await.map_err(NoAnswer::Silent)
    };
    let in_time = tokio::time::timeout(TIMEOUT, asked).await;
    in_time.unwrap_or_else(|_| Err(NoAnswer::Silent("no answer in time".to_owned())))
}

/// What a handshake came to nothing for: the certificate, or something else.
fn unconnected(error: &io::Error) -> NoAnswer {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let Some(Error::InvalidCertificate(problem)) = inner else { return NoAnswer::Silent(describe(error)) };
    if matches!(problem, CertificateError::Expired | CertificateError::ExpiredContext { .. }) {
        NoAnswer::Expired
    } else if matches!(problem, CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) {
        NoAnswer::NotYetValid
    } else if matches!(
        problem,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
    ) {
        NoAnswer::WrongName
    } else if matches!(problem, CertificateError::UnknownIssuer) {
        NoAnswer::Untrusted("this machine does not know the authority that issued it".to_owned())
    } else {
        NoAnswer::Untrusted(problem.to_string())
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    host: &str,
) -> Result<Answer, String> {
    let broken = |error: hyper::Error| describe(&error);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let request = Request::get("/api/version").header(header::HOST, host);
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let date = response.headers().get(header::DATE).and_then(|date| date.to_str().ok());
        let time = date.and_then(|date| httpdate::parse_http_date(date).ok()).map(UnixSeconds::of);
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        match serde_json::from_slice::<Versions>(&body) {
            Ok(versions) if versions.protocol.contains_key("major") => {
                Ok(Answer { version: versions.version, time })
            }
            Ok(_) | Err(_) => Err("something else answers there".to_owned()),
        }
    };
    tokio::select! {
        answered = answered => answered,
        ended = connection => Err(ended.err().map_or("the connection ended".to_owned(), broken)),
    }
}

/// The clock of this machine.
pub(super) fn now() -> UnixSeconds {
    UnixSeconds::of(SystemTime::now())
}

/// Believes every certificate: see [`ask_here`].
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
