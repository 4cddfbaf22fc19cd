//! The written part of a meeting: the lines that are known, and the own ones that are still on their way.

use std::collections::VecDeque;
use std::time::Duration;

use shared::PeerId;
use shared::limits::{CHAT_HISTORY_MAX, CHAT_TEXT_BYTES_MAX};
use shared::meeting::ChatMessage;
use shared::protocol::Chat;

use crate::error::Problem;
use crate::moment::Moment;

/// What a page has of the chat when it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChatStart {
    /// Lines are numbered from here. Larger than every number that this seat used before: seconds since the Unix
    /// epoch do, because nobody writes a line a second.
    pub first_number: u32,
    /// What was written before a reload and had not come back, from [`crate::Engine::unsent`].
    pub unsent: Vec<Chat>,
}

/// An own line that everybody may not see yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnLine {
    /// Names it among the own lines.
    pub number: u32,
    /// The only reader; nothing: everybody.
    pub to: Option<PeerId>,
    /// What was written.
    pub text: String,
    /// How it is going.
    pub delivery: Delivery,
}

/// How an own line is going.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It is said until it has come back.
    Underway,
    /// The server did not take it. It stays until it is said again or withdrawn.
    Failed(Problem),
}

/// Why a line was not taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// There is nothing to read in it.
    #[error("the line is blank")]
    Blank,
    /// Longer than [`CHAT_TEXT_BYTES_MAX`].
    #[error("the line has {got} bytes; at most {CHAT_TEXT_BYTES_MAX} are allowed")]
    TooLong {
        /// Bytes found.
        got: usize,
    },
    /// As many own lines wait as may.
    #[error("{OWN_LINES_MAX} lines wait to be sent already")]
    Waiting,
}

/// One line is said at a time: then a refusal, which names no line, is about that one, and lines keep their order.
#[derive(Debug)]
pub(crate) struct ChatLog {
    /// By `id`, at most [`CHAT_HISTORY_MAX`]; the oldest are forgotten first.
    lines: VecDeque<ChatMessage>,
    /// In the order they were written, at most [`OWN_LINES_MAX`]; more are refused.
    own: VecDeque<OwnLine>,
    last_number: u32,
    /// The line that was said and is not answered, and when it is said again.
    said: Option<(u32, Moment)>,
    not_before: Moment,
    /// Counts up whenever [`Self::lines`] or [`Self::own`] may be different.
    revision: u32,
}

impl ChatLog {
    pub(crate) fn new(start: ChatStart) -> Self {
        let ChatStart { first_number, unsent } = start;
        let own: VecDeque<OwnLine> = unsent
            .into_iter()
            .filter(|line| readable(&line.text).is_ok())
            .take(OWN_LINES_MAX)
            .map(|Chat { number, to, text }| OwnLine { number, to, text, delivery: Delivery::Underway })
            .collect();
        let highest = own.iter().map(|line| line.number).max().unwrap_or_default();
        let last_number = first_number.saturating_sub(1).max(highest);
        Self { lines: VecDeque::new(), own, last_number, said: None, not_before: Moment::START, revision: 0 }
    }

    pub(crate) const fn lines(&self) -> &VecDeque<ChatMessage> {
        &self.lines
    }

    pub(crate) const fn own(&self) -> &VecDeque<OwnLine> {
        &self.own
    }

    pub(crate) const fn revision(&self) -> u32 {
        self.revision
    }

    const fn changed(&mut self) {
        self.revision = self.revision.wrapping_add(1);
    }

    pub(crate) fn can_write(&self, text: &str) -> Result<(), WriteError> {
        readable(&clean(text))?;
        if self.own.len() >= OWN_LINES_MAX { Err(WriteError::Waiting) } else { Ok(()) }
    }

    /// Takes a line over, to be said as soon as that is possible.
    pub(crate) fn write(&mut self, to: Option<PeerId>, text: &str) -> Result<(), WriteError> {
        self.can_write(text)?;
        self.changed();
        let text = clean(text);
        self.last_number = self.last_number.saturating_add(1);
        let delivery = Delivery::Underway;
        self.own.push_back(OwnLine { number: self.last_number, to, text, delivery });
        Ok(())
    }

