//! The RTP header as read from the network (RFC 3550 §5.1).

use super::RtpError;

/// Length of the header without CSRCs and extensions.
pub(crate) const FIXED_LEN: usize = 12;

/// A parsed RTP header. It owns no bytes: ranges refer to the packet it was parsed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The marker bit: last packet of a video frame, first packet after silence for audio.
    pub marker: bool,
    /// The padding bit. How much padding there is can only be read from decrypted bytes: see [`Header::payload`].
    pub padding: bool,
    /// Payload type, 7 bits.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Media timestamp in units of the codec's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Number of contributing sources, 0..=15.
    pub csrc_count: u8,
    header_len: u16,
    extension_start: u16,
    extension_profile: u16,
}

impl Header {
    /// Reads the header of an RTP packet, encrypted or not (SRTP leaves headers in clear).
    ///
    /// # Errors
    /// [`RtpError`] when the version is not 2 or when CSRCs or extensions reach beyond the packet.
    #[inline]
    pub fn parse(packet: &[u8]) -> Result<Self, RtpError> {
        if packet.len() > usize::from(u16::MAX) {
            return Err(RtpError::TooLong);
        }
        let Some((fixed, _)) = packet.split_first_chunk::<FIXED_LEN>() else {
            return Err(RtpError::Truncated("the RTP header"));
        };
        let version = fixed[0] >> 6;
        if version != 2 {
            return Err(RtpError::Version(version));
        }
        let csrc_count = fixed[0] & 0x0f;
        let mut header_len = FIXED_LEN + 4 * usize::from(csrc_count);
        let (mut extension_start, mut extension_profile) = (0, 0);
        if fixed[0] & 0x10 != 0 {
            let Some(&[p0, p1, l0, l1]) = packet.get(header_len..header_len + 4) else {
                return Err(RtpError::Truncated("the extension header"));
            };
            extension_profile = u16::from_be_bytes([p0, p1]);
            extension_start = (header_len + 4) as u16;
            header_len += 4 + 4 * usize::from(u16::from_be_bytes([l0, l1]));
        }
        if header_len > packet.len() {
            return Err(RtpError::Truncated("CSRCs or extensions"));
        }
        Ok(Self {
            marker: fixed[1] & 0x80 != 0,
            padding: fixed[0] & 0x20 != 0,
            payload_type: fixed[1] & 0x7f,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            csrc_count,
            header_len: header_len as u16,
            extension_start,
            extension_profile,
        })
    }

    /// Bytes before the payload; never more than the length of the parsed packet.
    #[inline]
    #[must_use]
    pub fn header_len(&self) -> usize {
        usize::from(self.header_len)
    }

    /// Profile and bytes of the extension block of `packet`, which must be the parsed one; `None` without extensions.
    #[inline]
    #[must_use]
    pub fn extension_block<'a>(&self, packet: &'a [u8]) -> Option<(u16, &'a [u8])> {
        if self.extension_start == 0 {
            return None;
        }
        let block = packet.get(usize::from(self.extension_start)..self.header_len())?;
        Some((self.extension_profile, block))
    }

    /// The payload without padding of a decrypted `packet` (authentication tag already cut off). Empty for padding-only packets.
    ///
    /// # Errors
    /// [`RtpError::Padding`] for an impossible padding length, [`RtpError::Truncated`] when `packet` is shorter than its header.
    #[inline]
    pub fn payload<'a>(&self, packet: &'a [u8]) -> Result<&'a [u8], RtpError> {
        let payload = packet.get(self.header_len()..).ok_or(RtpError::Truncated("the RTP header"))?;
        if self.padding { super::padding::strip(payload) } else { Ok(payload) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rtc::shared::marshal::Marshal;

    #[test]
    fn a_header_of_the_reference_stack_is_read_field_by_field() {
        let header = rtc::rtp::header::Header {
            version: 2,
            marker: true,
            payload_type: 96,
            sequence_number: 65535,
            timestamp: 0xdead_beef,
            ssrc: 0x0102_0304,
            csrc: vec![1, 2, 3],
            ..Default::default()
        };
        let packet = header.marshal().unwrap();
        let parsed = Header::parse(&packet).unwrap();
        assert!(parsed.marker && !parsed.padding);
        assert_eq!((parsed.payload_type, parsed.sequence), (96, 65535));
        assert_eq!((parsed.timestamp, parsed.ssrc), (0xdead_beef, 0x0102_0304));
        assert_eq!((parsed.csrc_count, parsed.header_len()), (3, 24));
        assert_eq!(parsed.extension_block(&packet), None);
    }

    #[test]
    fn every_truncation_of_a_header_is_refused() {
        let mut packet = vec![0x92, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        packet.extend([0; 8]);
        packet.extend([0xbe, 0xde, 0, 1, 0x10, 0xff, 0, 0]);
        assert_eq!(Header::parse(&packet).unwrap().header_len(), packet.len());
        for len in 0..packet.len() {
            assert!(matches!(Header::parse(&packet[..len]), Err(RtpError::Truncated(_))), "{len}");
        }
    }

    #[test]
    fn other_versions_and_giant_packets_are_refused() {
        assert_eq!(Header::parse(&[0x40; 12]), Err(RtpError::Version(1)));
        assert_eq!(Header::parse(&vec![0x80; 65536]), Err(RtpError::TooLong));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_never_point_outside(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(header) = Header::parse(&bytes) {
                prop_assert!(header.header_len() <= bytes.len());
                let _ = header.payload(&bytes);
                let _ = header.extension_block(&bytes);
            }
        }
    }
}
