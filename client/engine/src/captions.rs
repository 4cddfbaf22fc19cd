//! Whether captions are wanted, and what the server was told of it.

use std::time::Duration;

use crate::declare::{Declaration, Pace};
use crate::moment::Moment;

/// The wish, which servers that know no captions do not hear.
#[derive(Debug)]
pub(crate) struct CaptionWish {
    declaration: Declaration<bool>,
    is_understood: bool,
}

impl CaptionWish {
    pub(crate) const fn new() -> Self {
        Self { declaration: Declaration::new(false, PACE), is_understood: false }
    }

    pub(crate) fn set(&mut self, now: Moment, wanted: bool) {
        self.declaration.set(now, wanted);
    }

    pub(crate) const fn is_wanted(&self) -> bool {
        *self.declaration.desired()
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

const PACE: Pace = Pace { settle: Duration::ZERO, interval: Duration::from_millis(250) };
