//! How a meeting remembers somebody without knowing who they are: a salted digest.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Makes the digests of one meeting useless for any other.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Salt([u8; 16]);

impl Salt {
    /// The caller draws the bytes at random.
    pub(crate) const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The digest of a text; `kind` keeps texts of different meaning apart.
    pub(crate) fn mark(&self, kind: &str, text: &str) -> Mark {
        let mut digest = Sha256::new();
        digest.update(self.0);
        digest.update((kind.len() as u64).to_be_bytes());
        digest.update(kind);
        digest.update(text);
        Mark(digest.finalize().into())
    }
}

/// A digest. Compared in constant time, because it may be that of a secret.
#[derive(Clone, Copy, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Mark([u8; 32]);

impl PartialEq for Mark {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mark(…)")
    }
}

/// A stored digest is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest must have {digits} hexadecimal digits")]
pub(crate) struct InvalidDigest {
    digits: usize,
}

impl TryFrom<String> for Salt {
    type Error = InvalidDigest;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        bytes(&text).map(Self)
    }
}

impl From<Salt> for String {
    fn from(salt: Salt) -> Self {
        hexadecimal(&salt.0)
    }
}

impl TryFrom<String> for Mark {
    type Error = InvalidDigest;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        bytes(&text).map(Self)
    }
}

impl From<Mark> for String {
    fn from(mark: Mark) -> Self {
        hexadecimal(&mark.0)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], InvalidDigest> {
    let error = InvalidDigest { digits: 2 * N };
    if text.len() != 2 * N {
        return Err(error);
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| error)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| error)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_tells_kinds_texts_and_meetings_apart() {
        let salt = Salt::new([1; 16]);
        assert_eq!(salt.mark("address", "10.0.0.1"), salt.mark("address", "10.0.0.1"));
        assert_ne!(salt.mark("address", "10.0.0.1"), salt.mark("address", "10.0.0.2"));
        assert_ne!(salt.mark("address", "10.0.0.1"), salt.mark("addres", "s10.0.0.1"));
        assert_ne!(salt.mark("address", "10.0.0.1"), Salt::new([2; 16]).mark("address", "10.0.0.1"));
    }

    #[test]
    fn what_is_stored_is_read_again_and_rubbish_is_not() {
        let mark = Salt::new([1; 16]).mark("passcode", "1234");
        let text = serde_json::to_string(&mark).unwrap();
        assert_eq!(serde_json::from_str::<Mark>(&text).unwrap(), mark);
        assert!(serde_json::from_str::<Mark>("\"12\"").is_err());
        let strange = "é".repeat(32);
        assert!(Mark::try_from(strange).is_err());
    }
}
