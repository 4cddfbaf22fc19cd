//! Redundant audio (RFC 2198): one payload that repeats earlier ones, so that a lost packet is made good by the next.
//!
//! ```text
//! 1 type(7) | timestamp offset(14) | length(10)    a header of 4 bytes for every redundant block, oldest first
//! 0 type(7)                                        a header of 1 byte for the primary block
//! data of the blocks in the same order; the primary one has the rest
//! ```
//! Browsers repeat the packets that went out directly before (libwebrtc: one, at most nine), so the block that lies
//! `n` places before the primary one belongs to the packet whose sequence number is `n` less.

use super::RtpError;

/// Most redundant blocks of one packet; a packet with more is refused.
pub const REDUNDANT_MAX: usize = 8;
/// Bytes of a redundant block's header.
const REDUNDANT_HEADER_LEN: usize = 4;
/// Bytes of the primary block's header.
const PRIMARY_HEADER_LEN: usize = 1;
/// The oldest that a redundant block can be, in timestamp units: 14 bits, 341 ms of Opus.
pub const OFFSET_MAX: u16 = 0x3fff;
/// The longest redundant block in bytes: 10 bits.
pub const BLOCK_LEN_MAX: usize = 0x3ff;

const FOLLOWED: u8 = 0x80;

/// An earlier payload that is repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Block<'a> {
    /// Payload type of the data, 7 bits.
    pub payload_type: u8,
    /// How much older it is than the packet's timestamp, in timestamp units; at most [`OFFSET_MAX`].
    pub timestamp_offset: u16,
    /// The repeated payload; at most [`BLOCK_LEN_MAX`] bytes.
    pub payload: &'a [u8],
}

impl Block<'_> {
    /// Whether a header can say its age and its length.
    #[inline]
    #[must_use]
    pub const fn fits(&self) -> bool {
        self.timestamp_offset <= OFFSET_MAX && self.payload.len() <= BLOCK_LEN_MAX
    }
}

/// A RED payload, taken apart without copying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Red<'a> {
    /// Payload type of the primary block, 7 bits.
    pub primary_type: u8,
    /// The primary block: what the packet would carry without redundancy. May be empty.
    pub primary: &'a [u8],
    headers: &'a [u8],
    data: &'a [u8],
}

impl<'a> Red<'a> {
    /// Reads a RED payload.
    ///
    /// # Errors
    /// [`RtpError::Truncated`] when a header or a block reaches beyond the end, [`RtpError::Redundancy`] when there are more
    /// than [`REDUNDANT_MAX`] redundant blocks.
    #[inline]
    pub fn parse(payload: &'a [u8]) -> Result<Self, RtpError> {
        let truncated = RtpError::Truncated("a RED header");
        let (mut headers_len, mut data_len) = (0, 0);
        loop {
            let first = *payload.get(headers_len).ok_or(truncated)?;
            if first & FOLLOWED == 0 {
                break;
            }
            if headers_len == REDUNDANT_MAX * REDUNDANT_HEADER_LEN {
                return Err(RtpError::Redundancy);
            }
            let header = payload.get(headers_len..headers_len + REDUNDANT_HEADER_LEN).ok_or(truncated)?;
            data_len += usize::from(u16::from_be_bytes([header[2], header[3]])) & BLOCK_LEN_MAX;
            headers_len += REDUNDANT_HEADER_LEN;
        }
        let (headers, rest) = payload.split_at(headers_len);
        let (&[primary_type], rest) = rest.split_first_chunk::<PRIMARY_HEADER_LEN>().ok_or(truncated)?;
        let (data, primary) =
            rest.split_at_checked(data_len).ok_or(RtpError::Truncated("a redundant block"))?;
        Ok(Self { primary_type, primary, headers, data })
    }

    /// How many redundant blocks there are.
    #[inline]
    #[must_use]
    pub const fn redundant_len(&self) -> usize {
        self.headers.len() / REDUNDANT_HEADER_LEN
    }

    /// The redundant blocks, oldest first. An empty one says that there is nothing to repeat in its place.
    #[inline]
    pub fn redundant(&self) -> impl Iterator<Item = Block<'a>> + Clone {
        let mut data = self.data;
        self.headers.chunks_exact(REDUNDANT_HEADER_LEN).map_while(move |header| {
            let word = u32::from_be_bytes([0, header[1], header[2], header[3]]);
            let (payload, rest) = data.split_at_checked(word as usize & BLOCK_LEN_MAX)?;
            data = rest;
            Some(Block {
                payload_type: header[0] & !FOLLOWED,
                timestamp_offset: (word >> 10) as u16,
                payload,
            })
        })
    }
}

