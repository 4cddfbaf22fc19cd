//! The shell between the pure parts and the browser: it executes what the engine decides and turns what
//! happens into signals for the views. Views know this module, not `platform` and not `engine`.

mod local_media;
mod meeting;
mod sent_camera;

pub(crate) use local_media::LocalMedia;
pub(crate) use meeting::{MeetingHandle, MeetingSignals, Start};
pub(crate) use sent_camera::{EffectsState, SentCamera, scene_address};

pub(crate) use crate::platform::level_meter::LevelMeter;
pub(crate) use crate::platform::page::{
    SizeObserver, copy, host, on_key, on_navigation, origin, path, push_path, reload, reload_when_restored,
    remove_splash, set_title,
};
pub(crate) use crate::platform::picture::{Picture, clear};
pub(crate) use crate::platform::pixels::chosen as chosen_picture;
pub(crate) use crate::platform::playout::can_choose_speaker;
pub(crate) use crate::platform::rooms::create as create_room;

pub(crate) use engine::EndReason;

use shared::{DisplayName, MediaState, ResumeToken, RoomId};

use crate::call::capture_problem::Browser;
use crate::call::seat::StoredSeat;
use crate::platform::storage::{self, Setting};
use crate::platform::{clock, page};

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

/// Whose instructions fit.
pub(crate) fn browser() -> Browser {
    Browser::from_user_agent(&page::user_agent())
}
