//! Commands about what a meeting is beyond sound and pictures: what is written and raised, who leads, who waits.

use engine::{Act, WriteError};
use shared::embed::{AudienceName, ConnectionStatus, ErrorCode, Failure, MeetingPolicy, PolicyChange, Stage};
use shared::meeting::{Audience, Policy, Reaction};
use shared::protocol::Moderation;
use shared::{PeerId, SourceKind};

use super::command::Action;
use super::observation::Observation;
use crate::call::gathering::Gathering;
use crate::call::reactions::{REACTIONS, sign};

/// What decides about such a command.
#[derive(Clone, Copy)]
pub(super) struct Talk<'a> {
    /// What was seen last.
    pub(super) seen: &'a Observation,
    /// Who leads and who may do what.
    pub(super) gathering: &'a Gathering,
}

impl Talk<'_> {
    /// Writes a line; the engine keeps it until there is a connection.
    pub(super) fn write(self, text: String, to: Option<&str>) -> Result<Action, Failure> {
        self.check_meeting()?;
        let to = to.map(|id| self.other(id)).transpose()?;
        let may = to.map_or(self.gathering.may_chat, |peer| self.gathering.may_write_to(peer));
        if !may {
            return Err(refusal(ErrorCode::NotAllowed, "only hosts may write here; they can be written to"));
        }
        Ok(Action::Act(Act::Write { to, text }))
    }

    pub(super) fn raise_hand(self, raised: bool) -> Result<Action, Failure> {
        self.check_meeting()?;
        Ok(Action::Act(Act::RaiseHand(raised)))
    }

    /// A sign is of the moment: without a connection it is not kept for later.
    pub(super) fn react(self, text: &str) -> Result<Action, Failure> {
        self.check_connection()?;
        let reaction = reaction_of(text)
            .ok_or_else(|| refusal(ErrorCode::NotFound, "there is no such reaction: see EMBED.md"))?;
        Ok(Action::Act(Act::React(reaction)))
    }

    /// What hosts do for everybody at once.
    pub(super) fn lead(self, moderation: Moderation) -> Result<Action, Failure> {
        self.check_host()?;
        Ok(Action::Act(Act::Moderate(moderation)))
    }

    /// What hosts do about somebody else.
    pub(super) fn lead_about(
        self,
        id: &str,
        moderation: impl FnOnce(PeerId) -> Moderation,
    ) -> Result<Action, Failure> {
        self.check_host()?;
        let peer = self.other(id)?;
        self.lead(moderation(peer))
    }

    pub(super) fn mute(self, id: &str, kind: SourceKind) -> Result<Action, Failure> {
        self.lead_about(id, |peer| Moderation::Mute { peer, kind })
    }

    pub(super) fn ask(self, id: &str, kind: SourceKind) -> Result<Action, Failure> {
        self.lead_about(id, |peer| Moderation::AskToUnmute { peer, kind })
    }

    pub(super) fn lower_hand(self, id: Option<&str>) -> Result<Action, Failure> {
        match id {
            Some(id) => self.lead_about(id, |peer| Moderation::LowerHand { peer }),
            None => self.lead(Moderation::LowerAllHands),
        }
    }

    pub(super) fn admit(self, knock: Option<u32>) -> Result<Action, Failure> {
        self.check_host()?;
        match knock {
            Some(knock) => self.check_knock(knock).and_then(|()| self.lead(Moderation::Admit { knock })),
            None => self.lead(Moderation::AdmitAll),
        }
    }

    pub(super) fn deny(self, knock: u32, message: Option<String>) -> Result<Action, Failure> {
        self.check_host()?;
        self.check_knock(knock)?;
        self.lead(Moderation::Deny { knock, message })
    }

    /// Changes rules; those that are left out stay.
    pub(super) fn change_policy(self, change: PolicyChange) -> Result<Action, Failure> {
        self.lead(Moderation::SetPolicy { policy: changed(self.gathering.wanted_policy, change) })
    }

    /// Whether the person may switch this on; switching off is always allowed.
    pub(super) fn check_publish(self, kind: SourceKind, on: bool) -> Result<(), Failure> {
        if on && self.gathering.forbidden.contains(&kind) {
            return Err(refusal(
                ErrorCode::NotAllowed,
                "the rules of the meeting do not let the person do this",
            ));
        }
        Ok(())
    }

    /// That there is a chat and all the rest: the person is in the meeting, and its server knows of them.
    pub(super) fn check_meeting(self) -> Result<(), Failure> {
        if self.seen.stage != Stage::Joined {
            return Err(refusal(ErrorCode::WrongStage, "the person is not in the meeting"));
        }
        if !self.gathering.is_offered {
            return Err(refusal(ErrorCode::Unsupported, "the server of this meeting is too old for this"));
        }
        Ok(())
    }

    fn check_connection(self) -> Result<(), Failure> {
        self.check_meeting()?;
        match self.seen.connection {
            ConnectionStatus::Connected | ConnectionStatus::Interrupted => Ok(()),
            ConnectionStatus::Connecting | ConnectionStatus::Reconnecting | ConnectionStatus::Offline => {
                Err(refusal(ErrorCode::WrongStage, "the server cannot be reached at the moment"))
            }
        }
    }

    fn check_host(self) -> Result<(), Failure> {
        self.check_connection()?;
        if self.gathering.is_host {
            return Ok(());
        }
        Err(refusal(ErrorCode::NotAllowed, "the person does not lead the meeting"))
    }

    fn check_knock(self, knock: u32) -> Result<(), Failure> {
        if self.gathering.knocks.iter().any(|known| known.knock == knock) {
            return Ok(());
        }
        Err(refusal(ErrorCode::NotFound, "nobody of this number waits"))
    }

    /// Somebody else who is there.
    fn other(self, id: &str) -> Result<PeerId, Failure> {
        let is_there = self.seen.others.iter().any(|other| other.participant_id == id);
        let peer = id.parse().ok().filter(|_| is_there);
        peer.ok_or_else(|| refusal(ErrorCode::NotFound, "there is nobody else of this id"))
    }
}

