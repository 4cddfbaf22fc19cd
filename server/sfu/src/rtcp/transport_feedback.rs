//! Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).

use super::{RtcpError, u32_at};

/// A packet status symbol.
pub(crate) type Symbol = u8;
/// The packet has not arrived.
pub(crate) const NOT_RECEIVED: Symbol = 0;
/// It has, with a delta of one unsigned byte.
pub(crate) const SMALL_DELTA: Symbol = 1;
/// It has, with a delta of two signed bytes.
pub(crate) const LARGE_DELTA: Symbol = 2;
/// Most packets that one run-length chunk covers: 13 bits.
pub(crate) const MAX_RUN: u16 = 0x1fff;

/// Header of the message behind the two SSRCs: base, count, reference time, feedback count.
const HEADER_LEN: usize = 16;

/// What became of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Transport-wide sequence number.
    pub sequence: u16,
    /// Time since the previous *received* packet of the same feedback (for the first: since the reference time) in units
    /// of 250 µs, negative after reordering; `None` when the packet has not arrived.
    pub delta: Option<i16>,
}

/// A validated feedback message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportFeedback<'a> {
    /// Who reports.
    pub sender_ssrc: u32,
    /// Any stream of the transport.
    pub media_ssrc: u32,
    /// The first packet reported on.
    pub base_sequence: u16,
    /// How many packets are reported on.
    pub status_count: u16,
    /// Time base in units of 64 ms, 24 bits, on the receiver's arbitrary and wrapping clock.
    pub reference_time: u32,
    /// Number of this feedback, wrapping.
    pub feedback_count: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl<'a> TransportFeedback<'a> {
    /// Checks that chunks and deltas cover exactly the promised packets, so that iterating cannot fail.
    #[inline]
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, RtcpError> {
        const TRUNCATED: RtcpError = RtcpError::Truncated("the transport feedback");
        let field = |at| u32_at(body, at).ok_or(TRUNCATED);
        let (base_and_count, time_and_count) = (field(8)?, field(12)?);
        let status_count = base_and_count as u16;
        let tail = body.get(HEADER_LEN..).ok_or(TRUNCATED)?;
        let mut symbols = Symbols { chunks: tail, chunk: Chunk::EMPTY, left: status_count };
        let mut delta_len = 0;
        let mut seen = 0;
        for symbol in &mut symbols {
            delta_len += match symbol {
                NOT_RECEIVED => 0,
                SMALL_DELTA => 1,
                LARGE_DELTA => 2,
                _ => return Err(RtcpError::ReservedSymbol),
            };
            seen += 1;
        }
        if seen != status_count {
            return Err(TRUNCATED);
        }
        let (chunks, deltas) = tail.split_at_checked(tail.len() - symbols.chunks.len()).ok_or(TRUNCATED)?;
        Ok(Self {
            sender_ssrc: field(0)?,
            media_ssrc: field(4)?,
            base_sequence: (base_and_count >> 16) as u16,
            status_count,
            reference_time: time_and_count >> 8,
            feedback_count: time_and_count as u8,
            chunks,
            deltas: deltas.get(..delta_len).ok_or(TRUNCATED)?,
        })
    }

    /// Every reported packet in order of sequence number: at most 65535.
    #[inline]
    #[must_use]
    pub fn arrivals(&self) -> Arrivals<'a> {
        let symbols = Symbols { chunks: self.chunks, chunk: Chunk::EMPTY, left: self.status_count };
        Arrivals { symbols, deltas: self.deltas, sequence: self.base_sequence }
    }
}

/// See [`TransportFeedback::arrivals`].
#[derive(Clone, Debug)]
pub struct Arrivals<'a> {
    symbols: Symbols<'a>,
    deltas: &'a [u8],
    sequence: u16,
}

impl Iterator for Arrivals<'_> {
    type Item = Arrival;

    #[inline]
    fn next(&mut self) -> Option<Arrival> {
        let symbol = self.symbols.next()?;
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        let delta = match symbol {
            SMALL_DELTA => {
                let (&delta, rest) = self.deltas.split_first()?;
                self.deltas = rest;
                Some(i16::from(delta))
            }
            LARGE_DELTA => {
                let (&delta, rest) = self.deltas.split_first_chunk::<2>()?;
                self.deltas = rest;
                Some(i16::from_be_bytes(delta))
            }
            _ => None,
        };
        Some(Arrival { sequence, delta })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::from(self.symbols.left);
        (left, Some(left))
    }
}

/// Unpacks status chunks into symbols; ends after `left` symbols or when the chunks run out.
#[derive(Clone, Debug)]
struct Symbols<'a> {
    chunks: &'a [u8],
    chunk: Chunk,
    left: u16,
}

/// The rest of one chunk.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// Symbols left.
    len: u16,
    /// The next symbol is in the low bits of `bits >> shift`; runs have a `step` of 0.
    bits: u16,
    shift: u16,
    step: u16,
    mask: u16,
}

impl Chunk {
    const EMPTY: Self = Self { len: 0, bits: 0, shift: 0, step: 0, mask: 0 };

    #[inline]
    fn decode(bits: u16) -> Self {
        match bits >> 14 {
            // Run length: two bits of symbol, 13 bits of length.
            0 | 1 => Self { len: bits & MAX_RUN, bits, shift: 13, step: 0, mask: 3 },
            // Vector of 14 one-bit symbols.
            2 => Self { len: 14, bits, shift: 13, step: 1, mask: 1 },
            // Vector of 7 two-bit symbols.
            _ => Self { len: 7, bits, shift: 12, step: 2, mask: 3 },
        }
    }
}

impl Iterator for Symbols<'_> {
    type Item = Symbol;

    #[inline]
    fn next(&mut self) -> Option<Symbol> {
        if self.left == 0 {
            return None;
        }
        // A run of length zero is legal and says nothing.
        while self.chunk.len == 0 {
            let (&bits, rest) = self.chunks.split_first_chunk::<2>()?;
            self.chunks = rest;
            self.chunk = Chunk::decode(u16::from_be_bytes(bits));
        }
        let symbol = self.chunk.bits >> self.chunk.shift & self.chunk.mask;
        self.chunk.shift = self.chunk.shift.saturating_sub(self.chunk.step);
        self.chunk.len -= 1;
        self.left -= 1;
        Some(symbol as Symbol)
    }
}
