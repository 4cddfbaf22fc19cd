//! One expanded session key and the two packet transforms (RFC 3711 §3.3 and §3.4, RFC 7714 §8 and §9).

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{EncryptingKey, EncryptionContext};
use aws_lc_rs::{constant_time, hmac};

use super::key_derivation::{Purpose, Stream, counter_mode, derive};
use super::{MasterKey, Profile, RTCP_HEADER_LEN, SRTCP_E_BIT, SRTCP_INDEX_LEN, SrtpError, be_word};

/// Expanded key material of one direction and protocol.
pub(super) enum SessionKey {
    Gcm(Gcm),
    /// Boxed because it is forty times as large: the hash states of its HMAC are stored inline.
    CounterMode(Box<CounterMode>),
}

impl SessionKey {
    pub(super) fn derive(master: &MasterKey, stream: Stream) -> Self {
        match master.profile() {
            Profile::AeadAes128Gcm => Self::Gcm(Gcm::derive(master, stream)),
            Profile::Aes128CmHmacSha1_80 => Self::CounterMode(Box::new(CounterMode::derive(master, stream))),
        }
    }

    /// `packet` is exactly plaintext and room for the tag.
    #[inline]
    pub(super) fn seal_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        plain_len: usize,
        ssrc: u32,
        index: u64,
    ) {
        let (plain, tag) = packet.split_at_mut(plain_len);
        match self {
            Self::Gcm(gcm) => {
                let (header, payload) = plain.split_at_mut(header_len);
                gcm.seal(header, payload, tag, ssrc, index);
            }
            Self::CounterMode(cm) => {
                cm.apply(&mut plain[header_len..], ssrc, index);
                tag.copy_from_slice(&cm.tag(plain, rollover_counter(index)));
            }
        }
    }

    /// `packet` ends with the tag and is long enough for `header_len` before it.
    #[inline]
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), SrtpError> {
        match self {
            Self::Gcm(gcm) => {
                let (header, sealed) = packet.split_at_mut(header_len);
                gcm.open(header, sealed, ssrc, index)
            }
            Self::CounterMode(cm) => {
                let (plain, tag) = packet.split_at_mut(packet.len() - CM_TAG_LEN);
                cm.verify(plain, rollover_counter(index), tag)?;
                cm.apply(&mut plain[header_len..], ssrc, index);
                Ok(())
            }
        }
    }

    /// `packet` is exactly plaintext and room for tag and index word, in the transform's order.
    pub(super) fn seal_rtcp(&self, packet: &mut [u8], plain_len: usize, ssrc: u32, index: u32) {
        let word = (SRTCP_E_BIT | index).to_be_bytes();
        let (plain, trailer) = packet.split_at_mut(plain_len);
        match self {
            Self::Gcm(gcm) => {
                let (header, payload) = plain.split_at_mut(RTCP_HEADER_LEN);
                let (tag, index_word) = trailer.split_at_mut(trailer.len() - SRTCP_INDEX_LEN);
                gcm.seal(&rtcp_associated_data(header, word), payload, tag, ssrc, index.into());
                index_word.copy_from_slice(&word);
            }
            Self::CounterMode(cm) => {
                cm.apply(&mut plain[RTCP_HEADER_LEN..], ssrc, index.into());
                let (index_word, tag) = trailer.split_at_mut(SRTCP_INDEX_LEN);
                index_word.copy_from_slice(&word);
                tag.copy_from_slice(&cm.tag(plain, word));
            }
        }
    }

    /// `packet` is a whole SRTCP packet whose plaintext length and index the caller worked out.
    pub(super) fn open_rtcp(
        &self,
        packet: &mut [u8],
        plain_len: usize,
        ssrc: u32,
        index: u32,
    ) -> Result<(), SrtpError> {
        match self {
            Self::Gcm(gcm) => {
                let index_at = packet.len() - SRTCP_INDEX_LEN;
                let word = be_word(packet, index_at);
                let (header, sealed) = packet[..index_at].split_at_mut(RTCP_HEADER_LEN);
                gcm.open(&rtcp_associated_data(header, word), sealed, ssrc, index.into())
            }
            Self::CounterMode(cm) => {
                let (plain, trailer) = packet.split_at_mut(plain_len);
                let (_, tag) = trailer.split_at(SRTCP_INDEX_LEN);
                cm.verify(plain, be_word(trailer, 0), tag)?;
                cm.apply(&mut plain[RTCP_HEADER_LEN..], ssrc, index.into());
                Ok(())
            }
        }
    }
}

