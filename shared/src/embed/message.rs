//! The envelopes, and reading them with every bound checked: what comes out is safe to act on.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::limits;
use super::{Command, Event, Options, Reply, ToolbarButton};

/// The version of these messages. Another one is refused with `unsupportedVersion`.
pub const VERSION: u32 = 1;

/// Why a command was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ErrorCode {
    /// The message has another version.
    UnsupportedVersion,
    /// The message is no command, or longer than allowed.
    InvalidMessage,
    /// There is no command of this name.
    UnknownCommand,
    /// The command's data do not fit.
    InvalidData,
    /// This meeting does not carry the command out; see `getSupportedCommands`.
    Unsupported,
    /// The command needs the person to be elsewhere, for instance in the meeting.
    WrongStage,
    /// The person has not the right.
    NotAllowed,
    /// What the command names is not there.
    NotFound,
    /// Too many commands wait for their answer. Said by `embed.js`.
    Busy,
    /// The frame is gone, was reloaded or does not answer. Said by `embed.js`.
    Disconnected,
}

/// A command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failure {
    /// For programs.
    pub code: ErrorCode,
    /// For people who write programs, at most 300 characters.
    pub message: String,
}

impl Failure {
    /// A failure with its sentence, cut to [`limits::SENTENCE_CHARS_MAX`].
    #[must_use]
    pub fn new(code: ErrorCode, message: &str) -> Self {
        Self { code, message: message.chars().take(limits::SENTENCE_CHARS_MAX).collect() }
    }
}

/// A command with the number that its answer repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// Drawn by the page.
    pub id: u32,
    /// What to do.
    pub command: Command,
}

/// Why a text is no command, with what is needed to answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", failure.message)]
pub struct DecodeError {
    /// The number and the name; absent where they cannot be read: then there is nobody to answer.
    pub request: Option<(u32, String)>,
    /// What is wrong.
    pub failure: Failure,
}

/// Reads a command.
///
/// # Errors
/// [`DecodeError`] says what is wrong; the connection goes on.
pub fn decode_command(text: &str) -> Result<Inbound, DecodeError> {
    let nameless = |message: &str| DecodeError {
        request: None,
        failure: Failure::new(ErrorCode::InvalidMessage, message),
    };
    if text.len() > MESSAGE_BYTES_MAX {
        return Err(nameless("the message is too long"));
    }
    let Envelope { v, id, kind, name, data } = serde_json::from_str(text)
        .map_err(|_| nameless("the message is no JSON object with v, id, kind and name"))?;
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    let fail = |code, message: &str| DecodeError {
        request: Some((id, name.clone())),
        failure: Failure::new(code, message),
    };
    if v != VERSION {
        return Err(fail(ErrorCode::UnsupportedVersion, "this frame speaks version 1"));
    }
    if kind != "command" {
        return Err(fail(ErrorCode::InvalidMessage, "a page sends messages of the kind `command`"));
    }
    if !Command::NAMES.contains(&name.as_str()) {
        return Err(fail(ErrorCode::UnknownCommand, &format!("there is no command `{name}`")));
    }
    let mut tagged = serde_json::Map::new();
    tagged.insert("name".to_owned(), Value::String(name.clone()));
    if !data.is_null() {
        tagged.insert("data".to_owned(), data);
    }
    let command: Command = serde_json::from_value(Value::Object(tagged))
        .map_err(|error| fail(ErrorCode::InvalidData, &format!("{name}: {error}")))?;
    check_command(&command).map_err(|what| fail(ErrorCode::InvalidData, &format!("{name}: {what}")))?;
    Ok(Inbound { id, command })
}

/// Reads the options of a page.
///
/// # Errors
/// A sentence about what is wrong.
pub fn decode_options(text: &str) -> Result<Options, Failure> {
    let invalid = |message: &str| Failure::new(ErrorCode::InvalidData, message);
    if text.len() > MESSAGE_BYTES_MAX {
        return Err(invalid("the options are too long"));
    }
    let options: Options =
        serde_json::from_str(text).map_err(|error| invalid(&format!("the options do not fit: {error}")))?;
    check_options(&options).map_err(|what| invalid(&format!("the options do not fit: {what}")))?;
    Ok(options)
}

/// An event as text. Events count up, so that a page can tell that none is missing.
#[must_use]
pub fn encode_event(id: u32, event: &Event) -> String {
    encode(&Outbound { v: VERSION, id, kind: "event", body: event })
}

