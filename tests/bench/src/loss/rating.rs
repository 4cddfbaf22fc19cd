//! What listeners would say of a voice, estimated from how much of it is missing.
//!
//! ITU-T G.107 (the E-model): `R = 93.2 − Id − Ie,eff`, with `Ie,eff = Ie + (95 − Ie) · Ppl / (Ppl + Bpl)` (§7.5, BurstR 1: the
//! values of `Bpl` below are of their kind of loss already) and the mean opinion score from R by Annex B. 93.2 is R with all
//! parameters at their defaults. Id is 0: this is a score of listening, and delay is reported by itself.
//!
//! ITU-T G.113 gives no values for Opus. Taken are those of Alahmadi, Pocta and Melvin, "An Adaptive Bitrate Switching
//! Algorithm for Speech Applications in Context of WebRTC", ACM TOMM 17(4), 2021, doi:10.1145/3458751, for super-wideband Opus at
//! 31 kbit/s, near the 32 kbit/s that browsers begin with: their stretch of the scale is not applied, so the scores are rather too
//! low. `Ppl` is the share of frames that are still missing when they are to be played, not that of lost packets.

/// How losses come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Each packet by itself.
    Random,
    /// Several in a row (Gilbert-Elliott).
    Bursts,
}

const R_DEFAULT: f64 = 93.2;
const IE: f64 = 16.83;
const IE_MAX: f64 = 95.0;

/// The mean opinion score, 1 to 4.5, when this share of the frames (0 to 1) is concealed.
pub(super) fn mean_opinion_score(concealed: f64, pattern: Pattern) -> f64 {
    let robustness = match pattern {
        Pattern::Random => 10.44,
        Pattern::Bursts => 8.82,
    };
    let lost_percent = 100.0 * concealed;
    let r = R_DEFAULT - IE - (IE_MAX - IE) * lost_percent / (lost_percent + robustness);
    if r <= 0.0 {
        return 1.0;
    }
    (7e-6 * r * (r - 60.0)).mul_add(100.0 - r, 0.035_f64.mul_add(r, 1.0)).clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_voice_gets_the_best_score_and_a_broken_one_the_worst() {
        // R 76.37.
        assert!((mean_opinion_score(0.0, Pattern::Random) - 3.88).abs() < 0.01);
        // R 38.1.
        assert!((mean_opinion_score(0.1, Pattern::Random) - 1.97).abs() < 0.05);
        for pattern in [Pattern::Random, Pattern::Bursts] {
            let scores: Vec<f64> =
                (0..=100).map(|percent| mean_opinion_score(f64::from(percent) / 100.0, pattern)).collect();
            assert!(scores.is_sorted_by(|before, after| before >= after));
        }
    }

    #[test]
    fn losses_in_a_row_sound_worse() {
        assert!(mean_opinion_score(0.05, Pattern::Bursts) < mean_opinion_score(0.05, Pattern::Random));
    }
}
