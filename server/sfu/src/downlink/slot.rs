//! One receiving m-line of a viewer: what it shall show, what flows in it, and its numbers.

use std::time::Instant;

use shared::SourceRef;

use crate::drop_reason::DropReason;
use crate::flexfec::Protector;
use crate::layer_filter::{LayerFilter, Verdict};
use crate::nack::Responder;
use crate::redundancy::Repeated;
use crate::rewrite::{Media, Refused, Rewriter, Rewritten, Skip, SourcePacket};
use crate::ring::{PacketRing, RingPacket};
use crate::rtp::frame::Layers;
use crate::rtp::identifier::Mid;
use crate::rtp::{ExtensionKind, ExtensionMap};
use crate::sdp::{Codec, PayloadMap, SlotSsrcs};
use crate::subscription::Feed;

/// One receiving m-line of the client.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) mid: Mid,
    pub(crate) audio: bool,
    pub(crate) ssrcs: SlotSsrcs,
    pub(crate) payload: PayloadMap,
    /// Every codec that the viewer accepted.
    pub(crate) payloads: Vec<PayloadMap>,
    pub(crate) extensions: ExtensionMap,
    /// What the client asked for.
    pub(crate) want: Option<SlotWant>,
    /// What flows.
    pub(crate) current: Option<Feed>,
    /// What shall flow from its next key frame on.
    pub(crate) pending: Option<Feed>,
    /// Nothing flows because the connection does not carry it.
    pub(crate) is_starved: bool,
    /// What it shall show is sent in a codec that the viewer did not accept.
    pub(crate) is_unreadable: bool,
    /// Nothing flows because the server has too much to do.
    pub(crate) is_shed: bool,
    pub(crate) packets: u64,
    pub(crate) octets: u64,
    /// How things stood at the client's last report.
    reported: Option<Reported>,
    pub(super) filter: LayerFilter,
    pub(super) rewriter: Rewriter,
    pub(super) responder: Responder,
    /// SRTP index of the next retransmission.
    pub(super) rtx_index: u64,
    pub(crate) repair: Repair,
}

/// What a slot needs for its repair packets.
#[derive(Debug, Default)]
pub(crate) struct Repair {
    pub(crate) payload_type: Option<u8>,
    /// SRTP index of the next one; never given twice.
    pub(super) index: u64,
    /// There while the slot is protected.
    pub(super) protector: Option<Box<Protector>>,
}

/// What a client wants to see in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotWant {
    pub(crate) source: SourceRef,
    /// Height of the tile in pixels.
    pub(crate) max_height: u16,
    /// Larger wins.
    pub(crate) priority: u8,
}

/// What a report and the slot said at the same time.
#[derive(Debug, Clone, Copy)]
struct Reported {
    /// The client's highest sequence number.
    highest: u32,
    /// The slot's newest index, and the packets that were sent until then.
    index: u64,
    packets: u64,
}

/// What a packet is to a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    Pass,
    Switch,
    Ignore,
}

impl Slot {
    pub(crate) fn new(now: Instant, mid: Mid, audio: bool, ssrcs: SlotSsrcs, random: [u8; 8]) -> Self {
        let [s0, s1, t0, t1, t2, t3, r0, r1] = random;
        let media = if audio { Media::AUDIO } else { Media::VIDEO };
        Self {
            mid,
            audio,
            ssrcs,
            payload: PayloadMap {
                codec: if audio { Codec::Opus } else { Codec::Vp8 },
                payload_type: 0,
                rtx_payload_type: None,
                red_payload_type: None,
                clock_rate: media.clock_hz,
            },
            payloads: Vec::new(),
            extensions: ExtensionMap::new(),
            want: None,
            current: None,
            pending: None,
            is_starved: false,
            is_unreadable: false,
            is_shed: false,
            packets: 0,
            octets: 0,
            reported: None,
            filter: LayerFilter::default(),
            rewriter: Rewriter::new(
                media,
                u16::from_be_bytes([s0, s1]),
                u32::from_be_bytes([t0, t1, t2, t3]),
            ),
            responder: Responder::new(now),
            rtx_index: u64::from(u16::from_be_bytes([r0, r1]) & 0x7fff),
            repair: Repair::default(),
        }
    }

    #[inline]
    pub(super) fn gate(&self, token: u32, key_frame: bool) -> Gate {
        if self.pending.is_some_and(|feed| feed.stream.token == token) && (self.audio || key_frame) {
            return Gate::Switch;
        }
        if self.current.is_some_and(|feed| feed.stream.token == token) {
            return Gate::Pass;
        }
        Gate::Ignore
    }

