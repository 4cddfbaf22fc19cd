//! What the page reads after [`crate::Output::Changed`].

use std::time::Duration;

use shared::protocol::{Participant, PauseReason, Speaker, Want};
use shared::{DisplayName, MediaState, PeerId, SourceRef};

use super::Engine;
use crate::error::Problem;
use crate::input::MediaConnection;
use crate::negotiate::{Slot, SlotMedium};
use crate::quality::{Evidence, Quality};
use crate::session::Phase;

impl Engine {
    /// Where the session is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.session.phase()
    }

    /// The own seat, once in the room.
    #[must_use]
    pub const fn me(&self) -> Option<PeerId> {
        self.me
    }

    /// Everybody in the room in order of arrival, the own seat included; the last known state while the
    /// connection is lost.
    #[must_use]
    pub fn participants(&self) -> &[Participant] {
        self.roster.participants()
    }

    /// One of [`Engine::participants`].
    #[must_use]
    pub fn participant(&self, peer: PeerId) -> Option<&Participant> {
        self.roster.participant(peer)
    }

    /// Every negotiated slot that the server reported, with what flows in it.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The slot that this source flows in.
    #[must_use]
    pub fn slot_of(&self, source: SourceRef) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.source == Some(source))
    }

    /// Who is heard, loudest first; empty while the connection is lost.
    #[must_use]
    pub fn speakers(&self) -> &[Speaker] {
        &self.speakers
    }

    /// What the participant publishes, as they want it.
    #[must_use]
    pub const fn media(&self) -> MediaState {
        *self.media.desired()
    }

    /// The own name, as the participant wants it.
    #[must_use]
    pub const fn name(&self) -> &DisplayName {
        self.name.desired()
    }

    /// The media transport's state.
    #[must_use]
    pub const fn media_connection(&self) -> MediaConnection {
        self.negotiation.connection()
    }

    /// How good the own connection is.
    #[must_use]
    pub fn quality(&self) -> Quality {
        let starved =
            |slot: &&Slot| slot.medium == SlotMedium::Video && slot.paused == Some(PauseReason::Bandwidth);
        Quality::judge(Evidence {
            joined: self.session.open_socket().is_some(),
            media: self.negotiation.connection(),
            round_trip: self.session.round_trip(),
            pictures_wanted: self.wants.desired().len(),
            pictures_starved: self.slots.iter().filter(starved).count(),
        })
    }

    /// What the platform says about the network (`navigator.onLine`).
    #[must_use]
    pub const fn is_online(&self) -> bool {
        self.online
    }

    /// The latest thing that the server did not do, since the last welcome.
    #[must_use]
    pub const fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// The signaling round trip, from the latest answered ping.
    #[must_use]
    pub const fn round_trip(&self) -> Option<Duration> {
        self.session.round_trip()
    }

    /// What the negotiated slots should carry.
    #[must_use]
    pub fn wants_desired(&self) -> &[Want] {
        self.wants.desired()
    }

    /// What the server was told that the slots should carry; nothing when it knows nothing. Equals
    /// [`Engine::wants_desired`] once everything is quiet.
    #[must_use]
    pub fn wants_told(&self) -> Option<&[Want]> {
        self.wants.told()
    }

    /// Messages of a known kind that could not be read; for diagnostics.
    #[must_use]
    pub const fn unreadable_messages(&self) -> u32 {
        self.unreadable
    }
}
