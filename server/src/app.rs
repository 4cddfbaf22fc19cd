//! Putting the parts together, and taking them apart again.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sfu::ConnectionId;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::access::{Gate, Openness, RoomControl, UnixSeconds, revocation};
use crate::config::{Config, DataDir, MediaTcp};
use crate::control::{Bus, ControlStore, LocalBus, MemoryStore, OpenError, SqliteStore, StoreError};
use crate::http::tls::{self, Tls, TlsError};
use crate::http::{Admission, Port, Quotas, SIGNALING_MAX, Site, redirect, router, serve};
use crate::media::{MediaError, Reach, Shards, accept};
use crate::rooms::{HostKey, Rooms};
use crate::webhooks::Webhooks;

/// How often the counters are logged.
const STATISTICS_INTERVAL: Duration = Duration::from_secs(60);
/// How long a media thread may take to answer for the log.
const STATISTICS_DEADLINE: Duration = Duration::from_secs(5);

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The TCP port cannot be listened on.
    #[error("TCP {address} cannot be listened on")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The TCP port of plain HTTP cannot be listened on.
    #[error(
        "TCP {address} cannot be listened on for plain HTTP; name another one with --http-redirect-port, or 0"
    )]
    Redirect {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The TCP port of media cannot be listened on.
    #[error(
        "TCP {address} cannot be listened on for media; name another one with --media-tcp-port, or 0 for none"
    )]
    MediaTcp {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The folder of the site cannot be found.
    #[error("the site's folder {} cannot be found", folder.display())]
    Site {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The media plane cannot start.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The folder for what survives a restart was named and cannot be used.
    #[error("what survives a restart cannot be kept; name another folder with --data-dir")]
    Store(#[source] OpenError),
    /// The store opens and does not tell which tokens were taken back.
    #[error(
        "which tokens were taken back cannot be read; `visavis doctor` looks at what is kept in --data-dir"
    )]
    Revocations(#[source] StoreError),
    /// The library makes no key.
    #[error("the key for those who make rooms cannot be made")]
    HostKey,
}

/// What every request and every session may use.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) shards: Arc<Shards>,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) site: Site,
    pub(crate) admission: Arc<Admission>,
    /// Decides with which grants somebody comes in.
    pub(crate) gate: Arc<Gate>,
    /// What survives a restart.
    pub(crate) store: Arc<dyn ControlStore>,
    /// What the parts of the server tell each other.
    pub(crate) bus: Arc<dyn Bus>,
    /// The live rooms, as operators see them.
    pub(crate) room_control: Arc<dyn RoomControl>,
    /// How much the HTTP API may be asked.
    pub(crate) quotas: Quotas,
    /// Becomes true when the server stops.
    pub(crate) shutdown: watch::Receiver<bool>,
    /// Cloned by everything that shutdown waits for. The clone here never outlives the listener.
    pub(crate) work: mpsc::Sender<()>,
    connections: AtomicU64,
}

impl App {
    /// A number for a new connection.
    pub(crate) fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.connections.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.shutdown.borrow()
    }
}

/// Who may come in, and where what is known of it is kept.
struct Access {
    gate: Arc<Gate>,
    store: Arc<dyn ControlStore>,
    bus: Arc<dyn Bus>,
    revoking: JoinHandle<()>,
}

impl Access {
    /// As it was before the restart. When that cannot be read nothing starts: whoever was shut out would be in again.
    async fn restore(config: &Config) -> Result<Self, StartError> {
        let gate = Gate::new(config.keys.clone(), config.parties.clone(), config.open);
        let gate = Arc::new(gate.with_guests(config.guests));
        warn_of_openness(&gate);
        let store = open_store(config.data_dir.clone()).await?;
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::default());
        revocation::restore(&*store, &gate, unix_now()).await.map_err(StartError::Revocations)?;
        let revoking = tokio::spawn(revocation::follow(Arc::clone(&bus), Arc::clone(&gate), unix_now));
        Ok(Self { gate, store, bus, revoking })
    }
}

