//! Which packets of a layered stream a slot passes on: layers at or below what is chosen for it.
//!
//! Down goes at once, with the next picture; all lower layers have been passed on, so nothing is missing. Up goes where the
//! stream allows it: to any layer at a key picture, to a higher temporal layer where the frame says so ([`UpSwitch`]).
//! Late packets are judged by what was in force for their picture.

use crate::rtp::frame::{Frame, Layers, UpSwitch};

/// Changes that are remembered for late packets; what is older is left out.
const CHANGES: usize = 4;

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is passed on; the last one of the highest layer that is passed on ends the picture.
    Pass {
        /// For the marker bit.
        ends_picture: bool,
    },
    /// It is left out.
    Leave,
}

/// From which picture on which layers are passed on.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    timestamp: u32,
    layers: Layers,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct LayerFilter {
    /// Newest first.
    changes: [Option<Change>; CHANGES],
    /// The timestamp of the newest picture.
    newest: u32,
    /// Nothing can be added to the newest picture: a packet has been left out, or its end is marked.
    is_settled: bool,
}

impl LayerFilter {
    /// A slot begins to show a stream with the key picture of this timestamp.
    pub(crate) fn begin(&mut self, timestamp: u32, layers: Layers) {
        self.changes = [None; CHANGES];
        self.changes[0] = Some(Change { timestamp, layers });
        self.newest = timestamp;
        self.is_settled = false;
    }

    /// What is passed on at the moment.
    pub(crate) fn layers(&self) -> Layers {
        self.changes[0].map_or(Layers::ALL, |change| change.layers)
    }

    /// Judges one packet of the stream, in the order of arrival, given what is chosen.
    #[inline]
    pub(crate) fn judge(&mut self, timestamp: u32, frame: Frame, target: Layers) -> Verdict {
        let step = timestamp.wrapping_sub(self.newest) as i32;
        if step > 0 {
            self.newest = timestamp;
            self.is_settled = false;
            let now = self.layers();
            self.set(Layers {
                spatial: now.spatial.min(target.spatial),
                temporal: now.temporal.min(target.temporal),
            });
        }
        if step >= 0 && frame.starts && !self.is_settled {
            self.raise(frame, target);
        }
        let in_force =
            self.changes.iter().flatten().find(|change| timestamp.wrapping_sub(change.timestamp) as i32 >= 0);
        match in_force {
            Some(change) if change.layers.include(frame.layers) => {
                let ends_picture = frame.ends && frame.layers.spatial == change.layers.spatial;
                // The first packet of a key picture may come behind its last.
                self.is_settled |= ends_picture && step >= 0;
                Verdict::Pass { ends_picture }
            }
            _ => {
                self.is_settled |= step >= 0;
                Verdict::Leave
            }
        }
    }

    #[inline]
    fn raise(&mut self, frame: Frame, target: Layers) {
        let now = self.layers();
        if frame.key {
            // Only up: some of the picture may have come before its first packet and be passed on already.
            return self.set(Layers {
                spatial: now.spatial.max(target.spatial),
                temporal: now.temporal.max(target.temporal),
            });
        }
        let temporal = match frame.up {
            UpSwitch::Sync if frame.layers.temporal == now.temporal + 1 => frame.layers.temporal,
            UpSwitch::To(layer) if now.include(frame.layers) => layer,
            UpSwitch::No | UpSwitch::Sync | UpSwitch::To(_) => return,
        };
        let temporal = temporal.min(target.temporal);
        if temporal > now.temporal {
            self.set(Layers { temporal, ..now });
        }
    }

    /// From the newest picture on.
    #[inline]
    fn set(&mut self, layers: Layers) {
        if self.layers() == layers {
            return;
        }
        if self.changes[0].is_none_or(|change| change.timestamp != self.newest) {
            self.changes.copy_within(..CHANGES - 1, 1);
        }
        self.changes[0] = Some(Change { timestamp: self.newest, layers });
    }
}

#[cfg(test)]
mod tests;
