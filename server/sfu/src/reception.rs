//! What a receiver knows of one incoming stream: the numbers of a report block (RFC 3550 §6.4.1, A.3, A.8).

use std::time::Instant;

use crate::rtcp::ReportBlock;

/// Statistics of one SSRC, from its packets' numbers and arrival.
#[derive(Debug)]
pub(crate) struct Reception {
    epoch: Instant,
    clock_hz: u32,
    first: Option<u64>,
    highest: u64,
    received: u64,
    /// Expected and received at the last report.
    reported: (u64, u64),
    /// Interarrival jitter in timestamp units × 16, as in RFC 3550 A.8.
    jitter_16: u64,
    transit: Option<i64>,
    last_sender_report: Option<(u32, Instant)>,
}

impl Reception {
    pub(crate) const fn new(clock_hz: u32, now: Instant) -> Self {
        Self {
            epoch: now,
            clock_hz,
            first: None,
            highest: 0,
            received: 0,
            reported: (0, 0),
            jitter_16: 0,
            transit: None,
            last_sender_report: None,
        }
    }

    /// A packet with this extended sequence number (its SRTP index) arrived.
    #[inline]
    pub(crate) fn packet(&mut self, index: u64, timestamp: u32, now: Instant) {
        self.first.get_or_insert(index);
        self.highest = self.highest.max(index);
        self.received += 1;
        let micros = now.saturating_duration_since(self.epoch).as_micros() as i64;
        let arrival = micros * i64::from(self.clock_hz) / 1_000_000;
        let transit = arrival.wrapping_sub(i64::from(timestamp));
        if let Some(previous) = self.transit.replace(transit) {
            // The difference is taken in 32 bits, because timestamps wrap there.
            let difference = u64::from((transit.wrapping_sub(previous) as i32).unsigned_abs());
            self.jitter_16 = (self.jitter_16 + difference).saturating_sub((self.jitter_16 + 8) >> 4);
        }
    }

    /// The publisher's sender report with this NTP time arrived.
    pub(crate) const fn sender_report(&mut self, ntp: u64, now: Instant) {
        self.last_sender_report = Some(((ntp >> 16) as u32, now));
    }

    /// The block for the next receiver report; `None` before the first packet.
    pub(crate) fn report(&mut self, ssrc: u32, now: Instant) -> Option<ReportBlock> {
        let expected = self.highest - self.first?.min(self.highest) + 1;
        let (expected_before, received_before) = self.reported;
        self.reported = (expected, self.received);
        let expected_interval = expected.saturating_sub(expected_before);
        let lost_interval = expected_interval.saturating_sub(self.received - received_before);
        let (last_sender_report, delay_since_last) = match self.last_sender_report {
            Some((ntp, at)) => {
                (ntp, (now.saturating_duration_since(at).as_micros() * 65536 / 1_000_000) as u32)
            }
            None => (0, 0),
        };
        Some(ReportBlock {
            ssrc,
            fraction_lost: (lost_interval * 256)
                .checked_div(expected_interval)
                .map_or(0, |fraction| fraction.min(255) as u8),
            cumulative_lost: (expected as i64 - self.received as i64).clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest_sequence: self.highest as u32,
            jitter: (self.jitter_16 >> 4) as u32,
            last_sender_report,
            delay_since_last,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_quarter_of_the_packets_lost_is_reported_as_64_of_256() {
        let start = Instant::now();
        let mut reception = Reception::new(90_000, start);
        for number in (0..100u64).filter(|number| number % 4 != 2) {
            reception.packet(number, number as u32 * 1800, start + Duration::from_millis(number * 20));
        }
        let block = reception.report(7, start).unwrap();
        assert_eq!((block.ssrc, block.fraction_lost, block.cumulative_lost), (7, 64, 25));
        assert_eq!((block.highest_sequence, block.jitter), (99, 0));
        assert_eq!(reception.report(7, start).unwrap().fraction_lost, 0, "nothing since the last report");
    }

    #[test]
    fn the_time_since_the_sender_report_is_told_in_65536ths() {
        let start = Instant::now();
        let mut reception = Reception::new(48_000, start);
        assert_eq!(reception.report(1, start), None);
        reception.packet(1, 0, start);
        reception.sender_report(0x1111_2222_3333_4444, start);
        let block = reception.report(1, start + Duration::from_millis(500)).unwrap();
        assert_eq!((block.last_sender_report, block.delay_since_last), (0x2222_3333, 32768));
    }
}
