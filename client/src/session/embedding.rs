//! The page around the frame, if there is one: it is listened to after the server has allowed its origin, its commands
//! are carried out, and it hears what happens.

use std::rc::Rc;
use std::time::Duration;

use engine::{Act, EndReason, Notice};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::embed::{
    Command, ErrorCode, Event, Failure, HiddenPart, LayoutName, Options, Origin, PanelName,
    ParticipantLeaveReason, ProblemCode, Reply, Stage, Theme, ThemeMode, ToolbarButton, decode_command,
    decode_options, encode_event, encode_response,
};
use shared::meeting::Reaction;
use shared::protocol::{Departure, Moderation};
use shared::{DisplayName, MediaState, PeerId, RoomId, SourceKind};

use super::language::speak_for_now;
use super::{LocalMedia, MeetingHandle, hand_over_token};
use crate::call::arrangement::{Choice, Mode};
use crate::call::background::Background;
use crate::call::capture_problem::Device;
use crate::call::embed::{
    Action, Expected, Identity, Observation, OwnLines, Situation, Watcher, asked, decide, is_hidden,
    properties, reacted, silenced, unwritten, wanted_background, written,
};
use crate::call::problem;
use crate::platform::clock::Timer;
use crate::platform::debug;
use crate::platform::events::Listener;
use crate::platform::parent_page::{self, Offer, Port};
use crate::platform::{page, rooms};
use crate::strings::Language;

/// How long a frame that was announced a page waits for it; then it goes on alone.
const OFFER_WITHIN: Duration = Duration::from_secs(10);

/// What there is between the frame and the page around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bond {
    /// Nothing, or nothing yet that has to be waited for.
    Alone,
    /// The page has announced itself in the address.
    Awaited,
    /// The server does not allow this page.
    Refused,
    /// Commands and events go to and fro.
    Connected,
}

/// Where in a room's page the person is.
#[derive(Clone)]
pub(crate) enum Place {
    /// In the lobby.
    Lobby,
    /// In the meeting, or on the way in.
    Meeting,
    /// It is over.
    Ended(EndReason),
}

/// A handle; all copies mean the same page. Lives as long as the reactive owner it is created in.
#[derive(Clone, Copy)]
pub(crate) struct Embedding {
    /// What there is between the frame and the page.
    pub(crate) bond: RwSignal<Bond>,
    /// The page's own buttons.
    pub(crate) buttons: RwSignal<Vec<ToolbarButton>>,
    /// What the page wants to lie open beside the pictures; nothing: it has not said anything.
    pub(crate) panel: RwSignal<Option<Option<PanelName>>>,
    options: StoredValue<Options>,
    watcher: StoredValue<Watcher>,
    own_lines: StoredValue<OwnLines>,
    /// What the page has put behind the person; nothing once they have chosen themselves.
    page_background: StoredValue<Option<Background>>,
    /// The properties of the page's theme, to be taken away with it.
    themed: StoredValue<Vec<&'static str>>,
    hidden: StoredValue<Vec<HiddenPart>>,
    room: StoredValue<Option<OpenRoom>, LocalStorage>,
    meeting: RwSignal<Option<MeetingHandle>, LocalStorage>,
    port: StoredValue<Option<Rc<Port>>, LocalStorage>,
    /// Numbers the offers, so that one that was overtaken is recognised.
    offers: StoredValue<u32>,
    events: StoredValue<u32>,
    _listener: StoredValue<Option<Listener>, LocalStorage>,
    _deadline: StoredValue<Option<Timer>, LocalStorage>,
}

/// What the commands act on while a room's page is shown.
#[derive(Clone)]
struct OpenRoom {
    id: RoomId,
    media: LocalMedia,
    join: Rc<dyn Fn(DisplayName)>,
}

impl Embedding {
    /// Waits for the page around the frame, if this is one.
    pub(crate) fn start() -> Self {
        let embedding = Self {
            bond: RwSignal::new(Bond::Alone),
            buttons: RwSignal::default(),
            panel: RwSignal::default(),
            options: StoredValue::default(),
            watcher: StoredValue::default(),
            own_lines: StoredValue::default(),
            page_background: StoredValue::default(),
            themed: StoredValue::default(),
            hidden: StoredValue::default(),
            room: StoredValue::new_local(None),
            meeting: RwSignal::new_local(None),
            port: StoredValue::new_local(None),
            offers: StoredValue::default(),
            events: StoredValue::default(),
            _listener: StoredValue::new_local(None),
            _deadline: StoredValue::new_local(None),
        };
        if parent_page::is_framed() {
            if parent_page::is_expected() {
                embedding.bond.set(Bond::Awaited);
                let go_on = move || embedding.settle(Bond::Alone);
                embedding._deadline.set_value(Some(Timer::once(OFFER_WITHIN, go_on)));
            }
            embedding._listener.set_value(Some(parent_page::listen(move |offer| embedding.consider(offer))));
            page::set_attribute("data-embedded", Some("true"));
        }
        embedding
    }

