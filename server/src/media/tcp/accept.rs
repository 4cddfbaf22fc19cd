//! The listener: finds out which shard a connection belongs to and hands it over.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sfu::ice::{self, framing};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::app::stopping;
use crate::http::Admission;
use crate::media::Shards;

/// Connections that have not said yet whose they are; further ones wait in the kernel's queue.
const UNKNOWN_MAX: usize = 256;
/// And of those, from one address (IPv6: one /64).
const UNKNOWN_PER_ADDRESS_MAX: usize = 16;
/// How long the first check may take: who sends it an octet at a time is cut off then.
const FIRST_CHECK_TIMEOUT: Duration = Duration::from_secs(5);
/// After a failed accept, for example because the process has too many files open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until `shutdown` says true.
pub(crate) async fn accept(listener: TcpListener, shards: Arc<Shards>, mut shutdown: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(UNKNOWN_MAX));
    let admission = Admission::new(UNKNOWN_MAX, UNKNOWN_PER_ADDRESS_MAX);
    // Dropped with this function, which ends them all.
    let mut identifying = JoinSet::new();
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((listener.accept().await, place))
        };
        let accepted = tokio::select! {
            accepted = accepted => accepted,
            Some(_) = identifying.join_next() => continue,
            () = stopping(&mut shutdown) => return,
        };
        match accepted {
            Some((Ok((stream, remote)), place)) => {
                let Ok(permit) = admission.admit(remote.ip()) else { continue };
                let shards = Arc::clone(&shards);
                identifying.spawn(async move {
                    let result =
                        tokio::time::timeout(FIRST_CHECK_TIMEOUT, identify(stream, remote, &shards)).await;
                    if !matches!(result, Ok(Some(()))) {
                        tracing::debug!("a media connection over TCP did not say whose it is");
                    }
                    drop((place, permit));
                });
            }
            Some((Err(error), _)) => {
                tracing::warn!(%error, "a media connection over TCP could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            None => return,
        }
    }
}

/// Reads the first check and hands the connection to the shard that it names.
async fn identify(mut stream: TcpStream, remote: SocketAddr, shards: &Shards) -> Option<()> {
    // A frame, and what may follow it in the same segment.
    let mut received = Vec::with_capacity(2 * framing::FRAME_BYTES_MAX);
    let shard = loop {
        if let Some(check) = framing::first(&received).ok()? {
            break ice::shard_of(ice::peek_local_ufrag(check)?)?;
        }
        if stream.read_buf(&mut received).await.ok()? == 0 {
            return None;
        }
    };
    let handle = shards.handle(shard)?;
    let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
    handle.tcp(stream.into_std().ok()?, remote, received).ok()
}
