//! Accepting connections, with bounds that axum's own `serve` does not offer: deadlines for handshakes and request heads,
//! and a limit on connections.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::admission::{Admission, Full, Permit};
use super::tls::{Tls, is_challenge};
use crate::app::stopping;
use crate::config::Config;

/// Open TCP connections, as long as no address has too many; further ones wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 25_000;
/// Of one address, for each that may carry its signaling: a browser has six more at a time for all the rest.
const CONNECTIONS_FOR_SIGNALING: usize = 8;
/// Of those to the port that only sends on to https: each is over after one answer.
const REDIRECTED_MAX: usize = 1_000;
/// How long a TLS handshake may take, from the first byte to the last: who goes through it a byte at a time holds a
/// connection no longer than this. It counts among the connections from the start.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request's head may take: who sends it a byte at a time holds a connection no longer than this.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// After a failed accept, for example because the process has too many files open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A port, and what is answered there.
#[derive(Debug)]
pub(crate) struct Port {
    listener: TcpListener,
    router: Router,
    tls: Option<Tls>,
    connections_max: usize,
    admission: Arc<Admission>,
    /// They bring the connections of many.
    trusted_proxies: Arc<[IpAddr]>,
}

impl Port {
    /// The site, encrypted where there is `tls`.
    pub(crate) fn site(listener: TcpListener, router: Router, tls: Option<Tls>, config: &Config) -> Self {
        Self::of(listener, router, tls, CONNECTIONS_MAX, config)
    }

    /// Plain HTTP that is sent on to the encrypted site.
    pub(crate) fn redirect(listener: TcpListener, router: Router, config: &Config) -> Self {
        Self::of(listener, router, None, REDIRECTED_MAX, config)
    }

    fn of(
        listener: TcpListener,
        router: Router,
        tls: Option<Tls>,
        connections_max: usize,
        config: &Config,
    ) -> Self {
        let admission =
            Admission::new(connections_max, config.connections_per_address_max * CONNECTIONS_FOR_SIGNALING);
        let trusted_proxies = config.trusted_proxies.as_slice().into();
        Self { listener, router, tls, connections_max, admission, trusted_proxies }
    }

    /// Whether somebody may have one more connection, and what gives it back. Proxies are counted for whom they speak.
    fn admit(&self, peer: SocketAddr) -> Result<Option<Permit>, Full> {
        let address = peer.ip().to_canonical();
        if self.trusted_proxies.contains(&address) {
            Ok(None)
        } else {
            self.admission.admit(address).map(Some)
        }
    }
}

/// Accepts until `shutdown` says true. Every connection holds a clone of `work` until it has ended.
pub(crate) async fn serve(port: Port, mut shutdown: watch::Receiver<bool>, work: mpsc::Sender<()>) {
    let places = Arc::new(Semaphore::new(port.connections_max));
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((port.listener.accept().await, place))
        };
        let accepted = tokio::select! {
            accepted = accepted => accepted,
            () = stopping(&mut shutdown) => return,
        };
        match accepted {
            Some((Ok((stream, peer)), place)) => {
                // One too many is closed at once.
                let Ok(permit) = port.admit(peer) else { continue };
                let (tls, router) = (port.tls.clone(), port.router.clone());
                let connection = connection(stream, peer, tls, router, shutdown.clone());
                tokio::spawn(hold(connection, (place, permit, work.clone())));
            }
            Some((Err(error), _)) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            None => return,
        }
    }
}

/// Runs `work` and gives the held things back after it.
async fn hold(
    work: impl Future<Output = ()>,
    held: (OwnedSemaphorePermit, Option<Permit>, mpsc::Sender<()>),
) {
    work.await;
    drop(held);
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Tls>,
    router: Router,
    mut shutdown: watch::Receiver<bool>,
) {
    // Signaling messages are small and urgent.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return requests(stream, peer, router, shutdown).await };
    let handshake = tokio::select! {
        handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.acceptor().accept(stream)) => handshake,
        () = stopping(&mut shutdown) => return,
    };
    match handshake {
        Ok(Ok(mut stream)) if is_challenge(stream.get_ref().1.alpn_protocol()) => {
            // RFC 8737 section 3: nothing is said after it.
            let _ = tokio::time::timeout(HANDSHAKE_TIMEOUT, stream.shutdown()).await;
        }
        Ok(Ok(stream)) => requests(stream, peer, router, shutdown).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// Answers the requests of a connection.
async fn requests(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    mut shutdown: watch::Receiver<bool>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        TowerToHyperService::new(router.clone()).call(request)
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stopping(&mut shutdown) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection broke");
    }
}
