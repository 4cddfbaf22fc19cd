//! What a simulated browser receives: one receiver a slot, and the feedback it sends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use sfu::nack::{Arrival, Generator, Need};
use sfu::rtcp::{ReportBlock, SenderInfo, Writer};
use sfu::rtp::red::Red;
use sfu::rtp::{ExtensionKind, ExtensionMap, Header, KnownExtensions, rtx};
use sfu::srtp::{Opener, ReplayWindow};
use sfu::twcc;
use shared::SourceKind;
use tests::media::{self, Received};

use crate::description::SlotSsrcs;
use crate::publishing::source_kind;
use crate::repair;

/// How long after the packets behind it a lost packet is of use: as long as a browser's jitter buffer holds them back.
const PLAYOUT: Duration = Duration::from_millis(100);

/// The receiver of one slot.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) mid: String,
    pub(crate) audio: bool,
    pub(crate) ssrc: u32,
    /// Payload type of redundant audio.
    red: Option<u8>,
    /// Audio frames by publisher, source and number, with the time when the first copy came.
    pub(crate) frames: BTreeMap<(u16, SourceKind), BTreeMap<u32, Duration>>,
    /// The newest packet and when it came.
    pub(crate) last: Option<(Duration, Received)>,
    /// Packets by publisher and source: how many, and when the last came.
    pub(crate) heard: BTreeMap<(u16, SourceKind), (u64, Duration)>,
    /// Packets of video with the time when they came, where a test wants to know.
    pub(crate) pictures: Option<Vec<(Duration, Received)>>,
    /// Packets that came as retransmissions and were missing.
    pub(crate) recovered: u64,
    /// The longest time between two packets since it was last reset.
    pub(crate) longest_gap: Duration,
    /// Index of the first packet.
    first: Option<u64>,
    /// Packets that came under its own SSRC.
    received: u64,
    /// Highest index and packets at the last report.
    reported: Option<(u64, u64)>,
    replay: ReplayWindow,
    nack: Generator,
    pub(crate) repair: repair::Receiver,
    /// Index of the newest packet.
    newest: Option<u64>,
    /// Packets that have not come, and since when later ones have.
    missing: BTreeMap<u64, Duration>,
    late: u64,
    sender_report: Option<(u32, Duration)>,
}

/// How a lost packet comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Retransmission,
    Repair,
}

/// All receivers of one connection.
#[derive(Debug, Default)]
pub(crate) struct Watching {
    /// By SSRC.
    pub(crate) receivers: BTreeMap<u32, Receiver>,
    /// SSRC of retransmissions or of repair packets: the SSRC that they are for, and which of both they are.
    repairs: BTreeMap<u32, (u32, Means, ReplayWindow)>,
    /// Packets that could not be decrypted or read although their SSRC is known.
    pub(crate) unreadable: u64,
    pub(crate) unknown: u64,
    /// Arrivals for the transport feedback, and the extension that numbers them.
    recorder: Option<twcc::Recorder>,
    extensions: ExtensionMap,
    /// Bytes of all datagrams that were received.
    pub(crate) bytes: u64,
}

impl Watching {
    /// From now on arrivals are told, of packets numbered in the extension `transport_cc`.
    pub(crate) fn tell_arrivals(&mut self, at: Instant, our_ssrc: u32, transport_cc: u8) {
        self.extensions.insert(transport_cc, ExtensionKind::TransportCc).unwrap();
        self.recorder = Some(twcc::Recorder::new(our_ssrc, at));
    }

    /// The next transport feedback, if any.
    pub(crate) fn write_feedback(&mut self, at: Instant, out: &mut [u8]) -> Option<usize> {
        self.recorder.as_mut()?.build(at, 1, out)
    }

    pub(crate) fn add(&mut self, mid: &str, audio: bool, ssrcs: SlotSsrcs, red: Option<u8>) {
        let SlotSsrcs { media: ssrc, rtx, flexfec } = ssrcs;
        if let Some(old) = self.receivers.values().find(|receiver| receiver.mid == mid) {
            assert_eq!(old.ssrc, ssrc, "the SSRC of slot {mid} changed by a negotiation");
            return;
        }
        let receiver = Receiver {
            mid: mid.to_owned(),
            audio,
            ssrc,
            red,
            frames: BTreeMap::new(),
            last: None,
            heard: BTreeMap::new(),
            pictures: None,
            recovered: 0,
            longest_gap: Duration::ZERO,
            first: None,
            received: 0,
            reported: None,
            replay: ReplayWindow::new(),
            nack: Generator::new(),
            repair: repair::Receiver::default(),
            newest: None,
            missing: BTreeMap::new(),
            late: 0,
            sender_report: None,
        };
        self.receivers.insert(ssrc, receiver);
        for (repairing, means) in [(rtx, Means::Retransmission), (flexfec, Means::Repair)] {
            if let Some(repairing) = repairing {
                self.repairs.insert(repairing, (ssrc, means, ReplayWindow::new()));
            }
        }
    }

