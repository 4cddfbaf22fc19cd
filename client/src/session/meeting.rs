//! One stay in a room: drives the engine and executes what it decides.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use engine::{
    Act, Admission, ChatStart, Engine, Input, MediaId, Moment, OfferRequest, Output, Settings, SocketId,
};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::protocol::CAPABILITY_LAYERS;
use shared::{DisplayName, MediaState, ResumeToken, RoomId, SourceKind};

use super::connection_watch::{Asked, ConnectionWatch};
use super::encoder_watch::{self, EncoderWatch};
use super::reception_watch::{self, ReceptionWatch};
use super::talk::TalkSignals;
use super::{EffectsState, Embedding, LocalMedia, StageHandle, captions, keep_chat, keep_seat, token_of};
use crate::call::call_view_model::CallView;
use crate::call::captions::Captions;
use crate::call::capture_problem::Device;
use crate::call::devices_view_model::DeviceKind;
use crate::call::draft::StoredChat;
use crate::call::reception::owners;
use crate::call::tiles::wanted_pictures;
use crate::call::toasts::Toasts;
use crate::platform::clock::{self, Timer};
use crate::platform::events::Listener;
use crate::platform::page;
use crate::platform::peer_connection::{OwnTracks, PeerConnection};
use crate::platform::picture::Picture;
use crate::platform::playout::Playout;
use crate::platform::socket::{Socket, SocketEvent};

/// With what a room is entered.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// Where.
    pub(crate) room: RoomId,
    /// As whom.
    pub(crate) name: DisplayName,
    /// What is, or is about to be, on.
    pub(crate) media: MediaState,
    /// The seat from before a reload.
    pub(crate) resume: Option<ResumeToken>,
}

/// What the views show.
#[derive(Clone, Copy)]
pub(crate) struct MeetingSignals {
    /// Everything but the pictures.
    pub(crate) view: RwSignal<CallView>,
    /// The pictures, by slot.
    pub(crate) pictures: RwSignal<Vec<(String, Picture)>, LocalStorage>,
    /// Short messages.
    pub(crate) toasts: RwSignal<Toasts>,
    /// The browser holds the sound back until a click.
    pub(crate) sound_blocked: RwSignal<bool>,
    /// The time, about twice a second.
    pub(crate) now: RwSignal<Moment>,
    /// What is written, raised, allowed and asked.
    pub(crate) talk: TalkSignals,
    /// What is said, in writing.
    pub(crate) captions: RwSignal<Captions>,
    /// How the tiles are arranged.
    pub(crate) stage: StageHandle,
}

/// A handle for the views; all copies mean the same stay.
#[derive(Clone, Copy)]
pub(crate) struct MeetingHandle {
    /// What to show.
    pub(crate) signals: MeetingSignals,
    meeting: StoredValue<Rc<Meeting>, LocalStorage>,
}

impl MeetingHandle {
    /// Enters a room. Lives as long as the reactive owner it is created in. `ended` hears the end, once.
    pub(crate) fn enter(
        start: Start,
        local: LocalMedia,
        ended: impl Fn(engine::EndReason) + 'static,
    ) -> Self {
        let signals = MeetingSignals {
            view: RwSignal::default(),
            pictures: RwSignal::new_local(Vec::new()),
            toasts: RwSignal::default(),
            sound_blocked: RwSignal::new(false),
            now: RwSignal::new(clock::now()),
            talk: TalkSignals::new(&start.room),
            captions: captions::captions(),
            stage: StageHandle::new(),
        };
        let meeting = Meeting::new(start, local, signals, Box::new(ended));
        meeting.listen();
        meeting.drain();
        let handle = Self { signals, meeting: StoredValue::new_local(meeting) };
        handle.follow_local_media(local);
        handle.follow_layout();
        handle.follow_captions();
        handle.follow_screen(local);
        handle.follow_devices(local);
        // Going elsewhere on the site is leaving; reloading the page is not, and does not come here.
        on_cleanup(move || handle.leave());
        handle
    }

    /// Leaves for good; the end follows.
    pub(crate) fn leave(self) {
        self.tell(Input::Leave);
    }

