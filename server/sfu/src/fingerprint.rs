//! The digest that ties a DTLS certificate to a session description (RFC 8122 §5).

use std::fmt;

use aws_lc_rs::digest;

/// The SHA-256 digest of a DTLS certificate. Other hash functions are not accepted: every browser sends this one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The fingerprint of a certificate in DER.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        let mut octets = [0; 32];
        octets.copy_from_slice(digest::digest(&digest::SHA256, certificate).as_ref());
        Self(octets)
    }

    /// Reads 32 colon-separated pairs of hexadecimal digits, in either case.
    pub(crate) fn from_hexadecimal(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        let mut pairs = text.split(':');
        for byte in &mut digest {
            let pair = pairs.next().filter(|pair| pair.len() == 2)?;
            if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        pairs.next().is_none().then_some(Self(digest))
    }
}

/// `AB:CD:…`, as it stands in `a=fingerprint:sha-256`.
impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            write!(formatter, "{separator}{byte:02X}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_survives_the_session_description_in_either_case() {
        let fingerprint = Fingerprint::of(b"certificate");
        let text = fingerprint.to_string();
        assert_eq!(Fingerprint::from_hexadecimal(&text), Some(fingerprint));
        assert_eq!(Fingerprint::from_hexadecimal(&text.to_lowercase()), Some(fingerprint));
        assert_ne!(fingerprint, Fingerprint::of(b"another"));
    }

    #[test]
    fn malformed_digits_are_refused() {
        let good = Fingerprint::of(b"certificate").to_string();
        let cut = &good[..good.len() - 3];
        let bad = [
            String::new(),
            good.replace(':', "-"),
            cut.to_owned(),
            format!("{good}:00"),
            format!("{cut}:+0"),
            format!("{cut}:é"),
        ];
        for text in bad {
            assert_eq!(Fingerprint::from_hexadecimal(&text), None, "{text}");
        }
    }
}
