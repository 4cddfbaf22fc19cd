//! A participant: the engine decides, a WebSocket signals, and a PeerConnection of the `webrtc` crate carries media.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use engine::{
    Admission, ChatStart, CreatedOffer, Engine, Input, MediaConnection, MediaId, Moment, OfferRequest,
    Output, Settings, SocketId, Tile,
};
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use shared::protocol::PublishedMid;
use shared::{DisplayName, MediaState, PeerId, RoomId, SourceKind, SourceRef};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionEventHandler, RTCIceGatheringState, RTCPeerConnectionState,
    RTCSessionDescription,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};

use crate::socket::Socket;
use crate::stack::{self, Sender};

/// Height of every tile that a bot shows.
const TILE_HEIGHT: u16 = 360;

/// What a bot knows and got, for others to look at.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    pub(crate) participants: Vec<PeerId>,
    /// Intact packets by publisher and source number.
    pub(crate) intact: BTreeMap<(u16, u8), u64>,
    pub(crate) damaged: u64,
    pub(crate) offers: u32,
}

/// A running bot, with a runtime of its own. Dropping it kills it: tasks and sockets end at once, without a word.
pub(crate) struct Bot {
    pub(crate) view: watch::Receiver<View>,
    runtime: Option<Runtime>,
}

impl Bot {
    pub(crate) fn start(number: u16, server: SocketAddr, room: &str) -> Self {
        Self::start_with(number, server, room, None)
    }

