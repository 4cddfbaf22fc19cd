//! What a page is told about the meeting.

use serde::{Deserialize, Serialize};

use super::LayoutName;

/// Where the person is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Stage {
    /// Looking at themselves before the meeting.
    #[default]
    Lobby,
    /// On the way in.
    Joining,
    /// In the meeting.
    Joined,
    /// It is over for them.
    Ended,
}

/// The connection to the meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ConnectionStatus {
    /// On the way in.
    Connecting,
    /// All is well.
    Connected,
    /// Sound and picture are interrupted.
    Interrupted,
    /// The server cannot be reached; it is tried again.
    Reconnecting,
    /// The device has no network.
    Offline,
}

/// How good the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum NetworkQuality {
    /// Not connected.
    Lost,
    /// Hardly usable.
    Poor,
    /// Usable.
    Fair,
    /// All is well.
    Good,
}

/// Somebody in the meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Participant {
    /// Stays the same over reconnects and reloads.
    pub participant_id: String,
    /// As the others read it.
    pub display_name: String,
    /// Whether it is the person in this frame.
    pub is_local: bool,
    /// Whether the microphone is on.
    pub audio: bool,
    /// Whether the camera is on.
    pub video: bool,
    /// Whether a screen is shared.
    pub screen_share: bool,
    /// Whether the server has lost them for the moment.
    pub reconnecting: bool,
    /// Whether a hand is raised.
    pub hand_raised: bool,
    /// Whether they lead the meeting.
    pub host: bool,
    /// The page's own name for them; of the person in this frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// What the page wants back with every event about them; of the person in this frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
}

/// Everything at once; the answer to `getState`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MeetingState {
    /// Where the person is.
    pub stage: Stage,
    /// The room's code.
    pub room: String,
    /// The person's own id, once in the meeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant_id: Option<String>,
    /// The microphone is on.
    pub audio: bool,
    /// The camera is on.
    pub video: bool,
    /// A screen is shared from here.
    pub screen_share: bool,
    /// What is behind the person.
    pub background: String,
    /// How the pictures are laid out; absent where that cannot be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<LayoutName>,
    /// What is said is shown in writing.
    pub captions_visible: bool,
    /// The connection.
    pub connection: ConnectionStatus,
    /// How good it is.
    pub network_quality: NetworkQuality,
    /// Who speaks; absent while nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_speaker: Option<String>,
    /// The person's hand is raised.
    pub hand_raised: bool,
    /// The person leads the meeting.
    pub host: bool,
    /// The rules, once in the meeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<MeetingPolicy>,
    /// Who waits to be let in, the longest first; empty for all but hosts.
    pub knocks: Vec<WaitingPerson>,
}

/// Whom something is allowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum AudienceName {
    /// Everybody in the meeting.
    Everyone,
    /// The hosts.
    Hosts,
}

/// The rules of the meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MeetingPolicy {
    /// Nobody new comes in, hosts excepted.
    pub locked: bool,
    /// Who comes waits until a host lets them in.
    pub waiting_room: bool,
    /// Who may share a screen.
    pub screen_share: AudienceName,
    /// Who may write to everybody.
    pub chat: AudienceName,
    /// Who may switch the own microphone on.
    pub unmute: AudienceName,
}

/// What of the rules shall be different; what is left out stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PolicyChange {
    /// Nobody new comes in, hosts excepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// Who comes waits until a host lets them in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_room: Option<bool>,
    /// Who may share a screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen_share: Option<AudienceName>,
    /// Who may write to everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<AudienceName>,
    /// Who may switch the own microphone on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmute: Option<AudienceName>,
}

/// Somebody who waits to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WaitingPerson {
    /// Names them for `admit` and `deny`.
    pub knock: u32,
    /// As they call themselves.
    pub display_name: String,
}

/// What a device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum DeviceKind {
    /// A microphone.
    Microphone,
    /// A camera.
    Camera,
    /// A loudspeaker.
    Speaker,
}

/// A device of the person's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MediaDevice {
    /// What it is for.
    pub kind: DeviceKind,
    /// For `setDevice`.
    pub device_id: String,
    /// As the browser calls it; empty before the person has allowed the device.
    pub label: String,
    /// Whether it is the one that is used.
    pub chosen: bool,
}
