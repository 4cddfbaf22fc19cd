//! What the page asks of the meeting, and what it is answered.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    DeviceKind, HiddenPart, LayoutName, MediaDevice, MeetingState, PanelName, Participant, PolicyChange,
    Theme, ToolbarButton,
};
use crate::identity::DisplayName;

/// A command. Those that switch say what shall be, not that it shall change: twice is the same as once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", content = "data", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Command {
    /// Enters the meeting from the lobby, under the name of the options or the one that was used last.
    Join,
    /// Leaves the meeting. Answered before the end is reported by `meetingLeft`.
    Leave,
    /// Switches the microphone. Answered at once; `mediaAudioStatusChanged` follows when it is done.
    SetAudioEnabled {
        /// On or off.
        enabled: bool,
    },
    /// Switches the camera. Answered at once; `mediaVideoStatusChanged` follows when it is done.
    SetVideoEnabled {
        /// On or off.
        enabled: bool,
    },
    /// Begins or ends sharing a screen. Browsers ask the person, and some want a click inside the frame first.
    SetScreenShareEnabled {
        /// On or off.
        enabled: bool,
    },
    /// Lays the pictures out.
    SetLayout {
        /// How.
        layout: LayoutName,
    },
    /// Shows somebody large, or nobody in particular any longer.
    PinParticipant {
        /// Who; absent: nobody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        participant_id: Option<String>,
    },
    /// Replaces the colours and corners; what is left out is Visavis' own again.
    SetTheme {
        /// How it shall look.
        theme: Theme,
    },
    /// Speaks another language.
    SetLanguage {
        /// A language tag such as `de` (RFC 5646).
        #[cfg_attr(test, schemars(length(max = 35)))]
        language: String,
    },
    /// Hides these parts and shows all others.
    SetHiddenParts {
        /// What to hide; empty: nothing.
        parts: Vec<HiddenPart>,
    },
    /// Replaces the page's own buttons.
    SetToolbarButtons {
        /// At most 8, in their order; empty: none.
        #[cfg_attr(test, schemars(length(max = 8)))]
        buttons: Vec<ToolbarButton>,
    },
    /// Opens a panel in place of the one that is open, or closes it.
    SetPanel {
        /// Which; absent: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        panel: Option<PanelName>,
    },
    /// Puts something behind the person, until they choose themselves; it is not remembered. What the person has hidden is not
    /// shown again by a page: `real` is then answered with `notAllowed`.
    SetBackground {
        /// `real`, `light-blur`, `strong-blur`, or a picture of `getBackgrounds`.
        #[cfg_attr(test, schemars(length(max = 32)))]
        background: String,
    },
    /// Calls the person differently from now on.
    SetDisplayName {
        /// 1 to 64 characters, none of them a control character.
        #[cfg_attr(test, schemars(with = "String", length(min = 1, max = 64)))]
        display_name: DisplayName,
    },
    /// Uses another device from now on; it is remembered in the person's browser.
    SetDevice {
        /// What it is for.
        kind: DeviceKind,
        /// From `getDevices`.
        #[cfg_attr(test, schemars(length(max = 256)))]
        device_id: String,
    },
    /// Writes into the chat.
    SendChat {
        /// At most 2,000 characters.
        #[cfg_attr(test, schemars(length(min = 1, max = 2000)))]
        text: String,
        /// To one participant alone; absent: to everybody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        participant_id: Option<String>,
    },
    /// Raises or lowers the person's hand.
    SetHandRaised {
        /// Up or down.
        raised: bool,
    },
    /// Shows a reaction to everybody.
    SendReaction {
        /// One emoji.
        #[cfg_attr(test, schemars(length(min = 1, max = 16)))]
        reaction: String,
    },
    /// Switches somebody's microphone off. For hosts.
    MuteParticipant {
        /// Who.
        participant_id: String,
    },
    /// Switches every microphone off but those of the hosts. For hosts.
    MuteAll,
    /// Asks somebody to switch their microphone on. For hosts.
    AskToUnmute {
        /// Who.
        participant_id: String,
    },
    /// Switches somebody's camera off. For hosts.
    StopParticipantVideo {
        /// Who.
        participant_id: String,
    },
    /// Asks somebody to switch their camera on. For hosts.
    AskToStartVideo {
        /// Who.
        participant_id: String,
    },
    /// Ends what somebody shares of their screen. For hosts.
    StopParticipantScreenShare {
        /// Who.
        participant_id: String,
    },
    /// Takes somebody's hand down, or all. For hosts.
    LowerHand {
        /// Whose; absent: everybody's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        participant_id: Option<String>,
    },
    /// Takes somebody out of the meeting. For hosts.
    RemoveParticipant {
        /// Who.
        participant_id: String,
        /// Keeps them out as long as the meeting lasts.
        #[serde(default)]
        ban: bool,
    },
    /// Lets somebody lead the meeting, or lead it no longer. For hosts; the last one stays a host.
    SetHost {
        /// Who.
        participant_id: String,
        /// Whether they lead.
        host: bool,
    },
    /// Lets in who waits. For hosts.
    Admit {
        /// Who, of `knockReceived` or `getState`; absent: everybody who waits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        knock: Option<u32>,
    },
    /// Sends away who waits. For hosts.
    Deny {
        /// Who, of `knockReceived` or `getState`.
        knock: u32,
        /// One sentence for them, at most 280 bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, schemars(length(min = 1, max = 280)))]
        message: Option<String>,
    },
    /// Lets nobody else in, or everybody again. For hosts.
    SetLocked {
        /// Locked or open.
        locked: bool,
    },
    /// Changes the rules of the meeting; what is left out stays as it is. For hosts.
    SetPolicy {
        /// What changes.
        policy: PolicyChange,
    },
    /// Asks everybody who comes for a passcode, or for none any longer. For hosts.
    SetPasscode {
        /// At most 64 bytes; absent: none is asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, schemars(length(min = 1, max = 64)))]
        passcode: Option<String>,
    },
    /// Ends the meeting for all. For hosts.
    EndMeeting,
    /// Shows what is said in writing, where somebody feeds captions, or shows it no longer.
    SetCaptionsVisible {
        /// Shown or not.
        visible: bool,
    },
    /// Hands a join token over, in place of the one of the options. Counts from the next time that the meeting is entered.
    SetToken {
        /// The token.
        #[cfg_attr(test, schemars(length(min = 1, max = 8192)))]
        token: String,
    },
    /// Tells everything at once.
    GetState,
    /// Tells who is in the meeting, the person in this frame included.
    GetParticipants,
    /// Tells which devices there are.
    GetDevices,
    /// Tells what can be put behind the person.
    GetBackgrounds,
    /// Tells which commands this meeting carries out; every other is answered with `unsupported`.
    GetSupportedCommands,
    /// Tells which events this meeting sends.
    GetSupportedEvents,
}

