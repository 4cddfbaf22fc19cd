//! What the meeting tells the page.

use serde::{Deserialize, Serialize};

use super::{ConnectionStatus, LayoutName, MeetingPolicy, NetworkQuality, Participant};

/// Something happened. Becomes a `CustomEvent` of the same name, with the data as its `detail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", content = "data", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Event {
    /// The frame has accepted this page; the first event, and again after the frame was reloaded.
    Ready {
        /// What `getSupportedCommands` would answer.
        commands: Vec<String>,
        /// What `getSupportedEvents` would answer.
        events: Vec<String>,
    },
    /// The person is in the meeting.
    MeetingJoined {
        /// The room's code.
        room: String,
        /// Who they are.
        participant: Participant,
        /// Everybody else, in order of arrival.
        others: Vec<Participant>,
    },
    /// The meeting is over for the person, or could not be entered.
    MeetingLeft {
        /// Why.
        reason: LeaveReason,
        /// Who wanted it.
        origin: Origin,
        /// One plain sentence.
        message: String,
        /// The page's own name for the person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<String>,
        /// What the page wanted back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<String>,
    },
    /// Somebody else came.
    ParticipantJoined {
        /// Who.
        participant: Participant,
    },
    /// Somebody else's microphone, camera, screen, hand, role or connection changed.
    ParticipantUpdated {
        /// As they are now.
        participant: Participant,
    },
    /// Somebody else is gone.
    ParticipantLeft {
        /// As they were last.
        participant: Participant,
        /// Why.
        reason: ParticipantLeaveReason,
    },
    /// The person's microphone was switched.
    MediaAudioStatusChanged {
        /// On or off.
        active: bool,
        /// Who wanted it.
        origin: Origin,
    },
    /// The person's camera was switched.
    MediaVideoStatusChanged {
        /// On or off.
        active: bool,
        /// Who wanted it.
        origin: Origin,
    },
    /// The person began or ended sharing a screen.
    ScreenShareStatusChanged {
        /// On or off.
        active: bool,
        /// Who wanted it.
        origin: Origin,
    },
    /// Somebody is called differently.
    DisplayNameChanged {
        /// Who.
        participant_id: String,
        /// The new name.
        display_name: String,
        /// Who wanted it.
        origin: Origin,
    },
    /// The person has something else behind them.
    BackgroundChanged {
        /// What, as in `setBackground`.
        background: String,
        /// Who wanted it.
        origin: Origin,
    },
    /// The pictures are laid out differently.
    LayoutChanged {
        /// How.
        layout: LayoutName,
        /// Who wanted it.
        origin: Origin,
    },
    /// What is said is shown in writing, or is not any more.
    CaptionsVisibilityChanged {
        /// Whether it is shown.
        visible: bool,
        /// Who wanted it.
        origin: Origin,
    },
    /// Somebody has said something, in writing; only while captions are visible. What may yet be put right is not told.
    CaptionReceived {
        /// Who; absent: nobody in the meeting.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        participant_id: Option<String>,
        /// As they are called; absent: nobody knows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        display_name: Option<String>,
        /// What.
        text: String,
        /// In which language, as a tag of BCP 47; absent: nobody has said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
    },
    /// The connection came, went or comes back.
    ConnectionStatusChanged {
        /// How it is.
        status: ConnectionStatus,
    },
    /// The connection is better or worse.
    NetworkQualityChanged {
        /// How good it is.
        quality: NetworkQuality,
    },
    /// Somebody else speaks now.
    ActiveSpeakerChanged {
        /// Who; absent: nobody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        participant_id: Option<String>,
    },
    /// Somebody wrote into the chat, the person in this frame included.
    ChatMessageReceived {
        /// Who.
        participant_id: String,
        /// As they are called.
        display_name: String,
        /// What.
        text: String,
        /// Whether nobody but its author and one other can read it.
        private: bool,
        /// The page's own name for the person; of the person in this frame.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<String>,
        /// What the page wanted back; of the person in this frame.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<String>,
    },
    /// A hand went up or down.
    HandRaiseChanged {
        /// Whose.
        participant_id: String,
        /// Up or down.
        raised: bool,
        /// The page's own name for the person; of the person in this frame.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<String>,
        /// What the page wanted back; of the person in this frame.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<String>,
    },
    /// Somebody showed a reaction.
    ReactionReceived {
        /// Who.
        participant_id: String,
        /// Which: an emoji.
        reaction: String,
        /// The page's own name for the person; of the person in this frame.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<String>,
        /// What the page wanted back; of the person in this frame.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<String>,
    },
    /// Somebody waits to be let in. For hosts.
    KnockReceived {
        /// Names them for `admit` and `deny`.
        knock: u32,
        /// As they call themselves.
        display_name: String,
    },
    /// Somebody does not wait any longer: a host has answered, or they have gone. For hosts.
    KnockEnded {
        /// Who, as in `knockReceived`.
        knock: u32,
    },
    /// Somebody leads the meeting from now on, or leads it no longer.
    HostChanged {
        /// Who.
        participant_id: String,
        /// Whether they lead.
        host: bool,
        /// The page's own name for the person; of the person in this frame.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<String>,
        /// What the page wanted back; of the person in this frame.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<String>,
    },
    /// The rules of the meeting are different.
    PolicyChanged {
        /// As they are now.
        policy: MeetingPolicy,
    },
    /// A host did something about the person in this frame. Being removed is told by `meetingLeft`.
    Moderated {
        /// What.
        action: ModerationAction,
        /// The host's name; absent: it is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// The page's own name for the person; of the person in this frame.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<String>,
        /// What the page wanted back; of the person in this frame.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<String>,
    },
    /// A button of the page's own was pressed.
    ToolbarButtonClicked {
        /// Which.
        id: String,
    },
    /// Something did not work; the meeting goes on unless `meetingLeft` follows.
    ErrorOccurred {
        /// What.
        code: ProblemCode,
        /// One plain sentence.
        message: String,
    },
}

