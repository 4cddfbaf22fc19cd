//! Round trips with the reference stack in both directions, and refusals.

use super::*;
use proptest::prelude::*;
use rtc::rtcp::packet::{marshal, unmarshal};
use rtc::rtcp::payload_feedbacks::full_intra_request::{FirEntry as TheirFirEntry, FullIntraRequest};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtc::rtcp::receiver_report::ReceiverReport as TheirReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport as TheirSenderReport;
use rtc::rtcp::source_description::{SdesType, SourceDescription as TheirSourceDescription};
use rtc::rtcp::source_description::{SourceDescriptionChunk, SourceDescriptionItem};
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{
    TransportLayerNack, nack_pairs_from_sequence_numbers,
};

const BLOCK: ReportBlock = ReportBlock {
    ssrc: 9,
    fraction_lost: 64,
    cumulative_lost: 12345,
    highest_sequence: 0x0001_ffff,
    jitter: 77,
    last_sender_report: 0xaabb_ccdd,
    delay_since_last: 65536,
};
const INFO: SenderInfo = SenderInfo {
    ssrc: 5,
    ntp: 0x0102_0304_0506_0708,
    rtp_timestamp: 90_000,
    packet_count: 3,
    octet_count: 4000,
};

fn their_block() -> ReceptionReport {
    ReceptionReport {
        ssrc: 9,
        fraction_lost: 64,
        total_lost: 12345,
        last_sequence_number: 0x0001_ffff,
        jitter: 77,
        last_sender_report: 0xaabb_ccdd,
        delay: 65536,
    }
}

fn theirs() -> Vec<Box<dyn rtc::rtcp::Packet>> {
    let item = SourceDescriptionItem { sdes_type: SdesType::SdesCname, text: "visavis".into() };
    let sender = TheirSenderReport {
        ssrc: 5,
        ntp_time: INFO.ntp,
        rtp_time: 90_000,
        packet_count: 3,
        octet_count: 4000,
        reports: vec![their_block()],
        ..Default::default()
    };
    let sequences = [10, 11, 26, 27, 65530];
    let fir =
        vec![TheirFirEntry { ssrc: 8, sequence_number: 3 }, TheirFirEntry { ssrc: 9, sequence_number: 4 }];
    vec![
        Box::new(sender),
        Box::new(TheirReceiverReport { ssrc: 6, reports: vec![their_block(); 2], ..Default::default() }),
        Box::new(TheirSourceDescription {
            chunks: vec![SourceDescriptionChunk { source: 5, items: vec![item] }],
        }),
        Box::new(TransportLayerNack {
            sender_ssrc: 1,
            media_ssrc: 2,
            nacks: nack_pairs_from_sequence_numbers(&sequences),
        }),
        Box::new(PictureLossIndication { sender_ssrc: 1, media_ssrc: 2 }),
        Box::new(FullIntraRequest { sender_ssrc: 1, media_ssrc: 0, fir }),
        Box::new(rtc::rtcp::goodbye::Goodbye { sources: vec![5, 6], ..Default::default() }),
    ]
}

fn ours(out: &mut [u8]) -> usize {
    let mut writer = Writer::new(out);
    writer.sender_report(&INFO, &[BLOCK]).unwrap();
    writer.receiver_report(6, &[BLOCK; 2]).unwrap();
    writer.source_description(5, "visavis").unwrap();
    writer.nack(1, 2, &[10, 11, 26, 27, 65530]).unwrap();
    writer.pli(1, 2).unwrap();
    writer.fir(1, &[FirEntry { ssrc: 8, command: 3 }, FirEntry { ssrc: 9, command: 4 }]).unwrap();
    writer.goodbye(&[5, 6]).unwrap();
    writer.len()
}

/// What [`theirs`] and [`ours`] say.
fn check(compound: &[u8]) {
    let packets: Vec<_> = iter(compound).map(Result::unwrap).collect();
    let [
        Packet::SenderReport(sender),
        Packet::ReceiverReport(receiver),
        Packet::SourceDescription(description),
        Packet::Nack(nack),
        Packet::Pli(pli),
        Packet::Fir(fir),
        Packet::Goodbye(goodbye),
    ] = &packets[..]
    else {
        panic!("{packets:?}");
    };
    assert_eq!((sender.info, sender.blocks().collect::<Vec<_>>()), (INFO, vec![BLOCK]));
    assert_eq!((receiver.sender_ssrc, receiver.blocks().collect::<Vec<_>>()), (6, vec![BLOCK; 2]));
    assert_eq!(description.cnames().collect::<Vec<_>>(), [(5, &b"visavis"[..])]);
    assert_eq!((nack.sender_ssrc, nack.media_ssrc), (1, 2));
    assert_eq!(nack.sequences().collect::<Vec<_>>(), [10, 11, 26, 27, 65530]);
    assert_eq!(*pli, Pli { sender_ssrc: 1, media_ssrc: 2 });
    let entries = [FirEntry { ssrc: 8, command: 3 }, FirEntry { ssrc: 9, command: 4 }];
    assert_eq!((fir.sender_ssrc, fir.entries().collect::<Vec<_>>()), (1, entries.to_vec()));
    assert_eq!(goodbye.sources().collect::<Vec<_>>(), [5, 6]);
}

