//! Somebody at the door, with the grants that were checked before.

use std::fmt;
use std::net::IpAddr;

use sfu::{ConnectionId, Identity};
use shared::{DisplayName, MediaState, ResumeToken};

use super::mark::{Mark, Salt};

/// Who wants in. Whatever it says was taken from a token that was verified, or is what anybody may say.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// Where from.
    pub(crate) connection: ConnectionId,
    /// What the others shall read.
    pub(crate) name: DisplayName,
    /// The name is the token's and stays.
    pub(crate) is_named: bool,
    /// Leads the meeting.
    pub(crate) is_host: bool,
    /// Is not shown to the others.
    pub(crate) is_hidden: bool,
    /// The token lets captions be fed.
    pub(crate) may_caption: bool,
    /// The token is for this very room: no passcode is needed.
    pub(crate) is_invited: bool,
    /// What the token lets be published.
    pub(crate) publish: MediaState,
    /// Most participants for this one to come in.
    pub(crate) participants_max: Option<usize>,
    /// What the others are told of who it is.
    pub(crate) identity: Identity,
    /// What is live from the start.
    pub(crate) media: MediaState,
    /// Of an earlier seat.
    pub(crate) resume: Option<ResumeToken>,
    /// What was said at the door.
    pub(crate) passcode: Option<String>,
    /// No grants came with it: it comes back to its seat, or not at all.
    pub(crate) is_only_back: bool,
    /// By what they are known when they come again.
    pub(crate) person: Person,
}

/// By what somebody is known when they come again.
#[derive(Clone)]
pub(crate) struct Person {
    /// The subject and the external id of the token. They stand for the person wherever they are.
    pub(crate) names: Vec<String>,
    /// Where they come from: an IPv4 address, or an IPv6 network.
    pub(crate) address: IpAddr,
}

impl fmt::Debug for Person {
    /// Without what is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").finish_non_exhaustive()
    }
}

impl Person {
    /// The digests that keep this person out when they are banned: of their names when they have any, otherwise of
    /// their address.
    pub(super) fn marks(&self, salt: &Salt) -> Vec<Mark> {
        if self.names.is_empty() {
            return vec![salt.mark("address", &self.address.to_string())];
        }
        self.names.iter().map(|name| salt.mark("name", name)).collect()
    }
}

/// The digest of a seat's token.
pub(super) fn seat_mark(salt: &Salt, resume: &ResumeToken) -> Mark {
    salt.mark("seat", &resume.reveal())
}
