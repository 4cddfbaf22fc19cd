//! The network behind a queue on each side, so that pieces of any length can be put through.

use std::fmt;

use nnnoiseless::DenoiseState;

use crate::resampler::Resampler;
use crate::ring::Ring;

/// Sample rates that microphones and audio contexts have (Web Audio §1.2).
pub const RATE_MIN: u32 = 8000;
/// The highest.
pub const RATE_MAX: u32 = 192_000;
/// The longest piece; worklets have 128.
pub const PIECE_MAX: usize = 1024;
/// The rate that the network was trained for.
const RATE: u32 = 48_000;
/// Samples of a frame of it: 10 ms.
const FRAME: usize = DenoiseState::FRAME_SIZE;
/// The network's numbers are those of 16 bits.
const SCALE: f32 = 32_768.0;

/// There is no suppressor for this sample rate.
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

/// See the [crate](crate).
pub struct Suppressor {
    network: Box<DenoiseState<'static>>,
    /// To 48 kHz and back, where the rate is another.
    resamplers: Option<(Resampler, Resampler)>,
    frame: [f32; FRAME],
    filled: usize,
    clean: [f32; FRAME],
    ready: Ring,
    delay: usize,
    voice: f32,
}

impl fmt::Debug for Suppressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suppressor")
            .field("delay", &self.delay)
            .field("voice", &self.voice)
            .finish_non_exhaustive()
    }
}

impl Suppressor {
    /// A suppressor for pieces of at most `piece` samples at `rate` samples a second.
    ///
    /// # Errors
    ///
    /// [`RateError`] for a rate beyond the bounds.
    ///
    /// # Panics
    ///
    /// When `piece` is 0 or more than [`PIECE_MAX`]: a worklet's is known.
    pub fn new(rate: u32, piece: usize) -> Result<Self, RateError> {
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
        // The network itself looks one frame ahead.
        let network_delay = FRAME * rate as usize / RATE as usize;
        Ok(Self {
            network: DenoiseState::new(),
            resamplers,
            frame: [0.0; FRAME],
            filled: 0,
            clean: [0.0; FRAME],
            ready,
            delay: held + ways + network_delay,
            voice: 0.0,
        })
    }

    /// By how many samples what comes out is later than what went in.
    #[must_use]
    pub const fn delay(&self) -> usize {
        self.delay
    }

    /// How likely the last frame was voice, from 0 to 1.
    #[must_use]
    pub const fn voice(&self) -> f32 {
        self.voice
    }

    /// Puts the next samples through, from −1 to 1, in place. What is no number counts as silence.
    pub fn process(&mut self, samples: &mut [f32]) {
        for sample in samples.iter_mut() {
            let clean = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
            self.take(clean);
        }
        for sample in samples {
            *sample = self.ready.pop().unwrap_or(0.0);
        }
    }

    fn take(&mut self, sample: f32) {
        let Self { network, resamplers, frame, filled, clean, ready, voice, .. } = self;
        let Some((inward, outward)) = resamplers else {
            collect(sample, frame, filled, |frame| {
                *voice = network.process_frame(clean, frame);
                clean.iter().for_each(|sample| ready.push(sample / SCALE));
            });
            return;
        };
        inward.push(sample, |sample| {
            collect(sample, frame, filled, |frame| {
                *voice = network.process_frame(clean, frame);
                for sample in clean.iter() {
                    outward.push(sample / SCALE, |sample| ready.push(sample));
                }
            });
        });
    }
}

/// Adds a sample to the frame, and gives `done` the frame when it is full.
fn collect(sample: f32, frame: &mut [f32; FRAME], filled: &mut usize, done: impl FnOnce(&[f32; FRAME])) {
    frame[*filled] = sample * SCALE;
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

    /// Numbers that sound like noise (Marsaglia's xorshift).
    fn noise(len: usize) -> Vec<f32> {
        let mut state = 0x9e37_79b9_u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as f32 / (u32::MAX as f32 / 2.0) - 1.0
        };
        (0..len).map(|_| 0.05 * next()).collect()
    }

    fn decibels(samples: &[f32]) -> f32 {
        10.0 * (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32 + 1e-12)
            .log10()
    }

    #[test]
    fn steady_noise_falls_at_every_rate() {
        // Half of the noise at 96 kHz lies above what the network hears.
        for (rate, least) in [(16_000, 15.0), (44_100, 15.0), (48_000, 15.0), (96_000, 12.0)] {
            let mut samples = noise(4 * rate as usize);
            let before = decibels(&samples[3 * rate as usize..]);
            let mut suppressor = Suppressor::new(rate, 128).unwrap();
            samples.chunks_mut(128).for_each(|piece| suppressor.process(piece));
            let after = decibels(&samples[3 * rate as usize..]);
            assert!(before - after > least, "{rate} Hz: {before} to {after} dB");
            assert!(suppressor.voice() < 0.5);
        }
    }

    /// The fewest samples that are left when a piece has been given, in so many pieces.
    fn least_left(rate: u32, piece: usize, pieces: usize) -> usize {
        let mut suppressor = Suppressor::new(rate, piece).unwrap();
        let left = (0..pieces).map(|_| {
            (0..piece).for_each(|_| suppressor.take(0.1));
            for _ in 0..piece {
                assert!(suppressor.ready.pop().is_some(), "{rate} Hz in pieces of {piece}");
            }
            suppressor.ready.len()
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

    #[test]
    fn the_delay_at_48_khz_is_19_3_milliseconds() {
        let suppressor = Suppressor::new(48_000, 128).unwrap();
        assert_eq!(suppressor.delay(), 448 + 480);
    }

    #[test]
    fn other_rates_are_refused() {
        for rate in [0, 7999, 192_001, u32::MAX] {
            assert_eq!(Suppressor::new(rate, 128).unwrap_err(), RateError(rate));
        }
    }

    #[test]
    fn what_is_no_number_is_silence() {
        let mut suppressor = Suppressor::new(48_000, 128).unwrap();
        let mut samples = [f32::NAN, f32::INFINITY, -9.0, 0.5].repeat(480);
        samples.chunks_mut(128).for_each(|piece| suppressor.process(piece));
        assert!(samples.iter().all(|sample| sample.is_finite()));
    }
}