/// Writes a RED payload into `out` and returns its length.
///
/// # Errors
/// [`RtpError::Redundancy`] when there are more than [`REDUNDANT_MAX`] blocks or one does not [fit](Block::fits),
/// [`RtpError::NoSpace`] when `out` is too small.
#[inline]
pub fn write(
    redundant: &[Block<'_>],
    primary_type: u8,
    primary: &[u8],
    out: &mut [u8],
) -> Result<usize, RtpError> {
    if redundant.len() > REDUNDANT_MAX || redundant.iter().any(|block| !block.fits()) {
        return Err(RtpError::Redundancy);
    }
    let mut len = 0;
    for block in redundant {
        let word = u32::from(block.timestamp_offset) << 10 | block.payload.len() as u32;
        let [_, word @ ..] = word.to_be_bytes();
        append(out, &mut len, &[block.payload_type | FOLLOWED])?;
        append(out, &mut len, &word)?;
    }
    append(out, &mut len, &[primary_type & !FOLLOWED])?;
    for block in redundant {
        append(out, &mut len, block.payload)?;
    }
    append(out, &mut len, primary)?;
    Ok(len)
}

#[inline]
fn append(out: &mut [u8], len: &mut usize, bytes: &[u8]) -> Result<(), RtpError> {
    let end = *len + bytes.len();
    out.get_mut(*len..end).ok_or(RtpError::NoSpace)?.copy_from_slice(bytes);
    *len = end;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 2198 section 4: DVI4 (type 5) primary, one LPC block (type 7) 160 units older.
    #[test]
    fn the_layout_of_the_standard_is_read_and_written() {
        let bytes = [0x87, 0x02, 0x80, 0x03, 0x05, 1, 2, 3, 4, 5, 6, 7];
        let red = Red::parse(&bytes).unwrap();
        assert_eq!((red.primary_type, red.primary), (5, &[4, 5, 6, 7][..]));
        let block = Block { payload_type: 7, timestamp_offset: 160, payload: &[1, 2, 3] };
        assert_eq!(red.redundant().collect::<Vec<_>>(), [block]);
        let mut out = [0; 12];
        assert_eq!(write(&[block], 5, &[4, 5, 6, 7], &mut out), Ok(12));
        assert_eq!(out, bytes);
        assert_eq!(write(&[block], 5, &[4, 5, 6, 7], &mut [0; 11]), Err(RtpError::NoSpace));
    }

    #[test]
    fn a_payload_without_redundancy_has_one_byte_in_front() {
        let red = Red::parse(&[111, 9, 8]).unwrap();
        assert_eq!((red.primary_type, red.primary, red.redundant_len()), (111, &[9, 8][..], 0));
        assert!(Red::parse(&[111]).unwrap().primary.is_empty());
    }

    #[test]
    fn what_ends_too_early_is_refused_at_every_place() {
        let bytes = [0x87, 0x02, 0x80, 0x03, 0x05, 1, 2, 3];
        for len in 0..bytes.len() {
            assert!(matches!(Red::parse(&bytes[..len]), Err(RtpError::Truncated(_))), "{len}");
        }
        assert!(Red::parse(&bytes).unwrap().primary.is_empty());
    }

    #[test]
    fn more_blocks_than_the_bound_are_refused_both_ways() {
        let headers = [0x80 | 111, 0, 4, 0].repeat(REDUNDANT_MAX);
        assert_eq!(Red::parse(&[&headers[..], &[111, 1]].concat()).unwrap().redundant_len(), REDUNDANT_MAX);
        let one_more = [&headers[..], &headers[..4], &[111, 1]].concat();
        assert_eq!(Red::parse(&one_more), Err(RtpError::Redundancy));
        let blocks = [Block::default(); REDUNDANT_MAX + 1];
        assert_eq!(write(&blocks, 111, &[], &mut [0; 100]), Err(RtpError::Redundancy));
    }

    #[test]
    fn a_block_that_is_too_old_or_too_long_is_not_written() {
        let long = [0; BLOCK_LEN_MAX + 1];
        let old = Block { timestamp_offset: OFFSET_MAX + 1, ..Block::default() };
        for block in [Block { payload: &long, ..Block::default() }, old] {
            assert_eq!(write(&[block], 111, &[], &mut [0; 2000]), Err(RtpError::Redundancy));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            blocks in proptest::collection::vec((0u8..128, 0..=OFFSET_MAX, proptest::collection::vec(any::<u8>(), 0..40)), 0..=REDUNDANT_MAX),
            primary_type in 0u8..128,
            primary in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let blocks: Vec<Block<'_>> = blocks
                .iter()
                .map(|(payload_type, timestamp_offset, payload)| Block {
                    payload_type: *payload_type,
                    timestamp_offset: *timestamp_offset,
                    payload,
                })
                .collect();
            let mut out = [0; 1000];
            let len = write(&blocks, primary_type, &primary, &mut out).unwrap();
            let red = Red::parse(&out[..len]).unwrap();
            prop_assert_eq!((red.primary_type, red.primary), (primary_type, &primary[..]));
            prop_assert_eq!(red.redundant().collect::<Vec<_>>(), blocks);
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_every_byte_is_accounted_for(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(red) = Red::parse(&bytes) {
                let blocks: usize = red.redundant().map(|block| block.payload.len()).sum();
                prop_assert_eq!(red.redundant().count(), red.redundant_len());
                prop_assert_eq!(4 * red.redundant_len() + 1 + blocks + red.primary.len(), bytes.len());
            }
        }
    }
}
