//! Pages, one per file.

mod ended;
mod framed;
mod home;
mod loading;
mod lobby;
mod meeting;
mod not_found;
mod room;

pub(crate) use framed::{Refused, Waiting};
pub(crate) use home::Home;
pub(crate) use loading::Unloaded;
pub(crate) use not_found::NotFound;
pub(crate) use room::Room;
