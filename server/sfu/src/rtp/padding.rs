//! RTP padding (RFC 3550 §5.1): the last byte of a padded payload counts the padding, itself included.

use super::RtpError;

/// The bytes of `payload` before its padding; empty for a padding-only packet.
///
/// # Errors
/// [`RtpError::Padding`] when the count is zero or exceeds the payload, [`RtpError::Truncated`] for an empty payload.
#[inline]
pub fn strip(payload: &[u8]) -> Result<&[u8], RtpError> {
    let &count = payload.last().ok_or(RtpError::Truncated("the padding"))?;
    match payload.len().checked_sub(usize::from(count)) {
        Some(len) if count != 0 => Ok(&payload[..len]),
        _ => Err(RtpError::Padding(count)),
    }
}

/// Fills the start of `out` with `count` bytes of padding (a probe's payload) and returns how many were written.
///
/// # Errors
/// [`RtpError::Padding`] for a count of zero, [`RtpError::NoSpace`] when `out` is shorter than `count`.
#[inline]
pub fn write(count: u8, out: &mut [u8]) -> Result<usize, RtpError> {
    let len = usize::from(count);
    let out = out.get_mut(..len).ok_or(RtpError::NoSpace)?;
    let (last, rest) = out.split_last_mut().ok_or(RtpError::Padding(0))?;
    rest.fill(0);
    *last = count;
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_cut_off_and_padding_only_payloads_are_empty() {
        assert_eq!(strip(&[7, 7, 0, 2]), Ok(&[7, 7][..]));
        assert_eq!(strip(&[0, 0, 3]), Ok(&[][..]));
    }

    #[test]
    fn impossible_padding_is_refused() {
        assert_eq!(strip(&[]), Err(RtpError::Truncated("the padding")));
        assert_eq!(strip(&[1, 0]), Err(RtpError::Padding(0)));
        assert_eq!(strip(&[1, 3]), Err(RtpError::Padding(3)));
    }

    #[test]
    fn written_padding_is_padding_only() {
        let mut out = [9; 255];
        assert_eq!(write(255, &mut out), Ok(255));
        assert_eq!(strip(&out), Ok(&[][..]));
        assert_eq!(write(0, &mut out), Err(RtpError::Padding(0)));
        assert_eq!(write(2, &mut out[..1]), Err(RtpError::NoSpace));
    }
}
