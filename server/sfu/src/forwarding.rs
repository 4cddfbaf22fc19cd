//! The packet path: from a publisher's datagram to the subscribers' datagrams, and the RTCP between them.
//!
//! ```text
//! datagram ─▶ Uplink::receive ─▶ ring ─▶ one entry in the queue of each watcher          handle_datagram
//! queue of one subscriber after the other ─▶ Downlink::send ─▶ sealed in the batch       poll_transmit
//! ```
//! Subscriber after subscriber, so that datagrams to one address lie side by side and leave as one GSO message.

use std::time::Instant;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::RngCore as _;
use shared::SourceKind;

use crate::address::Address;
use crate::downlink::{Queued, QueuedKind, Sent};
use crate::drop_reason::DropReason;
use crate::ice::TRANSACTION_LEN;
use crate::pacer::RELEASE_SPACING;
use crate::peer::{self, Peer};
use crate::peer_table::PeerKey;
use crate::redundancy;
use crate::rtcp::{self, Packet};
use crate::send_batch::SendBatch;
use crate::sfu::Sfu;
use crate::subscription::StreamKey;
use crate::uplink::{Arrived, Received};

/// How sending to one subscriber ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// Nothing is left.
    Done,
    /// The batch is full.
    CutShort,
    /// What is left has to wait for its pacer.
    Waiting,
}

/// Most packets that one NACK message can bring back: more is not repair but amplification.
const RETRANSMISSIONS_PER_NACK_MAX: usize = 128;

/// Names a check of ours.
#[cold]
fn transaction(random: &mut ChaCha20Rng) -> [u8; TRANSACTION_LEN] {
    let mut transaction = [0; TRANSACTION_LEN];
    random.fill_bytes(&mut transaction);
    transaction
}

impl Sfu {
    /// One SRTP datagram that would be this peer's. Its keys tell whether it is, and its address only where to send.
    #[inline]
    pub(crate) fn receive_rtp(
        &mut self,
        now: Instant,
        key: PeerKey,
        peer: &mut Peer,
        from: Address,
        datagram: &mut [u8],
    ) -> Result<(), DropReason> {
        let transport = peer.transport.as_mut().ok_or(DropReason::NoKeys)?;
        let opener = transport.opener()?;
        let tag_len = opener.profile().tag_len();
        let received = peer.uplink.receive(now, opener, datagram, &mut self.next_token)?;
        let plain = &datagram[..datagram.len() - tag_len];
        transport.heard(now);
        if !transport.is_validated(from, now) {
            transport.check_path(now, from, transaction(&mut self.random), &mut self.outbox);
        }
        self.statistics.rtp_in += 1;
        match received {
            Received::Media(arrived) => {
                peer.note_arrival(&arrived);
                self.fan_out(now, key, peer, &arrived, plain)
            }
            Received::Padding { stream, sequence } => {
                self.close_gap(key, peer, stream, sequence, plain);
                Ok(())
            }
        }
    }

    /// Padding without media: numbers close up, here and elsewhere.
    #[inline]
    pub(crate) fn close_gap(&mut self, key: PeerKey, peer: &Peer, stream: u8, sequence: u16, plain: &[u8]) {
        let watched = &peer.uplink.streams[usize::from(stream)];
        if !watched.relay.to.is_empty() {
            self.relay_packet(peer, watched, sequence, plain);
        }
        self.enqueue(key, peer, stream, sequence, QueuedKind::Padding);
    }

    #[inline]
    pub(crate) fn fan_out(
        &mut self,
        now: Instant,
        key: PeerKey,
        peer: &Peer,
        arrived: &Arrived,
        plain: &[u8],
    ) -> Result<(), DropReason> {
        let stream = &peer.uplink.streams[usize::from(arrived.stream)];
        if arrived.appeared || arrived.key_frame {
            // A new layer, or one whose size may have changed: the choice of layers may be another now.
            self.mark_dirty(&peer.room);
            self.relay_stream(now, peer, stream);
        }
        if !peer.is_live(stream.kind) {
            return Err(DropReason::Muted);
        }
        if let Some(level) = arrived.level.filter(|_| stream.kind == SourceKind::Microphone)
            && let Some(room) = self.rooms.get_mut(&peer.room)
        {
            if !room.fellows.is_empty() && peer.home.is_none() {
                room.voices.note(peer.id, level);
            }
            self.any_dirty |= room.hear(now, key, level);
        }
        if !stream.relay.to.is_empty() {
            for sequence in redundancy::recovered(arrived.recovered, arrived.sequence) {
                self.relay_packet(peer, stream, sequence, plain);
            }
            self.relay_packet(peer, stream, arrived.sequence, plain);
        }
        for sequence in redundancy::recovered(arrived.recovered, arrived.sequence) {
            self.statistics.recovered += 1;
            self.enqueue(key, peer, arrived.stream, sequence, QueuedKind::Media(false));
        }
        self.enqueue(key, peer, arrived.stream, arrived.sequence, QueuedKind::Media(arrived.key_frame));
        Ok(())
    }

