//! A simulated participant: the engine, and a platform that executes what the engine says.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use engine::{
    Admission, ChatStart, EndReason, Engine, Input, MediaConnection, MediaId, Moment, Output, Settings,
    SocketId,
};
use shared::protocol::CAPABILITY_LAYERS;
use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId, SourceKind};

use crate::connection::Connection;
use crate::description::{CHROMIUM, FIREFOX, Flavour};
use crate::publishing::Origin;

/// What the client wants of the world.
#[derive(Debug)]
pub(crate) enum Request {
    OpenSocket(SocketId),
    CloseSocket(SocketId),
    Text(SocketId, String),
    Datagram(SocketAddr, Vec<u8>),
}

pub(crate) struct Client {
    pub(crate) number: u16,
    pub(crate) room: RoomId,
    pub(crate) engine: Engine,
    pub(crate) connection: Option<Connection>,
    /// False once it was killed.
    pub(crate) alive: bool,
    pub(crate) resume: Option<ResumeToken>,
    pub(crate) ended: Option<EndReason>,
    pub(crate) notices: Vec<engine::Notice>,
    /// Offers made so far.
    pub(crate) offers: u32,
    pub(crate) resets: u16,
    pub(crate) pads: bool,
    /// Sends on what it says it has muted: the worst a client can do.
    pub(crate) keep_sending: bool,
    /// The page has crashed: nothing opens a socket any more, but checks go on.
    pub(crate) is_zombie: bool,
    /// Its packets do not say which section they belong to.
    pub(crate) is_unnamed: bool,
    /// Its camera is one stream.
    pub(crate) has_one_stream: bool,
    media_id: Option<MediaId>,
    told_state: MediaConnection,
    /// How often the page was loaded again.
    pub(crate) loads: u16,
    seed: u64,
    epoch: Instant,
}

impl Client {
    pub(crate) fn new(
        number: u16,
        room: &str,
        media: MediaState,
        now: Duration,
        epoch: Instant,
        seed: u64,
    ) -> Self {
        let room = RoomId::new(room).unwrap();
        let engine = Engine::new(moment(now), settings(number, &room, media, None, seed));
        Self {
            number,
            room,
            engine,
            connection: None,
            alive: true,
            resume: None,
            ended: None,
            notices: Vec::new(),
            offers: 0,
            resets: 0,
            pads: false,
            keep_sending: false,
            is_zombie: false,
            is_unnamed: false,
            has_one_stream: false,
            media_id: None,
            told_state: MediaConnection::New,
            loads: 0,
            seed,
            epoch,
        }
    }

    /// The page is loaded again: everything is new but the stored token.
    pub(crate) fn reload(&mut self, now: Duration, media: MediaState) {
        self.loads += 1;
        self.connection = None;
        self.media_id = None;
        self.told_state = MediaConnection::New;
        self.ended = None;
        self.alive = true;
        let seed = self.seed + u64::from(self.loads) * 1000;
        self.engine = Engine::new(moment(now), settings(self.number, &self.room, media, self.resume, seed));
    }

    pub(crate) fn me(&self) -> Option<PeerId> {
        self.engine.me()
    }

    pub(crate) fn handle(&mut self, now: Duration, input: Input) -> Vec<Request> {
        self.engine.handle(moment(now), input);
        self.drain(now)
    }

    pub(crate) fn datagram(&mut self, now: Duration, to: SocketAddr, datagram: Vec<u8>) -> Vec<Request> {
        if let Some(connection) = self.connection.as_mut().filter(|connection| connection.address == to) {
            connection.handle_datagram(now, datagram);
        }
        self.drain(now)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        let connection = self.connection.as_ref().and_then(Connection::poll_timeout);
        let engine = self.engine.poll_timeout().map(|at| at.since(Moment::from_millis(0)));
        [connection, engine].into_iter().flatten().min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Duration) -> Vec<Request> {
        if let Some(connection) = &mut self.connection {
            connection.handle_timeout(now);
        }
        if self.engine.poll_timeout().is_some_and(|at| at <= moment(now)) {
            self.engine.handle(moment(now), Input::Tick);
        }
        self.drain(now)
    }

