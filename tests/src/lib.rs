//! What the test tiers share: synthetic media whose packets say where they come from, so that a receiver can
//! check that it got the right ones, intact; and what bad lines do to datagrams.

pub mod line;
pub mod media;
pub mod stack;