/// The whole server; see [`Server::start`].
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Binds the ports, starts the media threads and serves until [`Running::shutdown`]. Must be called within a
    /// tokio runtime, whose tasks then carry the signaling.
    ///
    /// # Errors
    /// [`StartError`] when a port is taken or the site's folder does not exist.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        let entrance = Entrance::open(&config).await?;
        let site = Site::new(config.site.as_deref())
            .map_err(|source| StartError::Site { folder: config.site.clone().unwrap_or_default(), source })?;
        let access = Access::restore(&config).await?;
        let media = MediaPlane::start(&config).await?;
        let (stop, shutdown) = watch::channel(false);
        let (work, all_work_ended) = mpsc::channel(1);
        let end = End { shutdown, work };
        let Meetings { rooms, ruling, keeping } =
            Meetings::start(&config, &access, &media.shards, &end).await?;
        let grace = config.shutdown_grace;
        let Access { gate, store, bus, revoking } = access;
        let app = Arc::new(App {
            admission: Admission::new(SIGNALING_MAX, config.connections_per_address_max),
            gate,
            store,
            bus,
            room_control: Arc::clone(&rooms) as Arc<dyn RoomControl>,
            quotas: Quotas::default(),
            config,
            shards: Arc::clone(&media.shards),
            rooms,
            site,
            shutdown: end.shutdown.clone(),
            work: end.work.clone(),
            connections: AtomicU64::new(1),
        });
        let MediaPlane { tcp, tcp_addr: media_tcp_addr, shards } = media;
        let accept = |listener| tokio::spawn(accept(listener, Arc::clone(&shards), end.shutdown.clone()));
        let accepting = tcp.map(accept);
        let (http_addr, http_redirect_addr) = (entrance.http_addr, entrance.redirect_addr());
        let Serving { link, upkeep, redirecting, listening } = entrance.serve(app, end);
        let reporting = tokio::spawn(report(Arc::clone(&shards)));
        tracing::info!(port = http_addr.port(), "listening");
        let media_addrs = shards.addresses().to_vec();
        Ok(Running {
            http_addr,
            http_redirect_addr,
            link,
            media_addr: media_addrs[0],
            media_addrs,
            media_tcp_addr,
            reach: shards.reach().clone(),
            stop,
            listening,
            redirecting,
            upkeep,
            accepting,
            ruling,
            keeping,
            reporting,
            revoking,
            all_work_ended,
            shards,
            grace,
        })
    }
}

/// How everything hears of the end, and how the end waits for everything.
struct End {
    shutdown: watch::Receiver<bool>,
    work: mpsc::Sender<()>,
}

/// The ports of the site and of plain HTTP, taken and not served yet.
struct Entrance {
    listener: TcpListener,
    http_addr: SocketAddr,
    tls: Option<(Tls, tls::Upkeep)>,
    redirecting: Option<TcpListener>,
}

/// What serves them.
struct Serving {
    link: String,
    upkeep: Option<JoinHandle<()>>,
    redirecting: Option<JoinHandle<()>>,
    listening: JoinHandle<()>,
}

impl Entrance {
    async fn open(config: &Config) -> Result<Self, StartError> {
        let address = config.listen;
        let listen_error = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen_error)?;
        let http_addr = listener.local_addr().map_err(listen_error)?;
        let tls = start_tls(config).await?;
        let redirecting = listen_for_redirects(config).await?;
        Ok(Self { listener, http_addr, tls, redirecting })
    }

    fn redirect_addr(&self) -> Option<SocketAddr> {
        self.redirecting.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    fn serve(self, app: Arc<App>, End { shutdown, work }: End) -> Serving {
        let Self { listener, http_addr, tls, redirecting } = self;
        let (tls, upkeep) = tls.unzip();
        let upkeep = upkeep.map(|upkeep| tokio::spawn(upkeep.run(shutdown.clone())));
        let link = link(tls.as_ref(), http_addr);
        let redirecting = redirecting.zip(tls.clone()).map(|(listener, tls)| {
            let port = Port::redirect(listener, redirect(tls, http_addr), &app.config);
            tokio::spawn(serve(port, shutdown.clone(), work.clone()))
        });
        let port = Port::site(listener, router(Arc::clone(&app)), tls, &app.config);
        let listening = tokio::spawn(serve(port, shutdown, work));
        Serving { link, upkeep, redirecting, listening }
    }
}

/// The media threads, and the port of media over TCP.
struct MediaPlane {
    tcp: Option<TcpListener>,
    tcp_addr: Option<SocketAddr>,
    shards: Arc<Shards>,
}

impl MediaPlane {
    async fn start(config: &Config) -> Result<Self, StartError> {
        let tcp = listen_for_media(config).await?;
        let tcp_addr = tcp.as_ref().and_then(|listener| listener.local_addr().ok());
        let shards = Arc::new(Shards::start(config, tcp_addr)?);
        shards.reach().log();
        Ok(Self { tcp, tcp_addr, shards })
    }
}