    /// Executes the engine's outputs until it and the connection are quiet.
    pub(crate) fn drain(&mut self, now: Duration) -> Vec<Request> {
        let mut requests = Vec::new();
        loop {
            while let Some(output) = self.engine.poll_output() {
                self.execute(now, output, &mut requests);
            }
            if !self.report_state(now) {
                break;
            }
        }
        if let Some(connection) = &mut self.connection {
            if !self.keep_sending {
                connection.live = live(self.engine.media());
            }
            let address = connection.address;
            requests.extend(connection.out.drain(..).map(|bytes| Request::Datagram(address, bytes)));
        }
        requests
    }

    fn report_state(&mut self, now: Duration) -> bool {
        let (Some(connection), Some(media)) = (&self.connection, self.media_id) else { return false };
        if connection.state == self.told_state {
            return false;
        }
        self.told_state = connection.state;
        let state = connection.state;
        self.engine.handle(moment(now), Input::MediaConnection { media, state });
        true
    }

    fn execute(&mut self, now: Duration, output: Output, requests: &mut Vec<Request>) {
        match output {
            Output::OpenSocket { .. } if self.is_zombie => {}
            Output::OpenSocket { socket } => requests.push(Request::OpenSocket(socket)),
            Output::CloseSocket { socket } => requests.push(Request::CloseSocket(socket)),
            Output::Send { socket, text } => requests.push(Request::Text(socket, text)),
            Output::ResetMedia { media } => self.reset_media(media),
            Output::CreateOffer(request) => {
                let Some(connection) = &mut self.connection else { return };
                self.offers += 1;
                let created = connection.create_offer(now, &request);
                self.engine.handle(moment(now), Input::OfferCreated(created));
            }
            Output::ApplyAnswer { negotiation, sdp } => {
                let Some(connection) = &mut self.connection else { return };
                connection.apply_answer(now, &sdp);
                self.engine.handle(moment(now), Input::AnswerApplied { negotiation });
            }
            Output::SetLayers(publications) => {
                if let Some(connection) = &mut self.connection {
                    connection.set_layers(&publications);
                }
            }
            Output::StoreResume(resume) => self.resume = Some(resume),
            Output::ForgetResume => self.resume = None,
            Output::Notice(notice) => self.notices.push(notice),
            Output::Silence { .. }
            | Output::AskToUnmute { .. }
            | Output::Reaction { .. }
            | Output::Caption(_)
            | Output::Changed => {}
            Output::Ended(reason) => {
                self.ended = Some(reason);
                self.connection = None;
            }
        }
    }

    fn reset_media(&mut self, media: MediaId) {
        self.resets += 1;
        let origin = Origin { publisher: self.number, connection: self.resets };
        let [high, low] = self.number.to_be_bytes();
        let address = SocketAddr::from(([10, 0, high, low], 40_000 + self.resets));
        let browser = if self.number.is_multiple_of(2) { CHROMIUM } else { FIREFOX };
        let rids = if self.has_one_stream { &[] } else { browser.rids };
        let flavour = Flavour { names_streams: !self.is_unnamed, rids, ..browser };
        let seed = self.seed ^ u64::from(self.resets) << 32;
        let mut connection = Connection::new(origin, address, flavour, self.epoch, seed);
        connection.pads = self.pads;
        self.connection = Some(connection);
        self.media_id = Some(media);
        self.told_state = MediaConnection::New;
    }
}

fn settings(
    number: u16,
    room: &RoomId,
    media: MediaState,
    resume: Option<ResumeToken>,
    seed: u64,
) -> Settings {
    let name = DisplayName::new(&format!("Participant {number}")).unwrap();
    Settings {
        room: room.clone(),
        name,
        media,
        resume,
        seed,
        capabilities: vec![CAPABILITY_LAYERS.to_owned()],
        admission: Admission::default(),
        chat: ChatStart::default(),
    }
}

pub(crate) const fn moment(now: Duration) -> Moment {
    Moment::after_start(now)
}

fn live(media: MediaState) -> Vec<SourceKind> {
    let mut live = Vec::new();
    if media.microphone {
        live.push(SourceKind::Microphone);
    }
    if media.camera {
        live.push(SourceKind::Camera);
    }
    if media.screen {
        live.extend([SourceKind::Screen, SourceKind::ScreenAudio]);
    }
    live
}
