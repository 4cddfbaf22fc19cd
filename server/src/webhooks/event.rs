//! What is told.

use serde::Serialize;
use serde_json::{Value, json};
use shared::{DisplayName, PeerId, RoomId};

use crate::access::{ExternalId, Metadata, UnixSeconds};

/// Which events there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
pub enum EventKind {
    /// The first participant is in the room.
    #[serde(rename = "room.started")]
    RoomStarted,
    /// The last participant has left it.
    #[serde(rename = "room.ended")]
    RoomEnded,
    /// Somebody is in the room.
    #[serde(rename = "participant.joined")]
    ParticipantJoined,
    /// Somebody has left it.
    #[serde(rename = "participant.left")]
    ParticipantLeft,
}

/// Why somebody is not in the room any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// They left.
    Left,
    /// Their connection was lost and did not come back.
    Lost,
    /// A host or an operator removed them.
    Removed,
    /// The meeting was ended for all.
    Ended,
}

/// Somebody, as operators know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The seat.
    pub participant: PeerId,
    /// What the others read.
    pub name: DisplayName,
    /// As the token said.
    pub external_id: Option<ExternalId>,
    /// As the token said.
    pub metadata: Option<Metadata>,
}

/// Something that happened in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Where.
    pub room: RoomId,
    /// When.
    pub at: UnixSeconds,
    /// What.
    pub happening: Happening,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// [`EventKind::RoomStarted`].
    RoomStarted,
    /// [`EventKind::RoomEnded`].
    RoomEnded,
    /// [`EventKind::ParticipantJoined`].
    Joined(Person),
    /// [`EventKind::ParticipantLeft`].
    Left(Person, LeaveReason),
}

impl Event {
    /// Which it is.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self.happening {
            Happening::RoomStarted => EventKind::RoomStarted,
            Happening::RoomEnded => EventKind::RoomEnded,
            Happening::Joined(_) => EventKind::ParticipantJoined,
            Happening::Left(..) => EventKind::ParticipantLeft,
        }
    }

    /// The body of the webhook: type, time and data, as Standard Webhooks recommends.
    #[must_use]
    pub fn body(&self) -> String {
        let mut data = json!({"room": self.room});
        if let Happening::Joined(person) | Happening::Left(person, _) = &self.happening {
            data["participant"] = json!(person.participant);
            data["name"] = json!(person.name);
            data["external_id"] = json!(person.external_id);
            data["metadata"] =
                person.metadata.as_ref().map_or(Value::Null, |metadata| metadata.value().clone());
        }
        if let Happening::Left(_, reason) = &self.happening {
            data["reason"] = json!(reason);
        }
        json!({"type": self.kind(), "timestamp": timestamp(self.at), "data": data}).to_string()
    }
}

/// A time as RFC 3339 writes it, in UTC.
fn timestamp(at: UnixSeconds) -> String {
    let (days, second) = (at.0 / 86_400, at.0 % 86_400);
    // Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days; years begin in March there.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let check = |seconds, expected: &str| assert_eq!(timestamp(UnixSeconds(seconds)), expected);
        // date -u -d @SECONDS +%FT%TZ
        check(0, "1970-01-01T00:00:00Z");
        check(951_782_399, "2000-02-28T23:59:59Z");
        check(951_782_400, "2000-02-29T00:00:00Z");
        check(1_800_000_000, "2027-01-15T08:00:00Z");
        check(4_107_542_400, "2100-03-01T00:00:00Z");
    }

    #[test]
    fn the_body_echoes_what_the_token_said() {
        let person = Person {
            participant: PeerId::new(7),
            name: DisplayName::new("Ada").unwrap(),
            external_id: ExternalId::new("u-1").ok(),
            metadata: Metadata::new(json!({"team": 7})).ok(),
        };
        let event = Event {
            room: RoomId::new("standup").unwrap(),
            at: UnixSeconds(1_800_000_000),
            happening: Happening::Left(person, LeaveReason::Removed),
        };
        let body: Value = serde_json::from_str(&event.body()).unwrap();
        let data = json!({"room": "standup", "participant": "0000000000000007", "name": "Ada", "external_id": "u-1",
            "metadata": {"team": 7}, "reason": "removed"});
        let expected = json!({"type": "participant.left", "timestamp": "2027-01-15T08:00:00Z", "data": data});
        assert_eq!(body, expected);
    }
}
