//! A server and a platform that do what the protocol says, unless a test tells them not to.

use std::collections::VecDeque;
use std::time::Duration;

use engine::{
    Act, CreatedOffer, EndReason, Engine, Input, MediaConnection, MediaId, Moment, Notice, OfferRequest,
    Output, Settings, SocketId, Tile,
};
use shared::meeting::{ChatMessage, Meeting, Permissions, Policy};
use shared::protocol::{
    Answer, Change, ClientMessage, ErrorCode, Fault, Hello, Offer, Participant, Presence, PublishedMid,
    ServerMessage, SlotAssignment, Snapshot, Version, Want, Welcome, decode_client,
};
use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId, SourceKind, SourceRef};

pub(crate) const ME: PeerId = PeerId::new(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// What the server and the platform leave undone.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Mute {
    pub(crate) socket: bool,
    pub(crate) hello: bool,
    pub(crate) offers: bool,
    pub(crate) resync: bool,
    pub(crate) pings: bool,
    pub(crate) platform: bool,
    pub(crate) connection: bool,
}

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) now: Moment,
    pub(crate) mute: Mute,
    pub(crate) socket: Option<SocketId>,
    pub(crate) media: Option<MediaId>,
    /// Everything the client said, in order.
    pub(crate) said: Vec<ClientMessage>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) revision: u32,
    pub(crate) room: Vec<Participant>,
    /// What the next welcome says.
    pub(crate) resumed: bool,
    pub(crate) media_alive: bool,
    pub(crate) wants: Vec<Want>,
    inputs: VecDeque<Input>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let room = vec![person(ME, "Ada", settings.media)];
        Self {
            engine: Engine::new(Moment::START, settings),
            now: Moment::START,
            mute: Mute::default(),
            socket: None,
            media: None,
            said: Vec::new(),
            outputs: Vec::new(),
            revision: 0,
            room,
            resumed: false,
            media_alive: false,
            wants: Vec::new(),
            inputs: VecDeque::new(),
        }
    }

    /// In a room with people whose cameras are on, media connected, everything quiet for a while.
    pub(crate) fn joined(others: u64) -> Self {
        let mut world = Self::new();
        world.room.extend((2..others + 2).map(|number| person(PeerId::new(number), "Bo", camera_on())));
        world.pass(10 * SECOND);
        assert_eq!(world.engine.phase(), engine::Phase::Joined);
        world.forget();
        world
    }

    pub(crate) fn forget(&mut self) {
        self.said.clear();
        self.outputs.clear();
    }

    /// Hands in an input and lets server and platform react until all is quiet.
    pub(crate) fn give(&mut self, input: Input) {
        self.inputs.push_back(input);
        self.settle();
    }

    pub(crate) fn settle(&mut self) {
        self.drain();
        for _ in 0..1_000 {
            let Some(input) = self.inputs.pop_front() else { return };
            self.engine.handle(self.now, input);
            self.drain();
        }
        panic!("the engine and its world do not come to rest");
    }

    /// Lets time pass, ticking when the engine asks for it.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.settle();
        for _ in 0..10_000 {
            let Some(due) = self.engine.poll_timeout().filter(|due| *due <= end) else {
                self.now = end;
                return;
            };
            assert!(due >= self.now || self.now == Moment::START, "a timeout in the past makes a busy loop");
            self.now = self.now.max(due);
            self.give(Input::Tick);
            assert!(self.engine.poll_timeout() != Some(due), "a tick at its time must move the time on");
        }
        panic!("the engine ticks without end");
    }

    pub(crate) fn serve(&mut self, message: ServerMessage) {
        let socket = self.socket.expect("a socket is open");
        self.give(Input::Message { socket, text: message.encode() });
    }

    pub(crate) fn change(&mut self, change: Change) {
        self.revision = self.revision.wrapping_add(1);
        match &change {
            Change::Joined { participant } => self.room.push(participant.clone()),
            Change::Updated { participant } => {
                let known = self.room.iter_mut().find(|known| known.peer == participant.peer);
                *known.expect("in the room") = participant.clone();
            }
            Change::Left { peer, .. } => self.room.retain(|participant| participant.peer != *peer),
        }
        let revision = self.revision;
        self.serve(ServerMessage::Delta { revision, changes: vec![change] });
    }

    pub(crate) fn fault(&mut self, code: ErrorCode, request: &str) {
        let request = Some(request.to_owned());
        self.serve(ServerMessage::Error(Fault {
            code,
            message: "As it is.".to_owned(),
            request,
            retry_after_s: None,
        }));
    }

    /// In a meeting where everything is allowed.
    pub(crate) fn in_meeting(host: bool) -> Self {
        let mut world = Self::joined(2);
        world.serve(ServerMessage::Meeting(meeting(host, &[], true)));
        world.forget();
        world
    }

    pub(crate) fn act(&mut self, act: Act) {
        self.give(Input::Act(act));
    }

    /// The socket breaks.
    pub(crate) fn cut(&mut self) {
        let socket = self.socket.take().expect("a socket is open");
        self.give(Input::SocketClosed { socket });
    }

    pub(crate) fn connection(&mut self, state: MediaConnection) {
        let media = self.media.expect("there is media");
        self.give(Input::MediaConnection { media, state });
    }

    pub(crate) fn layout(&mut self, peers: impl IntoIterator<Item = u64>) {
        let tiles = peers.into_iter().map(|peer| Tile { source: camera(peer), height: 360 }).collect();
        self.give(Input::Layout(tiles));
    }

    pub(crate) fn offers_requested(&self) -> Vec<&OfferRequest> {
        self.outputs
            .iter()
            .filter_map(|output| if let Output::CreateOffer(request) = output { Some(request) } else { None })
            .collect()
    }

    pub(crate) fn count(&self, matches: impl Fn(&Output) -> bool) -> usize {
        self.outputs.iter().filter(|output| matches(output)).count()
    }

    pub(crate) fn sockets_opened(&self) -> usize {
        self.count(|output| matches!(output, Output::OpenSocket { .. }))
    }

    pub(crate) fn media_resets(&self) -> usize {
        self.count(|output| matches!(output, Output::ResetMedia { .. }))
    }

    pub(crate) fn notices(&self) -> Vec<&Notice> {
        self.outputs
            .iter()
            .filter_map(|output| if let Output::Notice(notice) = output { Some(notice) } else { None })
            .collect()
    }

    pub(crate) fn end(&self) -> Option<&EndReason> {
        self.outputs
            .iter()
            .find_map(|output| if let Output::Ended(reason) = output { Some(reason) } else { None })
    }

    pub(crate) fn hellos(&self) -> Vec<&Hello> {
        self.said
            .iter()
            .filter_map(|message| if let ClientMessage::Hello(hello) = message { Some(hello) } else { None })
            .collect()
    }

    pub(crate) fn wants_said(&self) -> Vec<&[Want]> {
        self.said
            .iter()
            .filter_map(
                |message| if let ClientMessage::Wants { wants } = message { Some(&wants[..]) } else { None },
            )
            .collect()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { revision: self.revision, participants: self.room.clone() }
    }

    pub(crate) fn welcome(&self) -> ServerMessage {
        ServerMessage::Welcome(Welcome {
            version: Version::CURRENT,
            capabilities: Vec::new(),
            peer: ME,
            resume: ResumeToken::new([7; 16]),
            resumed: self.resumed,
            media_alive: self.media_alive,
            timeout_ms: 15_000,
            video_codecs: ["vp9", "h266", "vp8"].map(str::to_owned).to_vec(),
            snapshot: self.snapshot(),
        })
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            self.outputs.push(output.clone());
            self.react(output);
        }
    }

    fn react(&mut self, output: Output) {
        match output {
            Output::OpenSocket { socket } => {
                assert!(self.socket.is_none(), "one socket at a time");
                if !self.mute.socket {
                    self.socket = Some(socket);
                    self.inputs.push_back(Input::SocketOpened { socket });
                }
            }
            Output::CloseSocket { socket } => {
                assert!(self.socket.is_none_or(|open| open == socket));
                self.socket = None;
            }
            Output::Send { socket, text } => {
                assert_eq!(self.socket, Some(socket), "only an open socket can be sent on");
                let message = decode_client(&text).expect("the engine speaks the protocol");
                self.said.push(message.clone());
                for answer in self.answer(message) {
                    self.inputs.push_back(Input::Message { socket, text: answer.encode() });
                }
            }
            Output::ResetMedia { media } => self.media = Some(media),
            Output::CreateOffer(request) if !self.mute.platform => {
                self.inputs.push_back(Input::OfferCreated(created(&request)));
            }
            Output::ApplyAnswer { negotiation, .. } if !self.mute.platform => {
                self.inputs.push_back(Input::AnswerApplied { negotiation });
                if !self.mute.connection {
                    let media = self.media.expect("media is made before it is negotiated");
                    let state = MediaConnection::Connected;
                    self.inputs.push_back(Input::MediaConnection { media, state });
                }
            }
            Output::CreateOffer(_)
            | Output::ApplyAnswer { .. }
            | Output::SetLayers(_)
            | Output::Silence { .. }
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

    fn answer(&mut self, message: ClientMessage) -> Vec<ServerMessage> {
        match message {
            ClientMessage::Hello(_) if !self.mute.hello => vec![self.welcome()],
            ClientMessage::Offer(offer) if !self.mute.offers => {
                let Offer { negotiation, .. } = offer;
                vec![ServerMessage::Answer(Answer { negotiation, sdp: "v=0".to_owned() })]
            }
            ClientMessage::Wants { wants } => {
                let assigned = |want: &Want| SlotAssignment {
                    mid: want.mid.clone(),
                    source: Some(want.source),
                    paused: None,
                };
                let slots = wants.iter().map(assigned).collect();
                self.wants = wants;
                vec![ServerMessage::SlotMap { slots }]
            }
            ClientMessage::Ping { nonce } if !self.mute.pings => vec![ServerMessage::Pong { nonce }],
            ClientMessage::Resync if !self.mute.resync => vec![ServerMessage::Snapshot(self.snapshot())],
            ClientMessage::Hello(_)
            | ClientMessage::Offer(_)
            | ClientMessage::Ping { .. }
            | ClientMessage::Resync
            | ClientMessage::Media(_)
            | ClientMessage::Rename { .. }
            | ClientMessage::Chat(_)
            | ClientMessage::React { .. }
            | ClientMessage::Hand { .. }
            | ClientMessage::Caption(_)
            | ClientMessage::WantCaptions { .. }
            | ClientMessage::Moderate(_)
            | ClientMessage::Leave => Vec::new(),
        }
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        room: RoomId::new("abc-defg-hjk").unwrap(),
        name: DisplayName::new("Ada").unwrap(),
        media: MediaState { microphone: true, camera: true, screen: false },
        resume: None,
        seed: 42,
        capabilities: Vec::new(),
        admission: engine::Admission::default(),
        chat: engine::ChatStart::default(),
    }
}

pub(crate) fn camera_on() -> MediaState {
    MediaState { microphone: true, camera: true, screen: false }
}

pub(crate) fn person(peer: PeerId, name: &str, media: MediaState) -> Participant {
    Participant {
        peer,
        name: DisplayName::new(name).unwrap(),
        media,
        presence: Presence::Connected,
        external_id: None,
        metadata: None,
    }
}

/// A meeting in which everything is allowed, or hardly anything.
pub(crate) fn meeting(host: bool, hands: &[PeerId], everything: bool) -> Meeting {
    let publish = if everything {
        vec![SourceKind::Microphone, SourceKind::Camera, SourceKind::Screen]
    } else {
        Vec::new()
    };
    Meeting {
        policy: Policy::default(),
        passcode: false,
        hosts: if host { vec![ME] } else { Vec::new() },
        hands: hands.to_vec(),
        you: Permissions { host, publish, chat: everything },
    }
}

pub(crate) fn line(id: u32, from: PeerId, text: &str) -> ChatMessage {
    let name = DisplayName::new("Bo").unwrap();
    ChatMessage { id, at_s: 1_790_000_000 + id, from, name, to: None, text: text.to_owned(), number: None }
}

pub(crate) fn camera(peer: u64) -> SourceRef {
    SourceRef { peer: PeerId::new(peer), kind: SourceKind::Camera }
}

/// What a browser would make of the request; mids are stable over offers.
pub(crate) fn created(request: &OfferRequest) -> CreatedOffer {
    let published =
        |(index, kind): (usize, &SourceKind)| PublishedMid { mid: format!("s{index}"), kind: *kind };
    CreatedOffer {
        negotiation: request.negotiation,
        sdp: "v=0".to_owned(),
        sources: request.publish.iter().enumerate().map(published).collect(),
        audio_slots: (0..request.audio_slots).map(|index| format!("a{index}")).collect(),
        video_slots: (0..request.video_slots).map(|index| format!("v{index}")).collect(),
    }
}
