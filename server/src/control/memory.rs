//! The store in memory: for tests, and for servers without a folder to write to.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{
    Commit, Condition, ControlStore, Entry, KeyName, Lease, PAGE_MAX, Range, StoreError, Version, Write,
};
use crate::access::UnixSeconds;

/// Most values; the store is full then, so that a server without a folder does not grow for ever.
const ENTRIES_MAX: usize = 200_000;

/// See the module.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<KeyName, Stored>,
    leases: HashMap<KeyName, Lease>,
    /// The next number of each log.
    logs: HashMap<KeyName, u64>,
    version: u64,
}

#[derive(Debug)]
struct Stored {
    value: Vec<u8>,
    version: Version,
    until: Option<UnixSeconds>,
}

impl Stored {
    fn is_there(&self, now: UnixSeconds) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is made after everything that can fail, so a panic elsewhere leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn get(&self, key: &KeyName, now: UnixSeconds) -> Option<&Stored> {
        self.entries.get(key).filter(|stored| stored.is_there(now))
    }

    fn holds(&self, condition: &Condition, now: UnixSeconds) -> Result<(), StoreError> {
        let is_so = match condition {
            Condition::Absent(key) => self.get(key, now).is_none(),
            Condition::Is(key, version) => {
                self.get(key, now).is_some_and(|stored| stored.version == *version)
            }
            Condition::Held(lease) => {
                let is_held = self.leases.get(&lease.key).is_some_and(|current| {
                    current.epoch == lease.epoch && current.holder == lease.holder && now < current.until
                });
                return if is_held { Ok(()) } else { Err(StoreError::LeaseLost) };
            }
        };
        if is_so { Ok(()) } else { Err(StoreError::Conflict) }
    }

    fn write(&mut self, write: Write, version: Version) {
        let (key, value, until) = match write {
            Write::Delete(key) => {
                self.entries.remove(&key);
                return;
            }
            Write::Put { key, value, until } => (key, value, until),
            Write::Append { log, value, until } => {
                let number = self.logs.entry(log.clone()).or_default();
                *number += 1;
                (log.entry(*number), value, until)
            }
        };
        self.entries.insert(key, Stored { value, version, until });
    }
}

#[async_trait]
impl ControlStore for MemoryStore {
    async fn get(&self, key: KeyName, now: UnixSeconds) -> Result<Option<Entry>, StoreError> {
        key.check()?;
        let state = self.state();
        let stored = state.get(&key, now);
        Ok(stored.map(|stored| Entry { key, value: stored.value.clone(), version: stored.version }))
    }

    async fn commit(&self, commit: Commit, now: UnixSeconds) -> Result<Version, StoreError> {
        commit.check()?;
        let mut state = self.state();
        commit.conditions.iter().try_for_each(|condition| state.holds(condition, now))?;
        if state.entries.len() + commit.writes.len() > ENTRIES_MAX {
            state.entries.retain(|_, stored| stored.is_there(now));
            if state.entries.len() + commit.writes.len() > ENTRIES_MAX {
                return Err(StoreError::Down("the memory for it is full".to_owned()));
            }
        }
        state.version += 1;
        let version = Version(state.version);
        commit.writes.into_iter().for_each(|write| state.write(write, version));
        Ok(version)
    }

    async fn list(&self, range: Range, now: UnixSeconds) -> Result<Vec<Entry>, StoreError> {
        let state = self.state();
        let first = KeyName::stored(range.prefix.as_str().to_owned());
        let from = range.after.as_ref().map_or(&first, |after| after.max(&first)).clone();
        let found = state
            .entries
            .range(from..)
            .take_while(|(key, _)| key.as_str().starts_with(range.prefix.as_str()))
            .filter(|(key, stored)| range.after.as_ref() != Some(key) && stored.is_there(now))
            .take(range.limit.min(PAGE_MAX));
        let entry = |(key, stored): (&KeyName, &Stored)| Entry {
            key: key.clone(),
            value: stored.value.clone(),
            version: stored.version,
        };
        Ok(found.map(entry).collect())
    }

    async fn lease(
        &self,
        key: KeyName,
        holder: String,
        until: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<Lease, StoreError> {
        key.check()?;
        let mut state = self.state();
        let epoch = match state.leases.get(&key) {
            Some(current) if current.holder == holder && now < current.until => current.epoch,
            Some(current) if now < current.until => return Err(StoreError::LeaseLost),
            Some(ended) => ended.epoch + 1,
            None => 1,
        };
        let lease = Lease { key: key.clone(), holder, epoch, until };
        state.leases.insert(key, lease.clone());
        Ok(lease)
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let mut state = self.state();
        if let Some(current) = state.leases.get_mut(&lease.key)
            && current.epoch == lease.epoch
            && current.holder == lease.holder
        {
            // The epoch stays, so that the next holder has another.
            current.until = UnixSeconds(0);
        }
        Ok(())
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::control::conformance;

    #[tokio::test]
    async fn it_conforms() {
        conformance::run(async || Arc::new(MemoryStore::default())).await;
    }
}