/// `AEAD_AES_128_GCM`.
pub(super) struct Gcm {
    key: LessSafeKey,
    salt: [u8; 12],
}

impl Gcm {
    fn derive(master: &MasterKey, stream: Stream) -> Self {
        let key: [u8; 16] = derive(master, stream, Purpose::Encryption);
        let key = UnboundKey::new(&AES_128_GCM, &key).expect("AES-128-GCM takes 16 octets");
        Self { key: LessSafeKey::new(key), salt: derive(master, stream, Purpose::Salt) }
    }

    #[inline]
    fn seal(&self, associated: &[u8], payload: &mut [u8], tag: &mut [u8], ssrc: u32, index: u64) {
        let sealed = self
            .key
            .seal_in_place_separate_tag(self.nonce(ssrc, index), Aad::from(associated), payload)
            .expect("a packet is far below the 2^36 octets that GCM can seal");
        tag.copy_from_slice(sealed.as_ref());
    }

    #[inline]
    fn open(&self, associated: &[u8], sealed: &mut [u8], ssrc: u32, index: u64) -> Result<(), SrtpError> {
        self.key
            .open_in_place(self.nonce(ssrc, index), Aad::from(associated), sealed)
            .map(|_| ())
            .map_err(|_| SrtpError::Authentication)
    }

    /// `00 00 | SSRC | 48-bit index`, XORed with the salt. RFC 7714 §8.1 for RTP; §9.1 writes the 31-bit
    /// RTCP index into the same low bits.
    #[inline]
    fn nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let mut nonce = self.salt;
        xor(&mut nonce[2..6], &ssrc.to_be_bytes());
        xor(&mut nonce[6..], &index.to_be_bytes()[2..]);
        Nonce::assume_unique_for_key(nonce)
    }
}

/// `AES_128_CM_HMAC_SHA1_80`.
pub(super) struct CounterMode {
    /// Used in both directions: counter mode decrypts by encrypting.
    key: EncryptingKey,
    /// Inner and outer pads are hashed once here and copied per packet.
    authentication: hmac::Key,
    salt: [u8; 14],
}

impl CounterMode {
    fn derive(master: &MasterKey, stream: Stream) -> Self {
        let authentication: [u8; 20] = derive(master, stream, Purpose::Authentication);
        Self {
            key: counter_mode(&derive(master, stream, Purpose::Encryption)),
            authentication: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &authentication),
            salt: derive(master, stream, Purpose::Salt),
        }
    }

    /// Encrypts or decrypts under `salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16` (RFC 3711 §4.1.1).
    #[inline]
    fn apply(&self, payload: &mut [u8], ssrc: u32, index: u64) {
        let mut start = [0; 16];
        start[..14].copy_from_slice(&self.salt);
        xor(&mut start[4..8], &ssrc.to_be_bytes());
        xor(&mut start[8..14], &index.to_be_bytes()[2..]);
        self.key
            .less_safe_encrypt(payload, EncryptionContext::Iv128(start.into()))
            .expect("counter mode takes any length with a 128-bit start");
    }

    /// `trailer` is the rollover counter for RTP (not sent) and the index word for RTCP (sent).
    #[inline]
    fn tag(&self, packet: &[u8], trailer: [u8; 4]) -> [u8; CM_TAG_LEN] {
        let mut context = hmac::Context::with_key(&self.authentication);
        context.update(packet);
        context.update(&trailer);
        let mut tag = [0; CM_TAG_LEN];
        tag.copy_from_slice(&context.sign().as_ref()[..CM_TAG_LEN]);
        tag
    }

    #[inline]
    fn verify(&self, packet: &[u8], trailer: [u8; 4], tag: &[u8]) -> Result<(), SrtpError> {
        constant_time::verify_slices_are_equal(&self.tag(packet, trailer), tag)
            .map_err(|_| SrtpError::Authentication)
    }
}

