//! The octets of our last flight, for sending them again (RFC 6347 §4.2.4).

use std::time::{Duration, Instant};

use bytes::BytesMut;

/// Our last flight. Empty before the first one and after the handshake.
#[derive(Debug, Default)]
pub(super) struct Flight {
    datagrams: Vec<BytesMut>,
    last_sent: Option<Instant>,
    due: Option<Instant>,
    repeats_on_timer: usize,
    repeats_on_request: usize,
}

impl Flight {
    /// A new flight has been sent.
    pub(super) fn sent(&mut self, now: Instant, datagrams: Vec<BytesMut>) {
        *self = Self { datagrams, ..Self::default() };
        self.stamp(now);
    }

    /// When to repeat the flight unasked.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What to send because the time has come.
    pub(super) fn repeat_on_timer(&mut self, now: Instant) -> &[BytesMut] {
        if self.due.is_none_or(|due| now < due) {
            return &[];
        }
        self.repeats_on_timer += 1;
        self.stamp(now);
        &self.datagrams
    }

    /// What to send because the client repeats the flight before ours, so ours was lost or is late.
    ///
    /// Limited in rate and number: a ClientHello is neither authenticated nor much longer than our answer.
    pub(super) fn repeat_on_request(&mut self, now: Instant) -> &[BytesMut] {
        let is_too_early = self.last_sent.is_none_or(|sent| now < sent + REQUEST_INTERVAL_MIN);
        if is_too_early || self.repeats_on_request == REQUESTED_REPEATS_MAX {
            return &[];
        }
        self.repeats_on_request += 1;
        self.stamp(now);
        &self.datagrams
    }

    fn stamp(&mut self, now: Instant) {
        self.last_sent = Some(now);
        self.due = TIMER_MS.get(self.repeats_on_timer).map(|ms| now + Duration::from_millis(*ms));
    }
}

/// Between the repetitions of a flight. It starts where the browsers' own timers do, so that one lost
/// datagram costs well under a second, and backs off for paths that are merely slow; 3.95 s in all.
const TIMER_MS: [u64; 8] = [50, 100, 200, 400, 800, 800, 800, 800];

/// Two fragments of one repeated ClientHello, or the ClientHello and its duplicate, are one request.
const REQUEST_INTERVAL_MIN: Duration = Duration::from_millis(20);

/// A client that doubles its timer from 50 ms on asks this often in an hour.
const REQUESTED_REPEATS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn flight(now: Instant) -> Flight {
        let mut flight = Flight::default();
        flight.sent(now, vec![BytesMut::from(&b"flight"[..])]);
        flight
    }

    #[test]
    fn the_timer_repeats_a_flight_eight_times_and_stops() {
        let start = Instant::now();
        let mut flight = flight(start);
        let mut times = vec![];
        while let Some(due) = flight.due() {
            assert!(flight.repeat_on_timer(due - Duration::from_nanos(1)).is_empty());
            assert_eq!(flight.repeat_on_timer(due).len(), 1);
            times.push((due - start).as_millis());
        }
        assert_eq!(times, [50, 150, 350, 750, 1550, 2350, 3150, 3950]);
        assert!(flight.repeat_on_timer(start + Duration::from_secs(9)).is_empty());
    }

    #[test]
    fn requests_are_limited_in_rate_and_number() {
        let start = Instant::now();
        let mut flight = flight(start);
        let sent: usize =
            (0..10_000).map(|ms| flight.repeat_on_request(start + Duration::from_millis(ms)).len()).sum();
        assert_eq!(sent, REQUESTED_REPEATS_MAX);
        let mut flight = self::flight(start);
        let sent: usize =
            (0..100).map(|ms| flight.repeat_on_request(start + Duration::from_millis(ms)).len()).sum();
        assert_eq!(sent, 4);
    }

    #[test]
    fn there_is_nothing_to_repeat_before_the_first_flight() {
        let mut flight = Flight::default();
        assert_eq!(flight.due(), None);
        assert!(flight.repeat_on_request(Instant::now()).is_empty());
        assert!(flight.repeat_on_timer(Instant::now()).is_empty());
    }
}
