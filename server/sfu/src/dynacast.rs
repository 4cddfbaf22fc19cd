//! Which layers of what somebody publishes are asked of the sender: those that a viewer could use. All others are
//! paused there, so that they cost neither its processor nor its uplink ("dynacast").
//!
//! A layer is on at once when it is wanted, and off only after nobody wanted it for [`LINGER`]. See
//! `server/adr/0013-dynacast.md`.

use std::time::{Duration, Instant};

use crate::layer::{self, Layer};

/// How long a layer goes on being sent that nobody wants: tiles change their size for a moment all the time, and
/// a layer that is switched on costs a key frame on all of them.
pub(crate) const LINGER: Duration = Duration::from_secs(4);
/// A layer that was resumed is waited for this long; then what is sent decides. libwebrtc may never send a
/// layer that its own bandwidth estimate does not allow.
pub(crate) const RESUME: Duration = Duration::from_secs(2);
/// In rooms of two up to this many people the smallest layer of everything is always sent: whoever joins sees
/// somebody at once, and it is cheap. Alone in a room, nothing is sent; it begins when somebody joins.
pub(crate) const KEPT_PEOPLE_MAX: usize = 4;
/// Most layers of one publication that are told apart; further ones are always sent.
const LAYERS_MAX: usize = 8;

/// Heights, in pixels, that a sender of one stream may be told to keep to: those of the smaller layers of a 720p camera.
const SIZES: [u16; 2] = [180, 360];

/// Some of the layers of one publication, by their position in the offer. What is one stream has sizes in their place: one up to
/// each of [`SIZES`], and everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LayerSet(u8);

impl LayerSet {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(u8::MAX);

    pub(crate) const fn contains(self, layer: usize) -> bool {
        layer >= LAYERS_MAX || self.0 & 1 << layer != 0
    }

    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn insert(&mut self, layer: usize) {
        if layer < LAYERS_MAX {
            self.0 |= 1 << layer;
        }
    }

    const fn remove(&mut self, layer: usize) {
        if layer < LAYERS_MAX {
            self.0 &= !(1 << layer);
        }
    }
}

/// What one viewer asks of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Demand {
    /// Height of the tile in pixels.
    pub(crate) max_height: u16,
    /// When its connection does not carry the best for the tile: the most it may carry soon.
    pub(crate) raise: Option<usize>,
    /// The layer that flows to it now: it goes on until another one has begun.
    pub(crate) shown: Option<usize>,
}

/// The layers that a viewer could use: the best for its tile, or the next raise when its connection does not carry
/// that; and everything below, because it may carry less at any time.
///
/// `layers` are all layers of the publication, sent or not.
pub(crate) fn usable(layers: &[Layer], demand: Demand) -> LayerSet {
    let order = by_size(layers);
    let is_any_known = layers.iter().any(|layer| layer.height.is_some());
    // Whoever cannot tell the sizes apart must get the best, in case it is the right one.
    let best = if is_any_known { layer::choose(layers, demand.max_height) } else { order.last().copied() };
    let place = |at: usize| order.iter().position(|other| *other == at);
    let Some(mut last) = best.and_then(place) else { return LayerSet::NONE };
    let place_of = |rank: usize| place(layers.iter().position(|layer| layer.rank == rank)?);
    if let Some(raise) = demand.raise.and_then(place_of) {
        last = last.min(raise);
    }
    let shown = demand.shown.and_then(place_of);
    order[..=last].iter().chain(shown.map(|at| &order[at])).fold(LayerSet::NONE, |mut set, at| {
        set.insert(layers[*at].rank);
        set
    })
}

/// The sizes of one stream that a viewer could use: the least that fills its tile, and all below. What the connection
/// carries does not matter: within one stream that is chosen from layers which must be there.
pub(crate) fn usable_sizes(tile_height: u16) -> LayerSet {
    let largest = SIZES.iter().position(|size| tile_height <= *size).unwrap_or(SIZES.len());
    (0..=largest).fold(LayerSet::NONE, |mut set, size| {
        set.insert(size);
        set
    })
}

/// The height of the largest size that is asked for; nothing when it is everything.
pub(crate) fn max_height(asked: LayerSet) -> Option<u16> {
    if asked.contains(SIZES.len()) {
        return None;
    }
    SIZES.iter().enumerate().rfind(|(size, _)| asked.contains(*size)).map(|(_, height)| *height)
}

/// The smallest layer alone.
pub(crate) fn smallest(layers: &[Layer]) -> LayerSet {
    let mut set = LayerSet::NONE;
    if let Some(at) = by_size(layers).first() {
        set.insert(layers[*at].rank);
    }
    set
}

/// Places in `layers`, smallest picture first: by height once all are known, because nothing obliges a client to
/// offer its layers in this order.
fn by_size(layers: &[Layer]) -> Vec<usize> {
    let is_known = layers.iter().all(|layer| layer.height.is_some());
    let mut order: Vec<usize> = (0..layers.len()).collect();
    order.sort_by_key(|at| (layers[*at].height.filter(|_| is_known), layers[*at].rank));
    order
}

/// What is asked of the sender of one publication. Starts with everything, as senders do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dynacast {
    asked: LayerSet,
    unwanted_since: [Option<Instant>; LAYERS_MAX],
    resumed_at: [Option<Instant>; LAYERS_MAX],
}

impl Default for Dynacast {
    fn default() -> Self {
        Self { asked: LayerSet::ALL, unwanted_since: [None; LAYERS_MAX], resumed_at: [None; LAYERS_MAX] }
    }
}

impl Dynacast {
    /// The layers that are wanted now. Returns whether one was resumed by this.
    pub(crate) fn want(&mut self, now: Instant, wanted: LayerSet) -> bool {
        let mut has_resumed = false;
        for layer in 0..LAYERS_MAX {
            if wanted.contains(layer) {
                self.unwanted_since[layer] = None;
                if !self.asked.contains(layer) {
                    self.asked.insert(layer);
                    self.resumed_at[layer] = Some(now);
                    has_resumed = true;
                }
            } else if now >= *self.unwanted_since[layer].get_or_insert(now) + LINGER {
                self.asked.remove(layer);
                self.resumed_at[layer] = None;
            }
        }
        has_resumed
    }

    /// What the sender shall send.
    pub(crate) const fn asked(&self) -> LayerSet {
        self.asked
    }

    /// Whether the sender was asked not to send this layer.
    pub(crate) const fn is_paused(&self, layer: usize) -> bool {
        !self.asked.contains(layer)
    }

    /// Whether this layer was resumed so lately that it may not flow yet.
    pub(crate) fn is_resuming(&self, layer: usize, now: Instant) -> bool {
        let at = self.resumed_at.get(layer).copied().flatten();
        at.is_some_and(|at| now.saturating_duration_since(at) < RESUME)
    }

    /// Whether a layer is asked for that nobody wanted for long enough: [`Self::want`] would pause it.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let unwanted = self.unwanted_since.iter().enumerate();
        unwanted
            .filter(|(layer, _)| self.asked.contains(*layer))
            .any(|(_, since)| since.is_some_and(|since| now >= since + LINGER))
    }
}

#[cfg(test)]
mod tests;
