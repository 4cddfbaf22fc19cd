//! The first ClientHello: its reassembly (RFC 6347 §4.2.3) and its `use_srtp` extension (RFC 5764 §4.1).

use bytes::BytesMut;

use super::DtlsError;
use super::record::{CLIENT_HELLO, Datagram, Fragment};
use crate::srtp::Profile;

/// Collects datagrams until the first ClientHello is complete. Browsers send it in two.
///
/// Bounded by [`HELLO_LEN_MAX`] and [`DATAGRAMS_MAX`]. A ClientHello of another length, or one datagram too
/// many, starts over: a client that means it repeats itself.
#[derive(Debug, Default)]
pub(super) struct HelloBuffer {
    datagrams: Vec<BytesMut>,
    message: Vec<u8>,
    is_received: Vec<bool>,
}

impl HelloBuffer {
    /// Adds a datagram and returns the body of the ClientHello once it is complete.
    ///
    /// # Errors
    /// [`DtlsError::Unexpected`] when no part of a first ClientHello is in it.
    pub(super) fn push(&mut self, datagram: &Datagram<'_>) -> Result<Option<Vec<u8>>, DtlsError> {
        let mut fragments = datagram.fragments().filter(is_first_hello).peekable();
        let Some(first) = fragments.peek() else { return Err(DtlsError::Unexpected) };
        let message_len = first.message_len;
        if message_len != self.message.len() || self.datagrams.len() == DATAGRAMS_MAX {
            self.start_over(message_len);
        }
        for fragment in fragments.filter(|fragment| fragment.message_len == message_len) {
            let range = fragment.offset..fragment.offset + fragment.data.len();
            self.message[range.clone()].copy_from_slice(fragment.data);
            self.is_received[range].fill(true);
        }
        self.datagrams.push(BytesMut::from(datagram.octets()));
        let is_complete = self.is_received.iter().all(|is_received| *is_received);
        Ok(is_complete.then(|| std::mem::take(&mut self.message)))
    }

    /// The datagrams so far, in the order of arrival.
    pub(super) fn take_datagrams(&mut self) -> Vec<BytesMut> {
        std::mem::take(&mut self.datagrams)
    }

    fn start_over(&mut self, message_len: usize) {
        self.datagrams.clear();
        self.message = vec![0; message_len];
        self.is_received = vec![false; message_len];
    }
}

/// The best SRTP profile that a ClientHello offers, whatever the client's order: GCM, then counter mode.
/// `None` when it offers neither or no SRTP at all.
///
/// `hello` is the body of the message, without its handshake header.
///
/// # Errors
/// [`DtlsError::Malformed`].
pub fn best_profile(hello: &[u8]) -> Result<Option<Profile>, DtlsError> {
    parse(hello).ok_or(DtlsError::Malformed)
}

/// `None` when the structure of RFC 6347 §4.2.1 and RFC 5246 §7.4.1.2 does not hold.
fn parse(hello: &[u8]) -> Option<Option<Profile>> {
    let mut hello = Reader(hello);
    let _version = hello.take(2)?;
    let _random = hello.take(32)?;
    let _session_id = hello.vector_8()?;
    let _cookie = hello.vector_8()?;
    let _cipher_suites = hello.vector_16()?;
    let _compression_methods = hello.vector_8()?;
    if hello.0.is_empty() {
        return Some(None);
    }
    let mut extensions = Reader(hello.vector_16()?);
    let mut best = None;
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let data = extensions.vector_16()?;
        if kind == USE_SRTP {
            best = best_of(data)?;
        }
    }
    hello.0.is_empty().then_some(best)
}

fn best_of(use_srtp: &[u8]) -> Option<Option<Profile>> {
    let mut use_srtp = Reader(use_srtp);
    let profiles = use_srtp.vector_16()?;
    let _mki = use_srtp.vector_8()?;
    if !profiles.len().is_multiple_of(2) || !use_srtp.0.is_empty() {
        return None;
    }
    let offers = |value: [u8; 2]| profiles.chunks_exact(2).any(|profile| profile == value);
    Some(if offers(AEAD_AES_128_GCM) {
        Some(Profile::AeadAes128Gcm)
    } else {
        offers(AES128_CM_HMAC_SHA1_80).then_some(Profile::Aes128CmHmacSha1_80)
    })
}

fn is_first_hello(fragment: &Fragment<'_>) -> bool {
    fragment.message_type == CLIENT_HELLO
        && fragment.message_seq == 0
        && (1..=HELLO_LEN_MAX).contains(&fragment.message_len)
}

/// Takes octets off the front and says `None` when there are not enough.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|octets| u16::from_be_bytes([octets[0], octets[1]]))
    }

    /// A vector with one octet of length before it.
    fn vector_8(&mut self) -> Option<&'a [u8]> {
        let len = self.take(1)?[0];
        self.take(len.into())
    }

    /// A vector with two octets of length before it.
    fn vector_16(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(len.into())
    }
}

/// Longest ClientHello. Browsers that offer post-quantum key shares send about 1.5 kB.
const HELLO_LEN_MAX: usize = 8 * 1024;

