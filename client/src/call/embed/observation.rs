//! What can be said to the page around the frame at one moment.

use engine::EndReason;
use shared::embed::{
    ConnectionStatus, LayoutName, LeaveReason, MeetingState, NetworkQuality, Participant, Stage,
    WaitingPerson,
};
use shared::meeting::Policy;

use super::talk::told;
use crate::call::call_view_model::{CallView, Connection, Signal};
use crate::call::gathering::{Gathering, KnockView};
use crate::call::problem::of_end;
use crate::call::source_state::SourceState;
use crate::call::tiles::TileView;
use crate::strings::text;

/// The state of everything that events are about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Observation {
    /// Where the person is.
    pub(crate) stage: Stage,
    /// The room's code.
    pub(crate) room: String,
    /// The person, once in the meeting.
    pub(crate) me: Option<Participant>,
    /// Everybody else, in order of arrival.
    pub(crate) others: Vec<Participant>,
    /// Who speaks now.
    pub(crate) speaking: Vec<String>,
    /// The own microphone.
    pub(crate) audio: SourceState,
    /// The own camera.
    pub(crate) video: SourceState,
    /// Whether a screen is shared from here.
    pub(crate) screen: bool,
    /// How often the person was asked what to share and has answered, be it with nothing.
    pub(crate) screen_answers: u32,
    /// How the pictures are laid out, once there are any.
    pub(crate) layout: Option<LayoutName>,
    /// Whether captions are shown.
    pub(crate) captions: bool,
    /// What is behind the person.
    pub(crate) background: &'static str,
    /// The connection.
    pub(crate) connection: ConnectionStatus,
    /// How good it is.
    pub(crate) quality: NetworkQuality,
    /// The rules, once they are known.
    pub(crate) policy: Option<Policy>,
    /// Who waits to be let in, the longest first.
    pub(crate) knocks: Vec<WaitingPerson>,
    /// Why it is over.
    pub(crate) end: Option<End>,
}

/// Why it is over for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// For programs.
    pub(crate) reason: LeaveReason,
    /// For people.
    pub(crate) sentence: String,
}

/// What the page wants to hear back about the person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The page's own name for them.
    pub(crate) external_id: Option<String>,
    /// Anything.
    pub(crate) metadata: Option<String>,
}

impl Default for Observation {
    fn default() -> Self {
        Self {
            stage: Stage::Lobby,
            room: String::new(),
            me: None,
            others: Vec::new(),
            speaking: Vec::new(),
            audio: SourceState::default(),
            video: SourceState::default(),
            screen: false,
            screen_answers: 0,
            layout: None,
            captions: false,
            background: "real",
            connection: ConnectionStatus::Connecting,
            quality: NetworkQuality::Lost,
            policy: None,
            knocks: Vec::new(),
            end: None,
        }
    }
}

impl Observation {
    /// Takes over what the meeting shows.
    pub(crate) fn with_call(mut self, view: &CallView, gathering: &Gathering, identity: &Identity) -> Self {
        // With the first event a page knows who leads, and what it may do from then on.
        let is_in = view.entered && !gathering.is_awaited;
        self.stage = if is_in { Stage::Joined } else { Stage::Joining };
        self.connection = status(view.connection);
        self.quality = quality(view.quality);
        self.policy = gathering.is_offered.then_some(gathering.policy);
        self.knocks = gathering.knocks.iter().map(waiting).collect();
        for tile in &view.tiles {
            let participant = participant(tile, gathering, identity);
            if tile.speaking {
                self.speaking.push(participant.participant_id.clone());
            }
            if tile.is_self { self.me = Some(participant) } else { self.others.push(participant) }
        }
        self
    }

    /// Takes over that it is over.
    pub(crate) fn with_end(mut self, reason: &EndReason) -> Self {
        self.stage = Stage::Ended;
        self.end = Some(End { reason: leave_reason(reason), sentence: end_sentence(reason) });
        self
    }

    /// Everybody, the person in this frame last.
    pub(crate) fn participants(&self) -> Vec<Participant> {
        self.others.iter().chain(&self.me).cloned().collect()
    }

    /// The answer to `getState`.
    pub(crate) fn state(&self, active_speaker: Option<&str>) -> MeetingState {
        MeetingState {
            stage: self.stage,
            room: self.room.clone(),
            participant_id: self.me.as_ref().map(|me| me.participant_id.clone()),
            audio: self.audio.on,
            video: self.video.on,
            screen_share: self.screen,
            background: self.background.to_owned(),
            layout: self.layout,
            captions_visible: self.captions,
            connection: self.connection,
            network_quality: self.quality,
            active_speaker: active_speaker.map(str::to_owned),
            hand_raised: self.me.as_ref().is_some_and(|me| me.hand_raised),
            host: self.me.as_ref().is_some_and(|me| me.host),
            policy: self.policy.as_ref().map(told),
            knocks: self.knocks.clone(),
        }
    }
}

fn participant(tile: &TileView, gathering: &Gathering, identity: &Identity) -> Participant {
    let Identity { external_id, metadata } =
        if tile.is_self { identity.clone() } else { Identity::default() };
    Participant {
        participant_id: tile.peer.to_string(),
        display_name: tile.name.clone(),
        is_local: tile.is_self,
        audio: tile.microphone,
        video: tile.camera,
        screen_share: tile.screen.is_some(),
        reconnecting: tile.reconnecting,
        hand_raised: gathering.hand(tile.peer).is_some(),
        host: gathering.leads(tile.peer),
        external_id,
        metadata,
    }
}

/// In the person's language; what a host wrote as it was written.
fn end_sentence(reason: &EndReason) -> String {
    if let EndReason::Denied { message: Some(message) } = reason {
        return message.clone();
    }
    text(of_end(reason)).to_owned()
}

fn waiting(knock: &KnockView) -> WaitingPerson {
    WaitingPerson { knock: knock.knock, display_name: knock.name.clone() }
}

const fn status(connection: Connection) -> ConnectionStatus {
    match connection {
        Connection::Connecting | Connection::Knocking | Connection::PasscodeNeeded { .. } => {
            ConnectionStatus::Connecting
        }
        Connection::Connected => ConnectionStatus::Connected,
        Connection::MediaInterrupted => ConnectionStatus::Interrupted,
        Connection::Reconnecting { .. } | Connection::ServerRestarting => ConnectionStatus::Reconnecting,
        Connection::Offline => ConnectionStatus::Offline,
    }
}

const fn quality(signal: Signal) -> NetworkQuality {
    match signal {
        Signal::None => NetworkQuality::Lost,
        Signal::Weak => NetworkQuality::Poor,
        Signal::Medium => NetworkQuality::Fair,
        Signal::Strong => NetworkQuality::Good,
    }
}

const fn leave_reason(reason: &EndReason) -> LeaveReason {
    match reason {
        EndReason::Left => LeaveReason::Left,
        EndReason::Replaced => LeaveReason::Replaced,
        EndReason::VersionMismatch { .. } => LeaveReason::VersionMismatch,
        EndReason::RoomFull { .. } => LeaveReason::RoomFull,
        EndReason::Removed => LeaveReason::Removed,
        EndReason::MeetingEnded => LeaveReason::MeetingEnded,
        EndReason::Denied { .. }
        | EndReason::Banned { .. }
        | EndReason::Locked { .. }
        | EndReason::WaitingRoomFull { .. }
        | EndReason::TokenRefused { .. }
        | EndReason::Refused { .. } => LeaveReason::Refused,
    }
}