    /// With a join token. It sends from its microphone and its camera whatever it is told.
    pub(crate) fn start_with(number: u16, server: SocketAddr, room: &str, token: Option<String>) -> Self {
        let (tell, view) = watch::channel(View::default());
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        runtime.spawn(Running::new(number, server, room, token, tell).run());
        Self { view, runtime: Some(runtime) }
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        // The connection's own tasks would go on answering checks: they end with their runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What the connection reports.
enum Report {
    Gathered,
    State(u32, RTCPeerConnectionState),
}

type Tally = Arc<Mutex<(BTreeMap<(u16, u8), u64>, u64)>>;

struct Running {
    number: u16,
    server: SocketAddr,
    start: Instant,
    engine: Engine,
    socket: Option<(SocketId, Socket)>,
    connection: Option<Connection>,
    reports: mpsc::UnboundedReceiver<Report>,
    report: mpsc::UnboundedSender<Report>,
    tally: Tally,
    view: watch::Sender<View>,
    shown: Vec<PeerId>,
    offers: u32,
}

struct Connection {
    media: MediaId,
    pc: Arc<dyn PeerConnection>,
    audio: Sender,
    video: Sender,
    audio_slots: u8,
    video_slots: u8,
    published: bool,
}

impl Running {
    fn new(
        number: u16,
        server: SocketAddr,
        room: &str,
        token: Option<String>,
        view: watch::Sender<View>,
    ) -> Self {
        let start = Instant::now();
        let settings = Settings {
            room: RoomId::new(room).unwrap(),
            name: DisplayName::new(&format!("Bot {number}")).unwrap(),
            media: MediaState { microphone: true, camera: true, screen: false },
            resume: None,
            seed: number.into(),
            capabilities: Vec::new(),
            admission: Admission { token, ..Admission::default() },
            chat: ChatStart::default(),
        };
        let (report, reports) = mpsc::unbounded_channel();
        Self {
            number,
            server,
            start,
            engine: Engine::new(Moment::START, settings),
            socket: None,
            connection: None,
            reports,
            report,
            tally: Tally::default(),
            view,
            shown: Vec::new(),
            offers: 0,
        }
    }

    async fn run(mut self) {
        let mut audio = ticks(Duration::from_millis(20));
        let mut video = ticks(Duration::from_millis(50));
        loop {
            self.drain().await;
            self.show_everybody();
            self.drain().await;
            self.publish_view();
            let due = self.engine.poll_timeout().map_or(Duration::from_secs(1), Moment::since_start);
            tokio::select! {
                text = next_text(&mut self.socket) => self.received(text),
                Some(report) = self.reports.recv() => self.reported(report),
                _ = audio.tick() => self.send(true).await,
                _ = video.tick() => self.send(false).await,
                () = sleep_until((self.start + due).into()) => self.tell(Input::Tick),
            }
        }
    }

    fn tell(&mut self, input: Input) {
        self.engine.handle(Moment::after_start(self.start.elapsed()), input);
    }

    fn received(&mut self, text: Option<String>) {
        let Some((socket, _)) = &self.socket else { return };
        let socket = *socket;
        match text {
            Some(text) => self.tell(Input::Message { socket, text }),
            None => {
                self.socket = None;
                self.tell(Input::SocketClosed { socket });
            }
        }
    }

    fn reported(&mut self, report: Report) {
        let Report::State(of, state) = report else { return };
        let Some(media) = self.connection.as_ref().map(|connection| connection.media) else { return };
        let state = match state {
            RTCPeerConnectionState::Connecting => MediaConnection::Connecting,
            RTCPeerConnectionState::Connected => MediaConnection::Connected,
            RTCPeerConnectionState::Disconnected => MediaConnection::Disconnected,
            RTCPeerConnectionState::Failed => MediaConnection::Failed,
            RTCPeerConnectionState::Unspecified
            | RTCPeerConnectionState::New
            | RTCPeerConnectionState::Closed
            | _ => return,
        };
        if media.0 == of {
            self.tell(Input::MediaConnection { media, state });
        }
    }

    async fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::OpenSocket { socket } => {
                    self.socket = Some((socket, Socket::open(self.server).await));
                    self.tell(Input::SocketOpened { socket });
                }
                Output::CloseSocket { .. } => self.socket = None,
                Output::Send { text, .. } => {
                    if let Some((_, socket)) = &mut self.socket {
                        socket.text(&text).await;
                    }
                }
                Output::ResetMedia { media } => self.connection = Some(self.connect(media).await),
                Output::CreateOffer(request) => self.offer(&request).await,
                // Announced by no capability, so never asked for.
                Output::SetLayers(_) => {}
                Output::ApplyAnswer { negotiation, sdp } => {
                    let Some(connection) = &self.connection else { continue };
                    let answer = RTCSessionDescription::answer(sdp).expect("a session description");
                    connection.pc.set_remote_description(answer).await.expect("the answer fits");
                    self.tell(Input::AnswerApplied { negotiation });
                }
                Output::Silence { .. }
                | Output::AskToUnmute { .. }
                | Output::Reaction { .. }
                | Output::Caption(_)
                | Output::StoreResume(_)
                | Output::ForgetResume
                | Output::Notice(_)
                | Output::Changed
                | Output::Ended(_) => {}
            }
        }
    }

    async fn connect(&self, media: MediaId) -> Connection {
        let handler = Handler { media: media.0, report: self.report.clone(), tally: Arc::clone(&self.tally) };
        Connection {
            media,
            pc: stack::peer_connection(Arc::new(handler)).await,
            audio: Sender::new(self.number, true),
            video: Sender::new(self.number, false),
            audio_slots: 0,
            video_slots: 0,
            published: false,
        }
    }

    async fn offer(&mut self, request: &OfferRequest) {
        let Some(connection) = &mut self.connection else { return };
        self.offers += 1;
        connection.add_what_is_missing(request).await;
        let pc = &connection.pc;
        let offer = pc.create_offer(None).await.expect("an offer");
        pc.set_local_description(offer).await.expect("our own offer fits");
        if self.offers == 1 {
            // Candidates are not needed, the server learns addresses from checks; but gathering opens the socket.
            while !matches!(self.reports.recv().await, Some(Report::Gathered)) {}
        }
        let sdp = pc.local_description().await.expect("set above").sdp;
        let created = created(request.negotiation, sdp);
        self.tell(Input::OfferCreated(created));
    }

    /// Shows the camera of everybody else.
    fn show_everybody(&mut self) {
        let me = self.engine.me();
        let others: Vec<PeerId> = self.engine.participants().iter().map(|seat| seat.peer).collect();
        let others: Vec<PeerId> = others.into_iter().filter(|peer| Some(*peer) != me).collect();
        if others != self.shown {
            let source = |peer| SourceRef { peer, kind: SourceKind::Camera };
            let tiles = others.iter().map(|peer| Tile { source: source(*peer), height: TILE_HEIGHT });
            let tiles = tiles.collect();
            self.shown = others;
            self.tell(Input::Layout(tiles));
        }
    }

    fn publish_view(&self) {
        let (intact, damaged) = self.tally.lock().expect("nobody panics with it").clone();
        self.view.send_replace(View {
            participants: self.engine.participants().iter().map(|seat| seat.peer).collect(),
            intact,
            damaged,
            offers: self.offers,
        });
    }

    async fn send(&mut self, audio: bool) {
        let elapsed = self.start.elapsed();
        if self.engine.media_connection() != MediaConnection::Connected {
            return;
        }
        if let Some(connection) = &mut self.connection {
            let sender = if audio { &mut connection.audio } else { &mut connection.video };
            sender.send(elapsed).await;
        }
    }
}

