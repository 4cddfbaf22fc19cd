use super::*;
use crate::rtp::{Carried, ExtensionKind, ExtensionMap, Header, OutgoingHeader};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const SSRC: u32 = 0x1122_3344;

fn extensions() -> ExtensionMap {
    let mut map = ExtensionMap::new();
    map.insert(3, ExtensionKind::TransportCc).unwrap();
    map.insert(5, ExtensionKind::AbsSendTime).unwrap();
    map.insert(7, ExtensionKind::Mid).unwrap();
    map
}

/// A packet as it goes out, and the same with what changes on the way set to `stamp`.
fn packet(index: u64, payload: &[u8], stamp: u16) -> (Vec<u8>, WrittenHeader) {
    let header = OutgoingHeader {
        marker: index.is_multiple_of(3),
        padding: false,
        payload_type: 96,
        sequence: index as u16,
        timestamp: index as u32 / 2 * 3000,
        ssrc: SSRC,
        mid: index.is_multiple_of(2).then_some("4"),
        transport_cc: Some(stamp),
        abs_send_time: Some(u32::from(stamp) << 4),
        carried: Carried::default(),
    };
    let mut bytes = vec![0; 100];
    let written = header.write(&extensions(), &mut bytes).unwrap();
    bytes.truncate(written.len);
    bytes.extend_from_slice(payload);
    (bytes, written)
}

/// A repair packet, read as section 4.2 of the draft lays it out.
struct Repair<'a> {
    protects: Vec<u16>,
    ssrc: u32,
    base: [u8; 8],
    rest: &'a [u8],
}

fn bits(bytes: &[u8]) -> impl Iterator<Item = bool> + '_ {
    bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1))
}

fn read(bytes: &[u8]) -> Repair<'_> {
    assert_eq!(bytes[0] & 0xc0, 0, "neither a retransmission nor a fixed mask");
    assert_eq!(bytes[8..12], [1, 0, 0, 0], "one protected SSRC, and reserved zeros");
    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let (mut protects, mut at, mut offset) = (Vec::new(), 18, 0);
    for len in [2, 4, 8] {
        let mut piece = bits(&bytes[at..at + len]);
        let is_last = piece.next().unwrap();
        for is_protected in piece {
            if is_protected {
                protects.push(word(16).wrapping_add(offset));
            }
            offset += 1;
        }
        at += len;
        if is_last {
            break;
        }
    }
    let ssrc = u32::from_be_bytes(bytes[12..16].try_into().unwrap());
    Repair { protects, ssrc, base: bytes[..8].try_into().unwrap(), rest: &bytes[at..] }
}

/// The missing packet (section 6.3.2 of the draft), from the others with their changing values zeroed.
fn recover(repair: &Repair<'_>, received: &BTreeMap<u16, Vec<u8>>) -> Option<(u16, Vec<u8>)> {
    let missing: Vec<u16> =
        repair.protects.iter().copied().filter(|sequence| !received.contains_key(sequence)).collect();
    let [missing] = missing[..] else { return None };
    let (mut base, mut rest) = (repair.base, repair.rest.to_vec());
    for packet in repair.protects.iter().filter_map(|sequence| received.get(sequence)) {
        let length = (packet.len() as u16 - 12).to_be_bytes();
        let their = [packet[0], packet[1], length[0], length[1], packet[4], packet[5], packet[6], packet[7]];
        base.iter_mut().zip(their).for_each(|(ours, their)| *ours ^= their);
        rest.iter_mut().zip(&packet[12..]).for_each(|(ours, their)| *ours ^= their);
    }
    rest.truncate(usize::from(u16::from_be_bytes([base[2], base[3]])));
    let mut packet = vec![base[0] & 0x3f | 0x80, base[1]];
    packet.extend_from_slice(&missing.to_be_bytes());
    packet.extend_from_slice(&base[4..]);
    packet.extend_from_slice(&repair.ssrc.to_be_bytes());
    packet.extend_from_slice(&rest);
    Some((missing, packet))
}

const fn plan(packets: usize, interleave: usize) -> Plan {
    Plan { packets, interleave, wait: Duration::from_millis(80) }
}

/// All repair packets that are due.
fn drain(protector: &mut Protector) -> Vec<Vec<u8>> {
    let mut repairs = Vec::new();
    while protector.is_due() {
        let mut out = vec![0; 1500];
        let len = protector.write(SSRC, &mut out).unwrap();
        out.truncate(len);
        repairs.push(out);
    }
    repairs
}

