//! Names of values: a space and what is within it.

use std::fmt;

/// Longest key in bytes.
pub(super) const KEY_BYTES_MAX: usize = 512;

/// What a value is about. Each space belongs to one module, which alone knows the values in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// What a meeting keeps over a restart, by room.
    Room,
    /// What operators set for a room before anybody is in it, by room.
    Settings,
    /// How many rooms a key has set up, by key.
    RoomCount,
    /// What was written in rooms: a log a room.
    Chat,
    /// Who may not come back into a room until its meeting ends, by room.
    Ban,
    /// Meetings at rest, by room.
    Meeting,
    /// The key with which those who make a room lead it.
    HostKey,
    /// Tokens that were taken back, by token id.
    RevokedToken,
    /// Answers of the API that are repeated, by key and idempotency key.
    Idempotency,
    /// Webhooks that wait to be sent: one log an endpoint.
    Outbox,
    /// What is known about the endpoints of webhooks, by endpoint.
    Endpoint,
    /// Who is the only one to do something.
    Lease,
}

impl Space {
    const fn name(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Settings => "settings",
            Self::RoomCount => "room-count",
            Self::Chat => "chat",
            Self::Ban => "ban",
            Self::Meeting => "meeting",
            Self::HostKey => "host-key",
            Self::RevokedToken => "revoked-token",
            Self::Idempotency => "idempotency",
            Self::Outbox => "outbox",
            Self::Endpoint => "endpoint",
            Self::Lease => "lease",
        }
    }
}

/// A key: the space, then parts, each behind a `/`. A part cannot contain a `/`, so no part can
/// reach into another. `Debug` shows the space alone: the rest may be somebody's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The value of this name in the space.
    #[must_use]
    pub fn of(space: Space, part: &str) -> Self {
        Self(format!("{}/{}", space.name(), Escaped(part)))
    }

    /// A name below this one.
    #[must_use]
    pub fn child(&self, part: &str) -> Self {
        Self(format!("{}/{}", self.0, Escaped(part)))
    }

    /// Everything below this name; of a log, its entries.
    #[must_use]
    pub fn below(&self) -> Prefix {
        Prefix(format!("{}/", self.0))
    }

    /// The entry of a log with this number.
    #[must_use]
    pub fn entry(&self, number: u64) -> Self {
        Self(format!("{}/{number:020}", self.0))
    }

    /// The last part, as it was given.
    #[must_use]
    pub fn last_part(&self) -> String {
        let last = self.0.rsplit('/').next().unwrap_or_default();
        last.replace("%2F", "/").replace("%25", "%")
    }

    /// As it is stored.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn stored(text: String) -> Self {
        Self(text)
    }

    pub(super) fn check(&self) -> Result<(), super::StoreError> {
        if self.0.len() > KEY_BYTES_MAX { Err(super::StoreError::TooLarge("a key")) } else { Ok(()) }
    }
}

/// What a list of keys has in common. It ends with a `/`, so that it takes in whole parts only.
#[derive(Clone, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// Everything in a space.
    #[must_use]
    pub fn all(space: Space) -> Self {
        Self(format!("{}/", space.name()))
    }

    /// As it is stored.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The first text behind everything that begins so.
    pub(super) fn end(&self) -> String {
        // `0` is the character after `/`.
        format!("{}0", self.0.trim_end_matches('/'))
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefix({}/…)", self.0.split('/').next().unwrap_or_default())
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyName({}/…)", self.0.split('/').next().unwrap_or_default())
    }
}

struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.replace('%', "%25").replace('/', "%2F"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_cannot_reach_into_another() {
        let key = KeyName::of(Space::Room, "a/../b%2F");
        assert_eq!(key.as_str().matches('/').count(), 1);
        assert_eq!(key.last_part(), "a/../b%2F");
        assert_ne!(KeyName::of(Space::Room, "a").child("b"), KeyName::of(Space::Room, "a/b"));
    }

    #[test]
    fn entries_of_a_log_are_in_order_and_below_it() {
        let log = KeyName::of(Space::Chat, "standup");
        assert!(log.entry(9) < log.entry(10) && log.entry(10) < log.entry(u64::MAX));
        assert!(log.entry(0).as_str().starts_with(log.below().as_str()));
    }
}
