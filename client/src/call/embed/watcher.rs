//! From states to events: what changed since the last look, and who wanted it.

use std::collections::VecDeque;

use shared::embed::{
    Event, LayoutName, LeaveReason, Origin, Participant, ParticipantLeaveReason, ProblemCode, Stage,
};

use super::observation::{End, Identity, Observation};
use super::talk_events::{knocks, policy, roles};
use crate::call::capture_problem::{CaptureProblem, Device};
use crate::call::source_state::SourceState;

/// A change that somebody other than the person has asked for, and that has not been seen yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The own microphone.
    Audio(bool),
    /// The own camera.
    Video(bool),
    /// Whether a screen is shared from here.
    Screen(bool),
    /// How the pictures are laid out.
    Layout(LayoutName),
    /// Whether captions are shown.
    Captions(bool),
    /// What is behind the person.
    Background(&'static str),
    /// The own name.
    Name(String),
    /// The end.
    Leave,
}

/// Sees one state after the other. Holds at most one expectation of each kind.
#[derive(Debug, Default)]
pub(crate) struct Watcher {
    last: Observation,
    expected: Vec<(Expected, Origin)>,
    /// Why people went, until it is seen that they did: at most [`DEPARTURES_MAX`], the oldest give way.
    departures: VecDeque<(String, ParticipantLeaveReason)>,
    active_speaker: Option<String>,
}

impl Watcher {
    /// What was seen last.
    pub(crate) const fn last(&self) -> &Observation {
        &self.last
    }

    /// Who has the word.
    pub(crate) fn active_speaker(&self) -> Option<&str> {
        self.active_speaker.as_deref()
    }

    /// A change is on its way that is not the person's own. What is so already is not waited for.
    pub(crate) fn expect(&mut self, change: Expected, origin: Origin) {
        self.expected.retain(|(known, _)| kind(known) != kind(&change));
        let is_so = match &change {
            Expected::Audio(on) => self.last.audio.on == *on && !self.last.audio.starting,
            Expected::Video(on) => self.last.video.on == *on && !self.last.video.starting,
            Expected::Screen(on) => self.last.screen == *on,
            Expected::Layout(layout) => self.last.layout == Some(*layout),
            Expected::Captions(visible) => self.last.captions == *visible,
            Expected::Background(name) => self.last.background == *name,
            Expected::Name(name) => self.last.me.as_ref().is_some_and(|me| me.display_name == *name),
            Expected::Leave => self.last.stage == Stage::Ended,
        };
        if !is_so {
            self.expected.push((change, origin));
        }
    }

    /// Somebody goes, for this reason.
    pub(crate) fn departs(&mut self, participant_id: String, reason: ParticipantLeaveReason) {
        if self.departures.len() >= DEPARTURES_MAX {
            self.departures.pop_front();
        }
        self.departures.push_back((participant_id, reason));
    }

    /// What a page hears that comes to a meeting that has begun: also who waits at its door.
    pub(crate) fn catch_up(&self) -> Vec<Event> {
        let entry = joined(&self.last);
        let waiting = if entry.is_some() { knocks(&[], &self.last.knocks) } else { Vec::new() };
        entry.into_iter().chain(waiting).collect()
    }

