use super::*;
use crate::rewrite::{Media, SourcePacket};
use crate::ring::Config;
use crate::rtp::red;
use proptest::prelude::*;

const OPUS: u8 = 111;

fn packet(sequence: u16, payload: &[u8]) -> RingPacket<'_> {
    RingPacket {
        sequence,
        timestamp: u32::from(sequence) * 960,
        marker: false,
        payload_type: OPUS,
        frame: crate::rtp::frame::Frame::default(),
        numbers: crate::rtp::frame::Numbers::None,
        carried: Carried::default(),
        payload,
    }
}

fn payload(sequence: u16) -> Vec<u8> {
    vec![sequence as u8; 5 + usize::from(sequence % 7)]
}

/// A RED payload of packet `sequence` that repeats the `distance` before it.
fn red_payload(sequence: u16, distance: u16) -> Vec<u8> {
    let earlier: Vec<(u16, Vec<u8>)> =
        (1..=distance).rev().map(|back| (back * 960, payload(sequence.wrapping_sub(back)))).collect();
    let blocks: Vec<Block<'_>> = earlier
        .iter()
        .map(|(offset, payload)| Block { payload_type: OPUS, timestamp_offset: *offset, payload })
        .collect();
    let mut out = vec![0; 300];
    let len = red::write(&blocks, OPUS, &payload(sequence), &mut out).unwrap();
    out.truncate(len);
    out
}

struct Uplink {
    now: Instant,
    ring: PacketRing,
    onset: Onset,
}

impl Uplink {
    fn new() -> Self {
        Self { now: Instant::now(), ring: PacketRing::new(Config::AUDIO), onset: Onset::default() }
    }

    /// One RED packet arrives; returns what became known by it, in order.
    fn receive(&mut self, sequence: u16, distance: u16) -> Vec<u16> {
        let bytes = red_payload(sequence, distance);
        let red = Red::parse(&bytes).unwrap();
        let timestamp = u32::from(sequence) * 960;
        let mask = recover(self.now, &mut self.ring, &self.onset, &red, sequence, timestamp);
        let mut got: Vec<u16> = recovered(mask, sequence).collect();
        if self.ring.push(self.now, &packet(sequence, red.primary)) == Push::Stored {
            self.onset.note(sequence, true);
            got.push(sequence);
        }
        got
    }
}

#[test]
fn a_gap_is_filled_in_order_from_the_next_packet() {
    let mut uplink = Uplink::new();
    assert_eq!(uplink.receive(10, 2), [10], "what was before the first packet is not wanted");
    assert_eq!(uplink.receive(13, 2), [11, 12, 13]);
    assert_eq!(uplink.receive(14, 2), [14]);
    assert_eq!(uplink.receive(17, 1), [16, 17], "15 lies too far back");
    let stored = uplink.ring.get(12).unwrap();
    assert_eq!((stored.timestamp, stored.payload), (12 * 960, &payload(12)[..]));
}

#[test]
fn a_packet_that_is_only_late_is_a_duplicate_after_it_was_recovered() {
    let mut uplink = Uplink::new();
    uplink.receive(1, 1);
    assert_eq!(uplink.receive(3, 1), [2, 3]);
    assert_eq!(uplink.receive(2, 1), [] as [u16; 0]);
}

#[test]
fn a_block_whose_age_contradicts_its_place_is_left_alone() {
    let mut uplink = Uplink::new();
    uplink.receive(10, 0);
    let block = Block { payload_type: OPUS, timestamp_offset: 1920, payload: b"old" };
    let mut out = [0; 40];
    let len = red::write(&[block], OPUS, b"new", &mut out).unwrap();
    let red = Red::parse(&out[..len]).unwrap();
    assert_eq!(recover(uplink.now, &mut uplink.ring, &uplink.onset, &red, 12, 12 * 960), 0);
}

#[test]
fn what_was_sent_while_muted_is_not_recovered() {
    let mut uplink = Uplink::new();
    uplink.receive(1, 1);
    uplink.onset.mute();
    assert_eq!(uplink.receive(3, 1), [3], "2 may have been said while muted");
    assert_eq!(uplink.receive(5, 1), [4, 5]);
}

