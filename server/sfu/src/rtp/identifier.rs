//! The two names that tie an RTP packet to its place in the session description: `mid` and `rid`.
//!
//! Both travel as SDP text and as header-extension bytes, are compared for every packet and are therefore
//! held inline: `Copy`, no allocation, at most 16 bytes (the longest element of a one-byte header
//! extension, RFC 8285 section 4.2).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The longest element that a one-byte header extension can carry (RFC 8285 section 4.2).
const LENGTH_MAX: usize = 16;

/// Why bytes are not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdentifierError {
    /// An identifier has at least one character.
    #[error("identifier is empty")]
    Empty,
    /// The identifier has more than 16 bytes.
    #[error("identifier has {length} bytes, more than {LENGTH_MAX}")]
    TooLong {
        /// The length that was offered, in bytes.
        length: usize,
    },
    /// A byte is outside the identifier's alphabet.
    #[error("identifier has a forbidden character")]
    ForbiddenCharacter,
}

/// Identifies a media section of one peer connection (RFC 5888, RFC 9143 section 15).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mid(Inline);

/// Identifies one simulcast layer within a media section (RFC 8851, RFC 8852).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rid(Inline);

impl Mid {
    /// The longest accepted identifier, in bytes.
    pub const LENGTH_MAX: usize = LENGTH_MAX;

    /// Accepts an SDP token of 1 to 16 characters (`token`, RFC 8866 section 9).
    ///
    /// # Errors
    /// [`IdentifierError`] when the text is empty, too long or not a token.
    pub fn new(text: &str) -> Result<Self, IdentifierError> {
        Self::from_bytes(text.as_bytes())
    }

    /// As [`Mid::new`], from the bytes of a header extension.
    ///
    /// # Errors
    /// [`IdentifierError`] when the bytes are empty, too long or not a token.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdentifierError> {
        Inline::new(bytes, is_token_character).map(Self)
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The identifier as it travels in a header extension.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Rid {
    /// The longest accepted identifier, in bytes.
    pub const LENGTH_MAX: usize = LENGTH_MAX;

    /// Accepts 1 to 16 letters, digits, `-` and `_` (`rid-id`, RFC 8851 section 10).
    ///
    /// # Errors
    /// [`IdentifierError`] when the text is empty, too long or has another character.
    pub fn new(text: &str) -> Result<Self, IdentifierError> {
        Self::from_bytes(text.as_bytes())
    }

    /// As [`Rid::new`], from the bytes of a header extension.
    ///
    /// # Errors
    /// [`IdentifierError`] when the bytes are empty, too long or have another character.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdentifierError> {
        Inline::new(bytes, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')).map(Self)
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The identifier as it travels in a header extension.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for Mid {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl FromStr for Rid {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl fmt::Display for Mid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for Rid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Mid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Mid({})", self.as_str())
    }
}

impl fmt::Debug for Rid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Rid({})", self.as_str())
    }
}

/// Up to 16 ASCII bytes; the tail is zero, so that derived equality, order and hash are those of the text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Inline {
    bytes: [u8; LENGTH_MAX],
    length: u8,
}

impl Inline {
    fn new(bytes: &[u8], allowed: impl Fn(u8) -> bool) -> Result<Self, IdentifierError> {
        if bytes.is_empty() {
            return Err(IdentifierError::Empty);
        }
        if bytes.len() > LENGTH_MAX {
            return Err(IdentifierError::TooLong { length: bytes.len() });
        }
        if !bytes.iter().all(|&byte| byte.is_ascii() && allowed(byte)) {
            return Err(IdentifierError::ForbiddenCharacter);
        }
        let mut inline = Self { bytes: [0; LENGTH_MAX], length: 0 };
        for (slot, &byte) in inline.bytes.iter_mut().zip(bytes) {
            *slot = byte;
            inline.length += 1;
        }
        Ok(inline)
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("the constructor admits ASCII only")
    }
}

/// `token-char` of RFC 8866 section 9.
fn is_token_character(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x27 | 0x2A..=0x2B | 0x2D..=0x2E | 0x30..=0x39 | 0x41..=0x5A | 0x5E..=0x7E)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mid_is_a_token_of_one_to_sixteen_characters() {
        assert_eq!(Mid::new("0").unwrap().as_str(), "0");
        assert_eq!(Mid::new("{audio-0}").unwrap().to_string(), "{audio-0}");
        assert_eq!(Mid::new("0123456789abcdef").unwrap().as_bytes(), b"0123456789abcdef");
        assert_eq!(Mid::new(""), Err(IdentifierError::Empty));
        assert_eq!(Mid::new("0123456789abcdef0"), Err(IdentifierError::TooLong { length: 17 }));
        for hostile in ["a b", "a\r\nm=", "a/b", "a:b", "a=b", "é", "a\0"] {
            assert_eq!(Mid::new(hostile), Err(IdentifierError::ForbiddenCharacter), "{hostile:?}");
        }
    }

    #[test]
    fn a_rid_has_letters_digits_dash_and_underscore_only() {
        assert_eq!(Rid::from_bytes(b"q").unwrap(), Rid::new("q").unwrap());
        assert_eq!(Rid::new("a-b_9").unwrap().as_str(), "a-b_9");
        for hostile in ["q;h", "~q", "q,h", "q.h"] {
            assert_eq!(Rid::new(hostile), Err(IdentifierError::ForbiddenCharacter), "{hostile:?}");
        }
    }

    #[test]
    fn identifiers_are_ordered_and_equal_as_their_text() {
        let mids = ["0", "00", "1", "10", "2", "a"].map(|text| Mid::new(text).unwrap());
        assert!(mids.is_sorted());
        assert_ne!(mids[0], mids[1]);
    }
}
