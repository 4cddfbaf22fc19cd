//! How much a connection carries whose client sends no transport feedback, judged by the losses in its receiver reports.
//!
//! The loss-based rules of Google congestion control (draft-ietf-rmcat-gcc-02 §6): above 10 % loss the rate goes down in
//! proportion, below 2 % it goes up by 8 % a second, between the two it stays.

use std::time::{Duration, Instant};

const LOSS_HIGH: f32 = 0.10;
const LOSS_LOW: f32 = 0.02;
const INCREASE: f32 = 1.08;
/// Reports are judged at most this often: a report sooner tells of too few packets.
const SPACING: Duration = Duration::from_millis(900);
/// Fewer packets are not judged.
const PACKETS_MIN: u64 = 20;
/// No estimate goes below the smallest layer of one camera with its audio.
const MIN_BPS: u64 = 150_000;
/// An estimate this many times the sending rate limits nothing and is dropped.
const SLACK: u64 = 4;

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct ReportedLoss {
    limit_bps: Option<u64>,
    judged: Option<Instant>,
    expected: u64,
    lost: u64,
}

impl ReportedLoss {
    /// Most bits a second to send; nothing while no limit is known.
    pub(crate) const fn limit_bps(&self) -> Option<u64> {
        self.limit_bps
    }

    /// A receiver report: of `expected` packets since the last one, `lost` did not come.
    pub(crate) const fn report(&mut self, expected: u64, lost: u64) {
        self.expected += expected;
        self.lost += lost;
    }

    /// Whether there are reports to judge: some time after the last judgement, and about enough packets to say
    /// something about a connection.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let rested = self.judged.is_none_or(|judged| now.saturating_duration_since(judged) >= SPACING);
        rested && self.expected >= PACKETS_MIN
    }

    /// Judges the reports since the last judgement, given what is being sent; returns whether the limit changed.
    pub(crate) fn judge(&mut self, now: Instant, sending_bps: u64) -> bool {
        if !self.is_due(now) {
            return false;
        }
        self.judged = Some(now);
        let loss = self.lost as f32 / self.expected as f32;
        (self.expected, self.lost) = (0, 0);
        let before = self.limit_bps;
        if loss > LOSS_HIGH {
            let from = before.unwrap_or(sending_bps).min(sending_bps.max(MIN_BPS));
            self.limit_bps = Some(((from as f32 * (1.0 - loss / 2.0)) as u64).max(MIN_BPS));
        } else if loss < LOSS_LOW {
            let raised = before.map(|limit| (limit as f32 * INCREASE) as u64);
            self.limit_bps = raised.filter(|limit| *limit < sending_bps.max(MIN_BPS) * SLACK);
        }
        self.limit_bps != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds one report a second and tells the limit after each.
    fn limits(losses_percent: &[u64], sending_bps: u64) -> Vec<Option<u64>> {
        let start = Instant::now();
        let mut reports = ReportedLoss::default();
        let mut limits = Vec::new();
        for (second, loss) in losses_percent.iter().enumerate() {
            reports.report(100, *loss);
            reports.judge(start + Duration::from_secs(second as u64), sending_bps);
            limits.push(reports.limit_bps());
        }
        limits
    }

    #[test]
    fn a_clean_connection_has_no_limit() {
        assert_eq!(limits(&[0, 1, 0, 5], 2_000_000), [None; 4]);
    }

    #[test]
    fn heavy_loss_cuts_the_rate_in_proportion_at_once() {
        assert_eq!(limits(&[20], 2_000_000), [Some(1_800_000)]);
        assert_eq!(limits(&[50, 50], 200_000), [Some(150_000); 2]);
    }

    #[test]
    fn recovery_is_gradual_and_ends_the_limit() {
        let mut losses = vec![40, 5];
        losses.extend([0; 40]);
        let limits = limits(&losses, 1_000_000);
        assert_eq!(limits[0], limits[1], "between the thresholds it stays");
        assert!(limits[2] > limits[1] && limits[3] > limits[2]);
        assert_eq!(limits.last(), Some(&None));
    }

    #[test]
    fn a_handful_of_packets_is_no_judgement() {
        let mut reports = ReportedLoss::default();
        reports.report(19, 19);
        assert!(!reports.judge(Instant::now(), 1_000_000));
    }
}
