//! When to ask a publisher for a key frame.
//!
//! Chrome answers a request for one layer with key frames on all of them, so requests are merged and
//! throttled per publication, not per layer.

use std::time::{Duration, Instant};

/// The least time between two requests to one publication.
pub(crate) const SPACING: Duration = Duration::from_millis(500);

/// The requests of one publication: many ask, one goes out.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyFrameRequests {
    wanted: bool,
    last: Option<Instant>,
}

impl KeyFrameRequests {
    /// Somebody needs a key frame.
    pub(crate) const fn ask(&mut self) {
        self.wanted = true;
    }

    /// A key frame came: what was asked is served.
    pub(crate) const fn served(&mut self) {
        self.wanted = false;
    }

    /// Whether to send a request now; if so, it counts as sent.
    pub(crate) fn poll(&mut self, now: Instant) -> bool {
        let quiet = self.last.is_none_or(|last| now.saturating_duration_since(last) >= SPACING);
        if !self.wanted || !quiet {
            return false;
        }
        self.wanted = false;
        self.last = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_merged_and_at_least_half_a_second_apart() {
        let start = Instant::now();
        let mut requests = KeyFrameRequests::default();
        assert!(!requests.poll(start), "nobody asked");
        let mut sent = Vec::new();
        for ms in 0..1600 {
            requests.ask();
            if requests.poll(start + Duration::from_millis(ms)) {
                sent.push(ms);
            }
        }
        assert_eq!(sent, [0, 500, 1000, 1500]);
    }

    #[test]
    fn a_request_is_forgotten_once_a_key_frame_came() {
        let start = Instant::now();
        let mut requests = KeyFrameRequests::default();
        requests.ask();
        requests.served();
        assert!(!requests.poll(start));
    }
}
