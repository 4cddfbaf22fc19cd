//! What a participant may do, as the token says.

use std::fmt;

use serde::{Deserialize, Serialize};
use shared::limits::{EXTERNAL_ID_BYTES_MAX, METADATA_BYTES_MAX, PARTICIPANTS_MAX};
use shared::{DisplayName, RoomId, SourceKind};

use super::key::KeyId;
use super::token::{TokenId, UnixSeconds};

/// Why something is no part of grants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantsError {
    /// The external id is empty, too long, or has control characters.
    #[error("the external id must have 1 to {EXTERNAL_ID_BYTES_MAX} bytes and no control characters")]
    ExternalId,
    /// The metadata are too long.
    #[error("the metadata have {got} bytes as JSON; at most {METADATA_BYTES_MAX} are allowed")]
    Metadata {
        /// Bytes found.
        got: usize,
    },
    /// A kind of source that is not known.
    #[error("{0:?} cannot be published; microphone, camera and screen can")]
    PublishKind(String),
    /// The limit of participants makes no meeting.
    #[error("participants_max must be from 1 to {PARTICIPANTS_MAX}")]
    ParticipantsMax,
}

/// What whoever holds a token may do. Made by the gate and by nobody else in a running server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// Which rooms may be joined.
    pub rooms: RoomScope,
    /// What may be published.
    pub publish: PublishKinds,
    /// May moderate: mute, remove, lock, admit, end.
    pub host: bool,
    /// May start and stop recordings.
    pub record: bool,
    /// May feed captions: captioners, speech recognition.
    pub caption: bool,
    /// Is not shown to the others and not counted as a participant: recorders, supervisors.
    pub hidden: bool,
    /// Most participants of the room while this token's holder comes in; the operator's limit holds as well.
    pub participants_max: Option<u16>,
    /// The name that the others read; absent: the participant chooses it.
    pub name: Option<DisplayName>,
    /// Who it is in the operator's own system; echoed in events and webhooks.
    pub external_id: Option<ExternalId>,
    /// What the operator wants echoed in events and webhooks.
    pub metadata: Option<Metadata>,
    /// The `sub` claim: the same person in every meeting.
    pub subject: Option<ExternalId>,
    /// The `jti` claim, by which the token can be revoked.
    pub token_id: Option<TokenId>,
    /// Until when the token opens the door. Who is inside stays.
    pub expires_at: Option<UnixSeconds>,
    /// The key that signed it; absent where the server is open.
    pub key: Option<KeyId>,
}

impl Grants {
    /// A participant like any other in these rooms: publishes everything, moderates nothing.
    #[must_use]
    pub const fn participant(rooms: RoomScope) -> Self {
        Self {
            rooms,
            publish: PublishKinds::ALL,
            host: false,
            record: false,
            caption: false,
            hidden: false,
            participants_max: None,
            name: None,
            external_id: None,
            metadata: None,
            subject: None,
            token_id: None,
            expires_at: None,
            key: None,
        }
    }

    /// What the gate gives everybody where there are no keys. In rooms nobody leads by it: see `crate::rooms`.
    #[must_use]
    pub fn open() -> Self {
        Self { host: true, ..Self::participant(RoomScope::Any) }
    }
}

/// Which rooms a token opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomScope {
    /// Every room: `"room": "*"`.
    Any,
    /// One room.
    One(RoomId),
}

impl RoomScope {
    /// Whether it opens this room.
    #[must_use]
    pub fn covers(&self, room: &RoomId) -> bool {
        match self {
            Self::Any => true,
            Self::One(only) => only == room,
        }
    }

    /// As it stands in a token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Any => "*",
            Self::One(room) => room.as_str(),
        }
    }
}

impl std::str::FromStr for RoomScope {
    type Err = shared::identity::IdentityError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" { Ok(Self::Any) } else { RoomId::new(text).map(Self::One) }
    }
}

/// What may be published. `screen` covers its sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishKinds {
    /// A voice.
    pub microphone: bool,
    /// A face.
    pub camera: bool,
    /// A screen, with its sound.
    pub screen: bool,
}

impl PublishKinds {
    /// Everything.
    pub const ALL: Self = Self { microphone: true, camera: true, screen: true };
    /// Nothing: somebody who only watches.
    pub const NONE: Self = Self { microphone: false, camera: false, screen: false };

