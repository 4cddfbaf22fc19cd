//! Durable state and messages between servers, behind two traits: [`ControlStore`] and [`Bus`].
//!
//! ```text
//! rooms, outbox, idempotency ──▶ ControlStore ──▶ SQLite on a thread of its own (embedded default)
//!                                            └──▶ memory (tests, or no folder to write to)
//!                            ──▶ Bus ──────────▶ channels inside the process
//! ```
//!
//! Contract: values are bytes under typed keys, each with a version that grows with every change. What belongs together
//! is changed in one [`ControlStore::commit`], whose conditions make it a compare-and-set over several keys. No call
//! blocks the async runtime. A store that is down is an error that callers log and go on from: a running room never
//! stops for it; readiness tells it.

mod bus;
#[cfg(test)]
mod conformance;
mod key;
mod memory;
mod sqlite;

use async_trait::async_trait;

use crate::access::UnixSeconds;

pub use self::bus::{Bus, BusError, LocalBus, Request, Requests, Subscription};
pub use self::key::{KeyName, Prefix, Space};
pub use self::memory::MemoryStore;
pub(crate) use self::sqlite::{FILE as DATABASE, InspectError, inspect};
pub use self::sqlite::{OpenError, SqliteStore};

/// Longest value in bytes.
pub const VALUE_BYTES_MAX: usize = 256 * 1024;
/// Most writes and conditions in one commit.
pub const COMMIT_MAX: usize = 128;
/// Most entries of one page.
pub const PAGE_MAX: usize = 500;

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Something that the commit depends on has changed meanwhile: read again and decide anew.
    #[error("what was read has changed meanwhile")]
    Conflict,
    /// Somebody else holds the lease, or has taken it over.
    #[error("somebody else holds the lease")]
    LeaseLost,
    /// A key, a value or a commit is larger than allowed.
    #[error("{0} is larger than the store takes")]
    TooLarge(&'static str),
    /// More waits for the store than it can queue.
    #[error("the store has too much to do")]
    Busy,
    /// The store cannot be used at the moment.
    #[error("the store cannot be used: {0}")]
    Down(String),
}

/// A value as it is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub key: KeyName,
    /// What.
    pub value: Vec<u8>,
    /// Grows with every change anywhere in the store; never used twice.
    pub version: Version,
}

/// A value's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

/// What a key must be for a commit to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// There is nothing under it.
    Absent(KeyName),
    /// It has not changed since it was read.
    Is(KeyName, Version),
    /// This lease is held.
    Held(Lease),
}

/// One change of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Puts a value, over an earlier one if there is one. From `until` on it counts as absent.
    Put {
        /// Where.
        key: KeyName,
        /// What.
        value: Vec<u8>,
        /// How long; absent: for ever.
        until: Option<UnixSeconds>,
    },
    /// Takes a value away; nothing happens when there is none.
    Delete(KeyName),
    /// Puts a value under the next number of this log, as `<name>/<20 digits>`: entries keep their order.
    Append {
        /// The log.
        log: KeyName,
        /// What.
        value: Vec<u8>,
        /// How long; absent: for ever.
        until: Option<UnixSeconds>,
    },
}

/// Conditions and changes that happen together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// In order.
    pub writes: Vec<Write>,
}

impl Commit {
    /// A commit without conditions.
    #[must_use]
    pub const fn of(writes: Vec<Write>) -> Self {
        Self { conditions: Vec::new(), writes }
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.conditions.len() + self.writes.len() > COMMIT_MAX {
            return Err(StoreError::TooLarge("a commit"));
        }
        for write in &self.writes {
            let (Write::Put { key, .. } | Write::Delete(key) | Write::Append { log: key, .. }) = write;
            key.check()?;
            if let Write::Put { value, .. } | Write::Append { value, .. } = write
                && value.len() > VALUE_BYTES_MAX
            {
                return Err(StoreError::TooLarge("a value"));
            }
        }
        Ok(())
    }
}

/// The right to be the only one who does something, for a time. The epoch grows whenever it changes hands: whoever
/// lost it without noticing fails at the next commit that has it as a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is about.
    pub key: KeyName,
    /// Who has it.
    pub holder: String,
    /// Which time this is.
    pub epoch: u64,
    /// Until when, unless renewed.
    pub until: UnixSeconds,
}

/// Where a list begins and how long it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// All keys that begin so.
    pub prefix: Prefix,
    /// Only those behind this one.
    pub after: Option<KeyName>,
    /// At most so many, and at most [`PAGE_MAX`].
    pub limit: usize,
}

/// State that survives the process. Every call is told the time, by which values and leases end.
#[async_trait]
pub trait ControlStore: std::fmt::Debug + Send + Sync {
    /// The value under a key.
    async fn get(&self, key: KeyName, now: UnixSeconds) -> Result<Option<Entry>, StoreError>;
    /// Makes all changes, or none: [`StoreError::Conflict`] when a condition does not hold,
    /// [`StoreError::LeaseLost`] when a lease is not held. The version of everything that it put comes back.
    async fn commit(&self, commit: Commit, now: UnixSeconds) -> Result<Version, StoreError>;
    /// The values under a prefix, by key.
    async fn list(&self, range: Range, now: UnixSeconds) -> Result<Vec<Entry>, StoreError>;
    /// Takes a lease that is free or already `holder`'s, until `until`. [`StoreError::LeaseLost`] when it is another's.
    async fn lease(
        &self,
        key: KeyName,
        holder: String,
        until: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<Lease, StoreError>;
    /// Gives a lease back early; nothing happens when it is not held any more.
    async fn release(&self, lease: Lease) -> Result<(), StoreError>;
    /// Whether the store can be written to.
    async fn check(&self) -> Result<(), StoreError>;
}

/// Puts a value if its key is still as it was read.
///
/// # Errors
/// [`StoreError::Conflict`] when it is not; the others as [`ControlStore::commit`].
pub async fn compare_and_set(
    store: &dyn ControlStore,
    key: KeyName,
    expected: Option<Version>,
    value: Vec<u8>,
    now: UnixSeconds,
) -> Result<Version, StoreError> {
    let condition = match expected {
        Some(version) => Condition::Is(key.clone(), version),
        None => Condition::Absent(key.clone()),
    };
    let write = Write::Put { key, value, until: None };
    store.commit(Commit { conditions: vec![condition], writes: vec![write] }, now).await
}
