//! Replay protection and the packet index estimate (RFC 3711 §3.3.1, §3.3.2, appendix A).

use super::{RTP_INDEX_MAX, SrtpError};

/// Remembers which of the newest [`ReplayWindow::WIDTH`] packet indices of one SSRC were accepted.
///
/// Nothing changes until [`commit`](Self::commit), which the caller invokes after authentication only, so
/// a forged packet moves neither the window nor the rollover counter.
#[derive(Debug, Clone)]
pub struct ReplayWindow {
    /// Highest accepted index; `None` until the first packet.
    newest: Option<u64>,
    /// A ring of bits: index `i` is at `i % WIDTH`. Bits older than the window are cleared as it moves.
    seen: [u64; WORDS],
}

impl ReplayWindow {
    /// How many indices are remembered. As wide as libwebrtc's: RFC 3711 asks for 64 at least, but bursts
    /// and reordering at video rates need more.
    pub const WIDTH: u64 = 64 * WORDS as u64;

    /// A window that accepts any first packet.
    pub const fn new() -> Self {
        Self { newest: None, seen: [0; WORDS] }
    }

    /// Highest index accepted so far.
    pub const fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// The index a packet with this sequence number most likely has: the one closest to the newest index.
    ///
    /// The first packet is taken to have rollover counter 0, whatever its sequence number. An index is never
    /// below 0: while the newest index is under 2^15, a sequence number of the upper half is a jump ahead,
    /// not a packet from before the first wrap (which would have had rollover counter 0 as well).
    #[inline]
    pub fn estimate(&self, sequence_number: u16) -> u64 {
        let seq = u64::from(sequence_number);
        let Some(newest) = self.newest else { return seq };
        let same = (newest & !0xffff) | seq;
        if same > newest + HALF && same >= CYCLE {
            same - CYCLE
        } else if same + HALF < newest && same + CYCLE <= RTP_INDEX_MAX {
            same + CYCLE
        } else {
            same
        }
    }

    /// Whether a packet with this index may still be accepted.
    ///
    /// # Errors
    /// [`SrtpError::Replayed`] or [`SrtpError::TooOld`].
    #[inline]
    pub fn check(&self, index: u64) -> Result<(), SrtpError> {
        match self.newest {
            Some(newest) if index.saturating_add(Self::WIDTH) <= newest => Err(SrtpError::TooOld { index }),
            Some(newest) if index <= newest && self.is_seen(index) => Err(SrtpError::Replayed { index }),
            Some(_) | None => Ok(()),
        }
    }

    /// Marks an authenticated index as accepted. An index behind the window is ignored.
    #[inline]
    pub fn commit(&mut self, index: u64) {
        match self.newest {
            Some(newest) if index.saturating_add(Self::WIDTH) <= newest => return,
            Some(newest) if index <= newest => {}
            Some(newest) if index - newest >= Self::WIDTH => self.advance_past_everything(index),
            Some(newest) => self.advance(newest, index),
            None => self.newest = Some(index),
        }
        let (word, bit) = position(index);
        self.seen[word] |= bit;
    }

    fn advance(&mut self, newest: u64, index: u64) {
        for skipped in newest + 1..index {
            let (word, bit) = position(skipped);
            self.seen[word] &= !bit;
        }
        self.newest = Some(index);
    }

    fn advance_past_everything(&mut self, index: u64) {
        self.seen = [0; WORDS];
        self.newest = Some(index);
    }

    fn is_seen(&self, index: u64) -> bool {
        let (word, bit) = position(index);
        self.seen[word] & bit != 0
    }
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self::new()
    }
}

/// The replay windows of all SSRCs that one peer sends RTCP with.
///
/// Bounded: an authenticated peer that uses more than [`SrtcpReplay::SSRCS_MAX`] SSRCs loses the window that
/// was idle for longest, so only packets of that SSRC could be replayed to us, and the session goes on.
#[derive(Debug, Default)]
pub struct SrtcpReplay {
    /// Most recently used first: the common case is a hit on the first entry.
    windows: Vec<(u32, ReplayWindow)>,
}

impl SrtcpReplay {
    /// How many SSRCs are remembered.
    pub const SSRCS_MAX: usize = 64;

    /// Whether an RTCP packet with this 31-bit index may be accepted.
    ///
    /// # Errors
    /// [`SrtpError::Replayed`] or [`SrtpError::TooOld`].
    pub fn check(&self, ssrc: u32, index: u32) -> Result<(), SrtpError> {
        let window = self.windows.iter().find(|(known, _)| *known == ssrc);
        window.map_or(Ok(()), |(_, window)| window.check(index.into()))
    }

    /// Marks an authenticated index as accepted and makes room for a new SSRC if needed.
    pub fn commit(&mut self, ssrc: u32, index: u32) {
        match self.windows.iter().position(|(known, _)| *known == ssrc) {
            Some(at) => self.windows[..=at].rotate_right(1),
            None => {
                self.windows.truncate(Self::SSRCS_MAX - 1);
                self.windows.insert(0, (ssrc, ReplayWindow::new()));
            }
        }
        self.windows[0].1.commit(index.into());
    }
}

/// 1,024 bits.
const WORDS: usize = 16;

/// Sequence numbers wrap after this many packets.
const CYCLE: u64 = 1 << 16;

/// A distance above this is a wrap, not a jump (RFC 3711 appendix A).
const HALF: u64 = 1 << 15;

