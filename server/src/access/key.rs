//! Keys that sign and verify. The algorithm belongs to the key: what a token claims about it is only compared.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use aws_lc_rs::{encoding, hmac};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::config::Origin;

/// Most keys at a time: two are enough for a rotation.
pub(super) const KEYS_MAX: usize = 16;
/// Shortest secret in bytes: as long as the hash (RFC 7518 §3.2).
pub(super) const SECRET_BYTES_MIN: usize = 32;
/// Longest secret in bytes.
pub(super) const SECRET_BYTES_MAX: usize = 256;
/// Longest key id in bytes.
pub(super) const KEY_ID_BYTES_MAX: usize = 64;
/// An Ed25519 public key as SubjectPublicKeyInfo (RFC 8410 §4) begins so; its 32 bytes follow.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why something is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The id does not fit.
    #[error("a key's id must have 1 to {KEY_ID_BYTES_MAX} of a-z, A-Z, 0-9, '-', '_' and '.'")]
    Id,
    /// The secret is too short or too long.
    #[error(
        "a secret must have {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes; make one with `visavis keys new`"
    )]
    SecretLength,
    /// The file holds no Ed25519 key of the kind that is asked for.
    #[error("this is no Ed25519 {0} key in PEM; make one with `visavis keys new --eddsa`")]
    Pem(&'static str),
    /// Two keys have one id.
    #[error("two keys have the id {0}")]
    TwiceTheSame(KeyId),
    /// Too many.
    #[error("there are more than {KEYS_MAX} keys")]
    TooMany,
}

