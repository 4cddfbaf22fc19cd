//! What the browser keeps for us: settings for ever, the seat for this tab.

use shared::RoomId;
use web_sys::Storage;

use super::page::window;

/// A setting that outlives the tab.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Setting {
    /// The name used last.
    Name,
    /// The id of the microphone chosen last.
    Microphone,
    /// The id of the camera chosen last.
    Camera,
    /// The id of the speaker chosen last.
    Speaker,
    /// The name of the background chosen last.
    Background,
    /// A picture of the person's own, as a `data:` address.
    OwnBackground,
}

impl Setting {
    const fn key(self) -> &'static str {
        match self {
            Self::Name => "visavis.name",
            Self::Microphone => "visavis.microphone",
            Self::Camera => "visavis.camera",
            Self::Speaker => "visavis.speaker",
            Self::Background => "visavis.background",
            Self::OwnBackground => "visavis.own-background",
        }
    }
}

/// Reads a setting. Nothing when it was never set, or the browser keeps nothing.
pub(crate) fn setting(setting: Setting) -> Option<String> {
    local()?.get_item(setting.key()).ok()?
}

/// Keeps a setting, where the browser lets us.
pub(crate) fn keep_setting(setting: Setting, value: &str) {
    if let Some(storage) = local() {
        storage.set_item(setting.key(), value).ok();
    }
}

/// Takes the seat of this tab in a room out of the storage.
pub(crate) fn take_seat(room: &RoomId) -> Option<String> {
    let storage = session()?;
    let key = seat_key(room);
    let seat = storage.get_item(&key).ok()??;
    storage.remove_item(&key).ok();
    Some(seat)
}

/// Keeps the seat of this tab in a room until the page is back.
pub(crate) fn keep_seat(room: &RoomId, seat: &str) {
    if let Some(storage) = session() {
        storage.set_item(&seat_key(room), seat).ok();
    }
}

fn seat_key(room: &RoomId) -> String {
    format!("visavis.seat.{room}")
}

/// Browsers can be told to keep nothing; then these are absent or throw.
fn local() -> Option<Storage> {
    window().local_storage().ok()?
}

fn session() -> Option<Storage> {
    window().session_storage().ok()?
}
