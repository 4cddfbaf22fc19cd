//! What a command means in the state that the meeting is in.

use engine::Act;
use shared::embed::{
    Command, ErrorCode, Event, Failure, HiddenPart, LayoutName, MediaDevice, Origin, PanelName, PolicyChange,
    Reply, Stage, Theme, ToolbarButton,
};
use shared::protocol::Moderation;
use shared::{DisplayName, SourceKind, SourceRef};

use super::observation::Observation;
use super::talk::Talk;
use super::watcher::Watcher;
use crate::call::background::Background;
use crate::call::devices_view_model::{DeviceKind, Devices};
use crate::call::gathering::Gathering;
use crate::strings::Language;

/// What is to be done for a command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Nothing: this is the answer.
    Answer(Reply),
    /// Enter the meeting under this name.
    Join(DisplayName),
    /// Leave it.
    Leave,
    /// Switch the microphone.
    Microphone(bool),
    /// Switch the camera.
    Camera(bool),
    /// Share a screen, or end it.
    Screen(bool),
    /// Lay the pictures out.
    Layout(LayoutName),
    /// Show captions, or show none.
    Captions(bool),
    /// Show somebody large: their screen rather than their camera, when they share one.
    Pin(Option<SourceRef>),
    /// Put this behind the person.
    Background(Background),
    /// Be called this in the meeting, or in the lobby.
    Rename(DisplayName),
    /// Use this device.
    Device(DeviceKind, String),
    /// Look like this.
    Theme(Box<Theme>),
    /// Hide these parts.
    Hide(Vec<HiddenPart>),
    /// Show these buttons.
    Buttons(Vec<ToolbarButton>),
    /// Speak this language.
    Language(Language),
    /// Open this panel, or none.
    Panel(Option<PanelName>),
    /// Do this in the meeting.
    Act(Act),
    /// Show this join token from the next time on that the room is entered.
    Token(String),
}

/// What decides about a command, apart from what was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Situation<'a> {
    /// What was seen last.
    pub(crate) watcher: &'a Watcher,
    /// Which devices there are.
    pub(crate) devices: &'a Devices,
    /// What is behind the person now.
    pub(crate) background: Background,
    /// Who put it there.
    pub(crate) background_origin: Origin,
    /// Under which name the person would join.
    pub(crate) name: Option<&'a DisplayName>,
    /// Who leads and who may do what.
    pub(crate) gathering: &'a Gathering,
}

/// Says what is to be done for a command, or why nothing is.
///
/// # Errors
/// The answer to the page.
pub(crate) fn decide(command: Command, situation: Situation<'_>) -> Result<Action, Failure> {
    let seen = situation.watcher.last();
    let talk = situation.talk();
    let (microphone, camera, screen) = (SourceKind::Microphone, SourceKind::Camera, SourceKind::Screen);
    match command {
        Command::Join => join(seen.stage, situation.name),
        Command::Leave => while_in(seen.stage, Action::Leave),
        Command::SetAudioEnabled { enabled: on } => switch(talk, microphone, on, Action::Microphone(on)),
        Command::SetVideoEnabled { enabled: on } => switch(talk, camera, on, Action::Camera(on)),
        Command::SetScreenShareEnabled { enabled: on } => {
            talk.check_publish(screen, on).and_then(|()| while_in(seen.stage, Action::Screen(on)))
        }
        Command::SetLayout { layout } => while_in(seen.stage, Action::Layout(layout)),
        Command::SetCaptionsVisible { visible } => while_in(seen.stage, Action::Captions(visible)),
        Command::PinParticipant { participant_id } => pin(participant_id.as_deref(), seen),
        Command::SetTheme { theme } => Ok(Action::Theme(Box::new(theme))),
        Command::SetLanguage { language } => spoken(&language),
        Command::SetHiddenParts { parts } => Ok(Action::Hide(parts)),
        Command::SetToolbarButtons { buttons } => Ok(Action::Buttons(buttons)),
        Command::SetPanel { panel } => open(panel, talk),
        Command::SetBackground { background } => situation.background(&background),
        Command::SetDisplayName { display_name } => before_the_end(seen.stage, Action::Rename(display_name)),
        Command::SetDevice { kind, device_id } => device(kind.into(), device_id, situation.devices),
        Command::SendChat { text, participant_id } => talk.write(text, participant_id.as_deref()),
        Command::SetHandRaised { raised } => talk.raise_hand(raised),
        Command::SendReaction { reaction } => talk.react(&reaction),
        Command::MuteParticipant { participant_id: id } => talk.mute(&id, microphone),
        Command::MuteAll => talk.lead(Moderation::MuteAll),
        Command::AskToUnmute { participant_id: id } => talk.ask(&id, microphone),
        Command::StopParticipantVideo { participant_id: id } => talk.mute(&id, camera),
        Command::AskToStartVideo { participant_id: id } => talk.ask(&id, camera),
        Command::StopParticipantScreenShare { participant_id: id } => talk.mute(&id, screen),
        Command::LowerHand { participant_id } => talk.lower_hand(participant_id.as_deref()),
        Command::RemoveParticipant { participant_id: id, ban } => {
            talk.lead_about(&id, |peer| Moderation::Remove { peer, ban })
        }
        Command::SetHost { participant_id: id, host } => {
            talk.lead_about(&id, |peer| Moderation::SetHost { peer, host })
        }
        Command::Admit { knock } => talk.admit(knock),
        Command::Deny { knock, message } => talk.deny(knock, message),
        Command::SetLocked { locked } => {
            talk.change_policy(PolicyChange { locked: Some(locked), ..PolicyChange::default() })
        }
        Command::SetPolicy { policy } => talk.change_policy(policy),
        Command::SetPasscode { passcode } => talk.lead(Moderation::SetPasscode { passcode }),
        Command::EndMeeting => talk.lead(Moderation::End),
        Command::SetToken { token } => Ok(Action::Token(token)),
        Command::GetState => Ok(situation.state()),
        Command::GetParticipants => Ok(Action::Answer(Reply::Participants(seen.participants()))),
        Command::GetDevices => Ok(Action::Answer(Reply::Devices(listed(situation.devices)))),
        Command::GetBackgrounds => Ok(Action::Answer(names(offered().map(Background::name)))),
        Command::GetSupportedCommands => Ok(Action::Answer(names(Command::NAMES.into_iter()))),
        Command::GetSupportedEvents => Ok(Action::Answer(names(Event::NAMES.into_iter()))),
    }
}

