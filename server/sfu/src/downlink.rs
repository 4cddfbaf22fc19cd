//! What one peer watches: its slots, and the packets that flow through them.
//!
//! A slot keeps its SSRC for ever; what flows through it is switched by rewriting numbers, at a key frame.

use std::time::{Duration, Instant};

use crate::address::Address;
use crate::allocation::{Allocation, Allocator, Capacity, Demand};
use crate::bandwidth::Algorithm;
use crate::congestion::{Congestion, VOICE_BPS};
use crate::drop_reason::DropReason;
use crate::flexfec::{Protection, Protector};
use crate::redundancy::Redundancy;
use crate::rewrite::{Rewritten, SourcePacket};
use crate::ring::{PacketRing, RingPacket};
use crate::rtcp::TransportFeedback;
use crate::rtp::frame::Numbers;
use crate::rtp::{
    Carried, ExtensionKind, OutgoingHeader, WrittenHeader, abs_send_time, dependency_descriptor, red, rtx,
};
use crate::send_batch::SendBatch;
use crate::srtp::{RTP_OVERHEAD_MAX, Sealer};
use crate::subscription::StreamKey;

mod slot;

use slot::{Gate, Passed};
pub(crate) use slot::{Slot, SlotWant};

/// Packets with the `mid` extension at the start of a slot; the SSRC is in the answer, so it only helps
/// clients that bind by mid first.
const MID_PACKETS: u64 = 200;
/// Most packets waiting for one subscriber; a further one is dropped and counted. What waits long is overwritten in its
/// publisher's ring before that.
const QUEUE_MAX: usize = 8192;

/// A packet that waits to be sent to one slot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queued {
    pub(crate) stream: StreamKey,
    pub(crate) sequence: u16,
    pub(crate) slot: u8,
    pub(crate) kind: QueuedKind,
}

/// Why a packet waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueuedKind {
    /// It just arrived; true when it starts a key frame.
    Media(bool),
    /// Padding that carries nothing: only numbers move.
    Padding,
    /// The client asked for the packet that went out under this number.
    Again(u16),
}

/// What happened when a packet was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It is in the batch.
    Forwarded,
    /// It is in the batch, and the slot now shows another stream.
    Switched,
    /// It is in the batch as a retransmission.
    Retransmitted,
    /// There was nothing to send.
    Nothing,
}

/// Where and with what to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path<'a> {
    pub(crate) to: Address,
    pub(crate) sealer: &'a Sealer,
    /// Time since the Unix epoch, for `abs-send-time`.
    pub(crate) since_unix_epoch: Duration,
}

/// Packets to send, oldest first.
#[derive(Debug, Default)]
struct Queue {
    packets: Vec<Queued>,
    drained: usize,
}

impl Queue {
    #[inline]
    fn next(&mut self) -> Option<Queued> {
        let packet = self.packets.get(self.drained).copied();
        match packet {
            Some(_) => self.drained += 1,
            None => self.clear(),
        }
        packet
    }

    const fn is_empty(&self) -> bool {
        self.drained == self.packets.len()
    }

    /// Adds a packet; returns whether there was room. What has been drained makes room before anything is refused.
    #[inline]
    fn push(&mut self, packet: Queued) -> bool {
        if self.packets.len() >= QUEUE_MAX {
            self.packets.drain(..std::mem::take(&mut self.drained));
            if self.packets.len() >= QUEUE_MAX {
                return false;
            }
        }
        self.packets.push(packet);
        true
    }