    /// Asks the connection for its statistics as long as the reactive owner lives in which this is called.
    pub(crate) fn watch_connection(self) {
        let asked = move || {
            let Some(meeting) = self.meeting.try_get_value() else { return Asked::default() };
            let own = meeting.local.sent_camera;
            let is_plain = own.effects.try_get_untracked() == Some(EffectsState::None);
            let shown = self.signals.view.try_with_untracked(CallView::slots).unwrap_or_default();
            let pictures = self.signals.pictures.try_get_untracked().unwrap_or_default();
            let is_shown = |(mid, _): &(String, Picture)| shown.contains(mid);
            Asked {
                peer: meeting.peer(),
                own: own.picture.try_get_untracked().flatten().filter(|_| is_plain),
                received: pictures.into_iter().find(is_shown).map(|(_, picture)| picture),
            }
        };
        let Some(meeting) = self.meeting.try_get_value() else { return };
        // It ends with the owner, and its timer with it.
        StoredValue::new_local(ConnectionWatch::start(asked, meeting.local.sent_camera.statistics));
    }

    /// Is called differently from now on.
    pub(crate) fn rename(self, name: DisplayName) {
        self.tell(Input::Rename(name));
    }

    /// Lets the held-back sound play; to be called from a click.
    pub(crate) fn resume_sound(self) {
        self.meeting.with_value(|meeting| meeting.playout.resume());
    }

    /// Does something in the meeting.
    pub(crate) fn act(self, act: Act) {
        self.tell(Input::Act(act));
    }

    /// Whether this would be taken as a line.
    pub(crate) fn can_write(self, text: &str) -> Result<(), engine::WriteError> {
        self.meeting.with_value(|meeting| meeting.engine.borrow().can_write(text))
    }

    /// Answers the question for the meeting's passcode.
    pub(crate) fn give_passcode(self, passcode: String) {
        self.tell(Input::Passcode(passcode));
    }

    pub(super) fn tell(self, input: Input) {
        if let Some(meeting) = self.meeting.try_get_value() {
            meeting.handle(input);
        }
    }

    /// The engine and the senders always have what the person's devices give.
    fn follow_local_media(self, local: LocalMedia) {
        // While a device starts, nothing is known yet: what was on before a reload stays on until then.
        let settled = move |signal: RwSignal<crate::call::source_state::SourceState>| {
            Memo::new(move |before: Option<&bool>| {
                let state = signal.get();
                if state.starting { before.copied().unwrap_or(true) } else { state.on }
            })
        };
        let (microphone, camera) = (settled(local.microphone), settled(local.camera));
        Effect::new(move |_| self.tell(Input::SetMicrophone(microphone.get())));
        Effect::new(move |_| self.tell(Input::SetCamera(camera.get())));
        Effect::new(move |_| {
            local.sent_microphone.track.track();
            self.replace_track(SourceKind::Microphone);
        });
        Effect::new(move |_| {
            local.sent_camera.track.track();
            self.replace_track(SourceKind::Camera);
        });
        // The browser's own choice, which has an empty name, stands in for a speaker that is gone.
        let speaker = Memo::new(move |_| {
            local.devices.with(|all| {
                let is_plugged = all.is_plugged(DeviceKind::Speaker);
                all.choice(DeviceKind::Speaker)
                    .map(|id| if is_plugged { id.to_owned() } else { String::new() })
            })
        });
        Effect::new(move |_| {
            if let Some(id) = speaker.get() {
                self.meeting.with_value(|meeting| meeting.playout.set_speaker(&id));
            }
        });
    }

    pub(super) fn replace_track(self, kind: SourceKind) {
        let Some(meeting) = self.meeting.try_get_value() else { return };
        let Some(peer) = meeting.peer() else { return };
        let tracks = meeting.own_tracks();
        spawn_local(async move { peer.replace_track(kind, tracks.of(kind)).await });
    }

    /// The server is asked for what is shown, as large as it is shown.
    fn follow_layout(self) {
        let signals = self.signals;
        let wanted = Memo::new(move |_| {
            let shown = signals.stage.arrangements()?;
            Some(signals.view.with(|view| wanted_pictures(&shown, &view.tiles, page::pixel_ratio())))
        });
        Effect::new(move |_| {
            if let Some(tiles) = wanted.get() {
                self.tell(Input::Layout(tiles));
            }
        });
    }
}

