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
    /// The number of that key frame.
    structure_frame: u16,
    /// The size of each spatial layer, smallest first.
    resolutions: [Option<Resolution>; SPATIAL_LAYERS_MAX],
}

impl FrameReader {
    /// Reads a payload, or the dependency descriptor that came with it.
    ///
    /// # Errors
    /// What is malformed; the packet must not be forwarded.
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
            let layers = structure.resolutions.iter().take(usize::from(structure.spatial_layers));
            for (spatial, resolution) in layers.enumerate() {
                self.learn(spatial, Some(*resolution).filter(|resolution| resolution.height > 0));
            }
        }
        Ok((descriptor.frame(), Numbers::Vp9(descriptor.ids)))
    }

    fn read_descriptor(&mut self, value: &[u8]) -> Result<(Frame, Numbers), RtpError> {
        let mut late = None;
        // A key frame that was overtaken by the next one must not bring the templates before it back.
        let is_late = self.structure.is_some() && is_before(value, self.structure_frame);
        let known = if is_late { &mut late } else { &mut self.structure };
        let parsed = Descriptor::parse(value, known);
        let (Ok(descriptor), Some(structure)) = (parsed, known.as_deref()) else {
            // The packet that brought its structure is lost or late. It is part of what a viewer of the lowest layer
            // gets, so that nobody misses it.
            let &[flags, high, low, ..] = value else {
                return Err(RtpError::Truncated("the dependency descriptor"));
            };
            let frame = u16::from_be_bytes([high, low]);
            let place = Frame { starts: flags & 0x80 != 0, ends: flags & 0x40 != 0, ..Frame::default() };
            return Ok((place, Numbers::Descriptor(FrameNumbers { frame, templates: None })));
        };
        if descriptor.brings_structure && !is_late {
            self.structure_frame = descriptor.frame_number;
            for spatial in 0..SPATIAL_LAYERS_MAX {
                self.resolutions[spatial] = structure.resolution(spatial as u8);
            }
        }
        Ok((descriptor.frame(structure), Numbers::Descriptor(descriptor.numbers(structure))))
    }
}

/// Whether the value brings a structure and its frame came shortly before this one.
fn is_before(value: &[u8], frame: u16) -> bool {
    /// An encoder that began anew may number its frames anywhere.
    const LATE_MAX: u16 = 32;
    let &[_, high, low, flags, ..] = value else { return false };
    let back = frame.wrapping_sub(u16::from_be_bytes([high, low]));
    flags & 0x80 != 0 && (1..LATE_MAX).contains(&back)
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
