//! What listeners would say of a voice, estimated from how much of it is missing.
//!
//! ITU-T G.107 (the E-model): `R = 93.2 − Id − Ie,eff`, with `Ie,eff = Ie + (95 − Ie) · Ppl / (Ppl + Bpl)` for losses
//! without bursts (§7.5, BurstR 1) and the mean opinion score from R by Annex B. 93.2 is R with all parameters at their
//! defaults. Id is 0: below 100 ms of delay it is less than 2.5. ITU-T G.113 gives no values for Opus; taken are `Ie` = 0 and
//! `Bpl` = 25.1, those of G.711 with concealment in its Appendix I, which Opus' concealment is no worse than. `Ppl` is the
//! share of frames that are still missing when they are to be played, not that of lost packets.

/// Robustness against loss: see the [module](self).
const BPL: f64 = 25.1;
const R_DEFAULT: f64 = 93.2;
const IE_MAX: f64 = 95.0;

/// The mean opinion score, 1 to 4.5, when this share of the frames (0 to 1) is concealed.
pub(super) fn mean_opinion_score(concealed: f64) -> f64 {
    let lost_percent = 100.0 * concealed;
    let r = R_DEFAULT - IE_MAX * lost_percent / (lost_percent + BPL);
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
        // R 93.2 is a score of 4.41 (G.107 Annex B).
        assert!((mean_opinion_score(0.0) - 4.41).abs() < 0.01);
        assert!((mean_opinion_score(0.1) - 3.42).abs() < 0.05, "{}", mean_opinion_score(0.1));
        let scores: Vec<f64> =
            (0..=100).map(|percent| mean_opinion_score(f64::from(percent) / 100.0)).collect();
        assert!(scores.is_sorted_by(|before, after| before >= after));
    }
}