/// Datagrams that one ClientHello may come in, repetitions included.
const DATAGRAMS_MAX: usize = 12;

/// RFC 5764 §9.
const USE_SRTP: u16 = 14;
/// RFC 7714 §14.2.
const AEAD_AES_128_GCM: [u8; 2] = [0, 7];
/// RFC 5764 §4.1.2.
const AES128_CM_HMAC_SHA1_80: [u8; 2] = [0, 1];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hello(extensions: &[u8]) -> Vec<u8> {
        let mut hello = vec![0xfe, 0xfd];
        hello.extend([7; 32]);
        hello.extend([0, 0, 0, 2, 0xc0, 0x2b, 1, 0]);
        hello.extend((extensions.len() as u16).to_be_bytes());
        hello.extend(extensions);
        hello
    }

    fn use_srtp(profiles: &[u8]) -> Vec<u8> {
        let mut extension = vec![0, 23, 0, 0, 0, 14, 0, profiles.len() as u8 + 3, 0, profiles.len() as u8];
        extension.extend(profiles);
        extension.push(0);
        extension
    }

    fn datagram(message_len: u16, offset: u16, data: &[u8]) -> Vec<u8> {
        let mut octets = vec![22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];
        octets.extend((data.len() as u16 + 12).to_be_bytes());
        octets.extend([1, 0]);
        octets.extend(message_len.to_be_bytes());
        octets.extend([0, 0, 0]);
        octets.extend(offset.to_be_bytes());
        octets.push(0);
        octets.extend((data.len() as u16).to_be_bytes());
        octets.extend(data);
        octets
    }

    fn push(buffer: &mut HelloBuffer, octets: &[u8]) -> Option<Vec<u8>> {
        buffer.push(&Datagram::parse(octets).unwrap()).unwrap()
    }

    #[test]
    fn gcm_wins_whatever_the_order() {
        let (gcm, cm) = (Some(Profile::AeadAes128Gcm), Some(Profile::Aes128CmHmacSha1_80));
        let cases: [(&[u8], Option<Profile>); 6] = [
            (&[0, 1, 0, 8, 0, 7], gcm),
            (&[0, 7, 0, 1], gcm),
            (&[0, 1], cm),
            (&[0, 8, 0, 2, 0, 1], cm),
            (&[0, 8, 0, 2], None),
            (&[], None),
        ];
        for (profiles, expected) in cases {
            assert_eq!(best_profile(&hello(&use_srtp(profiles))).unwrap(), expected, "{profiles:?}");
        }
        assert_eq!(best_profile(&hello(&[])).unwrap(), None);
        let without_extensions = &hello(&[])[..hello(&[]).len() - 2];
        assert_eq!(best_profile(without_extensions).unwrap(), None);
    }

    #[test]
    fn a_hello_that_does_not_add_up_is_malformed() {
        let good = hello(&use_srtp(&[0, 7]));
        let without_extensions = good.len() - use_srtp(&[0, 7]).len() - 2;
        for cut in (0..good.len()).filter(|cut| *cut != without_extensions) {
            assert!(best_profile(&good[..cut]).is_err(), "cut at {cut}");
        }
        assert!(best_profile(&[&good[..], &[0]].concat()).is_err());
        assert!(best_profile(&hello(&use_srtp(&[0, 7, 0]))).is_err());
    }

    #[test]
    fn fragments_are_put_together_in_any_order_and_with_overlaps() {
        let hello: Vec<u8> = (0..200).collect();
        let mut buffer = HelloBuffer::default();
        assert_eq!(push(&mut buffer, &datagram(200, 150, &hello[150..])), None);
        assert_eq!(push(&mut buffer, &datagram(200, 0, &hello[..100])), None);
        assert_eq!(push(&mut buffer, &datagram(200, 0, &hello[..100])), None);
        assert_eq!(push(&mut buffer, &datagram(200, 90, &hello[90..160])), Some(hello));
        assert_eq!(buffer.take_datagrams().len(), 4);
    }

    #[test]
    fn another_hello_starts_over() {
        let hello: Vec<u8> = (0..200).collect();
        let mut buffer = HelloBuffer::default();
        assert_eq!(push(&mut buffer, &datagram(200, 0, &hello[..100])), None);
        assert_eq!(push(&mut buffer, &datagram(150, 0, &hello[..100])), None);
        assert_eq!(push(&mut buffer, &datagram(150, 100, &hello[100..150])), Some(hello[..150].to_vec()));
        assert_eq!(buffer.take_datagrams().len(), 2);
    }

    #[test]
    fn a_flood_of_pieces_is_bounded() {
        let mut buffer = HelloBuffer::default();
        for at in 0..1_000 {
            push(&mut buffer, &datagram(8_000, at, &[1]));
            assert!(buffer.datagrams.len() <= DATAGRAMS_MAX);
        }
        let too_long = datagram(8_193, 0, &[1]);
        assert!(HelloBuffer::default().push(&Datagram::parse(&too_long).unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = best_profile(&octets);
            let _ = best_profile(&hello(&octets));
        }
    }
}
