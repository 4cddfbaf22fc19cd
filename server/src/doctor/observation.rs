//! What was seen of the machine. Only data: nothing here looks or judges.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::access::UnixSeconds;
use crate::http::tls::Facts;
use crate::media::Reach;

/// Everything that is judged.
#[derive(Debug, Clone)]
pub(super) struct Observations {
    pub(super) ports: Vec<PortSeen>,
    /// The version of a Visavis that answers at the site's port.
    pub(super) running: Option<String>,
    pub(super) reach: Reach,
    /// Announced addresses, and whether they are this machine's own.
    pub(super) announced: Vec<(IpAddr, bool)>,
    pub(super) encryption: Encryption,
    pub(super) url: Option<UrlSeen>,
    pub(super) clock: ClockSeen,
    pub(super) storage: StorageSeen,
    pub(super) keys: KeysSeen,
    /// Files with secrets that others on this machine can read, with their modes.
    pub(super) readable_secrets: Vec<(PathBuf, u32)>,
    pub(super) site: SiteSeen,
    pub(super) limits: LimitsSeen,
}

/// A port that the server listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PortSeen {
    pub(super) protocol: &'static str,
    /// The setting that chooses it.
    pub(super) setting: &'static str,
    pub(super) address: SocketAddr,
    pub(super) state: PortState,
}

/// What came of the attempt to bind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PortState {
    Free,
    Taken,
    NotPermitted,
    NotThisMachine,
    Failed(String),
}

/// How the site is encrypted.
#[derive(Debug, Clone)]
pub(super) enum Encryption {
    /// Not here.
    Plain {
        /// Nobody but this machine reaches it.
        is_loopback: bool,
        /// A proxy in front of it is named.
        has_proxy: bool,
    },
    /// By files.
    Files(CertificateSeen),
    /// By ACME.
    Acme {
        domains: Vec<String>,
        has_contact: bool,
        port: u16,
        /// Why `acme_root` cannot be used.
        root: Result<(), String>,
        /// What is kept, if anything is.
        kept: Option<CertificateSeen>,
    },
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub(super) struct CertificateSeen {
    pub(super) path: PathBuf,
    pub(super) key_path: PathBuf,
    /// What stands in it, or why it cannot be read.
    pub(super) facts: Result<Facts, String>,
    /// Whether the key fits, or why it cannot be read.
    pub(super) key: Result<(), String>,
}

/// The site as people open it.
#[derive(Debug, Clone)]
pub(super) struct UrlSeen {
    pub(super) url: String,
    pub(super) host: String,
    pub(super) is_https: bool,
    /// Its clock, or why there was no answer.
    pub(super) answer: Result<Option<UnixSeconds>, NoAnswer>,
}

/// Why nothing was heard from the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// It was not reached, or is no Visavis.
    Silent(String),
    /// What it showed has expired.
    Expired,
    /// What it showed is valid later only.
    NotYetValid,
    /// What it showed is for other names.
    WrongName,
    /// What it showed is believed by nobody here for another reason.
    Untrusted(String),
}

#[derive(Debug, Clone)]
pub(super) struct ClockSeen {
    pub(super) now: UnixSeconds,
    pub(super) built_at: Option<UnixSeconds>,
}

/// The data folder.
#[derive(Debug, Clone)]
pub(super) enum StorageSeen {
    /// There is none.
    None,
    Folder {
        path: PathBuf,
        /// Why nothing can be written there.
        writable: Result<(), String>,
        free_bytes: Option<u64>,
        database: DatabaseSeen,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DatabaseSeen {
    /// It is made at the first start.
    Absent,
    Sound,
    /// Somebody else has it open.
    Locked,
    /// It is another version's.
    Newer,
    Broken(String),
}

#[derive(Debug, Clone)]
pub(super) struct KeysSeen {
    pub(super) count: usize,
    pub(super) is_open: bool,
    /// The ids of secrets that look like words rather than like random characters.
    pub(super) weak: Vec<String>,
    /// No key opens the API.
    pub(super) has_api: bool,
}

/// Where the site comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SiteSeen {
    BuiltIn,
    Folder(PathBuf),
    Missing,
    EmptyFolder(PathBuf),
}

#[derive(Debug, Clone)]
pub(super) struct LimitsSeen {
    /// Open files that the process may have, and that the settings may need.
    pub(super) descriptors: Option<u64>,
    pub(super) descriptors_wanted: u64,
    /// net.core.rmem_max and wmem_max.
    pub(super) receive_bytes: Option<u64>,
    pub(super) send_bytes: Option<u64>,
    pub(super) buffer_wanted: u64,
}
