//! The engine: routes inputs to session, negotiation, roster and wants, then brings the server's and the
//! platform's state in line with what is desired.

mod meeting;
mod message;
mod view;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use shared::protocol::{ClientMessage, Hello, SlotAssignment, Speaker, Version};
use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId};

use crate::captions::CaptionWish;
use crate::chat::{ChatLog, ChatStart};
use crate::declare::{Declaration, Pace};
use crate::error::{EndReason, Notice, Problem};
use crate::input::{CreatedOffer, Input, MediaConnection, SocketId};
use crate::layers::Layers;
use crate::meeting::Assembly;
use crate::moment::Moment;
use crate::negotiate::{Negotiation, NegotiationStep, Slot};
use crate::output::Output;
use crate::roster::Roster;
use crate::session::{Session, SessionStep};
use crate::wants::Wants;

/// What a session starts with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to.
    pub room: RoomId,
    /// What the others read.
    pub name: DisplayName,
    /// What is live from the start.
    pub media: MediaState,
    /// The token of an earlier seat, from [`Output::StoreResume`] before a reload.
    pub resume: Option<ResumeToken>,
    /// Spreads reconnects; any number, different for every client.
    pub seed: u64,
    /// What the client can do beyond the protocol's version; usually nothing.
    pub capabilities: Vec<String>,
    /// What opens the door.
    pub admission: Admission,
    /// What is there of the chat already.
    pub chat: ChatStart,
}

/// What a client shows to be let in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Admission {
    /// A signed join token.
    pub token: Option<String>,
    /// The meeting's passcode; it is asked for when it is needed.
    pub passcode: Option<String>,
}

impl fmt::Debug for Admission {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission")
            .field("token", &self.token.is_some())
            .field("passcode", &self.passcode.is_some())
            .finish()
    }
}

/// One participant's session, from joining to leaving.
#[derive(Debug)]
pub struct Engine {
    room: RoomId,
    capabilities: Vec<String>,
    resume: Option<ResumeToken>,
    admission: Admission,
    me: Option<PeerId>,
    /// The latest time told; time never runs backwards in here.
    now: Moment,
    online: bool,
    /// The server said goodbye to start anew, and has not been reached since.
    server_restarts: bool,
    session: Session,
    negotiation: Negotiation,
    roster: Roster,
    wants: Wants,
    media: Declaration<MediaState>,
    name: Declaration<DisplayName>,
    /// As the server sent it; [`Engine::slots`] is what of it is negotiated.
    slot_map: Vec<SlotAssignment>,
    slots: Vec<Slot>,
    speakers: Vec<Speaker>,
    layers: Layers,
    assembly: Assembly,
    chat: ChatLog,
    captions: CaptionWish,
    /// When the room was entered first: what is written from then on is news.
    entered: Option<Moment>,
    reacted: Option<Moment>,
    problem: Option<Problem>,
    unreadable: u32,
    outputs: VecDeque<Output>,
    changed: bool,
}

impl Engine {
    /// A session that opens its first socket at once: drain [`Engine::poll_output`].
    #[must_use]
    pub fn new(now: Moment, settings: Settings) -> Self {
        let Settings { room, name, media, resume, seed, capabilities, admission, chat } = settings;
        let mut engine = Self {
            room,
            capabilities,
            resume,
            admission,
            me: None,
            now,
            online: true,
            server_restarts: false,
            session: Session::new(now, seed),
            negotiation: Negotiation::new(media),
            roster: Roster::default(),
            wants: Wants::new(),
            media: Declaration::new(media, MEDIA_PACE),
            name: Declaration::new(name, NAME_PACE),
            slot_map: Vec::new(),
            slots: Vec::new(),
            speakers: Vec::new(),
            layers: Layers::default(),
            assembly: Assembly::default(),
            chat: ChatLog::new(chat),
            captions: CaptionWish::new(),
            entered: None,
            reacted: None,
            problem: None,
            unreadable: 0,
            outputs: VecDeque::new(),
            changed: false,
        };
        engine.advance(now);
        engine
    }

    /// Tells the engine that something happened at `now`. Late, repeated and senseless inputs are ignored.
    /// Drain [`Engine::poll_output`] afterwards.
    pub fn handle(&mut self, now: Moment, input: Input) {
        self.now = self.now.max(now);
        let now = self.now;
        if self.session.is_ended() {
            return;
        }
        self.changed |= input != Input::Tick;
        self.dispatch(now, input);
        self.advance(now);
        self.relieve(now);
    }

