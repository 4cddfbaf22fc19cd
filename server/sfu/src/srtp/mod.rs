//! Secure RTP and RTCP (RFC 3711, RFC 7714): seal and open packets in place.
//!
//! A [`Sealer`] protects what we send and an [`Opener`] unprotects what one peer sends us. Both are built
//! once per DTLS association from a [`MasterKey`], hold expanded keys only, and touch nothing but the
//! packet they are given: no allocation, no copy, no key schedule per packet.
//!
//! For RTP the caller keeps the 48-bit packet index of every SSRC (`rollover counter << 16 | sequence
//! number`), because only the caller knows where its per-stream state lives:
//!
//! ```text
//! receive: ReplayWindow::estimate(seq) -> check(index) -> Opener::open_rtp(index) -> commit(index)
//! send:    next index of the SSRC (never repeated)     -> Sealer::seal_rtp(index)
//! ```
//!
//! For RTCP the index travels in the packet; the sending counter lives in [`Sealer`] and the replay state
//! in [`Opener`], nowhere else.

mod cipher;
mod key_derivation;
mod replay;

#[cfg(test)]
mod interop_tests;
#[cfg(test)]
mod tests;

use cipher::SessionKey;
use key_derivation::Stream;
pub use replay::{ReplayWindow, SrtcpReplay};

/// Room a caller must leave behind the plaintext of an RTP packet: the longest tag of any [`Profile`].
pub const RTP_OVERHEAD_MAX: usize = 16;

/// Room a caller must leave behind the plaintext of an RTCP packet: the longest tag plus the index word.
pub const RTCP_OVERHEAD_MAX: usize = RTP_OVERHEAD_MAX + SRTCP_INDEX_LEN;

/// Packet indices of RTP are 48 bits wide (RFC 3711 §3.3.1).
pub const RTP_INDEX_MAX: u64 = (1 << 48) - 1;

/// Why a packet or a key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SrtpError {
    /// The packet cannot hold its header and the tag.
    #[error("packet of {len} octets is too short")]
    TooShort {
        /// Length of the packet in octets.
        len: usize,
    },
    /// The authentication tag does not belong to this packet, key and index.
    #[error("authentication failed")]
    Authentication,
    /// The index was already accepted.
    #[error("packet {index} is a replay")]
    Replayed {
        /// Index of the packet.
        index: u64,
    },
    /// The index lies so far behind the newest one that a replay cannot be excluded.
    #[error("packet {index} is older than the replay window")]
    TooOld {
        /// Index of the packet.
        index: u64,
    },
    /// An RTCP packet without the E bit: WebRTC never sends RTCP in the clear (RFC 8827 §6.5).
    #[error("RTCP packet is not encrypted")]
    NotEncrypted,
    /// All 2^31 RTCP indices of this key are spent; going on would repeat a nonce (RFC 3711 §9.2).
    #[error("the RTCP indices of this key are used up")]
    IndicesExhausted,
    /// Key or salt do not have the length that the profile asks for.
    #[error("{len} octets of keying material do not fit the profile")]
    KeyingMaterial {
        /// Length of what was given, in octets.
        len: usize,
    },
}

/// A DTLS-SRTP protection profile that this server negotiates, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// `SRTP_AEAD_AES_128_GCM` (RFC 7714 §14.2).
    AeadAes128Gcm,
    /// `SRTP_AES128_CM_HMAC_SHA1_80` (RFC 5764 §4.1.2).
    Aes128CmHmacSha1_80,
}

impl Profile {
    /// Length of the master key in octets.
    pub const fn key_len(self) -> usize {
        KEY_LEN
    }

    /// Length of the master salt in octets.
    pub const fn salt_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm => 12,
            Self::Aes128CmHmacSha1_80 => 14,
        }
    }

    /// Length of the authentication tag in octets, for RTP and RTCP alike.
    pub const fn tag_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm => 16,
            Self::Aes128CmHmacSha1_80 => 10,
        }
    }

    /// Octets to export from DTLS for both directions (RFC 5764 §4.2).
    pub const fn exporter_len(self) -> usize {
        2 * (self.key_len() + self.salt_len())
    }
}

/// One direction's master key and salt. `Debug` shows the profile only.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    profile: Profile,
    key: [u8; KEY_LEN],
    /// Padded with zeros on the right to 112 bits, as the key derivation wants it (RFC 7714 §11).
    salt: [u8; SALT_LEN_MAX],
}

