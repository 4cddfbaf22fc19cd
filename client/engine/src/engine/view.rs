//! What the page reads after [`crate::Output::Changed`].

use std::collections::VecDeque;
use std::time::Duration;

use shared::meeting::{ChatMessage, Knock, Meeting, Policy};
use shared::protocol::{Chat, Participant, PauseReason, Speaker, Want};
use shared::{DisplayName, MediaState, PeerId, SourceRef};

use super::Engine;
use crate::chat::OwnLine;
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

    /// The meeting beyond its roster. Nothing: the server has not said it yet, or knows of nothing beyond: then there
    /// is no chat, no hand and no host.
    #[must_use]
    pub const fn meeting(&self) -> Option<&Meeting> {
        self.assembly.meeting()
    }

    /// The rules of [`Self::meeting`] as the participant wants them: those that they set, until the server shows or refuses
    /// them. A change of one rule starts from these.
    #[must_use]
    pub fn policy(&self) -> Option<Policy> {
        self.assembly.policy()
    }

    /// Whether [`Self::meeting`] follows in a moment: the server has let the participant in and knows of such things.
    #[must_use]
    pub const fn is_meeting_awaited(&self) -> bool {
        self.assembly.is_awaited()
    }

    /// Who waits to be let in, the longest first. Empty for who is no host.
    #[must_use]
    pub fn knocks(&self) -> &[Knock] {
        self.assembly.knocks()
    }

    /// Whether the own hand is up, as the participant wants it.
    #[must_use]
    pub fn is_hand_raised(&self) -> bool {
        self.assembly.is_hand_raised(self.me)
    }

    /// The lines of the chat, oldest first; own ones once everybody may see them.
    #[must_use]
    pub const fn lines(&self) -> &VecDeque<ChatMessage> {
        self.chat.lines()
    }

    /// The own lines that are not in [`Engine::lines`] yet, in the order they were written.
    #[must_use]
    pub const fn own_lines(&self) -> &VecDeque<OwnLine> {
        self.chat.own()
    }

    /// Counts up whenever [`Engine::lines`] or [`Engine::own_lines`] may be different, so that nobody compares texts.
    #[must_use]
    pub const fn chat_revision(&self) -> u32 {
        self.chat.revision()
    }

    /// The own lines as [`crate::ChatStart`] takes them, for a reload.
    #[must_use]
    pub fn unsent(&self) -> Vec<Chat> {
        let said = |line: &OwnLine| Chat { number: line.number, to: line.to, text: line.text.clone() };
        self.chat.own().iter().map(said).collect()
    }

    /// What the platform says about the network (`navigator.onLine`).
    #[must_use]
    pub const fn is_online(&self) -> bool {
        self.online
    }

    /// Whether the server said that it starts anew, and was not reached since.
    #[must_use]
    pub const fn is_server_restarting(&self) -> bool {
        self.server_restarts
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
