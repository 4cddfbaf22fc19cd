//! A meeting in a frame, without the browser: what a command of the page around it means, and which events a change of
//! state is.

mod appearance;
mod command;
mod observation;
mod parts;
mod talk;
mod talk_events;
mod watcher;

pub(crate) use appearance::properties;
pub(crate) use command::{Action, Situation, decide, wanted_background};
pub(crate) use observation::{Identity, Observation};
pub(crate) use parts::is_hidden;
pub(crate) use talk::unwritten;
pub(crate) use talk_events::{OwnLines, asked, captioned, reacted, silenced, written};
pub(crate) use watcher::{Expected, Watcher};
