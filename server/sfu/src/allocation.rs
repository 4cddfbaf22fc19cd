//! What each slot of one viewer shows when the connection does not carry the best of everything.
//!
//! Audio is reserved before anything here is asked. Then every visible tile gets its cheapest quality, in order of
//! importance; what does not fit is paused. What is left buys the raise with the most utility a bit, again and again:
//! utility grows with the area of the tile and its priority, and screens come before cameras.
//!
//! The [`Allocator`] around it keeps the result still: it goes down at once when the estimate falls, and up only when
//! the estimate has been well above the sum for a while and a probe has shown that the connection carries it.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A raise needs an estimate this many percent of what would then be sent.
const RAISE_PERCENT: u64 = 115;
/// For at least this long, once something had to be lowered.
const HOLD_MIN: Duration = Duration::from_secs(1);
/// Each raise that did not last doubles the time, up to this.
const HOLD_MAX: Duration = Duration::from_secs(32);
/// A raise that was taken back within this time did not last.
const LASTING: Duration = Duration::from_secs(10);
/// Layers are variable: what is shown may measure this much above an estimate that did not fall.
const TOLERANCE_PERCENT: u64 = 125;
/// So much in percent of what the smallest picture takes shall not be given up for loss alone: enough for its raise, and
/// for its variation.
const LEAST_PERCENT: u64 = 125;
/// Estimates that are remembered at most; the oldest are forgotten, which makes a raise no earlier.
const SAMPLES_MAX: usize = 256;

/// One way to show a source: a simulcast stream, or one of its spatial and temporal layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quality {
    /// What it takes, in bit/s.
    pub(crate) bps: u64,
    /// Height of the picture in pixels.
    pub(crate) height: u16,
    /// Its frame rate in percent of the source's best.
    pub(crate) frame_rate_percent: u8,
}

/// What one slot could show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    /// Larger wins.
    pub(crate) priority: u8,
    /// A screen: text must be readable before faces are sharp.
    pub(crate) is_screen: bool,
    /// Height of the tile in pixels.
    pub(crate) tile_height: u16,
    /// Cheapest first; the last is the best that makes sense in the tile. Empty when there is nothing to show.
    pub(crate) qualities: Vec<Quality>,
}

/// What the connection carries beside audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// The estimate, in bit/s.
    pub(crate) estimate_bps: u64,
    /// What a probe or the traffic itself has shown since the estimate last fell, in bit/s.
    pub(crate) proven_bps: u64,
}

/// The choice for all slots of one viewer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Allocation {
    /// For each demand the index of its quality; nothing when it has none or is paused.
    pub(crate) chosen: Vec<Option<usize>>,
    /// What the next raise takes altogether, in bit/s, with the margin it needs; nothing when all is at its best.
    pub(crate) next_bps: Option<u64>,
    /// What the best of everything takes, in bit/s.
    pub(crate) best_bps: u64,
    /// What one picture takes at its smallest, the dearest of them, with a margin, in bit/s. One and not all: where a
    /// connection drops without queueing what exceeds its rate, all of them would keep it overloaded.
    pub(crate) least_bps: u64,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Allocator {
    /// What may be spent. It follows the estimate down at once, and up slowly.
    limit_bps: Option<u64>,
    /// Estimates of the last [`Self::hold`] that no later one undercut: the first is their minimum.
    minima: VecDeque<(Instant, u64)>,
    hold: Duration,
    raised_at: Option<Instant>,
    lowered_at: Option<Instant>,
    /// What is shown now, and what it was chosen for.
    held: Vec<Option<usize>>,
    demands: Vec<Demand>,
}

impl Default for Allocator {
    fn default() -> Self {
        Self {
            limit_bps: None,
            minima: VecDeque::new(),
            // At the start there is nothing to disturb: the first raises come as soon as probes allow.
            hold: Duration::ZERO,
            raised_at: None,
            lowered_at: None,
            held: Vec::new(),
            demands: Vec::new(),
        }
    }
}