/// The answer to a command as text.
#[must_use]
pub fn encode_response(id: u32, name: &str, result: &Result<Reply, Failure>) -> String {
    let (data, error) = match result {
        Ok(reply) => (Some(reply), None),
        Err(failure) => (None, Some(failure)),
    };
    encode(&Outbound { v: VERSION, id, kind: "response", body: Response { name, data, error } })
}

fn encode(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("every key is a text, and no value can fail")
}

#[derive(Deserialize)]
struct Envelope {
    v: u32,
    id: u32,
    kind: String,
    name: String,
    #[serde(default)]
    data: Value,
}

#[derive(Serialize)]
struct Outbound<B> {
    v: u32,
    id: u32,
    kind: &'static str,
    #[serde(flatten)]
    body: B,
}

#[derive(Serialize)]
struct Response<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Reply>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Failure>,
}

fn check_command(command: &Command) -> Result<(), String> {
    match command {
        Command::SetTheme { theme } => {
            at_most("radius", theme.radius.unwrap_or(0).into(), limits::RADIUS_PX_MAX.into())
        }
        Command::SetLanguage { language } => text("language", language, limits::LANGUAGE_CHARS_MAX),
        Command::SetHiddenParts { parts } => at_most("parts", parts.len(), PARTS_MAX),
        Command::SetToolbarButtons { buttons } => check_buttons(buttons),
        Command::SetBackground { background } => text("background", background, limits::BACKGROUND_CHARS_MAX),
        Command::SetDevice { device_id, .. } => text("deviceId", device_id, limits::DEVICE_ID_CHARS_MAX),
        Command::SendChat { text: chat, participant_id } => {
            text("text", chat, limits::CHAT_CHARS_MAX)?;
            participant_id
                .as_ref()
                .map_or(Ok(()), |id| text("participantId", id, limits::PARTICIPANT_ID_CHARS_MAX))
        }
        Command::SendReaction { reaction } => text("reaction", reaction, limits::REACTION_CHARS_MAX),
        Command::PinParticipant { participant_id } | Command::LowerHand { participant_id } => participant_id
            .as_ref()
            .map_or(Ok(()), |id| text("participantId", id, limits::PARTICIPANT_ID_CHARS_MAX)),
        Command::MuteParticipant { participant_id }
        | Command::AskToUnmute { participant_id }
        | Command::StopParticipantVideo { participant_id }
        | Command::AskToStartVideo { participant_id }
        | Command::StopParticipantScreenShare { participant_id }
        | Command::RemoveParticipant { participant_id, .. }
        | Command::SetHost { participant_id, .. } => {
            text("participantId", participant_id, limits::PARTICIPANT_ID_CHARS_MAX)
        }
        Command::Deny { message, .. } => message.as_ref().map_or(Ok(()), |message| {
            text("message", message, limits::DENIAL_BYTES_MAX)?;
            at_most("message", message.len(), limits::DENIAL_BYTES_MAX)
        }),
        Command::SetPasscode { passcode } => passcode.as_ref().map_or(Ok(()), |passcode| {
            text("passcode", passcode, limits::PASSCODE_BYTES_MAX)?;
            at_most("passcode", passcode.len(), limits::PASSCODE_BYTES_MAX)
        }),
        Command::SetToken { token } => text("token", token, limits::TOKEN_CHARS_MAX),
        Command::Join
        | Command::Leave
        | Command::SetAudioEnabled { .. }
        | Command::SetVideoEnabled { .. }
        | Command::SetScreenShareEnabled { .. }
        | Command::SetLayout { .. }
        | Command::SetPanel { .. }
        | Command::SetDisplayName { .. }
        | Command::SetHandRaised { .. }
        | Command::SetCaptionsVisible { .. }
        | Command::MuteAll
        | Command::Admit { .. }
        | Command::SetLocked { .. }
        | Command::SetPolicy { .. }
        | Command::EndMeeting
        | Command::GetState
        | Command::GetParticipants
        | Command::GetDevices
        | Command::GetBackgrounds
        | Command::GetSupportedCommands
        | Command::GetSupportedEvents => Ok(()),
    }
}

fn check_options(options: &Options) -> Result<(), String> {
    let bounded = [
        ("token", &options.token, limits::TOKEN_CHARS_MAX),
        ("externalId", &options.external_id, limits::EXTERNAL_ID_CHARS_MAX),
        ("metadata", &options.metadata, limits::METADATA_CHARS_MAX),
        ("background", &options.background, limits::BACKGROUND_CHARS_MAX),
        ("language", &options.language, limits::LANGUAGE_CHARS_MAX),
    ];
    for (field, value, max) in bounded {
        at_most(field, value.as_ref().map_or(0, |value| value.chars().count()), max)?;
    }
    let radius = options.theme.and_then(|theme| theme.radius).unwrap_or(0);
    at_most("theme.radius", radius.into(), limits::RADIUS_PX_MAX.into())?;
    at_most("hide", options.hide.len(), PARTS_MAX)?;
    check_buttons(&options.toolbar_buttons)
}

