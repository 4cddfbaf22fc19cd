//! Accepting connections, with bounds that axum's own `serve` does not offer: a deadline for request heads and a
//! limit on connections.

use std::net::SocketAddr;
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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use crate::app::stopping;

/// Open TCP connections; further ones wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 25_000;
/// How long a request's head may take: who sends it a byte at a time holds a connection no longer than this.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// After a failed accept, for example because the process has too many files open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until `shutdown` says true. Every connection holds a clone of `work` until it has ended.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    mut shutdown: watch::Receiver<bool>,
    work: mpsc::Sender<()>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((listener.accept().await, place))
        };
        let accepted = tokio::select! {
            accepted = accepted => accepted,
            () = stopping(&mut shutdown) => return,
        };
        match accepted {
            Some((Ok((stream, peer)), place)) => {
                let connection = connection(stream, peer, router.clone(), shutdown.clone());
                let work = work.clone();
                tokio::spawn(hold(connection, (place, work)));
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
async fn hold(work: impl Future<Output = ()>, held: (OwnedSemaphorePermit, mpsc::Sender<()>)) {
    work.await;
    drop(held);
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut shutdown: watch::Receiver<bool>,
) {
    // Signaling messages are small and urgent.
    let _ = stream.set_nodelay(true);
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
