//! How much each layer of a published stream takes, measured.

use std::time::{Duration, Instant};

use crate::rate::RateMeter;
use crate::rtp::frame::{Layers, SPATIAL_LAYERS_MAX, TEMPORAL_LAYERS_MAX};

/// A layer without packets for this long is not being sent.
const LIVE: Duration = Duration::from_millis(1500);

/// Bits a second of every spatial and temporal layer. About 0.8 kB.
#[derive(Debug)]
pub(crate) struct SentLayers {
    meters: [[Meter; TEMPORAL_LAYERS_MAX]; SPATIAL_LAYERS_MAX],
    /// As many spatial layers as the last key picture has.
    announced: usize,
}

#[derive(Debug)]
struct Meter {
    rate: RateMeter,
    last: Option<Instant>,
}

impl Meter {
    fn is_live(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| now.saturating_duration_since(last) < LIVE)
    }
}

/// A step of the ladder: what a viewer at these layers receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) layers: Layers,
    /// The spatial layer alone.
    pub(crate) rank: u8,
    /// Of these layers and all below.
    pub(crate) bps: u64,
    /// In percent of the best.
    pub(crate) frame_rate_percent: u8,
}

impl SentLayers {
    pub(crate) fn new(now: Instant) -> Self {
        let meter = |_| Meter { rate: RateMeter::new(now), last: None };
        let meters = std::array::from_fn(|_| std::array::from_fn(meter));
        Self { meters, announced: SPATIAL_LAYERS_MAX }
    }

    /// A key picture says that there are this many spatial layers from now on. Those that were not there before are at once, so
    /// that a viewer can begin with them in this very picture; they take what they last took, until it is measured.
    pub(crate) fn announce(&mut self, now: Instant, spatial_layers: u8) {
        self.announced = usize::from(spatial_layers).min(SPATIAL_LAYERS_MAX);
        let announced = self.meters[..self.announced].iter_mut();
        for meters in announced.filter(|meters| !meters.iter().any(|meter| meter.is_live(now))) {
            for (temporal, meter) in meters.iter_mut().enumerate() {
                if temporal == 0 || meter.last.is_some() {
                    meter.rate.resume(now);
                    meter.last = Some(now);
                }
            }
        }
    }

    /// Counts the bytes of one packet.
    #[inline]
    pub(crate) fn add(&mut self, now: Instant, layers: Layers, bytes: usize) {
        let of_layer = self.meters.get_mut(usize::from(layers.spatial));
        if let Some(meter) = of_layer.and_then(|meters| meters.get_mut(usize::from(layers.temporal))) {
            meter.rate.add(now, bytes);
            meter.last = Some(now);
        }
    }

    /// The ways to show the stream, cheapest first: for the smallest picture all rates, for larger ones the best alone.
    /// A step costs more than the one before and shows more. Empty when nothing is sent.
    pub(crate) fn ladder(&self, now: Instant) -> Vec<Step> {
        let top = |of: fn(usize, usize) -> usize| {
            let all = self.meters[..self.announced].iter().enumerate();
            all.flat_map(|(spatial, meters)| {
                meters
                    .iter()
                    .enumerate()
                    .filter(|(_, meter)| meter.is_live(now))
                    .map(move |(temporal, _)| of(spatial, temporal))
            })
            .max()
        };
        let (Some(spatial_top), Some(temporal_top)) =
            (top(|spatial, _| spatial), top(|_, temporal| temporal))
        else {
            return Vec::new();
        };
        let step = |spatial: usize, temporal: usize| Step {
            layers: Layers { spatial: spatial as u8, temporal: temporal as u8 },
            rank: spatial as u8,
            bps: self.meters[..=spatial]
                .iter()
                .flat_map(|meters| &meters[..=temporal])
                .filter(|meter| meter.is_live(now))
                .map(|meter| meter.rate.bps())
                .sum(),
            // Each temporal layer doubles the rate (WebRTC-SVC, section 6).
            frame_rate_percent: (100 >> (temporal_top - temporal)) as u8,
        };
        let rates = (0..temporal_top).map(|temporal| step(0, temporal));
        rates.chain((0..=spatial_top).map(|spatial| step(spatial, temporal_top))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(spatial: u8, temporal: u8) -> Layers {
        Layers { spatial, temporal }
    }

    #[test]
    fn the_ladder_has_every_rate_of_the_smallest_picture_and_then_the_sizes() {
        let start = Instant::now();
        let mut sent = SentLayers::new(start);
        assert_eq!(sent.ladder(start), []);
        let mut now = start;
        for picture in 0..400usize {
            now = start + Duration::from_millis(10 * picture as u64);
            let temporal = [0, 2, 1, 2][picture % 4];
            for spatial in 0..3 {
                sent.add(now, at(spatial, temporal), 250 << spatial);
            }
        }
        let ladder = sent.ladder(now);
        let expected = [(at(0, 0), 25), (at(0, 1), 50), (at(0, 2), 100), (at(1, 2), 100), (at(2, 2), 100)];
        assert_eq!(
            ladder.iter().map(|step| (step.layers, step.frame_rate_percent)).collect::<Vec<_>>(),
            expected
        );
        assert!(ladder.is_sorted_by_key(|step| step.bps), "{ladder:?}");
        // 1750 bytes each 10 ms.
        assert!((1_300_000..1_500_000).contains(&ladder[4].bps), "{ladder:?}");
    }

    #[test]
    fn layers_that_a_key_picture_announces_come_and_go_with_it_at_the_rate_they_had() {
        let start = Instant::now();
        let mut sent = SentLayers::new(start);
        sent.announce(start, 3);
        let send = |sent: &mut SentLayers, from: Instant, spatial_layers: u8| {
            for picture in 0..200u64 {
                for spatial in 0..spatial_layers {
                    sent.add(from + Duration::from_millis(20 * picture), at(spatial, 0), 500 << spatial);
                }
            }
            from + Duration::from_secs(4)
        };
        let tops = |sent: &SentLayers, now| sent.ladder(now).iter().map(|step| step.rank).collect::<Vec<_>>();
        let now = send(&mut sent, start, 3);
        let known = sent.ladder(now)[2].bps;
        assert_eq!(tops(&sent, now), [0, 1, 2]);
        sent.announce(now, 1);
        assert_eq!(tops(&sent, now), [0], "although the others were there just now");
        let now = send(&mut sent, now, 1);
        sent.announce(now, 3);
        assert_eq!(tops(&sent, now), [0, 1, 2], "although none of their packets has come");
        let rate = sent.ladder(now)[2].bps;
        assert!(rate.abs_diff(known) < known / 100, "{rate} after {known}");
        let now = send(&mut sent, now, 3);
        let rate = sent.ladder(now)[2].bps;
        assert!(rate.abs_diff(known) < known / 10, "{rate} after {known}");
    }

    #[test]
    fn a_layer_that_is_no_longer_sent_leaves_the_ladder() {
        let start = Instant::now();
        let mut sent = SentLayers::new(start);
        sent.add(start, at(1, 0), 100);
        for ms in 0..2000 {
            sent.add(start + Duration::from_millis(ms), at(0, 0), 100);
        }
        let ladder = sent.ladder(start + Duration::from_millis(2000));
        assert_eq!(ladder.iter().map(|step| step.layers).collect::<Vec<_>>(), [at(0, 0)]);
    }
}
