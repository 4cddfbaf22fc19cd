//! ICE user name fragment and password (RFC 8445 §5.3).

/// Our ufrag and password of one ICE session. `Debug` hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    ufrag: String,
    pwd: String,
}

impl Credentials {
    /// How many random octets [`from_random`](Self::from_random) takes: 48 bits for the ufrag, which must
    /// be unique on this server, and 144 for the password (RFC 8445 asks for 24 and 128 at least).
    pub const RANDOM_LEN: usize = 24;

    /// Turns cryptographically random octets into credentials.
    pub fn from_random(random: &[u8; Self::RANDOM_LEN]) -> Self {
        let (ufrag, pwd) = random.split_at(6);
        Self { ufrag: ice_chars(ufrag), pwd: ice_chars(pwd) }
    }

    /// The same with the number of our shard in the ufrag's first two characters, where [`shard_of`] finds it: a
    /// check that reaches another shard, or a listener that all share, can be told whose it is. 36 random bits are
    /// left (RFC 8445 asks for 24).
    #[must_use]
    pub fn for_shard(mut self, shard: u16) -> Self {
        let [high, low] = [shard >> 6, shard].map(|bits| char::from(ALPHABET[usize::from(bits & 63)]));
        self.ufrag.replace_range(..2, &String::from_iter([high, low]));
        self
    }

    /// The user name fragment for `a=ice-ufrag`.
    pub fn ufrag(&self) -> &str {
        &self.ufrag
    }

    /// The password for `a=ice-pwd`.
    pub fn pwd(&self) -> &str {
        &self.pwd
    }

    #[cfg(test)]
    pub(super) fn fixed(ufrag: &str, pwd: &str) -> Self {
        Self { ufrag: ufrag.to_owned(), pwd: pwd.to_owned() }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

/// The shard whose number [`Credentials::for_shard`] has put into this ufrag of ours.
#[must_use]
pub fn shard_of(ufrag: &str) -> Option<u16> {
    let value = |octet: u8| ALPHABET.iter().position(|char| *char == octet).map(|value| value as u16);
    let [high, low, ..] = *ufrag.as_bytes() else { return None };
    Some(value(high)? << 6 | value(low)?)
}

/// Whether this is a ufrag by RFC 8839 §5.4.
pub(super) fn is_ufrag(octets: &[u8]) -> bool {
    (4..=256).contains(&octets.len())
        && octets.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/'))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Six bits a character: the 64 ice-chars are the Base64 alphabet. The length is a multiple of three.
fn ice_chars(octets: &[u8]) -> String {
    let mut chars = String::with_capacity(octets.len() / 3 * 4);
    for group in octets.chunks_exact(3) {
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for shift in [18, 12, 6, 0] {
            chars.push(char::from(ALPHABET[(bits >> shift) as usize & 63]));
        }
    }
    chars
}
