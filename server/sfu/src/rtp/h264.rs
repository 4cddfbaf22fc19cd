//! What can be read of H264 from its packetization (RFC 6184): whether a packet begins a key frame, and the size in the
//! sequence parameter set (ITU-T H.264 §7.3.2.1.1).
//!
//! A viewer can begin at a sequence parameter set: every WebRTC encoder repeats it before each IDR picture. With end-to-end
//! encryption the bytes mean nothing and only the dependency descriptor tells.

use super::picture::Resolution;

const IDR: u8 = 5;
const SPS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
/// Bytes of a parameter set that are looked at; the size stands near its start.
const SPS_BYTES_MAX: usize = 128;

/// What one packet says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Units {
    /// It carries a sequence parameter set: a key frame begins here.
    pub key: bool,
    /// It carries the begin of an IDR picture.
    pub idr: bool,
    /// The size of the picture.
    pub resolution: Option<Resolution>,
}

impl Units {
    /// Looks at the NAL units of one payload: a single one, those of a STAP-A, or the begin of one in an FU-A. Malformed
    /// units are no units.
    #[inline]
    #[must_use]
    pub fn of(payload: &[u8]) -> Self {
        let mut units = Self::default();
        match payload {
            [header, rest @ ..] if header & 0x1f == STAP_A => {
                let mut rest = rest;
                while let Some(([high, low], tail)) = rest.split_first_chunk::<2>() {
                    let len = usize::from(u16::from_be_bytes([*high, *low]));
                    let Some((unit, tail)) = tail.split_at_checked(len) else { break };
                    units.note(unit);
                    rest = tail;
                }
            }
            [header, fragment, ..] if header & 0x1f == FU_A => {
                units.idr = fragment & 0x80 != 0 && fragment & 0x1f == IDR;
            }
            unit => units.note(unit),
        }
        units
    }

    fn note(&mut self, unit: &[u8]) {
        let Some((header, body)) = unit.split_first() else { return };
        match header & 0x1f {
            IDR => self.idr = true,
            SPS => {
                self.key = true;
                self.resolution = resolution(body);
            }
            _ => {}
        }
    }
}

/// Profiles whose parameter sets have chroma and scaling fields.
const HIGH_PROFILES: [u8; 10] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138];

#[cold]
fn resolution(sps: &[u8]) -> Option<Resolution> {
    let &[profile, _, _, ..] = sps else { return None };
    if HIGH_PROFILES.contains(&profile) {
        // Not negotiated, so not read.
        return None;
    }
    let mut bits = Bits::new(sps.get(3..)?);
    bits.exp_golomb()?; // seq_parameter_set_id
    bits.exp_golomb()?; // log2_max_frame_num_minus4
    match bits.exp_golomb()? {
        0 => drop(bits.exp_golomb()?),
        1 => {
            bits.bit()?;
            bits.exp_golomb()?;
            bits.exp_golomb()?;
            for _ in 0..bits.exp_golomb()?.min(255) {
                bits.exp_golomb()?;
            }
        }
        _ => {}
    }
    bits.exp_golomb()?; // max_num_ref_frames
    bits.bit()?; // gaps_in_frame_num_value_allowed_flag
    let width = bits.exp_golomb()?.checked_add(1)?.checked_mul(16)?;
    let map_units = bits.exp_golomb()?.checked_add(1)?;
    let frame_only = bits.bit()?;
    let fields = 2 - u32::from(frame_only);
    if !frame_only {
        bits.bit()?;
    }
    bits.bit()?; // direct_8x8_inference_flag
    let height = map_units.checked_mul(16 * fields)?;
    let (mut across, mut down) = (0u32, 0u32);
    if bits.bit()? {
        // Cropping in units of two luma samples: 4:2:0.
        let (left, right) = (bits.exp_golomb()?, bits.exp_golomb()?);
        let (top, bottom) = (bits.exp_golomb()?, bits.exp_golomb()?);
        across = left.checked_add(right)?.checked_mul(2)?;
        down = top.checked_add(bottom)?.checked_mul(2 * fields)?;
    }
    let width = u16::try_from(width.checked_sub(across)?).ok()?;
    let height = u16::try_from(height.checked_sub(down)?).ok()?;
    Some(Resolution { width, height })
}

