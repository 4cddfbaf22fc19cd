//! RNNoise behind a queue on each side, so that pieces of any length can be put through.

use std::fmt;

use nnnoiseless::DenoiseState;

use crate::framing::{FRAME, Framing, RateError};

/// The network was trained on numbers of 16 bits and on a spectrum divided by the length of the window (960, RNNoise's
/// `kiss_fft`); this implementation divides by the window's energy (480), so that the same sound has to come in half as loud.
const SCALE: f32 = 16_384.0;

/// See the [crate](crate).
pub struct Suppressor {
    network: Box<DenoiseState<'static>>,
    framing: Framing,
    scaled: [f32; FRAME],
    voice: f32,
}

impl fmt::Debug for Suppressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suppressor")
            .field("delay", &self.delay())
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
    /// When `piece` is 0 or more than [`PIECE_MAX`](crate::PIECE_MAX): a worklet's is known.
    pub fn new(rate: u32, piece: usize) -> Result<Self, RateError> {
        let framing = Framing::new(rate, piece)?;
        rehearse();
        Ok(Self { network: DenoiseState::new(), framing, scaled: [0.0; FRAME], voice: 0.0 })
    }

    /// By how many samples what comes out is later than what went in.
    #[must_use]
    pub const fn delay(&self) -> usize {
        // The network itself looks one frame ahead.
        self.framing.delay(FRAME)
    }

    /// How likely the last frame was voice, from 0 to 1.
    #[must_use]
    pub const fn voice(&self) -> f32 {
        self.voice
    }

    /// Puts the next samples through, from −1 to 1, in place. What is no number counts as silence.
    pub fn process(&mut self, samples: &mut [f32]) {
        let Self { network, framing, scaled, voice } = self;
        framing.process(samples, |frame, clean| {
            scaled.iter_mut().zip(frame).for_each(|(scaled, sample)| *scaled = sample * SCALE);
            *voice = network.process_frame(clean, scaled);
            clean.iter_mut().for_each(|sample| *sample /= SCALE);
        });
    }
}

/// Puts frames through another network that is forgotten. The first ones make tables for transforms: they shall not take memory
/// later, because a worklet's view of the module's memory ends when that grows.
fn rehearse() {
    let mut network = DenoiseState::new();
    let mut clean = [0.0; FRAME];
    let loud: [f32; FRAME] = std::array::from_fn(|at| if at % 100 < 50 { SCALE / 4.0 } else { -SCALE / 4.0 });
    for _ in 0..4 {
        network.process_frame(&mut clean, &loud);
    }
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
        for (rate, least) in [(16_000, 9.0), (44_100, 9.0), (48_000, 9.0), (96_000, 4.0)] {
            let mut samples = noise(4 * rate as usize);
            let before = decibels(&samples[3 * rate as usize..]);
            let mut suppressor = Suppressor::new(rate, 128).unwrap();
            samples.chunks_mut(128).for_each(|piece| suppressor.process(piece));
            let after = decibels(&samples[3 * rate as usize..]);
            assert!(before - after > least, "{rate} Hz: {before} to {after} dB");
            assert!(suppressor.voice() < 0.5);
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
