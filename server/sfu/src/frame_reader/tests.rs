use super::*;
use crate::rtp::frame::Layers;

/// The only frame of a key picture, with a structure of one template.
fn key(frame: u16, template: u8) -> [u8; 6] {
    let [high, low] = frame.to_be_bytes();
    // A structure is there; the id of the first template; one decode target; no further template; a switch; no references,
    // chains or resolutions.
    let structure = 1 << 23 | u32::from(template) << 13 | 3 << 6 | 2 << 4;
    let [_, first, second, third] = structure.to_be_bytes();
    [0xc0 | template, high, low, first, second, third]
}

fn delta(frame: u16, template: u8) -> [u8; 3] {
    let [high, low] = frame.to_be_bytes();
    [0xc0 | template, high, low]
}

fn read(reader: &mut FrameReader, descriptor: &[u8]) -> Result<(Frame, Numbers), RtpError> {
    reader.read(Codec::Av1, true, &[0], Some(descriptor))
}

#[test]
fn a_frame_from_before_the_last_structure_is_read_with_the_one_before() {
    let mut reader = FrameReader::default();
    assert!(read(&mut reader, &key(10, 0)).unwrap().0.key);
    assert!(read(&mut reader, &key(12, 1)).unwrap().0.key);
    assert_eq!(read(&mut reader, &delta(11, 0)).unwrap().0.up, UpSwitch::To(0));
    assert_eq!(read(&mut reader, &delta(13, 1)).unwrap().0.up, UpSwitch::To(0));
}

#[test]
fn a_late_frame_whose_structure_is_forgotten_is_refused_because_its_layer_is_not_known() {
    let mut reader = FrameReader::default();
    for (frame, template) in [(0xfffe, 0), (0, 1), (2, 2)] {
        assert!(read(&mut reader, &key(frame, template)).unwrap().0.key);
    }
    assert_eq!(read(&mut reader, &delta(0xffff, 0)), Err(FORGOTTEN));
    assert!(read(&mut reader, &delta(1, 1)).is_ok(), "of the structure before the last");
}

#[test]
fn a_frame_whose_structure_is_lost_is_of_the_lowest_layer() {
    let mut reader = FrameReader::default();
    let lowest = Frame { starts: true, ends: true, layers: Layers::default(), ..Frame::default() };
    assert_eq!(read(&mut reader, &delta(1, 5)).unwrap().0, lowest, "none was there");
    assert!(read(&mut reader, &key(2, 0)).unwrap().0.key);
    assert_eq!(read(&mut reader, &delta(5, 5)).unwrap().0, lowest, "that of a key frame behind this one");
}