impl MasterKey {
    /// Takes a key and a salt of exactly the profile's lengths.
    ///
    /// # Errors
    /// [`SrtpError::KeyingMaterial`] when a length differs.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        let key = key.try_into().map_err(|_| SrtpError::KeyingMaterial { len: key.len() })?;
        if salt.len() != profile.salt_len() {
            return Err(SrtpError::KeyingMaterial { len: salt.len() });
        }
        let mut padded = [0; SALT_LEN_MAX];
        padded[..salt.len()].copy_from_slice(salt);
        Ok(Self { profile, key, salt: padded })
    }

    /// The profile this key is for.
    pub const fn profile(&self) -> Profile {
        self.profile
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterKey").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// The master keys of a DTLS association: what the DTLS client writes with, and what the server does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeys {
    /// Protects what the DTLS client sends.
    pub client: MasterKey,
    /// Protects what the DTLS server sends.
    pub server: MasterKey,
}

impl MasterKeys {
    /// Splits exported keying material: client key, server key, client salt, server salt (RFC 5764 §4.2).
    ///
    /// # Errors
    /// [`SrtpError::KeyingMaterial`] when `exported` is not [`Profile::exporter_len`] octets long.
    pub fn from_exporter(profile: Profile, exported: &[u8]) -> Result<Self, SrtpError> {
        if exported.len() != profile.exporter_len() {
            return Err(SrtpError::KeyingMaterial { len: exported.len() });
        }
        let (keys, salts) = exported.split_at(2 * profile.key_len());
        let (client_key, server_key) = keys.split_at(profile.key_len());
        let (client_salt, server_salt) = salts.split_at(profile.salt_len());
        Ok(Self {
            client: MasterKey::new(profile, client_key, client_salt)?,
            server: MasterKey::new(profile, server_key, server_salt)?,
        })
    }
}

/// Protects the packets of one sending direction. `Debug` shows the profile only.
pub struct Sealer {
    profile: Profile,
    rtp: SessionKey,
    rtcp: SessionKey,
    /// Index of the next RTCP packet. One counter for all SSRCs: they share the key, and the SSRC is part
    /// of the nonce, so a common counter never repeats one.
    rtcp_index: u32,
}

impl Sealer {
    /// Derives the session keys. Costs microseconds; do it once per association.
    pub fn new(master: &MasterKey) -> Self {
        Self {
            profile: master.profile,
            rtp: SessionKey::derive(master, Stream::Rtp),
            rtcp: SessionKey::derive(master, Stream::Rtcp),
            rtcp_index: 0,
        }
    }

    /// The profile in use.
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Encrypts and authenticates the RTP packet in `packet[..plain_len]`, writes the tag behind it and
    /// returns the total length. Octets behind that are left alone.
    ///
    /// `header_len` covers the fixed header, CSRCs and header extension; `ssrc` is the one in the header;
    /// `index` is `rollover counter << 16 | sequence number` and must never be used twice with different
    /// contents for one SSRC: with GCM that would reveal the authentication key.
    ///
    /// # Panics
    /// When `header_len > plain_len`, or there is less room than [`Profile::tag_len`] behind `plain_len`.
    #[inline]
    pub fn seal_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        plain_len: usize,
        ssrc: u32,
        index: u64,
    ) -> usize {
        debug_assert!(index <= RTP_INDEX_MAX, "RTP index has 48 bits");
        let total = plain_len + self.profile.tag_len();
        self.rtp.seal_rtp(&mut packet[..total], header_len, plain_len, ssrc, index);
        total
    }

    /// Encrypts and authenticates the compound RTCP packet in `packet[..plain_len]`, writes tag and index
    /// behind it and returns the total length (at most [`RTCP_OVERHEAD_MAX`] more).
    ///
    /// # Errors
    /// [`SrtpError::TooShort`] when `plain_len` does not cover the first header and SSRC or `packet` lacks
    /// room; [`SrtpError::IndicesExhausted`] after 2^31 packets.
    pub fn seal_rtcp(&mut self, packet: &mut [u8], plain_len: usize) -> Result<usize, SrtpError> {
        let total = plain_len + self.profile.tag_len() + SRTCP_INDEX_LEN;
        let Some(packet) = packet.get_mut(..total).filter(|_| plain_len >= RTCP_HEADER_LEN) else {
            return Err(SrtpError::TooShort { len: plain_len });
        };
        if self.rtcp_index > SRTCP_INDEX_MAX {
            return Err(SrtpError::IndicesExhausted);
        }
        self.rtcp.seal_rtcp(packet, plain_len, rtcp_ssrc(packet), self.rtcp_index);
        self.rtcp_index += 1;
        Ok(total)
    }
}

