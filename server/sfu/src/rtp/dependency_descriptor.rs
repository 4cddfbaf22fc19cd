//! The dependency descriptor (RTP payload format for AV1, appendix A): layers and references of a frame in a header
//! extension, readable without the payload and so with end-to-end encryption.
//!
//! ```text
//! start, end, template id (6), frame number (16) │ flags (5) [structure] [active decode targets] [custom fields]
//! ```
//! A packet names a *template* of the *structure* that came with the last key frame; custom fields replace parts of it.
//! So a parser keeps the structure of its stream: [`Descriptor::parse`] takes and replaces it.

mod bits;
mod structure;

#[cfg(test)]
mod tests;

use super::RtpError;
use super::frame::{Frame, FrameNumbers, Layers, UpSwitch};
use bits::Bits;
pub use structure::{CHAINS_MAX, DECODE_TARGETS_MAX, Structure, TEMPLATES_MAX, Template};

/// Length of the mandatory fields, in bytes.
const MANDATORY_LEN: usize = 3;
/// Where `template_id_offset` stands in a descriptor that brings a structure: behind the mandatory fields and five flags.
const TEMPLATE_OFFSET_AT: usize = 8 * MANDATORY_LEN + 5;

/// What a frame is to one decode target (§A.8.3, table A.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indication {
    /// No part of it.
    NotPresent,
    /// Part of it, and nothing refers to it.
    Discardable,
    /// Part of it, and one can begin to show the target here.
    Switch,
    /// Part of it.
    Required,
}

/// What a frame is to every decode target, two bits each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Indications(u64);

impl Indications {
    /// What the frame is to this decode target, 0 to 31.
    #[inline]
    #[must_use]
    pub const fn of(self, target: u8) -> Indication {
        match self.0 >> (2 * (target & 31)) & 3 {
            0 => Indication::NotPresent,
            1 => Indication::Discardable,
            2 => Indication::Switch,
            _ => Indication::Required,
        }
    }
}

/// Distances to the frames that a frame refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct References {
    distances: [u16; Self::MAX],
    len: u8,
}

impl References {
    /// Most references of one frame; AV1 has seven, and one to the layer below.
    pub const MAX: usize = 8;

    /// In the order written; each at least 1.
    #[must_use]
    pub fn as_slice(&self) -> &[u16] {
        &self.distances[..usize::from(self.len)]
    }

    fn push(&mut self, distance: u16) -> Result<(), RtpError> {
        *self.distances.get_mut(usize::from(self.len)).ok_or(MALFORMED)? = distance;
        self.len += 1;
        Ok(())
    }
}

/// A descriptor with the fields of its template filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The first packet of the frame.
    pub start_of_frame: bool,
    /// The last packet of the frame.
    pub end_of_frame: bool,
    /// The frame number.
    pub frame_number: u16,
    /// The template's id as written.
    pub template_id: u8,
    /// The packet brings a structure.
    pub brings_structure: bool,
    /// Bit for each decode target that is being sent from now on, when the packet tells.
    pub active_decode_targets: Option<u32>,
    /// The layer of the frame.
    pub layers: Layers,
    /// What the frame is to each decode target.
    pub indications: Indications,
    /// The frames that it refers to.
    pub references: References,
    /// For each chain the distance to the last frame in it.
    pub chain_distances: [u8; CHAINS_MAX],
}

const MALFORMED: RtpError = RtpError::Malformed("the dependency descriptor");

impl Descriptor {
    /// Reads the extension's value against the structure of its stream, and replaces that when the value brings another.
    ///
    /// # Errors
    /// [`RtpError::Truncated`], and [`RtpError::Malformed`] also for a template that is not known: the packet belongs to a
    /// structure that was lost or replaced. Then the structure stays as it was.
    #[inline]
    pub fn parse(value: &[u8], known: &mut Option<Box<Structure>>) -> Result<Self, RtpError> {
        let &[first, high, low, ..] = value else { return Err(bits::TRUNCATED) };
        let mandatory = Mandatory { first, frame_number: u16::from_be_bytes([high, low]) };
        if value.len() == MANDATORY_LEN {
            return mandatory.with(known.as_deref().ok_or(MALFORMED)?);
        }
        let mut bits = Bits::new(value, MANDATORY_LEN * 8);
        let flags = bits.read(5)?;
        if flags & 0x10 == 0 {
            return mandatory.extended(known.as_deref().ok_or(MALFORMED)?, flags, &mut bits);
        }
        // Key frames only: an allocation more is no matter, and half a structure must not replace a whole one.
        let structure = Box::new(Structure::parse(&mut bits)?);
        let descriptor = mandatory.extended(&structure, flags, &mut bits)?;
        *known = Some(structure);
        Ok(descriptor)
    }

