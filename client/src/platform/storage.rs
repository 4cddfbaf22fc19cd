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
    /// Who takes the noise out of the sound.
    NoiseSuppression,
    /// The name of the background chosen last.
    Background,
    /// How strong a blur is, in percent.
    BlurStrength,
    /// A picture of the person's own, as a `data:` address.
    OwnBackground,
    /// The tag of the language chosen last.
    Language,
    /// How the stage is arranged.
    Layout,
    /// Whether the own tile is hidden.
    HideSelf,
    /// Whether captions are shown.
    Captions,
    /// Tokens of the rooms that this browser's person created.
    HostTokens,
}

impl Setting {
    const fn key(self) -> &'static str {
        match self {
            Self::Name => "visavis.name",
            Self::Microphone => "visavis.microphone",
            Self::Camera => "visavis.camera",
            Self::Speaker => "visavis.speaker",
            Self::NoiseSuppression => "visavis.noise-suppression",
            Self::Background => "visavis.background",
            Self::BlurStrength => "visavis.blur-strength",
            Self::OwnBackground => "visavis.own-background",
            Self::Language => LANGUAGE,
            Self::Layout => "visavis.layout",
            Self::HideSelf => "visavis.hide-self",
            Self::Captions => "visavis.captions",
            Self::HostTokens => "visavis.host-tokens",
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

/// Something half written that a reload must not lose. It is kept for this tab.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Draft {
    /// The name in the lobby.
    Name,
    /// The link or code on the home page.
    Invitation,
}

impl Draft {
    const fn key(self) -> &'static str {
        match self {
            Self::Name => "visavis.draft.name",
            Self::Invitation => "visavis.draft.invitation",
        }
    }
}

/// What was being written before the page was loaded anew; nothing when it was sent, or left empty.
pub(crate) fn draft(draft: Draft) -> Option<String> {
    session()?.get_item(draft.key()).ok()?
}

/// Keeps what is being written. An empty text keeps nothing.
pub(crate) fn keep_draft(draft: Draft, text: &str) {
    let Some(storage) = session() else { return };
    if text.is_empty() {
        storage.remove_item(draft.key()).ok();
    } else {
        storage.set_item(draft.key(), text).ok();
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

/// The tag of the language that an address asked this tab to speak.
pub(crate) fn language_of_tab() -> Option<String> {
    session()?.get_item(LANGUAGE).ok()?
}

/// Keeps it for as long as the tab is open.
pub(crate) fn keep_language_of_tab(tag: &str) {
    if let Some(storage) = session() {
        storage.set_item(LANGUAGE, tag).ok();
    }
}

/// From now on the tab speaks what the person has chosen.
pub(crate) fn forget_language_of_tab() {
    if let Some(storage) = session() {
        storage.remove_item(LANGUAGE).ok();
    }
}

/// What this tab keeps about a room, besides the seat.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TabNote {
    /// What was being written, and what had not been sent.
    Chat,
    /// The token of the link that the room was opened with.
    Token,
}

impl TabNote {
    fn key(self, room: &RoomId) -> String {
        let kind = match self {
            Self::Chat => "chat",
            Self::Token => "token",
        };
        format!("visavis.{kind}.{room}")
    }
}

/// Reads a note of this tab.
pub(crate) fn note(note: TabNote, room: &RoomId) -> Option<String> {
    session()?.get_item(&note.key(room)).ok()?
}

/// Keeps a note for this tab, where the browser lets us; nothing takes it away.
pub(crate) fn keep_note(note: TabNote, room: &RoomId, value: Option<&str>) {
    let Some(storage) = session() else { return };
    match value {
        Some(value) => storage.set_item(&note.key(room), value).ok(),
        None => storage.remove_item(&note.key(room)).ok(),
    };
}

fn seat_key(room: &RoomId) -> String {
    format!("visavis.seat.{room}")
}

const LANGUAGE: &str = "visavis.language";

/// Browsers can be told to keep nothing; then these are absent or throw.
fn local() -> Option<Storage> {
    window().local_storage().ok()?
}

fn session() -> Option<Storage> {
    window().session_storage().ok()?
}
