//! A meeting in a frame, without the browser: what a command of the page around it means, and which events a change of
//! state is.

mod appearance;
mod command;
mod observation;
mod watcher;

pub(crate) use appearance::properties;
pub(crate) use command::{Action, COMMANDS, EVENTS, Situation, decide, wanted_background};
pub(crate) use observation::{Identity, Observation};
pub(crate) use watcher::{Expected, Watcher};
