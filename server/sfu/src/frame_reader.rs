//! What a packet of a published stream is to those who forward it: one reader for every codec.

use crate::rtp::RtpError;
use crate::rtp::dependency_descriptor::{Descriptor, Structure};
use crate::rtp::frame::{Frame, FrameNumbers, Numbers, SPATIAL_LAYERS_MAX, UpSwitch};
use crate::rtp::picture::Resolution;
use crate::rtp::{av1, h264, vp8, vp9};
use crate::sdp::Codec;

/// The layers of one stream as far as its packets have told.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    /// From the last key frame with a dependency descriptor.
    structure: Option<Box<Structure>>,
    /// The one before it, for what is late.
    before: Option<Box<Structure>>,
    /// The number of the last key frame with one.
    structure_frame: u16,
    /// The size of each spatial layer, smallest first.
    resolutions: [Option<Resolution>; SPATIAL_LAYERS_MAX],
    /// How many spatial layers the last structure named.
    spatial_layers: Option<u8>,
}

impl FrameReader {
    /// Reads a payload, or the dependency descriptor that came with it.
    ///
    /// # Errors
    /// What is malformed, or so late that its templates are forgotten; the packet must not be forwarded.
    #[inline]
    pub(crate) fn read(
        &mut self,
        codec: Codec,
        marker: bool,
        payload: &[u8],
        descriptor: Option<&[u8]>,
    ) -> Result<(Frame, Numbers), RtpError> {
        let whole = Frame { ends: marker, ..Frame::default() };
        match codec {
            Codec::Opus => Ok((whole, Numbers::None)),
            Codec::Vp8 => self.read_vp8(payload, marker),
            Codec::Vp9 => self.read_vp9(payload),
            Codec::H264 | Codec::Av1 if descriptor.is_some() => {
                self.read_descriptor(descriptor.unwrap_or_default())
            }
            Codec::H264 => {
                let units = h264::Units::of(payload);
                self.learn(0, units.resolution);
                Ok((Frame { key: units.key, starts: units.key, ..whole }, Numbers::None))
            }
            Codec::Av1 => {
                let key = av1::begins_sequence(payload);
                Ok((Frame { key, starts: key, ..whole }, Numbers::None))
            }
        }
    }

    /// The size of a spatial layer.
    pub(crate) fn resolution(&self, spatial: u8) -> Option<Resolution> {
        self.resolutions.get(usize::from(spatial)).copied().flatten()
    }

    /// How many spatial layers there are, once a structure has told it: that of a key picture holds until the next one.
    pub(crate) const fn spatial_layers(&self) -> Option<u8> {
        self.spatial_layers
    }

    fn learn(&mut self, spatial: usize, resolution: Option<Resolution>) {
        if let Some(place) = self.resolutions.get_mut(spatial)
            && resolution.is_some()
        {
            *place = resolution;
        }
    }

    #[inline]
    fn read_vp8(&mut self, payload: &[u8], marker: bool) -> Result<(Frame, Numbers), RtpError> {
        let descriptor = vp8::Descriptor::parse(payload)?;
        self.learn(0, descriptor.resolution);
        Ok((descriptor.frame(marker), Numbers::Vp8(descriptor.ids)))
    }

    #[inline]
    fn read_vp9(&mut self, payload: &[u8]) -> Result<(Frame, Numbers), RtpError> {
        let descriptor = vp9::Descriptor::parse(payload)?;
        if let Some(structure) = &descriptor.structure {
            self.resolutions = [None; SPATIAL_LAYERS_MAX];
            self.spatial_layers = Some(structure.spatial_layers);
            let layers = structure.resolutions.iter().take(usize::from(structure.spatial_layers));
            for (spatial, resolution) in layers.enumerate() {
                self.learn(spatial, Some(*resolution).filter(|resolution| resolution.height > 0));
            }
        }
        Ok((descriptor.frame(), Numbers::Vp9(descriptor.ids)))
    }

    fn read_descriptor(&mut self, value: &[u8]) -> Result<(Frame, Numbers), RtpError> {
        if value.get(3).is_some_and(|flags| flags & 0x80 != 0) {
            return self.read_structure(value);
        }
        for known in [&mut self.structure, &mut self.before] {
            if let (Ok(descriptor), Some(structure)) = (Descriptor::parse(value, known), known.as_deref()) {
                return Ok((descriptor.frame(structure), Numbers::Descriptor(descriptor.numbers(structure))));
            }
        }
        if let &[_, high, low, ..] = value
            && self.structure.is_some()
            && is_before(u16::from_be_bytes([high, low]), self.structure_frame)
        {
            // Nobody knows its layer any more, and what it refers to may have been left out.
            return Err(FORGOTTEN);
        }
        place_of(value)
    }

    #[cold]
    fn read_structure(&mut self, value: &[u8]) -> Result<(Frame, Numbers), RtpError> {
        let mut brought = None;
        let parsed = Descriptor::parse(value, &mut brought);
        let (Ok(descriptor), Some(structure)) = (parsed, brought.as_deref()) else { return place_of(value) };
        let read = (descriptor.frame(structure), Numbers::Descriptor(descriptor.numbers(structure)));
        // A key frame that was overtaken by the next one must not bring the templates before it back.
        if self.structure.is_none() || !is_before(descriptor.frame_number, self.structure_frame) {
            self.structure_frame = descriptor.frame_number;
            for spatial in 0..SPATIAL_LAYERS_MAX {
                self.resolutions[spatial] = structure.resolution(spatial as u8);
            }
            self.spatial_layers = Some(structure.spatial_layers());
            self.before = std::mem::replace(&mut self.structure, brought);
        }
        Ok(read)
    }
}

const FORGOTTEN: RtpError = RtpError::Malformed("a dependency descriptor older than the last two structures");

/// What can be said of a frame whose structure is lost or late. It is part of what a viewer of the lowest layer gets, so
/// that nobody misses it.
fn place_of(value: &[u8]) -> Result<(Frame, Numbers), RtpError> {
    let &[flags, high, low, ..] = value else {
        return Err(RtpError::Truncated("the dependency descriptor"));
    };
    let frame = u16::from_be_bytes([high, low]);
    let place = Frame { starts: flags & 0x80 != 0, ends: flags & 0x40 != 0, ..Frame::default() };
    Ok((place, Numbers::Descriptor(FrameNumbers { frame, templates: None })))
}

/// Whether a frame came shortly before another.
const fn is_before(frame: u16, other: u16) -> bool {
    /// An encoder that began anew may number its frames anywhere.
    const LATE_MAX: u16 = 32;
    let back = other.wrapping_sub(frame);
    0 < back && back < LATE_MAX
}

impl vp8::Descriptor {
    /// Its place among the layers.
    #[inline]
    pub(crate) const fn frame(&self, marker: bool) -> Frame {
        let temporal = match self.temporal_layer {
            Some(layer) => layer,
            None => 0,
        };
        Frame {
            key: self.key_frame,
            starts: self.start_of_frame,
            ends: marker,
            layers: crate::rtp::frame::Layers { spatial: 0, temporal },
            up: if self.layer_sync { UpSwitch::Sync } else { UpSwitch::No },
        }
    }
}

#[cfg(test)]
mod tests;
