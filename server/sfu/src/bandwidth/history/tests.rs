use proptest::prelude::*;

use super::*;
use crate::rtcp::{self, Packet};
use crate::twcc::Recorder;

/// Sends the packets `sent`, of which those in `lost` do not arrive, and resolves what the receiver says.
fn resolve(sent: std::ops::Range<u32>, lost: &[u32], delay_ms: u64) -> (Instant, Vec<PacketResult>) {
    let start = Instant::now();
    let mut history = SendHistory::new(start);
    let mut recorder = Recorder::new(1, start);
    let at = |number: u32| start + Duration::from_millis(u64::from(number) * 5);
    for number in sent.clone() {
        let stamp = history.stamp(at(number));
        history.record(stamp, number as u16, 1000 + (number % 7) as usize, None);
        if !lost.contains(&number) {
            recorder.record(number as u16, at(number) + Duration::from_millis(delay_ms));
        }
    }
    let now = at(sent.end) + Duration::from_millis(2 * delay_ms);
    let (mut message, mut all, mut results) = (vec![0; 1200], Vec::new(), Vec::new());
    while let Some(len) = recorder.build(now, 1, &mut message) {
        for packet in rtcp::iter(&message[..len]) {
            let Packet::TransportFeedback(feedback) = packet.unwrap() else { panic!("a feedback") };
            history.resolve(now, &feedback, &mut results);
            all.extend(results.iter().copied());
            history.resolve(now, &feedback, &mut results);
            assert_eq!(results, [], "what was said is not said again");
        }
    }
    (start, all)
}

#[test]
fn feedback_finds_what_was_sent_and_when_over_the_wrap_of_the_number() {
    let (start, results) = resolve(65_500..65_600, &[65_536], 40);
    assert_eq!(results.len(), 100);
    for (at, result) in results.iter().enumerate() {
        let number = 65_500 + at as u32;
        assert_eq!(result.number, number as u16);
        assert_eq!(u32::from(result.bytes), 1000 + number % 7);
        let sent = result.sent.duration_since(start);
        assert!(sent.abs_diff(Duration::from_millis(u64::from(number) * 5)) < Duration::from_millis(1));
        assert_eq!(result.received.is_none(), number == 65_536);
    }
    let received: Vec<_> = results.iter().filter_map(|result| result.received).collect();
    let took = *received.last().unwrap() - received[0];
    assert!(took.abs_diff(Duration::from_millis(495)) <= Duration::from_micros(500), "{took:?}");
}

#[test]
fn what_comes_after_it_was_missed_is_told_once_more() {
    let start = Instant::now();
    let mut history = SendHistory::new(start);
    let feedback = |received: bool| {
        let mut recorder = Recorder::new(1, start);
        recorder.record(6, start);
        if received {
            recorder.record(7, start);
        }
        recorder.record(8, start);
        let mut message = vec![0; 200];
        let len = recorder.build(start + Duration::from_secs(1), 1, &mut message).unwrap();
        message.truncate(len);
        message
    };
    for number in 6..9 {
        history.record(0, number, 100, ClusterId::from_bits(3));
    }
    let mut told = Vec::new();
    for message in [feedback(false), feedback(true)] {
        let Packet::TransportFeedback(feedback) = rtcp::iter(&message).next().unwrap().unwrap() else {
            panic!("a feedback")
        };
        let mut results = Vec::new();
        history.resolve(start, &feedback, &mut results);
        told.push(results);
    }
    assert_eq!(told[0].len(), 3);
    assert!(told[0].iter().all(|result| result.cluster == ClusterId::from_bits(3)));
    assert_eq!(told[1].len(), 1);
    assert!(told[1][0].number == 7 && told[1][0].was_missing && told[1][0].received.is_some());
}

#[test]
fn packets_nobody_sent_and_packets_long_ago_are_ignored() {
    let start = Instant::now();
    let mut recorder = Recorder::new(1, start);
    recorder.record(0, start);
    let mut message = vec![0; 100];
    let len = recorder.build(start, 1, &mut message).unwrap();
    let Packet::TransportFeedback(feedback) = rtcp::iter(&message[..len]).next().unwrap().unwrap() else {
        panic!("a feedback")
    };
    let mut history = SendHistory::new(start);
    let mut results = Vec::new();
    history.resolve(start, &feedback, &mut results);
    assert_eq!(results, []);
    history.record(0, 5, 100, None);
    history.resolve(start, &feedback, &mut results);
    assert_eq!(results, [], "the place of packet 0 was never used");
    for number in 0..=PACKETS as u16 {
        history.record(0, number, 100, None);
    }
    history.resolve(start, &feedback, &mut results);
    assert_eq!(results, [], "packet 0 was overwritten");
}

proptest! {
    #[test]
    fn no_feedback_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), sent in 0u16..3000) {
        let start = Instant::now();
        let mut history = SendHistory::new(start);
        for number in 0..sent {
            history.record(0, number, 100, None);
        }
        let mut message = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
        message.extend(&bytes);
        message.resize(message.len().next_multiple_of(4), 0);
        let words = (message.len() / 4 - 1) as u16;
        message[2..4].copy_from_slice(&words.to_be_bytes());
        let mut results = Vec::new();
        for _ in 0..2 {
            for packet in rtcp::iter(&message).flatten() {
                if let Packet::TransportFeedback(feedback) = packet {
                    history.resolve(start, &feedback, &mut results);
                }
            }
        }
    }
}
