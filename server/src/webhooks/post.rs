//! One POST to an endpoint. The address is checked after the name was looked up, and is the one that is connected to:
//! what the name leads to a moment later does not matter. Redirects are not followed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::address::is_public;
use super::endpoint::Endpoint;
use super::outbox::Message;
use crate::access::UnixSeconds;

/// From looking the name up to the answer's head. Who takes a webhook answers first and works later.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error("the name cannot be looked up")]
    Lookup(#[source] std::io::Error),
    #[error("the name leads to private addresses only, which allow_private would allow")]
    Private,
    #[error("no connection")]
    Connect(#[source] std::io::Error),
    #[error("this machine's certificate authorities cannot be used")]
    Roots(#[source] rustls::Error),
    #[error("the name cannot be in a certificate")]
    Name,
    #[error("the connection broke")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be made")]
    Request(#[from] axum::http::Error),
    #[error("no answer in time")]
    Late,
}

/// Sends a message and returns the status of the answer.
pub(super) async fn post(
    endpoint: &Endpoint,
    message: &Message,
    now: UnixSeconds,
) -> Result<StatusCode, PostError> {
    let exchange = async {
        let stream = connect(endpoint).await?;
        if endpoint.is_encrypted() {
            let name = ServerName::try_from(endpoint.host().to_owned()).map_err(|_| PostError::Name)?;
            let connector = TlsConnector::from(client_config()?);
            exchange(
                connector.connect(name, stream).await.map_err(PostError::Connect)?,
                endpoint,
                message,
                now,
            )
            .await
        } else {
            exchange(stream, endpoint, message, now).await
        }
    };
    tokio::time::timeout(TIMEOUT, exchange).await.unwrap_or(Err(PostError::Late))
}

async fn connect(endpoint: &Endpoint) -> Result<TcpStream, PostError> {
    let found =
        tokio::net::lookup_host((endpoint.host(), endpoint.port())).await.map_err(PostError::Lookup)?;
    let may = |address: &SocketAddr| endpoint.allow_private || is_public(address.ip());
    let addresses: Vec<SocketAddr> = found.filter(may).collect();
    if addresses.is_empty() {
        return Err(PostError::Private);
    }
    TcpStream::connect(addresses.as_slice()).await.map_err(PostError::Connect)
}

/// Trusts what the machine trusts. Read for each message: authorities change while a server runs for months.
fn client_config() -> Result<Arc<ClientConfig>, PostError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(PostError::Roots)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    endpoint: &Endpoint,
    message: &Message,
    now: UnixSeconds,
) -> Result<StatusCode, PostError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let response = sender.send_request(request(endpoint, message, now)?);
    // The connection carries the request; it goes with the answer's head, whatever may follow.
    tokio::select! {
        response = response => Ok(response?.status()),
        ended = connection => Err(ended.err().map_or(PostError::Late, PostError::Http)),
    }
}

fn request(
    endpoint: &Endpoint,
    message: &Message,
    now: UnixSeconds,
) -> Result<Request<Full<Bytes>>, axum::http::Error> {
    let path = endpoint.url.path_and_query().map_or("/", |path| path.as_str());
    let host = endpoint.url.authority().map_or("", |authority| authority.as_str());
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("Visavis/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", now.0)
        .header("webhook-signature", endpoint.secret.sign(&message.id, now, &message.body))
        .body(Full::new(Bytes::from(message.body.clone())))
}