#[test]
fn packets_repeat_what_went_out_before_them_and_nothing_else() {
    let now = Instant::now();
    let mut ring = PacketRing::new(Config::AUDIO);
    let mut rewriter = Rewriter::new(Media::AUDIO, 100, 0);
    let bytes: Vec<Vec<u8>> = (0..20).map(payload).collect();
    let source = |sequence: u16| SourcePacket {
        sequence,
        timestamp: u32::from(sequence) * 960,
        numbers: crate::rtp::frame::Numbers::None,
    };
    let mut repeated = Vec::new();
    for sequence in (0..20u16).filter(|sequence| *sequence != 9) {
        let packet = packet(sequence, &bytes[usize::from(sequence)]);
        ring.push(now, &packet);
        // 0 to 3 do not go out, 4 is the first.
        let numbers = match sequence {
            0..4 => continue,
            4 => rewriter.switch(now, 1, &source(sequence)),
            _ => rewriter.forward(now, 1, &source(sequence)).unwrap(),
        };
        let found = Repeated::gather(&rewriter, &ring, &numbers, &packet, 2, OPUS);
        repeated.push((
            sequence,
            found.blocks().iter().map(|block| block.timestamp_offset / 960).collect::<Vec<_>>(),
        ));
    }
    let of = |sequence: u16| repeated.iter().find(|(of, _)| *of == sequence).map(|(_, blocks)| &blocks[..]);
    assert_eq!(of(4), Some(&[][..]), "nothing went out before it");
    assert_eq!(of(5), Some(&[1][..]));
    assert_eq!(of(6), Some(&[2, 1][..]), "oldest first");
    assert_eq!(of(10), Some(&[][..]), "9 was lost");
    assert_eq!(of(11), Some(&[1][..]));
}

#[test]
fn audio_that_is_too_old_or_too_long_is_not_repeated() {
    let now = Instant::now();
    let mut ring = PacketRing::new(Config::AUDIO);
    let mut rewriter = Rewriter::new(Media::AUDIO, 100, 0);
    let long = [1; 400];
    let mut sent = Vec::new();
    for (sequence, timestamp) in [(0, 0), (1, 960), (2, 1920), (3, 1920 + 16_384)] {
        let packet = RingPacket { timestamp, ..packet(sequence, &long) };
        ring.push(now, &packet);
        let source = SourcePacket { sequence, timestamp, numbers: crate::rtp::frame::Numbers::None };
        let numbers = match sequence {
            0 => rewriter.switch(now, 1, &source),
            _ => rewriter.forward(now, 1, &source).unwrap(),
        };
        sent.push(Repeated::gather(&rewriter, &ring, &numbers, &packet, 2, OPUS).blocks().len());
    }
    assert_eq!(sent, [0, 1, 1, 0], "two of 400 bytes are too long, and 341 ms are too old");
}

/// The distance after each report of this many percent, half a second apart.
fn distances(losses: &[u64]) -> Vec<usize> {
    let start = Instant::now();
    let mut redundancy = Redundancy::default();
    let mut told = Vec::new();
    for (at, loss) in losses.iter().enumerate() {
        redundancy.report(start + SPACING * at as u32, 100, *loss);
        told.push(redundancy.distance());
    }
    told
}

#[test]
fn redundancy_follows_the_loss_up_at_once_and_down_slowly() {
    assert_eq!(distances(&[0, 1, 2, 12, 9, 9]), [0, 0, 1, 2, 2, 2]);
    let after = distances(&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert!(after[..6].iter().all(|distance| *distance == 2), "{after:?}");
    assert!(after.is_sorted_by(|before, next| before >= next), "{after:?}");
    assert_eq!(after.last(), Some(&0));
}

#[test]
fn a_loss_around_the_threshold_does_not_switch_back_and_forth() {
    let losses: Vec<u64> = (0..60).map(|at| [9, 11][at % 2]).collect();
    let told = distances(&losses);
    assert!(told[1..].iter().all(|distance| *distance == 2), "{told:?}");
}

#[test]
fn a_handful_of_packets_is_no_reason() {
    let mut redundancy = Redundancy::default();
    redundancy.report(Instant::now(), 19, 19);
    assert_eq!(redundancy.distance(), 0);
}

proptest! {
    #[test]
    fn whatever_is_lost_or_late_every_packet_comes_once_and_recovered_ones_before_the_next(
        fates in proptest::collection::vec((0u8..4, 0usize..4), 1..80),
        first: u16,
        distance in 0u16..4,
    ) {
        let mut arriving: Vec<(usize, usize)> = fates
            .iter()
            .enumerate()
            .filter(|(at, (fate, _))| *at == 0 || *fate > 0)
            .map(|(at, (_, late))| (if at == 0 { 0 } else { at + late }, at))
            .collect();
        arriving.sort_unstable();
        let mut uplink = Uplink::new();
        let mut seen = std::collections::BTreeSet::new();
        for (_, at) in arriving {
            let got = uplink.receive(first.wrapping_add(at as u16), distance);
            for sequence in got {
                let place = sequence.wrapping_sub(first);
                prop_assert!(usize::from(place) < fates.len() && seen.insert(place), "{} twice or out of range", place);
                let stored = uplink.ring.get(sequence).unwrap();
                prop_assert_eq!(stored.payload, &payload(sequence)[..]);
            }
        }
    }
}
