//! The embedded default: SQLite with a write-ahead log, on a thread of its own.
//!
//! One server owns the file: it is locked while the server runs, because the bus beside it ends at the process.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::{
    Commit, Condition, ControlStore, Entry, KeyName, Lease, PAGE_MAX, Range, StoreError, Version, Write,
};
use crate::access::UnixSeconds;

/// The file within the data folder.
pub(crate) const FILE: &str = "control.sqlite3";
/// Calls that wait for the thread; further ones are refused as [`StoreError::Busy`].
const CALLS_MAX: usize = 1024;
/// How long the start waits for an earlier server to give the file up.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);
/// Every so many commits, what has ended is deleted.
const SWEEP_EVERY: u64 = 256;
/// The layout of the tables, in SQLite's own `user_version`.
const LAYOUT: i64 = 1;
const TABLES: &str = "
    CREATE TABLE entry (
        key TEXT PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL, until INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX entry_until ON entry (until) WHERE until IS NOT NULL;
    CREATE TABLE lease (
        key TEXT PRIMARY KEY, holder TEXT NOT NULL, epoch INTEGER NOT NULL, until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE log (key TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE counter (version INTEGER NOT NULL) STRICT;
    INSERT INTO counter VALUES (0);
";

/// Why the file cannot be used at the start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made.
    #[error("the data folder {} cannot be made", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not SQLite's, is locked, or cannot be written.
    #[error("{} cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A newer version has changed the tables.
    #[error("{} was written by a newer version of Visavis (layout {found}, here {LAYOUT})", path.display())]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its layout.
        found: i64,
    },
    /// No thread can be started.
    #[error("the store's thread cannot be started")]
    Thread(#[source] std::io::Error),
}

type Call = Box<dyn FnOnce(&mut Connection) + Send>;

/// See the module. The thread ends when this is dropped and has nothing left to do.
#[derive(Debug)]
pub struct SqliteStore {
    calls: SyncSender<Call>,
}

impl SqliteStore {
    /// Opens the store in this folder, and makes both when they are not there. Blocks for up to a second.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        make_folder(folder)?;
        let path = folder.join(FILE);
        let connection = connect(&path)?;
        let (calls, waiting) = sync_channel(CALLS_MAX);
        std::thread::Builder::new()
            .name("control-store".to_owned())
            .spawn(move || work(connection, &waiting))
            .map_err(OpenError::Thread)?;
        Ok(Self { calls })
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let call: Call = Box::new(move |connection| {
            // Who asked may have gone; what it asked for is done all the same.
            let _ = sender.send(work(connection).map_err(StoreError::from));
        });
        self.calls.try_send(call).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Down("its thread has ended".to_owned()),
        })?;
        receiver.await.map_err(|_| StoreError::Down("its thread has ended".to_owned()))?
    }
}

/// Nobody but the server's user may look into it: it holds what people wrote.
fn make_folder(folder: &Path) -> Result<(), OpenError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| OpenError::Folder { path: folder.to_owned(), source })
}

fn connect(path: &Path) -> Result<Connection, OpenError> {
    let wrong = |source| OpenError::File { path: path.to_owned(), source };
    let mut connection = Connection::open(path).map_err(wrong)?;
    let found = prepare(&mut connection).map_err(wrong)?;
    if found > LAYOUT {
        return Err(OpenError::Newer { path: path.to_owned(), found });
    }
    Ok(connection)
}

/// Sets the connection up, makes the tables, and returns the layout that is there.
fn prepare(connection: &mut Connection) -> Result<i64, rusqlite::Error> {
    connection.busy_timeout(LOCK_TIMEOUT)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // What was answered with "done" outlives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found == 0 {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", LAYOUT)?;
    }
    transaction.commit()?;
    Ok(found.max(LAYOUT))
}

/// Why a store that is there cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InspectError {
    /// A server has it open.
    #[error("it is in use")]
    Locked,
    /// A newer version has changed the tables.
    #[error("a newer version wrote it")]
    Newer,
    /// What SQLite's check says first.
    #[error("{0}")]
    Damaged(String),
    /// It is not SQLite's, or cannot be read.
    #[error(transparent)]
    Sqlite(rusqlite::Error),
}

/// Looks whether the store in this folder is sound, and changes nothing. False: there is none yet.
pub(crate) fn inspect(folder: &Path) -> Result<bool, InspectError> {
    let path = folder.join(FILE);
    if !path.exists() {
        return Ok(false);
    }
    let wrong = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => InspectError::Locked,
        Some(_) | None => InspectError::Sqlite(error),
    };
    let connection =
        Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(wrong)?;
    let layout: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(wrong)?;
    if layout > LAYOUT {
        return Err(InspectError::Newer);
    }
    let said: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(wrong)?;
    if said == "ok" { Ok(true) } else { Err(InspectError::Damaged(said)) }
}