/// The rooms, and what keeps and rules them.
struct Meetings {
    rooms: Arc<Rooms>,
    ruling: JoinHandle<()>,
    keeping: JoinHandle<()>,
}

impl Meetings {
    async fn start(
        config: &Config,
        access: &Access,
        shards: &Arc<Shards>,
        End { shutdown, work }: &End,
    ) -> Result<Self, StartError> {
        let Access { gate, store, .. } = access;
        let webhooks = Webhooks::start(config.webhooks.clone(), store, shutdown, work);
        let host_key = HostKey::load(store, rand::random(), unix_now()).await.ok_or(StartError::HostKey)?;
        let rooms = Rooms::new(Arc::clone(shards), Arc::clone(gate), host_key, Arc::clone(store), webhooks);
        let keeping = tokio::spawn(Arc::clone(&rooms).keep(shutdown.clone()));
        let ruling = tokio::spawn(Arc::clone(&rooms).run(shutdown.clone()));
        Ok(Self { rooms, ruling, keeping })
    }
}

/// A server that runs until it is shut down. Dropping it without [`Running::shutdown`] leaves it running until the
/// process or the runtime ends.
#[derive(Debug)]
pub struct Running {
    /// Where the site and signaling listen (TCP).
    pub http_addr: SocketAddr,
    /// Where plain HTTP is sent on to https (TCP).
    pub http_redirect_addr: Option<SocketAddr>,
    /// What to type into a browser.
    pub link: String,
    /// Where the first shard listens for media (UDP).
    pub media_addr: SocketAddr,
    /// Where all shards listen for media (UDP).
    pub media_addrs: Vec<SocketAddr>,
    /// Where clients without UDP connect to for media (TCP).
    pub media_tcp_addr: Option<SocketAddr>,
    /// What clients will see of the media ports, and what cannot be right about it.
    pub reach: Reach,
    stop: watch::Sender<bool>,
    listening: JoinHandle<()>,
    redirecting: Option<JoinHandle<()>>,
    upkeep: Option<JoinHandle<()>>,
    accepting: Option<JoinHandle<()>>,
    ruling: JoinHandle<()>,
    keeping: JoinHandle<()>,
    reporting: JoinHandle<()>,
    revoking: JoinHandle<()>,
    all_work_ended: mpsc::Receiver<()>,
    shards: Arc<Shards>,
    grace: Duration,
}

impl Running {
    /// What every shard counts; nothing when one does not answer.
    pub async fn statistics(&self) -> Option<Vec<sfu::Statistics>> {
        self.shards.statistics(STATISTICS_DEADLINE).await
    }

    /// Stops: no new connections; every client is told to come back; open connections may end within the grace
    /// period; then the media threads end.
    pub async fn shutdown(mut self) {
        tracing::info!("stopping");
        self.stop.send_replace(true);
        self.reporting.abort();
        self.revoking.abort();
        // The listener ends at once, and with it the last reference to the app that is not a request's.
        let drained = async {
            let _ = (&mut self.listening).await;
            for task in [&mut self.redirecting, &mut self.upkeep].into_iter().flatten() {
                let _ = task.await;
            }
            // Nothing is ever sent: this waits for the last sender to be dropped.
            self.all_work_ended.recv().await
        };
        if tokio::time::timeout(self.grace, drained).await.is_err() {
            tracing::warn!("some connections did not end in time and are cut");
        }
        // It ends at once, and its reference to the shards with it.
        let _ = self.ruling.await;
        // What meetings keep is written by now, or given up.
        let _ = self.keeping.await;
        if let Some(accepting) = self.accepting {
            // It ends at once, and its last reference to the shards with it.
            let _ = accepting.await;
        }
        self.shards.stop().await;
        let shards = self.shards;
        let joined = tokio::task::spawn_blocking(move || {
            if let Some(shards) = Arc::into_inner(shards) {
                shards.join();
            }
        });
        let _ = joined.await;
        tracing::info!("stopped");
    }
}

/// What to type into a browser: on this machine, or anywhere when a certificate names the site.
fn link(tls: Option<&Tls>, address: SocketAddr) -> String {
    match tls {
        Some(tls) => format!("https://{}", tls::authority(tls.name().as_deref(), address)),
        None => local_link(address),
    }
}

