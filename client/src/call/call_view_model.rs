//! What the meeting page shows, read off the engine whenever it says that something changed.

use engine::{Engine, MediaConnection, Moment, Phase, Quality};

use super::tiles::{TileView, tiles};
use crate::strings::Key;

/// Everything the meeting page shows, apart from the pictures themselves.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct CallView {
    /// Whether the room was entered; before, there is nothing to show but the way in.
    pub(crate) entered: bool,
    /// Everybody in the room, the others in order of arrival, then oneself.
    pub(crate) tiles: Vec<TileView>,
    /// How the connection is.
    pub(crate) connection: Connection,
    /// How good it is.
    pub(crate) quality: Signal,
}

/// The connection as the page tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Connection {
    /// On the way into the room.
    #[default]
    Connecting,
    /// A host is asked to let the person in.
    Knocking,
    /// The person is asked for the meeting's passcode.
    PasscodeNeeded {
        /// Whether the one they gave is not it.
        is_wrong: bool,
    },
    /// In the room, sound and picture can flow, or are about to for the first time.
    Connected,
    /// In the room, but sound and picture are interrupted.
    MediaInterrupted,
    /// The server cannot be reached; the next try begins at this moment, or is under way.
    Reconnecting {
        /// When the next try begins.
        retry_at: Option<Moment>,
    },
    /// The server said that it starts anew; the page comes back by itself.
    ServerRestarting,
    /// This device has no network.
    Offline,
}

/// The quality of the own connection in bars, for the indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Signal {
    /// Not connected.
    #[default]
    None,
    /// Hardly usable.
    Weak,
    /// Usable.
    Medium,
    /// All is well.
    Strong,
}

impl CallView {
    /// Reads the engine. Pure: the same engine gives the same view.
    pub(crate) fn read(engine: &Engine) -> Self {
        Self {
            entered: engine.me().is_some(),
            tiles: tiles(engine),
            connection: connection(engine),
            quality: match engine.quality() {
                Quality::Lost => Signal::None,
                Quality::Poor => Signal::Weak,
                Quality::Fair => Signal::Medium,
                Quality::Good => Signal::Strong,
            },
        }
    }

    /// Whether nobody else is there.
    pub(crate) fn is_alone(&self) -> bool {
        self.entered && self.tiles.iter().all(|tile| tile.is_self)
    }

    /// The slots whose pictures are shown.
    pub(crate) fn slots(&self) -> Vec<String> {
        let moves = self.tiles.iter().filter(|tile| tile.pause.is_none());
        moves.filter_map(|tile| tile.slot.clone()).collect()
    }

    /// Whose picture a slot carries.
    pub(crate) fn name_in(&self, slot: &str) -> Option<String> {
        let tile = self.tiles.iter().find(|tile| tile.slot.as_deref() == Some(slot))?;
        Some(tile.name.clone())
    }

    /// The tile of one person.
    pub(crate) fn tile(&self, peer: shared::PeerId) -> Option<&TileView> {
        self.tiles.iter().find(|tile| tile.peer == peer)
    }
}

impl Connection {
    /// For `data-state`: stable, tests and styles depend on it.
    pub(crate) const fn state(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Knocking => "knocking",
            Self::PasscodeNeeded { .. } => "passcode-needed",
            Self::Connected => "connected",
            Self::MediaInterrupted => "media-interrupted",
            Self::Reconnecting { .. } => "reconnecting",
            Self::ServerRestarting => "server-restarting",
            Self::Offline => "offline",
        }
    }

    /// The sentence of the banner, and seconds to count down when there are any. Nothing when all is well.
    pub(crate) fn sentence(self, now: Moment) -> Option<(Key, Option<u64>)> {
        match self {
            Self::Connecting | Self::Knocking | Self::PasscodeNeeded { .. } | Self::Connected => None,
            Self::MediaInterrupted => Some((Key::MediaInterrupted, None)),
            Self::ServerRestarting => Some((Key::ServerRestarting, None)),
            Self::Offline => Some((Key::Offline, None)),
            Self::Reconnecting { retry_at } => {
                // Rounded up, so that it never says "in 0 seconds".
                let seconds = retry_at.map(|at| at.since(now).as_millis().div_ceil(1000));
                match seconds.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 1) {
                    Some(seconds) => Some((Key::ReconnectingIn, Some(seconds))),
                    None => Some((Key::Reconnecting, None)),
                }
            }
        }
    }
}