fn work(mut connection: Connection, calls: &Receiver<Call>) {
    while let Ok(call) = calls.recv() {
        call(&mut connection);
    }
}

/// What goes wrong inside a transaction, which is rolled back by it.
enum Failure {
    Sqlite(rusqlite::Error),
    Refused(StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Sqlite(error) => Self::Down(error.to_string()),
            Failure::Refused(error) => error,
        }
    }
}

/// SQLite counts with a sign.
const fn signed(number: u64) -> i64 {
    if number > i64::MAX as u64 { i64::MAX } else { number as i64 }
}

fn begin(connection: &mut Connection) -> Result<Transaction<'_>, rusqlite::Error> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn entry(row: &Row<'_>) -> Result<Entry, rusqlite::Error> {
    let version: i64 = row.get(2)?;
    Ok(Entry {
        key: KeyName::stored(row.get(0)?),
        value: row.get(1)?,
        version: Version(version.unsigned_abs()),
    })
}

fn find(connection: &Connection, key: &KeyName, now: UnixSeconds) -> Result<Option<Entry>, rusqlite::Error> {
    let mut query = connection.prepare_cached(
        "SELECT key, value, version FROM entry WHERE key = ?1 AND (until IS NULL OR until > ?2)",
    )?;
    query.query_row(params![key.as_str(), signed(now.0)], entry).optional()
}

fn check(transaction: &Transaction<'_>, condition: &Condition, now: UnixSeconds) -> Result<(), Failure> {
    let is_so = match condition {
        Condition::Absent(key) => find(transaction, key, now)?.is_none(),
        Condition::Is(key, version) => {
            find(transaction, key, now)?.is_some_and(|entry| entry.version == *version)
        }
        Condition::Held(lease) => {
            let is_held = find_lease(transaction, &lease.key)?.is_some_and(|current| {
                current.epoch == lease.epoch && current.holder == lease.holder && now < current.until
            });
            return if is_held { Ok(()) } else { Err(Failure::Refused(StoreError::LeaseLost)) };
        }
    };
    if is_so { Ok(()) } else { Err(Failure::Refused(StoreError::Conflict)) }
}

fn write(transaction: &Transaction<'_>, write: &Write, version: i64) -> Result<(), rusqlite::Error> {
    let (key, value, until) = match write {
        Write::Delete(key) => {
            transaction.prepare_cached("DELETE FROM entry WHERE key = ?1")?.execute([key.as_str()])?;
            return Ok(());
        }
        Write::Put { key, value, until } => (key.clone(), value, until),
        Write::Append { log, value, until } => {
            let mut next = transaction.prepare_cached(
                "INSERT INTO log VALUES (?1, 1) ON CONFLICT (key) DO UPDATE SET last = last + 1 RETURNING last",
            )?;
            let number: i64 = next.query_row([log.as_str()], |row| row.get(0))?;
            (log.entry(number.unsigned_abs()), value, until)
        }
    };
    transaction
        .prepare_cached("INSERT OR REPLACE INTO entry (key, value, version, until) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![key.as_str(), value, version, until.map(|until| signed(until.0))])?;
    Ok(())
}

fn find_lease(connection: &Connection, key: &KeyName) -> Result<Option<Lease>, rusqlite::Error> {
    let mut query = connection.prepare_cached("SELECT holder, epoch, until FROM lease WHERE key = ?1")?;
    let lease = |row: &Row<'_>| {
        let (epoch, until): (i64, i64) = (row.get(1)?, row.get(2)?);
        let until = UnixSeconds(until.unsigned_abs());
        Ok(Lease { key: key.clone(), holder: row.get(0)?, epoch: epoch.unsigned_abs(), until })
    };
    query.query_row([key.as_str()], lease).optional()
}

#[async_trait]
impl ControlStore for SqliteStore {
    async fn get(&self, key: KeyName, now: UnixSeconds) -> Result<Option<Entry>, StoreError> {
        key.check()?;
        self.call(move |connection| Ok(find(connection, &key, now)?)).await
    }

    async fn commit(&self, commit: Commit, now: UnixSeconds) -> Result<Version, StoreError> {
        commit.check()?;
        self.call(move |connection| {
            let transaction = begin(connection)?;
            commit.conditions.iter().try_for_each(|condition| check(&transaction, condition, now))?;
            let version: i64 = transaction
                .prepare_cached("UPDATE counter SET version = version + 1 RETURNING version")?
                .query_row([], |row| row.get(0))?;
            commit.writes.iter().try_for_each(|one| write(&transaction, one, version))?;
            if version.unsigned_abs().is_multiple_of(SWEEP_EVERY) {
                transaction
                    .prepare_cached("DELETE FROM entry WHERE until <= ?1")?
                    .execute([signed(now.0)])?;
            }
            transaction.commit()?;
            Ok(Version(version.unsigned_abs()))
        })
        .await
    }