    fn clear(&mut self) {
        self.packets.clear();
        self.drained = 0;
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Downlink {
    pub(crate) slots: Vec<Slot>,
    /// Audio and retransmissions: they never wait for the pacer.
    urgent: Queue,
    queue: Queue,
    /// Measured from the client's receiver reports.
    pub(crate) rtt: Option<Duration>,
    /// How much of earlier audio each packet repeats.
    pub(crate) redundancy: Redundancy,
    /// How the video is protected against losses.
    pub(crate) protection: Protection,
    /// The slot whose repair packets are due.
    repair_due: Option<u8>,
    /// What the connection carries, and when packets leave.
    pub(crate) congestion: Congestion,
    /// Shares it among the slots.
    pub(crate) allocator: Allocator,
    /// What the slots show is less than they could: the connection is the limit.
    pub(crate) is_limited: bool,
}

impl Downlink {
    pub(crate) fn new(now: Instant, algorithm: Algorithm) -> Self {
        Self {
            slots: Vec::new(),
            urgent: Queue::default(),
            queue: Queue::default(),
            rtt: None,
            redundancy: Redundancy::default(),
            protection: Protection::default(),
            repair_due: None,
            congestion: Congestion::new(now, algorithm),
            allocator: Allocator::default(),
            is_limited: false,
        }
    }

    /// Adds a packet to send; returns whether there was room.
    #[inline]
    pub(crate) fn enqueue(&mut self, packet: Queued) -> bool {
        let is_audio = self.slots.get(usize::from(packet.slot)).is_some_and(|slot| slot.audio);
        let is_urgent = is_audio || matches!(packet.kind, QueuedKind::Again(_));
        let queue = if is_urgent { &mut self.urgent } else { &mut self.queue };
        queue.push(packet)
    }

    /// Forgets what waits: after a negotiation its slots may be others.
    pub(crate) fn forget_queue(&mut self) {
        self.urgent.clear();
        self.queue.clear();
        self.repair_due = None;
    }

    /// The next packet to send; nothing while the rest has to wait.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Queued> {
        self.urgent.next().or_else(|| if self.congestion.pacer.is_open() { self.queue.next() } else { None })
    }

    /// Whether something has to wait for the pacer, or for the next piece of a probe.
    #[inline]
    pub(crate) const fn is_waiting(&self) -> bool {
        !self.queue.is_empty() || self.repair_due.is_some() || self.congestion.is_probing()
    }

    /// Writes one packet of `ring` into `batch`, in the slot's numbers, sealed.
    ///
    /// # Errors
    /// Why it was not sent.
    #[inline]
    pub(crate) fn send(
        &mut self,
        now: Instant,
        queued: &Queued,
        ring: &PacketRing,
        packet: &RingPacket<'_>,
        path: &Path<'_>,
        batch: &mut SendBatch,
    ) -> Result<Sent, DropReason> {
        let distance = self.redundancy.distance();
        let plan = self.protection.plan();
        let Some(slot) = self.slots.get_mut(usize::from(queued.slot)) else { return Ok(Sent::Nothing) };
        let source =
            SourcePacket { sequence: packet.sequence, timestamp: packet.timestamp, numbers: packet.numbers };
        let Some(payload_type) = slot.payload_for(queued.stream.token).map(|map| map.payload_type) else {
            return Ok(Sent::Nothing);
        };
        let (passed, sent) = match queued.kind {
            QueuedKind::Padding => return Ok(Sent::Nothing),
            QueuedKind::Again(out_sequence) => match slot.rewriter.again(out_sequence, &source) {
                Some(numbers) => {
                    let number = self.congestion.next_number();
                    let Some(bytes) = send_again(slot, number, packet, numbers, path, batch) else {
                        return Ok(Sent::Nothing);
                    };
                    let is_numbered = slot.extensions.id(ExtensionKind::TransportCc).is_some();
                    self.congestion.sent(bytes, is_numbered, true);
                    return Ok(Sent::Retransmitted);
                }
                // It never went out: it was recovered from a loss on the publisher's side. Send it in its place.
                None => (slot.pass(now, queued.stream.token, &source, packet)?, Sent::Forwarded),
            },
            QueuedKind::Media(key_frame) => match slot.gate(queued.stream.token, key_frame) {
                Gate::Ignore => return Ok(Sent::Nothing),
                Gate::Pass => (slot.pass(now, queued.stream.token, &source, packet)?, Sent::Forwarded),
                Gate::Switch => (slot.switch(now, queued.stream.token, &source, packet)?, Sent::Switched),
            },
        };
        let Some(Passed { numbers, ends_picture, is_left_out }) = passed else { return Ok(Sent::Nothing) };
        // A number that cannot be given away any more is used up without content; receivers take it for padding.
        let payload = if is_left_out { &[][..] } else { packet.payload };
        let repeated = slot.repeated(ring, packet, &numbers, distance);
        let red_type = slot.payload.red_payload_type.filter(|_| !repeated.blocks().is_empty());
        let header = OutgoingHeader {
            // A talk spurt starts with the marker (RFC 3551 §4.1): let the jitter buffer adapt after a switch.
            marker: !is_left_out && (packet.marker || ends_picture || (slot.audio && sent == Sent::Switched)),
            padding: false,
            payload_type: red_type.unwrap_or(payload_type),
            sequence: numbers.sequence(),
            timestamp: numbers.timestamp,
            ssrc: slot.ssrcs.ssrc,
            mid: (slot.packets < MID_PACKETS).then_some(slot.mid.as_str()),
            transport_cc: Some(self.congestion.next_number()),
            abs_send_time: Some(abs_send_time(path.since_unix_epoch)),
            carried: if is_left_out { Carried::default() } else { packet.carried },
        };
        let (mut bytes, mut is_numbered) = (0, false);
        let plan = plan.filter(|_| slot.flexfec().is_some());
        let mut is_repair_due = false;
        let ok = batch.push_with(path.to, |space| {
            let written = header.write(&slot.extensions, space).ok()?;
            let header_len = written.len;
            is_numbered = written.transport_cc_at.is_some();
            if red_type.is_some() {
                let payload = space.get_mut(header_len..)?;
                let opus = slot.payload.payload_type;
                let plain_len =
                    header_len + red::write(repeated.blocks(), opus, packet.payload, payload).ok()?;
                space.get(..plain_len + RTP_OVERHEAD_MAX)?;
                bytes = path.sealer.seal_rtp(space, header_len, plain_len, slot.ssrcs.ssrc, numbers.index);
                return Some(bytes);
            }
            let plain_len = header_len + payload.len();
            let out = space.get_mut(header_len..plain_len + RTP_OVERHEAD_MAX)?;
            out[..payload.len()].copy_from_slice(payload);
            if !is_left_out {
                renumber(packet, numbers, written, header_len, space);
            }
            if let Some(plan) = plan {
                let protector =
                    slot.repair.protector.get_or_insert_with(|| Box::new(Protector::new(now, plan)));
                if sent == Sent::Switched {
                    protector.restart();
                }
                let plain = &space[..plain_len];
                is_repair_due = protector.protect(now, plan, numbers.index, plain, &written, header.marker);
            }
            bytes = path.sealer.seal_rtp(space, header_len, plain_len, slot.ssrcs.ssrc, numbers.index);
            Some(bytes)
        });
        if !ok {
            return Err(DropReason::TooLarge);
        }
        if slot.audio {
            batch.mark_audio();
        }
        self.congestion.sent(bytes, is_numbered, true);
        if plan.is_some() {
            self.protection.sent(bytes);
            self.repair_due = is_repair_due.then_some(queued.slot).or(self.repair_due);
        }
        slot.packets += 1;
        slot.octets += payload.len() as u64;
        Ok(sent)
    }

    /// A padding-only packet of a slot's current stream: later numbers close up.
    #[inline]
    pub(crate) fn skip(&mut self, queued: &Queued) {
        if let Some(slot) = self.slots.get_mut(usize::from(queued.slot)) {
            // When the slot shows something else, or the number is known already, there is nothing to close.
            let _ = slot.rewriter.skip(queued.stream.token, queued.sequence);
        }
    }

    /// What to send for a client's request for `sequence` on `ssrc`, at most once a round trip: the slot, the
    /// token of the stream it came from, and the number there.
    pub(crate) fn retransmission(
        &mut self,
        now: Instant,
        ssrc: u32,
        sequence: u16,
    ) -> Option<(u8, u32, u16)> {
        /// Assumed until a receiver report has told.
        const RTT_DEFAULT: Duration = Duration::from_millis(50);
        let rtt = self.rtt.unwrap_or(RTT_DEFAULT);
        let at = self.slots.iter().position(|slot| slot.ssrcs.ssrc == ssrc)?;
        let slot = &mut self.slots[at];
        let (token, source_sequence) = slot.origin(sequence)?;
        slot.responder.allow(sequence, now, rtt).then_some((at as u8, token, source_sequence))
    }

    /// Whether what the slots show is not settled: one waits for a key frame, or for a better connection, or there are
    /// reports to judge.
    pub(crate) fn is_unsettled(&self, now: Instant) -> bool {
        self.is_limited
            || self.congestion.reports.is_due(now)
            || self.slots.iter().any(|slot| slot.pending.is_some() || slot.waits_for_key_picture())
    }

    /// The client reports on a slot: how much of what was sent has arrived.
    pub(crate) fn report(&mut self, now: Instant, ssrc: u32, highest: u32, fraction_lost: u8) {
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.ssrcs.ssrc == ssrc) else { return };
        let (expected, lost) = slot.losses(highest, fraction_lost);
        self.redundancy.report(now, expected, lost);
        self.congestion.reports.report(expected, lost);
    }