    /// What an audio packet repeats of those before it.
    #[inline]
    pub(super) fn repeated<'a>(
        &self,
        ring: &'a PacketRing,
        packet: &RingPacket<'_>,
        numbers: &Rewritten,
        distance: usize,
    ) -> Repeated<'a> {
        if distance == 0 || self.payload.red_payload_type.is_none() {
            return Repeated::default();
        }
        Repeated::gather(&self.rewriter, ring, numbers, packet, distance, self.payload.payload_type)
    }

    /// How many packets were sent since the last report, and how many of them were lost on the way to the client. It counts by
    /// numbers, and numbers keep the gaps that losses on the publisher's way here left: those are not its line's.
    pub(super) fn losses(&mut self, highest: u32, fraction_lost: u8) -> (u64, u64) {
        let index = self.rewriter.last().map_or(0, |(_, numbers)| numbers.index);
        let now = Reported { highest, index, packets: self.packets };
        let Some(before) = self.reported.replace(now) else { return (0, 0) };
        // A report that goes backwards comes from a client that started anew.
        let numbers = u64::from(highest.saturating_sub(before.highest));
        let missing = numbers * u64::from(fraction_lost) / 256;
        let sent = now.packets - before.packets;
        let never_sent = index.saturating_sub(before.index).saturating_sub(sent);
        (numbers.saturating_sub(never_sent), missing.saturating_sub(never_sent))
    }

    /// SRTP index for a packet on the retransmission stream; never given twice.
    pub(crate) const fn next_rtx_index(&mut self) -> u64 {
        let index = self.rtx_index;
        self.rtx_index += 1;
        index
    }

    /// The newest packet's numbers, and when it was sent.
    pub(crate) fn last_sent(&self) -> Option<(Instant, Rewritten)> {
        self.rewriter.last()
    }

    /// The numbers under which a packet went out, to be sent again.
    pub(crate) fn again(&self, out_sequence: u16, packet: &RingPacket<'_>) -> Option<Rewritten> {
        let source =
            SourcePacket { sequence: packet.sequence, timestamp: packet.timestamp, numbers: packet.numbers };
        self.rewriter.again(out_sequence, &source)
    }

    /// The payload type of retransmissions: that of the codec that is shown, else of any.
    pub(crate) fn rtx_payload_type(&self) -> Option<u8> {
        match self.current {
            Some(feed) => self.payload_of(feed.codec)?.rtx_payload_type,
            None => self.payloads.iter().find_map(|map| map.rtx_payload_type),
        }
    }

    /// How packets of a stream are sent, when it is in a codec that the viewer accepted.
    #[inline]
    pub(super) fn payload_for(&self, token: u32) -> Option<&PayloadMap> {
        let shown =
            [self.current, self.pending].into_iter().flatten().find(|feed| feed.stream.token == token)?;
        self.payload_of(shown.codec)
    }

    /// How packets of this codec are sent.
    #[inline]
    pub(crate) fn payload_of(&self, codec: Codec) -> Option<&PayloadMap> {
        self.payloads.iter().find(|map| map.codec == codec)
    }

    /// Whether the receiver can decode several sizes in one stream of this codec. Those of AV1 are told by the dependency
    /// descriptor alone, which browsers do not offer unasked: without it a decoder stalls on the second size.
    pub(crate) fn tells_sizes_apart(&self, codec: Codec) -> bool {
        codec != Codec::Av1 || self.extensions.id(ExtensionKind::DependencyDescriptor).is_some()
    }

    /// Whether more of what it shows could be passed on after a key picture.
    pub(crate) fn waits_for_key_picture(&self) -> bool {
        self.current.is_some_and(|feed| !self.audio && feed.layers.spatial > self.filter.layers().spatial)
    }

    /// Begins to show what is pending, with the first packet of a key picture.
    pub(super) fn switch(
        &mut self,
        now: Instant,
        token: u32,
        source: &SourcePacket,
        packet: &RingPacket<'_>,
    ) -> Result<Option<Passed>, DropReason> {
        self.current = self.pending.take();
        let layers = self.current.map_or(Layers::ALL, |feed| feed.layers);
        self.filter.begin(packet.timestamp, layers);
        // Away and back between two packets of a voice: nothing is missing, so nothing shall show.
        let numbers = if self.audio && self.rewriter.follows(token, source.sequence) {
            self.rewriter.forward(now, token, source).map_err(|_| DropReason::Superseded)?
        } else {
            self.rewriter.switch(now, token, source)
        };
        let ends_picture = packet.frame.ends && packet.frame.layers.spatial == layers.spatial;
        Ok(Some(Passed { numbers, ends_picture, is_left_out: false }))
    }

    /// Numbers a packet of what is shown, or leaves it out with its layer.
    #[inline]
    pub(super) fn pass(
        &mut self,
        now: Instant,
        token: u32,
        source: &SourcePacket,
        packet: &RingPacket<'_>,
    ) -> Result<Option<Passed>, DropReason> {
        let target = self.current.map_or(Layers::ALL, |feed| feed.layers);
        let forward = |rewriter: &mut Rewriter| {
            rewriter.forward(now, token, source).map_err(|_: Refused| DropReason::Superseded)
        };
        match self.filter.judge(packet.timestamp, packet.frame, target) {
            Verdict::Pass { ends_picture } => {
                Ok(Some(Passed { numbers: forward(&mut self.rewriter)?, ends_picture, is_left_out: false }))
            }
            Verdict::Leave => match self.rewriter.skip_picture(token, source) {
                Ok(Skip::Hole(_)) => Ok(Some(Passed {
                    numbers: forward(&mut self.rewriter)?,
                    ends_picture: false,
                    is_left_out: true,
                })),
                Ok(Skip::Compacted) | Err(_) => Ok(None),
            },
        }
    }

    /// The SSRC and the payload type of repair packets, when the viewer takes any.
    #[inline]
    pub(super) fn flexfec(&self) -> Option<(u32, u8)> {
        self.ssrcs.flexfec.zip(self.repair.payload_type)
    }

    /// Where the outgoing packet came from, for its retransmission.
    pub(crate) fn origin(&self, sequence: u16) -> Option<(u32, u16)> {
        self.rewriter.source_of(sequence).map(|origin| (origin.source, origin.sequence))
    }
}

/// A packet with its new numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed {
    pub(super) numbers: Rewritten,
    /// It is the last of its picture that is passed on.
    pub(super) ends_picture: bool,
    /// Only its number is used up.
    pub(super) is_left_out: bool,
}
