//! What the tiles show, and what the server is asked for because of them.

use engine::Engine;
use shared::protocol::{Participant, PauseReason, Presence};
use shared::{PeerId, SourceKind, SourceRef};

use super::arrangement::{Arrangement, Person, Role};
use super::layout::picture_height;
use crate::strings::Key;

/// What the tiles of one person show.
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
    /// The screen that they share; nothing while they share none.
    pub(crate) screen: Option<ScreenView>,
}

/// What the tile of a shared screen shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScreenView {
    /// The slot in which its picture arrives; nothing while none does.
    pub(crate) slot: Option<String>,
    /// Why it does not come.
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

/// Everybody, as far as it matters for their place.
pub(crate) fn people(tiles: &[TileView]) -> Vec<Person> {
    let person = |tile: &TileView| Person {
        peer: tile.peer,
        is_self: tile.is_self,
        screen: tile.screen.is_some() && !tile.is_self,
        speaking: tile.speaking,
    };
    tiles.iter().map(person).collect()
}

/// What to ask the server for: every picture that is shown, at the height of its largest tile. What is large comes first, then
/// who speaks. The sound of a screen comes with its picture: of a screen that nobody looks at the least is wanted, so that who
/// looks elsewhere still hears it.
pub(crate) fn wanted_pictures(
    shown: &[Arrangement],
    tiles: &[TileView],
    pixel_ratio: f64,
) -> Vec<engine::Tile> {
    let of = |peer: PeerId| tiles.iter().find(|tile| tile.peer == peer);
    let others = |source: SourceRef| of(source.peer).is_some_and(|tile| !tile.is_self);
    let mut placed: Vec<_> =
        shown.iter().flat_map(|all| &all.tiles).filter(|placed| others(placed.source)).collect();
    // Stable: who does not speak keeps their place.
    placed.sort_by_key(|placed| {
        let speaks = of(placed.source.peer).is_some_and(|tile| tile.speaking);
        (placed.role != Role::Featured, !speaks)
    });
    let mut wanted: Vec<engine::Tile> = Vec::new();
    for tile in placed {
        let height = picture_height(tile.size, pixel_ratio);
        match wanted.iter_mut().find(|known| known.source == tile.source) {
            Some(known) => known.height = known.height.max(height),
            None => wanted.push(engine::Tile { source: tile.source, height }),
        }
    }
    if wanted.iter().all(|tile| tile.source.kind != SourceKind::Screen) {
        let unseen = tiles.iter().find(|tile| !tile.is_self && tile.screen.is_some());
        let source = |tile: &TileView| SourceRef { peer: tile.peer, kind: SourceKind::Screen };
        wanted.extend(unseen.map(|tile| engine::Tile { source: source(tile), height: 1 }));
    }
    wanted
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
        screen: media.screen.then(|| screen(engine, peer)),
    }
}

fn screen(engine: &Engine, peer: PeerId) -> ScreenView {
    let slot = engine.slot_of(SourceRef { peer, kind: SourceKind::Screen });
    ScreenView {
        slot: slot.map(|slot| slot.mid.clone()),
        pause: slot.and_then(|slot| slot.paused).and_then(PicturePause::of),
    }
}

#[cfg(test)]
mod tests {
    use super::super::arrangement::{Choice, Mode, arrange};
    use super::super::layout::Size;
    use super::super::seating::Seating;
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
            screen: None,
        }
    }

    fn arranged(tiles: &[TileView], size: Size, choice: Choice) -> Arrangement {
        arrange(&mut Seating::default(), &people(tiles), size, choice)
    }

    const STAGE: Size = Size { width: 1440.0, height: 780.0 };

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
        let wanted = wanted_pictures(&[arranged(&tiles, STAGE, Choice::default())], &tiles, 2.0);
        let peers: Vec<u64> = wanted.iter().map(|tile| tile.source.peer.number()).collect();
        assert_eq!(peers, [3, 1, 2]);
        assert!(wanted.iter().all(|tile| tile.height == 764 && tile.source.kind == SourceKind::Camera));
    }
    #[test]
    fn only_what_is_shown_is_wanted_and_in_the_size_in_which_it_is_shown() {
        let tiles: Vec<TileView> = (1..=60).map(|number| person(number, number == 60, false)).collect();
        let wanted = |choice| wanted_pictures(&[arranged(&tiles, STAGE, choice)], &tiles, 1.0);
        let first = wanted(Choice::default());
        let second = wanted(Choice { page: 1, ..Choice::default() });
        assert_eq!((first.len(), second.len()), (24, 25));
        assert!(first.iter().all(|tile| !second.contains(tile)), "no page wants what another shows");
        let alone = wanted(Choice { mode: Mode::Speaker, ..Choice::default() });
        assert_eq!(alone.iter().map(|tile| tile.height).collect::<Vec<_>>(), [780]);
        let sidebar = wanted(Choice { mode: Mode::Sidebar, ..Choice::default() });
        assert!(sidebar[0].height > 600 && sidebar[1..].iter().all(|tile| tile.height < 180));
    }

    #[test]
    fn a_screen_is_wanted_before_faces_and_the_own_one_never() {
        let mut tiles = [person(1, false, true), person(2, false, false), person(3, true, false)];
        for tile in &mut tiles[1..] {
            tile.screen = Some(ScreenView { slot: None, pause: None });
        }
        let wanted = wanted_pictures(&[arranged(&tiles, STAGE, Choice::default())], &tiles, 1.0);
        let sources: Vec<_> =
            wanted.iter().map(|tile| (tile.source.peer.number(), tile.source.kind)).collect();
        assert_eq!(sources, [(2, SourceKind::Screen), (1, SourceKind::Camera), (2, SourceKind::Camera)]);
    }

    #[test]
    fn a_screen_that_nobody_looks_at_is_still_heard() {
        let mut tiles = [person(1, false, false), person(2, false, false), person(3, true, false)];
        assert_eq!(wanted_pictures(&[], &tiles, 1.0), []);
        tiles[1].screen = Some(ScreenView { slot: None, pause: None });
        tiles[2].screen = Some(ScreenView { slot: None, pause: None });
        let source = SourceRef { peer: PeerId::new(2), kind: SourceKind::Screen };
        assert_eq!(wanted_pictures(&[], &tiles, 1.0), [engine::Tile { source, height: 1 }]);
        let pinned = SourceRef { peer: PeerId::new(1), kind: SourceKind::Camera };
        let speaker = Choice { mode: Mode::Speaker, pinned: Some(pinned), ..Choice::default() };
        let wanted = wanted_pictures(&[arranged(&tiles, STAGE, speaker)], &tiles, 1.0);
        assert_eq!(wanted.iter().map(|tile| tile.source).collect::<Vec<_>>(), [pinned, source]);
    }

    #[test]
    fn a_picture_that_is_shown_twice_is_wanted_once_in_the_larger_size_and_a_hidden_page_wants_nothing() {
        let tiles = [person(1, false, false), person(2, true, false)];
        let large = arranged(&tiles, STAGE, Choice::default());
        let small = arranged(&tiles, Size { width: 320.0, height: 180.0 }, Choice::default());
        let wanted = wanted_pictures(&[small, large.clone()], &tiles, 1.0);
        assert_eq!(wanted, wanted_pictures(&[large], &tiles, 1.0));
        assert_eq!(wanted_pictures(&[], &tiles, 1.0), []);
    }
}
