//! How good the connection is, and which picture heights are worth telling apart.

use std::time::Duration;

use shared::limits::WANT_HEIGHT_MAX;

use crate::input::MediaConnection;

/// How good the participant's own connection is, for the indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// Signaling or media are not connected.
    Lost,
    /// Most wanted pictures do not fit the bandwidth, or the round trip takes over `ROUND_TRIP_POOR`.
    Poor,
    /// Some wanted pictures do not fit, or the round trip takes over `ROUND_TRIP_FAIR`.
    Fair,
    /// All is well.
    Good,
}

/// What [`Quality`] is judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evidence {
    pub(crate) joined: bool,
    pub(crate) media: MediaConnection,
    pub(crate) round_trip: Option<Duration>,
    pub(crate) pictures_wanted: usize,
    /// Of those, paused for lack of bandwidth.
    pub(crate) pictures_starved: usize,
}

impl Quality {
    pub(crate) fn judge(evidence: Evidence) -> Self {
        if !evidence.joined || evidence.media != MediaConnection::Connected {
            return Self::Lost;
        }
        let round_trip = evidence.round_trip.unwrap_or_default();
        if round_trip > ROUND_TRIP_POOR || evidence.pictures_starved * 2 > evidence.pictures_wanted {
            Self::Poor
        } else if round_trip > ROUND_TRIP_FAIR || evidence.pictures_starved > 0 {
            Self::Fair
        } else {
            Self::Good
        }
    }
}

/// The height to ask for: rounded up to a step, so that dragging a window does not send a want for every
/// pixel. 0 stays 0.
pub(crate) fn height_step(height: u16) -> u16 {
    if height == 0 {
        return 0;
    }
    HEIGHT_STEPS.into_iter().find(|step| *step >= height).unwrap_or(WANT_HEIGHT_MAX)
}

/// ITU-T G.114: beyond 400 ms one way a conversation breaks down; the round trip is twice that.
pub(crate) const ROUND_TRIP_POOR: Duration = Duration::from_millis(800);
/// ITU-T G.114: up to 150 ms one way is fine; the round trip is twice that.
pub(crate) const ROUND_TRIP_FAIR: Duration = Duration::from_millis(300);
/// The heights of simulcast layers of 720p and 1080p cameras, and of screens.
const HEIGHT_STEPS: [u16; 10] = [90, 180, 270, 360, 540, 720, 1080, 1440, 2160, WANT_HEIGHT_MAX];