    /// What is on at the start, as the page wants it.
    pub(crate) fn first_media(self) -> MediaState {
        let media = self.options.with_value(|options| MediaState {
            microphone: options.audio.unwrap_or(true),
            camera: options.video.unwrap_or(true),
            screen: false,
        });
        self.expect(Expected::Audio(media.microphone), Origin::System);
        self.expect(Expected::Video(media.camera), Origin::System);
        media
    }

    /// The name that the lobby begins with, as the page wants it.
    pub(crate) fn display_name(self) -> Option<DisplayName> {
        self.options.with_value(|options| options.display_name.clone())
    }

    /// Under which name to go straight in, where the page wants that and a name is known.
    pub(crate) fn skips_lobby(self) -> Option<DisplayName> {
        let wanted = self.options.with_value(|options| options.skip_lobby);
        if wanted { self.display_name().or_else(super::recent_name) } else { None }
    }

    /// From now on commands act on this room, and what happens in it is told. `join` enters the meeting.
    pub(crate) fn follow(
        self,
        room: &RoomId,
        media: LocalMedia,
        place: Signal<Place>,
        join: impl Fn(DisplayName) + 'static,
    ) {
        if !parent_page::is_framed() {
            return;
        }
        self.room.set_value(Some(OpenRoom { id: room.clone(), media, join: Rc::new(join) }));
        self.choose_first_background(media);
        self.hand_over_token();
        let room = room.to_string();
        Effect::new(move |_| {
            self.forget_page_background(media.sent_camera.background.get());
            let observation = self.observe(&room, media, &place.get());
            let identity = self.identity();
            let events = self.watcher.try_update_value(|watcher| watcher.observe(observation, &identity));
            for event in events.unwrap_or_default() {
                self.tell(&event);
            }
        });
        Effect::new(move |_| self.tell_own_lines());
        on_cleanup(move || {
            self.room.try_set_value(None);
        });
    }

    /// The meeting that is entered; as long as the current reactive owner lives.
    pub(crate) fn meet(self, meeting: MeetingHandle) {
        // What was to lie open in an earlier meeting is of the past.
        self.panel.set(None);
        self.meeting.set(Some(meeting));
        if let Some(layout) = self.options.with_value(|options| options.layout) {
            self.lay_out(layout);
        }
        on_cleanup(move || {
            self.meeting.try_set(None);
        });
    }

    /// The engine has something to tell that no state shows.
    pub(crate) fn hear(self, notice: &Notice) {
        match notice {
            Notice::Departed { peer, departure, .. } => {
                let reason = match departure {
                    Departure::Left => ParticipantLeaveReason::Left,
                    Departure::TimedOut => ParticipantLeaveReason::TimedOut,
                    Departure::Removed => ParticipantLeaveReason::Removed,
                    Departure::Unknown => ParticipantLeaveReason::Unknown,
                };
                self.watcher.try_update_value(|watcher| watcher.departs(peer.to_string(), reason));
            }
            Notice::Problem(problem) => {
                let message = problem::sentence(problem);
                self.tell(&Event::ErrorOccurred { code: ProblemCode::Server, message });
                self.watcher.try_update_value(|watcher| watcher.want_policy(None));
            }
            Notice::Written(line) => self.tell(&written(line)),
            Notice::Silenced { kind, by } => {
                self.expect_off(*kind, Origin::Moderator);
                self.tell(&silenced(*kind, by.as_ref(), &self.identity()));
            }
            Notice::NotAllowed { kind } => self.expect_off(*kind, Origin::System),
            Notice::NoLongerHost | Notice::NotConnected => {
                self.watcher.try_update_value(|watcher| watcher.want_policy(None));
            }
            // The states show them.
            Notice::Arrived { .. }
            | Notice::Knocked(_)
            | Notice::HandRaised { .. }
            | Notice::BecameHost
            | Notice::SeatLost
            | Notice::Reconnected => {}
        }
    }

