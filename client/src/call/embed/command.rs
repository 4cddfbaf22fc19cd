//! What a command means in the state that the meeting is in.

use shared::embed::{
    Command, ErrorCode, Failure, HiddenPart, LayoutName, MediaDevice, Origin, PanelName, Reply, Stage, Theme,
    ToolbarButton,
};
use shared::{DisplayName, SourceKind, SourceRef};

use super::observation::Observation;
use super::watcher::Watcher;
use crate::call::background::Background;
use crate::call::devices_view_model::{DeviceKind, Devices};
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
}

/// The commands that are carried out. Every other one is answered with `unsupported`.
pub(crate) const COMMANDS: [&str; 21] = [
    "join",
    "leave",
    "setAudioEnabled",
    "setVideoEnabled",
    "setScreenShareEnabled",
    "setLayout",
    "pinParticipant",
    "setTheme",
    "setLanguage",
    "setHiddenParts",
    "setToolbarButtons",
    "setPanel",
    "setBackground",
    "setDisplayName",
    "setDevice",
    "getState",
    "getParticipants",
    "getDevices",
    "getBackgrounds",
    "getSupportedCommands",
    "getSupportedEvents",
];

/// The events that can happen.
pub(crate) const EVENTS: [&str; 17] = [
    "ready",
    "meetingJoined",
    "meetingLeft",
    "participantJoined",
    "participantUpdated",
    "participantLeft",
    "mediaAudioStatusChanged",
    "mediaVideoStatusChanged",
    "screenShareStatusChanged",
    "displayNameChanged",
    "backgroundChanged",
    "layoutChanged",
    "connectionStatusChanged",
    "networkQualityChanged",
    "activeSpeakerChanged",
    "toolbarButtonClicked",
    "errorOccurred",
];

/// Says what is to be done for a command, or why nothing is.
///
/// # Errors
/// The answer to the page.
pub(crate) fn decide(command: Command, situation: Situation<'_>) -> Result<Action, Failure> {
    let seen = situation.watcher.last();
    match command {
        Command::Join => join(seen.stage, situation.name),
        Command::Leave => while_in(seen.stage, Action::Leave),
        Command::SetAudioEnabled { enabled } => before_the_end(seen.stage, Action::Microphone(enabled)),
        Command::SetVideoEnabled { enabled } => before_the_end(seen.stage, Action::Camera(enabled)),
        Command::SetScreenShareEnabled { enabled } => while_in(seen.stage, Action::Screen(enabled)),
        Command::SetLayout { layout } => while_in(seen.stage, Action::Layout(layout)),
        Command::PinParticipant { participant_id } => pin(participant_id.as_deref(), seen),
        Command::SetTheme { theme } => Ok(Action::Theme(Box::new(theme))),
        Command::SetLanguage { language } => Language::from_tag(&language)
            .map(Action::Language)
            .ok_or_else(|| Failure::new(ErrorCode::NotFound, "this meeting does not speak that language")),
        Command::SetHiddenParts { parts } => Ok(Action::Hide(parts)),
        Command::SetToolbarButtons { buttons } => Ok(Action::Buttons(buttons)),
        Command::SetPanel { panel: Some(PanelName::Chat) } => Err(unsupported("this meeting has no chat")),
        Command::SetPanel { panel } => while_in(seen.stage, Action::Panel(panel)),
        Command::SetBackground { background } => {
            let wanted = wanted_background(&background, situation.background, situation.background_origin)?;
            before_the_end(seen.stage, Action::Background(wanted))
        }
        Command::SetDisplayName { display_name } => before_the_end(seen.stage, Action::Rename(display_name)),
        Command::SetDevice { kind, device_id } => device(kind.into(), device_id, situation.devices),
        Command::GetState => {
            let state = seen.state(situation.watcher.active_speaker());
            Ok(Action::Answer(Reply::State(Box::new(state))))
        }
        Command::GetParticipants => Ok(Action::Answer(Reply::Participants(seen.participants()))),
        Command::GetDevices => Ok(Action::Answer(Reply::Devices(listed(situation.devices)))),
        Command::GetBackgrounds => Ok(Action::Answer(names(offered().map(Background::name)))),
        Command::GetSupportedCommands => Ok(Action::Answer(names(COMMANDS.into_iter()))),
        Command::GetSupportedEvents => Ok(Action::Answer(names(EVENTS.into_iter()))),
        other @ (Command::SendChat { .. }
        | Command::SetHandRaised { .. }
        | Command::SendReaction { .. }
        | Command::MuteParticipant { .. }
        | Command::AskToUnmute { .. }
        | Command::RemoveParticipant { .. }
        | Command::SetLocked { .. }
        | Command::EndMeeting) => {
            Err(unsupported(&format!("this meeting does not carry out `{}`", other.name())))
        }
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

fn unsupported(sentence: &str) -> Failure {
    Failure::new(ErrorCode::Unsupported, sentence)
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
    use shared::embed::{Event, decode_command};

    use super::super::Identity;
    use super::*;
    use crate::call::devices_view_model::DeviceInfo;

    fn decided(stage: Stage, name: &str, data: &str) -> Result<Action, ErrorCode> {
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
        };
        let text = format!(r#"{{"v":1,"id":1,"kind":"command","name":"{name}","data":{data}}}"#);
        decide(decode_command(&text).unwrap().command, situation).map_err(|failure| failure.code)
    }

    #[test]
    fn what_is_said_to_be_carried_out_is_and_everything_else_is_unsupported() {
        let participant = r#"{"participantId":"0123456789abcdef"}"#;
        for name in Command::NAMES {
            let data = match name {
                "setAudioEnabled" | "setVideoEnabled" | "setScreenShareEnabled" => r#"{"enabled":true}"#,
                "setLayout" => r#"{"layout":"grid"}"#,
                "setTheme" => r#"{"theme":{}}"#,
                "setLanguage" => r#"{"language":"de"}"#,
                "setHiddenParts" => r#"{"parts":[]}"#,
                "setToolbarButtons" => r#"{"buttons":[]}"#,
                "setPanel" => r#"{"panel":"people"}"#,
                "setBackground" => r#"{"background":"study"}"#,
                "setDisplayName" => r#"{"displayName":"Ada"}"#,
                "setDevice" => r#"{"kind":"camera","deviceId":"camera-1"}"#,
                "sendChat" => r#"{"text":"Hello"}"#,
                "setHandRaised" => r#"{"raised":true}"#,
                "sendReaction" => r#"{"reaction":"👍"}"#,
                "setLocked" => r#"{"locked":true}"#,
                "pinParticipant" | "muteParticipant" | "askToUnmute" | "removeParticipant" => participant,
                _ => "null",
            };
            let stage = if name == "join" { Stage::Lobby } else { Stage::Joined };
            let decided = decided(stage, name, data);
            assert_eq!(
                decided != Err(ErrorCode::Unsupported),
                COMMANDS.contains(&name),
                "{name}: {decided:?}"
            );
            if let Ok(Action::Answer(reply)) = decided {
                assert_eq!(reply.type_name(), Command::reply_type(name), "{name}");
            }
        }
        assert!(EVENTS.iter().all(|name| Event::NAMES.contains(name)));
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
