//! Identifiers and names. Their `Debug` is redacted, so that a log line cannot leak who met whom.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::{DISPLAY_NAME_CHARS_MAX, ROOM_ID_CHARS_MAX, ROOM_ID_CHARS_MIN};

/// Why a text is not the identifier or name it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The room id is shorter or longer than allowed.
    #[error("room id has {got} characters; it must have {ROOM_ID_CHARS_MIN} to {ROOM_ID_CHARS_MAX}")]
    RoomIdLength {
        /// Characters found.
        got: usize,
    },
    /// The room id has a character outside `a-z`, `0-9` and `-`.
    #[error("room id may contain only a-z, 0-9 and hyphens; found {found:?}")]
    RoomIdCharacter {
        /// The first character that is not allowed.
        found: char,
    },
    /// The display name is empty once surrounding white space is removed.
    #[error("display name is empty")]
    NameEmpty,
    /// The display name is too long.
    #[error("display name has {got} characters; at most {DISPLAY_NAME_CHARS_MAX} are allowed")]
    NameLength {
        /// Characters found.
        got: usize,
    },
    /// The display name has a control character, for example a line break.
    #[error("display name contains a control character")]
    NameControlCharacter,
    /// A hexadecimal identifier has the wrong length or a character that is not a hexadecimal digit.
    #[error("{what} must be {digits} lower-case hexadecimal digits")]
    Hexadecimal {
        /// Which identifier.
        what: &'static str,
        /// How many digits it has.
        digits: usize,
    },
}

/// The name of a meeting room as it stands in its link: 3 to 64 of `a-z`, `0-9`, `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoomId(String);

impl RoomId {
    /// Accepts exactly the allowed characters; nothing is silently corrected.
    ///
    /// # Errors
    /// [`IdentityError::RoomIdLength`] or [`IdentityError::RoomIdCharacter`].
    pub fn new(text: &str) -> Result<Self, IdentityError> {
        if let Some(found) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
            return Err(IdentityError::RoomIdCharacter { found });
        }
        if !(ROOM_ID_CHARS_MIN..=ROOM_ID_CHARS_MAX).contains(&text.len()) {
            return Err(IdentityError::RoomIdLength { got: text.len() });
        }
        Ok(Self(text.to_owned()))
    }

    /// A random, easily read room id of the form `abc-defg-hjk` (about 46 bits), from ten random bytes.
    #[must_use]
    pub fn from_random(random: [u8; 10]) -> Self {
        // 24 letters: no `l` and no `o`, which are mistaken for digits when read aloud or copied by hand.
        const LETTERS: &[u8; 24] = b"abcdefghijkmnpqrstuvwxyz";
        let mut text = String::with_capacity(12);
        for (index, byte) in random.iter().enumerate() {
            if index == 3 || index == 7 {
                text.push('-');
            }
            text.push(char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
        }
        Self(text)
    }

    /// The id as it stands in the link.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoomId({}…)", &self.0[..ROOM_ID_CHARS_MIN])
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RoomId {
    type Error = IdentityError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl FromStr for RoomId {
    type Err = IdentityError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl From<RoomId> for String {
    fn from(id: RoomId) -> Self {
        id.0
    }
}

/// One participant's seat in a room. It survives reconnects and reloads, and is public within the room.
///
/// On the wire: 16 lower-case hexadecimal digits (a string, because JavaScript numbers lose precision).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PeerId(u64);

impl PeerId {
    /// The id with this number; the caller draws it at random.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number again.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({:04x}…)", self.0 >> 48)
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for PeerId {
    type Err = IdentityError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = decode_hexadecimal::<8>(text)
            .ok_or(IdentityError::Hexadecimal { what: "peer id", digits: 16 })?;
        Ok(Self(u64::from_be_bytes(bytes)))
    }
}

impl TryFrom<String> for PeerId {
    type Error = IdentityError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PeerId> for String {
    fn from(id: PeerId) -> Self {
        id.to_string()
    }
}

/// The secret that gives a seat back after a lost connection or a reload. Known to one client and the
/// server; whoever has it *is* that participant, so it is never logged and never sent to others.
///
/// On the wire: 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResumeToken([u8; 16]);

impl ResumeToken {
    /// The token with these bytes; the caller draws them from a cryptographic source.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The first byte, which its maker may use to find the seat again.
    #[must_use]
    pub const fn first_byte(&self) -> u8 {
        self.0[0]
    }

    /// The token as text, to store it where only this client can read it.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl PartialEq for ResumeToken {
    /// Takes the same time wherever the first difference is.
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

impl Eq for ResumeToken {}

impl fmt::Debug for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResumeToken(secret)")
    }
}

impl FromStr for ResumeToken {
    type Err = IdentityError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        decode_hexadecimal(text)
            .map(Self)
            .ok_or(IdentityError::Hexadecimal { what: "resume token", digits: 32 })
    }
}

impl TryFrom<String> for ResumeToken {
    type Error = IdentityError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ResumeToken> for String {
    fn from(token: ResumeToken) -> Self {
        token.reveal()
    }
}

/// What the others read under a participant's picture: trimmed, 1 to 64 characters, no control characters.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DisplayName(String);

impl DisplayName {
    /// Trims surrounding white space and checks the rest.
    ///
    /// # Errors
    /// [`IdentityError::NameEmpty`], [`IdentityError::NameLength`] or [`IdentityError::NameControlCharacter`].
    pub fn new(text: &str) -> Result<Self, IdentityError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(IdentityError::NameEmpty);
        }
        let got = text.chars().count();
        if got > DISPLAY_NAME_CHARS_MAX {
            return Err(IdentityError::NameLength { got });
        }
        if text.chars().any(char::is_control) {
            return Err(IdentityError::NameControlCharacter);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DisplayName(…)")
    }
}

impl TryFrom<String> for DisplayName {
    type Error = IdentityError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<DisplayName> for String {
    fn from(name: DisplayName) -> Self {
        name.0
    }
}

/// Exactly `2 * N` lower-case hexadecimal digits, or nothing.
fn decode_hexadecimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hexadecimal_digit(pair[0])? << 4 | hexadecimal_digit(pair[1])?;
    }
    Some(bytes)
}

fn hexadecimal_digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}