    /// Whether this source may be published.
    #[must_use]
    pub const fn allows(self, kind: SourceKind) -> bool {
        match kind {
            SourceKind::Microphone => self.microphone,
            SourceKind::Camera => self.camera,
            SourceKind::Screen | SourceKind::ScreenAudio => self.screen,
        }
    }

    /// From the names that stand in a token.
    ///
    /// # Errors
    /// [`GrantsError::PublishKind`].
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, GrantsError> {
        let mut kinds = Self::NONE;
        for name in names {
            match name {
                "microphone" => kinds.microphone = true,
                "camera" => kinds.camera = true,
                "screen" => kinds.screen = true,
                other => return Err(GrantsError::PublishKind(other.chars().take(32).collect())),
            }
        }
        Ok(kinds)
    }

    /// The names that stand in a token.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let all = [(self.microphone, "microphone"), (self.camera, "camera"), (self.screen, "screen")];
        all.into_iter().filter_map(|(is_allowed, name)| is_allowed.then_some(name))
    }
}

/// An identifier of another system: 1 to 64 bytes without control characters. Personal data: its `Debug` is redacted.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExternalId(String);

impl ExternalId {
    /// # Errors
    /// [`GrantsError::ExternalId`].
    pub fn new(text: &str) -> Result<Self, GrantsError> {
        let is_valid =
            (1..=EXTERNAL_ID_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        if is_valid { Ok(Self(text.to_owned())) } else { Err(GrantsError::ExternalId) }
    }

    /// The identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalId(…)")
    }
}

impl TryFrom<String> for ExternalId {
    type Error = GrantsError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<ExternalId> for String {
    fn from(id: ExternalId) -> Self {
        id.0
    }
}

/// Any JSON value of at most 256 bytes. Personal data perhaps: its `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct Metadata(serde_json::Value);

impl Metadata {
    /// # Errors
    /// [`GrantsError::Metadata`] when it is too long.
    pub fn new(value: serde_json::Value) -> Result<Self, GrantsError> {
        let got = value.to_string().len();
        if got > METADATA_BYTES_MAX { Err(GrantsError::Metadata { got }) } else { Ok(Self(value)) }
    }

    /// The value.
    #[must_use]
    pub const fn value(&self) -> &serde_json::Value {
        &self.0
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metadata(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_its_room_and_any_covers_all() {
        let room = |text: &str| RoomId::new(text).unwrap();
        let one: RoomScope = "standup".parse().unwrap();
        assert!(one.covers(&room("standup")) && !one.covers(&room("standup-2")));
        assert!("*".parse::<RoomScope>().unwrap().covers(&room("standup")));
        assert!("**".parse::<RoomScope>().is_err() && "".parse::<RoomScope>().is_err());
    }

    #[test]
    fn the_names_of_what_may_be_published_are_read_and_written_alike() {
        let kinds = PublishKinds::from_names(["camera", "screen"]).unwrap();
        assert!(kinds.allows(SourceKind::ScreenAudio) && !kinds.allows(SourceKind::Microphone));
        assert_eq!(PublishKinds::from_names(kinds.names()), Ok(kinds));
        assert_eq!(PublishKinds::from_names([]), Ok(PublishKinds::NONE));
        assert!(PublishKinds::from_names(["Camera"]).is_err());
    }

    #[test]
    fn what_is_too_long_or_unprintable_is_refused() {
        assert!(ExternalId::new(&"x".repeat(EXTERNAL_ID_BYTES_MAX)).is_ok());
        assert!(ExternalId::new(&"x".repeat(EXTERNAL_ID_BYTES_MAX + 1)).is_err());
        assert!(ExternalId::new("").is_err() && ExternalId::new("a\nb").is_err());
        let long = serde_json::Value::String("x".repeat(METADATA_BYTES_MAX));
        assert!(matches!(Metadata::new(long), Err(GrantsError::Metadata { .. })));
    }

    #[test]
    fn what_may_be_personal_is_not_in_debug() {
        let mut grants = Grants::participant(RoomScope::Any);
        grants.external_id = ExternalId::new("lovelace@example.org").ok();
        grants.metadata = Metadata::new(serde_json::json!({"mail": "lovelace@example.org"})).ok();
        assert!(!format!("{grants:?}").contains("lovelace"));
    }
}