fn connection(engine: &Engine) -> Connection {
    let connection = judge(engine.phase(), engine.media_connection(), engine.is_online());
    let is_on_the_way = matches!(connection, Connection::Connecting | Connection::Reconnecting { .. });
    if is_on_the_way && engine.is_server_restarting() { Connection::ServerRestarting } else { connection }
}

/// Browsers call a device without a default route offline, also when it reaches the server well: what
/// flows is believed before what the browser says.
fn judge(phase: Phase, media: MediaConnection, online: bool) -> Connection {
    let is_flowing = media == MediaConnection::Connected;
    match phase {
        Phase::Joined if is_flowing => Connection::Connected,
        Phase::PasscodeNeeded { is_wrong } => Connection::PasscodeNeeded { is_wrong },
        Phase::Knocking if online => Connection::Knocking,
        Phase::Joined | Phase::Knocking | Phase::Connecting { .. } | Phase::Reconnecting { .. }
            if !online =>
        {
            Connection::Offline
        }
        Phase::Connecting { attempt: 0 | 1, .. } => Connection::Connecting,
        Phase::Connecting { retry_at, .. } | Phase::Reconnecting { retry_at, .. } => {
            Connection::Reconnecting { retry_at }
        }
        Phase::Joined | Phase::Knocking | Phase::Ended(_) => match media {
            MediaConnection::Disconnected | MediaConnection::Failed => Connection::MediaInterrupted,
            MediaConnection::New
            | MediaConnection::Connecting
            | MediaConnection::Connected
            | MediaConnection::Closed => Connection::Connected,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_counts_down_and_never_says_zero() {
        let at =
            |milliseconds| Connection::Reconnecting { retry_at: Some(Moment::from_millis(milliseconds)) };
        let now = Moment::from_millis(1000);
        assert_eq!(at(5900).sentence(now), Some((Key::ReconnectingIn, Some(5))));
        assert_eq!(at(2001).sentence(now), Some((Key::ReconnectingIn, Some(2))));
        assert_eq!(at(1500).sentence(now), Some((Key::Reconnecting, None)));
        assert_eq!(at(0).sentence(now), Some((Key::Reconnecting, None)));
        assert_eq!(
            Connection::Reconnecting { retry_at: None }.sentence(now),
            Some((Key::Reconnecting, None))
        );
    }

    #[test]
    fn there_is_no_banner_when_all_is_well() {
        assert_eq!(Connection::Connected.sentence(Moment::START), None);
        assert_eq!(Connection::Connecting.sentence(Moment::START), None);
        assert!(Connection::Offline.sentence(Moment::START).is_some());
        assert!(Connection::MediaInterrupted.sentence(Moment::START).is_some());
    }

    #[test]
    fn a_call_that_works_is_not_called_offline() {
        let connected = MediaConnection::Connected;
        assert_eq!(judge(Phase::Joined, connected, false), Connection::Connected);
        assert_eq!(judge(Phase::Joined, MediaConnection::Disconnected, false), Connection::Offline);
        let lost = Phase::Reconnecting { attempt: 1, retry_at: None };
        assert_eq!(judge(lost, connected, false), Connection::Offline);
    }

    #[test]
    fn the_banner_tells_a_lost_server_from_interrupted_media() {
        let retry_at = Some(Moment::from_millis(500));
        let lost = Phase::Reconnecting { attempt: 2, retry_at };
        assert_eq!(judge(lost, MediaConnection::Connected, true), Connection::Reconnecting { retry_at });
        assert_eq!(judge(Phase::Joined, MediaConnection::Failed, true), Connection::MediaInterrupted);
        assert_eq!(judge(Phase::Joined, MediaConnection::New, true), Connection::Connected);
        let first = Phase::Connecting { attempt: 1, retry_at: None };
        assert_eq!(judge(first, MediaConnection::New, true), Connection::Connecting);
        let second = Phase::Connecting { attempt: 2, retry_at };
        assert_eq!(judge(second, MediaConnection::New, true), Connection::Reconnecting { retry_at });
    }

    #[test]
    fn before_the_room_is_entered_nobody_is_alone() {
        assert!(!CallView::default().is_alone());
    }
}