impl Allocator {
    /// The choice at `now`. Without a capacity everybody gets the best.
    pub(crate) fn allocate(
        &mut self,
        now: Instant,
        demands: Vec<Demand>,
        capacity: Option<Capacity>,
    ) -> Allocation {
        let best_bps = demands.iter().filter_map(|demand| demand.qualities.last()).map(|best| best.bps).sum();
        let least_bps = least_bps(&demands);
        let Some(capacity) = capacity else {
            (self.limit_bps, self.held) = (None, best(&demands));
            self.demands = demands;
            return Allocation { chosen: self.held.clone(), next_bps: None, best_bps, least_bps };
        };
        let limit_bps = self.limit(now, capacity);
        let fresh = fit(&demands, limit_bps);
        let held_bps = sum_bps(&demands, &self.held);
        let is_same = same_shape(&demands, &self.demands);
        let has_fallen = self.lowered_at == Some(now);
        let tolerated = if has_fallen { 100 } else { TOLERANCE_PERCENT };
        let holds = is_same && held_bps * 100 <= capacity.estimate_bps * tolerated;
        // While what is shown still holds, it is replaced by more only.
        if !holds || sum_bps(&demands, &fresh) > held_bps {
            if is_same && sum_bps(&demands, &fresh) > held_bps {
                self.raised_at = Some(now);
            }
            self.held = fresh;
        }
        self.demands = demands;
        let next_bps = next_bps(&self.demands, &self.held);
        Allocation { chosen: self.held.clone(), next_bps, best_bps, least_bps }
    }

    /// What is sent when everything is as it was last chosen, in bit/s.
    pub(crate) fn held_bps(&self) -> u64 {
        sum_bps(&self.demands, &self.held)
    }

    /// What may be spent now.
    fn limit(&mut self, now: Instant, capacity: Capacity) -> u64 {
        let estimate_bps = capacity.estimate_bps;
        self.minima.retain(|(_, minimum)| *minimum < estimate_bps);
        self.minima.push_back((now, estimate_bps));
        while self.minima.len() > SAMPLES_MAX
            || self.minima.len() > 1
                && self.minima.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) >= self.hold)
        {
            self.minima.pop_front();
        }
        let supported_bps =
            self.lowest_bps(now).map_or(0, |bps| (bps * 100 / RAISE_PERCENT).min(capacity.proven_bps));
        let limit_bps = match self.limit_bps {
            None => estimate_bps,
            Some(limit_bps) if estimate_bps < limit_bps => {
                self.lower(now, estimate_bps);
                estimate_bps
            }
            Some(limit_bps) => limit_bps.max(supported_bps),
        };
        self.limit_bps = Some(limit_bps);
        limit_bps
    }

    /// The least estimate of the last [`Self::hold`]; nothing while it is not known for so long.
    fn lowest_bps(&self, now: Instant) -> Option<u64> {
        let rested = self.lowered_at.is_none_or(|at| now.saturating_duration_since(at) >= self.hold);
        self.minima.front().filter(|_| rested).map(|(_, bps)| *bps)
    }

    /// The estimate fell below the limit: if that takes back a raise, the next one waits longer.
    fn lower(&mut self, now: Instant, estimate_bps: u64) {
        if self.held_bps() <= estimate_bps {
            return;
        }
        self.lowered_at = Some(now);
        let failed = self.raised_at.take().is_some_and(|at| now.saturating_duration_since(at) < LASTING);
        self.hold = if failed { (self.hold * 2).clamp(HOLD_MIN, HOLD_MAX) } else { HOLD_MIN };
    }
}

/// Whether the same tiles could show the same qualities, whatever these take at the moment.
fn same_shape(demands: &[Demand], others: &[Demand]) -> bool {
    let shape = |demand: &Demand| (demand.priority, demand.is_screen, demand.tile_height);
    let qualities = |demand: &Demand, other: &Demand| {
        let pairs = demand.qualities.iter().zip(&other.qualities);
        demand.qualities.len() == other.qualities.len()
            && pairs.into_iter().all(|(one, other)| {
                (one.height, one.frame_rate_percent) == (other.height, other.frame_rate_percent)
            })
    };
    demands.len() == others.len()
        && demands.iter().zip(others).all(|(one, other)| shape(one) == shape(other) && qualities(one, other))
}