struct Meeting {
    room: RoomId,
    engine: RefCell<Engine>,
    socket: RefCell<Option<(SocketId, Socket)>>,
    peer: RefCell<Option<Rc<PeerConnection>>>,
    playout: Playout,
    local: LocalMedia,
    signals: MeetingSignals,
    /// For a reload; kept in memory only until the page is left.
    resume: Cell<Option<ResumeToken>>,
    timer: RefCell<Option<Timer>>,
    listeners: RefCell<Vec<Listener>>,
    clock: RefCell<Option<Timer>>,
    watch: RefCell<Option<Timer>>,
    encoder: EncoderWatch,
    embedding: Option<Embedding>,
    reception: ReceptionWatch,
    reception_timer: RefCell<Option<Timer>>,
    ended: Box<dyn Fn(engine::EndReason)>,
    this: Weak<Self>,
}

impl Meeting {
    fn new(
        start: Start,
        local: LocalMedia,
        signals: MeetingSignals,
        ended: Box<dyn Fn(engine::EndReason)>,
    ) -> Rc<Self> {
        let settings = Settings {
            room: start.room.clone(),
            name: start.name,
            media: start.media,
            resume: start.resume,
            seed: page::random_seed(),
            capabilities: vec![CAPABILITY_LAYERS.to_owned()],
            admission: Admission { token: token_of(&start.room), passcode: None },
            chat: ChatStart {
                // Seconds since the epoch: the cast saturates.
                first_number: (clock::epoch_ms() / 1000.0) as u32,
                unsent: signals.talk.take_unsent(),
            },
        };
        let speaker = local.devices.with_untracked(|all| all.choice(DeviceKind::Speaker).map(str::to_owned));
        let blocked = signals.sound_blocked;
        let tell_blocked = move |is_blocked| {
            blocked.try_set(is_blocked);
        };
        Rc::new_cyclic(|this| Self {
            room: start.room,
            engine: RefCell::new(Engine::new(clock::now(), settings)),
            socket: RefCell::default(),
            peer: RefCell::default(),
            playout: Playout::new(speaker, tell_blocked),
            local,
            signals,
            resume: Cell::new(start.resume),
            timer: RefCell::default(),
            listeners: RefCell::default(),
            clock: RefCell::default(),
            watch: RefCell::default(),
            encoder: EncoderWatch::default(),
            embedding: use_context(),
            reception: ReceptionWatch::default(),
            reception_timer: RefCell::default(),
            ended,
            this: this.clone(),
        })
    }

    fn listen(&self) {
        let mut listeners = Vec::new();
        let network = self.later(|meeting, online| meeting.handle(Input::NetworkOnline(online)));
        listeners.extend(page::on_network(network));
        let leave = self.later(|meeting, ()| meeting.keep_seat());
        listeners.push(page::on_leave(move || leave(())));
        let gesture = self.later(|meeting, ()| meeting.resume_blocked_sound());
        listeners.extend(page::on_gesture(move || gesture(())));
        *self.listeners.borrow_mut() = listeners;
        let tick = self.later(|meeting, ()| meeting.tick());
        *self.clock.borrow_mut() = Some(Timer::every(CLOCK_INTERVAL, move || tick(())));
        let watch = self.later(|meeting, ()| meeting.encoder.ask(meeting.peer(), meeting.local.sent_camera));
        *self.watch.borrow_mut() = Some(Timer::every(encoder_watch::INTERVAL, move || watch(())));
        let reception = self.later(|meeting, ()| meeting.watch_reception());
        *self.reception_timer.borrow_mut() =
            Some(Timer::every(reception_watch::INTERVAL, move || reception(())));
        if !page::is_online() {
            self.engine.borrow_mut().handle(clock::now(), Input::NetworkOnline(false));
        }
    }

