//! The VP9 payload descriptor (RFC 9628 §4.2), with its scalability structure (§4.2.1).

use super::RtpError;
use super::frame::{Frame, Layers, UpSwitch};
use super::picture::{Ids, Reader, Resolution, Tl0};

/// Most spatial layers of a scalability structure.
const SPATIAL_MAX: usize = 8;
/// Most references of one picture (RFC 9628 §4.2: "up to 3 times").
const REFERENCES_MAX: usize = 3;

/// A parsed payload descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Length of the descriptor: the VP9 data starts here.
    pub len: usize,
    /// P: the picture refers to earlier pictures.
    pub inter_picture: bool,
    /// F: references are given for each picture instead of following a pattern.
    pub flexible: bool,
    /// B: the first packet of a frame.
    pub start_of_frame: bool,
    /// E: the last packet of a frame.
    pub end_of_frame: bool,
    /// Z: no frame of a higher spatial layer refers to this one.
    pub not_spatial_reference: bool,
    /// Picture id and TL0PICIDX.
    pub ids: Ids,
    /// SID and TID; the lowest when there are no layer indices.
    pub layers: Layers,
    /// U: later pictures of higher temporal layers refer to nothing above this one's that is older.
    pub switching_up: bool,
    /// D: the frame refers to the spatial layer below in the same picture.
    pub inter_layer: bool,
    /// How many pictures back the references are, in flexible mode.
    pub references: [u8; REFERENCES_MAX],
    /// The scalability structure, when the packet brings one.
    pub structure: Option<Structure>,
}

/// A scalability structure: how large the pictures of each spatial layer are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Structure {
    /// Number of spatial layers, 1 to 8.
    pub spatial_layers: u8,
    /// Their sizes, smallest first; zero where not given.
    pub resolutions: [Resolution; SPATIAL_MAX],
}

impl Descriptor {
    /// Reads the descriptor at the start of `payload` (without padding).
    ///
    /// # Errors
    /// [`RtpError::Truncated`] when the payload ends inside the descriptor or directly behind it.
    #[inline]
    pub fn parse(payload: &[u8]) -> Result<Self, RtpError> {
        let mut reader = Reader::new(payload, DESCRIPTOR);
        let first = reader.byte()?;
        let has = |bit: u8| first & bit != 0;
        let mut descriptor = Self {
            inter_picture: has(0x40),
            flexible: has(0x10),
            start_of_frame: has(0x08),
            end_of_frame: has(0x04),
            not_spatial_reference: has(0x01),
            ..Self::default()
        };
        if has(0x80) {
            descriptor.ids.picture_id = Some(reader.picture_id()?);
        }
        if has(0x20) {
            descriptor.parse_layers(&mut reader)?;
        }
        if descriptor.flexible && descriptor.inter_picture {
            descriptor.parse_references(&mut reader)?;
        }
        if has(0x02) {
            descriptor.structure = Some(parse_structure(&mut reader)?);
        }
        descriptor.len = reader.at;
        if payload.len() <= descriptor.len {
            return Err(RtpError::Truncated(DESCRIPTOR));
        }
        Ok(descriptor)
    }

    #[inline]
    fn parse_layers(&mut self, reader: &mut Reader<'_>) -> Result<(), RtpError> {
        let layers = reader.byte()?;
        self.layers = Layers { spatial: layers >> 1 & 7, temporal: layers >> 5 };
        self.switching_up = layers & 0x10 != 0;
        self.inter_layer = layers & 0x01 != 0;
        if !self.flexible {
            let at = reader.at as u8;
            self.ids.tl0 = Some(Tl0 { at, value: reader.byte()? });
        }
        Ok(())
    }

