//! What those who lead a room, or the operator, ask of it: carried out here, decided elsewhere.

use std::time::Instant;

use shared::{MediaState, PeerId, RoomId, SourceKind};

use crate::command::Control;
use crate::event::{CloseReason, Notice, SeatChange};
use crate::membership::Departure;
use crate::peer_table::PeerKey;
use crate::sfu::Sfu;

impl Sfu {
    /// One request about somebody whose home is here, or about a room.
    pub fn handle_control(&mut self, now: Instant, control: Control) {
        match control {
            Control::Allow { peer, allowed } => self.allow(peer, allowed),
            Control::Mute { peer, kind } => self.mute(peer, kind),
            Control::Remove { peer } => self.send_out(peer),
            Control::End { room } => self.end(&room),
        }
        self.settle(now);
    }

    fn allow(&mut self, peer: PeerId, allowed: MediaState) {
        let Some(key) = self.own(peer) else { return };
        let Some(peer) = self.peers.get_mut(key) else { return };
        let before = peer.live();
        peer.set_allowed(allowed);
        self.tell_live(key, before);
    }

    fn mute(&mut self, peer: PeerId, kind: SourceKind) {
        let Some(key) = self.own(peer) else { return };
        let Some(peer) = self.peers.get(key) else { return };
        let mut media = peer.live();
        match kind {
            SourceKind::Microphone => media.microphone = false,
            SourceKind::Camera => media.camera = false,
            SourceKind::Screen | SourceKind::ScreenAudio => media.screen = false,
        }
        self.set_media(key, media);
    }

    fn send_out(&mut self, peer: PeerId) {
        self.reservations.forget(peer);
        let Some(key) = self.own(peer) else { return };
        self.close(key, CloseReason::Removed);
        self.remove_peer(key, Departure::Removed);
    }

    /// Nobody is told who goes: everybody does.
    fn end(&mut self, id: &RoomId) {
        self.reservations.forget_room(id);
        let Some(room) = self.rooms.get(id) else { return };
        for key in room.members.clone() {
            let Some(peer) = self.peers.get(key).filter(|peer| peer.home.is_none()) else { continue };
            let given_up = SeatChange::GivenUp { room: id.clone(), peer: peer.id, back_until: None };
            self.seat_changes.push_back(given_up);
            self.close(key, CloseReason::Ended);
            self.take_out(key, Departure::Removed);
        }
    }

    fn close(&mut self, key: PeerKey, reason: CloseReason) {
        if let Some(connection) = self.peers.get(key).and_then(|peer| peer.connection) {
            self.tell(connection, Notice::Closed(reason));
        }
    }

    /// The key of a member whose home is here.
    fn own(&self, peer: PeerId) -> Option<PeerKey> {
        let key = self.seats.get(&peer).copied()?;
        self.peers.get(key)?.home.is_none().then_some(key)
    }
}

#[cfg(test)]
#[path = "control_tests.rs"]
mod tests;
