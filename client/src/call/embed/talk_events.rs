//! Events about what a meeting is beyond sound and pictures. Those about the person in the frame carry what the page gave
//! along with them.

use shared::caption::Caption;
use shared::embed::{Event, ModerationAction, Participant, WaitingPerson};
use shared::meeting::{ChatMessage, Policy, Reaction};
use shared::{DisplayName, PeerId, SourceKind};

use super::observation::{Identity, Observation};
use super::talk::told;
use crate::call::chat::ChatView;
use crate::call::reactions::sign;

/// The own lines that are on their way: when one has arrived, it is told. As many as the engine lets wait.
#[derive(Debug, Default)]
pub(crate) struct OwnLines {
    underway: Vec<(u32, String)>,
}

impl OwnLines {
    /// What has arrived since the last look.
    pub(crate) fn arrived(&mut self, chat: &ChatView, identity: &Identity) -> Vec<Event> {
        let mut events = Vec::new();
        for (number, text) in std::mem::take(&mut self.underway) {
            let Some(line) = chat.lines.iter().rev().find(|line| line.number == Some(number)) else {
                continue;
            };
            events.push(Event::ChatMessageReceived {
                participant_id: line.peer.to_string(),
                display_name: line.author.clone(),
                text,
                private: line.private_with.is_some(),
                external_id: identity.external_id.clone(),
                metadata: identity.metadata.clone(),
            });
        }
        self.underway = chat.own.iter().map(|line| (line.number, line.text.clone())).collect();
        events
    }
}

/// Somebody else wrote.
pub(crate) fn written(line: &ChatMessage) -> Event {
    Event::ChatMessageReceived {
        participant_id: line.from.to_string(),
        display_name: line.name.as_str().to_owned(),
        text: line.text.clone(),
        private: line.to.is_some(),
        external_id: None,
        metadata: None,
    }
}

/// Somebody has said something, in writing; nothing while it may yet be put right.
pub(crate) fn captioned(caption: &Caption) -> Option<Event> {
    let cue = &caption.cue;
    cue.is_final.then(|| Event::CaptionReceived {
        participant_id: cue.speaker.map(|peer| peer.to_string()),
        display_name: cue.name.as_ref().map(|name| name.as_str().to_owned()),
        text: cue.text.as_str().to_owned(),
        language: cue.language.as_ref().map(|tag| tag.as_str().to_owned()),
    })
}

/// Somebody reacted.
pub(crate) fn reacted(peer: PeerId, reaction: Reaction, seen: &Observation) -> Event {
    let participant_id = peer.to_string();
    let me = seen.me.as_ref().filter(|me| me.participant_id == participant_id);
    Event::ReactionReceived {
        reaction: sign(reaction).0.to_owned(),
        external_id: me.and_then(|me| me.external_id.clone()),
        metadata: me.and_then(|me| me.metadata.clone()),
        participant_id,
    }
}

/// A host switched something of the person's off.
pub(crate) fn silenced(kind: SourceKind, by: Option<&DisplayName>, identity: &Identity) -> Event {
    moderated(
        match kind {
            SourceKind::Microphone => ModerationAction::Muted,
            SourceKind::Camera => ModerationAction::VideoStopped,
            SourceKind::Screen | SourceKind::ScreenAudio => ModerationAction::ScreenShareStopped,
        },
        by,
        identity,
    )
}

/// A host asks the person to switch something on.
pub(crate) fn asked(kind: SourceKind, by: Option<&DisplayName>, identity: &Identity) -> Event {
    moderated(
        match kind {
            SourceKind::Microphone => ModerationAction::AskedToUnmute,
            SourceKind::Camera => ModerationAction::AskedToStartVideo,
            SourceKind::Screen | SourceKind::ScreenAudio => ModerationAction::AskedToShareScreen,
        },
        by,
        identity,
    )
}

fn moderated(action: ModerationAction, by: Option<&DisplayName>, identity: &Identity) -> Event {
    Event::Moderated {
        action,
        by: by.map(|name| name.as_str().to_owned()),
        external_id: identity.external_id.clone(),
        metadata: identity.metadata.clone(),
    }
}

/// Whose hands went up or down, and who leads or leads no longer. Of who has just come `participantJoined` tells it.
pub(super) fn roles(before: &Observation, now: &Observation) -> Vec<Event> {
    let mut events = Vec::new();
    for known in before.participants() {
        let is_same = |person: &&Participant| person.participant_id == known.participant_id;
        let Some(person) = now.others.iter().chain(&now.me).find(is_same) else { continue };
        if known.hand_raised != person.hand_raised {
            events.push(Event::HandRaiseChanged {
                participant_id: person.participant_id.clone(),
                raised: person.hand_raised,
                external_id: person.external_id.clone(),
                metadata: person.metadata.clone(),
            });
        }
        if known.host != person.host {
            events.push(Event::HostChanged {
                participant_id: person.participant_id.clone(),
                host: person.host,
                external_id: person.external_id.clone(),
                metadata: person.metadata.clone(),
            });
        }
    }
    events
}

/// Who waits now, and who waits no longer.
pub(super) fn knocks(before: &[WaitingPerson], now: &[WaitingPerson]) -> Vec<Event> {
    let is_in = |list: &[WaitingPerson], knock: u32| list.iter().any(|known| known.knock == knock);
    let came = now.iter().filter(|person| !is_in(before, person.knock)).map(|person| Event::KnockReceived {
        knock: person.knock,
        display_name: person.display_name.clone(),
    });
    let went = before.iter().filter(|person| !is_in(now, person.knock));
    came.chain(went.map(|person| Event::KnockEnded { knock: person.knock })).collect()
}

/// The rules that hold now, where they are others. The first ones stand in `getState`.
pub(super) fn policy(before: Option<Policy>, now: Option<Policy>) -> Option<Event> {
    let (before, now) = (before?, now?);
    (before != now).then(|| Event::PolicyChanged { policy: told(&now) })
}

#[cfg(test)]
mod tests;
