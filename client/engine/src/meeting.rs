//! The meeting beyond its roster: rules, hosts, hands, and who waits.

use shared::limits::{KNOCKS_MAX, PARTICIPANTS_MAX};
use shared::meeting::{Knock, Meeting, Permissions, Policy};
use shared::{MediaState, PeerId, SourceKind};

use crate::moment::Moment;
use crate::policy::SaidPolicies;

/// What is known of it. Nothing of it before the server has said so, and with servers that know no meetings.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    meeting: Option<Meeting>,
    /// The server knows meetings and has not said yet how this one is.
    is_awaited: bool,
    knocks: Vec<Knock>,
    hand: Option<Wish>,
    said_policies: SaidPolicies,
}

/// The own hand, as the participant wants it, until the server shows it so.
#[derive(Debug, Clone, Copy)]
struct Wish {
    raised: bool,
    is_told: bool,
}

/// What a new state of the meeting brings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Whose hands went up, other than the own.
    pub(crate) raised: Vec<PeerId>,
    /// Set when the participant leads the meeting from now on, or no longer.
    pub(crate) host: Option<bool>,
}

impl Assembly {
    pub(crate) const fn meeting(&self) -> Option<&Meeting> {
        self.meeting.as_ref()
    }

    pub(crate) const fn is_awaited(&self) -> bool {
        self.is_awaited
    }

    pub(crate) fn knocks(&self) -> &[Knock] {
        &self.knocks
    }

    /// A server that takes us in says anew what is. What was known is shown until then.
    pub(crate) fn welcomed(&mut self, knows_meetings: bool) {
        if !knows_meetings {
            *self = Self::default();
        }
        self.is_awaited = knows_meetings && self.meeting.is_none();
    }

    pub(crate) fn signaling_lost(&mut self) {
        self.knocks.clear();
        if let Some(wish) = &mut self.hand {
            wish.is_told = false;
        }
        self.said_policies.forget();
    }

    pub(crate) fn learn(&mut self, mut meeting: Meeting, me: Option<PeerId>) -> News {
        meeting.hosts.truncate(PARTICIPANTS_MAX);
        meeting.hands.truncate(PARTICIPANTS_MAX);
        let before = self.meeting.take();
        let mut news = News::default();
        // What was so before one came is no news.
        if let Some(before) = before {
            let is_new = |peer: &PeerId| Some(*peer) != me && !before.hands.contains(peer);
            news.raised = meeting.hands.iter().copied().filter(is_new).collect();
            news.host = (before.you.host != meeting.you.host).then_some(meeting.you.host);
        }
        let is_raised = me.is_some_and(|me| meeting.hands.contains(&me));
        self.hand.take_if(|wish| wish.is_told && wish.raised == is_raised);
        if !meeting.you.host {
            self.knocks.clear();
            self.said_policies.forget();
        }
        self.said_policies.learn(meeting.policy);
        self.meeting = Some(meeting);
        self.is_awaited = false;
        news
    }

    /// Hands back who was not there before.
    pub(crate) fn learn_knocks(&mut self, mut knocks: Vec<Knock>) -> Vec<Knock> {
        knocks.truncate(KNOCKS_MAX);
        let known = |knock: &Knock| self.knocks.iter().any(|other| other.knock == knock.knock);
        let new = knocks.iter().filter(|knock| !known(knock)).cloned().collect();
        self.knocks = knocks;
        new
    }

    /// Whether the own hand is up, as the participant wants it.
    pub(crate) fn is_hand_raised(&self, me: Option<PeerId>) -> bool {
        self.hand.map_or_else(|| self.shows_hand(me), |wish| wish.raised)
    }

    pub(crate) fn set_hand(&mut self, raised: bool, me: Option<PeerId>) {
        if self.meeting.is_some() && raised != self.is_hand_raised(me) {
            self.hand = Some(Wish { raised, is_told: false });
        }
    }

    /// Whether to say that the hand is up, or down, now.
    pub(crate) fn take_hand(&mut self) -> Option<bool> {
        let wish = self.hand.as_mut().filter(|wish| !wish.is_told)?;
        wish.is_told = true;
        Some(wish.raised)
    }

    pub(crate) const fn hand_refused(&mut self) {
        self.hand = None;
    }

    /// The rules as the participant wants them, once the server has said any.
    pub(crate) fn policy(&self) -> Option<Policy> {
        self.meeting.as_ref().map(|meeting| self.said_policies.latest().unwrap_or(meeting.policy))
    }

    pub(crate) fn policy_said(&mut self, now: Moment, policy: Policy) {
        self.said_policies.say(now, policy);
    }

    pub(crate) fn moderation_refused(&mut self) {
        self.said_policies.forget();
    }

    pub(crate) const fn poll_timeout(&self) -> Option<Moment> {
        self.said_policies.poll_timeout()
    }

    /// Says whether something is different now.
    pub(crate) fn handle_timeout(&mut self, now: Moment) -> bool {
        self.said_policies.handle_timeout(now)
    }

    /// What is on of `media` and may not be.
    pub(crate) fn forbidden(&self, media: MediaState) -> Vec<SourceKind> {
        let Some(Permissions { publish, .. }) = self.meeting.as_ref().map(|meeting| &meeting.you) else {
            return Vec::new();
        };
        let is_on = |kind: &SourceKind| match kind {
            SourceKind::Microphone => media.microphone,
            SourceKind::Camera => media.camera,
            SourceKind::Screen => media.screen,
            SourceKind::ScreenAudio => false,
        };
        let all = [SourceKind::Microphone, SourceKind::Camera, SourceKind::Screen];
        all.into_iter().filter(|kind| is_on(kind) && !publish.contains(kind)).collect()
    }

    fn shows_hand(&self, me: Option<PeerId>) -> bool {
        let hands = self.meeting.as_ref().map(|meeting| &meeting.hands);
        me.is_some_and(|me| hands.is_some_and(|hands| hands.contains(&me)))
    }
}
