//! The requests of ACME: each on a connection of its own, within a time, with an answer of bounded length. There are a
//! dozen of them every two months.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::super::{TlsError, read};

/// From looking the name up to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer is a chain of certificates.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Speaks HTTPS with whom the machine, or the settings, trust.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    root: Option<CertificateDer<'static>>,
}

impl Transport {
    /// # Errors
    /// When `root` cannot be read or holds no certificate.
    pub(super) fn new(root: Option<&Path>) -> Result<Self, TlsError> {
        let Some(path) = root else { return Ok(Self { root: None }) };
        let certificate = CertificateDer::from_pem_slice(&read(path)?);
        let root = certificate.map_err(|_| TlsError::Root { path: path.to_owned() })?;
        Ok(Self { root: Some(root) })
    }

    /// Read anew each time: authorities change while a server runs for months.
    fn client_config(&self) -> Result<Arc<ClientConfig>, Error> {
        let mut roots = RootCertStore::empty();
        match &self.root {
            Some(root) => roots.add(root.clone()).map_err(other)?,
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

impl HttpClient for Transport {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let transport = self.clone();
        Box::pin(async move {
            let exchange = transport.exchange(request);
            let response = tokio::time::timeout(TIMEOUT, exchange).await.map_err(other)??;
            Ok(BytesResponse::from(response))
        })
    }
}

impl Transport {
    async fn exchange(&self, request: Request<BodyWrapper<Bytes>>) -> Result<Response<Full<Bytes>>, Error> {
        // RFC 8555 section 6.1: whatever the directory names is asked over https.
        let uri = request.uri().clone();
        let (Some("https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(Error::Str("the directory names an address that is not https"));
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let stream =
            TcpStream::connect((host.as_str(), authority.port_u16().unwrap_or(443))).await.map_err(other)?;
        let name = ServerName::try_from(host).map_err(other)?;
        let connector = TlsConnector::from(self.client_config()?);
        let stream = connector.connect(name, stream).await.map_err(other)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(other)?;
        let answered = async {
            let response = sender.send_request(origin_form(request, &uri)?).await.map_err(other)?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(Error::Other)?;
            Ok(Response::from_parts(head, Full::new(body.to_bytes())))
        };
        let (answered, connection) = (std::pin::pin!(answered), std::pin::pin!(connection));
        match futures_util::future::select(answered, connection).await {
            futures_util::future::Either::Left((response, _)) => response,
            // The answer may have come whole with the end of the connection.
            futures_util::future::Either::Right((Ok(()), answered)) => answered.await,
            futures_util::future::Either::Right((Err(error), _)) => Err(other(error)),
        }
    }
}

/// RFC 9112 section 3.2.1: the path in the request line, the host in its header.
fn origin_form(
    request: Request<BodyWrapper<Bytes>>,
    uri: &Uri,
) -> Result<Request<BodyWrapper<Bytes>>, Error> {
    let (mut head, body) = request.into_parts();
    head.uri = uri.path_and_query().map_or("/", |path| path.as_str()).parse().map_err(other)?;
    let host = uri.authority().map_or("", |authority| authority.as_str());
    head.headers.insert(header::HOST, HeaderValue::from_str(host).map_err(other)?);
    Ok(Request::from_parts(head, body))
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Other(Box::new(error))
}