    /// Whether the page leaves out what this is about.
    pub(crate) fn hides(self, notice: &Notice) -> bool {
        self.hidden.try_with_value(|parts| is_hidden(notice, parts)).unwrap_or_default()
    }

    /// Somebody reacted.
    pub(crate) fn hear_reaction(self, peer: PeerId, reaction: Reaction) {
        if let Some(event) = self.watcher.try_with_value(|watcher| reacted(peer, reaction, watcher.last())) {
            self.tell(&event);
        }
    }

    /// A host asks the person to switch something on.
    pub(crate) fn hear_question(self, kind: SourceKind, by: Option<&DisplayName>) {
        self.tell(&asked(kind, by, &self.identity()));
    }

    /// One of the page's own buttons was pressed.
    pub(crate) fn press(self, id: String) {
        self.tell(&Event::ToolbarButtonClicked { id });
    }

    fn observe(self, room: &str, media: LocalMedia, place: &Place) -> Observation {
        let observation = Observation {
            room: room.to_owned(),
            audio: media.microphone.get(),
            video: media.camera.get(),
            screen: media.screen.is_on(),
            screen_answers: media.screen.answers.get(),
            background: media.sent_camera.background.get().name(),
            ..Observation::default()
        };
        let meeting = self.meeting.get();
        match (place, meeting) {
            (Place::Ended(reason), _) => observation.with_end(reason),
            (Place::Meeting, Some(meeting)) => {
                let identity = self.identity();
                let layout = meeting.signals.stage.choice.with(|choice| layout_name(choice.mode));
                let observation = Observation { layout: Some(layout), ..observation };
                let talk = meeting.signals.talk;
                let with_gathering = |gathering: &_| {
                    meeting.signals.view.with(|view| observation.with_call(view, gathering, &identity))
                };
                talk.gathering.with(with_gathering)
            }
            (Place::Meeting, None) => Observation { stage: Stage::Joining, ..observation },
            (Place::Lobby, _) => observation,
        }
    }

    fn identity(self) -> Identity {
        self.options.with_value(|options| Identity {
            external_id: options.external_id.clone(),
            metadata: options.metadata.clone(),
        })
    }

    /// What the person wrote has arrived.
    fn tell_own_lines(self) {
        let Some(meeting) = self.meeting.get() else { return };
        let identity = self.identity();
        let arrived = meeting.signals.talk.chat.with(|chat| {
            self.own_lines.try_update_value(|lines| lines.arrived(chat, &identity)).unwrap_or_default()
        });
        for event in arrived {
            self.tell(&event);
        }
    }

    /// What goes off now is not the person's doing.
    fn expect_off(self, kind: SourceKind, origin: Origin) {
        let change = match kind {
            SourceKind::Microphone => Expected::Audio(false),
            SourceKind::Camera => Expected::Video(false),
            SourceKind::Screen | SourceKind::ScreenAudio => Expected::Screen(false),
        };
        self.expect(change, origin);
    }

    /// The page's token is shown when the room is entered; it never stands in an address.
    fn hand_over_token(self) {
        let token = self.options.with_value(|options| options.token.clone());
        if let (Some(room), Some(token)) = (self.room.try_get_value().flatten(), token) {
            hand_over_token(&room.id, &token);
        }
    }

    fn expect(self, change: Expected, origin: Origin) {
        self.watcher.update_value(|watcher| watcher.expect(change, origin));
    }

    fn settle(self, bond: Bond) {
        self._deadline.try_set_value(None);
        if self.bond.try_get_untracked().is_some_and(|before| before != bond) {
            self.bond.set(bond);
        }
    }

    /// The server decides about the origin; the latest offer counts.
    fn consider(self, offer: Offer) {
        let number = self.offers.try_update_value(|number| {
            *number = number.wrapping_add(1);
            *number
        });
        spawn_local(async move {
            if !rooms::may_embed(&offer.origin).await {
                debug::warn("The server does not let this page speak with the meeting: see embed_origins.");
                if self.bond.get_untracked() != Bond::Connected {
                    self.settle(Bond::Refused);
                }
                return;
            }
            let options = decode_options(&offer.options);
            // Before anything is shown, so that nothing changes its language before the person's eyes.
            let language =
                options.as_ref().ok().and_then(|options| Language::from_tag(options.language.as_deref()?));
            if let Some(language) = language {
                speak_for_now(language).await;
            }
            if self.offers.try_get_value() == number {
                self.accept(offer.port, options);
            }
        });
    }