fn check_buttons(buttons: &[ToolbarButton]) -> Result<(), String> {
    at_most("buttons", buttons.len(), limits::TOOLBAR_BUTTONS_MAX)?;
    for (index, button) in buttons.iter().enumerate() {
        text("buttons[..].id", &button.id, limits::BUTTON_ID_CHARS_MAX)?;
        text("buttons[..].label", &button.label, limits::BUTTON_LABEL_CHARS_MAX)?;
        if buttons[..index].iter().any(|earlier| earlier.id == button.id) {
            return Err("buttons[..].id stands there twice".to_owned());
        }
        if let Some(icon) = &button.icon {
            at_most("buttons[..].icon", icon.chars().count(), limits::BUTTON_ICON_CHARS_MAX)?;
            if !icon.starts_with("data:image/") {
                return Err("buttons[..].icon must be a data:image/ address".to_owned());
            }
        }
    }
    Ok(())
}

/// Something, and not too much of it.
fn text(field: &str, value: &str, max: usize) -> Result<(), String> {
    if value.trim().is_empty() {
        return Err(format!("{field} is empty"));
    }
    at_most(field, value.chars().count(), max)
}

fn at_most(field: &str, got: usize, max: usize) -> Result<(), String> {
    if got > max {
        return Err(format!("{field} is {got}; at most {max} is allowed"));
    }
    Ok(())
}

/// One UTF-16 unit takes at most three bytes of UTF-8.
const MESSAGE_BYTES_MAX: usize = 3 * limits::MESSAGE_CHARS_MAX;
/// Longest name that is repeated in an answer, in characters.
const NAME_CHARS_MAX: usize = 32;
/// Naming a part twice is no mistake; naming a thousand is.
const PARTS_MAX: usize = 64;

#[cfg(test)]
mod decode_tests {
    use super::*;
    use crate::embed::ThemeMode;