fn local_link(address: SocketAddr) -> String {
    let ip = address.ip();
    if ip.is_unspecified() || ip.is_loopback() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// Reads the certificate, where the settings name one.
async fn start_tls(config: &Config) -> Result<Option<(Tls, tls::Upkeep)>, TlsError> {
    let Some(source) = config.tls.clone() else { return Ok(None) };
    let data_dir = config.data_dir.clone();
    let started = tokio::task::spawn_blocking(move || Tls::start(&source, data_dir.as_ref())).await;
    started.expect("reading a certificate does not panic").map(Some)
}

async fn listen_for_redirects(config: &Config) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = config.http_redirect else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).map_err(|source| StartError::Redirect { address, source })
}

fn unix_now() -> UnixSeconds {
    UnixSeconds::of(std::time::SystemTime::now())
}

/// Says it where nobody overlooks it: a server without keys knows nobody.
fn warn_of_openness(gate: &Gate) {
    match gate.openness() {
        Openness::Keys => {
            let (keys, guests) = (gate.keys().keys().len(), gate.has_guests());
            tracing::info!(keys, guests, "tokens decide who comes in");
        }
        Openness::ThisMachine => tracing::warn!(
            "OPEN MODE: no keys are configured, so everybody on this machine may join every meeting, and nobody else \
             may join any. Make a key with `visavis keys new`, or let everybody in with --open"
        ),
        Openness::Everybody => tracing::warn!(
            "OPEN MODE FOR EVERYBODY: no keys are configured and --open was given, so whoever reaches this server may \
             join every meeting. Make a key with `visavis keys new`"
        ),
    }
}

/// The store in the data folder. A folder that nobody chose may be unusable: then nothing survives a restart.
async fn open_store(folder: Option<DataDir>) -> Result<Arc<dyn ControlStore>, StartError> {
    let Some(DataDir { path, is_chosen }) = folder else {
        tracing::info!("there is no data folder: what meetings keep is lost when the server stops");
        return Ok(Arc::new(MemoryStore::default()));
    };
    let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&path)).await;
    match opened.expect("opening the store does not panic") {
        Ok(store) => Ok(Arc::new(store)),
        Err(error) if is_chosen => Err(StartError::Store(error)),
        Err(error) => {
            tracing::warn!(
                error = %describe(&error),
                "the data folder cannot be used, so what meetings keep is lost when the server stops; choose one with \
                 --data-dir"
            );
            Ok(Arc::new(MemoryStore::default()))
        }
    }
}

/// An error with what caused it.
pub(crate) fn describe(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The listener for media over TCP, if there is to be one. A port that nobody chose may be taken: then there is none.
async fn listen_for_media(config: &Config) -> Result<Option<TcpListener>, StartError> {
    let Some(MediaTcp { address, is_chosen }) = config.media_tcp else { return Ok(None) };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(source) if is_chosen => Err(StartError::MediaTcp { address, source }),
        Err(error) => {
            tracing::warn!(
                %address, %error,
                "no media over TCP: the port is taken. Clients without UDP cannot connect; choose a port with \
                 --media-tcp-port"
            );
            Ok(None)
        }
    }
}

/// Returns once the server stops. Nothing borrowed is held afterwards.
pub(crate) async fn stopping(shutdown: &mut watch::Receiver<bool>) {
    // It fails when the sender is gone, and then the server has stopped altogether.
    let _ = shutdown.wait_for(|is_stopping| *is_stopping).await;
}

/// Logs the counters of the shards while there is something to tell.
async fn report(shards: Arc<Shards>) {
    let mut interval = tokio::time::interval(STATISTICS_INTERVAL);
    // The first tick comes at once.
    interval.tick().await;
    loop {
        interval.tick().await;
        let Some(all) = shards.statistics(STATISTICS_DEADLINE).await else {
            tracing::error!("a media thread does not answer");
            continue;
        };
        for (shard, statistics) in all.iter().enumerate().filter(|(_, statistics)| statistics.peers > 0) {
            tracing::info!(
                shard,
                peers = statistics.peers,
                rooms = statistics.rooms,
                datagrams_in = statistics.datagrams_in,
                forwarded = statistics.forwarded,
                retransmitted = statistics.retransmitted,
                peers_failed = statistics.peers_failed,
                "media"
            );
            tracing::debug!(shard, ?statistics, "media counters");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_can_be_opened_on_the_same_machine() {
        let check =
            |address: &str, expected: &str| assert_eq!(link(None, address.parse().unwrap()), expected);
        check("0.0.0.0:8080", "http://localhost:8080");
        check("[::]:8080", "http://localhost:8080");
        check("127.0.0.1:80", "http://localhost:80");
        check("192.0.2.1:8080", "http://192.0.2.1:8080");
    }
}