/// Sends payloads, one every millisecond; gives the packets with zeros for what changes, and the repairs.
fn send(plan: Plan, first: u64, payloads: &[Vec<u8>]) -> (BTreeMap<u16, Vec<u8>>, Vec<Vec<u8>>) {
    let start = Instant::now();
    let mut protector = Box::new(Protector::new(start, plan));
    let (mut sent, mut repairs) = (BTreeMap::new(), Vec::new());
    for (index, payload) in (first..).zip(payloads) {
        let now = start + Duration::from_millis(index - first);
        let (bytes, written) = packet(index, payload, index as u16 ^ 0x5a5a);
        sent.insert(index as u16, packet(index, payload, 0).0);
        if protector.protect(now, plan, index, &bytes, &written, false) {
            repairs.append(&mut drain(&mut protector));
        }
    }
    (sent, repairs)
}

fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..150)
}

proptest! {
    #[test]
    fn any_one_lost_packet_of_a_mask_is_recovered_byte_for_byte(
        payloads in payloads(),
        packets in 1usize..=12,
        interleave in 1usize..=INTERLEAVE_MAX,
        first in 0u64..100_000,
    ) {
        let (sent, repairs) = send(plan(packets, interleave), first, &payloads);
        let whole = payloads.len() / (packets * interleave);
        prop_assert_eq!(repairs.len(), whole * interleave);
        let mut protected = 0;
        for repair in &repairs {
            let repair = read(repair);
            prop_assert_eq!(repair.ssrc, SSRC);
            prop_assert_eq!(repair.protects.len(), packets);
            protected += packets;
            for lost in &repair.protects {
                let mut received = sent.clone();
                let original = received.remove(lost).unwrap();
                prop_assert_eq!(recover(&repair, &received), Some((*lost, original)));
            }
        }
        prop_assert_eq!(protected, whole * packets * interleave);
    }

    #[test]
    fn a_burst_no_longer_than_the_interleave_is_recovered_whole(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 48..=48),
        interleave in 1usize..=INTERLEAVE_MAX,
        from in 0u16..44,
    ) {
        let (sent, repairs) = send(plan(4, interleave), 65_500, &payloads);
        let mut received = sent.clone();
        let lost = (0..interleave as u16).map(|n| 65_500u16.wrapping_add(from + n));
        lost.for_each(|sequence| drop(received.remove(&sequence)));
        for repair in &repairs {
            if let Some((sequence, packet)) = recover(&read(repair), &received) {
                received.insert(sequence, packet);
            }
        }
        prop_assert_eq!(received, sent);
    }
}

#[test]
fn the_mask_takes_one_two_or_three_pieces() {
    // Numbers left out between two packets, and where the repaired bytes begin.
    for (gap, header_len) in [(13, 20), (14, 24), (44, 24), (45, 32), (107, 32)] {
        let start = Instant::now();
        let mut protector = Protector::new(start, plan(2, 1));
        for index in [100, 101 + gap] {
            let (bytes, written) = packet(index, b"payload", 9);
            protector.protect(start, plan(2, 1), index, &bytes, &written, false);
        }
        let [repair] = &drain(&mut protector)[..] else { panic!("one repair packet") };
        assert_eq!(read(repair).protects, [100, 101 + gap as u16]);
        let longest = packet(100, b"payload", 9).0.len() - FIXED_LEN;
        assert_eq!(repair.len(), header_len + longest);
    }
}

#[test]
fn the_header_is_that_of_the_draft() {
    let start = Instant::now();
    let mut protector = Protector::new(start, plan(1, 1));
    let (bytes, written) = packet(0x0102, &[7; 5], 9);
    assert!(protector.protect(start, plan(1, 1), 0x0102, &bytes, &written, false));
    let [repair] = &drain(&mut protector)[..] else { panic!("one repair packet") };
    let header = Header::parse(&bytes).unwrap();
    assert_eq!(repair[0], 0x10, "R, F, P and CC are 0, X is 1");
    assert_eq!(repair[1], 0x80 | 96, "marker and payload type");
    assert_eq!(usize::from(u16::from_be_bytes([repair[2], repair[3]])), bytes.len() - FIXED_LEN);
    assert_eq!(repair[4..8], header.timestamp.to_be_bytes());
    assert_eq!(repair[8..12], [1, 0, 0, 0]);
    assert_eq!(repair[12..16], SSRC.to_be_bytes());
    assert_eq!(repair[16..18], [1, 2]);
    assert_eq!(repair[18..20], [0xc0, 0], "the last piece, and its first packet");
    assert_eq!(repair[20..], packet(0x0102, &[7; 5], 0).0[FIXED_LEN..]);
}

#[test]
fn a_repair_is_sent_at_the_end_of_a_picture_once_it_is_old() {
    let start = Instant::now();
    let mut protector = Protector::new(start, plan(12, 2));
    let mut sent = 0;
    let mut send = |ms: u64, ends_picture| {
        sent += 1;
        let (bytes, written) = packet(sent, b"x", 0);
        let now = start + Duration::from_millis(ms);
        protector.protect(now, plan(12, 2), sent, &bytes, &written, ends_picture);
        drain(&mut protector).iter().map(|repair| read(repair).protects).collect::<Vec<_>>()
    };
    assert!(send(0, true).is_empty(), "too early");
    assert!(send(79, true).is_empty(), "too early");
    assert!(send(80, false).is_empty(), "within a picture");
    assert_eq!(send(90, true), [[1, 3], [2, 4]]);
    assert!(send(100, true).is_empty(), "it starts anew");
    assert_eq!(send(200, true), [[5], [6]], "two masks of one packet each");
}

