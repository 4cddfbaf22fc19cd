//! Frames of 10 ms at 48 kHz, made of pieces of any length at any sample rate, and pieces made of frames again.

use std::fmt;

use crate::resampler::Resampler;
use crate::ring::Ring;

/// Sample rates that microphones and audio contexts have (Web Audio §1.2).
pub const RATE_MIN: u32 = 8000;
/// The highest.
pub const RATE_MAX: u32 = 192_000;
/// The longest piece; worklets have 128.
pub const PIECE_MAX: usize = 1024;
/// The rate that networks are trained for.
pub(crate) const RATE: u32 = 48_000;
/// Samples of a frame: 10 ms.
pub const FRAME: usize = 480;

/// Nothing is there for this sample rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateError(
    /// What was asked for.
    pub u32,
);

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the sample rate {} is not between {RATE_MIN} and {RATE_MAX}", self.0)
    }
}

impl std::error::Error for RateError {}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Framing {
    /// To 48 kHz and back, where the rate is another.
    resamplers: Option<(Resampler, Resampler)>,
    frame: [f32; FRAME],
    filled: usize,
    result: [f32; FRAME],
    ready: Ring,
    delay: usize,
    rate: u32,
}

impl Framing {
    /// For pieces of at most `piece` samples at `rate` samples a second.
    ///
    /// # Errors
    ///
    /// [`RateError`] for a rate beyond the bounds.
    ///
    /// # Panics
    ///
    /// When `piece` is 0 or more than [`PIECE_MAX`]: a worklet's is known.
    pub(crate) fn new(rate: u32, piece: usize) -> Result<Self, RateError> {
        if !(RATE_MIN..=RATE_MAX).contains(&rate) {
            return Err(RateError(rate));
        }
        assert!((1..=PIECE_MAX).contains(&piece), "pieces of {piece} samples");
        let resamplers = (rate != RATE).then(|| (Resampler::new(rate, RATE), Resampler::new(RATE, rate)));
        let held = held(rate, piece, resamplers.as_ref());
        let mut ready = Ring::new(held + 2 * (FRAME * rate as usize / RATE as usize + PIECE_MAX));
        (0..held).for_each(|_| ready.push(0.0));
        let ways = resamplers
            .as_ref()
            .map_or(0, |(inward, outward)| inward.delay() + outward.delay() * rate as usize / RATE as usize);
        Ok(Self {
            resamplers,
            frame: [0.0; FRAME],
            filled: 0,
            result: [0.0; FRAME],
            ready,
            delay: held + ways,
            rate,
        })
    }

    /// By how many samples what comes out is later than what went in, when frames come out `late` samples of 48 kHz late.
    pub(crate) const fn delay(&self, late: usize) -> usize {
        self.delay + late * self.rate as usize / RATE as usize
    }

    /// Puts the next samples through, from −1 to 1, in place; `through` makes of each frame the one that comes out. What is no
    /// number counts as silence.
    pub(crate) fn process(
        &mut self,
        samples: &mut [f32],
        mut through: impl FnMut(&[f32; FRAME], &mut [f32; FRAME]),
    ) {
        for sample in samples.iter_mut() {
            let clean = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
            self.take(clean, &mut through);
        }
        for sample in samples {
            *sample = self.ready.pop().unwrap_or(0.0);
        }
    }

    fn take(&mut self, sample: f32, through: &mut impl FnMut(&[f32; FRAME], &mut [f32; FRAME])) {
        let Self { resamplers, frame, filled, result, ready, .. } = self;
        let Some((inward, outward)) = resamplers else {
            collect(sample, frame, filled, |frame| {
                through(frame, result);
                result.iter().for_each(|sample| ready.push(*sample));
            });
            return;
        };
        inward.push(sample, |sample| {
            collect(sample, frame, filled, |frame| {
                through(frame, result);
                for sample in result.iter() {
                    outward.push(*sample, |sample| ready.push(sample));
                }
            });
        });
    }
}

/// Adds a sample to the frame, and gives `done` the frame when it is full.
fn collect(sample: f32, frame: &mut [f32; FRAME], filled: &mut usize, done: impl FnOnce(&[f32; FRAME])) {
    frame[*filled] = sample;
    *filled += 1;
    if *filled == FRAME {
        *filled = 0;
        done(frame);
    }
}

/// How many samples have to wait at the beginning so that there is always one to give.
fn held(rate: u32, piece: usize, resamplers: Option<&(Resampler, Resampler)>) -> usize {
    let gcd = |mut one: usize, mut other: usize| {
        while other > 0 {
            (one, other) = (other, one % other);
        }
        one
    };
    // Pieces and frames, in parts of a sample, end together only so often.
    let (frame, piece) = (FRAME * rate as usize, piece * RATE as usize);
    let waits = (frame - gcd(frame, piece)).div_ceil(RATE as usize);
    // Resampling there and back rounds twice.
    waits + if resamplers.is_some() { 2 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fewest samples that are left when a piece has been given, in so many pieces.
    fn least_left(rate: u32, piece: usize, pieces: usize) -> usize {
        let mut framing = Framing::new(rate, piece).unwrap();
        let left = (0..pieces).map(|_| {
            (0..piece).for_each(|_| framing.take(0.1, &mut |_, _| ()));
            for _ in 0..piece {
                assert!(framing.ready.pop().is_some(), "{rate} Hz in pieces of {piece}");
            }
            framing.ready.len()
        });
        left.min().unwrap()
    }

    #[test]
    fn there_is_always_a_sample_to_give_whatever_the_rate_and_the_piece() {
        for rate in [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000] {
            for piece in [1, 64, 100, 441, 480, 1024] {
                least_left(rate, piece, (rate as usize / 4).div_ceil(piece));
            }
        }
    }

    #[test]
    fn in_a_worklet_nothing_is_held_back_longer_than_needed() {
        for rate in [8000, 16_000, 44_100, 48_000, 96_000] {
            let left = least_left(rate, 128, 480);
            assert!(left <= 4, "{rate} Hz: {left} samples more than needed");
        }
    }
}