    /// What each slot shall show, given what its demands take and what is being sent.
    pub(crate) fn allocate(&mut self, now: Instant, demands: Vec<Demand>, sending_bps: u64) -> Allocation {
        self.congestion.reports.judge(now, sending_bps);
        let voices = self.voices();
        let capacity = self.capacity(now);
        let allocation = self.allocator.allocate(now, demands, capacity);
        self.is_limited = capacity.is_some() && allocation.next_bps.is_some();
        // Without video there is nothing to find out.
        let video_bps = allocation.best_bps.max(allocation.next_bps.unwrap_or_default());
        let voices_bps = if video_bps > 0 { VOICE_BPS * voices as u64 } else { 0 };
        // What protects the video has to be carried too: probes for less would never show enough for a raise.
        self.congestion.want(now, self.protection.around(video_bps) + voices_bps);
        self.congestion.need(self.protection.around(allocation.least_bps) + voices_bps);
        allocation
    }

    /// What may be spent on video; nothing while nothing limits.
    pub(crate) fn capacity(&self, now: Instant) -> Option<Capacity> {
        let Capacity { estimate_bps, proven_bps } = self.congestion.capacity(now, self.voices())?;
        let beside = |bps| self.protection.beside(bps);
        Some(Capacity { estimate_bps: beside(estimate_bps), proven_bps: beside(proven_bps) })
    }

