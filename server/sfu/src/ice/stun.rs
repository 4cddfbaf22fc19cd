//! The part of STUN (RFC 8489) that connectivity checks need: one parser over borrowed octets and one
//! writer into a fixed buffer. Neither allocates.

use std::net::{IpAddr, SocketAddr};

use aws_lc_rs::{constant_time, hmac};

use super::IceError;

/// Message type of a Binding request.
pub const BINDING_REQUEST: u16 = 0x0001;

/// A parsed STUN message: its structure and FINGERPRINT are right, nothing else is known about it.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    octets: &'a [u8],
    username: &'a [u8],
    /// Where the MESSAGE-INTEGRITY attribute starts.
    integrity_at: Option<usize>,
    use_candidate: bool,
    from_controlled: bool,
    unknown: [u16; UNKNOWN_MAX],
    unknown_len: usize,
}

impl<'a> Message<'a> {
    /// Parses a whole datagram.
    ///
    /// Attributes behind MESSAGE-INTEGRITY other than FINGERPRINT are ignored, as are repeated ones
    /// (RFC 8489 §14.5 and §14).
    ///
    /// # Errors
    /// [`IceError::Malformed`] or [`IceError::Fingerprint`].
    pub fn parse(datagram: &'a [u8]) -> Result<Self, IceError> {
        let mut message = Self {
            octets: datagram,
            username: &[],
            integrity_at: None,
            use_candidate: false,
            from_controlled: false,
            unknown: [0; UNKNOWN_MAX],
            unknown_len: 0,
        };
        let mut attributes = Attributes::of(datagram).ok_or(IceError::Malformed)?;
        while let Some(attribute) = attributes.next() {
            if attribute.kind == FINGERPRINT {
                if !attributes.is_at_end() {
                    return Err(IceError::Malformed);
                }
                verify_fingerprint(datagram, &attribute)?;
            } else if message.integrity_at.is_none() {
                message.take(&attribute)?;
            }
        }
        if !attributes.is_at_end() {
            return Err(IceError::Malformed);
        }
        Ok(message)
    }

    /// Class and method.
    pub fn message_type(&self) -> u16 {
        be16(self.octets, 0)
    }

