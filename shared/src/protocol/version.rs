//! Which protocol the two sides speak.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `major.minor`. The same major understands each other; a higher minor only adds what may be ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// Raised when an older peer could not follow any more.
    pub major: u16,
    /// Raised when something was added that an older peer can ignore.
    pub minor: u16,
}

impl Version {
    /// The version this build speaks.
    pub const CURRENT: Self = Self { major: 1, minor: 2 };

    /// The version to speak with a peer that announced `theirs`: the lower minor of the same major.
    ///
    /// # Errors
    /// [`VersionMismatch`] when the majors differ; its text tells the user what to do.
    pub fn agree(self, theirs: Self) -> Result<Self, VersionMismatch> {
        if self.major != theirs.major {
            return Err(VersionMismatch { ours: self, theirs });
        }
        Ok(self.min(theirs))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The two sides cannot talk to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionMismatch {
    /// What this side speaks.
    pub ours: Version,
    /// What the other side announced.
    pub theirs: Version,
}

impl std::error::Error for VersionMismatch {}

impl fmt::Display for VersionMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ours, theirs } = self;
        write!(f, "This page speaks version {theirs} of the Visavis protocol, this server speaks {ours}. ")?;
        if theirs.major > ours.major {
            f.write_str("The server must be updated; until then, use the page that this server delivers.")
        } else {
            f.write_str("Reload the page to get the version that fits.")
        }
    }
}
