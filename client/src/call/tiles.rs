//! One tile per person.

use engine::Engine;
use shared::protocol::{Participant, PauseReason, Presence};
use shared::{PeerId, SourceKind, SourceRef};

use super::layout::{Layout, picture_height};
use crate::strings::Key;

/// What one tile shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TileView {
    /// Whose.
    pub(crate) peer: PeerId,
    /// As they call themselves.
    pub(crate) name: String,
    /// Whether it is this page's own person.
    pub(crate) is_self: bool,
    /// Whether they can be heard.
    pub(crate) microphone: bool,
    /// Whether they show a picture.
    pub(crate) camera: bool,
    /// Whether they speak now.
    pub(crate) speaking: bool,
    /// Whether the server has lost them for the moment.
    pub(crate) reconnecting: bool,
    /// The slot (`a=mid`) in which their picture arrives; nothing for oneself and while none does.
    pub(crate) slot: Option<String>,
    /// Why there is no picture although the camera is on.
    pub(crate) pause: Option<PicturePause>,
}

/// Why the picture of a camera that is on does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PicturePause {
    /// It is on its way, or the other side cannot send it now.
    Awaited,
    /// This connection does not carry it.
    Connection,
    /// This browser cannot decode it.
    Codec,
    /// The server has more to do than it can.
    Server,
    /// For a reason that this page does not know.
    Other,
}

impl PicturePause {
    const fn of(reason: PauseReason) -> Option<Self> {
        match reason {
            // The initials alone say it; the roster knows it, too.
            PauseReason::Muted => None,
            PauseReason::NotSent => Some(Self::Awaited),
            PauseReason::Bandwidth => Some(Self::Connection),
            PauseReason::Codec => Some(Self::Codec),
            PauseReason::Overload => Some(Self::Server),
            PauseReason::Unknown => Some(Self::Other),
        }
    }

    /// For `data-pause`: stable, tests and styles depend on it.
    pub(crate) const fn state(self) -> &'static str {
        match self {
            Self::Awaited => "awaited",
            Self::Connection => "connection",
            Self::Codec => "codec",
            Self::Server => "server",
            Self::Other => "other",
        }
    }

    /// What to read.
    pub(crate) const fn text(self) -> Key {
        match self {
            Self::Awaited => Key::PictureAwaited,
            Self::Connection => Key::PictureStarved,
            Self::Codec => Key::PictureUnreadable,
            Self::Server => Key::PictureShed,
            Self::Other => Key::PicturePaused,
        }
    }
}

/// The others in order of arrival, then oneself: one's own picture is the least news.
pub(crate) fn tiles(engine: &Engine) -> Vec<TileView> {
    let me = engine.me();
    let all = engine.participants().iter().map(|participant| tile(engine, participant, me));
    let (own, mut others): (Vec<_>, Vec<_>) = all.partition(|tile| tile.is_self);
    others.extend(own);
    others
}

/// What to ask the server for: every shown picture at the height of its tile, speakers first.
pub(crate) fn wanted_pictures(tiles: &[TileView], layout: &Layout, pixel_ratio: f64) -> Vec<engine::Tile> {
    let height = picture_height(layout, pixel_ratio);
    let mut others: Vec<&TileView> = tiles.iter().filter(|tile| !tile.is_self).collect();
    // Stable: who does not speak keeps the order of arrival.
    others.sort_by_key(|tile| !tile.speaking);
    let camera = |tile: &&TileView| SourceRef { peer: tile.peer, kind: SourceKind::Camera };
    others.iter().map(|tile| engine::Tile { source: camera(tile), height }).collect()
}

fn tile(engine: &Engine, participant: &Participant, me: Option<PeerId>) -> TileView {
    let peer = participant.peer;
    let is_self = me == Some(peer);
    // The own state is known before the server has confirmed it.
    let media = if is_self { engine.media() } else { participant.media };
    let slot = engine.slot_of(SourceRef { peer, kind: SourceKind::Camera }).filter(|_| media.camera);
    TileView {
        peer,
        name: participant.name.as_str().to_owned(),
        is_self,
        microphone: media.microphone,
        camera: media.camera,
        speaking: media.microphone && engine.speakers().iter().any(|speaker| speaker.peer == peer),
        reconnecting: participant.presence == Presence::Reconnecting && !is_self,
        slot: slot.map(|slot| slot.mid.clone()),
        pause: slot.and_then(|slot| slot.paused).and_then(PicturePause::of),
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::{Size, layout};
    use super::*;

    fn person(number: u64, is_self: bool, speaking: bool) -> TileView {
        TileView {
            peer: PeerId::new(number),
            name: "Ada".to_owned(),
            is_self,
            microphone: true,
            camera: true,
            speaking,
            reconnecting: false,
            slot: None,
            pause: None,
        }
    }

    #[test]
    fn every_reason_but_a_camera_that_is_off_is_told() {
        let of = |reason| PicturePause::of(reason).map(PicturePause::state);
        assert_eq!(of(PauseReason::Muted), None);
        assert_eq!(of(PauseReason::NotSent), Some("awaited"));
        assert_eq!(of(PauseReason::Bandwidth), Some("connection"));
        assert_eq!(of(PauseReason::Codec), Some("codec"));
        assert_eq!(of(PauseReason::Unknown), Some("other"));
    }

    #[test]
    fn speakers_are_wanted_first_and_oneself_never() {
        let tiles =
            [person(1, false, false), person(2, false, false), person(3, false, true), person(4, true, true)];
        let layout = layout(Size { width: 1440.0, height: 780.0 }, tiles.len());
        let wanted = wanted_pictures(&tiles, &layout, 2.0);
        let peers: Vec<u64> = wanted.iter().map(|tile| tile.source.peer.number()).collect();
        assert_eq!(peers, [3, 1, 2]);
        assert!(wanted.iter().all(|tile| tile.height == 764 && tile.source.kind == SourceKind::Camera));
    }
}
