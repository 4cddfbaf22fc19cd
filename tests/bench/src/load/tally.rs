//! What one subscriber received, by the clear headers of its packets.
//!
//! A server may number the packets as it likes, but in step with the publisher: the distance between its numbers
//! and the publisher's is learned from packets that were decrypted, and has to stay the same.

use anyhow::{Result, ensure};

/// Packets of every subscriber that must have been decrypted and found intact before anything is measured.
pub(crate) const VERIFIED_MIN: u64 = 50;
/// Later, one of so many packets is decrypted too.
const SAMPLE: u64 = 32;

/// The publisher's packets from `first` up to, but not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) first: u32,
    pub(super) end: u32,
}

impl Window {
    pub(super) fn len(self) -> u64 {
        u64::from(self.end.saturating_sub(self.first))
    }
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The newest sequence number, counted on beyond 16 bits.
    newest: Option<i64>,
    /// The server's number less the publisher's.
    offset: Option<i64>,
    packets: u64,
    submitted: u64,
    verified: u64,
    /// Which of the publisher's packets have arrived.
    arrived: Vec<bool>,
}

impl Tally {
    /// Takes one packet in. Returns the publisher's number of a packet that has not arrived before, once the
    /// distance is known.
    pub(super) fn receive(&mut self, sequence: u16) -> Option<u32> {
        self.packets += 1;
        let extended = self.extend(sequence);
        let number = u32::try_from(extended - self.offset?).ok()?;
        let at = number as usize;
        if at >= self.arrived.len() {
            self.arrived.resize(at + 1, false);
        }
        (!std::mem::replace(&mut self.arrived[at], true)).then_some(number)
    }

    /// Whether the packet that was just received has to be decrypted.
    pub(super) fn submit(&mut self) -> bool {
        let is_wanted = self.verified < VERIFIED_MIN || self.packets.is_multiple_of(SAMPLE);
        self.submitted += u64::from(is_wanted);
        is_wanted
    }

    /// A packet was decrypted and is intact: the server's number, and the publisher's.
    ///
    /// # Errors
    /// When the server is out of step.
    pub(super) fn verify(&mut self, sequence: u16, number: u32) -> Result<()> {
        let offset = self.extend(sequence) - i64::from(number);
        ensure!(
            self.offset.is_none_or(|known| known == offset),
            "packet {number} came as {sequence}, out of step with those before"
        );
        self.offset = Some(offset);
        self.verified += 1;
        Ok(())
    }

    /// How many packets were decrypted and found intact.
    pub(super) fn verified(&self) -> u64 {
        self.verified
    }

    /// Whether nearly all packets that had to be decrypted could be. A stack may hold its first ones back until
    /// it knows their track.
    pub(super) fn is_verified(&self) -> bool {
        self.verified >= VERIFIED_MIN && self.verified * 100 >= self.submitted * 99
    }

    /// How many packets of the window arrived.
    pub(super) fn arrived(&self, window: Window) -> u64 {
        let end = self.arrived.len().min(window.end as usize);
        let flags = self.arrived.get(window.first as usize..end).unwrap_or_default();
        flags.iter().filter(|arrived| **arrived).count() as u64
    }

    /// The sequence number nearest to the newest one that ends in these 16 bits.
    fn extend(&mut self, sequence: u16) -> i64 {
        let newest = self.newest.unwrap_or(i64::from(sequence) + (1 << 16));
        let step = i64::from(sequence.wrapping_sub(newest as u16) as i16);
        let extended = newest + step;
        self.newest = Some(newest.max(extended));
        extended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_publisher_across_the_wrap() {
        let mut tally = Tally::default();
        assert_eq!(tally.receive(65_534), None);
        tally.verify(65_534, 10).unwrap();
        assert_eq!(tally.receive(65_535), Some(11));
        assert_eq!(tally.receive(1), Some(13));
        assert_eq!(tally.receive(0), Some(12));
        assert_eq!(tally.receive(0), None, "a duplicate");
        assert_eq!(tally.arrived(Window { first: 11, end: 14 }), 3);
        assert_eq!(tally.arrived(Window { first: 13, end: 20 }), 1);
        assert_eq!(tally.arrived(Window { first: 100, end: 200 }), 0);
    }

    #[test]
    fn a_server_that_changes_its_numbering_is_found_out() {
        let mut tally = Tally::default();
        tally.verify(100, 1).unwrap();
        tally.verify(105, 6).unwrap();
        assert!(tally.verify(105, 7).is_err());
        assert_eq!(tally.verified(), 2);
    }

    #[test]
    fn the_first_packets_and_a_sample_of_the_later_ones_are_verified() {
        let mut tally = Tally::default();
        let mut wanted = 0;
        for number in 0..1000_u16 {
            tally.receive(number);
            if tally.submit() {
                tally.verify(number, number.into()).unwrap();
                wanted += 1;
            }
        }
        assert!((VERIFIED_MIN + 900 / SAMPLE..200).contains(&wanted), "{wanted}");
        assert!(tally.is_verified());
    }

    #[test]
    fn packets_that_cannot_be_decrypted_are_found_out() {
        let mut tally = Tally::default();
        for number in 0..10_000_u16 {
            tally.receive(number);
            if tally.submit() && number < 100 {
                tally.verify(number, number.into()).unwrap();
            }
        }
        assert!(!tally.is_verified());
    }
}
