//! Cutting a batch into runs that the kernel can take as one message.

use std::net::SocketAddr;

use sfu::{Address, Datagram};

/// Most datagrams of one message (the kernel's UDP_MAX_SEGMENTS was 64 before it became 128).
pub(super) const SEGMENTS_MAX: usize = 64;
/// Most bytes of one message: an IP packet's 65,535 less headers, and some distance.
pub(super) const RUN_BYTES_MAX: usize = 65_000;

/// Neighbouring datagrams of one destination; all have `segment` bytes, the last may have fewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) to: SocketAddr,
    /// First byte in the batch.
    pub(super) start: usize,
    /// Bytes of all of them.
    pub(super) len: usize,
    /// Bytes of each.
    pub(super) segment: usize,
    /// How many they are.
    pub(super) datagrams: usize,
}

/// The longest runs of `datagrams` in their order, each at most `datagrams_max` long. What goes over TCP is left out.
pub(super) fn runs(datagrams: &[Datagram], datagrams_max: usize) -> impl Iterator<Item = Run> + '_ {
    let mut rest = datagrams;
    std::iter::from_fn(move || {
        while let [Datagram { to: Address::Tcp(_), .. }, after @ ..] = rest {
            rest = after;
        }
        let run = longest(rest, datagrams_max)?;
        rest = &rest[run.datagrams..];
        Some(run)
    })
}

fn longest(datagrams: &[Datagram], datagrams_max: usize) -> Option<Run> {
    let first = datagrams.first()?;
    let Address::Udp(to) = first.to else { return None };
    let mut run = Run { to, start: first.start, len: first.len, segment: first.len, datagrams: 1 };
    for next in datagrams.iter().take(datagrams_max).skip(1) {
        let is_neighbour = next.to == first.to && next.start == run.start + run.len;
        // An empty datagram has no bytes to cut from, and a shorter one ends the run.
        let fits = next.len <= run.segment && next.len > 0 && run.len + next.len <= RUN_BYTES_MAX;
        if !is_neighbour || !fits {
            break;
        }
        run.len += next.len;
        run.datagrams += 1;
        if next.len < run.segment {
            break;
        }
    }
    Some(run)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sfu::{DATAGRAM_BYTES_MAX, SendBatch};

    use super::*;

    fn batch(datagrams: &[(u16, usize)]) -> SendBatch {
        let mut batch = SendBatch::with_capacity(datagrams.len().max(1));
        for (port, len) in datagrams {
            batch.push_with(SocketAddr::from(([127, 0, 0, 1], *port)), |_| Some(*len));
        }
        batch
    }

    fn lengths(datagrams: &[(u16, usize)]) -> Vec<usize> {
        runs(batch(datagrams).datagrams(), SEGMENTS_MAX).map(|run| run.datagrams).collect()
    }

    #[test]
    fn equal_neighbours_of_one_destination_are_one_run() {
        assert_eq!(lengths(&[(1, 100), (1, 100), (1, 100)]), [3]);
        assert_eq!(lengths(&[(1, 100), (2, 100), (1, 100)]), [1, 1, 1]);
    }

    #[test]
    fn the_last_of_a_run_may_be_shorter_and_ends_it() {
        assert_eq!(lengths(&[(1, 100), (1, 100), (1, 99), (1, 100)]), [3, 1]);
        assert_eq!(lengths(&[(1, 100), (1, 99), (1, 99)]), [2, 1]);
    }

    #[test]
    fn what_goes_over_tcp_is_left_out() {
        let udp = SocketAddr::from(([127, 0, 0, 1], 1));
        let tcp = sfu::TcpConnection { id: 1, remote: udp };
        let mut batch = SendBatch::with_capacity(6);
        for to in [tcp.into(), udp.into(), Address::from(tcp), tcp.into(), udp.into(), tcp.into()] {
            batch.push_with(to, |_| Some(10));
        }
        let starts: Vec<usize> = runs(batch.datagrams(), SEGMENTS_MAX).map(|run| run.start).collect();
        assert_eq!(starts, [10, 40]);
    }

    #[test]
    fn a_longer_one_begins_a_new_run() {
        assert_eq!(lengths(&[(1, 100), (1, 101)]), [1, 1]);
    }

    #[test]
    fn a_run_keeps_within_the_kernel_s_bounds() {
        assert_eq!(lengths(&[(1, 10); 130]), [64, 64, 2]);
        assert_eq!(lengths(&[(1, DATAGRAM_BYTES_MAX); 60])[0], RUN_BYTES_MAX / DATAGRAM_BYTES_MAX);
    }

    #[test]
    fn an_empty_datagram_is_a_run_of_its_own() {
        assert_eq!(lengths(&[(1, 0), (1, 0), (1, 5), (1, 0)]), [1, 1, 1, 1]);
    }

    #[test]
    fn without_segmentation_every_datagram_is_a_run() {
        let batch = batch(&[(1, 100); 3]);
        assert_eq!(runs(batch.datagrams(), 1).count(), 3);
    }

    proptest! {
        #[test]
        fn runs_cover_every_datagram_in_order(
            datagrams in proptest::collection::vec((1_u16..3, 0_usize..5), 0..200)
        ) {
            let batch = batch(&datagrams);
            let mut rest = batch.datagrams();
            for run in runs(batch.datagrams(), SEGMENTS_MAX) {
                let (taken, after) = rest.split_at(run.datagrams);
                rest = after;
                prop_assert!(taken.iter().all(|datagram| datagram.to == run.to.into()));
                prop_assert_eq!(run.start, taken[0].start);
                prop_assert_eq!(run.len, taken.iter().map(|datagram| datagram.len).sum::<usize>());
                let (last, full) = taken.split_last().unwrap();
                prop_assert!(full.iter().all(|datagram| datagram.len == run.segment));
                prop_assert!(last.len <= run.segment);
            }
            prop_assert!(rest.is_empty());
        }
    }
}
