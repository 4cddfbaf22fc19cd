//! Reading bits, most significant first.

use super::super::RtpError;

pub(super) const TRUNCATED: RtpError = RtpError::Truncated("the dependency descriptor");

/// Bits of a value, from a place on.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// f(n), for up to 32 bits.
    #[inline]
    pub(super) fn read(&mut self, count: u32) -> Result<u32, RtpError> {
        let end = self.at + count as usize;
        if end > self.bytes.len() * 8 {
            return Err(TRUNCATED);
        }
        let mut value = 0;
        while self.at < end {
            let left = 8 - self.at % 8;
            let take = left.min(end - self.at);
            let byte = u32::from(self.bytes[self.at / 8]);
            let part = byte >> (left - take) & ((1 << take) - 1);
            value = value << take | part;
            self.at += take;
        }
        Ok(value)
    }

    pub(super) fn flag(&mut self) -> Result<bool, RtpError> {
        Ok(self.read(1)? == 1)
    }

    /// ns(n): a number below `n`, which is 1 to 33, in as few bits as that takes (AV1 bitstream specification, §4.10.7).
    pub(super) fn non_symmetric(&mut self, n: u32) -> Result<u32, RtpError> {
        let width = 32 - n.leading_zeros();
        let short = (1 << width) - n;
        let value = self.read(width - 1)?;
        if value < short {
            return Ok(value);
        }
        Ok((value << 1) - short + self.read(1)?)
    }
}