impl Command {
    /// The name of every command, in the order of the variants.
    pub const NAMES: [&'static str; 41] = [
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
        "sendChat",
        "setHandRaised",
        "sendReaction",
        "muteParticipant",
        "muteAll",
        "askToUnmute",
        "stopParticipantVideo",
        "askToStartVideo",
        "stopParticipantScreenShare",
        "lowerHand",
        "removeParticipant",
        "setHost",
        "admit",
        "deny",
        "setLocked",
        "setPolicy",
        "setPasscode",
        "endMeeting",
        "setCaptionsVisible",
        "setToken",
        "getState",
        "getParticipants",
        "getDevices",
        "getBackgrounds",
        "getSupportedCommands",
        "getSupportedEvents",
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        Self::NAMES[match self {
            Self::Join => 0,
            Self::Leave => 1,
            Self::SetAudioEnabled { .. } => 2,
            Self::SetVideoEnabled { .. } => 3,
            Self::SetScreenShareEnabled { .. } => 4,
            Self::SetLayout { .. } => 5,
            Self::PinParticipant { .. } => 6,
            Self::SetTheme { .. } => 7,
            Self::SetLanguage { .. } => 8,
            Self::SetHiddenParts { .. } => 9,
            Self::SetToolbarButtons { .. } => 10,
            Self::SetPanel { .. } => 11,
            Self::SetBackground { .. } => 12,
            Self::SetDisplayName { .. } => 13,
            Self::SetDevice { .. } => 14,
            Self::SendChat { .. } => 15,
            Self::SetHandRaised { .. } => 16,
            Self::SendReaction { .. } => 17,
            Self::MuteParticipant { .. } => 18,
            Self::MuteAll => 19,
            Self::AskToUnmute { .. } => 20,
            Self::StopParticipantVideo { .. } => 21,
            Self::AskToStartVideo { .. } => 22,
            Self::StopParticipantScreenShare { .. } => 23,
            Self::LowerHand { .. } => 24,
            Self::RemoveParticipant { .. } => 25,
            Self::SetHost { .. } => 26,
            Self::Admit { .. } => 27,
            Self::Deny { .. } => 28,
            Self::SetLocked { .. } => 29,
            Self::SetPolicy { .. } => 30,
            Self::SetPasscode { .. } => 31,
            Self::EndMeeting => 32,
            Self::SetCaptionsVisible { .. } => 33,
            Self::SetToken { .. } => 34,
            Self::GetState => 35,
            Self::GetParticipants => 36,
            Self::GetDevices => 37,
            Self::GetBackgrounds => 38,
            Self::GetSupportedCommands => 39,
            Self::GetSupportedEvents => 40,
        }]
    }

    /// What the command of this name is answered with, as TypeScript calls it.
    #[must_use]
    pub fn reply_type(name: &str) -> &'static str {
        match name {
            "getState" => "MeetingState",
            "getParticipants" => "Participant[]",
            "getDevices" => "MediaDevice[]",
            "getBackgrounds" | "getSupportedCommands" | "getSupportedEvents" => "string[]",
            _ => "null",
        }
    }
}

impl fmt::Debug for Command {
    /// Only which it is: the fields hold people, what they write, and secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a command is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Reply {
    /// It is done, or on its way; the `null` of JSON.
    Done(()),
    /// To `getState`.
    State(Box<MeetingState>),
    /// To `getParticipants`.
    Participants(Vec<Participant>),
    /// To `getDevices`.
    Devices(Vec<MediaDevice>),
    /// To the questions for names.
    Names(Vec<String>),
}

impl Reply {
    /// What TypeScript calls it; see [`Command::reply_type`].
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Done(()) => "null",
            Self::State(_) => "MeetingState",
            Self::Participants(_) => "Participant[]",
            Self::Devices(_) => "MediaDevice[]",
            Self::Names(_) => "string[]",
        }
    }
}