    #[inline]
    fn parse_references(&mut self, reader: &mut Reader<'_>) -> Result<(), RtpError> {
        for reference in &mut self.references {
            let byte = reader.byte()?;
            *reference = byte >> 1;
            if byte & 1 == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Its place among the layers. A key picture refers to no other picture in its lowest spatial layer.
    #[inline]
    #[must_use]
    pub const fn frame(&self) -> Frame {
        Frame {
            key: self.start_of_frame && !self.inter_picture && self.layers.spatial == 0,
            starts: self.start_of_frame,
            ends: self.end_of_frame,
            layers: self.layers,
            up: if self.switching_up { UpSwitch::To(7) } else { UpSwitch::No },
        }
    }
}

const DESCRIPTOR: &str = "the VP9 payload descriptor";

#[cold]
fn parse_structure(reader: &mut Reader<'_>) -> Result<Structure, RtpError> {
    let first = reader.byte()?;
    let mut structure = Structure { spatial_layers: (first >> 5) + 1, ..Structure::default() };
    if first & 0x10 != 0 {
        for resolution in structure.resolutions.iter_mut().take(usize::from(structure.spatial_layers)) {
            let mut number = || Ok::<u16, RtpError>(u16::from_be_bytes([reader.byte()?, reader.byte()?]));
            *resolution = Resolution { width: number()?, height: number()? };
        }
    }
    if first & 0x08 != 0 {
        // The pattern of references is for the decoder; only its length matters here.
        for _ in 0..reader.byte()? {
            let references = reader.byte()? >> 2 & 3;
            for _ in 0..references {
                reader.byte()?;
            }
        }
    }
    Ok(structure)
}

#[cfg(test)]
mod tests {
    use super::super::picture::PictureId;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_picture_of_three_layers_brings_their_sizes() {
        // I, L, B, E, V; picture id 0x1234; T0, U, S0; TL0PICIDX 9; three layers with sizes, a pattern of two pictures.
        let mut payload = vec![0xae, 0x92, 0x34, 0x10, 9, 0x58];
        for (width, height) in [(320u16, 180u16), (640, 360), (1280, 720)] {
            payload.extend(width.to_be_bytes());
            payload.extend(height.to_be_bytes());
        }
        payload.extend([2, 0x14, 1, 0x28, 1, 2, 0xaa]);
        let descriptor = Descriptor::parse(&payload).unwrap();
        assert_eq!(descriptor.len, payload.len() - 1);
        assert_eq!(descriptor.ids.picture_id, Some(PictureId { at: 1, long: true, value: 0x1234 }));
        assert_eq!(descriptor.ids.tl0, Some(Tl0 { at: 4, value: 9 }));
        let structure = descriptor.structure.unwrap();
        assert_eq!(structure.spatial_layers, 3);
        assert_eq!(structure.resolutions[2], Resolution { width: 1280, height: 720 });
        let up = UpSwitch::To(7);
        let expected = Frame { key: true, starts: true, ends: true, layers: Layers::default(), up };
        assert_eq!(descriptor.frame(), expected);
    }

    #[test]
    fn references_of_the_flexible_mode_are_read() {
        // I, P, L, F, E; 7-bit picture id; T2 S1 D; two references.
        let descriptor = Descriptor::parse(&[0xf4, 0x7f, 0x43, 0x03, 0x08, 0xff]).unwrap();
        assert_eq!((descriptor.len, descriptor.references), (5, [1, 4, 0]));
        assert_eq!(descriptor.ids.picture_id, Some(PictureId { at: 1, long: false, value: 127 }));
        assert_eq!((descriptor.ids.tl0, descriptor.inter_layer), (None, true));
        assert_eq!(descriptor.layers, Layers { spatial: 1, temporal: 2 });
        assert!(!descriptor.frame().key && descriptor.frame().ends);
    }

    #[test]
    fn a_picture_that_refers_to_none_is_a_key_picture_only_at_its_first_packet_and_lowest_layer() {
        let key = |bytes: &[u8]| Descriptor::parse(bytes).unwrap().frame().key;
        assert!(key(&[0x08, 0]), "without layer indices there is one layer");
        assert!(!key(&[0x04, 0]), "not its first packet");
        assert!(!key(&[0x28, 0x02, 1, 0]), "the layer above");
        assert!(!key(&[0x48, 0]), "refers to others");
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_descriptor_within_them_or_an_error(bytes: Vec<u8>) {
            if let Ok(descriptor) = Descriptor::parse(&bytes) {
                prop_assert!(descriptor.len < bytes.len());
                let mut copy = bytes.clone();
                descriptor.ids.write(&mut copy, 0x1234, 5);
                let again = Descriptor::parse(&copy).unwrap();
                prop_assert_eq!((again.len, again.layers), (descriptor.len, descriptor.layers));
                prop_assert_eq!(again.ids.tl0.map(|field| field.value), descriptor.ids.tl0.map(|_| 5));
            }
        }
    }
}