    /// What changed.
    pub(crate) fn observe(&mut self, now: Observation, identity: &Identity) -> Vec<Event> {
        let before = std::mem::take(&mut self.last);
        let mut events = Vec::new();
        events.extend(problem(Device::Microphone, before.audio, now.audio));
        events.extend(problem(Device::Camera, before.video, now.video));
        // Looked at before the meeting as well: an expectation that has come true there is over.
        let sources = self.sources(&before, &now);
        let background = self.background(&before, &now);
        if now.screen_answers != before.screen_answers && now.screen == before.screen {
            // The person chose nothing: what they share later is not the page's doing.
            self.forget(&Expected::Screen(true));
        }
        let was_in = before.stage == Stage::Joined;
        let seat = |observation: &Observation| observation.me.as_ref().map(|me| me.participant_id.clone());
        if now.stage == Stage::Joined && (!was_in || seat(&before) != seat(&now)) {
            self.active_speaker = None;
            events.extend(joined(&now));
            events.extend(knocks(&[], &now.knocks));
        } else if now.stage == Stage::Joined {
            events.extend(sources);
            events.extend(background);
            events.extend(self.screen_and_layout(&before, &now));
            events.extend(self.captions(&before, &now));
            events.extend(self.people(&before, &now));
            events.extend(roles(&before, &now));
            events.extend(knocks(&before.knocks, &now.knocks));
            events.extend(policy(before.policy, now.policy));
        }
        if matches!(now.stage, Stage::Joined | Stage::Joining) {
            if now.connection != before.connection {
                events.push(Event::ConnectionStatusChanged { status: now.connection });
            }
            if now.quality != before.quality {
                events.push(Event::NetworkQualityChanged { quality: now.quality });
            }
        }
        events.extend(self.speaker(&now));
        if let (Some(end), None) = (&now.end, &before.end) {
            events.push(self.left(end, identity));
        }
        self.last = now;
        events
    }

    fn sources(&mut self, before: &Observation, now: &Observation) -> Vec<Event> {
        let mut events = Vec::new();
        if before.audio.on != now.audio.on {
            let origin = self.origin_of_source(Expected::Audio(now.audio.on), now.audio);
            events.push(Event::MediaAudioStatusChanged { active: now.audio.on, origin });
        }
        if before.video.on != now.video.on {
            let origin = self.origin_of_source(Expected::Video(now.video.on), now.video);
            events.push(Event::MediaVideoStatusChanged { active: now.video.on, origin });
        }
        events
    }

    fn screen_and_layout(&mut self, before: &Observation, now: &Observation) -> Vec<Event> {
        let mut events = Vec::new();
        if before.screen != now.screen {
            let origin = self.origin(&Expected::Screen(now.screen));
            events.push(Event::ScreenShareStatusChanged { active: now.screen, origin });
        }
        if let (Some(_), Some(layout)) = (before.layout, now.layout)
            && before.layout != now.layout
        {
            events.push(Event::LayoutChanged { layout, origin: self.origin(&Expected::Layout(layout)) });
        }
        events
    }

    fn captions(&mut self, before: &Observation, now: &Observation) -> Option<Event> {
        (before.captions != now.captions).then(|| {
            let origin = self.origin(&Expected::Captions(now.captions));
            Event::CaptionsVisibilityChanged { visible: now.captions, origin }
        })
    }

    fn origin_of_source(&mut self, change: Expected, state: SourceState) -> Origin {
        let wanted = self.origin(&change);
        if state.problem.is_some() { Origin::System } else { wanted }
    }

    fn background(&mut self, before: &Observation, now: &Observation) -> Option<Event> {
        (before.background != now.background).then(|| {
            let origin = self.origin(&Expected::Background(now.background));
            Event::BackgroundChanged { background: now.background.to_owned(), origin }
        })
    }

    fn people(&mut self, before: &Observation, now: &Observation) -> Vec<Event> {
        let mut events = Vec::new();
        let is_in = |list: &[Participant], id: &str| list.iter().any(|other| other.participant_id == id);
        for gone in before.others.iter().filter(|known| !is_in(&now.others, &known.participant_id)) {
            let reason = self.departure(&gone.participant_id);
            events.push(Event::ParticipantLeft { participant: gone.clone(), reason });
        }
        for participant in &now.others {
            let id = &participant.participant_id;
            match before.others.iter().find(|known| known.participant_id == *id) {
                None => events.push(Event::ParticipantJoined { participant: participant.clone() }),
                Some(known) => events.extend(updated(known, participant)),
            }
        }
        if let (Some(known), Some(me)) = (&before.me, &now.me)
            && known.display_name != me.display_name
        {
            let origin = self.origin(&Expected::Name(me.display_name.clone()));
            events.push(renamed(me, origin));
        }
        events
    }