    /// A callback that does nothing once the stay is over.
    fn later<A>(&self, act: impl Fn(&Self, A) + Clone + 'static) -> impl Fn(A) + Clone + 'static {
        let this = self.this.clone();
        move |argument| {
            if let Some(meeting) = this.upgrade() {
                act(&meeting, argument);
            }
        }
    }

    fn handle(&self, input: Input) {
        self.engine.borrow_mut().handle(clock::now(), input);
        self.drain();
    }

    /// Executes everything that the engine decided, then arms the timer for what it decides next.
    fn drain(&self) {
        loop {
            // The borrow ends before the output is executed.
            let output = self.engine.borrow_mut().poll_output();
            let Some(output) = output else { break };
            self.execute(output);
        }
        self.arm_timer();
    }

    fn execute(&self, output: Output) {
        match output {
            Output::OpenSocket { socket } => self.open_socket(socket),
            Output::CloseSocket { socket } => {
                self.socket.borrow_mut().take_if(|(known, _)| *known == socket);
            }
            Output::Send { socket, text } => {
                if let Some((known, open)) = &*self.socket.borrow()
                    && *known == socket
                {
                    open.send(text);
                }
            }
            Output::ResetMedia { media } => self.reset_media(media),
            Output::CreateOffer(request) => self.create_offer(request),
            Output::ApplyAnswer { negotiation, sdp } => self.apply_answer(negotiation, sdp),
            Output::SetLayers(publications) => {
                if let Some(peer) = self.peer() {
                    peer.set_layers(publications);
                }
            }
            Output::StoreResume(token) => self.resume.set(Some(token)),
            Output::ForgetResume => self.resume.set(None),
            Output::Silence { kind } => self.silence(kind),
            Output::AskToUnmute { kind, by } => {
                self.signals.talk.ask(kind, by.as_ref());
                if let Some(embedding) = self.embedding {
                    embedding.hear_question(kind, by.as_ref());
                }
            }
            Output::Reaction { peer, reaction } => {
                self.signals.talk.react(clock::now(), peer, reaction);
                if let Some(embedding) = self.embedding {
                    embedding.hear_reaction(peer, reaction);
                }
            }
            Output::Caption(caption) => {
                if let Some(embedding) = self.embedding {
                    embedding.hear_caption(&caption);
                }
                captions::hear(self.signals.captions, clock::now(), caption);
            }
            Output::Notice(notice) => {
                let now = clock::now();
                if self.signals.talk.is_news(&notice)
                    && !self.embedding.is_some_and(|page| page.hides(&notice))
                {
                    self.signals.toasts.try_update(|toasts| toasts.tell(now, &notice));
                }
                if let Some(embedding) = self.embedding {
                    embedding.hear(&notice);
                }
            }
            Output::Changed => self.show(),
            Output::Ended(reason) => self.end(reason),
        }
    }

    fn show(&self) {
        let view = CallView::read(&self.engine.borrow());
        if self.signals.view.try_with_untracked(|shown| *shown != view) == Some(true) {
            self.signals.view.set(view);
        }
        self.signals.talk.show(&self.engine.borrow());
    }

    /// A source that may not be live goes off, with its device.
    fn silence(&self, kind: SourceKind) {
        match kind {
            SourceKind::Microphone => self.local.set(Device::Microphone, false),
            SourceKind::Camera => self.local.set(Device::Camera, false),
            // The browser would go on capturing, and say so, for nobody.
            SourceKind::Screen | SourceKind::ScreenAudio => self.local.screen.stop(),
        }
    }

    fn watch_reception(&self) {
        let owners = owners(&self.engine.borrow());
        self.reception.ask(self.peer(), owners, self.signals.talk.reception);
    }

    fn open_socket(&self, socket: SocketId) {
        let tell = self.later(move |meeting: &Self, event| {
            meeting.handle(match event {
                SocketEvent::Opened => Input::SocketOpened { socket },
                SocketEvent::Message(text) => Input::Message { socket, text },
                SocketEvent::Closed => Input::SocketClosed { socket },
            });
        });
        let opened = Socket::open(&page::socket_address(), tell);
        *self.socket.borrow_mut() = Some((socket, opened));
    }

    fn reset_media(&self, media: MediaId) {
        self.playout.clear();
        self.signals.pictures.try_set(Vec::new());
        let tell = self.later(move |meeting: &Self, state| {
            meeting.handle(Input::MediaConnection { media, state });
        });
        // A browser without WebRTC: the offer that follows reports it.
        *self.peer.borrow_mut() = PeerConnection::new(tell).ok();
    }

    fn create_offer(&self, request: OfferRequest) {
        let negotiation = request.negotiation;
        let peer = self.peer();
        let tracks = self.own_tracks();
        let report = self.later(|meeting: &Self, input| meeting.handle(input));
        let attach = self.later(|meeting: &Self, peer: Rc<PeerConnection>| meeting.attach(&peer));
        spawn_local(async move {
            let Some(peer) = peer else {
                let reason = "this browser has no RTCPeerConnection".to_owned();
                return report(Input::NegotiationFailed { negotiation, reason });
            };
            match peer.create_offer(&request, &tracks).await {
                Ok(created) => {
                    attach(peer);
                    report(Input::OfferCreated(created));
                }
                Err(error) => report(Input::NegotiationFailed { negotiation, reason: error.0 }),
            }
        });
    }

    fn apply_answer(&self, negotiation: u32, sdp: String) {
        let Some(peer) = self.peer() else { return };
        let report = self.later(|meeting: &Self, input| meeting.handle(input));
        let play = self.later(|meeting: &Self, peer: Rc<PeerConnection>| peer.play_audio(&meeting.playout));
        spawn_local(async move {
            match peer.apply_answer(&sdp).await {
                Ok(()) => {
                    play(peer);
                    report(Input::AnswerApplied { negotiation });
                }
                Err(error) => report(Input::NegotiationFailed { negotiation, reason: error.0 }),
            }
        });
    }

    /// New slots have something to show them; tracks that changed while the offer was made are sent.
    fn attach(&self, peer: &Rc<PeerConnection>) {
        if !self.peer().is_some_and(|current| Rc::ptr_eq(&current, peer)) {
            return;
        }
        let pictures = peer.pictures();
        if self.signals.pictures.try_with_untracked(|shown| *shown != pictures) == Some(true) {
            self.signals.pictures.set(pictures);
        }
        let tracks = self.own_tracks();
        let peer = Rc::clone(peer);
        spawn_local(async move {
            for kind in OwnTracks::KINDS {
                peer.replace_track(kind, tracks.of(kind)).await;
            }
        });
    }

    fn end(&self, reason: engine::EndReason) {
        self.resume.set(None);
        self.keep_chat_after(&reason);
        self.timer.take();
        self.clock.take();
        self.watch.take();
        self.reception_timer.take();
        self.listeners.take();
        self.socket.take();
        self.peer.take();
        self.playout.clear();
        self.signals.pictures.try_set(Vec::new());
        self.local.stop();
        (self.ended)(reason);
    }

    fn keep_seat(&self) {
        if let Some(token) = self.resume.get() {
            keep_seat(&self.room, token, self.engine.borrow().media());
        }
        self.keep_chat();
    }

    fn keep_chat(&self) {
        keep_chat(&self.room, &self.signals.talk.stored(self.engine.borrow().unsent()));
    }

    /// Who joins again from this page finds the chat as they left it, not as an earlier reload did: lines that were sent
    /// since then would be sent again. A meeting that was ended has forgotten its chat.
    fn keep_chat_after(&self, reason: &engine::EndReason) {
        if matches!(reason, engine::EndReason::MeetingEnded) {
            keep_chat(&self.room, &StoredChat::default());
        } else {
            self.keep_chat();
        }
    }

    fn resume_blocked_sound(&self) {
        if self.signals.sound_blocked.try_get_untracked() == Some(true) {
            self.playout.resume();
        }
    }

    fn tick(&self) {
        let now = clock::now();
        self.signals.now.try_set(now);
        let is_due = self.signals.toasts.try_with_untracked(|toasts| toasts.clone().expire(now));
        self.signals.talk.expire(now);
        let is_inside = self.signals.view.try_with_untracked(|view| view.entered) == Some(true);
        captions::pass(self.signals.captions, now, is_inside);
        if is_due == Some(true) {
            self.signals.toasts.update(|toasts| {
                toasts.expire(now);
            });
        }
    }

    fn arm_timer(&self) {
        let due = self.engine.borrow().poll_timeout();
        let tick = self.later(|meeting: &Self, ()| meeting.handle(Input::Tick));
        let timer = due.map(|due| Timer::once(due.since(clock::now()), move || tick(())));
        self.timer.replace(timer);
    }

    fn peer(&self) -> Option<Rc<PeerConnection>> {
        self.peer.borrow().clone()
    }

    fn own_tracks(&self) -> OwnTracks {
        OwnTracks {
            microphone: self.local.sent_microphone.track.try_get_untracked().flatten(),
            camera: self.local.sent_camera.track.try_get_untracked().flatten(),
            screen: self.local.screen.track.try_get_untracked().flatten(),
            screen_audio: self.local.screen.sound.try_get_untracked().flatten(),
        }
    }
}

/// A countdown in seconds looks even at this pace.
const CLOCK_INTERVAL: Duration = Duration::from_millis(500);
