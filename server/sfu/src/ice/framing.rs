//! Datagrams over a stream: each after its length in two octets (RFC 4571 §2, as RFC 6544 §3 uses it).
//!
//! The stream comes from a stranger: a frame longer than any WebRTC datagram ends it, and no more than one frame
//! is ever kept.

/// Longest frame that is accepted: more than Ethernet carries. RFC 4571 allows 65,535.
pub const FRAME_BYTES_MAX: usize = 2048;

/// Octets of the length before each datagram.
pub const HEADER_LEN: usize = 2;

/// The stream cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {len} bytes; at most {FRAME_BYTES_MAX} are accepted")]
pub struct FrameTooLong {
    /// What its header says.
    pub len: usize,
}

/// What goes before a datagram of `len` octets; nothing when it cannot be framed.
#[must_use]
pub fn header(len: usize) -> Option<[u8; HEADER_LEN]> {
    u16::try_from(len).ok().map(u16::to_be_bytes)
}

/// The first datagram of a stream whose beginning is `octets`; `None` while it is not there as a whole.
///
/// # Errors
/// [`FrameTooLong`].
pub fn first(octets: &[u8]) -> Result<Option<&[u8]>, FrameTooLong> {
    let Some(header) = octets.first_chunk::<HEADER_LEN>() else { return Ok(None) };
    let len = length(*header)?;
    Ok(octets.get(HEADER_LEN..HEADER_LEN + len))
}

/// Takes a stream apart. Holds at most one frame that is not complete yet.
#[derive(Debug, Default)]
pub struct Deframer {
    /// The beginning of a frame, header included; shorter than the whole frame.
    partial: Vec<u8>,
}

impl Deframer {
    /// Takes the next octets of the stream, however they are cut, and hands over every datagram that is complete
    /// now; empty ones are left out. The datagrams may be changed in place.
    ///
    /// # Errors
    /// [`FrameTooLong`]; then the stream is of no use any more.
    pub fn push(&mut self, octets: &mut [u8], mut take: impl FnMut(&mut [u8])) -> Result<(), FrameTooLong> {
        let mut rest = octets;
        if !self.partial.is_empty() {
            rest = self.fill(rest)?;
            let Some(end) = self.end()? else { return Ok(()) };
            if self.partial.len() < end {
                return Ok(());
            }
            hand_over(&mut self.partial[HEADER_LEN..], &mut take);
            self.partial.clear();
        }
        while let Some(header) = rest.first_chunk::<HEADER_LEN>() {
            let end = HEADER_LEN + length(*header)?;
            if rest.len() < end {
                break;
            }
            let (frame, after) = rest.split_at_mut(end);
            hand_over(&mut frame[HEADER_LEN..], &mut take);
            rest = after;
        }
        self.partial.extend_from_slice(rest);
        Ok(())
    }

    /// Whether a frame has begun and not ended.
    #[must_use]
    pub fn is_within_frame(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Completes the partial frame as far as `octets` go; returns what is left of them.
    fn fill<'a>(&mut self, mut octets: &'a mut [u8]) -> Result<&'a mut [u8], FrameTooLong> {
        // First the header, then what it announces.
        for _ in 0..2 {
            let end = self.end()?.unwrap_or(HEADER_LEN);
            let (taken, after) = octets.split_at_mut((end - self.partial.len()).min(octets.len()));
            self.partial.extend_from_slice(taken);
            octets = after;
        }
        Ok(octets)
    }

    /// Where the partial frame ends; `None` before its header is complete.
    fn end(&self) -> Result<Option<usize>, FrameTooLong> {
        let header = self.partial.first_chunk::<HEADER_LEN>();
        header.map(|header| Ok(HEADER_LEN + length(*header)?)).transpose()
    }
}

fn length(header: [u8; HEADER_LEN]) -> Result<usize, FrameTooLong> {
    let len = usize::from(u16::from_be_bytes(header));
    if len > FRAME_BYTES_MAX { Err(FrameTooLong { len }) } else { Ok(len) }
}

