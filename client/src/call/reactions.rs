//! Signs that float over the tile of who sent them, for a moment.

use std::collections::VecDeque;
use std::time::Duration;

use engine::Moment;
use shared::PeerId;
use shared::meeting::Reaction;

use crate::strings::Key;

/// A sign that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Floating {
    /// Tells it from the others.
    pub(crate) number: u32,
    /// Whose.
    pub(crate) peer: PeerId,
    /// Which.
    pub(crate) reaction: Reaction,
    until: Moment,
}

/// The signs that are shown, oldest first: at most [`SHOWN_MAX`], older ones make room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reactions {
    shown: VecDeque<Floating>,
    last_number: u32,
}

impl Reactions {
    /// Shows one.
    pub(crate) fn show(&mut self, now: Moment, peer: PeerId, reaction: Reaction) {
        self.last_number = self.last_number.wrapping_add(1);
        self.shown.push_back(Floating { number: self.last_number, peer, reaction, until: now + SHOWN_FOR });
        if self.shown.len() > SHOWN_MAX {
            self.shown.pop_front();
        }
    }

    /// Takes away what was shown long enough; says whether that is anything.
    pub(crate) fn expire(&mut self, now: Moment) -> bool {
        let before = self.shown.len();
        self.shown.retain(|sign| sign.until > now);
        self.shown.len() != before
    }

    /// Those of one person.
    pub(crate) fn of(&self, peer: PeerId) -> Vec<Floating> {
        self.shown.iter().filter(|sign| sign.peer == peer).copied().collect()
    }

    /// The newest of each person, with how many of that kind, for the announcement.
    pub(crate) fn newest(&self) -> Option<Floating> {
        self.shown.back().copied()
    }
}

/// All that can be sent, in the order of the bar.
pub(crate) const REACTIONS: [Reaction; 8] = [
    Reaction::ThumbsUp,
    Reaction::Heart,
    Reaction::Clap,
    Reaction::Laugh,
    Reaction::Surprise,
    Reaction::Party,
    Reaction::Sad,
    Reaction::ThumbsDown,
];

/// The sign and what it is called.
pub(crate) const fn sign(reaction: Reaction) -> (&'static str, Key) {
    match reaction {
        Reaction::ThumbsUp => ("👍", Key::ReactionThumbsUp),
        Reaction::ThumbsDown => ("👎", Key::ReactionThumbsDown),
        Reaction::Heart => ("❤️", Key::ReactionHeart),
        Reaction::Clap => ("👏", Key::ReactionClap),
        Reaction::Laugh => ("😂", Key::ReactionLaugh),
        Reaction::Surprise => ("😮", Key::ReactionSurprise),
        Reaction::Sad => ("😢", Key::ReactionSad),
        Reaction::Party | Reaction::Unknown => ("🎉", Key::ReactionParty),
    }
}

/// A whole room that claps is shown by this many hands.
const SHOWN_MAX: usize = 40;
const SHOWN_FOR: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_go_by_themselves_and_a_crowd_does_not_pile_up() {
        let mut reactions = Reactions::default();
        for number in 0..100 {
            reactions.show(Moment::START, PeerId::new(number), Reaction::Clap);
        }
        assert_eq!(reactions.shown.len(), SHOWN_MAX);
        assert_eq!(reactions.of(PeerId::new(0)), []);
        assert_eq!(reactions.of(PeerId::new(99)).len(), 1);
        assert!(!reactions.expire(Moment::from_millis(3_999)));
        assert!(reactions.expire(Moment::from_millis(4_000)));
        assert_eq!(reactions.newest(), None);
    }

    #[test]
    fn every_sign_can_be_sent_once() {
        for (place, reaction) in REACTIONS.iter().enumerate() {
            assert!(!REACTIONS[..place].contains(reaction) && *reaction != Reaction::Unknown);
        }
    }
}