#[test]
fn nothing_of_before_a_restart_is_repaired_after_it() {
    let start = Instant::now();
    let mut protector = Protector::new(start, plan(2, 2));
    let protect = |protector: &mut Protector, index: u64| {
        let (bytes, written) = packet(index, &[index as u8; 9], 0);
        protector.protect(start, plan(2, 2), index, &bytes, &written, false)
    };
    assert!(!(1..=3).any(|index| protect(&mut protector, index)));
    protector.restart();
    assert!(!(4..=6).any(|index| protect(&mut protector, index)));
    assert!(protect(&mut protector, 7));
    let repairs = drain(&mut protector);
    assert_eq!(repairs.iter().map(|repair| read(repair).protects).collect::<Vec<_>>(), [[4, 6], [5, 7]]);
    let received = BTreeMap::from([(6, packet(6, &[6; 9], 0).0)]);
    assert_eq!(recover(&read(&repairs[0]), &received), Some((4, packet(4, &[4; 9], 0).0)));
    assert!(!(8..=11).all(|index| protect(&mut protector, index)));
    protector.restart();
    assert!(!protector.is_due());
}

#[test]
fn what_is_late_too_long_or_too_far_away_is_left_out() {
    let start = Instant::now();
    let mut protector = Protector::new(start, plan(2, 1));
    let mut protect = |index: u64, payload: &[u8]| {
        let (bytes, written) = packet(index, payload, 0);
        protector.protect(start, plan(2, 1), index, &bytes, &written, false);
        drain(&mut protector).iter().map(|repair| read(repair).protects).collect::<Vec<_>>()
    };
    assert!(protect(10, b"a").is_empty());
    assert!(protect(9, b"late").is_empty());
    assert!(protect(11, &[0; 1400]).is_empty());
    assert!(protect(10 + SPAN_MAX, b"far away").is_empty());
    assert_eq!(protect(10 + SPAN_MAX + 1, b"b"), Vec::<Vec<u16>>::new());
}

/// A viewer's connection, and the time.
struct Line {
    protection: Protection,
    now: Instant,
}

impl Line {
    fn new() -> Self {
        Self { protection: Protection::default(), now: Instant::now() }
    }

    /// One packet in `every` is lost, in runs of `run`, for so many seconds; what is planned then.
    fn lose(&mut self, rtt_ms: u64, every: usize, run: usize, seconds: u64) -> Option<Plan> {
        for _ in 0..seconds {
            self.now += Duration::from_secs(1);
            let has_arrived = (0..200).map(|packet| packet % (every * run) >= run);
            self.protection.feedback(self.now, Some(Duration::from_millis(rtt_ms)), has_arrived);
        }
        self.protection.plan()
    }
}

#[test]
fn protection_begins_with_loss_and_a_long_round_trip_and_ends_without_either() {
    for (rtt_ms, every) in [(250, 200), (60, 10)] {
        assert_eq!(Line::new().lose(rtt_ms, every, 1, 20), None);
    }
    for (rtt_ms, every) in [(250, 1000), (60, 20)] {
        let mut line = Line::new();
        let plan = line.lose(250, 20, 1, 20).unwrap();
        assert_eq!((plan.packets, plan.interleave), (5, 1));
        assert_eq!(line.protection.beside(1_200_000), 1_000_000, "what it takes is kept free");
        assert_eq!(line.lose(rtt_ms, every, 1, 20), None);
        assert_eq!(line.protection.beside(1_200_000), 1_200_000);
    }
}

#[test]
fn more_loss_means_more_repair_and_bursts_mean_interleaving() {
    for (every, run, packets, interleave) in [(50, 1, 12, 1), (10, 1, 2, 1), (10, 3, 2, 3), (5, 8, 2, 4)] {
        let plan = Line::new().lose(200, every, run, 30).unwrap();
        assert_eq!((plan.packets, plan.interleave), (packets, interleave), "1 in {every}, runs of {run}");
        assert_eq!(plan.wait, Duration::from_millis(200) / 3);
        let plan = Line::new().lose(400, every, run, 30).unwrap();
        assert_eq!(plan.wait, Duration::from_millis(80));
    }
}

#[test]
fn what_repair_really_takes_is_kept_free() {
    let mut line = Line::new();
    line.lose(250, 20, 1, 20).unwrap();
    line.protection.sent(1000);
    line.protection.repaired(500);
    line.lose(250, 20, 1, 1).unwrap();
    assert_eq!(line.protection.beside(1_500_000), 1_000_000);
}