/// Unprotects the packets of one receiving direction. `Debug` shows the profile only.
pub struct Opener {
    profile: Profile,
    rtp: SessionKey,
    rtcp: SessionKey,
    rtcp_replay: SrtcpReplay,
}

impl Opener {
    /// Derives the session keys. Costs microseconds; do it once per association.
    pub fn new(master: &MasterKey) -> Self {
        Self {
            profile: master.profile,
            rtp: SessionKey::derive(master, Stream::Rtp),
            rtcp: SessionKey::derive(master, Stream::Rtcp),
            rtcp_replay: SrtcpReplay::default(),
        }
    }

    /// The profile in use.
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Verifies and decrypts an RTP packet in place and returns the length without the tag.
    ///
    /// The caller parsed `header_len` and `ssrc` from the packet, took `index` from
    /// [`ReplayWindow::estimate`] and had it checked; it commits the index after success only.
    ///
    /// # Errors
    /// [`SrtpError::TooShort`] or [`SrtpError::Authentication`]; the octets behind the header are then
    /// undefined and the packet must be dropped.
    #[inline]
    pub fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, SrtpError> {
        let len = packet.len();
        let plain_len = len.checked_sub(self.profile.tag_len()).filter(|plain| header_len <= *plain);
        let plain_len = plain_len.ok_or(SrtpError::TooShort { len })?;
        self.rtp.open_rtp(packet, header_len, ssrc, index)?;
        Ok(plain_len)
    }

    /// Verifies and decrypts a compound RTCP packet in place, refuses replays and returns the length
    /// without tag and index.
    ///
    /// # Errors
    /// [`SrtpError::TooShort`], [`SrtpError::NotEncrypted`], [`SrtpError::Replayed`],
    /// [`SrtpError::TooOld`] or [`SrtpError::Authentication`]; the packet must then be dropped.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let len = packet.len();
        let trailer_len = self.profile.tag_len() + SRTCP_INDEX_LEN;
        let plain_len = len.checked_sub(trailer_len).filter(|plain| *plain >= RTCP_HEADER_LEN);
        let plain_len = plain_len.ok_or(SrtpError::TooShort { len })?;
        let index_at = match self.profile {
            Profile::AeadAes128Gcm => len - SRTCP_INDEX_LEN,
            Profile::Aes128CmHmacSha1_80 => plain_len,
        };
        let word = u32::from_be_bytes(be_word(packet, index_at));
        if word & SRTCP_E_BIT == 0 {
            return Err(SrtpError::NotEncrypted);
        }
        let index = word & SRTCP_INDEX_MAX;
        let ssrc = rtcp_ssrc(packet);
        self.rtcp_replay.check(ssrc, index)?;
        self.rtcp.open_rtcp(packet, plain_len, ssrc, index)?;
        self.rtcp_replay.commit(ssrc, index);
        Ok(plain_len)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opener").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// The SSRC of the first packet of a compound; the caller checked that the header is there.
fn rtcp_ssrc(packet: &[u8]) -> u32 {
    u32::from_be_bytes(be_word(packet, 4))
}

fn be_word(packet: &[u8], at: usize) -> [u8; 4] {
    [packet[at], packet[at + 1], packet[at + 2], packet[at + 3]]
}

/// AES-128.
const KEY_LEN: usize = 16;

/// 112 bits (RFC 3711 §5.3); GCM uses 96 of them.
const SALT_LEN_MAX: usize = 14;

/// The part of an RTCP packet that stays in the clear: first header and SSRC (RFC 3711 §3.4).
const RTCP_HEADER_LEN: usize = 8;

/// E bit and 31-bit index behind every SRTCP packet.
const SRTCP_INDEX_LEN: usize = 4;

const SRTCP_INDEX_MAX: u32 = (1 << 31) - 1;

/// Set when the packet is encrypted (RFC 3711 §3.4).
const SRTCP_E_BIT: u32 = 1 << 31;