    async fn list(&self, range: Range, now: UnixSeconds) -> Result<Vec<Entry>, StoreError> {
        self.call(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT key, value, version FROM entry WHERE key > ?1 AND key < ?2 AND (until IS NULL OR until > ?3) \
                 ORDER BY key LIMIT ?4",
            )?;
            let prefix = range.prefix.as_str();
            let after = range.after.as_ref().map_or(prefix, |after| after.as_str().max(prefix));
            let limit = signed(range.limit.min(PAGE_MAX) as u64);
            let found = query.query_map(params![after, range.prefix.end(), signed(now.0), limit], entry)?;
            Ok(found.collect::<Result<Vec<Entry>, rusqlite::Error>>()?)
        })
        .await
    }

    async fn lease(
        &self,
        key: KeyName,
        holder: String,
        until: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<Lease, StoreError> {
        key.check()?;
        self.call(move |connection| {
            let transaction = begin(connection)?;
            let epoch = match find_lease(&transaction, &key)? {
                Some(current) if current.holder == holder && now < current.until => current.epoch,
                Some(current) if now < current.until => return Err(Failure::Refused(StoreError::LeaseLost)),
                Some(ended) => ended.epoch + 1,
                None => 1,
            };
            transaction
                .prepare_cached("INSERT OR REPLACE INTO lease VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![key.as_str(), holder, signed(epoch), signed(until.0)])?;
            transaction.commit()?;
            Ok(Lease { key, holder, epoch, until })
        })
        .await
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        self.call(move |connection| {
            // The epoch stays, so that the next holder has another.
            connection
                .prepare_cached("UPDATE lease SET until = 0 WHERE key = ?1 AND holder = ?2 AND epoch = ?3")?
                .execute(params![lease.key.as_str(), lease.holder, signed(lease.epoch)])?;
            Ok(())
        })
        .await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.call(|connection| {
            connection.execute("UPDATE counter SET version = version", [])?;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::control::{Prefix, Space, conformance};

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn put(name: &str, until: Option<UnixSeconds>) -> Commit {
        Commit::of(vec![Write::Put { key: KeyName::of(Space::Room, name), value: b"x".to_vec(), until }])
    }

    #[tokio::test]
    async fn it_conforms() {
        let folders = std::sync::Mutex::new(Vec::new());
        conformance::run(async || {
            let folder = tempfile::tempdir().unwrap();
            let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
            folders.lock().unwrap().push(folder);
            store
        })
        .await;
    }

    #[tokio::test]
    async fn what_was_written_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyName::of(Space::Room, "standup");
        let first = SqliteStore::open(folder.path()).unwrap();
        let version = first.commit(put("standup", None), NOW).await.unwrap();
        drop(first);
        let second = SqliteStore::open(folder.path()).unwrap();
        assert_eq!(second.get(key, NOW).await.unwrap().unwrap().version, version);
        assert!(second.commit(put("other", None), NOW).await.unwrap() > version, "no version comes twice");
    }

    #[tokio::test]
    async fn a_second_server_does_not_get_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let _first = SqliteStore::open(folder.path()).unwrap();
        let second = SqliteStore::open(folder.path()).unwrap_err();
        assert!(matches!(second, OpenError::File { .. }), "{second}");
    }

    #[tokio::test]
    async fn what_is_no_database_and_what_is_newer_is_refused_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "a letter of more than a few bytes, no database").unwrap();
        assert!(matches!(SqliteStore::open(folder.path()), Err(OpenError::File { .. })));
        let folder = tempfile::tempdir().unwrap();
        Connection::open(folder.path().join(FILE)).unwrap().pragma_update(None, "user_version", 9).unwrap();
        assert!(matches!(SqliteStore::open(folder.path()), Err(OpenError::Newer { found: 9, .. })));
    }

    #[tokio::test]
    async fn what_has_ended_is_deleted_after_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).unwrap();
        store.commit(put("short", Some(NOW.plus(1))), NOW).await.unwrap();
        for _ in 0..SWEEP_EVERY {
            store.commit(put("long", None), NOW.plus(2)).await.unwrap();
        }
        let count = |connection: &mut Connection| {
            Ok(connection.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, i64>(0))?)
        };
        assert_eq!(store.call(count).await.unwrap(), 1);
        let range = Range { prefix: Prefix::all(Space::Room), after: None, limit: 9 };
        assert_eq!(store.list(range, NOW).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_full_queue_is_busy_and_nothing_waits_for_it() {
        let (calls, waiting) = sync_channel(1);
        let store = SqliteStore { calls };
        let first = store.check();
        let mut first = std::pin::pin!(first);
        tokio::select! {
            biased;
            _ = &mut first => panic!("nobody answers"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(store.check().await, Err(StoreError::Busy));
        drop(waiting);
        assert!(matches!(first.await, Err(StoreError::Down(_))));
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_is_for_the_server_s_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/data");
        SqliteStore::open(&folder).unwrap();
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
