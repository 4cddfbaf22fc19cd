//! What a session description says about its transport: ICE, DTLS identity, candidates.

use std::fmt;
use std::net::SocketAddr;

use super::error::SdpError;

/// Shortest user fragment, in characters (RFC 8839 section 5.4).
const UFRAG_LENGTH_MIN: usize = 4;
/// Shortest password, in characters (RFC 8839 section 5.4).
const PWD_LENGTH_MIN: usize = 22;
/// Longest user fragment and password, in characters (RFC 8839 section 5.4).
const CREDENTIAL_LENGTH_MAX: usize = 256;

/// One side's ICE user fragment and password (RFC 8839 section 5.4).
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    ufrag: String,
    pwd: String,
}

impl IceCredentials {
    /// Accepts a user fragment of 4 to 256 and a password of 22 to 256 letters, digits, `+` and `/`.
    ///
    /// # Errors
    /// The name of the field that breaks these rules, `"ice-ufrag"` or `"ice-pwd"`, in [`SdpError::Malformed`]
    /// (with line 0) or [`SdpError::TooLarge`].
    pub fn new(ufrag: &str, pwd: &str) -> Result<Self, SdpError> {
        check_credential("ice-ufrag", ufrag, UFRAG_LENGTH_MIN, 0)?;
        check_credential("ice-pwd", pwd, PWD_LENGTH_MIN, 0)?;
        Ok(Self { ufrag: ufrag.to_owned(), pwd: pwd.to_owned() })
    }

    /// The user fragment: public, part of every connectivity check's USERNAME.
    #[must_use]
    pub fn ufrag(&self) -> &str {
        &self.ufrag
    }

    /// The password: the key of MESSAGE-INTEGRITY.
    #[must_use]
    pub fn pwd(&self) -> &str {
        &self.pwd
    }
}

impl fmt::Debug for IceCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("IceCredentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

/// The DTLS role that the offer leaves to us (RFC 8842 section 5.2). We always answer `passive`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Setup {
    /// The client takes either role.
    ActPass,
    /// The client is the DTLS client.
    Active,
}

/// How a candidate is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CandidateTransport {
    /// Datagrams.
    Udp,
    /// The client opens a TCP connection (RFC 6544 section 4.1: `tcptype passive`).
    TcpPassive,
}

/// An address on which the server receives media: a host candidate of component 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostCandidate {
    /// Where the client sends its connectivity checks.
    pub address: SocketAddr,
    /// How it is reached.
    pub transport: CandidateTransport,
    /// Candidate priority (RFC 8445 section 5.1.2).
    pub priority: u32,
}

impl HostCandidate {
    /// A UDP candidate whose priority follows RFC 8445 section 5.1.2.1 from a local preference (65,535 is best).
    #[must_use]
    pub fn new(address: SocketAddr, local_preference: u16) -> Self {
        /// Type preference of host candidates (RFC 8445 section 5.1.2.2).
        const HOST: u32 = 126;
        let priority = priority(HOST, local_preference);
        Self { address, transport: CandidateTransport::Udp, priority }
    }

    /// A TCP candidate, below every UDP candidate of the same type: media over TCP waits for what is lost. The
    /// local preference follows RFC 6544 section 4.2; `preference` has 13 bits (8,191 is best).
    #[must_use]
    pub fn tcp_passive(address: SocketAddr, preference: u16) -> Self {
        /// Below UDP's host (126) and reflexive candidates (100 and up): media by any datagram path is better.
        const HOST_TCP: u32 = 90;
        /// Direction preference of passive candidates of type host, in the three bits above `preference`.
        const PASSIVE: u16 = 4;
        let priority = priority(HOST_TCP, PASSIVE << 13 | preference & 0x1fff);
        Self { address, transport: CandidateTransport::TcpPassive, priority }
    }
}

const fn priority(type_preference: u32, local_preference: u16) -> u32 {
    /// 256 minus the component id, which is 1: RTP and RTCP share it.
    const COMPONENT: u32 = 255;
    (type_preference << 24) | ((local_preference as u32) << 8) | COMPONENT
}

/// Checks the alphabet and length of an ICE credential (`ice-char`, RFC 8839 section 5.4).
pub(super) fn check_ufrag(text: &str, line: usize) -> Result<(), SdpError> {
    check_credential("ice-ufrag", text, UFRAG_LENGTH_MIN, line)
}

/// As [`check_ufrag`], for the password.
pub(super) fn check_pwd(text: &str, line: usize) -> Result<(), SdpError> {
    check_credential("ice-pwd", text, PWD_LENGTH_MIN, line)
}

fn check_credential(field: &'static str, text: &str, minimum: usize, line: usize) -> Result<(), SdpError> {
    if text.len() > CREDENTIAL_LENGTH_MAX {
        return Err(SdpError::TooLarge { field, limit: CREDENTIAL_LENGTH_MAX });
    }
    let in_alphabet = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    if text.len() < minimum || !in_alphabet {
        return Err(SdpError::Malformed { field, line });
    }
    Ok(())
}
