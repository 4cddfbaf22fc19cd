//! What operators ask of live rooms.

use async_trait::async_trait;
use shared::caption::CaptionCue;
use shared::meeting::Audience;
use shared::{PeerId, RoomId, SourceKind};

use super::{Rooms, lock, now};
use crate::access::{
    self, ControlError, EndReason, ExternalId, KeyId, Metadata, MuteKinds, Page, PageRequest, Participant,
    Policy, RoomControl, RoomSummary, UnixSeconds,
};
use crate::meeting::{CaptionRefusal, Feeder, Foundation, Meeting, Seated};

#[async_trait]
impl RoomControl for Rooms {
    async fn list_rooms(&self, page: PageRequest) -> Result<Page<RoomSummary>, ControlError> {
        let rooms: Vec<_> = self.rooms().iter().map(|(id, live)| (id.clone(), live.clone())).collect();
        let summaries = rooms.into_iter().filter_map(|(id, live)| summary(id, &lock(&live).meeting));
        Ok(Page::of(summaries.collect(), &page, |summary| summary.room.to_string()))
    }

    async fn room(&self, room: &RoomId) -> Result<RoomSummary, ControlError> {
        self.ask(room, |meeting| summary(room.clone(), meeting)).flatten().ok_or(ControlError::NoSuchRoom)
    }

    async fn participants(
        &self,
        room: &RoomId,
        page: PageRequest,
    ) -> Result<Page<Participant>, ControlError> {
        let people = self.ask(room, |meeting| meeting.seated().map(participant).collect::<Vec<_>>());
        let people = people.filter(|people| !people.is_empty()).ok_or(ControlError::NoSuchRoom)?;
        Ok(Page::of(people, &page, |person| person.peer.to_string()))
    }

    async fn remove(&self, room: &RoomId, peer: PeerId, ban: bool) -> Result<(), ControlError> {
        let removed = self.ask(room, |meeting| meeting.remove(now(), peer, ban));
        if removed.ok_or(ControlError::NoSuchRoom)? { Ok(()) } else { Err(ControlError::NoSuchParticipant) }
    }

    async fn mute(&self, room: &RoomId, peer: PeerId, kinds: MuteKinds) -> Result<(), ControlError> {
        let kinds = [
            (kinds.microphone, SourceKind::Microphone),
            (kinds.camera, SourceKind::Camera),
            (kinds.screen, SourceKind::Screen),
        ];
        let muted = self.ask(room, |meeting| {
            let is_there = meeting.seated().any(|seated| seated.peer == peer);
            for (_, kind) in kinds.into_iter().filter(|(is_meant, _)| *is_meant) {
                meeting.mute(peer, kind, None);
            }
            meeting.handle_timeout(now().instant);
            is_there
        });
        if muted.ok_or(ControlError::NoSuchRoom)? { Ok(()) } else { Err(ControlError::NoSuchParticipant) }
    }

    async fn set_policy(&self, room: &RoomId, policy: Policy) -> Result<(), ControlError> {
        // A meeting that everybody left may go on with the rules it had: they are another's now.
        self.open(room).await.map_err(|_| ControlError::Busy)?;
        self.ask(room, |meeting| meeting.found(now(), foundation(policy)));
        Ok(())
    }

    async fn caption(&self, room: &RoomId, key: &KeyId, cue: CaptionCue) -> Result<(), ControlError> {
        let fed = self.ask(room, |meeting| {
            let is_used = meeting.seated().next().is_some();
            is_used.then(|| meeting.feed_caption(now(), Feeder::Key(key.as_str().into()), cue))
        });
        fed.flatten().ok_or(ControlError::NoSuchRoom)?.map_err(|refusal| match refusal {
            CaptionRefusal::NoSuchSpeaker => ControlError::NoSuchParticipant,
            CaptionRefusal::TooFast => ControlError::TooFast,
        })
    }

    async fn end(&self, room: &RoomId, _: EndReason) -> Result<(), ControlError> {
        self.ask(room, |meeting| meeting.end(now())).ok_or(ControlError::NoSuchRoom)
    }
}

/// The operator's rules as meetings know them.
pub(super) fn foundation(policy: Policy) -> Foundation {
    let rules = shared::meeting::Policy {
        locked: policy.locked,
        waiting_room: policy.waiting_room,
        share: audience(policy.share),
        chat: audience(policy.chat),
        unmute: audience(policy.unmute),
    };
    Foundation { policy: rules, participants_max: policy.participants_max.map(usize::from) }
}

const fn audience(audience: access::Audience) -> Audience {
    match audience {
        access::Audience::Everyone => Audience::Everyone,
        access::Audience::Hosts => Audience::Hosts,
    }
}

/// Nothing while nobody is in it.
fn summary(room: RoomId, meeting: &Meeting) -> Option<RoomSummary> {
    let participants = meeting.seated().filter(|seated| !seated.is_hidden).count();
    let is_used = meeting.seated().next().is_some();
    is_used.then(|| RoomSummary { room, participants, started_at: UnixSeconds(meeting.started_s().into()) })
}

fn participant(seated: Seated<'_>) -> Participant {
    let metadata = seated.identity.metadata.as_deref();
    Participant {
        peer: seated.peer,
        name: seated.name.clone(),
        host: seated.is_host,
        hidden: seated.is_hidden,
        media: seated.media,
        joined_at: UnixSeconds(seated.joined_s.into()),
        external_id: seated.identity.external_id.as_deref().and_then(|id| ExternalId::new(id).ok()),
        metadata: metadata.and_then(|text| Metadata::new(serde_json::from_str(text).ok()?).ok()),
    }
}