#[inline]
const fn position(index: u64) -> (usize, u64) {
    let at = index % ReplayWindow::WIDTH;
    ((at / 64) as usize, 1 << (at % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// The window as RFC 3711 words it, with a set of everything ever accepted.
    #[derive(Default)]
    struct Model {
        accepted: BTreeSet<u64>,
    }

    impl Model {
        fn is_fresh(&self, index: u64) -> bool {
            let newest = self.accepted.last().copied();
            let is_too_old = newest.is_some_and(|newest| index + ReplayWindow::WIDTH <= newest);
            !is_too_old && !self.accepted.contains(&index)
        }

        fn accept(&mut self, index: u64) -> bool {
            self.is_fresh(index) && self.accepted.insert(index)
        }
    }

    fn accept(window: &mut ReplayWindow, index: u64) -> bool {
        let fresh = window.check(index).is_ok();
        if fresh {
            window.commit(index);
        }
        fresh
    }

    proptest! {
        #[test]
        fn the_window_agrees_with_a_set_of_everything_accepted(
            steps in proptest::collection::vec(prop_oneof![-4_i64..6, 1_020_i64..1_030, -1_500_i64..1_600], 1..400)
        ) {
            let mut window = ReplayWindow::new();
            let mut model = Model::default();
            let mut at = 5_000_i64;
            for step in steps {
                at = (at + step).max(0);
                let index = u64::try_from(at).unwrap();
                prop_assert_eq!(accept(&mut window, index), model.accept(index), "index {}", index);
            }
            let newest = window.newest().unwrap();
            for index in newest.saturating_sub(ReplayWindow::WIDTH + 2)..newest + 3 {
                let is_fresh = window.check(index).is_ok();
                prop_assert_eq!(is_fresh, model.is_fresh(index), "index {} at the end", index);
            }
        }

        #[test]
        fn the_estimate_is_right_whenever_the_packet_is_less_than_half_a_cycle_away(
            newest in 0_u64..1 << 40, distance in -32_767_i64..=32_767
        ) {
            let index = i64::try_from(newest).unwrap() + distance;
            prop_assume!(index >= 0);
            let index = u64::try_from(index).unwrap();
            let mut window = ReplayWindow::new();
            window.commit(newest);
            prop_assert_eq!(window.estimate(index as u16), index);
        }

        #[test]
        fn an_estimate_always_fits_48_bits_and_keeps_the_sequence_number(
            newest in 0..=RTP_INDEX_MAX, seq in any::<u16>()
        ) {
            let mut window = ReplayWindow::new();
            window.commit(newest);
            let index = window.estimate(seq);
            prop_assert!(index <= RTP_INDEX_MAX);
            prop_assert_eq!(index as u16, seq);
        }
    }

    #[test]
    fn the_first_packet_may_have_any_sequence_number() {
        for seq in [0, 1, 0x7fff, 0x8000, 0xffff] {
            let mut window = ReplayWindow::new();
            assert_eq!(window.estimate(seq), u64::from(seq));
            assert!(accept(&mut window, u64::from(seq)));
        }
    }

    #[test]
    fn the_rollover_counter_survives_reordering_around_the_first_wrap() {
        let mut window = ReplayWindow::new();
        let arrivals = [0xfffd_u16, 0xffff, 1, 0xfffe, 0, 2, 0xfffc];
        let indices: Vec<u64> = arrivals
            .iter()
            .map(|seq| {
                let index = window.estimate(*seq);
                assert!(accept(&mut window, index), "sequence number {seq}");
                index
            })
            .collect();
        assert_eq!(indices, [0xfffd, 0xffff, 0x1_0001, 0xfffe, 0x1_0000, 0x1_0002, 0xfffc]);
        assert_eq!(window.newest(), Some(0x1_0002));
    }

    #[test]
    fn the_estimate_is_right_up_to_half_a_cycle_exactly() {
        for newest in [0x1_0000, 0x1_7fff, 0x1_8000, 0x1_ffff, 0x7_1234_u64] {
            let mut window = ReplayWindow::new();
            window.commit(newest);
            for index in [newest - 32_767, newest - 32_766, newest + 32_766, newest + 32_767] {
                assert_eq!(window.estimate(index as u16), index, "newest {newest:#x}");
            }
        }
    }

    #[test]
    fn an_index_is_never_below_zero() {
        let mut window = ReplayWindow::new();
        window.commit(2);
        assert_eq!(window.estimate(0xffff), 0xffff);
    }

    #[test]
    fn a_forged_packet_moves_nothing() {
        let mut window = ReplayWindow::new();
        window.commit(10);
        assert_eq!(window.check(40_000), Ok(()));
        assert_eq!(window.newest(), Some(10));
    }

    #[test]
    fn replayed_and_too_old_are_told_apart() {
        let mut window = ReplayWindow::new();
        window.commit(5_000);
        assert_eq!(window.check(5_000), Err(SrtpError::Replayed { index: 5_000 }));
        let oldest = 5_001 - ReplayWindow::WIDTH;
        assert_eq!(window.check(oldest), Ok(()));
        assert_eq!(window.check(oldest - 1), Err(SrtpError::TooOld { index: oldest - 1 }));
    }

    #[test]
    fn the_busiest_rtcp_ssrcs_keep_their_windows_when_there_are_too_many() {
        let mut replay = SrtcpReplay::default();
        let ssrcs = u32::try_from(SrtcpReplay::SSRCS_MAX).unwrap();
        for ssrc in 0..ssrcs {
            replay.commit(ssrc, 7);
        }
        replay.commit(0, 8);
        replay.commit(9_999, 1);
        assert_eq!(replay.windows.len(), SrtcpReplay::SSRCS_MAX);
        assert_eq!(replay.check(0, 8), Err(SrtpError::Replayed { index: 8 }));
        assert_eq!(replay.check(1, 7), Ok(()), "the window that was idle for longest is gone");
        assert_eq!(replay.check(2, 7), Err(SrtpError::Replayed { index: 7 }));
    }
}