#[test]
fn a_compound_of_the_reference_stack_is_read() {
    check(&marshal(&theirs()).unwrap());
}

#[test]
fn our_compound_is_read_by_us_and_equals_that_of_the_reference_stack() {
    let mut out = [0; 512];
    let len = ours(&mut out);
    check(&out[..len]);
    let read = unmarshal(&mut &out[..len]).unwrap();
    assert_eq!(read.len(), 7);
    for (ours, theirs) in read.iter().zip(theirs()) {
        assert!(ours.equal(theirs.as_ref()), "{ours:?} {theirs:?}");
    }
}

#[test]
fn remb_is_read_and_other_application_feedback_passes_by() {
    let remb = ReceiverEstimatedMaximumBitrate { sender_ssrc: 1, bitrate: 2_500_000.0, ssrcs: vec![7, 8] };
    let bytes = marshal(&[Box::new(remb)]).unwrap();
    let Some(Ok(Packet::Remb(remb))) = iter(&bytes).next() else { panic!("no REMB") };
    assert!((2_490_000..=2_500_000).contains(&remb.bitrate_bps), "{}", remb.bitrate_bps);
    assert_eq!(remb.ssrcs().collect::<Vec<_>>(), [7, 8]);
    let other = [0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, b'G', b'O', b'O', b'G'];
    let packets: Vec<_> = iter(&other).collect();
    assert_eq!(packets, [Ok(Packet::Other { packet_type: 206, format: 15 })]);
    let loud = [0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, b'R', b'E', b'M', b'B', 0, 0xff, 0xff, 0xff];
    let Some(Ok(Packet::Remb(remb))) = iter(&loud).next() else { panic!("no REMB") };
    assert_eq!(remb.bitrate_bps, u64::MAX);
}

#[test]
fn negative_losses_keep_their_sign_and_are_clamped_to_24_bits() {
    for (written, read) in [(-1, -1), (-9_000_000, -0x80_0000), (9_000_000, 0x7f_ffff)] {
        let mut out = [0; 64];
        let mut writer = Writer::new(&mut out);
        writer.receiver_report(1, &[ReportBlock { cumulative_lost: written, ..BLOCK }]).unwrap();
        let Some(Ok(Packet::ReceiverReport(report))) = iter(writer.as_bytes()).next() else {
            panic!("no RR")
        };
        assert_eq!(report.blocks().next().map(|block| block.cumulative_lost), Some(read));
    }
}

#[test]
fn a_nack_reaches_sixteen_packets_per_entry() {
    let sequences: Vec<u16> = (0..40).map(|step| 65530u16.wrapping_add(step)).collect();
    let mut out = [0; 64];
    let mut writer = Writer::new(&mut out);
    writer.nack(1, 2, &sequences).unwrap();
    assert_eq!(writer.len(), 12 + 3 * 4);
    let Some(Ok(Packet::Nack(nack))) = iter(writer.as_bytes()).next() else { panic!("no NACK") };
    assert_eq!(nack.sequences().collect::<Vec<_>>(), sequences);
}

#[test]
fn what_does_not_fit_leaves_the_compound_as_it_was() {
    let mut out = [0; 39];
    let mut writer = Writer::new(&mut out);
    writer.pli(1, 2).unwrap();
    assert_eq!(writer.sender_report(&INFO, &[]), Err(RtcpError::NoSpace));
    assert_eq!(writer.goodbye(&[0; 32]), Err(RtcpError::NoSpace));
    assert_eq!(writer.source_description(1, &"x".repeat(256)), Err(RtcpError::NoSpace));
    assert_eq!(writer.nack(1, 2, &[]), Ok(()));
    assert_eq!(
        iter(writer.as_bytes()).collect::<Vec<_>>(),
        [Ok(Packet::Pli(Pli { sender_ssrc: 1, media_ssrc: 2 }))]
    );
}

#[test]
fn cnames_of_every_length_stay_aligned() {
    for len in 0..=16 {
        let name = "n".repeat(len);
        let mut out = [0; 64];
        let mut writer = Writer::new(&mut out);
        writer.source_description(3, &name).unwrap();
        writer.pli(1, 2).unwrap();
        let mut packets = iter(writer.as_bytes());
        let Some(Ok(Packet::SourceDescription(description))) = packets.next() else { panic!("no SDES") };
        assert_eq!(description.cnames().collect::<Vec<_>>(), [(3, name.as_bytes())]);
        assert!(matches!(packets.next(), Some(Ok(Packet::Pli(_)))));
    }
}

