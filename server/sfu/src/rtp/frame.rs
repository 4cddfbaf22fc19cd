//! What forwarding must know of a packet whatever its codec: its place among the layers, and the numbers to rewrite.

use super::picture;

/// Most spatial layers that are told apart; the dependency descriptor can name no more.
pub const SPATIAL_LAYERS_MAX: usize = 4;
/// Most temporal layers that are told apart.
pub const TEMPORAL_LAYERS_MAX: usize = 4;

/// A spatial and a temporal layer: a viewer at one receives it and all below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Layers {
    /// Size: 0 is the smallest picture.
    pub spatial: u8,
    /// Rate: 0 is the slowest.
    pub temporal: u8,
}

impl Layers {
    /// Everything that is sent.
    pub const ALL: Self = Self { spatial: 7, temporal: 7 };

    /// Whether a viewer at these layers receives `frame`.
    #[inline]
    #[must_use]
    pub const fn include(self, frame: Self) -> bool {
        frame.spatial <= self.spatial && frame.temporal <= self.temporal
    }
}

/// How far a viewer of few temporal layers may go up at a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpSwitch {
    /// Not at all.
    #[default]
    No,
    /// One layer, to that of the frame: it refers to nothing above the layer below (VP8's Y).
    Sync,
    /// To this layer, for whoever receives the frame (VP9's U, the switch indication of a dependency descriptor).
    To(u8),
}

/// The place of a packet among the layers of its stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// It is the first packet of a key picture: a viewer can begin here.
    pub key: bool,
    /// It is the first packet of a frame, that is of one spatial layer of one picture.
    pub starts: bool,
    /// It is the last packet of a frame.
    pub ends: bool,
    /// The layer of the frame.
    pub layers: Layers,
    /// How far a viewer may go up in time.
    pub up: UpSwitch,
}

impl Frame {
    /// Two bytes; the upper two bits of the first are free.
    #[inline]
    pub(crate) const fn encode(self) -> [u8; 2] {
        let up = match self.up {
            UpSwitch::No => 0,
            UpSwitch::Sync => 0x08,
            UpSwitch::To(layer) => 0x80 | (layer & 7) << 4,
        };
        let flags = self.key as u8 | (self.starts as u8) << 1 | (self.ends as u8) << 2;
        [flags | (self.layers.spatial & 7) << 3, self.layers.temporal & 7 | up]
    }

    #[inline]
    pub(crate) const fn decode([flags, temporal]: [u8; 2]) -> Self {
        let up = match temporal {
            0x80.. => UpSwitch::To(temporal >> 4 & 7),
            _ if temporal & 0x08 != 0 => UpSwitch::Sync,
            _ => UpSwitch::No,
        };
        Self {
            key: flags & 1 != 0,
            starts: flags & 2 != 0,
            ends: flags & 4 != 0,
            layers: Layers { spatial: flags >> 3 & 7, temporal: temporal & 7 },
            up,
        }
    }
}

/// The numbers in a packet that must continue when a slot switches its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// There are none: audio, and H264 and AV1 without dependency descriptor.
    #[default]
    None,
    /// Picture id and TL0PICIDX of VP8. Ids close up over pictures that are left out.
    Vp8(picture::Ids),
    /// The same of VP9. References are differences of picture ids, so these keep their distances.
    Vp9(picture::Ids),
    /// Those of a dependency descriptor. References are differences of frame numbers, so these keep their distances.
    Descriptor(FrameNumbers),
}

/// The numbers of a dependency descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameNumbers {
    /// The frame number.
    pub frame: u16,
    /// The template ids of the structure that the packet brings.
    pub templates: Option<Templates>,
}

/// The template ids of a structure: these and the following ones, modulo 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Templates {
    /// The first.
    pub first: u8,
    /// How many, 1 to 64.
    pub count: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_its_two_bytes() {
        let ups = [UpSwitch::No, UpSwitch::Sync, UpSwitch::To(0), UpSwitch::To(7)];
        for (at, up) in ups.into_iter().enumerate() {
            for bits in 0..64u8 {
                let frame = Frame {
                    key: bits & 1 != 0,
                    starts: bits & 2 != 0,
                    ends: bits & 4 != 0,
                    layers: Layers { spatial: bits >> 3, temporal: at as u8 },
                    up,
                };
                assert_eq!(Frame::decode(frame.encode()), frame);
            }
        }
    }
}
