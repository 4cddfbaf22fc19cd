//! What the networks hear: the levels of bands, and the lowest bins, each relative to its own recent past.

use crate::fourier::{BINS, Complex};

/// Bands of the ERB scale.
pub(crate) const BANDS: usize = 32;
/// The lowest bins, which the deep filter is for.
pub(crate) const FILTERED: usize = 96;
/// How much of the past stays with every frame: e^(−10 ms / 1 s), rounded as in training.
const KEPT: f32 = 0.99;
/// What the mean levels begin with, in decibels: from the lowest band to the highest.
const MEAN_FROM: (f32, f32) = (-60.0, -90.0);
/// What the mean magnitudes begin with.
const UNIT_FROM: (f32, f32) = (1e-3, 1e-4);
/// No mean magnitude is smaller: silence stays silence.
const UNIT_MIN: f32 = 1e-12;

/// The features of one frame.
#[derive(Debug)]
pub(crate) struct Features {
    /// Of each band.
    pub(crate) levels: [f32; BANDS],
    /// Of each of the lowest bins, first the real parts.
    pub(crate) low: [[f32; FILTERED]; 2],
    means: [f32; BANDS],
    units: [f32; FILTERED],
    widths: [usize; BANDS],
}

impl Features {
    pub(crate) fn new() -> Self {
        Self {
            levels: [0.0; BANDS],
            low: [[0.0; FILTERED]; 2],
            means: std::array::from_fn(|at| between(MEAN_FROM, at, BANDS)),
            units: std::array::from_fn(|at| between(UNIT_FROM, at, FILTERED)),
            widths: widths(),
        }
    }

    /// Those of the next frame.
    pub(crate) fn take(&mut self, spectrum: &[Complex; BINS]) {
        let mut rest = spectrum.as_slice();
        for ((level, mean), width) in self.levels.iter_mut().zip(&mut self.means).zip(self.widths) {
            let (band, after) = rest.split_at(width);
            rest = after;
            let power = band.iter().map(|bin| bin.power()).sum::<f32>() / width as f32;
            let decibels = 10.0 * (power + 1e-10).log10();
            *mean = *mean * KEPT + decibels * (1.0 - KEPT);
            *level = (decibels - *mean) / 40.0;
        }
        let [real, imaginary] = &mut self.low;
        for (((real, imaginary), unit), bin) in
            real.iter_mut().zip(imaginary).zip(&mut self.units).zip(spectrum)
        {
            *unit = (*unit * KEPT + bin.power().sqrt() * (1.0 - KEPT)).max(UNIT_MIN);
            let relative = bin.scaled(1.0 / unit.sqrt());
            (*real, *imaginary) = (relative.re, relative.im);
        }
    }

    /// Multiplies every band with its gain.
    pub(crate) fn apply_gains(&self, gains: &[f32; BANDS], spectrum: &mut [Complex; BINS]) {
        let gains = gains.iter().zip(self.widths).flat_map(|(gain, width)| std::iter::repeat_n(*gain, width));
        spectrum.iter_mut().zip(gains).for_each(|(bin, gain)| *bin = bin.scaled(gain));
    }
}

/// Place `at` of `count` on the way from the first to the second.
fn between((from, to): (f32, f32), at: usize, count: usize) -> f32 {
    from + (to - from) * at as f32 / (count - 1) as f32
}

/// How many bins each band has: steps of equal size on the ERB scale (Glasberg and Moore 1990), and at least two.
fn widths() -> [usize; BANDS] {
    const LEAST: i32 = 2;
    // 24.7 Hz · (4.37 · f / 1 kHz + 1), integrated.
    const SLOPE: f64 = 9.265;
    const SCALE: f64 = 24.7 * SLOPE;
    const HIGHEST: f64 = 24_000.0;
    let bin_width = HIGHEST / (BINS - 1) as f64;
    let all = SLOPE * (HIGHEST / SCALE).ln_1p();
    let (mut before, mut owed) = (0, 0);
    let mut widths = [0; BANDS];
    for (band, width) in widths.iter_mut().enumerate() {
        let edge = SCALE * ((all * (band + 1) as f64 / BANDS as f64 / SLOPE).exp() - 1.0);
        let edge = (edge / bin_width).round() as i32;
        let bins = edge - before - owed;
        owed = (LEAST - bins).max(0);
        *width = bins.max(LEAST) as usize;
        before = edge;
    }
    // The highest bin is one more; what the narrow bands took is missing at the end.
    let others: usize = widths[..BANDS - 1].iter().sum();
    widths[BANDS - 1] = BINS - others;
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bands_are_those_of_the_training_and_cover_every_bin() {
        let expected = [
            2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 5, 5, 7, 7, 8, 10, 12, 13, 15, 18, 20, 24, 28, 31, 37, 42,
            50, 56, 67,
        ];
        assert_eq!(widths(), expected);
        assert_eq!(widths().iter().sum::<usize>(), BINS);
    }

    #[test]
    fn silence_of_any_length_leaves_numbers() {
        let mut features = Features::new();
        for _ in 0..20_000 {
            features.take(&[Complex::ZERO; BINS]);
        }
        let mut loud = [Complex::ZERO; BINS];
        loud.fill(Complex { re: 0.1, im: -0.1 });
        features.take(&loud);
        let numbers = features.levels.iter().chain(features.low.as_flattened());
        assert!(numbers.into_iter().all(|number| number.is_finite()));
    }
}