/// The name of a key, as it stands in a token's `kid`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl KeyId {
    /// # Errors
    /// [`KeyError::Id`].
    pub fn new(text: &str) -> Result<Self, KeyError> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_valid = (1..=KEY_ID_BYTES_MAX).contains(&text.len()) && text.chars().all(is_allowed);
        if is_valid { Ok(Self(text.to_owned())) } else { Err(KeyError::Id) }
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyId {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::new(&text)
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What signs, or only verifies. Its `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub enum Material {
    /// A shared secret: HMAC with SHA-256 over its bytes as they stand in the settings (`HS256`).
    Secret(Box<[u8]>),
    /// An Ed25519 key pair (`EdDSA`): seed and public key.
    Private {
        /// The private key (RFC 8032 §5.1.5).
        seed: [u8; 32],
        /// The public key.
        public: [u8; 32],
    },
    /// An Ed25519 public key (`EdDSA`): somebody else signs.
    Public([u8; 32]),
}

impl Material {
    /// A shared secret.
    ///
    /// # Errors
    /// [`KeyError::SecretLength`].
    pub fn secret(text: &str) -> Result<Self, KeyError> {
        let is_valid = (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&text.len());
        if is_valid { Ok(Self::Secret(text.as_bytes().into())) } else { Err(KeyError::SecretLength) }
    }

    /// A key pair from its seed, which the caller draws from a cryptographic source.
    ///
    /// # Errors
    /// [`KeyError::Pem`] when the library refuses it, which it does for no seed that is known.
    pub fn from_seed(seed: [u8; 32]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| KeyError::Pem("private"))?;
        Self::of_pair(&pair)
    }

    /// A key pair from PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// [`KeyError::Pem`].
    pub fn private_pem(pem: &str) -> Result<Self, KeyError> {
        let der = pem_block(pem, "PRIVATE KEY").ok_or(KeyError::Pem("private"))?;
        let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|_| KeyError::Pem("private"))?;
        Self::of_pair(&pair)
    }

    /// A public key from SubjectPublicKeyInfo in PEM, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// [`KeyError::Pem`].
    pub fn public_pem(pem: &str) -> Result<Self, KeyError> {
        let der = pem_block(pem, "PUBLIC KEY").ok_or(KeyError::Pem("public"))?;
        let key = der.strip_prefix(&SPKI_PREFIX).and_then(|key| key.try_into().ok());
        key.map(Self::Public).ok_or(KeyError::Pem("public"))
    }

    fn of_pair(pair: &Ed25519KeyPair) -> Result<Self, KeyError> {
        let seed = pair.seed().ok().and_then(|seed| {
            let bytes: encoding::Curve25519SeedBin<'_> = encoding::AsBigEndian::as_be_bytes(&seed).ok()?;
            <[u8; 32]>::try_from(bytes.as_ref()).ok()
        });
        let public = <[u8; 32]>::try_from(pair.public_key().as_ref()).ok();
        let (seed, public) = seed.zip(public).ok_or(KeyError::Pem("private"))?;
        Ok(Self::Private { seed, public })
    }

    /// The private and the public key in PEM; nothing for what is no key pair.
    #[must_use]
    pub fn to_pem(&self) -> Option<(String, String)> {
        /// PKCS#8 version 1 of an Ed25519 key (RFC 8410 §7) begins so; the 32 bytes of the seed follow.
        const PKCS8_PREFIX: [u8; 16] =
            [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        let Self::Private { seed, public } = self else { return None };
        let pem = |label: &str, prefix: &[u8], key: &[u8]| {
            let body = BASE64_STANDARD.encode([prefix, key].concat());
            format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
        };
        Some((pem("PRIVATE KEY", &PKCS8_PREFIX, seed), pem("PUBLIC KEY", &SPKI_PREFIX, public)))
    }

    /// The `alg` of its tokens (RFC 7518 §3.1, RFC 8037 §3.1).
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        match self {
            Self::Secret(_) => "HS256",
            Self::Private { .. } | Self::Public(_) => "EdDSA",
        }
    }

    /// The signature; nothing when this key only verifies.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                Some(hmac::sign(&key, message).as_ref().to_vec())
            }
            Self::Private { seed, public } => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public).ok()?;
                Some(pair.sign(message).as_ref().to_vec())
            }
            Self::Public(_) => None,
        }
    }

    /// Whether the signature is this key's. Takes the same time wherever a wrong one differs.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::verify(&key, message, signature).is_ok()
            }
            Self::Private { public, .. } | Self::Public(public) => {
                UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok()
            }
        }
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Material({})", self.algorithm())
    }
}

/// A key of the operator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub id: KeyId,
    /// What signs.
    pub material: Material,
    /// Whether it opens the HTTP API too; otherwise it makes join tokens only.
    pub api: bool,
    /// Pages that may embed meetings whose links name this key.
    pub frame_ancestors: Vec<Origin>,
}

/// All keys, in the order of the settings: the last that can sign is the newest. It signs, all of them verify.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keyring(Vec<Key>);

impl Keyring {
    /// # Errors
    /// [`KeyError::TwiceTheSame`] or [`KeyError::TooMany`].
    pub fn new(keys: Vec<Key>) -> Result<Self, KeyError> {
        if keys.len() > KEYS_MAX {
            return Err(KeyError::TooMany);
        }
        for (index, key) in keys.iter().enumerate() {
            if keys[..index].iter().any(|earlier| earlier.id == key.id) {
                return Err(KeyError::TwiceTheSame(key.id.clone()));
            }
        }
        Ok(Self(keys))
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All keys.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.0
    }

    /// The key of this name.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.id.as_str() == id)
    }

    /// The newest key that signs.
    #[must_use]
    pub fn newest(&self) -> Option<&Key> {
        self.0.iter().rev().find(|key| !matches!(key.material, Material::Public(_)))
    }

    /// The key whose `id:secret` this is, when it opens the API. Takes the same time for every wrong secret.
    #[must_use]
    pub fn with_secret(&self, id: &str, secret: &str) -> Option<&Key> {
        let key = self.find(id).filter(|key| key.api)?;
        let Material::Secret(expected) = &key.material else { return None };
        verify_slices_are_equal(expected, secret.as_bytes()).ok().map(|()| key)
    }
}

/// The bytes of the first block with this label (RFC 7468).
fn pem_block(pem: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    BASE64_STANDARD.decode(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`.
    const PRIVATE: &str = include_str!("key_tests/private.pem");
    const PUBLIC: &str = include_str!("key_tests/public.pem");

    fn key(id: &str, material: Material) -> Key {
        Key { id: KeyId::new(id).unwrap(), material, api: true, frame_ancestors: Vec::new() }
    }

    #[test]
    fn keys_of_openssl_are_read_and_written_back_as_they_were() {
        let private = Material::private_pem(PRIVATE).unwrap();
        let public = Material::public_pem(PUBLIC).unwrap();
        let signature = private.sign(b"message").unwrap();
        assert!(public.verify(b"message", &signature) && !public.verify(b"massage", &signature));
        assert_eq!(public.sign(b"message"), None);
        assert_eq!(private.to_pem().unwrap(), (PRIVATE.to_owned(), PUBLIC.to_owned()));
    }

    #[test]
    fn the_signature_is_the_one_of_rfc_8032() {
        // RFC 8032 §7.1, test 1: the empty message.
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
        let bytes = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let key = Material::from_seed(bytes(seed).try_into().unwrap()).unwrap();
        assert_eq!(key.sign(b"").unwrap(), bytes(signature));
    }

    #[test]
    fn a_file_of_the_other_kind_is_refused() {
        assert_eq!(Material::private_pem(PUBLIC), Err(KeyError::Pem("private")));
        assert_eq!(Material::public_pem(PRIVATE), Err(KeyError::Pem("public")));
        let rsa = PUBLIC.replace("MCowBQYDK2Vw", "MCowBQYDK2Vv");
        assert_eq!(Material::public_pem(&rsa), Err(KeyError::Pem("public")), "X448 is another key");
    }

    #[test]
    fn a_short_secret_and_a_strange_id_are_refused() {
        assert_eq!(Material::secret(&"x".repeat(31)), Err(KeyError::SecretLength));
        assert!(Material::secret(&"x".repeat(32)).is_ok());
        for id in ["", "a b", "a:b", "a/b", &"x".repeat(65)] {
            assert_eq!(KeyId::new(id), Err(KeyError::Id), "{id}");
        }
    }

    #[test]
    fn the_last_key_that_can_sign_signs() {
        let secret = Material::secret(&"x".repeat(32)).unwrap();
        let public = Material::public_pem(PUBLIC).unwrap();
        let ring = vec![key("a", secret.clone()), key("b", secret.clone()), key("c", public)];
        let ring = Keyring::new(ring).unwrap();
        assert_eq!(ring.newest().unwrap().id.as_str(), "b");
        let twice = Keyring::new(vec![key("a", secret.clone()), key("a", secret)]);
        assert!(matches!(twice, Err(KeyError::TwiceTheSame(_))));
    }

    #[test]
    fn the_api_opens_to_the_whole_secret_of_a_key_that_may() {
        let secret = "s".repeat(40);
        let mut keys = vec![key("a", Material::secret(&secret).unwrap())];
        keys.push(Key { api: false, ..key("b", Material::secret(&secret).unwrap()) });
        let ring = Keyring::new(keys).unwrap();
        assert!(ring.with_secret("a", &secret).is_some());
        assert!(ring.with_secret("a", &secret[1..]).is_none());
        assert!(ring.with_secret("b", &secret).is_none() && ring.with_secret("c", &secret).is_none());
    }

    #[test]
    fn a_secret_is_not_in_debug() {
        let key = key("a", Material::secret(&"hush".repeat(10)).unwrap());
        assert!(!format!("{key:?}").contains("hush"));
    }
}
