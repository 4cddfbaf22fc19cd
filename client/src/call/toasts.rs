//! Short messages that come and go by themselves, and are read aloud by screen readers.

use std::collections::VecDeque;
use std::time::Duration;

use engine::{Moment, Notice};
use shared::protocol::Departure;

use crate::strings::{Key, text, text_with};

/// A message on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toast {
    /// Tells it from the others.
    pub(crate) number: u32,
    /// What it says.
    pub(crate) sentence: String,
    /// Whether it is good news, a warning, or neither.
    pub(crate) tone: Tone,
    until: Moment,
}

/// The colour of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// By the way.
    Neutral,
    /// Something is well again.
    Good,
    /// Something is not.
    Warning,
}

impl Tone {
    /// For `data-tone`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Good => "good",
            Self::Warning => "warning",
        }
    }
}

/// The messages that are shown, oldest first: at most [`SHOWN_MAX`], older ones make room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Toasts {
    shown: VecDeque<Toast>,
    last_number: u32,
}

impl Toasts {
    /// Shows what the engine has to tell.
    pub(crate) fn tell(&mut self, now: Moment, notice: &Notice) {
        let (sentence, tone) = sentence(notice);
        self.show(now, sentence, tone);
    }

    /// Shows a sentence for a while.
    pub(crate) fn show(&mut self, now: Moment, sentence: String, tone: Tone) {
        while self.shown.len() >= SHOWN_MAX {
            self.shown.pop_front();
        }
        self.last_number = self.last_number.wrapping_add(1);
        self.shown.push_back(Toast { number: self.last_number, sentence, tone, until: now + SHOWN_FOR });
    }

    /// Takes away what was shown long enough; says whether anything was.
    pub(crate) fn expire(&mut self, now: Moment) -> bool {
        let before = self.shown.len();
        self.shown.retain(|toast| toast.until > now);
        self.shown.len() != before
    }

    /// What is shown, oldest first.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &Toast> {
        self.shown.iter()
    }
}

fn sentence(notice: &Notice) -> (String, Tone) {
    let about = |key, name: &shared::DisplayName| text_with(key, &[("name", name.as_str())]);
    match notice {
        Notice::Arrived { name, .. } => (about(Key::Arrived, name), Tone::Neutral),
        Notice::Departed { name, departure: Departure::Left | Departure::Unknown, .. } => {
            (about(Key::Departed, name), Tone::Neutral)
        }
        Notice::Departed { name, departure: Departure::TimedOut, .. } => {
            (about(Key::TimedOut, name), Tone::Neutral)
        }
        Notice::SeatLost => (text(Key::SeatLost).to_owned(), Tone::Neutral),
        Notice::Reconnected => (text(Key::Reconnected).to_owned(), Tone::Good),
        Notice::Problem(problem) => (problem.sentence.clone(), Tone::Warning),
    }
}

const SHOWN_MAX: usize = 3;
/// A sentence of ten words is read in about three seconds.
const SHOWN_FOR: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use shared::{DisplayName, PeerId};

    use super::*;

    fn arrived(name: &str) -> Notice {
        Notice::Arrived { peer: PeerId::new(1), name: DisplayName::new(name).unwrap() }
    }

    #[test]
    fn a_message_goes_by_itself() {
        let mut toasts = Toasts::default();
        toasts.tell(Moment::START, &arrived("Ada"));
        assert!(toasts.shown().next().unwrap().sentence.contains("Ada"));
        assert!(!toasts.expire(Moment::from_millis(3_999)));
        assert!(toasts.expire(Moment::from_millis(4_000)));
        assert_eq!(toasts.shown().count(), 0);
    }

    #[test]
    fn a_crowd_does_not_fill_the_page() {
        let mut toasts = Toasts::default();
        for number in 0..50 {
            toasts.tell(Moment::START, &arrived(&format!("Guest {number}")));
        }
        let shown: Vec<&str> = toasts.shown().map(|toast| toast.sentence.as_str()).collect();
        assert_eq!(shown.len(), SHOWN_MAX);
        assert!(shown[2].contains("Guest 49"));
    }
}