    /// How many slots carry a voice.
    pub(crate) fn voices(&self) -> usize {
        let carries = |slot: &&Slot| slot.audio && slot.current.or(slot.pending).is_some();
        self.slots.iter().filter(carries).count()
    }

    /// What arrived of the last packets on all slots together: sooner than any slot's own report.
    pub(crate) fn transport_feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) {
        let count =
            |(packets, lost): (u64, u64), is_missing: bool| (packets + 1, lost + u64::from(is_missing));
        let missing = feedback.arrivals().map(|arrival| arrival.delta.is_none());
        let (packets, lost) = missing.fold((0, 0), count);
        self.redundancy.report(now, packets, lost);
        let has_arrived = feedback.arrivals().map(|arrival| arrival.delta.is_some());
        self.protection.feedback(now, self.rtt, has_arrived);
        if self.protection.plan().is_none() {
            self.slots.iter_mut().for_each(|slot| slot.repair.protector = None);
            self.repair_due = None;
        }
    }

    /// Writes one repair packet that is due into `batch`, unless it has to wait for the pacer; returns whether it did.
    #[cold]
    pub(crate) fn send_repair(&mut self, path: &Path<'_>, batch: &mut SendBatch) -> bool {
        let Some(slot) = self.repair_due.and_then(|at| self.slots.get_mut(usize::from(at))) else {
            self.repair_due = None;
            return false;
        };
        if let (None, Some(protector)) = (slot.current, &mut slot.repair.protector) {
            protector.restart();
        }
        if !self.congestion.pacer.is_open() {
            return false;
        }
        let sent = repair(slot, self.congestion.next_number(), path, batch);
        if !slot.repair.protector.as_ref().is_some_and(|protector| protector.is_due()) {
            self.repair_due = None;
        }
        let Some(bytes) = sent else { return false };
        self.congestion.sent(bytes, slot.extensions.id(ExtensionKind::TransportCc).is_some(), true);
        self.protection.repaired(bytes);
        true
    }

    /// Whether a repair packet waits to be sent.
    #[inline]
    pub(crate) const fn is_repair_due(&self) -> bool {
        self.repair_due.is_some()
    }

    /// The slot that sends under this SSRC.
    pub(crate) fn slot_of_ssrc(&self, ssrc: u32) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.ssrcs.ssrc == ssrc)
    }

    /// The RTP timestamp of a slot at `now`, for its sender report; `None` before its first packet.
    pub(crate) fn timestamp_at(slot: &Slot, now: Instant) -> Option<u32> {
        let (at, last) = slot.rewriter.last()?;
        let elapsed =
            now.saturating_duration_since(at).as_micros() * u128::from(slot.payload.clock_rate) / 1_000_000;
        Some(last.timestamp.wrapping_add(elapsed as u32))
    }
}