#[test]
fn a_bad_length_version_or_padding_ends_the_compound_with_an_error() {
    let refusal = |bytes: &[u8]| {
        let mut packets = iter(bytes);
        let error = packets.next().unwrap().unwrap_err();
        assert!(packets.next().is_none());
        error
    };
    assert!(matches!(refusal(&[0x81, 206, 0]), RtcpError::Truncated(_)));
    assert!(matches!(refusal(&[0x81, 206, 0, 2, 0, 0, 0, 1]), RtcpError::Truncated(_)));
    assert_eq!(refusal(&[0x41, 206, 0, 0]), RtcpError::Version(1));
    for padding in [0, 9, 255] {
        assert_eq!(refusal(&[0xa0, 204, 0, 2, 0, 0, 0, 0, 0, 0, 0, padding]), RtcpError::Padding(padding));
    }
}

#[test]
fn a_malformed_body_does_not_hide_the_next_packet() {
    let mut bytes = vec![0x81, 206, 0, 1, 0, 0, 0, 1];
    bytes.extend([0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    let packets: Vec<_> = iter(&bytes).collect();
    assert!(matches!(packets[..], [Err(RtcpError::Truncated(_)), Ok(Packet::Pli(_))]));
}

/// A feedback about `count` packets from 0xfffe on.
fn feedback(count: u16, tail: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfe];
    body.extend(count.to_be_bytes());
    body.extend([0, 0, 4, 9]);
    body.extend(tail);
    body.resize(body.len().next_multiple_of(4), 0);
    let words = (body.len() / 4) as u16;
    [&[0x8f, 205][..], &words.to_be_bytes(), &body].concat()
}

#[test]
fn all_chunk_kinds_of_a_transport_feedback_are_read() {
    // Two received in a run, 14 one-bit symbols of which the first is received, seven two-bit symbols: large, lost, small, …
    let tail = [0x20, 0x02, 0xa0, 0x00, 0xe1, 0x00, 4, 255, 8, 0xff, 0xfc, 7];
    let bytes = feedback(19, &tail);
    let Some(Ok(Packet::TransportFeedback(feedback))) = iter(&bytes).next() else { panic!("no feedback") };
    assert_eq!((feedback.reference_time, feedback.feedback_count, feedback.status_count), (4, 9, 19));
    let arrived: Vec<_> =
        feedback.arrivals().filter_map(|arrival| Some((arrival.sequence, arrival.delta?))).collect();
    assert_eq!(arrived, [(0xfffe, 4), (0xffff, 255), (0, 8), (14, -4), (16, 7)]);
    assert_eq!(feedback.arrivals().count(), 19);
}

#[test]
fn transport_feedback_that_promises_more_than_it_holds_is_refused() {
    let refused = |bytes: Vec<u8>| iter(&bytes).next().unwrap().unwrap_err();
    assert!(matches!(refused(feedback(3, &[0x20, 0x02])), RtcpError::Truncated(_)));
    assert!(matches!(refused(feedback(7, &[0x20, 0x07, 1, 2])), RtcpError::Truncated(_)));
    assert_eq!(refused(feedback(1, &[0x60, 0x01])), RtcpError::ReservedSymbol);
    assert_eq!(refused(feedback(1, &[0xf0, 0x00])), RtcpError::ReservedSymbol);
    assert!(matches!(refused(vec![0x8f, 205, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]), RtcpError::Truncated(_)));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_every_list_ends(
        kind in 200u8..207, format in 0u8..32, mut bytes in proptest::collection::vec(any::<u8>(), 8..400),
    ) {
        let words = (bytes.len() / 4 - 1) as u16;
        bytes[0] = 0x80 | format;
        bytes[1] = kind;
        bytes[2..4].copy_from_slice(&words.to_be_bytes());
        for packet in iter(&bytes).flatten() {
            match packet {
                Packet::SenderReport(report) => prop_assert!(report.blocks().count() <= 31),
                Packet::ReceiverReport(report) => prop_assert!(report.blocks().count() <= 31),
                Packet::SourceDescription(description) => prop_assert!(description.cnames().count() <= 31),
                Packet::Goodbye(goodbye) => prop_assert!(goodbye.sources().count() <= 31),
                Packet::Nack(nack) => prop_assert!(nack.sequences().count() <= 17 * 100),
                Packet::Fir(fir) => prop_assert!(fir.entries().count() <= 50),
                Packet::TransportFeedback(feedback) => {
                    prop_assert_eq!(feedback.arrivals().count(), usize::from(feedback.status_count));
                }
                Packet::Remb(remb) => prop_assert!(remb.ssrcs().count() <= 100),
                Packet::Pli(_) | Packet::Other { .. } => {}
            }
        }
    }
}