    pub(crate) fn receive(&mut self, now: Duration, at: Instant, opener: &Opener, datagram: &mut [u8]) {
        let Ok(header) = Header::parse(datagram) else { return };
        let replay = match (self.receivers.get_mut(&header.ssrc), self.repairs.get_mut(&header.ssrc)) {
            (Some(receiver), _) => &mut receiver.replay,
            (None, Some((_, _, replay))) => replay,
            (None, None) => {
                self.unknown += 1;
                return;
            }
        };
        let index = replay.estimate(header.sequence);
        if replay.check(index).is_err() {
            return;
        }
        let Ok(len) = opener.open_rtp(datagram, header.header_len(), header.ssrc, index) else {
            self.unreadable += 1;
            return;
        };
        replay.commit(index);
        self.bytes += datagram.len() as u64;
        let number = KnownExtensions::read(&header, datagram, &self.extensions).transport_cc;
        if let (Some(number), Some(recorder)) = (number, &mut self.recorder) {
            recorder.record(number, at);
        }
        let Ok(payload) = header.payload(&datagram[..len]) else { return };
        if let Some((ssrc, means, _)) = self.repairs.get(&header.ssrc) {
            let receiver = self.receivers.get_mut(ssrc).expect("every repair stream has its media stream");
            match means {
                Means::Retransmission => {
                    let Some((sequence, payload)) = rtx::unwrap(payload) else { return };
                    self.unreadable += u64::from(!receiver.fill(now, at, sequence, payload));
                }
                Means::Repair => {
                    receiver.repair.protect(payload);
                    self.unreadable += receiver.repair_all(now, at);
                }
            }
            return;
        }
        let receiver = self.receivers.get_mut(&header.ssrc).expect("found above");
        receiver.received += 1;
        receiver.arrived(now, index);
        if !receiver.audio {
            receiver.repair.receive(&datagram[..len], &self.extensions);
        }
        receiver.first = Some(receiver.first.map_or(index, |first| first.min(index)));
        receiver.nack.handle(header.sequence, at);
        let is_red = receiver.red == Some(header.payload_type);
        let Some(payload) = (if is_red { receiver.note_repeated(now, payload) } else { Some(payload) })
        else {
            self.unreadable += 1;
            return;
        };
        self.unreadable += u64::from(!receiver.note(now, payload));
    }

    /// Of the audio frames of a source, from the first to the newest that came: how many came, and how many there were.
    pub(crate) fn frames(&self, publisher: u16, kind: SourceKind) -> (usize, usize) {
        let frames = self.receivers.values().filter_map(|receiver| receiver.frames.get(&(publisher, kind)));
        let numbers: BTreeSet<u32> = frames.flat_map(BTreeMap::keys).copied().collect();
        match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) => (numbers.len(), (last - first) as usize + 1),
            _ => (0, 0),
        }
    }

    /// Whether this audio frame came.
    pub(crate) fn has_frame(&self, publisher: u16, kind: SourceKind, number: u32) -> bool {
        let mut frames =
            self.receivers.values().filter_map(|receiver| receiver.frames.get(&(publisher, kind)));
        frames.any(|frames| frames.contains_key(&number))
    }

    pub(crate) fn forget_frames(&mut self) {
        self.receivers.values_mut().for_each(|receiver| receiver.frames.clear());
    }

    pub(crate) fn sender_report(&mut self, now: Duration, info: &SenderInfo) {
        if let Some(receiver) = self.receivers.get_mut(&info.ssrc) {
            receiver.sender_report = Some(((info.ntp >> 16) as u32, now));
        }
    }

    /// Asks for what is missing.
    pub(crate) fn write_requests(&mut self, at: Instant, our_ssrc: u32, writer: &mut Writer<'_>) {
        for receiver in self.receivers.values_mut().filter(|receiver| !receiver.audio) {
            match receiver.nack.poll(at, Duration::from_millis(60)) {
                Need::Nothing => {}
                Need::Packets(sequences) => {
                    let _ = writer.nack(our_ssrc, receiver.ssrc, sequences);
                }
                Need::KeyFrame => {
                    let _ = writer.pli(our_ssrc, receiver.ssrc);
                }
            }
        }
    }

    /// The longest time without a packet on any slot since it was last forgotten.
    pub(crate) fn longest_gap(&self) -> Duration {
        self.receivers.values().map(|receiver| receiver.longest_gap).max().unwrap_or_default()
    }

    pub(crate) fn forget_gaps(&mut self) {
        self.receivers.values_mut().for_each(|receiver| receiver.longest_gap = Duration::ZERO);
    }

    /// Video packets that should have come, from the first to the newest of every slot, and that came.
    pub(crate) fn completeness(&self) -> (u64, u64) {
        let video = self.receivers.values().filter(|receiver| !receiver.audio);
        video.fold((0, 0), |(expected, got), receiver| {
            let newest = receiver.replay.newest().unwrap_or(0);
            let first = receiver.first.unwrap_or(newest + 1);
            let heard: u64 = receiver.heard.values().map(|(count, _)| count).sum();
            (expected + newest + 1 - first, got + heard)
        })
    }

    pub(crate) fn report_blocks(&mut self, now: Duration) -> Vec<ReportBlock> {
        let known = self.receivers.values_mut().filter(|receiver| receiver.last.is_some());
        let blocks = known.map(|receiver| {
            let (last_sender_report, since) = receiver.sender_report.unwrap_or((0, now));
            ReportBlock {
                ssrc: receiver.ssrc,
                fraction_lost: receiver.fraction_lost(),
                cumulative_lost: 0,
                highest_sequence: receiver.replay.newest().unwrap_or(0) as u32,
                jitter: 0,
                last_sender_report,
                delay_since_last: ((now - since).as_micros() * 65536 / 1_000_000) as u32,
            }
        });
        blocks.collect()
    }
}