    /// Says a line again that failed. Under a new number: the old one may be taken for said.
    pub(crate) fn retry(&mut self, number: u32) {
        self.changed();
        let failed = |line: &OwnLine| line.number == number && line.delivery != Delivery::Underway;
        let Some(place) = self.own.iter().position(failed) else { return };
        if let Some(line) = self.own.remove(place) {
            self.last_number = self.last_number.saturating_add(1);
            self.own.push_back(OwnLine { number: self.last_number, delivery: Delivery::Underway, ..line });
        }
    }

    /// Takes a line away that failed.
    pub(crate) fn withdraw(&mut self, number: u32) {
        self.changed();
        self.own.retain(|line| line.number != number || line.delivery == Delivery::Underway);
    }

    /// Puts lines of the server into their places, and hands back what was not known before.
    pub(crate) fn learn(&mut self, lines: Vec<ChatMessage>) -> Vec<ChatMessage> {
        self.changed();
        let mut new = Vec::new();
        for line in lines.into_iter().filter(|line| readable(&line.text).is_ok()) {
            if let Some(number) = line.number {
                self.echoed(number);
            }
            // Most lines are newer than all others.
            let place = self.lines.iter().rposition(|known| known.id <= line.id);
            if place.is_some_and(|place| self.lines[place].id == line.id) {
                continue;
            }
            self.lines.insert(place.map_or(0, |place| place + 1), line.clone());
            new.push(line);
        }
        let surplus = self.lines.len().saturating_sub(CHAT_HISTORY_MAX);
        self.lines.drain(..surplus);
        new
    }

    /// Another meeting than the one that the lines are of: numbers of lines begin anew there.
    pub(crate) fn forget_lines(&mut self) {
        self.changed();
        self.lines.clear();
    }

    pub(crate) const fn signaling_lost(&mut self) {
        self.said = None;
    }

    /// What to say now.
    pub(crate) fn take_due(&mut self, now: Moment) -> Option<Chat> {
        if now < self.not_before || self.said.is_some_and(|(_, again)| now < again) {
            return None;
        }
        let line = self.own.iter().find(|line| line.delivery == Delivery::Underway)?;
        self.said = Some((line.number, now + ECHO_TIMEOUT));
        Some(Chat { number: line.number, to: line.to, text: line.text.clone() })
    }

    pub(crate) fn poll_timeout(&self) -> Option<Moment> {
        let waits = self.own.iter().any(|line| line.delivery == Delivery::Underway);
        let again = self.said.map_or(Moment::START, |(_, again)| again);
        waits.then(|| self.not_before.max(again))
    }

    /// The server did not take the line that was said. `again_after`: it may do so later.
    pub(crate) fn refused(&mut self, now: Moment, problem: Problem, again_after: Option<Duration>) {
        let Some((number, _)) = self.said.take() else { return };
        self.changed();
        if let Some(delay) = again_after {
            self.not_before = now + delay;
        } else if let Some(line) = self.own.iter_mut().find(|line| line.number == number) {
            line.delivery = Delivery::Failed(problem);
        }
    }

    fn echoed(&mut self, number: u32) {
        self.changed();
        self.own.retain(|line| line.number != number);
        self.said.take_if(|(said, _)| *said == number);
    }
}

/// With the line breaks of the protocol and without what it does not allow.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let allowed: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    allowed.trim().to_owned()
}

fn readable(text: &str) -> Result<(), WriteError> {
    if text.trim().is_empty() {
        Err(WriteError::Blank)
    } else if text.len() > CHAT_TEXT_BYTES_MAX {
        Err(WriteError::TooLong { got: text.len() })
    } else {
        Ok(())
    }
}

/// Own lines that wait or failed. Who writes more than this without a connection is told.
const OWN_LINES_MAX: usize = 50;
/// A line that has not come back after this is said again: that costs nothing.
const ECHO_TIMEOUT: Duration = Duration::from_secs(10);