    /// Names the request, and the answer to it.
    pub fn transaction(&self) -> &'a [u8] {
        &self.octets[TRANSACTION_AT..HEADER_LEN]
    }

    /// The USERNAME attribute, empty when there is none.
    pub fn username(&self) -> &'a [u8] {
        self.username
    }

    /// Whether USE-CANDIDATE is present.
    pub fn use_candidate(&self) -> bool {
        self.use_candidate
    }

    /// Whether ICE-CONTROLLED is present.
    pub fn is_from_controlled(&self) -> bool {
        self.from_controlled
    }

    /// Comprehension-required attributes that this module does not know; the first four of them.
    pub fn unknown_required(&self) -> &[u16] {
        &self.unknown[..self.unknown_len]
    }

    /// Checks MESSAGE-INTEGRITY in constant time.
    ///
    /// # Errors
    /// [`IceError::Integrity`] when it is missing or wrong.
    pub fn verify_integrity(&self, key: &hmac::Key) -> Result<(), IceError> {
        let at = self.integrity_at.ok_or(IceError::Integrity)?;
        let tag = integrity(self.octets, at, key);
        let sent = &self.octets[at + ATTRIBUTE_HEADER_LEN..at + INTEGRITY_LEN];
        constant_time::verify_slices_are_equal(&tag, sent).map_err(|_| IceError::Integrity)
    }

    fn take(&mut self, attribute: &Attribute<'a>) -> Result<(), IceError> {
        match attribute.kind {
            USERNAME if self.username.is_empty() => self.username = attribute.value,
            MESSAGE_INTEGRITY if attribute.value.len() == INTEGRITY_LEN - ATTRIBUTE_HEADER_LEN => {
                self.integrity_at = Some(attribute.at);
            }
            MESSAGE_INTEGRITY => return Err(IceError::Malformed),
            USE_CANDIDATE => self.use_candidate = true,
            ICE_CONTROLLED => self.from_controlled = true,
            kind if kind < COMPREHENSION_OPTIONAL && !KNOWN_REQUIRED.contains(&kind) => {
                // Four are enough to tell the peer what is wrong; a longer list would be its own doing.
                if let Some(slot) = self.unknown.get_mut(self.unknown_len) {
                    *slot = kind;
                    self.unknown_len += 1;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Finds our ufrag in the USERNAME of what may be a Binding request, for choosing the peer.
///
/// This only routes the datagram: nothing about it is verified but the bounds.
pub fn peek_local_ufrag(datagram: &[u8]) -> Option<&str> {
    let mut attributes = Attributes::of(datagram)?;
    let username = attributes.find(|attribute| attribute.kind == USERNAME)?;
    let ufrag = username.value.split(|octet| *octet == b':').next()?;
    std::str::from_utf8(ufrag).ok().filter(|ufrag| !ufrag.is_empty())
}

/// The transaction of what may be the answer to a request of ours, for choosing the peer. Nothing about it is verified.
pub fn peek_transaction_of_success(datagram: &[u8]) -> Option<&[u8]> {
    let is_success = datagram.starts_with(&BINDING_SUCCESS.to_be_bytes());
    datagram.get(TRANSACTION_AT..HEADER_LEN).filter(|_| is_success)
}

/// One message of ours, in a buffer of its own.
#[derive(Debug, Clone)]
pub struct Written<const LEN_MAX: usize> {
    octets: [u8; LEN_MAX],
    len: usize,
}

/// The answer to one Binding request. There is room for the longest: a 420 with four attributes takes
/// 20 (header) + 28 (ERROR-CODE) + 12 (UNKNOWN-ATTRIBUTES) + 24 (integrity) + 8 (fingerprint).
pub type Response = Written<92>;

/// A check of ours. There is room for the longest user fragments, 256 octets of theirs and 8 of ours:
/// 20 (header) + 272 (USERNAME) + 8 (PRIORITY) + 12 (ICE-CONTROLLED) + 24 (integrity) + 8 (fingerprint).
pub(super) type Request = Written<344>;

impl<const LEN_MAX: usize> Written<LEN_MAX> {
    /// An empty message.
    pub const fn new() -> Self {
        Self { octets: [0; LEN_MAX], len: 0 }
    }

    /// What to send; empty when there is nothing to send.
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets[..self.len]
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    fn begin(&mut self, message_type: u16, transaction: &[u8]) {
        self.len = 0;
        self.push(&message_type.to_be_bytes());
        self.push(&[0, 0]);
        self.push(&MAGIC_COOKIE);
        self.push(transaction);
    }

    /// MESSAGE-INTEGRITY, then FINGERPRINT; each covers a header whose length includes it.
    fn finish(&mut self, key: &hmac::Key) {
        let tag = integrity(self.as_bytes(), self.len, key);
        self.attribute_header(MESSAGE_INTEGRITY, tag.len());
        self.push(&tag);
        let length = (self.len + FINGERPRINT_LEN - HEADER_LEN) as u16;
        self.octets[LENGTH_AT..COOKIE_AT].copy_from_slice(&length.to_be_bytes());
        let fingerprint = crc32(self.as_bytes()) ^ FINGERPRINT_MASK;
        self.attribute_header(FINGERPRINT, 4);
        self.push(&fingerprint.to_be_bytes());
    }

    fn attribute_header(&mut self, kind: u16, len: usize) {
        self.push(&kind.to_be_bytes());
        self.push(&(len as u16).to_be_bytes());
    }

    fn push(&mut self, octets: &[u8]) {
        self.octets[self.len..self.len + octets.len()].copy_from_slice(octets);
        self.len += octets.len();
    }

    fn pad(&mut self) {
        let padded = self.len.next_multiple_of(4);
        self.octets[self.len..padded].fill(0);
        self.len = padded;
    }
}

impl<const LEN_MAX: usize> Default for Written<LEN_MAX> {
    fn default() -> Self {
        Self::new()
    }
}

impl Response {
    pub(super) fn success(&mut self, request: &Message<'_>, from: SocketAddr, key: &hmac::Key) {
        self.begin(BINDING_SUCCESS, request.transaction());
        let mask = &request.octets[COOKIE_AT..HEADER_LEN];
        let port = from.port() ^ be16(mask, 0);
        // A dual-stack socket shows IPv4 peers as mapped IPv6 addresses.
        match from.ip().to_canonical() {
            IpAddr::V4(ip) => self.xor_mapped_address(FAMILY_V4, port, ip.octets(), mask),
            IpAddr::V6(ip) => self.xor_mapped_address(FAMILY_V6, port, ip.octets(), mask),
        }
        self.finish(key);
    }

    pub(super) fn role_conflict(&mut self, request: &Message<'_>, key: &hmac::Key) {
        self.begin(BINDING_ERROR, request.transaction());
        self.error_code(487, b"Role Conflict");
        self.finish(key);
    }

    pub(super) fn unknown_attributes(&mut self, request: &Message<'_>, key: &hmac::Key) {
        self.begin(BINDING_ERROR, request.transaction());
        self.error_code(420, b"Unknown Attribute");
        let kinds = request.unknown_required();
        self.attribute_header(UNKNOWN_ATTRIBUTES, 2 * kinds.len());
        for kind in kinds {
            self.push(&kind.to_be_bytes());
        }
        self.pad();
        self.finish(key);
    }

    /// The address is XORed with the magic cookie and the transaction id (RFC 8489 §14.2).
    fn xor_mapped_address<const LEN: usize>(
        &mut self,
        family: u8,
        port: u16,
        mut ip: [u8; LEN],
        mask: &[u8],
    ) {
        for (octet, mask) in ip.iter_mut().zip(mask) {
            *octet ^= mask;
        }
        self.attribute_header(XOR_MAPPED_ADDRESS, 4 + LEN);
        self.push(&[0, family]);
        self.push(&port.to_be_bytes());
        self.push(&ip);
    }

    fn error_code(&mut self, code: u16, reason: &[u8]) {
        self.attribute_header(ERROR_CODE, 4 + reason.len());
        self.push(&[0, 0, (code / 100) as u8, (code % 100) as u8]);
        self.push(reason);
        self.pad();
    }
}

impl Request {
    /// A check of the controlled agent, addressed to `remote_ufrag`; it nominates nothing.
    pub(super) fn check(
        transaction: &[u8; TRANSACTION_LEN],
        remote_ufrag: &str,
        local_ufrag: &str,
        key: &hmac::Key,
    ) -> Self {
        let mut request = Self::new();
        request.begin(BINDING_REQUEST, transaction);
        request.attribute_header(USERNAME, remote_ufrag.len() + 1 + local_ufrag.len());
        for part in [remote_ufrag, ":", local_ufrag] {
            request.push(part.as_bytes());
        }
        request.pad();
        request.attribute_header(PRIORITY, 4);
        request.push(&PEER_REFLEXIVE_PRIORITY.to_be_bytes());
        // The tie-breaker is compared only with an agent of the same role, and browsers are controlling.
        request.attribute_header(ICE_CONTROLLED, 8);
        request.push(&transaction[..8]);
        request.finish(key);
        request
    }
}

/// One attribute of a message.
struct Attribute<'a> {
    kind: u16,
    /// Where its header starts.
    at: usize,
    value: &'a [u8],
}

/// Walks the attributes and stops at the end or at the first one that does not fit.
struct Attributes<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Attributes<'a> {
    /// `None` unless the header is that of a STUN message of exactly this length.
    fn of(octets: &'a [u8]) -> Option<Self> {
        let header = octets.get(..HEADER_LEN)?;
        let length = usize::from(be16(header, LENGTH_AT));
        let is_stun = header[0] < 0x40
            && header[COOKIE_AT..TRANSACTION_AT] == MAGIC_COOKIE
            && length.is_multiple_of(4)
            && octets.len() == HEADER_LEN + length;
        is_stun.then_some(Self { octets, at: HEADER_LEN })
    }

    fn is_at_end(&self) -> bool {
        self.at == self.octets.len()
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let rest = &self.octets[self.at..];
        let header = rest.get(..ATTRIBUTE_HEADER_LEN)?;
        let len = usize::from(be16(header, 2));
        let padded = ATTRIBUTE_HEADER_LEN + len.next_multiple_of(4);
        let value = rest.get(..padded)?.get(ATTRIBUTE_HEADER_LEN..ATTRIBUTE_HEADER_LEN + len)?;
        let attribute = Attribute { kind: be16(header, 0), at: self.at, value };
        self.at += padded;
        Some(attribute)
    }
}

/// HMAC-SHA1 over everything before the attribute at `at`, with the length field as if the message ended
/// with that attribute (RFC 8489 §14.5).
fn integrity(message: &[u8], at: usize, key: &hmac::Key) -> [u8; INTEGRITY_LEN - ATTRIBUTE_HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header.copy_from_slice(&message[..HEADER_LEN]);
    let length = (at + INTEGRITY_LEN - HEADER_LEN) as u16;
    header[LENGTH_AT..COOKIE_AT].copy_from_slice(&length.to_be_bytes());
    let mut context = hmac::Context::with_key(key);
    context.update(&header);
    context.update(&message[HEADER_LEN..at]);
    let mut tag = [0; INTEGRITY_LEN - ATTRIBUTE_HEADER_LEN];
    tag.copy_from_slice(context.sign().as_ref());
    tag
}

fn verify_fingerprint(datagram: &[u8], attribute: &Attribute<'_>) -> Result<(), IceError> {
    let expected = crc32(&datagram[..attribute.at]) ^ FINGERPRINT_MASK;
    if attribute.value == expected.to_be_bytes() { Ok(()) } else { Err(IceError::Fingerprint) }
}

/// CRC-32 of ITU V.42, as FINGERPRINT uses it (RFC 8489 §14.7).
fn crc32(octets: &[u8]) -> u32 {
    !octets.iter().fold(!0, |crc, octet| CRC_TABLE[usize::from(crc as u8 ^ octet)] ^ crc >> 8)
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut crc = at as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xedb8_8320 };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
};

/// The caller checked that two octets are there.
fn be16(octets: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([octets[at], octets[at + 1]])
}

/// Message type of the answer to a Binding request that was granted.
pub(super) const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;

const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const LENGTH_AT: usize = 2;
const COOKIE_AT: usize = 4;
const TRANSACTION_AT: usize = 8;
const HEADER_LEN: usize = 20;
/// A transaction id (RFC 8489 §5).
pub const TRANSACTION_LEN: usize = 12;
const ATTRIBUTE_HEADER_LEN: usize = 4;
/// MESSAGE-INTEGRITY with its header: SHA-1 has 20 octets.
const INTEGRITY_LEN: usize = 24;
/// FINGERPRINT with its header.
const FINGERPRINT_LEN: usize = 8;
/// "STUN" (RFC 8489 §14.7).
const FINGERPRINT_MASK: u32 = 0x5354_554e;
const FAMILY_V4: u8 = 1;
const FAMILY_V6: u8 = 2;
/// How many unknown attributes a 420 names.
const UNKNOWN_MAX: usize = 4;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;

/// What a candidate that a check discovers has (RFC 8445 §5.1.2.1): type preference 110, one interface, component 1.
const PEER_REFLEXIVE_PRIORITY: u32 = 110 << 24 | 0xffff << 8 | 255;

/// Attribute types from here on may be ignored (RFC 8489 §14).
const COMPREHENSION_OPTIONAL: u16 = 0x8000;

/// The comprehension-required attributes of RFC 8489 §18.3.1 and RFC 8445 §16.1. Those that a check has no
/// use for (MAPPED-ADDRESS, REALM, NONCE, MESSAGE-INTEGRITY-SHA256, PASSWORD-ALGORITHM, USERHASH) are
/// known and ignored.
const KNOWN_REQUIRED: [u16; 13] = [
    0x0001,
    USERNAME,
    MESSAGE_INTEGRITY,
    ERROR_CODE,
    UNKNOWN_ATTRIBUTES,
    0x0014,
    0x0015,
    0x001c,
    0x001d,
    0x001e,
    XOR_MAPPED_ADDRESS,
    PRIORITY,
    USE_CANDIDATE,
];
