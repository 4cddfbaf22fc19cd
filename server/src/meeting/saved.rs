//! What of a meeting outlives the server.

use serde::{Deserialize, Serialize};
use shared::meeting::Policy;

use super::mark::{Mark, Salt};

/// A meeting at rest. No names, addresses, passcodes or tokens: digests of them. The lines of the chat are kept one by
/// one beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// Of all digests.
    pub(super) salt: Salt,
    /// The rules.
    pub(super) policy: Policy,
    /// The digest of the passcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) passcode: Option<Mark>,
    /// Who is kept out.
    #[serde(default)]
    pub(super) bans: Vec<Mark>,
    /// Who was in it: they come back without knocking.
    #[serde(default)]
    pub(super) known: Vec<Known>,
}

/// Somebody who was in the meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// The digest of the seat's token.
    pub(super) seat: Mark,
    /// Whether they led it.
    pub(super) host: bool,
    /// The number of their newest line of the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) number: Option<u32>,
}