    #[inline]
    fn enqueue(&mut self, key: PeerKey, peer: &Peer, stream: u8, sequence: u16, kind: QueuedKind) {
        let watched = &peer.uplink.streams[usize::from(stream)];
        let stream = StreamKey { peer: key, stream, token: watched.token };
        for watcher in &watched.watchers {
            let Some(subscriber) = self.peers.get_mut(watcher.peer) else { continue };
            if !subscriber.downlink.enqueue(Queued { stream, sequence, slot: watcher.slot, kind }) {
                self.statistics.drop(DropReason::QueueFull);
                continue;
            }
            if !subscriber.is_busy {
                subscriber.is_busy = true;
                self.busy.push(watcher.peer);
            }
        }
    }

    /// Sends what waits for subscribers; returns whether something is left because the batch is full.
    pub(crate) fn transmit_media(&mut self, now: Instant, batch: &mut SendBatch) -> bool {
        while let Some(key) = self.busy.last().copied() {
            let after = self.with_peer(key, |sfu, peer| sfu.transmit_to(now, peer, batch));
            if after == Some(After::CutShort) {
                return true;
            }
            self.busy.pop();
            if after == Some(After::Waiting) {
                // It stays busy until it is released.
                self.paced.push(key);
                self.release_at.get_or_insert(now + RELEASE_SPACING);
            } else if let Some(peer) = self.peers.get_mut(key) {
                peer.is_busy = false;
            }
        }
        false
    }

    #[inline]
    fn transmit_to(&mut self, now: Instant, subscriber: &mut Peer, batch: &mut SendBatch) -> After {
        let since_unix_epoch = self.config.wall_clock.since_unix_epoch(now);
        let Some((downlink, path)) = peer::split(subscriber, since_unix_epoch) else {
            while subscriber.downlink.next().is_some() {
                self.statistics.drop(DropReason::NoPath);
            }
            return After::Done;
        };
        downlink.congestion.begin(now);
        let mut has_switched = false;
        let is_cut_short = loop {
            if batch.is_full() {
                break true;
            }
            if downlink.is_repair_due() && downlink.send_repair(&path, batch) {
                self.statistics.repairs += 1;
                continue;
            }
            let Some(queued) = downlink.next() else { break false };
            if queued.kind == QueuedKind::Padding {
                downlink.skip(&queued);
                continue;
            }
            let publisher = self.peers.get(queued.stream.peer);
            let stream = publisher.and_then(|publisher| publisher.uplink.stream(queued.stream));
            let found = stream.and_then(|stream| Some((&stream.ring, stream.ring.get(queued.sequence)?)));
            let sent = match found {
                Some((ring, packet)) => downlink.send(now, &queued, ring, &packet, &path, batch),
                None => Err(DropReason::Overwritten),
            };
            match sent {
                Ok(Sent::Forwarded) => self.statistics.forwarded += 1,
                Ok(Sent::Switched) => {
                    self.statistics.forwarded += 1;
                    has_switched = true;
                }
                Ok(Sent::Retransmitted) => self.statistics.retransmitted += 1,
                Ok(Sent::Nothing) => {}
                Err(reason) => self.statistics.drop(reason),
            }
        };
        downlink.congestion.end(now);
        if has_switched {
            self.mark_dirty(&subscriber.room);
        }
        if is_cut_short
            || subscriber.downlink.congestion.is_probing() && self.transmit_probe(now, subscriber, batch)
        {
            return After::CutShort;
        }
        if subscriber.downlink.is_waiting() { After::Waiting } else { After::Done }
    }

    /// Lets go what the pacers held back, and the next piece of every probe.
    pub(crate) fn release_paced(&mut self, now: Instant) {
        if self.release_at.is_some_and(|at| at <= now) {
            self.release_at = None;
            self.busy.append(&mut self.paced);
        }
    }