impl<'a> Situation<'a> {
    fn talk(self) -> Talk<'a> {
        Talk { seen: self.watcher.last(), gathering: self.gathering }
    }

    fn background(self, name: &str) -> Result<Action, Failure> {
        let wanted = wanted_background(name, self.background, self.background_origin)?;
        before_the_end(self.watcher.last().stage, Action::Background(wanted))
    }

    fn state(self) -> Action {
        let state = self.watcher.last().state(self.watcher.active_speaker());
        Action::Answer(Reply::State(Box::new(state)))
    }
}

/// The background of this name, if the page may put it there: it may hide the person's room, and show it again only where it hid
/// it itself. What the person has chosen to hide stays hidden.
///
/// # Errors
/// There is none of this name, or it would show the room.
pub(crate) fn wanted_background(name: &str, now: Background, origin: Origin) -> Result<Background, Failure> {
    let wanted = offered()
        .find(|known| known.name() == name)
        .ok_or_else(|| Failure::new(ErrorCode::NotFound, &format!("there is no background `{name}`")))?;
    if wanted == Background::Real && now != Background::Real && origin != Origin::Page {
        return Err(Failure::new(ErrorCode::NotAllowed, "the person has chosen to hide what is behind them"));
    }
    Ok(wanted)
}

fn switch(talk: Talk<'_>, kind: SourceKind, on: bool, action: Action) -> Result<Action, Failure> {
    talk.check_publish(kind, on)?;
    before_the_end(talk.seen.stage, action)
}

fn spoken(language: &str) -> Result<Action, Failure> {
    Language::from_tag(language)
        .map(Action::Language)
        .ok_or_else(|| Failure::new(ErrorCode::NotFound, "this meeting does not speak that language"))
}

fn open(panel: Option<PanelName>, talk: Talk<'_>) -> Result<Action, Failure> {
    match panel {
        Some(PanelName::Chat) => talk.check_meeting()?,
        Some(PanelName::People | PanelName::Backgrounds | PanelName::Statistics) | None => {}
    }
    while_in(talk.seen.stage, Action::Panel(panel))
}

/// A picture of the person's own is theirs alone to choose.
fn offered() -> impl Iterator<Item = Background> {
    Background::ALL.into_iter().filter(|background| *background != Background::Own)
}