/// Why a line is not taken over, for the page.
pub(crate) fn unwritten(error: WriteError) -> Failure {
    let code = match error {
        WriteError::Blank | WriteError::TooLong { .. } => ErrorCode::InvalidData,
        WriteError::Waiting => ErrorCode::Busy,
    };
    refusal(code, &error.to_string())
}

/// The rules as the page knows them.
pub(super) fn told(policy: &Policy) -> MeetingPolicy {
    let name = |audience: Audience| match audience {
        Audience::Everyone => AudienceName::Everyone,
        Audience::Hosts | Audience::Unknown => AudienceName::Hosts,
    };
    MeetingPolicy {
        locked: policy.locked,
        waiting_room: policy.waiting_room,
        screen_share: name(policy.share),
        chat: name(policy.chat),
        unmute: name(policy.unmute),
    }
}

fn changed(policy: Policy, change: PolicyChange) -> Policy {
    let audience = |name: Option<AudienceName>, now: Audience| match name {
        Some(AudienceName::Everyone) => Audience::Everyone,
        Some(AudienceName::Hosts) => Audience::Hosts,
        None => now,
    };
    Policy {
        locked: change.locked.unwrap_or(policy.locked),
        waiting_room: change.waiting_room.unwrap_or(policy.waiting_room),
        share: audience(change.screen_share, policy.share),
        chat: audience(change.chat, policy.chat),
        unmute: audience(change.unmute, policy.unmute),
    }
}

/// The sign that an emoji means, with or without the mark for colours (U+FE0F).
fn reaction_of(text: &str) -> Option<Reaction> {
    let bare = |text: &str| text.trim().replace('\u{fe0f}', "");
    REACTIONS.into_iter().find(|reaction| bare(sign(*reaction).0) == bare(text))
}

fn refusal(code: ErrorCode, sentence: &str) -> Failure {
    Failure::new(code, sentence)
}

#[cfg(test)]
mod tests;
