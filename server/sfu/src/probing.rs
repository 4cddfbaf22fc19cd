//! What probe clusters are made of: packets that went out lately, once more, and padding, both on the retransmission
//! streams of slots. Browsers count them in their feedback and otherwise ignore them.

use std::time::Instant;

use crate::downlink::{Downlink, Path, Slot, send_again};
use crate::peer::{self, Peer};
use crate::rtp::{Carried, ExtensionKind, OutgoingHeader, abs_send_time, padding};
use crate::send_batch::SendBatch;
use crate::sfu::Sfu;
use crate::srtp::RTP_OVERHEAD_MAX;
use crate::subscription::StreamKey;

/// The longest padding (RFC 3550 §5.1: its count is one byte).
const PADDING_BYTES: u8 = 255;
/// A packet shorter than the padding is worth no repetition.
const REPEATED_BYTES_MIN: usize = 255;
/// How many of the last packets are repeated, one after the other.
const REPEATED: u16 = 16;

/// A packet that can be repeated: where it came from and under which number it went out.
struct Repeatable {
    stream: StreamKey,
    sequence: u16,
    out_sequence: u16,
}

impl Slot {
    /// Whether the client takes retransmissions of this slot, and counts them.
    fn can_probe(&self) -> bool {
        self.ssrcs.rtx.is_some()
            && self.rtx_payload_type().is_some()
            && self.extensions.id(ExtensionKind::TransportCc).is_some()
    }

    fn repeatable(&self, back: u16) -> Option<Repeatable> {
        let feed = self.current?;
        let (_, last) = self.last_sent()?;
        let out_sequence = last.sequence().wrapping_sub(back % REPEATED);
        let (token, sequence) = self.origin(out_sequence)?;
        (token == feed.stream.token).then_some(Repeatable { stream: feed.stream, sequence, out_sequence })
    }
}

impl Downlink {
    /// Whether there is a stream that probes can use.
    pub(crate) fn can_probe(&self) -> bool {
        self.slots.iter().any(Slot::can_probe)
    }

    /// The slot for the next packet of a probe: one that shows something, else any.
    fn probe_slot(&self) -> Option<usize> {
        let shows = |slot: &Slot| slot.can_probe() && slot.current.is_some();
        self.slots.iter().position(shows).or_else(|| self.slots.iter().position(Slot::can_probe))
    }
}

impl Sfu {
    /// Fills up what the cluster being sent lacks now; returns whether the batch was too full for it.
    #[cold]
    pub(crate) fn transmit_probe(
        &mut self,
        now: Instant,
        subscriber: &mut Peer,
        batch: &mut SendBatch,
    ) -> bool {
        let since_unix_epoch = self.config.wall_clock.since_unix_epoch(now);
        let Some((downlink, path)) = peer::split(subscriber, since_unix_epoch) else { return false };
        let mut back = 0;
        let mut lacks = downlink.congestion.probe_lacks(now);
        while lacks > 0 {
            if batch.is_full() {
                return true;
            }
            let Some(at) = downlink.probe_slot() else {
                downlink.congestion.give_up_probe();
                return false;
            };
            let repeatable = downlink.slots[at].repeatable(back).filter(|_| lacks >= REPEATED_BYTES_MIN);
            back += 1;
            let packet = repeatable.as_ref().and_then(|repeatable| {
                let publisher = self.peers.get(repeatable.stream.peer)?;
                publisher.uplink.stream(repeatable.stream)?.ring.get(repeatable.sequence)
            });
            let packet = packet.filter(|packet| packet.payload.len() >= REPEATED_BYTES_MIN);
            let Downlink { slots, congestion, .. } = &mut *downlink;
            let slot = &mut slots[at];
            let numbers = packet
                .as_ref()
                .zip(repeatable)
                .and_then(|(packet, repeatable)| slot.again(repeatable.out_sequence, packet));
            let bytes = match packet.as_ref().zip(numbers) {
                Some((packet, numbers)) => {
                    send_again(slot, congestion.next_number(), packet, numbers, &path, batch)
                }
                None => send_padding(slot, congestion.next_number(), &path, batch),
            };
            let Some(bytes) = bytes else {
                congestion.give_up_probe();
                return false;
            };
            congestion.sent(bytes, true, false);
            self.statistics.probes += 1;
            lacks = lacks.saturating_sub(bytes);
        }
        false
    }
}

/// A padding-only packet on the slot's retransmission stream; gives its length.
fn send_padding(slot: &mut Slot, number: u16, path: &Path<'_>, batch: &mut SendBatch) -> Option<usize> {
    let (ssrc, payload_type) = (slot.ssrcs.rtx?, slot.rtx_payload_type()?);
    let index = slot.next_rtx_index();
    let header = OutgoingHeader {
        marker: false,
        padding: true,
        payload_type,
        sequence: index as u16,
        timestamp: slot.last_sent().map_or(0, |(_, last)| last.timestamp),
        ssrc,
        mid: None,
        transport_cc: Some(number),
        abs_send_time: Some(abs_send_time(path.since_unix_epoch)),
        carried: Carried::default(),
    };
    let mut total = 0;
    let written = batch.push_with(path.to, |space| {
        let header_len = header.write(&slot.extensions, space).ok()?.len;
        let plain_len = header_len + padding::write(PADDING_BYTES, space.get_mut(header_len..)?).ok()?;
        space.get(..plain_len + RTP_OVERHEAD_MAX)?;
        total = path.sealer.seal_rtp(space, header_len, plain_len, ssrc, index);
        Some(total)
    });
    written.then_some(total)
}