    fn accept(self, mut port: Port, options: Result<Options, Failure>) {
        port.listen(move |text| self.answer(&text));
        self.port.set_value(Some(Rc::new(port)));
        self.events.set_value(0);
        let problem = options.as_ref().err().cloned();
        let options = options.unwrap_or_default();
        self.set_theme(&options.theme.unwrap_or_default());
        self.hide(&options.hide);
        self.buttons.set(options.toolbar_buttons.clone());
        self.options.set_value(options);
        if let Some(room) = self.room.try_get_value().flatten() {
            self.choose_first_background(room.media);
        }
        self.hand_over_token();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        self.tell(&Event::Ready { commands: names(&Command::NAMES), events: names(&Event::NAMES) });
        if let Some(Failure { message, .. }) = problem {
            self.tell(&Event::ErrorOccurred { code: ProblemCode::Options, message });
        }
        for event in self.watcher.with_value(Watcher::catch_up) {
            self.tell(&event);
        }
        self.settle(Bond::Connected);
    }

    fn answer(self, text: &str) {
        match decode_command(text) {
            Ok(inbound) => {
                let (id, name) = (inbound.id, inbound.command.name());
                let result = self.decide(inbound.command).and_then(|action| self.carry_out(action));
                self.send(&encode_response(id, name, &result));
            }
            Err(error) => {
                if let Some((id, name)) = error.request {
                    self.send(&encode_response(id, &name, &Err(error.failure)));
                }
            }
        }
    }

    fn decide(self, command: Command) -> Result<Action, Failure> {
        let room = self.room.try_get_value().flatten();
        let background = room.as_ref().map(|room| room.media.sent_camera.background.get_untracked());
        let devices = room.map(|room| room.media.devices.get_untracked()).unwrap_or_default();
        let name = self.display_name().or_else(super::recent_name);
        let meeting = self.meeting.get_untracked();
        let gathering =
            meeting.map(|meeting| meeting.signals.talk.gathering.get_untracked()).unwrap_or_default();
        self.watcher.with_value(|watcher| {
            decide(
                command,
                Situation {
                    watcher,
                    devices: &devices,
                    background: background.unwrap_or_default(),
                    background_origin: self.background_origin(background.unwrap_or_default()),
                    name: name.as_ref(),
                    gathering: &gathering,
                },
            )
        })
    }

    fn background_origin(self, now: Background) -> Origin {
        if self.page_background.get_value() == Some(now) { Origin::Page } else { Origin::Participant }
    }

    /// What the person has chosen since is theirs.
    fn forget_page_background(self, now: Background) {
        if self.page_background.try_get_value().flatten().is_some_and(|given| given != now) {
            self.page_background.set_value(None);
        }
    }

    fn choose_background(self, media: LocalMedia, background: Background) {
        self.expect(Expected::Background(background.name()), Origin::Page);
        self.page_background.set_value(Some(background));
        media.sent_camera.choose_for_now(background);
    }

    /// The options may hide the person's room as a command may.
    fn choose_first_background(self, media: LocalMedia) {
        let Some(name) = self.options.with_value(|options| options.background.clone()) else { return };
        let now = media.sent_camera.background.get_untracked();
        match wanted_background(&name, now, self.background_origin(now)) {
            Ok(wanted) if wanted != now => self.choose_background(media, wanted),
            Ok(_) => {}
            Err(failure) => debug::warn(&failure.message),
        }
    }