fn pin(participant_id: Option<&str>, seen: &Observation) -> Result<Action, Failure> {
    let Some(id) = participant_id else { return while_in(seen.stage, Action::Pin(None)) };
    let known = seen.participants().into_iter().find(|participant| participant.participant_id == id);
    let (Some(participant), Ok(peer)) = (known, id.parse()) else {
        return Err(Failure::new(ErrorCode::NotFound, "there is no such participant"));
    };
    let kind = if participant.screen_share { SourceKind::Screen } else { SourceKind::Camera };
    while_in(seen.stage, Action::Pin(Some(SourceRef { peer, kind })))
}

fn join(stage: Stage, name: Option<&DisplayName>) -> Result<Action, Failure> {
    if stage != Stage::Lobby {
        return Err(Failure::new(ErrorCode::WrongStage, "the person is not in the lobby"));
    }
    let name =
        name.ok_or_else(|| Failure::new(ErrorCode::WrongStage, "nobody has said how the person is called"))?;
    Ok(Action::Join(name.clone()))
}

fn while_in(stage: Stage, action: Action) -> Result<Action, Failure> {
    match stage {
        Stage::Joining | Stage::Joined => Ok(action),
        Stage::Lobby | Stage::Ended => {
            Err(Failure::new(ErrorCode::WrongStage, "the person is not in the meeting"))
        }
    }
}

fn before_the_end(stage: Stage, action: Action) -> Result<Action, Failure> {
    match stage {
        Stage::Lobby | Stage::Joining | Stage::Joined => Ok(action),
        Stage::Ended => Err(Failure::new(ErrorCode::WrongStage, "the meeting is over for the person")),
    }
}

fn device(kind: DeviceKind, id: String, devices: &Devices) -> Result<Action, Failure> {
    if devices.options(kind).iter().any(|option| option.id == id) {
        return Ok(Action::Device(kind, id));
    }
    Err(Failure::new(ErrorCode::NotFound, "there is no such device"))
}

fn listed(devices: &Devices) -> Vec<MediaDevice> {
    let of = |kind: DeviceKind| {
        let chosen = devices.selected(kind).map(|option| option.id);
        devices.options(kind).into_iter().map(move |option| MediaDevice {
            kind: kind.into(),
            chosen: chosen.as_ref() == Some(&option.id),
            device_id: option.id,
            label: option.label,
        })
    };
    [DeviceKind::Microphone, DeviceKind::Camera, DeviceKind::Speaker].into_iter().flat_map(of).collect()
}

fn names(names: impl Iterator<Item = &'static str>) -> Reply {
    Reply::Names(names.map(str::to_owned).collect())
}

impl From<shared::embed::DeviceKind> for DeviceKind {
    fn from(kind: shared::embed::DeviceKind) -> Self {
        match kind {
            shared::embed::DeviceKind::Microphone => Self::Microphone,
            shared::embed::DeviceKind::Camera => Self::Camera,
            shared::embed::DeviceKind::Speaker => Self::Speaker,
        }
    }
}

