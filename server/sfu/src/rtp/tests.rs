//! Extensions, header writing and VP8 descriptors, against the reference stack and against arbitrary bytes.

use super::vp8::{Descriptor, Ids, PictureId, Resolution, Tl0};
use super::*;
use proptest::prelude::*;
use rtc::shared::marshal::{Marshal, Unmarshal};
use std::time::Duration;

fn map(pairs: &[(u8, ExtensionKind)]) -> ExtensionMap {
    let mut map = ExtensionMap::new();
    for (id, kind) in pairs {
        map.insert(*id, *kind).unwrap();
    }
    map
}

/// A packet with this extension block behind a fixed header.
fn packet(profile: u16, block: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    packet.extend(profile.to_be_bytes());
    packet.extend(((block.len() / 4) as u16).to_be_bytes());
    packet.extend(block);
    packet.extend(b"payload");
    packet
}

fn extensions(packet: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let header = Header::parse(packet).unwrap();
    Extensions::of(&header, packet).map(|(id, value)| (id, value.to_vec())).collect()
}

#[test]
fn every_kind_is_found_by_its_uri_and_discriminant() {
    for (at, kind) in ExtensionKind::ALL.into_iter().enumerate() {
        assert_eq!(ExtensionKind::from_uri(kind.uri()), Some(kind));
        assert_eq!(kind as usize, at);
        assert_eq!(ExtensionKind::from_u8(at as u8), Some(kind));
    }
    assert_eq!(ExtensionKind::from_uri("urn:other"), None);
}

#[test]
fn a_map_refuses_reserved_and_taken_ids() {
    let mut map = map(&[(4, ExtensionKind::Mid), (200, ExtensionKind::DependencyDescriptor)]);
    for id in [0, 15, 4] {
        assert_eq!(map.insert(id, ExtensionKind::Rid), Err(RtpError::ExtensionId(id)));
    }
    assert_eq!(map.insert(4, ExtensionKind::Mid), Ok(()));
    assert_eq!((map.kind(200), map.kind(5)), (Some(ExtensionKind::DependencyDescriptor), None));
    assert_eq!((map.id(ExtensionKind::Mid), map.id(ExtensionKind::Rid), map.kind(0)), (Some(4), None, None));
    assert_eq!(
        map.iter().collect::<Vec<_>>(),
        [(4, ExtensionKind::Mid), (200, ExtensionKind::DependencyDescriptor)]
    );
}

#[test]
fn one_byte_extensions_are_read_across_padding_until_id_15() {
    let block = [0x10, 0xaa, 0, 0x32, 1, 2, 3, 0, 0xf0, 9, 0x40, 7];
    assert_eq!(extensions(&packet(0xbede, &block)), [(1, vec![0xaa]), (3, vec![1, 2, 3])]);
}

#[test]
fn two_byte_extensions_may_be_empty_or_have_high_ids() {
    let block = [15, 1, 0xaa, 0, 200, 0, 3, 2, 8, 9, 0, 0];
    assert_eq!(extensions(&packet(0x1003, &block)), [(15, vec![0xaa]), (200, vec![]), (3, vec![8, 9])]);
}

#[test]
fn an_element_longer_than_the_block_ends_the_list() {
    assert_eq!(extensions(&packet(0xbede, &[0x10, 1, 0x2f, 2])), [(1, vec![1])]);
    assert_eq!(extensions(&packet(0x1000, &[1, 9, 1, 1])), []);
    assert_eq!(extensions(&packet(0x1000, &[0, 0, 0, 7])), []);
    assert_eq!(extensions(&packet(0x0bad, &[0x10, 1, 0, 0])), []);
}

#[test]
fn known_values_of_the_wrong_shape_count_as_absent() {
    let map = map(&[
        (1, ExtensionKind::Mid),
        (2, ExtensionKind::TransportCc),
        (3, ExtensionKind::AbsSendTime),
        (4, ExtensionKind::AudioLevel),
        (5, ExtensionKind::Rid),
    ]);
    let good = packet(0xbede, &[0x10, b'7', 0x21, 1, 2, 0x32, 1, 2, 3, 0x40, 0x85, 0x50, b'q', 0, 0, 0]);
    let known = KnownExtensions::read(&Header::parse(&good).unwrap(), &good, &map);
    assert_eq!((known.mid, known.rid, known.repaired_rid), (Some("7"), Some("q"), None));
    assert_eq!((known.transport_cc, known.abs_send_time), (Some(0x0102), Some(0x0001_0203)));
    assert_eq!(known.audio_level, Some(AudioLevel { below_full_scale_db: 5, voice: true }));
    let bad = packet(0xbede, &[0x10, 0xff, 0x22, 1, 2, 3, 0x30, 1, 0x51, b'a', b' ', 0]);
    let known = KnownExtensions::read(&Header::parse(&bad).unwrap(), &bad, &map);
    assert_eq!(known, KnownExtensions::default());
}