impl Event {
    /// The name of every event, in the order of the variants.
    pub const NAMES: [&'static str; 27] = [
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
        "captionsVisibilityChanged",
        "captionReceived",
        "connectionStatusChanged",
        "networkQualityChanged",
        "activeSpeakerChanged",
        "chatMessageReceived",
        "handRaiseChanged",
        "reactionReceived",
        "knockReceived",
        "knockEnded",
        "hostChanged",
        "policyChanged",
        "moderated",
        "toolbarButtonClicked",
        "errorOccurred",
    ];
}

/// What a host did about the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ModerationAction {
    /// Switched their microphone off.
    Muted,
    /// Switched their camera off.
    VideoStopped,
    /// Ended what they shared of their screen.
    ScreenShareStopped,
    /// Asked them to switch the microphone on.
    AskedToUnmute,
    /// Asked them to switch the camera on.
    AskedToStartVideo,
    /// Asked them to share a screen.
    AskedToShareScreen,
}

/// Who wanted a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Origin {
    /// The participant it is about, by a control or a key.
    Participant,
    /// The page around the frame, by a command or an option.
    Page,
    /// A host of the meeting.
    Moderator,
    /// Nobody: a device, the network or the server.
    System,
}

/// Why the meeting is over for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum LeaveReason {
    /// They left.
    Left,
    /// They go on in another tab or window.
    Replaced,
    /// A host took them out.
    Removed,
    /// A host ended the meeting.
    MeetingEnded,
    /// The room holds no more.
    RoomFull,
    /// Page and server do not fit together any more.
    VersionMismatch,
    /// The server refused them, or was shut down.
    Refused,
}

/// Why somebody else is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ParticipantLeaveReason {
    /// They left.
    Left,
    /// Their connection was lost and did not come back.
    TimedOut,
    /// A host took them out.
    Removed,
    /// It is not known, for instance because this side was not connected.
    Unknown,
}

/// What did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ProblemCode {
    /// The browser or the person did not allow the microphone, or the frame lacks `allow="microphone"`.
    MicrophoneRefused,
    /// The microphone is missing, in use, or did not start.
    MicrophoneFailed,
    /// The browser or the person did not allow the camera, or the frame lacks `allow="camera"`.
    CameraRefused,
    /// The camera is missing, in use, or did not start; or what hides its background is not to be had.
    CameraFailed,
    /// The options of the page do not fit; the meeting has none of them.
    Options,
    /// The server did not do something.
    Server,
}
