//! What happens in meetings, as webhooks tell it.

use std::time::SystemTime;

use shared::RoomId;

use crate::access::{ExternalId, Metadata, UnixSeconds};
use crate::meeting::{Cause, Happening, Somebody};
use crate::webhooks::{self, Event, LeaveReason, Person, Webhooks};

/// See the [module](self).
#[derive(Debug, Clone)]
pub(super) struct Chronicle(Webhooks);

impl Chronicle {
    pub(super) const fn new(webhooks: Webhooks) -> Self {
        Self(webhooks)
    }

    /// Returns at once.
    pub(super) fn record(&self, room: &RoomId, happening: Happening) {
        let happening = match happening {
            Happening::Started => webhooks::Happening::RoomStarted,
            Happening::Ended => webhooks::Happening::RoomEnded,
            Happening::Joined(somebody) => webhooks::Happening::Joined(person(somebody)),
            Happening::Left(somebody, cause) => webhooks::Happening::Left(person(somebody), reason(cause)),
        };
        self.0.record(Event { room: room.clone(), at: UnixSeconds::of(SystemTime::now()), happening });
    }
}

fn person(somebody: Somebody) -> Person {
    let identity = somebody.identity;
    let metadata = identity.metadata.as_deref().and_then(|text| serde_json::from_str(text).ok());
    Person {
        participant: somebody.peer,
        name: somebody.name,
        external_id: identity.external_id.as_deref().and_then(|id| ExternalId::new(id).ok()),
        metadata: metadata.and_then(|value| Metadata::new(value).ok()),
    }
}

const fn reason(cause: Cause) -> LeaveReason {
    match cause {
        Cause::Left => LeaveReason::Left,
        Cause::Lost => LeaveReason::Lost,
        Cause::Removed => LeaveReason::Removed,
        Cause::Ended => LeaveReason::Ended,
    }
}
