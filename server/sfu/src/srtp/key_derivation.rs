//! Session keys from a master key (RFC 3711 §4.3, RFC 7714 §11), with a key derivation rate of zero.

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};

use super::MasterKey;

/// Which of the two protocols a session key is for; their labels differ (RFC 3711 §4.3.1 and §4.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Rtp,
    Rtcp,
}

/// What a derived key is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Encryption,
    Authentication,
    Salt,
}

/// The AES-CM pseudo-random function: the key stream under the master key, with
/// `(label * 2^48 XOR master salt) * 2^16` as its start.
pub(super) fn derive<const LEN: usize>(master: &MasterKey, stream: Stream, purpose: Purpose) -> [u8; LEN] {
    let mut block = [0; 16];
    block[..master.salt.len()].copy_from_slice(&master.salt);
    block[LABEL_AT] ^= label(stream, purpose);
    let mut key_stream = [0; LEN];
    counter_mode(&master.key)
        .less_safe_encrypt(&mut key_stream, EncryptionContext::Iv128(block.into()))
        .expect("counter mode takes any length with a 128-bit start");
    key_stream
}

/// A keyed AES-128 counter mode context; encrypting and decrypting are the same operation.
pub(super) fn counter_mode(key: &[u8; 16]) -> EncryptingKey {
    UnboundCipherKey::new(&AES_128, key)
        .and_then(EncryptingKey::ctr)
        .expect("AES-128 supports counter mode with a 16-octet key")
}

/// The label is the top octet of a 56-bit `label || index` that is aligned with the end of the salt.
const LABEL_AT: usize = 7;

const fn label(stream: Stream, purpose: Purpose) -> u8 {
    let first = match stream {
        Stream::Rtp => 0,
        Stream::Rtcp => 3,
    };
    first
        + match purpose {
            Purpose::Encryption => 0,
            Purpose::Authentication => 1,
            Purpose::Salt => 2,
        }
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::super::{MasterKey, Profile};
    use super::*;

    #[test]
    fn session_keys_are_those_of_rfc_3711_b3() {
        let key = hex("E1F97A0D3E018BE0D64FA32C06DE4139");
        let salt = hex("0EC675AD498AFEEBB6960B3AABE6");
        let master = MasterKey::new(Profile::Aes128CmHmacSha1_80, &key, &salt).unwrap();
        let cipher: [u8; 16] = derive(&master, Stream::Rtp, Purpose::Encryption);
        assert_eq!(cipher[..], hex("C61E7A93744F39EE10734AFE3FF7A087"));
        let salt: [u8; 14] = derive(&master, Stream::Rtp, Purpose::Salt);
        assert_eq!(salt[..], hex("30CBBC08863D8C85D49DB34A9AE1"));
        let authentication: [u8; 94] = derive(&master, Stream::Rtp, Purpose::Authentication);
        let expected = "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE\
                        E049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC25\
                        6D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2";
        assert_eq!(authentication[..], hex(expected));
    }
}