    fn command(name: &str, data: &str) -> Result<Command, ErrorCode> {
        let text = format!(r#"{{"v":1,"id":7,"kind":"command","name":"{name}","data":{data}}}"#);
        match decode_command(&text) {
            Ok(inbound) => {
                assert_eq!(inbound.id, 7);
                Ok(inbound.command)
            }
            Err(error) => {
                assert_eq!(error.request.map(|(id, _)| id), Some(7), "{name}");
                Err(error.failure.code)
            }
        }
    }

    #[test]
    fn a_command_is_read_with_and_without_data() {
        assert_eq!(
            command("setAudioEnabled", r#"{"enabled":false}"#),
            Ok(Command::SetAudioEnabled { enabled: false })
        );
        assert_eq!(command("leave", "null"), Ok(Command::Leave));
        let bare = decode_command(r#"{"v":1,"id":0,"kind":"command","name":"getState"}"#).unwrap();
        assert_eq!(bare.command, Command::GetState);
        assert_eq!(command("setPanel", "{}"), Ok(Command::SetPanel { panel: None }));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_a_reason() {
        for (name, data, code) in [
            ("setAudioEnabled", "{}", ErrorCode::InvalidData),
            ("setAudioEnabled", r#"{"enabled":"yes"}"#, ErrorCode::InvalidData),
            ("setLayout", r#"{"layout":"spiral"}"#, ErrorCode::InvalidData),
            ("setDisplayName", r#"{"displayName":"  "}"#, ErrorCode::InvalidData),
            ("setTheme", r#"{"theme":{"accent":"url(x)"}}"#, ErrorCode::InvalidData),
            ("setTheme", r#"{"theme":{"radius":49}}"#, ErrorCode::InvalidData),
            ("sendChat", r#"{"text":" "}"#, ErrorCode::InvalidData),
            ("setPolicy", r#"{"policy":{"chat":"nobody"}}"#, ErrorCode::InvalidData),
            ("setPasscode", r#"{"passcode":""}"#, ErrorCode::InvalidData),
            ("deny", "{}", ErrorCode::InvalidData),
            ("admit", r#"{"knock":-1}"#, ErrorCode::InvalidData),
            ("fly", "null", ErrorCode::UnknownCommand),
        ] {
            assert_eq!(command(name, data), Err(code), "{name} {data}");
        }
        let other = decode_command(r#"{"v":2,"id":7,"kind":"command","name":"leave"}"#).unwrap_err();
        assert_eq!(other.failure.code, ErrorCode::UnsupportedVersion);
        let event = decode_command(r#"{"v":1,"id":7,"kind":"event","name":"leave"}"#).unwrap_err();
        assert_eq!(event.failure.code, ErrorCode::InvalidMessage);
    }

    #[test]
    fn foreign_bytes_have_nobody_to_answer() {
        for text in ["", "null", "[]", "{}", r#"{"v":1,"id":-1,"kind":"command","name":"leave"}"#, "\u{0}"] {
            assert_eq!(decode_command(text).unwrap_err().request, None, "{text}");
        }
        let long = format!("\"{}\"", "x".repeat(MESSAGE_BYTES_MAX));
        assert!(decode_command(&long).is_err());
    }

    #[test]
    fn every_text_and_list_has_a_bound() {
        let long = |count: usize| "x".repeat(count);
        let of =
            |name: &str, field: &str, count| command(name, &format!(r#"{{"{field}":"{}"}}"#, long(count)));
        assert!(of("setBackground", "background", 32).is_ok());
        assert!(of("setBackground", "background", 33).is_err());
        assert!(of("sendChat", "text", 2000).is_ok());
        assert!(of("sendChat", "text", 2001).is_err());
        assert!(of("setLanguage", "language", 36).is_err());
        assert!(of("removeParticipant", "participantId", 17).is_err());
        assert!(of("lowerHand", "participantId", 17).is_err());
        assert!(of("setPasscode", "passcode", 64).is_ok());
        assert!(of("setPasscode", "passcode", 65).is_err());
        assert!(of("setToken", "token", 8193).is_err());
        let deny = |count| command("deny", &format!(r#"{{"knock":1,"message":"{}"}}"#, long(count)));
        assert!(deny(280).is_ok() && deny(281).is_err());
        let button = |id: usize, icon: &str| format!(r#"{{"id":"{id}","label":"b"{icon}}}"#);
        let buttons = |count: usize| {
            let all: Vec<String> = (0..count).map(|id| button(id, "")).collect();
            command("setToolbarButtons", &format!(r#"{{"buttons":[{}]}}"#, all.join(",")))
        };
        assert!(buttons(8).is_ok());
        assert!(buttons(9).is_err());
        let one =
            |icon: &str| command("setToolbarButtons", &format!(r#"{{"buttons":[{}]}}"#, button(1, icon)));
        assert!(one(r#","icon":"data:image/svg+xml,<svg/>""#).is_ok());
        assert!(one(r#","icon":"https://elsewhere.example/a.png""#).is_err());
        let twice = format!(r#"{{"buttons":[{0},{0}]}}"#, button(1, ""));
        assert!(command("setToolbarButtons", &twice).is_err());
    }

    #[test]
    fn options_may_be_left_out_and_newer_ones_are_passed_over() {
        assert_eq!(decode_options("{}"), Ok(Options::default()));
        let options = decode_options(
            r##"{"displayName":" Ada ","audio":false,"theme":{"mode":"dark","accent":"#7a3cff"},"later":1}"##,
        )
        .unwrap();
        assert_eq!(options.display_name.unwrap().as_str(), "Ada");
        assert_eq!((options.audio, options.video), (Some(false), None));
        assert_eq!(options.theme.unwrap().mode, ThemeMode::Dark);
        let long = format!(r#"{{"metadata":"{}"}}"#, "x".repeat(4097));
        assert!(decode_options(&long).unwrap_err().message.contains("metadata"));
    }

    #[test]
    fn a_token_and_a_person_are_not_written_into_logs() {
        let options =
            decode_options(r#"{"token":"secret-1","displayName":"Ada","metadata":"secret-2"}"#).unwrap();
        let command = command("setToken", r#"{"token":"secret-3"}"#);
        let logged = format!("{options:?} {command:?}");
        assert!(!logged.contains("secret") && !logged.contains("Ada"), "{logged}");
    }

    #[test]
    fn answers_and_events_have_the_envelope() {
        assert_eq!(
            encode_response(7, "leave", &Ok(Reply::Done(()))),
            r#"{"v":1,"id":7,"kind":"response","name":"leave","data":null}"#
        );
        let failure = Failure::new(ErrorCode::Unsupported, "no");
        assert_eq!(
            encode_response(7, "sendChat", &Err(failure)),
            r#"{"v":1,"id":7,"kind":"response","name":"sendChat","error":{"code":"unsupported","message":"no"}}"#
        );
        assert_eq!(
            encode_event(3, &Event::ToolbarButtonClicked { id: "help".to_owned() }),
            r#"{"v":1,"id":3,"kind":"event","name":"toolbarButtonClicked","data":{"id":"help"}}"#
        );
    }
}