    pub(crate) fn receive_rtcp(
        &mut self,
        now: Instant,
        key: PeerKey,
        peer: &mut Peer,
        from: Address,
        datagram: &mut [u8],
    ) -> Result<(), DropReason> {
        let transport = peer.transport.as_mut().ok_or(DropReason::NoKeys)?;
        let opener = transport.opener()?;
        let len = opener.open_rtcp(datagram).map_err(|error| match error {
            crate::srtp::SrtpError::Replayed { .. } | crate::srtp::SrtpError::TooOld { .. } => {
                DropReason::Replay
            }
            crate::srtp::SrtpError::TooShort { .. }
            | crate::srtp::SrtpError::Authentication
            | crate::srtp::SrtpError::NotEncrypted
            | crate::srtp::SrtpError::IndicesExhausted
            | crate::srtp::SrtpError::KeyingMaterial { .. } => DropReason::Authentication,
        })?;
        transport.heard(now);
        if !transport.is_validated(from, now) {
            transport.check_path(now, from, transaction(&mut self.random), &mut self.outbox);
        }
        let mut malformed = false;
        for packet in rtcp::iter(&datagram[..len]) {
            match packet {
                Ok(packet) => self.handle_rtcp(now, key, peer, &packet),
                Err(_) => malformed = true,
            }
        }
        if malformed { Err(DropReason::MalformedRtcp) } else { Ok(()) }
    }

    fn handle_rtcp(&mut self, now: Instant, key: PeerKey, peer: &mut Peer, packet: &Packet<'_>) {
        let since_unix_epoch = self.config.wall_clock.since_unix_epoch(now);
        match packet {
            Packet::SenderReport(report) => {
                peer.uplink.sender_report(report.info.ssrc, report.info.ntp, now);
                report.blocks().for_each(|block| peer.report_block(now, &block, since_unix_epoch));
            }
            Packet::ReceiverReport(report) => {
                report.blocks().for_each(|block| peer.report_block(now, &block, since_unix_epoch));
            }
            Packet::Nack(nack) => {
                for sequence in nack.sequences().take(RETRANSMISSIONS_PER_NACK_MAX) {
                    self.retransmit(now, key, peer, nack.media_ssrc, sequence);
                }
            }
            Packet::Pli(pli) => self.key_frame_for(peer, pli.media_ssrc),
            Packet::Fir(fir) => fir.entries().for_each(|entry| self.key_frame_for(peer, entry.ssrc)),
            Packet::TransportFeedback(feedback) => self.transport_feedback(now, peer, feedback),
            // The receiver's own estimate is what a sender without feedback would need; goodbyes are settled by signaling.
            Packet::SourceDescription(_) | Packet::Goodbye(_) | Packet::Remb(_) | Packet::Other { .. } => {}
        }
    }

    fn transport_feedback(&mut self, now: Instant, peer: &mut Peer, feedback: &rtcp::TransportFeedback<'_>) {
        let downlink = &mut peer.downlink;
        downlink.transport_feedback(now, feedback);
        if !downlink.congestion.feedback(now, feedback) {
            return;
        }
        // What does not fit any more goes at once, not at the next review.
        let capacity = downlink.capacity(now);
        if capacity.is_some_and(|capacity| capacity.estimate_bps < downlink.allocator.held_bps()) {
            self.mark_dirty(&peer.room);
        }
    }

    fn retransmit(&mut self, now: Instant, key: PeerKey, peer: &mut Peer, ssrc: u32, sequence: u16) {
        let Some((slot, token, source_sequence)) = peer.downlink.retransmission(now, ssrc, sequence) else {
            return;
        };
        // Only of what is still shown: after a switch the key frame has made older packets useless.
        let current = peer.downlink.slots[usize::from(slot)].current;
        let Some(feed) = current.filter(|feed| feed.stream.token == token) else { return };
        let kind = QueuedKind::Again(sequence);
        let queued = Queued { stream: feed.stream, sequence: source_sequence, slot, kind };
        if !peer.downlink.enqueue(queued) {
            self.statistics.drop(DropReason::QueueFull);
        } else if !peer.is_busy {
            peer.is_busy = true;
            self.busy.push(key);
        }
    }

    fn key_frame_for(&mut self, subscriber: &Peer, ssrc: u32) {
        let Some(feed) =
            subscriber.downlink.slot_of_ssrc(ssrc).and_then(|slot| slot.pending.or(slot.current))
        else {
            return;
        };
        let Some(publisher) = self.peers.get_mut(feed.stream.peer) else { return };
        if let Some(mid) = publisher.uplink.stream(feed.stream).map(|stream| stream.mid) {
            publisher.uplink.ask_key_frame(mid);
        }
    }
}
