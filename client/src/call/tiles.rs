//! One tile per person.

use engine::Engine;
use shared::protocol::{Participant, PauseReason, Presence};
use shared::{PeerId, SourceKind, SourceRef};

use super::layout::{Layout, picture_height};

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
    /// The picture stands still, because the connection does not carry it.
    pub(crate) starved: bool,
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
        starved: slot.is_some_and(|slot| slot.paused == Some(PauseReason::Bandwidth)),
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
            starved: false,
        }
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