/// HMAC-SHA1 cut to 80 bits.
const CM_TAG_LEN: usize = Profile::Aes128CmHmacSha1_80.tag_len();

/// The upper 32 of the 48 index bits.
#[inline]
fn rollover_counter(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

/// GCM authenticates the clear header and the index word together (RFC 7714 §9.2).
fn rtcp_associated_data(header: &[u8], word: [u8; 4]) -> [u8; RTCP_HEADER_LEN + SRTCP_INDEX_LEN] {
    let mut associated = [0; RTCP_HEADER_LEN + SRTCP_INDEX_LEN];
    associated[..RTCP_HEADER_LEN].copy_from_slice(header);
    associated[RTCP_HEADER_LEN..].copy_from_slice(&word);
    associated
}

#[inline]
fn xor(target: &mut [u8], mask: &[u8]) {
    for (octet, mask) in target.iter_mut().zip(mask) {
        *octet ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;

    const RFC_7714_KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    fn rfc_7714_session() -> SessionKey {
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &RFC_7714_KEY).unwrap());
        SessionKey::Gcm(Gcm { key, salt: *b"Quid pro quo" })
    }

    #[test]
    fn counter_mode_produces_the_key_stream_of_rfc_3711_b2() {
        let key: [u8; 16] = hex("2B7E151628AED2A6ABF7158809CF4F3C").try_into().unwrap();
        let cm = CounterMode {
            key: counter_mode(&key),
            authentication: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &[0; 20]),
            salt: hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().unwrap(),
        };
        let mut stream = vec![0; 0xff02 * 16];
        cm.apply(&mut stream, 0, 0);
        let expected = "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB\
                        41E95B3BB0A2E8DD477901E4FCA894C0";
        assert_eq!(stream[..48], hex(expected));
        let expected = "EC8CDF7398607CB0F2D21675EA9EA1E4362B7C3C6773516318A077D7FC5073AE\
                        6A2CC3787889374FBEB4C81B17BA6C44";
        assert_eq!(stream[0xfeff * 16..], hex(expected));
    }

    #[test]
    fn gcm_seals_and_opens_the_rtp_packet_of_rfc_7714_16_1() {
        let plain = hex("8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e6973206469766973\
                         6120696e207061727465732074726573");
        let sealed = hex("8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d29\
                          4e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce");
        let mut packet = plain.clone();
        packet.resize(plain.len() + 16, 0);
        rfc_7714_session().seal_rtp(&mut packet, 12, plain.len(), 0x5501_a0b2, 0xf17b);
        assert_eq!(packet, sealed);
        rfc_7714_session().open_rtp(&mut packet, 12, 0x5501_a0b2, 0xf17b).unwrap();
        assert_eq!(packet[..plain.len()], plain);
    }

    #[test]
    fn gcm_seals_and_opens_the_rtcp_packet_of_rfc_7714_17_1() {
        let plain = hex("81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61\
                         deadbeefdeadbeefdeadbeefdeadbeefdeadbeef");
        let sealed = hex("81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32d\
                          c676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf872\
                          45d9eade800005d4");
        let mut packet = plain.clone();
        packet.resize(plain.len() + 20, 0);
        rfc_7714_session().seal_rtcp(&mut packet, plain.len(), 0x4d61_7273, 0x5d4);
        assert_eq!(packet, sealed);
        rfc_7714_session().open_rtcp(&mut packet, plain.len(), 0x4d61_7273, 0x5d4).unwrap();
        assert_eq!(packet[..plain.len()], plain);
    }
}
