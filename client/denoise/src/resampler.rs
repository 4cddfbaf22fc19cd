//! From one sample rate to another: a windowed sinc, evaluated where each sample falls (Smith, "Digital audio resampling").

use std::f64::consts::PI;

/// Zero crossings of the sinc on each side, at the lower of the two rates.
const CROSSINGS: usize = 16;
/// Places between two samples for which the filter is tabulated; between them it is interpolated.
const PHASES: usize = 256;
/// How far below half of the lower rate the filter ends: the rest is for its slope.
const PASSED: f64 = 0.92;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Resampler {
    from: u64,
    to: u64,
    /// Of each phase, and of the one after the last: the weights of the samples around.
    table: Box<[f32]>,
    /// Samples on each side.
    half: usize,
    /// The last samples, twice over, so that all that are needed lie in one piece.
    recent: Box<[f32]>,
    /// Where the next one is written.
    at: usize,
    /// How far the next output lies behind the newest sample's moment, in parts of `1 / to` of a sample.
    ahead: u64,
}

impl Resampler {
    /// From `from` to `to` samples a second.
    pub(crate) fn new(from: u32, to: u32) -> Self {
        let ratio = f64::from(from.max(to)) / f64::from(to);
        let half = (CROSSINGS as f64 * ratio).ceil() as usize;
        let cutoff = PASSED / ratio;
        let taps = 2 * half;
        let mut table = Vec::with_capacity((PHASES + 1) * taps);
        for phase in 0..=PHASES {
            let offset = phase as f64 / PHASES as f64;
            let weights: Vec<f64> = (0..taps)
                .map(|tap| tap as f64 - (half as f64 - 1.0) - offset)
                .map(|place| cutoff * sinc(cutoff * place) * window(place / half as f64))
                .collect();
            // All of them together let a constant pass as it is.
            let sum: f64 = weights.iter().sum();
            table.extend(weights.iter().map(|weight| (weight / sum) as f32));
        }
        Self {
            from: from.into(),
            to: to.into(),
            table: table.into_boxed_slice(),
            half,
            recent: vec![0.0; 2 * taps].into_boxed_slice(),
            at: 0,
            ahead: 0,
        }
    }

    /// By how many samples of the input the output is late.
    pub(crate) const fn delay(&self) -> usize {
        self.half
    }

    /// Takes one sample, and gives `put` those that fall before the next.
    pub(crate) fn push(&mut self, sample: f32, mut put: impl FnMut(f32)) {
        let taps = 2 * self.half;
        self.recent[self.at] = sample;
        self.recent[self.at + taps] = sample;
        self.at = (self.at + 1) % taps;
        while self.ahead < self.to {
            put(self.between(self.ahead as f32 / self.to as f32));
            self.ahead += self.from;
        }
        self.ahead -= self.to;
    }

    /// The value so far, from 0 to 1, behind the middle of the recent samples.
    fn between(&self, offset: f32) -> f32 {
        let taps = 2 * self.half;
        let recent = &self.recent[self.at..self.at + taps];
        let place = offset * PHASES as f32;
        let phase = (place as usize).min(PHASES - 1);
        let part = place - phase as f32;
        let rows = &self.table[phase * taps..(phase + 2) * taps];
        let (row, next) = rows.split_at(taps);
        let [one, other] = [row, next]
            .map(|weights| weights.iter().zip(recent).map(|(weight, sample)| weight * sample).sum::<f32>());
        one + (other - one) * part
    }
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Blackman's window on [−1, 1].
fn window(x: f64) -> f64 {
    if x.abs() >= 1.0 { 0.0 } else { 0.42 + 0.5 * (PI * x).cos() + 0.08 * (2.0 * PI * x).cos() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest difference between a resampled tone and the tone itself, after the beginning.
    fn error(from: u32, to: u32, hertz: f64) -> f64 {
        let tone = |at: f64| (2.0 * PI * hertz * at).sin();
        let mut resampler = Resampler::new(from, to);
        let delay = resampler.delay() as f64 / f64::from(from);
        let (mut count, mut worst) = (0_u32, 0.0_f64);
        for at in 0..from {
            resampler.push(tone(f64::from(at) / f64::from(from)) as f32, |sample| {
                let moment = f64::from(count) / f64::from(to) - delay;
                if moment > 0.05 {
                    worst = worst.max((f64::from(sample) - tone(moment)).abs());
                }
                count += 1;
            });
        }
        assert!(count.abs_diff(to) <= 1, "{count} samples of {to}");
        worst
    }

    #[test]
    fn a_tone_that_both_rates_have_stays_as_it_is() {
        for rate in [8000, 16_000, 22_050, 44_100, 96_000, 192_000] {
            for hertz in [100.0, 1000.0, 3000.0] {
                for (from, to) in [(rate, 48_000), (48_000, rate)] {
                    let error = error(from, to, hertz);
                    assert!(error < 0.003, "{hertz} Hz from {from} to {to}: {error}");
                }
            }
        }
    }

    #[test]
    fn what_the_lower_rate_does_not_have_is_taken_away() {
        let mut resampler = Resampler::new(48_000, 16_000);
        let (mut count, mut energy) = (0, 0.0);
        for at in 0..48_000 {
            let sample = (2.0 * PI * 11_000.0 * f64::from(at) / 48_000.0).sin();
            resampler.push(sample as f32, |sample| {
                count += 1;
                if count > 100 {
                    energy += f64::from(sample * sample);
                }
            });
        }
        // Sixty decibels below the tone.
        assert!(energy / f64::from(count) < 0.5e-6, "{}", energy / f64::from(count));
    }
}