/// Bits of a raw byte sequence payload, without emulation prevention bytes (§7.4.1).
struct Bits {
    bytes: [u8; SPS_BYTES_MAX],
    len: usize,
    at: usize,
}

impl Bits {
    fn new(escaped: &[u8]) -> Self {
        let mut bits = Self { bytes: [0; SPS_BYTES_MAX], len: 0, at: 0 };
        let mut zeros = 0;
        for &byte in escaped {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            let Some(out) = bits.bytes.get_mut(bits.len) else { break };
            *out = byte;
            bits.len += 1;
        }
        bits
    }

    fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes[..self.len].get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// ue(v), §9.1.
    fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let mut value = 1u32;
        for _ in 0..zeros {
            value = value << 1 | u32::from(self.bit()?);
        }
        Some(value - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Writes a baseline parameter set of this size in macroblocks, cropped by this many lines.
    fn parameter_set(across: u32, down: u32, cropped: u32) -> Vec<u8> {
        let mut bits = String::new();
        let ue = |value: u32| {
            let binary = format!("{:b}", value + 1);
            format!("{}{binary}", "0".repeat(binary.len() - 1))
        };
        for value in [0, 0, 2, 1] {
            bits += &ue(value);
        }
        bits += "0";
        bits += &ue(across - 1);
        bits += &ue(down - 1);
        bits += "11";
        bits += if cropped > 0 { "1" } else { "0" };
        if cropped > 0 {
            bits += &[ue(0), ue(0), ue(0), ue(cropped / 2)].concat();
        }
        bits += "01";
        while !bits.len().is_multiple_of(8) {
            bits += "0";
        }
        let mut unit = vec![0x67, 66, 0xe0, 31];
        unit.extend((0..bits.len() / 8).map(|at| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).unwrap()));
        unit
    }

    fn stap(units: &[&[u8]]) -> Vec<u8> {
        let mut payload = vec![0x78];
        for unit in units {
            payload.extend((unit.len() as u16).to_be_bytes());
            payload.extend(*unit);
        }
        payload
    }

    #[test]
    fn a_parameter_set_begins_a_key_frame_and_tells_its_size() {
        let sps = parameter_set(80, 45, 0);
        let resolution = Some(Resolution { width: 1280, height: 720 });
        assert_eq!(Units::of(&sps), Units { key: true, idr: false, resolution });
        let together = Units::of(&stap(&[&sps, &[0x68, 1, 2], &[0x65, 3]]));
        assert_eq!(together, Units { key: true, idr: true, resolution });
        let cropped = Units::of(&parameter_set(120, 68, 8)).resolution;
        assert_eq!(cropped, Some(Resolution { width: 1920, height: 1080 }));
    }

    #[test]
    fn fragments_and_slices_begin_no_key_frame() {
        assert_eq!(
            Units::of(&[0x7c, 0x85, 1]),
            Units { idr: true, ..Units::default() },
            "FU-A of an IDR picture"
        );
        assert_eq!(Units::of(&[0x7c, 0x05, 1]), Units::default(), "in the middle of one");
        assert_eq!(Units::of(&[0x41, 1]), Units::default());
        assert_eq!(Units::of(&stap(&[&[0x41, 1], &[0x41, 2]])), Units::default());
        assert_eq!(Units::of(&[0x78, 0, 9, 0x67]), Units::default(), "a unit beyond the end");
    }

    #[test]
    fn emulation_prevention_bytes_are_no_content() {
        let bits = Bits::new(&[0, 0, 3, 1, 0, 0, 3, 0, 3]);
        assert_eq!(bits.bytes[..bits.len], [0, 0, 1, 0, 0, 0, 3]);
    }

    proptest! {
        #[test]
        fn any_bytes_return(bytes: Vec<u8>) {
            let _ = Units::of(&bytes);
            let _ = Units::of(&[&[0x67, 66, 0, 30], &bytes[..]].concat());
        }

        #[test]
        fn any_size_is_read_back(across in 1u32..256, down in 1u32..256) {
            let resolution = Units::of(&parameter_set(across, down, 0)).resolution.unwrap();
            prop_assert_eq!((u32::from(resolution.width), u32::from(resolution.height)), (across * 16, down * 16));
        }
    }
}