/// Writes the codec's own numbers over those of the publisher, in a packet whose header and payload are written.
#[inline]
fn renumber(
    packet: &RingPacket<'_>,
    to: Rewritten,
    written: WrittenHeader,
    payload_at: usize,
    out: &mut [u8],
) {
    match packet.numbers {
        Numbers::None => {}
        Numbers::Vp8(ids) | Numbers::Vp9(ids) => {
            if let Some(payload) = out.get_mut(payload_at..) {
                ids.write(payload, to.picture_id, to.tl0);
            }
        }
        Numbers::Descriptor(_) => {
            let value = written.dependency_descriptor_at.and_then(|(from, end)| out.get_mut(from..end));
            if let Some(value) = value {
                dependency_descriptor::rewrite(value, to.frame, to.template_shift);
            }
        }
    }
}

/// Sends a packet again under the slot's retransmission SSRC (RFC 4588) and the transport-wide `number`; gives the length
/// of the datagram, or nothing when the slot has no such SSRC or the packet does not fit.
#[cold]
pub(crate) fn send_again(
    slot: &mut Slot,
    number: u16,
    packet: &RingPacket<'_>,
    numbers: Rewritten,
    path: &Path<'_>,
    batch: &mut SendBatch,
) -> Option<usize> {
    let (ssrc, payload_type) = (slot.ssrcs.rtx?, slot.rtx_payload_type()?);
    let index = slot.next_rtx_index();
    let header = OutgoingHeader {
        marker: packet.marker,
        padding: false,
        payload_type,
        sequence: index as u16,
        timestamp: numbers.timestamp,
        ssrc,
        mid: None,
        transport_cc: Some(number),
        abs_send_time: Some(abs_send_time(path.since_unix_epoch)),
        carried: match packet.numbers {
            Numbers::Descriptor(_) => packet.carried,
            Numbers::None | Numbers::Vp8(_) | Numbers::Vp9(_) => Carried::default(),
        },
    };
    let mut total = 0;
    let written = batch.push_with(path.to, |space| {
        let header = header.write(&slot.extensions, space).ok()?;
        let header_len = header.len;
        let wrapped = rtx::wrap(numbers.sequence(), packet.payload, space.get_mut(header_len..)?).ok()?;
        renumber(packet, numbers, header, header_len + rtx::OVERHEAD, space);
        let plain_len = header_len + wrapped;
        space.get(..plain_len + RTP_OVERHEAD_MAX)?;
        total = path.sealer.seal_rtp(space, header_len, plain_len, ssrc, index);
        Some(total)
    });
    written.then_some(total)
}

/// Sends the next repair packet of a slot under the transport-wide `number`; gives the length of the datagram.
fn repair(slot: &mut Slot, number: u16, path: &Path<'_>, batch: &mut SendBatch) -> Option<usize> {
    let (ssrc, payload_type) = slot.flexfec()?;
    let index = slot.repair.index;
    let header = OutgoingHeader {
        marker: false,
        padding: false,
        payload_type,
        sequence: index as u16,
        timestamp: slot.last_sent().map_or(0, |(_, last)| last.timestamp),
        ssrc,
        mid: None,
        transport_cc: Some(number),
        abs_send_time: Some(abs_send_time(path.since_unix_epoch)),
        carried: Carried::default(),
    };
    let protector = slot.repair.protector.as_mut()?;
    let mut total = 0;
    let written = batch.push_with(path.to, |space| {
        let header_len = header.write(&slot.extensions, space).ok()?.len;
        let plain_len = header_len + protector.write(slot.ssrcs.ssrc, space.get_mut(header_len..)?)?;
        space.get(..plain_len + RTP_OVERHEAD_MAX)?;
        total = path.sealer.seal_rtp(space, header_len, plain_len, ssrc, index);
        Some(total)
    });
    slot.repair.index += 1;
    written.then_some(total)
}

#[cfg(test)]
mod tests;