#[test]
fn a_written_header_is_read_back_by_us_and_by_the_reference_stack() {
    let mut carried = CarriedBuffer::default();
    carried.push(ExtensionKind::AudioLevel, &[0x8a]);
    carried.push(ExtensionKind::VideoOrientation, &[1]);
    let map = map(&[
        (4, ExtensionKind::Mid),
        (3, ExtensionKind::TransportCc),
        (2, ExtensionKind::AbsSendTime),
        (1, ExtensionKind::AudioLevel),
    ]);
    let outgoing = OutgoingHeader {
        marker: true,
        payload_type: 111,
        sequence: 65535,
        timestamp: 0x8000_0001,
        ssrc: 7,
        mid: Some("12"),
        transport_cc: Some(0xabcd),
        abs_send_time: Some(0x0012_3456),
        carried: carried.carried(),
        ..OutgoingHeader::default()
    };
    let mut out = [0xff; 64];
    let written = outgoing.write(&map, &mut out).unwrap();
    assert_eq!(&out[written.transport_cc_at.unwrap()..][..2], [0xab, 0xcd]);
    assert_eq!(&out[written.abs_send_time_at.unwrap()..][..3], [0x12, 0x34, 0x56]);

    let header = Header::parse(&out[..written.len]).unwrap();
    assert!(header.marker && !header.padding && header.header_len() == written.len);
    let known = KnownExtensions::read(&header, &out[..written.len], &map);
    assert_eq!(
        (known.mid, known.transport_cc, known.abs_send_time),
        (Some("12"), Some(0xabcd), Some(0x0012_3456))
    );
    assert_eq!(known.audio_level, Some(AudioLevel { below_full_scale_db: 10, voice: true }));

    let theirs = rtc::rtp::header::Header::unmarshal(&mut &out[..written.len]).unwrap();
    assert_eq!((theirs.sequence_number, theirs.timestamp, theirs.ssrc), (65535, 0x8000_0001, 7));
    assert_eq!(theirs.get_extension(3).unwrap().to_vec(), [0xab, 0xcd]);
    assert_eq!(theirs.get_extension(4).unwrap().to_vec(), b"12");
    assert_eq!(theirs.get_extension(1).unwrap().to_vec(), [0x8a]);
}

#[test]
fn extensions_of_the_reference_stack_are_read() {
    let mut header = rtc::rtp::header::Header { version: 2, extension_profile: 0xbede, ..Default::default() };
    header.set_extension(5, vec![1, 2].into()).unwrap();
    header.set_extension(9, b"high".to_vec().into()).unwrap();
    let packet = header.marshal().unwrap();
    assert_eq!(extensions(&packet), [(5, vec![1, 2]), (9, b"high".to_vec())]);
}

#[test]
fn long_values_and_high_ids_are_written_in_the_two_byte_form() {
    let descriptor = [7; 40];
    let mut carried = CarriedBuffer::default();
    carried.push(ExtensionKind::DependencyDescriptor, &descriptor);
    for map in [
        map(&[(3, ExtensionKind::TransportCc), (12, ExtensionKind::DependencyDescriptor)]),
        map(&[(30, ExtensionKind::TransportCc), (12, ExtensionKind::DependencyDescriptor)]),
    ] {
        let outgoing =
            OutgoingHeader { transport_cc: Some(1), carried: carried.carried(), ..OutgoingHeader::default() };
        let mut out = [0; 128];
        let written = outgoing.write(&map, &mut out).unwrap();
        let id = map.id(ExtensionKind::TransportCc).unwrap();
        assert_eq!(extensions(&out[..written.len]), [(id, vec![0, 1]), (12, descriptor.to_vec())]);
    }
}

#[test]
fn a_header_without_negotiated_extensions_is_twelve_bytes() {
    let outgoing =
        OutgoingHeader { mid: Some("0"), transport_cc: Some(1), padding: true, ..OutgoingHeader::default() };
    let mut out = [0; 12];
    let written = outgoing.write(&ExtensionMap::new(), &mut out).unwrap();
    assert_eq!(written, WrittenHeader { len: 12, ..WrittenHeader::default() });
    assert_eq!(out[0], 0xa0);
    assert_eq!(outgoing.write(&ExtensionMap::new(), &mut out[..11]), Err(RtpError::NoSpace));
}

#[test]
fn the_longest_header_fits_the_promised_length() {
    let mut carried = CarriedBuffer::default();
    carried.push(ExtensionKind::DependencyDescriptor, &[1; 253]);
    carried.push(ExtensionKind::AudioLevel, &[1]);
    assert_eq!(carried.carried().iter().count(), 1, "what does not fit is left out");
    let all: Vec<_> =
        ExtensionKind::ALL.iter().enumerate().map(|(at, kind)| (at as u8 + 100, *kind)).collect();
    let outgoing = OutgoingHeader {
        mid: Some("0123456789abcdef"),
        transport_cc: Some(1),
        abs_send_time: Some(1),
        carried: carried.carried(),
        ..OutgoingHeader::default()
    };
    let mut out = [0; MAX_HEADER_LEN];
    let written = outgoing.write(&map(&all), &mut out).unwrap();
    assert_eq!(extensions(&out[..written.len]).len(), 4);
    for len in 0..written.len {
        assert_eq!(outgoing.write(&map(&all), &mut out[..len]), Err(RtpError::NoSpace), "{len}");
    }
}

