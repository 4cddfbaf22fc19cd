//! Parsers against captures of Chromium (`fixtures`), each packet beside what Chromium itself says of the frame.

use super::dependency_descriptor::{Descriptor, Structure};
use super::frame::{Layers, Numbers};
use super::{picture::Resolution, vp9};
use crate::frame_reader::FrameReader;
use crate::sdp::Codec;

const VP9: &str = include_str!("fixtures/chromium-vp9-l3t3-key.txt");
const AV1_TEMPORAL: &str = include_str!("fixtures/chromium-av1-l1t3.txt");
const AV1_SPATIAL: &str = include_str!("fixtures/chromium-av1-l3t3-key.txt");

/// What Chromium says of a frame.
#[derive(Debug, PartialEq)]
struct Frame {
    timestamp: u32,
    is_key: bool,
    id: u64,
    layers: Layers,
    resolution: Resolution,
    references: Vec<u64>,
}

#[derive(Debug)]
struct Packet {
    timestamp: u32,
    marker: bool,
    payload: Vec<u8>,
    descriptor: Vec<u8>,
}

fn read(capture: &str) -> (Vec<Frame>, Vec<Packet>) {
    let (mut frames, mut packets) = (Vec::new(), Vec::new());
    for line in capture.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(' ').collect();
        let hex = |at: usize| (0..fields[at].len() / 2).map(move |byte| byte * 2);
        let bytes = |at: usize| -> Vec<u8> {
            hex(at).map(|from| u8::from_str_radix(&fields[at][from..from + 2], 16).unwrap()).collect()
        };
        let timestamp = fields[1].parse().unwrap();
        if fields[0] == "packet" {
            packets.push(Packet {
                timestamp,
                marker: fields[3] == "1",
                payload: bytes(4),
                descriptor: bytes(5),
            });
            continue;
        }
        let (width, height) = fields[6].split_once('x').unwrap();
        frames.push(Frame {
            timestamp,
            is_key: fields[2] == "key",
            id: fields[3].parse().unwrap(),
            layers: Layers { spatial: fields[4].parse().unwrap(), temporal: fields[5].parse().unwrap() },
            resolution: Resolution { width: width.parse().unwrap(), height: height.parse().unwrap() },
            references: fields[7..].iter().map(|id| id.parse().unwrap()).collect(),
        });
    }
    (frames, packets)
}

/// Calls `check` with each packet and its frame; fails unless starts and ends of frames are where they must be.
fn compare(capture: &str, codec: Codec, mut check: impl FnMut(&Frame, &Packet, &Numbers)) {
    let (frames, packets) = read(capture);
    assert!(frames.len() >= 20 && packets.len() >= frames.len(), "a capture");
    let mut reader = FrameReader::default();
    let mut expected = frames.iter();
    let mut current: Option<&Frame> = None;
    for (at, packet) in packets.iter().enumerate() {
        let descriptor = Some(&packet.descriptor[..]).filter(|_| codec == Codec::Av1);
        let (frame, numbers) = reader.read(codec, packet.marker, &packet.payload, descriptor).unwrap();
        assert_eq!(frame.starts, current.is_none(), "{packet:?}");
        let said = *current.get_or_insert_with(|| expected.next().unwrap());
        assert_eq!((said.timestamp, said.layers), (packet.timestamp, frame.layers));
        assert_eq!(frame.key, said.is_key && frame.starts, "{said:?}");
        assert_eq!(reader.resolution(frame.layers.spatial), Some(said.resolution), "{said:?}");
        check(said, packet, &numbers);
        let next = packets.get(at + 1);
        assert_eq!(packet.marker, next.is_none_or(|next| next.timestamp != packet.timestamp));
        if frame.ends {
            current = None;
        }
        assert!(frame.ends || !packet.marker, "a picture ends with a frame");
    }
    assert_eq!((current, expected.next()), (None, None), "every frame was met");
}

#[test]
fn the_layers_and_references_of_vp9_are_those_that_chromium_says() {
    let mut pictures: Vec<(u16, Layers, u64)> = Vec::new();
    compare(VP9, Codec::Vp9, |said, packet, _| {
        let descriptor = vp9::Descriptor::parse(&packet.payload).unwrap();
        let picture = descriptor.ids.picture_id.unwrap().value;
        if descriptor.start_of_frame {
            pictures.push((picture, descriptor.layers, said.id));
        }
        let spatial = descriptor.layers.spatial;
        let find = |picture: u16, spatial: u8| {
            let found = pictures.iter().find(|(id, layers, _)| (*id, layers.spatial) == (picture, spatial));
            found.map(|(_, _, id)| *id).unwrap()
        };
        let earlier = descriptor.references.iter().filter(|distance| **distance > 0);
        let mut references: Vec<u64> =
            earlier.map(|distance| find((picture - u16::from(*distance)) & 0x7fff, spatial)).collect();
        references.extend(descriptor.inter_layer.then(|| find(picture, spatial.wrapping_sub(1))));
        references.sort_unstable();
        let mut expected = said.references.clone();
        expected.sort_unstable();
        assert_eq!(references, expected, "{said:?}");
    });
    assert!(pictures.iter().any(|(_, layers, _)| *layers == Layers { spatial: 2, temporal: 2 }));
}

/// The dependency descriptors of AV1, and those that Chromium sends beside VP9.
#[test]
fn dependency_descriptors_say_what_chromium_says() {
    for (capture, codec) in [(AV1_TEMPORAL, Codec::Av1), (AV1_SPATIAL, Codec::Av1), (VP9, Codec::Vp9)] {
        let mut structure: Option<Box<Structure>> = None;
        let mut masks = 0;
        compare(capture, codec, |said, packet, numbers| {
            let descriptor = Descriptor::parse(&packet.descriptor, &mut structure).unwrap();
            assert_eq!((u64::from(descriptor.frame_number), descriptor.layers), (said.id, said.layers));
            let earlier = descriptor.references.as_slice().iter();
            let mut references: Vec<u64> = earlier.map(|distance| said.id - u64::from(*distance)).collect();
            references.sort_unstable();
            let mut expected = said.references.clone();
            expected.sort_unstable();
            assert_eq!(references, expected, "{said:?}");
            if let Numbers::Descriptor(numbers) = numbers {
                assert_eq!(u64::from(numbers.frame), said.id);
            }
            masks += usize::from(descriptor.active_decode_targets.is_some());
        });
        let structure = structure.unwrap();
        assert!(structure.decode_targets() >= 3 && structure.chains() >= 1);
        assert!(capture == AV1_TEMPORAL || masks > 0, "Chromium told which targets are active");
    }
}