    /// The next thing to do; nothing when all is done.
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.changed {
            self.changed = false;
            return Some(Output::Changed);
        }
        self.outputs.pop_front()
    }

    /// When to call [`Engine::handle`] with [`Input::Tick`], if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        let reachable = self.session.open_socket().is_some();
        let session = self.session.poll_timeout();
        if self.session.is_ended() {
            return None;
        }
        let mut earliest = [session, self.negotiation.poll_timeout(reachable)].into_iter().flatten().min();
        if reachable {
            let statements = [
                self.media.poll_timeout(),
                self.name.poll_timeout(),
                self.wants.poll_timeout(),
                self.roster.poll_timeout(),
                self.assembly.poll_timeout(),
                self.captions.poll_timeout(),
            ];
            let chat = self.can_talk().then(|| self.chat.poll_timeout()).flatten();
            earliest = statements.into_iter().chain([earliest, chat]).flatten().min();
        }
        earliest
    }

    fn dispatch(&mut self, now: Moment, input: Input) {
        match input {
            Input::SocketOpened { socket } => self.socket_opened(now, socket),
            Input::SocketClosed { socket } => {
                if self.session.socket() == Some(socket) {
                    self.connection_lost(now, Duration::ZERO);
                }
            }
            Input::Message { socket, text } => {
                if self.session.socket() == Some(socket) {
                    self.handle_text(now, &text);
                }
            }
            Input::OfferCreated(created) => self.offer_created(now, created),
            Input::AnswerApplied { negotiation } => {
                if self.negotiation.answer_applied(now, negotiation) {
                    self.refresh_slots();
                    self.layers.negotiated();
                }
            }
            Input::NegotiationFailed { negotiation, reason: _ } => {
                self.negotiation.platform_failed(now, negotiation);
            }
            Input::MediaConnection { media, state } => {
                let has_changed = self.negotiation.connection_changed(now, media, state);
                // A device that moved to another network lost both, and only one of them says so at once.
                if has_changed && state == MediaConnection::Disconnected {
                    self.session.doubted(now);
                }
            }
            Input::NetworkOnline(online) => self.network_changed(now, online),
            Input::SetMicrophone(microphone) => {
                self.set_media(now, MediaState { microphone, ..*self.media.desired() });
            }
            Input::SetCamera(camera) => self.set_media(now, MediaState { camera, ..*self.media.desired() }),
            Input::SetScreen(screen) => self.set_media(now, MediaState { screen, ..*self.media.desired() }),
            Input::Rename(name) => {
                self.name.set(now, name);
            }
            Input::Layout(tiles) => self.wants.set_layout(tiles),
            Input::WantCaptions(wanted) => self.captions.set(now, wanted),
            Input::Act(act) => self.act(now, act),
            Input::Passcode(passcode) if self.session.passcode_given(now) => {
                self.admission.passcode = Some(passcode);
            }
            // Nobody asked.
            Input::Passcode(_) => {}
            Input::Leave => self.leave(),
            Input::Tick => {}
        }
    }

    fn socket_opened(&mut self, now: Moment, socket: SocketId) {
        if !self.session.opened(now, socket) {
            return;
        }
        let hello = ClientMessage::Hello(Hello {
            version: Version::CURRENT,
            capabilities: self.capabilities.clone(),
            room: self.room.clone(),
            name: self.name.desired().clone(),
            media: *self.media.desired(),
            resume: self.resume,
            token: self.admission.token.clone(),
            passcode: self.admission.passcode.clone(),
        });
        self.outputs.push_back(Output::Send { socket, text: hello.encode() });
    }

    fn offer_created(&mut self, now: Moment, created: CreatedOffer) {
        let Some(offer) = self.negotiation.offer_created(now, created) else { return };
        let text = ClientMessage::Offer(offer).encode();
        // Line ends double in JSON: an SDP within its bound may still exceed the message's.
        if text.len() > shared::limits::MESSAGE_BYTES_MAX {
            self.negotiation.offer_too_large(now);
        } else if let Some(socket) = self.session.open_socket() {
            self.outputs.push_back(Output::Send { socket, text });
        }
    }

    fn network_changed(&mut self, now: Moment, online: bool) {
        if online && !self.online {
            self.session.network_returned(now);
            self.negotiation.network_returned(now);
        }
        self.online = online;
    }

    fn set_media(&mut self, now: Moment, media: MediaState) {
        self.media.set(now, media);
        self.negotiation.publish(media);
        self.obey_rules(now);
    }

    fn leave(&mut self) {
        if let Some(socket) = self.session.greeted_socket() {
            self.outputs.push_back(Output::Send { socket, text: ClientMessage::Leave.encode() });
        }
        self.end(EndReason::Left);
    }

    fn end(&mut self, reason: EndReason) {
        if let Some(socket) = self.session.socket() {
            self.outputs.push_back(Output::CloseSocket { socket });
        }
        match &reason {
            // After these, coming back with the token would push somebody else out or undo the leaving.
            EndReason::Left
            | EndReason::Replaced
            | EndReason::Removed
            | EndReason::Denied { .. }
            | EndReason::MeetingEnded
            | EndReason::Banned { .. } => self.outputs.push_back(Output::ForgetResume),
            // A reload may still get the seat back.
            EndReason::VersionMismatch { .. }
            | EndReason::RoomFull { .. }
            | EndReason::WaitingRoomFull { .. }
            | EndReason::Locked { .. }
            | EndReason::TokenRefused { .. }
            | EndReason::Refused { .. } => {}
        }
        self.session.end(reason.clone());
        self.speakers.clear();
        self.outputs.push_back(Output::Ended(reason));
        self.changed = true;
    }

    /// Closes the socket, if there is one, and waits for the next try; media is left alone.
    fn connection_lost(&mut self, now: Moment, at_least: Duration) {
        self.session.lost(now, at_least);
        self.signaling_lost();
    }

    fn signaling_lost(&mut self) {
        self.negotiation.signaling_lost();
        self.layers.signaling_lost();
        self.assembly.signaling_lost();
        self.chat.signaling_lost();
        self.speakers.clear();
        self.changed = true;
    }

    fn close_and_wait(&mut self, now: Moment, at_least: Duration) {
        if let Some(socket) = self.session.socket() {
            self.outputs.push_back(Output::CloseSocket { socket });
        }
        self.connection_lost(now, at_least);
    }

    fn refresh_slots(&mut self) {
        let negotiation = &self.negotiation;
        let negotiated = self.slot_map.iter().filter_map(|assignment| {
            let medium = negotiation.medium(&assignment.mid)?;
            let SlotAssignment { mid, source, paused } = assignment.clone();
            Some(Slot { mid, medium, source, paused })
        });
        self.slots = negotiated.collect();
    }

    /// Brings actual and desired in line as far as is possible now. Idempotent.
    fn advance(&mut self, now: Moment) {
        while let Some(step) = self.session.handle_timeout(now) {
            self.session_step(step);
        }
        if self.session.is_ended() {
            return;
        }
        self.negotiation.handle_timeout(now);
        self.changed |= self.assembly.handle_timeout(now);
        self.negotiation.need_slots(self.wants.slots_needed(&self.roster, self.me));
        let socket = self.session.open_socket();
        if socket.is_some() {
            while let Some(step) = self.negotiation.next_step(now) {
                self.negotiation_step(step);
            }
        }
        if self.negotiation.is_at_rest()
            && let Some(publications) = self.layers.take_due()
        {
            self.outputs.push_back(Output::SetLayers(publications));
        }
        self.wants.reconcile(now, &self.roster, self.me, self.negotiation.video_mids());
        if let Some(socket) = socket {
            self.declare(now, socket);
        }
    }

    fn session_step(&mut self, step: SessionStep) {
        match step {
            SessionStep::Open(socket) => {
                self.outputs.push_back(Output::OpenSocket { socket });
                self.changed = true;
            }
            SessionStep::Ping { socket, nonce } => {
                self.outputs.push_back(Output::Send { socket, text: ClientMessage::Ping { nonce }.encode() });
            }
            SessionStep::Lost(socket) => {
                self.outputs.push_back(Output::CloseSocket { socket });
                self.signaling_lost();
            }
        }
    }

    fn negotiation_step(&mut self, step: NegotiationStep) {
        match step {
            NegotiationStep::Reset(media) => {
                self.slot_map.clear();
                self.slots.clear();
                self.wants.forget_told();
                self.layers.reset();
                self.outputs.push_back(Output::ResetMedia { media });
                self.changed = true;
            }
            NegotiationStep::Create(request) => self.outputs.push_back(Output::CreateOffer(request)),
        }
    }

    /// Says what the server does not know yet.
    fn declare(&mut self, now: Moment, socket: SocketId) {
        let statements = [
            self.media.take_due(now).map(ClientMessage::Media),
            self.name.take_due(now).map(|name| ClientMessage::Rename { name }),
            self.wants.take_due(now).map(|wants| ClientMessage::Wants { wants }),
            self.roster.take_resync(now).then_some(ClientMessage::Resync),
            self.captions.take_due(now).map(|wanted| ClientMessage::WantCaptions { wanted }),
            self.say_hand(),
            self.say_line(now),
        ];
        for message in statements.into_iter().flatten() {
            self.outputs.push_back(Output::Send { socket, text: message.encode() });
        }
    }

    /// A shell that does not drain has lost track: forget what it did not do and start over.
    fn relieve(&mut self, now: Moment) {
        if self.outputs.len() <= OUTPUTS_MAX || self.session.is_ended() {
            return;
        }
        self.outputs.clear();
        self.negotiation.abandon();
        self.close_and_wait(now, Duration::ZERO);
    }

    fn notify(&mut self, notice: Notice) {
        self.outputs.push_back(Output::Notice(notice));
    }
}

/// Switching quickly on and off becomes a few messages a second, far below `MESSAGES_PER_SECOND_MAX`.
const MEDIA_PACE: Pace = Pace { settle: Duration::ZERO, interval: Duration::from_millis(100) };
const NAME_PACE: Pace = Pace { settle: Duration::ZERO, interval: Duration::from_millis(500) };
/// Outputs waiting for the shell. One input makes a dozen at most, apart from one notice for every change
/// in a delta (`CHANGES_MAX`).
const OUTPUTS_MAX: usize = 512;