impl Connection {
    async fn add_what_is_missing(&mut self, request: &OfferRequest) {
        let init = |direction| Some(RTCRtpTransceiverInit { direction, ..RTCRtpTransceiverInit::default() });
        if !self.published {
            self.published = true;
            for sender in [&self.audio, &self.video] {
                let track: Arc<TrackLocalStaticRTP> = Arc::clone(&sender.track);
                let track = track as Arc<dyn TrackLocal>;
                let added =
                    self.pc.add_transceiver_from_track(track, init(RTCRtpTransceiverDirection::Sendonly));
                added.await.expect("a transceiver");
            }
        }
        let wanted = [
            (RtpCodecKind::Audio, &mut self.audio_slots, request.audio_slots),
            (RtpCodecKind::Video, &mut self.video_slots, request.video_slots),
        ];
        for (kind, have, wanted) in wanted {
            while *have < wanted {
                *have += 1;
                let added =
                    self.pc.add_transceiver_from_kind(kind, init(RTCRtpTransceiverDirection::Recvonly));
                added.await.expect("a transceiver");
            }
        }
    }
}

/// Reads from our own offer which m-line is what.
fn created(negotiation: u32, sdp: String) -> CreatedOffer {
    let mut sources = Vec::new();
    let (mut audio_slots, mut video_slots) = (Vec::new(), Vec::new());
    for section in sdp.split("\nm=").skip(1) {
        let mid =
            section.lines().find_map(|line| line.strip_prefix("a=mid:")).expect("every m-line has a mid");
        let mid = mid.trim().to_owned();
        let audio = section.starts_with("audio");
        match (section.contains("a=recvonly"), audio) {
            (true, true) => audio_slots.push(mid),
            (true, false) => video_slots.push(mid),
            (false, _) => {
                let kind = if audio { SourceKind::Microphone } else { SourceKind::Camera };
                sources.push(PublishedMid { mid, kind });
            }
        }
    }
    CreatedOffer { negotiation, sdp, sources, audio_slots, video_slots }
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

async fn next_text(socket: &mut Option<(SocketId, Socket)>) -> Option<String> {
    match socket {
        Some((_, socket)) => socket.next_text().await,
        None => std::future::pending().await,
    }
}

struct Handler {
    media: u32,
    report: mpsc::UnboundedSender<Report>,
    tally: Tally,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            let _ = self.report.send(Report::Gathered);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let _ = self.report.send(Report::State(self.media, state));
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        tokio::spawn(count(track, Arc::clone(&self.tally)));
    }
}

/// Counts what arrives on a track, by who sent it.
async fn count(track: Arc<dyn TrackRemote>, tally: Tally) {
    let audio = track.kind().await == RtpCodecKind::Audio;
    while let Some(event) = track.poll().await {
        let TrackRemoteEvent::OnRtpPacket(packet) = event else { continue };
        let read = if audio { tests::media::read_opus } else { tests::media::read_vp8 };
        let received = read(&packet.payload);
        let mut tally = tally.lock().expect("nobody panics with it");
        match received {
            Some(received) => {
                *tally.0.entry((received.label.publisher, received.label.source)).or_default() += 1;
            }
            None => tally.1 += 1,
        }
    }
}