impl From<DeviceKind> for shared::embed::DeviceKind {
    fn from(kind: DeviceKind) -> Self {
        match kind {
            DeviceKind::Microphone => Self::Microphone,
            DeviceKind::Camera => Self::Camera,
            DeviceKind::Speaker => Self::Speaker,
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::embed::decode_command;

    use super::super::Identity;
    use super::*;
    use crate::call::devices_view_model::DeviceInfo;

    fn decided(stage: Stage, name: &str, data: &str) -> Result<Action, ErrorCode> {
        decided_in(stage, &Gathering::default(), name, data)
    }

    fn decided_in(stage: Stage, gathering: &Gathering, name: &str, data: &str) -> Result<Action, ErrorCode> {
        let mut watcher = Watcher::default();
        watcher.observe(Observation { stage, ..Observation::default() }, &Identity::default());
        let mut devices = Devices::default();
        let id = "camera-1".to_owned();
        devices.list(vec![DeviceInfo {
            kind: DeviceKind::Camera,
            id,
            label: "Camera".to_owned(),
            group: String::new(),
        }]);
        let ada = DisplayName::new("Ada").unwrap();
        let situation = Situation {
            watcher: &watcher,
            devices: &devices,
            background: Background::StrongBlur,
            background_origin: Origin::Participant,
            name: Some(&ada),
            gathering,
        };
        let text = format!(r#"{{"v":1,"id":1,"kind":"command","name":"{name}","data":{data}}}"#);
        decide(decode_command(&text).unwrap().command, situation).map_err(|failure| failure.code)
    }

    #[test]
    fn questions_are_answered_with_what_the_declarations_say() {
        for name in [
            "getState",
            "getParticipants",
            "getDevices",
            "getBackgrounds",
            "getSupportedCommands",
            "getSupportedEvents",
        ] {
            let Ok(Action::Answer(reply)) = decided(Stage::Lobby, name, "null") else { panic!("{name}") };
            assert_eq!(reply.type_name(), Command::reply_type(name), "{name}");
        }
    }

    #[test]
    fn what_the_rules_forbid_a_page_does_not_switch_on_either() {
        let gathering =
            Gathering { forbidden: vec![SourceKind::Microphone, SourceKind::Screen], ..Gathering::default() };
        let decided = |name, data| decided_in(Stage::Joined, &gathering, name, data);
        assert_eq!(decided("setAudioEnabled", r#"{"enabled":true}"#), Err(ErrorCode::NotAllowed));
        assert_eq!(decided("setAudioEnabled", r#"{"enabled":false}"#), Ok(Action::Microphone(false)));
        assert_eq!(decided("setScreenShareEnabled", r#"{"enabled":true}"#), Err(ErrorCode::NotAllowed));
        assert_eq!(decided("setVideoEnabled", r#"{"enabled":true}"#), Ok(Action::Camera(true)));
    }

    #[test]
    fn a_token_can_be_handed_over_at_any_time() {
        for stage in [Stage::Lobby, Stage::Joining, Stage::Joined, Stage::Ended] {
            assert_eq!(decided(stage, "setToken", r#"{"token":"t"}"#), Ok(Action::Token("t".to_owned())));
        }
    }

    #[test]
    fn a_chat_is_opened_only_where_there_is_one() {
        let chat = r#"{"panel":"chat"}"#;
        assert_eq!(decided(Stage::Joined, "setPanel", chat), Err(ErrorCode::Unsupported));
        let offered = Gathering { is_offered: true, ..Gathering::default() };
        assert_eq!(
            decided_in(Stage::Joined, &offered, "setPanel", chat),
            Ok(Action::Panel(Some(PanelName::Chat)))
        );
    }

    #[test]
    fn a_command_at_the_wrong_time_says_so() {
        let wrong = Err(ErrorCode::WrongStage);
        assert_eq!(decided(Stage::Lobby, "leave", "null"), wrong);
        assert_eq!(decided(Stage::Ended, "leave", "null"), wrong);
        assert_eq!(decided(Stage::Joined, "join", "null"), wrong);
        assert_eq!(decided(Stage::Ended, "setAudioEnabled", r#"{"enabled":true}"#), wrong);
        assert_eq!(decided(Stage::Joining, "leave", "null"), Ok(Action::Leave));
        assert_eq!(
            decided(Stage::Lobby, "setAudioEnabled", r#"{"enabled":true}"#),
            Ok(Action::Microphone(true))
        );
    }

    #[test]
    fn a_page_hides_the_room_and_shows_it_only_where_it_hid_it() {
        let check = |name, now, origin| wanted_background(name, now, origin).map_err(|failure| failure.code);
        let (page, person) = (Origin::Page, Origin::Participant);
        assert_eq!(check("strong-blur", Background::Real, person), Ok(Background::StrongBlur));
        assert_eq!(check("light-blur", Background::StrongBlur, person), Ok(Background::LightBlur));
        assert_eq!(check("real", Background::StrongBlur, person), Err(ErrorCode::NotAllowed));
        assert_eq!(check("real", Background::StrongBlur, page), Ok(Background::Real));
        assert_eq!(check("real", Background::Real, person), Ok(Background::Real));
        assert_eq!(check("own", Background::Real, page), Err(ErrorCode::NotFound));
        assert_eq!(check("beach", Background::Real, page), Err(ErrorCode::NotFound));
    }

    #[test]
    fn only_somebody_who_is_there_can_be_shown_large() {
        assert_eq!(decided(Stage::Joined, "pinParticipant", "{}"), Ok(Action::Pin(None)));
        let stranger = r#"{"participantId":"0123456789abcdef"}"#;
        assert_eq!(decided(Stage::Joined, "pinParticipant", stranger), Err(ErrorCode::NotFound));
    }

    #[test]
    fn only_a_device_that_is_there_can_be_chosen() {
        let camera = Ok(Action::Device(DeviceKind::Camera, "camera-1".to_owned()));
        assert_eq!(decided(Stage::Joined, "setDevice", r#"{"kind":"camera","deviceId":"camera-1"}"#), camera);
        let microphone =
            decided(Stage::Joined, "setDevice", r#"{"kind":"microphone","deviceId":"camera-1"}"#);
        assert_eq!(microphone, Err(ErrorCode::NotFound));
    }
}