#[test]
fn send_time_counts_quarter_microseconds_and_wraps_after_64_seconds() {
    assert_eq!(abs_send_time(Duration::from_millis(1500)), 0x06_0000);
    assert_eq!(abs_send_time(Duration::from_secs(64)), 0);
    assert_eq!(abs_send_time(Duration::from_secs(65)), abs_send_time(Duration::from_secs(1)));
}

#[test]
fn the_longest_descriptor_of_a_key_frame_is_read_and_rewritten() {
    let mut payload = vec![0x90, 0xf0, 0x92, 0x34, 0x56, 0xb7];
    payload.extend([0x10, 2, 0, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0xe0, 0x01, 0xff]);
    let descriptor = Descriptor::parse(&payload).unwrap();
    let ids = Ids {
        picture_id: Some(PictureId { at: 2, long: true, value: 0x1234 }),
        tl0: Some(Tl0 { at: 4, value: 0x56 }),
    };
    assert_eq!((descriptor.len, descriptor.ids), (6, ids));
    assert!(
        descriptor.start_of_frame
            && descriptor.key_frame
            && !descriptor.non_reference
            && descriptor.layer_sync
    );
    assert_eq!((descriptor.temporal_layer, descriptor.key_index), (Some(2), Some(0x17)));
    assert_eq!(descriptor.resolution, Some(Resolution { width: 640, height: 480 }));
    let theirs = {
        let mut theirs = rtc::rtp::codec::vp8::Vp8Packet::default();
        rtc::rtp::packetizer::Depacketizer::depacketize(&mut theirs, &payload.clone().into()).unwrap();
        theirs
    };
    assert_eq!((theirs.picture_id, theirs.tl0_pic_idx, theirs.tid, theirs.key_idx), (0x1234, 0x56, 2, 0x17));

    descriptor.ids.write(&mut payload, 0x7fff, 0x01);
    let again = Descriptor::parse(&payload).unwrap();
    assert_eq!(again.ids.picture_id.map(|id| id.value), Some(0x7fff));
    assert_eq!(again.ids.tl0.map(|tl0| tl0.value), Some(1));
    assert_eq!((again.len, again.temporal_layer, again.resolution), (6, Some(2), descriptor.resolution));
}

#[test]
fn short_picture_ids_keep_their_width_and_absent_fields_stay_absent() {
    let mut payload = [0xb0, 0x80, 0x7f, 0x01, 0x55];
    let descriptor = Descriptor::parse(&payload).unwrap();
    assert_eq!(descriptor.ids.picture_id, Some(PictureId { at: 2, long: false, value: 0x7f }));
    assert!(descriptor.non_reference && !descriptor.key_frame);
    descriptor.ids.write(&mut payload, 0x1280, 9);
    assert_eq!(payload, [0xb0, 0x80, 0x00, 0x01, 0x55]);

    let mut bare = [0x10, 0x01];
    Descriptor::parse(&bare).unwrap().ids.write(&mut bare, 1, 1);
    assert_eq!(bare, [0x10, 0x01]);
}

#[test]
fn a_later_partition_or_packet_is_no_key_frame() {
    for first in [0x00, 0x11, 0x01] {
        assert!(!Descriptor::parse(&[first, 0x00, 0x00]).unwrap().key_frame);
    }
    assert!(Descriptor::parse(&[0x10, 0x00]).unwrap().key_frame);
}

#[test]
fn a_truncated_descriptor_is_refused() {
    let payload = [0x90, 0xf0, 0x92, 0x34, 0x56, 0xb7, 0x00];
    assert!(Descriptor::parse(&payload).is_ok());
    for len in 0..payload.len() {
        assert!(Descriptor::parse(&payload[..len]).is_err(), "{len}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), id in 1u8..15) {
        let _ = Descriptor::parse(&bytes).map(|descriptor| descriptor.ids.write(&mut bytes.clone(), 1, 1));
        let _ = Carried::from_bytes(&bytes).iter().count();
        for profile in [0xbede, 0x1000] {
            let packet = packet(profile, &bytes);
            if let Ok(header) = Header::parse(&packet) {
                let map = map(&[(id, ExtensionKind::Mid), (200, ExtensionKind::AudioLevel)]);
                let _ = KnownExtensions::read(&header, &packet, &map);
                let _ = CarriedBuffer::default().collect(&header, &packet, &map);
            }
        }
    }

    #[test]
    fn carried_values_keep_order_and_bytes(
        values in proptest::collection::vec((5usize..11, proptest::collection::vec(any::<u8>(), 1..16)), 0..8),
    ) {
        let mut buffer = CarriedBuffer::default();
        for (kind, value) in &values {
            buffer.push(ExtensionKind::ALL[*kind], value);
        }
        let bytes = buffer.carried().as_bytes().to_vec();
        let read: Vec<_> = Carried::from_bytes(&bytes).iter().map(|(kind, value)| (kind as usize, value.to_vec())).collect();
        prop_assert_eq!(read, values);
    }
}