    /// Whoever began to speak has the word until they stop.
    fn speaker(&mut self, now: &Observation) -> Option<Event> {
        let goes_on = self.active_speaker.as_ref().filter(|id| now.speaking.contains(id)).cloned();
        let speaker = goes_on.or_else(|| now.speaking.first().cloned());
        (speaker != self.active_speaker).then(|| {
            self.active_speaker.clone_from(&speaker);
            Event::ActiveSpeakerChanged { participant_id: speaker }
        })
    }

    fn left(&mut self, end: &End, identity: &Identity) -> Event {
        let wanted = self.origin(&Expected::Leave);
        let origin = match end.reason {
            LeaveReason::Left => wanted,
            LeaveReason::Replaced => Origin::Participant,
            LeaveReason::Removed | LeaveReason::MeetingEnded => Origin::Moderator,
            LeaveReason::RoomFull | LeaveReason::VersionMismatch | LeaveReason::Refused => Origin::System,
        };
        Event::MeetingLeft {
            reason: end.reason,
            origin,
            message: end.sentence.clone(),
            external_id: identity.external_id.clone(),
            metadata: identity.metadata.clone(),
        }
    }

    /// Who wanted this change. The expectation of its kind is over, whether it came true or not.
    fn origin(&mut self, change: &Expected) -> Origin {
        let place = self.expected.iter().position(|(known, _)| kind(known) == kind(change));
        let expected = place.map(|place| self.expected.swap_remove(place));
        expected.filter(|(known, _)| known == change).map_or(Origin::Participant, |(_, origin)| origin)
    }

    fn forget(&mut self, change: &Expected) {
        self.expected.retain(|(known, _)| known != change);
    }

    fn departure(&mut self, participant_id: &str) -> ParticipantLeaveReason {
        let place = self.departures.iter().position(|(id, _)| id == participant_id);
        let known = place.and_then(|place| self.departures.remove(place));
        known.map_or(ParticipantLeaveReason::Unknown, |(_, reason)| reason)
    }
}

/// What is newly the matter with a device.
fn problem(device: Device, before: SourceState, now: SourceState) -> Option<Event> {
    let problem = now.problem.filter(|problem| before.problem != Some(*problem))?;
    let is_refused = matches!(problem, CaptureProblem::Refused | CaptureProblem::Insecure);
    let (code, message) = match (device, is_refused) {
        (Device::Microphone, true) => (ProblemCode::MicrophoneRefused, "The microphone is not allowed."),
        (Device::Microphone, false) => (ProblemCode::MicrophoneFailed, "The microphone did not start."),
        (Device::Camera, true) => (ProblemCode::CameraRefused, "The camera is not allowed."),
        (Device::Camera, false) => (ProblemCode::CameraFailed, "The camera did not start."),
    };
    Some(Event::ErrorOccurred { code, message: message.to_owned() })
}

fn joined(now: &Observation) -> Option<Event> {
    let participant = now.me.clone().filter(|_| now.stage == Stage::Joined)?;
    Some(Event::MeetingJoined { room: now.room.clone(), participant, others: now.others.clone() })
}

fn updated(known: &Participant, now: &Participant) -> Vec<Event> {
    let mut events = Vec::new();
    if known.display_name != now.display_name {
        events.push(renamed(now, Origin::Participant));
    }
    let with_the_same_name = Participant { display_name: now.display_name.clone(), ..known.clone() };
    if with_the_same_name != *now {
        events.push(Event::ParticipantUpdated { participant: now.clone() });
    }
    events
}

fn renamed(participant: &Participant, origin: Origin) -> Event {
    Event::DisplayNameChanged {
        participant_id: participant.participant_id.clone(),
        display_name: participant.display_name.clone(),
        origin,
    }
}

/// Two expectations of one kind are about the same thing.
fn kind(change: &Expected) -> std::mem::Discriminant<Expected> {
    std::mem::discriminant(change)
}

/// More people than that do not leave between two looks, save when a large meeting ends.
const DEPARTURES_MAX: usize = 64;

#[cfg(test)]
mod tests;
