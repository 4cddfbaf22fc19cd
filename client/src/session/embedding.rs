//! The page around the frame, if there is one: it is listened to after the server has allowed its origin, its commands
//! are carried out, and it hears what happens. What only that takes arrives late.

mod captions;
mod speech;

use std::rc::Rc;
use std::time::Duration;

use engine::{EndReason, Notice};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::embed::{
    Event, HiddenPart, LayoutName, Options, Origin, PanelName, ParticipantLeaveReason, ProblemCode,
    ToolbarButton, encode_event,
};
use shared::meeting::Reaction;
use shared::protocol::Departure;
use shared::{DisplayName, MediaState, PeerId, RoomId, SourceKind};

use self::speech::{Speech, speech};
use super::{LocalMedia, MeetingHandle, hand_over_token};
use crate::call::arrangement::{Choice, Mode};
use crate::call::background::Background;
use crate::call::embed::{
    Expected, Identity, OwnLines, Watcher, asked, is_hidden, reacted, silenced, wanted_background, written,
};
use crate::call::problem;
use crate::platform::clock::Timer;
use crate::platform::debug;
use crate::platform::events::Listener;
use crate::platform::parent_page::{self, Offer, Port};
use crate::platform::{page, rooms};

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
    /// What would speak with the page did not arrive.
    Broken,
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
    speech: RwSignal<Option<Speech>>,
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
            speech: RwSignal::new(None),
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
            if let Some(speech) = self.speech.get() {
                (speech.tell_changes)(self, &room, media, &place.get());
            }
        });
        Effect::new(move |_| {
            if let Some(speech) = self.speech.get() {
                (speech.tell_own_lines)(self);
            }
        });
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
            }
            Notice::Written(line) => self.tell(&written(line)),
            Notice::Silenced { kind, by } => {
                self.expect_off(*kind, Origin::Moderator);
                self.tell(&silenced(*kind, by.as_ref(), &self.identity()));
            }
            Notice::NotAllowed { kind } => self.expect_off(*kind, Origin::System),
            // The states show them.
            Notice::Arrived { .. }
            | Notice::Knocked(_)
            | Notice::HandRaised { .. }
            | Notice::BecameHost
            | Notice::NoLongerHost
            | Notice::NotConnected
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

    fn identity(self) -> Identity {
        self.options.with_value(|options| Identity {
            external_id: options.external_id.clone(),
            metadata: options.metadata.clone(),
        })
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
            let Ok(speech) = speech().await else {
                self.settle(Bond::Broken);
                return;
            };
            self.speech.set(Some(speech));
            let is_latest = move || self.offers.try_get_value() == number;
            (speech.accept)(self, offer, Box::new(is_latest));
        });
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