    fn carry_out(self, action: Action) -> Result<Reply, Failure> {
        match action {
            Action::Answer(reply) => return Ok(reply),
            Action::Theme(theme) => self.set_theme(&theme),
            Action::Hide(parts) => self.hide(&parts),
            Action::Buttons(buttons) => self.buttons.set(buttons),
            Action::Language(language) => spawn_local(async move {
                speak_for_now(language).await;
            }),
            Action::Panel(panel) => self.panel.set(Some(panel)),
            Action::Leave => {
                self.expect(Expected::Leave, Origin::Page);
                if let Some(meeting) = self.meeting.get_untracked() {
                    meeting.leave();
                }
            }
            Action::Join(name) => (self.room()?.join)(name),
            Action::Rename(name) => self.rename(name),
            Action::Microphone(on) => {
                self.expect(Expected::Audio(on), Origin::Page);
                self.room()?.media.set(Device::Microphone, on);
            }
            Action::Camera(on) => {
                self.expect(Expected::Video(on), Origin::Page);
                self.room()?.media.set(Device::Camera, on);
            }
            Action::Screen(on) => {
                let screen = self.room()?.media.screen;
                // Who is being asked already has begun that themselves.
                if untrack(|| screen.is_on()) != on && !screen.is_asking() {
                    self.expect(Expected::Screen(on), Origin::Page);
                    screen.toggle();
                }
            }
            Action::Layout(layout) => self.lay_out(layout),
            Action::Pin(source) => {
                if let Some(meeting) = self.meeting.get_untracked() {
                    meeting.signals.stage.choice.update(|choice| choice.pinned = source);
                }
            }
            Action::Background(background) => self.choose_background(self.room()?.media, background),
            Action::Device(kind, id) => self.room()?.media.choose(kind, id),
            Action::Act(act) => self.act(act)?,
            Action::Token(token) => {
                self.options.update_value(|options| options.token = Some(token));
                self.hand_over_token();
            }
        }
        Ok(Reply::Done(()))
    }

    fn act(self, act: Act) -> Result<(), Failure> {
        let none = || Failure::new(ErrorCode::WrongStage, "no meeting is open");
        let meeting = self.meeting.get_untracked().ok_or_else(none)?;
        if let Act::Write { text, .. } = &act {
            meeting.can_write(text).map_err(unwritten)?;
        }
        if let Act::Moderate(Moderation::SetPolicy { policy }) = act {
            self.watcher.update_value(|watcher| watcher.want_policy(Some(policy)));
        }
        meeting.act(act);
        Ok(())
    }

    fn room(self) -> Result<OpenRoom, Failure> {
        let none = || Failure::new(ErrorCode::WrongStage, "no room is open");
        self.room.try_get_value().flatten().ok_or_else(none)
    }

    /// For this meeting: it is not remembered, because the person has not chosen it.
    fn lay_out(self, layout: LayoutName) {
        if let Some(meeting) = self.meeting.get_untracked() {
            self.expect(Expected::Layout(layout), Origin::Page);
            let mode = mode(layout);
            meeting
                .signals
                .stage
                .choice
                .update(|choice| *choice = Choice { mode, page: 0, pinned: None, ..*choice });
        }
    }

    fn rename(self, name: DisplayName) {
        self.options.update_value(|options| options.display_name = Some(name.clone()));
        if let Some(meeting) = self.meeting.get_untracked() {
            self.expect(Expected::Name(name.as_str().to_owned()), Origin::Page);
            meeting.rename(name);
        }
    }

    fn set_theme(self, theme: &Theme) {
        let mode = match theme.mode {
            ThemeMode::Auto => None,
            ThemeMode::Light => Some("light"),
            ThemeMode::Dark => Some("dark"),
        };
        page::set_attribute("data-theme", mode);
        let now = properties(theme);
        let before = self.themed.get_value();
        page::set_properties(&before, &now);
        self.themed.set_value(now.into_iter().map(|(name, _)| name).collect());
    }

    fn hide(self, parts: &[HiddenPart]) {
        let names: Vec<&str> = parts.iter().map(|part| part.name()).collect();
        self.hidden.set_value(parts.to_vec());
        page::set_attribute("data-hidden", (!names.is_empty()).then(|| names.join(" ")).as_deref());
    }

    fn tell(self, event: &Event) {
        let number = self.events.try_update_value(|number| {
            *number = number.wrapping_add(1);
            *number
        });
        self.send(&encode_event(number.unwrap_or_default(), event));
    }

    fn send(self, text: &str) {
        if let Some(port) = self.port.try_get_value().flatten() {
            port.send(text);
        }
    }
}

const fn mode(layout: LayoutName) -> Mode {
    match layout {
        LayoutName::Auto => Mode::Auto,
        LayoutName::Grid => Mode::Grid,
        LayoutName::Speaker => Mode::Speaker,
        LayoutName::Sidebar => Mode::Sidebar,
    }
}

const fn layout_name(mode: Mode) -> LayoutName {
    match mode {
        Mode::Auto => LayoutName::Auto,
        Mode::Grid => LayoutName::Grid,
        Mode::Speaker => LayoutName::Speaker,
        Mode::Sidebar => LayoutName::Sidebar,
    }
}
