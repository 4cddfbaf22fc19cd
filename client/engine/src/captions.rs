//! Whether captions are wanted, what the server was told of it, and which of its captions are news.

use std::collections::VecDeque;
use std::time::Duration;

use shared::caption::Caption;

use crate::declare::{Declaration, Pace};
use crate::moment::Moment;

/// The wish, which servers that know no captions do not hear.
#[derive(Debug)]
pub(crate) struct CaptionWish {
    declaration: Declaration<bool>,
    is_understood: bool,
    /// The last final ones; at most [`KNOWN_MAX`], of which the oldest are forgotten first. A new connection brings them again.
    known: VecDeque<Caption>,
}

impl CaptionWish {
    pub(crate) const fn new() -> Self {
        Self { declaration: Declaration::new(false, PACE), is_understood: false, known: VecDeque::new() }
    }

    pub(crate) fn set(&mut self, now: Moment, wanted: bool) {
        if self.declaration.set(now, wanted) {
            self.known.clear();
        }
    }

    /// Whether this is to be shown: it is wanted, and was not there before.
    pub(crate) fn is_news(&mut self, caption: &Caption) -> bool {
        if !self.declaration.desired() || self.known.contains(caption) {
            return false;
        }
        if caption.cue.is_final {
            if self.known.len() >= KNOWN_MAX {
                self.known.pop_front();
            }
            self.known.push_back(caption.clone());
        }
        true
    }

    /// On a new connection nobody wants captions who has not said so.
    pub(crate) fn welcomed(&mut self, knows_captions: bool) {
        self.is_understood = knows_captions;
        self.declaration.learn(Some(false));
    }

    /// What to say now.
    pub(crate) fn take_due(&mut self, now: Moment) -> Option<bool> {
        if self.is_understood { self.declaration.take_due(now) } else { None }
    }

    pub(crate) fn refused(&mut self, now: Moment) {
        self.declaration.refused(now);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Moment> {
        if self.is_understood { self.declaration.poll_timeout() } else { None }
    }
}

/// More than the server keeps.
const KNOWN_MAX: usize = 16;
const PACE: Pace = Pace { settle: Duration::ZERO, interval: Duration::from_millis(250) };