    /// Its place among the layers, given the structure against which it was read.
    #[inline]
    #[must_use]
    pub fn frame(&self, structure: &Structure) -> Frame {
        Frame {
            key: self.brings_structure && self.start_of_frame && self.layers.spatial == 0,
            starts: self.start_of_frame,
            ends: self.end_of_frame,
            layers: self.layers,
            up: structure.up_switch(self.layers.spatial, self.indications),
        }
    }

    /// The numbers to rewrite.
    #[inline]
    #[must_use]
    pub fn numbers(&self, structure: &Structure) -> FrameNumbers {
        FrameNumbers {
            frame: self.frame_number,
            templates: self.brings_structure.then(|| structure.templates_range()),
        }
    }
}

/// Gives a descriptor, bit for bit the same otherwise, another frame number, and moves its template ids on by `shift`.
/// `value` must be one that [`Descriptor::parse`] has accepted; anything shorter stays as it is.
#[inline]
pub fn rewrite(value: &mut [u8], frame_number: u16, shift: u8) {
    let has_structure = value.get(MANDATORY_LEN).is_some_and(|flags| flags & 0x80 != 0);
    let [first, high, low, rest @ ..] = value else { return };
    *first = *first & 0xc0 | first.wrapping_add(shift) & 0x3f;
    [*high, *low] = frame_number.to_be_bytes();
    if has_structure && let [flags, more, ..] = rest {
        // template_id_offset: the last three bits of one byte and the first three of the next.
        const { assert!(TEMPLATE_OFFSET_AT == 29) };
        let offset = (*flags << 3 & 0x38 | *more >> 5).wrapping_add(shift) & 0x3f;
        *flags = *flags & 0xf8 | offset >> 3;
        *more = *more & 0x1f | offset << 5;
    }
}

/// The first three bytes.
struct Mandatory {
    first: u8,
    frame_number: u16,
}

impl Mandatory {
    #[inline]
    fn with(&self, structure: &Structure) -> Result<Descriptor, RtpError> {
        let template_id = self.first & 0x3f;
        let template = structure.template(template_id).ok_or(MALFORMED)?;
        Ok(Descriptor {
            start_of_frame: self.first & 0x80 != 0,
            end_of_frame: self.first & 0x40 != 0,
            frame_number: self.frame_number,
            template_id,
            brings_structure: false,
            active_decode_targets: None,
            layers: template.layers,
            indications: template.indications,
            references: template.references,
            chain_distances: template.chain_distances,
        })
    }

    #[inline]
    fn extended(
        &self,
        structure: &Structure,
        flags: u32,
        bits: &mut Bits<'_>,
    ) -> Result<Descriptor, RtpError> {
        let mut descriptor = self.with(structure)?;
        descriptor.brings_structure = flags & 0x10 != 0;
        if flags & 0x08 != 0 {
            descriptor.active_decode_targets = Some(bits.read(structure.decode_targets().into())?);
        }
        if flags & 0x04 != 0 {
            descriptor.indications = read_indications(bits, structure.decode_targets())?;
        }
        if flags & 0x02 != 0 {
            descriptor.references = References::default();
            loop {
                let size = bits.read(2)?;
                if size == 0 {
                    break;
                }
                descriptor.references.push(bits.read(4 * size)? as u16 + 1)?;
            }
        }
        if flags & 0x01 != 0 {
            for distance in descriptor.chain_distances.iter_mut().take(structure.chains().into()) {
                *distance = bits.read(8)? as u8;
            }
        }
        Ok(descriptor)
    }
}

fn read_indications(bits: &mut Bits<'_>, decode_targets: u8) -> Result<Indications, RtpError> {
    let mut indications = 0;
    for target in 0..decode_targets {
        indications |= u64::from(bits.read(2)?) << (2 * target);
    }
    Ok(Indications(indications))
}

impl Structure {
    /// The highest temporal layer of this spatial layer that can begin at a frame with these indications.
    fn up_switch(&self, spatial: u8, indications: Indications) -> UpSwitch {
        let targets = self.decode_target_layers().iter().zip(0u8..);
        let beginning = targets.filter(|(layers, target)| {
            layers.spatial == spatial && indications.of(*target) == Indication::Switch
        });
        beginning.map(|(layers, _)| layers.temporal).max().map_or(UpSwitch::No, UpSwitch::To)
    }
}
