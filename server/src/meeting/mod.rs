//! What a meeting is beyond its media: who is let in, who leads, who may do what, and what is said in writing.
//!
//! ```text
//! enter ─▶ door (ban, lock, passcode, waiting room) ─▶ Output::Admit ─▶ the shard seats ─▶ joined
//! requests of seats, of hosts, of the operator ─▶ rules ─▶ Output::{Tell, Control, Save}
//! ```
//!
//! Contract: pure. A [`Meeting`] is told the time and what happened, and answers with [`Output`]s, which the shell
//! (`crate::rooms`) carries out in their order. It decides; the SFU enforces what is about media. A role comes from
//! grants or from a host, never from the order of arrival.

mod captions;
mod chat;
mod chronicle;
mod door;
mod mark;
mod moderation;
mod output;
mod passcode;
mod saved;
mod seat;
mod state;
mod visitor;
mod window;

pub(crate) use self::captions::{CaptionRefusal, Feeder};
pub(crate) use self::chronicle::{Cause, Happening, Somebody};
pub(crate) use self::output::{Change, Output, Refusal, Told};
pub(crate) use self::saved::Saved;
pub(crate) use self::seat::Seated;
pub(crate) use self::state::{Foundation, Meeting, Now};
pub(crate) use self::visitor::{Person, Visitor};

#[cfg(test)]
mod tests;
