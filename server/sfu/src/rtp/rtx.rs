//! Retransmission payloads (RFC 4588 §4): the original sequence number, then the original payload.

use super::RtpError;

/// Bytes that a retransmission adds to the payload.
pub const OVERHEAD: usize = 2;

/// Splits a retransmission payload into original sequence number and original payload.
///
/// `None` when there is no original packet inside: browsers send padding-only RTX packets as bandwidth probes.
#[inline]
#[must_use]
pub fn unwrap(payload: &[u8]) -> Option<(u16, &[u8])> {
    let (osn, original) = payload.split_first_chunk::<OVERHEAD>()?;
    (!original.is_empty()).then_some((u16::from_be_bytes(*osn), original))
}

/// Writes the payload of a retransmission of packet `sequence` into `out` and returns its length.
///
/// # Errors
/// [`RtpError::NoSpace`] when `out` is shorter than the payload plus [`OVERHEAD`].
#[inline]
pub fn wrap(sequence: u16, payload: &[u8], out: &mut [u8]) -> Result<usize, RtpError> {
    let len = OVERHEAD + payload.len();
    let out = out.get_mut(..len).ok_or(RtpError::NoSpace)?;
    out[..OVERHEAD].copy_from_slice(&sequence.to_be_bytes());
    out[OVERHEAD..].copy_from_slice(payload);
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_payload_unwraps_to_itself() {
        let mut out = [0; 16];
        let len = wrap(0xfffe, b"frame", &mut out).unwrap();
        assert_eq!(unwrap(&out[..len]), Some((0xfffe, &b"frame"[..])));
    }

    #[test]
    fn probes_and_stubs_hold_no_packet() {
        for payload in [&[][..], &[1], &[1, 2]] {
            assert_eq!(unwrap(payload), None);
        }
        assert_eq!(wrap(1, b"frame", &mut [0; 6]), Err(RtpError::NoSpace));
    }
}
