//! From sound to the bars of the level meter.

/// Bars of the meter.
pub(crate) const BARS: usize = 16;

/// How many bars are lit for samples between -1 and 1.
pub(crate) fn lit_bars(samples: &[f32]) -> usize {
    if samples.is_empty() {
        return 0;
    }
    let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;
    let decibels = 10.0 * power.max(1e-10).log10();
    let share = (decibels - QUIET_DECIBELS) / (LOUD_DECIBELS - QUIET_DECIBELS);
    (share.clamp(0.0, 1.0) * BARS as f32).round() as usize
}

/// Background noise of a quiet room: no bar.
const QUIET_DECIBELS: f32 = -60.0;
/// A loud voice near the microphone: all bars.
const LOUD_DECIBELS: f32 = -14.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_lights_nothing_and_a_loud_voice_everything() {
        assert_eq!(lit_bars(&[]), 0);
        assert_eq!(lit_bars(&[0.0; 512]), 0);
        assert_eq!(lit_bars(&[0.5, -0.5]), BARS);
        assert_eq!(lit_bars(&[f32::MAX]), BARS);
    }

    #[test]
    fn louder_lights_more() {
        let counts: Vec<usize> = [0.002_f32, 0.01, 0.05, 0.15].map(|level| lit_bars(&[level, -level])).into();
        assert!(counts.is_sorted() && counts[0] > 0 && counts[3] < BARS, "{counts:?}");
    }
}
