//! What the views know of the meeting beyond its pictures: who leads, who may do what, whose hands are up, who waits.

use engine::Engine;
use shared::meeting::{Audience, Policy};
use shared::{PeerId, SourceKind};

use super::capture_problem::Device;

/// All of that.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Gathering {
    /// Whether there is a chat and all the rest; older servers have none.
    pub(crate) is_offered: bool,
    /// Whether it is not known yet, but will be in a moment.
    pub(crate) is_awaited: bool,
    /// Whether the person leads the meeting.
    pub(crate) is_host: bool,
    /// The rules.
    pub(crate) policy: Policy,
    /// The rules as the person set them, until the server shows or refuses them; switches show these and start from them.
    pub(crate) wanted_policy: Policy,
    /// Whether a passcode is asked for.
    pub(crate) has_passcode: bool,
    /// Who leads.
    pub(crate) hosts: Vec<PeerId>,
    /// Whose hands are up, the longest first.
    pub(crate) hands: Vec<PeerId>,
    /// Whether the own hand is up.
    pub(crate) is_hand_raised: bool,
    /// Who waits, the longest first.
    pub(crate) knocks: Vec<KnockView>,
    /// Whether the person may write to everybody.
    pub(crate) may_chat: bool,
    /// What the person may switch on. Empty where nothing is said: everything.
    pub(crate) forbidden: Vec<SourceKind>,
}

/// Somebody who waits to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnockView {
    /// Names them.
    pub(crate) knock: u32,
    /// As they call themselves.
    pub(crate) name: String,
}

impl Gathering {
    /// Reads the engine.
    pub(crate) fn read(engine: &Engine) -> Self {
        let Some(meeting) = engine.meeting() else {
            return Self { is_awaited: engine.is_meeting_awaited(), ..Self::default() };
        };
        let all = [SourceKind::Microphone, SourceKind::Camera, SourceKind::Screen];
        let knock = |knock: &shared::meeting::Knock| KnockView {
            knock: knock.knock,
            name: knock.name.as_str().to_owned(),
        };
        Self {
            is_offered: true,
            is_awaited: false,
            is_host: meeting.you.host,
            policy: meeting.policy,
            wanted_policy: engine.policy().unwrap_or_default(),
            has_passcode: meeting.passcode,
            hosts: meeting.hosts.clone(),
            hands: meeting.hands.clone(),
            is_hand_raised: engine.is_hand_raised(),
            knocks: engine.knocks().iter().map(knock).collect(),
            may_chat: meeting.you.chat,
            forbidden: all.into_iter().filter(|kind| !meeting.you.publish.contains(kind)).collect(),
        }
    }

    /// Whether somebody leads.
    pub(crate) fn leads(&self, peer: PeerId) -> bool {
        self.hosts.contains(&peer)
    }

    /// Which hand in the order, from 1; nothing when it is down.
    pub(crate) fn hand(&self, peer: PeerId) -> Option<usize> {
        self.hands.iter().position(|raised| *raised == peer).map(|place| place + 1)
    }

    /// Whether the person may switch this on.
    pub(crate) fn may_switch_on(&self, device: Device) -> bool {
        !self.forbidden.contains(&kind_of(device))
    }

    /// Whether the person may write to this one alone: hosts are always open to be asked.
    pub(crate) fn may_write_to(&self, peer: PeerId) -> bool {
        self.may_chat || self.leads(peer)
    }
}

/// The source that a device gives.
pub(crate) const fn kind_of(device: Device) -> SourceKind {
    match device {
        Device::Microphone => SourceKind::Microphone,
        Device::Camera => SourceKind::Camera,
    }
}

/// A switch of the rules, as hosts see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Nobody new comes in.
    Locked,
    /// Who comes waits.
    WaitingRoom,
    /// Everybody may share a screen.
    Share,
    /// Everybody may write to everybody.
    Chat,
    /// Everybody may switch the own microphone on.
    Unmute,
}

impl Rule {
    /// In the order of the page.
    pub(crate) const ALL: [Self; 5] =
        [Self::Locked, Self::WaitingRoom, Self::Share, Self::Chat, Self::Unmute];

    /// Whether its switch is on.
    pub(crate) const fn is_on(self, policy: &Policy) -> bool {
        match self {
            Self::Locked => policy.locked,
            Self::WaitingRoom => policy.waiting_room,
            Self::Share => matches!(policy.share, Audience::Everyone),
            Self::Chat => matches!(policy.chat, Audience::Everyone),
            Self::Unmute => matches!(policy.unmute, Audience::Everyone),
        }
    }

    /// The rules after its switch was moved.
    pub(crate) const fn set(self, policy: Policy, on: bool) -> Policy {
        let audience = if on { Audience::Everyone } else { Audience::Hosts };
        match self {
            Self::Locked => Policy { locked: on, ..policy },
            Self::WaitingRoom => Policy { waiting_room: on, ..policy },
            Self::Share => Policy { share: audience, ..policy },
            Self::Chat => Policy { chat: audience, ..policy },
            Self::Unmute => Policy { unmute: audience, ..policy },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_moves_its_own_rule_only() {
        for rule in Rule::ALL {
            let before = Policy::default();
            let after = rule.set(before, !rule.is_on(&before));
            for other in Rule::ALL {
                assert_eq!(other.is_on(&before) != other.is_on(&after), other == rule, "{rule:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_host_can_always_be_written_to() {
        let [host, guest] = [PeerId::new(1), PeerId::new(2)];
        let gathering = Gathering { hosts: vec![host], hands: vec![guest, host], ..Gathering::default() };
        assert!(gathering.may_write_to(host) && !gathering.may_write_to(guest));
        assert_eq!(
            (gathering.hand(guest), gathering.hand(host), gathering.hand(PeerId::new(3))),
            (Some(1), Some(2), None)
        );
    }
}