fn hand_over(datagram: &mut [u8], take: &mut impl FnMut(&mut [u8])) {
    if !datagram.is_empty() {
        take(datagram);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(datagrams: &[Vec<u8>]) -> Vec<u8> {
        let frames = datagrams.iter();
        frames.flat_map(|datagram| [&header(datagram.len()).unwrap()[..], datagram].concat()).collect()
    }

    fn deframed(stream: &[u8], cuts: &[usize]) -> Result<Vec<Vec<u8>>, FrameTooLong> {
        let (mut deframer, mut taken) = (Deframer::default(), Vec::new());
        let mut rest = stream.to_vec();
        let mut cuts = cuts.iter().cycle();
        while !rest.is_empty() {
            let mut after = rest.split_off((*cuts.next().unwrap()).min(rest.len()));
            deframer.push(&mut rest, |datagram| taken.push(datagram.to_vec()))?;
            assert!(deframer.partial.len() < HEADER_LEN + FRAME_BYTES_MAX);
            std::mem::swap(&mut rest, &mut after);
        }
        Ok(taken)
    }

    #[test]
    fn a_stream_cut_into_single_octets_gives_the_same_datagrams() {
        let datagrams = vec![vec![1], vec![2; 300], vec![3; FRAME_BYTES_MAX]];
        assert_eq!(deframed(&framed(&datagrams), &[1]), Ok(datagrams));
    }

    #[test]
    fn empty_frames_are_left_out_and_do_not_end_the_stream() {
        assert_eq!(deframed(&[0, 0, 0, 1, 7, 0, 0], &[3]), Ok(vec![vec![7]]));
        assert_eq!(deframed(&[0, 0, 0, 1, 7, 0, 0], &[1]), Ok(vec![vec![7]]));
    }

    #[test]
    fn a_frame_that_is_too_long_ends_the_stream_as_soon_as_its_header_is_there() {
        let len = FRAME_BYTES_MAX + 1;
        let header = header(len).unwrap();
        for cut in [1, 2, 5] {
            assert_eq!(deframed(&[0, 1, 9, header[0], header[1], 0], &[cut]), Err(FrameTooLong { len }));
        }
        assert_eq!(first(&header), Err(FrameTooLong { len }));
    }

    #[test]
    fn the_first_datagram_is_seen_once_it_is_whole() {
        assert_eq!(first(&[]), Ok(None));
        assert_eq!(first(&[0]), Ok(None));
        assert_eq!(first(&[0, 2, 5]), Ok(None));
        assert_eq!(first(&[0, 2, 5, 6, 0, 9]), Ok(Some(&[5, 6][..])));
    }

    #[test]
    fn what_no_frame_can_hold_has_no_header() {
        assert_eq!(header(65_535), Some([255, 255]));
        assert_eq!(header(65_536), None);
    }

    proptest! {
        #[test]
        fn however_a_stream_is_cut_its_datagrams_come_out(
            datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..200), 0..12),
            cuts in proptest::collection::vec(1_usize..250, 1..12)
        ) {
            prop_assert_eq!(deframed(&framed(&datagrams), &cuts), Ok(datagrams));
        }

        #[test]
        fn arbitrary_streams_are_read_alike_however_they_are_cut(
            stream in proptest::collection::vec(prop_oneof![Just(0_u8), 0_u8..10, any::<u8>()], 0..600),
            cuts in proptest::collection::vec(1_usize..80, 1..8)
        ) {
            prop_assert_eq!(deframed(&stream, &cuts).is_ok(), deframed(&stream, &[1]).is_ok());
            if let (Ok(one), Ok(other)) = (deframed(&stream, &cuts), deframed(&stream, &[stream.len().max(1)])) {
                prop_assert_eq!(one, other);
            }
        }
    }
}
