//! Which of the last packets of a stream may go out although nobody was sent them when they came.
//!
//! The audio of a second or so lies in the stream's ring. Whoever is given a slot because he begins to speak is heard from
//! a moment before that, so that the first syllable is whole; and what was lost on the way here is recovered from later
//! packets. Neither may bring back what came while the source was muted.

use std::time::Duration;

use crate::ring::PacketRing;
use crate::rtp::sequence::distance;

/// This much of what was said before a speaker got a slot is sent: the onset of a syllable before the voice is loud enough
/// to be noticed. It is played back faster than it was said until it has caught up.
const LEAD: Duration = Duration::from_millis(100);
/// Opus timestamps per millisecond (RFC 7587).
const TICKS_PER_MS: u32 = 48;
/// Most packets of a lead: at 2.5 ms each it would be 40, browsers send 20 ms.
const LEAD_PACKETS_MAX: u16 = 10;
/// Further back nothing is looked for.
const SPAN_MAX: u16 = 64;

/// The stretch of packets up to the newest that came while the source was not muted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Onset {
    newest: u16,
    /// How many numbers before the newest belong to the stretch; nothing while muted.
    span: Option<u16>,
}

impl Onset {
    /// A packet came.
    #[inline]
    pub(crate) fn note(&mut self, sequence: u16, is_live: bool) {
        if !is_live {
            self.span = None;
            return;
        }
        match self.span {
            None => *self = Self { newest: sequence, span: Some(0) },
            Some(span) => {
                let step = distance(sequence, self.newest);
                if step > 0 {
                    let span = span.saturating_add(step.unsigned_abs()).min(SPAN_MAX);
                    *self = Self { newest: sequence, span: Some(span) };
                }
            }
        }
    }

    /// The source was muted: what came so far is of no use any more.
    pub(crate) const fn mute(&mut self) {
        self.span = None;
    }

    /// Whether this packet belongs to the stretch or comes after it.
    #[inline]
    pub(crate) fn allows(&self, sequence: u16) -> bool {
        self.span.is_some_and(|span| distance(self.newest, sequence) <= span.cast_signed())
    }

    /// The packets with which somebody who begins to speak is heard, oldest first.
    pub(crate) fn lead(&self, ring: &PacketRing) -> impl Iterator<Item = u16> {
        let newest = ring.get(self.newest).map(|packet| packet.timestamp);
        let ticks = LEAD.as_millis() as u32 * TICKS_PER_MS;
        let is_near = move |sequence: &u16| {
            let (Some(newest), Some(packet)) = (newest, ring.get(*sequence)) else { return false };
            newest.wrapping_sub(packet.timestamp) <= ticks
        };
        let back = self.span.map_or(0, |span| span.min(LEAD_PACKETS_MAX) + 1);
        (0..back).rev().map(|back| self.newest.wrapping_sub(back)).filter(is_near)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::{Config, RingPacket};
    use crate::rtp::Carried;
    use std::time::Instant;

    fn noted(packets: &[(u16, bool)]) -> Onset {
        let mut onset = Onset::default();
        packets.iter().for_each(|(sequence, is_live)| onset.note(*sequence, *is_live));
        onset
    }

    #[test]
    fn only_what_came_since_the_mute_ended_is_allowed() {
        let onset =
            noted(&[(65530, true), (65531, false), (65532, false), (65534, true), (65535, true), (1, true)]);
        let allowed =
            [65530, 65531, 65532, 65533, 65534, 65535, 0, 1, 2, 3].map(|sequence| onset.allows(sequence));
        assert_eq!(allowed, [false, false, false, false, true, true, true, true, true, true]);
        assert!(!noted(&[(1, true), (2, false)]).allows(1));
        let mut muted = onset;
        muted.mute();
        assert!(!muted.allows(1) && !muted.allows(2));
    }

    #[test]
    fn late_packets_move_nothing() {
        assert_eq!(noted(&[(5, true), (7, true), (6, true)]), noted(&[(5, true), (7, true)]));
    }

    #[test]
    fn the_lead_is_a_tenth_of_a_second_without_what_was_muted() {
        let now = Instant::now();
        let mut ring = PacketRing::new(Config::AUDIO);
        let mut onset = Onset::default();
        let lead = |onset: &Onset, ring: &PacketRing| onset.lead(ring).collect::<Vec<_>>();
        assert!(lead(&onset, &ring).is_empty());
        for sequence in (65520..=65535u16).chain(0..10) {
            let timestamp = u32::from(sequence.wrapping_sub(65520)) * 960;
            let (marker, carried) = (false, Carried::default());
            let packet = RingPacket {
                sequence,
                timestamp,
                marker,
                payload_type: 111,
                frame: crate::rtp::frame::Frame::default(),
                numbers: crate::rtp::frame::Numbers::None,
                carried,
                payload: b"x",
            };
            if sequence != 6 {
                ring.push(now, &packet);
                onset.note(sequence, true);
            }
        }
        assert_eq!(lead(&onset, &ring), [4, 5, 7, 8, 9], "6 was lost");
        onset.note(10, false);
        assert!(lead(&onset, &ring).is_empty());
        onset.note(8, true);
        onset.note(9, true);
        assert_eq!(lead(&onset, &ring), [8, 9]);
    }
}
