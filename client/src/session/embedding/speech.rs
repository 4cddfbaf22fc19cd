//! What is said to the page, and what is done that it asks for.

use std::rc::Rc;

use engine::Act;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::DisplayName;
use shared::embed::{
    Command, ErrorCode, Event, Failure, HiddenPart, LayoutName, Options, Origin, ProblemCode, Reply, Stage,
    Theme, ThemeMode, decode_command, decode_options, encode_response,
};

use super::{Bond, Embedding, OpenRoom, Place};
use crate::call::arrangement::Mode;
use crate::call::captions::Captions;
use crate::call::capture_problem::Device;
use crate::call::embed::{Action, Expected, Observation, Situation, Watcher, decide, properties, unwritten};
use crate::platform::page;
use crate::platform::parent_page::{Offer, Port};
use crate::session::LocalMedia;
use crate::session::language::speak_for_now;
use crate::session::late::late;
use crate::strings::Language;

/// What an [`Embedding`] does once its code has arrived.
#[derive(Clone, Copy)]
pub(super) struct Speech {
    /// Listens to the page through the channel that it offered, unless another was offered in the meantime.
    pub(super) accept: fn(Embedding, Offer, Box<dyn Fn() -> bool>),
    /// Tells the page what has changed in a room; to be called in an effect.
    pub(super) tell_changes: fn(Embedding, &str, LocalMedia, &Place),
    /// Tells the page which lines of the person have arrived; to be called in an effect.
    pub(super) tell_own_lines: fn(Embedding),
}

late! {
    /// Waits for the code.
    pub(super) async fn speech() -> Speech {
        Speech {
            accept: Embedding::accept,
            tell_changes: Embedding::tell_changes,
            tell_own_lines: Embedding::tell_own_lines,
        }
    }
}

impl Embedding {
    /// The page speaks from now on, unless it has offered another channel in the meantime.
    fn accept(self, offer: Offer, is_latest: Box<dyn Fn() -> bool>) {
        spawn_local(async move {
            let options = decode_options(&offer.options);
            // Before anything is shown, so that nothing changes its language before the person's eyes.
            let language =
                options.as_ref().ok().and_then(|options| Language::from_tag(options.language.as_deref()?));
            if let Some(language) = language {
                speak_for_now(language).await;
            }
            if is_latest() {
                self.listen(offer.port, options);
            }
        });
    }

    fn listen(self, mut port: Port, options: Result<Options, Failure>) {
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

    fn tell_changes(self, room: &str, media: LocalMedia, place: &Place) {
        self.forget_page_background(media.sent_camera.background.get());
        let observation = self.observe(room, media, place);
        let identity = self.identity();
        let events = self.watcher.try_update_value(|watcher| watcher.observe(observation, &identity));
        for event in events.unwrap_or_default() {
            self.tell(&event);
        }
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
                let captions = meeting.signals.captions.with(Captions::is_on);
                let observation = Observation { layout: Some(layout), captions, ..observation };
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
        let name = self.display_name().or_else(crate::session::recent_name);
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
            Action::Captions(visible) => self.show_captions(visible),
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
        meeting.act(act);
        Ok(())
    }

    fn room(self) -> Result<OpenRoom, Failure> {
        let none = || Failure::new(ErrorCode::WrongStage, "no room is open");
        self.room.try_get_value().flatten().ok_or_else(none)
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
}

const fn layout_name(mode: Mode) -> LayoutName {
    match mode {
        Mode::Auto => LayoutName::Auto,
        Mode::Grid => LayoutName::Grid,
        Mode::Speaker => LayoutName::Speaker,
        Mode::Sidebar => LayoutName::Sidebar,
    }
}