fn best(demands: &[Demand]) -> Vec<Option<usize>> {
    demands.iter().map(|demand| demand.qualities.len().checked_sub(1)).collect()
}

fn least_bps(demands: &[Demand]) -> u64 {
    let cheapest = demands.iter().filter_map(|demand| demand.qualities.first());
    cheapest.map(|quality| quality.bps).max().unwrap_or_default() * LEAST_PERCENT / 100
}

fn sum_bps(demands: &[Demand], chosen: &[Option<usize>]) -> u64 {
    let pairs = demands.iter().zip(chosen);
    pairs.filter_map(|(demand, chosen)| demand.qualities.get((*chosen)?)).map(|quality| quality.bps).sum()
}

/// The best choice that takes at most `limit_bps`.
fn fit(demands: &[Demand], limit_bps: u64) -> Vec<Option<usize>> {
    let mut chosen = vec![None; demands.len()];
    let mut left_bps = limit_bps;
    let mut order: Vec<usize> = (0..demands.len()).collect();
    order.sort_by_key(|at| {
        let demand = &demands[*at];
        Reverse((demand.is_screen, demand.priority, demand.tile_height))
    });
    for at in order {
        if let Some(cheapest) = demands[at].qualities.first()
            && cheapest.bps <= left_bps
        {
            left_bps -= cheapest.bps;
            chosen[at] = Some(0);
        }
    }
    for screens in [true, false] {
        while let Some((at, to)) = best_raise(demands, &chosen, screens, left_bps) {
            left_bps -= extra_bps(&demands[at], chosen[at], to);
            chosen[at] = Some(to);
        }
    }
    chosen
}

/// The raise with the most utility a bit among those that fit: which demand, and to which quality.
fn best_raise(
    demands: &[Demand],
    chosen: &[Option<usize>],
    screens: bool,
    left_bps: u64,
) -> Option<(usize, usize)> {
    let mut best: Option<(f64, usize, usize)> = None;
    for (at, demand) in demands.iter().enumerate().filter(|(_, demand)| demand.is_screen == screens) {
        let Some(from) = chosen[at] else { continue };
        for to in from + 1..demand.qualities.len() {
            let extra_bps = extra_bps(demand, Some(from), to);
            if extra_bps > left_bps {
                continue;
            }
            let gain = utility(demand, to) - utility(demand, from);
            let slope = gain / extra_bps.max(1) as f64;
            if gain > 0.0 && best.is_none_or(|(best, ..)| slope > best) {
                best = Some((slope, at, to));
            }
        }
    }
    best.map(|(_, at, to)| (at, to))
}

fn extra_bps(demand: &Demand, from: Option<usize>, to: usize) -> u64 {
    let bps = |at: usize| demand.qualities.get(at).map_or(0, |quality| quality.bps);
    bps(to).saturating_sub(from.map_or(0, bps))
}

/// How much one quality is worth in its tile: sharpness up to the tile's size, with less and less gain, times
/// smoothness; by the area that the viewer gave it.
fn utility(demand: &Demand, at: usize) -> f64 {
    let Some(quality) = demand.qualities.get(at) else { return 0.0 };
    let tile = f64::from(demand.tile_height.max(1));
    let sharpness = (f64::from(quality.height) / tile).min(1.0).sqrt();
    let smoothness = (f64::from(quality.frame_rate_percent) / 100.0).sqrt();
    // An extra for position keeps the order of qualities when two look alike in this tile.
    let order = at as f64 * 1e-6;
    tile * tile * (1.0 + f64::from(demand.priority)) * (sharpness * smoothness + order)
}

/// What everything takes after the cheapest raise of any demand, with the margin that a raise needs.
fn next_bps(demands: &[Demand], chosen: &[Option<usize>]) -> Option<u64> {
    let extra = |(demand, chosen): (&Demand, &Option<usize>)| {
        let to = chosen.map_or(0, |at| at + 1);
        (to < demand.qualities.len()).then(|| extra_bps(demand, *chosen, to))
    };
    let least = demands.iter().zip(chosen).filter_map(extra).min()?;
    Some((sum_bps(demands, chosen) + least) * RAISE_PERCENT / 100)
}

#[cfg(test)]
mod tests;
