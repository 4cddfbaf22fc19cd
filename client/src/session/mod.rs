//! The shell between the pure parts and the browser: it executes what the engine decides and turns what
//! happens into signals for the views. Views know this module, not `platform` and not `engine`.

mod captions;
mod check_up;
mod connection_watch;
mod embedding;
mod encoder_watch;
mod language;
mod late;
mod local_media;
mod meeting;
mod meeting_devices;
mod muted_watch;
mod network;
mod reception_watch;
mod sent_camera;
mod sent_microphone;
mod shared_screen;
mod stage;
mod talk;
mod test_line;

pub(crate) use check_up::CheckUpHandle;
pub(crate) use embedding::{Bond, Embedding, Place};
pub(crate) use language::{begin_speaking, choose_language};
pub(crate) use late::{NotArrived, late};
pub(crate) use local_media::LocalMedia;
pub(crate) use meeting::{MeetingHandle, MeetingSignals, Start};
pub(crate) use network::Network;
pub(crate) use sent_camera::{EffectsState, SentCamera, scene_address};
pub(crate) use stage::StageHandle;

pub(crate) use crate::platform::focus::FocusKeeper;
pub(crate) use crate::platform::full_screen::{can_fill_screen, can_float, toggle_full_screen};
pub(crate) use crate::platform::level_meter::LevelMeter;
pub(crate) use crate::platform::page::{
    SizeObserver, before_end, copy, host, is_given_up, on_blur, on_key, on_navigation, origin, path,
    push_path, reload, reload_when_restored, remove_splash, scroll_to_end, set_title,
};
pub(crate) use crate::platform::picture::{Picture, clear};
pub(crate) use crate::platform::pixels::ChosenFile;
pub(crate) use crate::platform::playout::can_choose_speaker;
pub(crate) use crate::platform::screen_capture::can_share;
pub(crate) use crate::platform::storage::{Draft, draft, keep_draft};
pub(crate) use talk::TalkSignals;

pub(crate) use crate::platform::clock::{Timer, time_of_day};

pub(crate) use engine::{Act, EndReason, Moment};
pub(crate) use shared::protocol::Moderation;

use std::cell::RefCell;

use shared::{DisplayName, MediaState, ResumeToken, RoomId};

use crate::call::capture_problem::Browser;
use crate::call::draft::StoredChat;
use crate::call::host_tokens::{HostTokens, token_of_fragment};
use crate::call::seat::StoredSeat;
use crate::platform::storage::{self, Setting, TabNote};
use crate::platform::{clock, page, rooms};

/// The time, as everything here counts it.
pub(crate) fn now() -> Moment {
    clock::now()
}

/// The name used last.
pub(crate) fn recent_name() -> Option<DisplayName> {
    DisplayName::new(&storage::setting(Setting::Name)?).ok()
}

/// Remembers the name for the next time.
pub(crate) fn remember_name(name: &DisplayName) {
    storage::keep_setting(Setting::Name, name.as_str());
}

/// The seat that this tab left behind in a room when the page was reloaded.
pub(crate) fn take_seat(room: &RoomId) -> Option<StoredSeat> {
    StoredSeat::read(&storage::take_seat(room)?, clock::epoch_ms())
}

/// Keeps the seat for the page that is loaded next.
fn keep_seat(room: &RoomId, token: ResumeToken, media: MediaState) {
    let seat = StoredSeat { token, media, stored_at_ms: clock::epoch_ms() };
    storage::keep_seat(room, &seat.write());
}

/// What this tab kept of a room's chat.
fn stored_chat(room: &RoomId) -> StoredChat {
    storage::note(TabNote::Chat, room).map(|text| StoredChat::read(&text)).unwrap_or_default()
}

fn keep_chat(room: &RoomId, chat: &StoredChat) {
    storage::keep_note(TabNote::Chat, room, Some(&chat.write()));
}

/// Asks the server for a new room, whose host this browser's person is from then on.
pub(crate) async fn create_room() -> Option<RoomId> {
    let created = rooms::create().await?;
    if let Some(token) = &created.token {
        let mut tokens = host_tokens();
        tokens.keep(&created.room, token);
        storage::keep_setting(Setting::HostTokens, &tokens.write());
    }
    Some(created.room)
}

/// Takes the token out of a link that this page was opened with, so that nobody copies it along with the address. An
/// embedding page hands its own over in the same way.
pub(crate) fn take_token_of_link(room: &RoomId) {
    let fragment = page::fragment();
    if let Some(token) = token_of_fragment(&fragment) {
        hand_over_token(room, token);
        page::remove_fragment();
    }
}

/// The token to show in a room from now on, in this tab.
pub(crate) fn hand_over_token(room: &RoomId, token: &str) {
    HANDED_OVER.with_borrow_mut(|handed| *handed = Some((room.clone(), token.to_owned())));
    storage::keep_note(TabNote::Token, room, Some(token));
}

/// The token for a room: of the link, else of the host.
fn token_of(room: &RoomId) -> Option<String> {
    let handed = HANDED_OVER.with_borrow(|handed| {
        handed.as_ref().filter(|(known, _)| known == room).map(|(_, token)| token.clone())
    });
    handed
        .or_else(|| storage::note(TabNote::Token, room))
        .or_else(|| host_tokens().of(room).map(str::to_owned))
}

/// The server does not take the token of this room; without it, somebody may still come in as a guest.
pub(crate) fn forget_token(room: &RoomId) {
    HANDED_OVER.take();
    storage::keep_note(TabNote::Token, room, None);
    let mut tokens = host_tokens();
    tokens.forget(room);
    storage::keep_setting(Setting::HostTokens, &tokens.write());
}

fn host_tokens() -> HostTokens {
    storage::setting(Setting::HostTokens).map(|text| HostTokens::read(&text)).unwrap_or_default()
}

thread_local! {
    /// The token of this page's link, for browsers that keep nothing.
    static HANDED_OVER: RefCell<Option<(RoomId, String)>> = const { RefCell::new(None) };
}

/// Whose instructions fit.
pub(crate) fn browser() -> Browser {
    Browser::from_user_agent(&page::user_agent())
}
