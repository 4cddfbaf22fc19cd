//! What the test tiers share: synthetic media whose packets say where they come from, so that a receiver can
//! check that it got the right ones, intact; what bad lines do to datagrams; and the paths that bandwidth estimators are
//! judged on.

pub mod line;
pub mod media;
pub mod path;
pub mod stack;
