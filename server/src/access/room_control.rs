//! What operators ask of live rooms, as an interface that the HTTP API uses and the rooms implement.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use shared::caption::CaptionCue;
use shared::{DisplayName, MediaState, PeerId, RoomId};
use utoipa::ToSchema;

use super::grants::{ExternalId, Metadata};
use super::key::KeyId;
use super::token::UnixSeconds;
use super::whole_number;

/// Why an operation on a room did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Nobody is in the room.
    #[error("nobody is in this room")]
    NoSuchRoom,
    /// The participant is not there any more.
    #[error("this participant is not in the room")]
    NoSuchParticipant,
    /// Too much in too short a time.
    #[error("too much in too short a time")]
    TooFast,
    /// The rooms do not answer in time.
    #[error("the server has too much to do")]
    Busy,
    /// Nothing here knows the live rooms.
    #[error("live rooms are not told of")]
    Detached,
}

/// A room as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSummary {
    /// Which.
    pub room: RoomId,
    /// How many are in it, without hidden ones.
    pub participants: usize,
    /// Since when somebody has been in it.
    pub started_at: UnixSeconds,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// The seat.
    pub peer: PeerId,
    /// What the others read.
    pub name: DisplayName,
    /// May moderate.
    pub host: bool,
    /// Is not shown to the others.
    pub hidden: bool,
    /// What is live.
    pub media: MediaState,
    /// When the seat was taken.
    pub joined_at: UnixSeconds,
    /// As the token said.
    pub external_id: Option<ExternalId>,
    /// As the token said.
    pub metadata: Option<Metadata>,
}

/// Who may do something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Everybody in the meeting.
    #[default]
    Everyone,
    /// The hosts.
    Hosts,
}

/// The rules of a room, as operators set them. Hosts may change them while they meet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Who may share a screen.
    pub share: Audience,
    /// Who may write to everybody.
    pub chat: Audience,
    /// Who may switch the own microphone on.
    pub unmute: Audience,
    /// Whoever is not a host waits until a host admits them.
    pub waiting_room: bool,
    /// Nobody new comes in.
    pub locked: bool,
    /// Most participants at a time; absent: the server's own limit.
    #[schema(minimum = 1, maximum = 1000)]
    #[serde(deserialize_with = "whole_number")]
    pub participants_max: Option<u16>,
}

/// What a host or an operator silences. There is no way to switch somebody's microphone on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MuteKinds {
    /// The voice.
    pub microphone: bool,
    /// The camera.
    pub camera: bool,
    /// The screen.
    pub screen: bool,
}

/// Why a meeting is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The operator asked through the API.
    Operator,
    /// A host ended it for all.
    Host,
}

/// One page of a list that is ordered by a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// In order.
    pub items: Vec<T>,
    /// Where the next page begins; absent: this was the last.
    pub next: Option<String>,
}

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// The key after which it begins.
    pub after: Option<String>,
    /// Most items, at least one.
    pub limit: usize,
}

impl<T> Page<T> {
    /// Cuts a page out of all items, which need no order; `key` orders them and is unique.
    pub fn of(items: Vec<T>, request: &PageRequest, key: impl Fn(&T) -> String) -> Self {
        let mut keyed: Vec<(String, T)> = items.into_iter().map(|item| (key(&item), item)).collect();
        keyed.retain(|(key, _)| request.after.as_ref().is_none_or(|after| key > after));
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        let has_more = keyed.len() > request.limit;
        keyed.truncate(request.limit);
        let next = has_more.then(|| keyed.last().map(|(key, _)| key.clone())).flatten();
        Self { items: keyed.into_iter().map(|(_, item)| item).collect(), next }
    }
}

/// The live rooms, as operators see them. Implemented beside the rooms, used by the HTTP API.
#[async_trait]
pub trait RoomControl: std::fmt::Debug + Send + Sync {
    /// The rooms with somebody in them, by name.
    async fn list_rooms(&self, page: PageRequest) -> Result<Page<RoomSummary>, ControlError>;
    /// One of them.
    async fn room(&self, room: &RoomId) -> Result<RoomSummary, ControlError>;
    /// Who is in it, by seat.
    async fn participants(&self, room: &RoomId, page: PageRequest)
    -> Result<Page<Participant>, ControlError>;
    /// Takes somebody out; `ban` keeps them out until the meeting is over.
    async fn remove(&self, room: &RoomId, peer: PeerId, ban: bool) -> Result<(), ControlError>;
    /// Switches somebody's sources off.
    async fn mute(&self, room: &RoomId, peer: PeerId, kinds: MuteKinds) -> Result<(), ControlError>;
    /// What holds from now on. Without people in the room it is nobody's business: `Ok`.
    async fn set_policy(&self, room: &RoomId, policy: Policy) -> Result<(), ControlError>;
    /// Gives everybody who wants captions this one, which a program with this key feeds. [`ControlError::NoSuchParticipant`] for
    /// a speaker who is not there, [`ControlError::TooFast`] beyond what one key may feed into one room.
    async fn caption(&self, room: &RoomId, key: &KeyId, cue: CaptionCue) -> Result<(), ControlError>;
    /// Takes everybody out.
    async fn end(&self, room: &RoomId, reason: EndReason) -> Result<(), ControlError>;
}

/// For a server whose rooms tell nothing of themselves: every question is answered so.
#[derive(Debug, Clone, Copy)]
pub struct Detached;

#[async_trait]
impl RoomControl for Detached {
    async fn list_rooms(&self, _: PageRequest) -> Result<Page<RoomSummary>, ControlError> {
        Err(ControlError::Detached)
    }
    async fn room(&self, _: &RoomId) -> Result<RoomSummary, ControlError> {
        Err(ControlError::Detached)
    }
    async fn participants(&self, _: &RoomId, _: PageRequest) -> Result<Page<Participant>, ControlError> {
        Err(ControlError::Detached)
    }
    async fn remove(&self, _: &RoomId, _: PeerId, _: bool) -> Result<(), ControlError> {
        Err(ControlError::Detached)
    }
    async fn mute(&self, _: &RoomId, _: PeerId, _: MuteKinds) -> Result<(), ControlError> {
        Err(ControlError::Detached)
    }
    async fn set_policy(&self, _: &RoomId, _: Policy) -> Result<(), ControlError> {
        Err(ControlError::Detached)
    }
    async fn caption(&self, _: &RoomId, _: &KeyId, _: CaptionCue) -> Result<(), ControlError> {
        Err(ControlError::Detached)
    }
    async fn end(&self, _: &RoomId, _: EndReason) -> Result<(), ControlError> {
        Err(ControlError::Detached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let all: Vec<u32> = (0..25).rev().collect();
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let page = Page::of(all.clone(), &PageRequest { after, limit: 10 }, |item| format!("{item:04}"));
            seen.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..25).collect::<Vec<u32>>());
    }

    #[test]
    fn a_list_that_fits_has_no_next_page() {
        let page = Page::of(vec![1, 2], &PageRequest { after: None, limit: 2 }, ToString::to_string);
        assert_eq!(page.next, None);
    }
}