impl Receiver {
    /// A packet comes back; whether it is intact, or was there already.
    fn fill(&mut self, now: Duration, at: Instant, sequence: u16, payload: &[u8]) -> bool {
        // The last packet before a repair packet comes back before a later one shows that it is missing.
        if matches!(self.nack.handle(sequence, at), Arrival::Known | Arrival::Jump) {
            return true;
        }
        self.recovered += 1;
        if let Some(newest) = self.newest {
            let ahead = sequence.wrapping_sub(newest as u16).cast_signed();
            self.arrived(now, newest.saturating_add_signed(ahead.into()));
        }
        self.note(now, payload)
    }

    /// What repair packets give back; how many of them are damaged.
    fn repair_all(&mut self, now: Duration, at: Instant) -> u64 {
        let mut damaged = 0;
        while let Some(packet) = self.repair.recover(self.ssrc) {
            let is_intact = Header::parse(&packet).is_ok_and(|header| {
                let payload = header.payload(&packet).unwrap_or_default();
                self.fill(now, at, header.sequence, payload)
            });
            damaged += u64::from(!is_intact);
        }
        damaged
    }

    /// Keeps count of what is missing, and for how long.
    fn arrived(&mut self, now: Duration, index: u64) {
        if let Some(since) = self.missing.remove(&index) {
            self.late += u64::from(now - since > PLAYOUT);
        } else if let Some(newest) = self.newest.filter(|newest| *newest < index) {
            self.missing.extend((newest + 1..index).map(|missing| (missing, now)));
        }
        self.newest = Some(self.newest.map_or(index, |newest| newest.max(index)));
    }

    /// Packets that came too late to be shown in time, or not at all.
    pub(crate) fn late(&self, now: Duration) -> u64 {
        self.late + self.missing.values().filter(|since| now - **since > PLAYOUT).count() as u64
    }

    /// Since the last report, in 256ths (RFC 3550 A.3).
    fn fraction_lost(&mut self) -> u8 {
        let highest = self.replay.newest().unwrap_or(0);
        let first = self.first.unwrap_or(highest).saturating_sub(1);
        let (highest_before, received_before) =
            self.reported.replace((highest, self.received)).unwrap_or((first, 0));
        let expected = highest - highest_before;
        let lost = expected.saturating_sub(self.received - received_before);
        (lost * 256).checked_div(expected).map_or(0, |fraction| fraction.min(255) as u8)
    }

    /// Notes what a RED payload repeats and returns what it is about; nothing when it is damaged.
    fn note_repeated<'a>(&mut self, now: Duration, payload: &'a [u8]) -> Option<&'a [u8]> {
        let red = Red::parse(payload).ok()?;
        for block in red.redundant() {
            let label = media::read_opus(block.payload)?.label;
            let frames = self.frames.entry((label.publisher, source_kind(label.source))).or_default();
            frames.entry(label.sequence).or_insert(now);
        }
        Some(red.primary)
    }

    /// Notes a payload; returns whether it is intact.
    fn note(&mut self, now: Duration, payload: &[u8]) -> bool {
        let read = if self.audio { media::read_opus(payload) } else { media::read_vp8(payload) };
        let Some(received) = read else { return false };
        if let Some((before, _)) = self.last {
            self.longest_gap = self.longest_gap.max(now - before);
        }
        self.last = Some((now, received));
        if let (false, Some(pictures)) = (self.audio, &mut self.pictures) {
            pictures.push((now, received));
        }
        let key = (received.label.publisher, source_kind(received.label.source));
        if self.audio {
            self.frames.entry(key).or_default().entry(received.label.sequence).or_insert(now);
        }
        let heard = self.heard.entry(key).or_insert((0, now));
        *heard = (heard.0 + 1, now);
        true
    }
}
