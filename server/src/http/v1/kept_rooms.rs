//! What is kept of rooms, counted for the key that set them up: what is kept stays for ever, so a program that makes a
//! room for every appointment would fill the disk.

use std::time::SystemTime;

use shared::RoomId;

use super::super::problem::Problem;
use crate::access::{KeyId, RoomSettings, UnixSeconds, settings};
use crate::app::App;
use crate::control::{Commit, Condition, Entry, KeyName, Space, StoreError, Version, Write};

/// How often a change is tried again that another server has overtaken. Requests to this one wait for one another.
const ATTEMPTS: usize = 8;

/// What is kept of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// Nothing: it cannot be read.
    pub(super) settings: Option<RoomSettings>,
    version: Version,
}

/// Changes wait for one another: each is two questions to the store and one commit.
pub(super) type OneAtATime = tokio::sync::Mutex<()>;

/// Puts what `decide` makes of what is kept in its place; nothing: it is kept no more.
///
/// # Errors
/// What `decide` refuses; a refusal when the room's key has as many as it may; what the store fails with.
pub(super) async fn change(
    app: &App,
    room: &RoomId,
    decide: impl Fn(Option<&Kept>) -> Result<Option<RoomSettings>, Problem>,
) -> Result<(), Problem> {
    let now = UnixSeconds::of(SystemTime::now());
    let max = app.config.rooms_per_key_max;
    let _alone = app.quotas.changing_rooms.lock().await;
    for _ in 0..ATTEMPTS {
        let kept = app
            .store
            .get(settings::key(room), now)
            .await?
            .map(|entry| Kept { settings: RoomSettings::read(&entry.value), version: entry.version });
        let next = decide(kept.as_ref())?;
        let [before, after] =
            [owner(kept.as_ref().and_then(|kept| kept.settings.as_ref())), owner(next.as_ref())];
        let mut counts = Vec::new();
        for key in [before, after].into_iter().flatten().filter(|_| before != after) {
            counts.push((key.clone(), app.store.get(count_key(key), now).await?));
        }
        let commit = commit(room, kept.as_ref(), next.as_ref(), &counts, max)
            .map_err(|TooManyRooms| Problem::too_many_rooms(max))?;
        match app.store.commit(commit, now).await {
            Err(StoreError::Conflict) => {}
            committed @ (Ok(_)
            | Err(
                StoreError::LeaseLost | StoreError::TooLarge(_) | StoreError::Busy | StoreError::Down(_),
            )) => return committed.map(drop).map_err(Problem::from),
        }
    }
    Err(StoreError::Busy.into())
}

fn owner(settings: Option<&RoomSettings>) -> Option<&KeyId> {
    settings.and_then(|settings| settings.key.as_ref())
}

fn count_key(key: &KeyId) -> KeyName {
    KeyName::of(Space::RoomCount, key.as_str())
}

/// A key has as many rooms as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TooManyRooms;

/// What puts `next` in the place of `kept`, while both and the counts of their keys are as they were read.
fn commit(
    room: &RoomId,
    kept: Option<&Kept>,
    next: Option<&RoomSettings>,
    counts: &[(KeyId, Option<Entry>)],
    max: usize,
) -> Result<Commit, TooManyRooms> {
    let is_as_read = |key: KeyName, version: Option<Version>| match version {
        Some(version) => Condition::Is(key, version),
        None => Condition::Absent(key),
    };
    let mut conditions = vec![is_as_read(settings::key(room), kept.map(|kept| kept.version))];
    let mut writes =
        vec![next.map_or_else(|| Write::Delete(settings::key(room)), |settings| settings.write(room))];
    for (key, entry) in counts {
        let before = entry.as_ref().map_or(0, |entry| read_count(&entry.value));
        let is_more = owner(next) == Some(key);
        if is_more && before >= max {
            return Err(TooManyRooms);
        }
        let count = if is_more { before + 1 } else { before.saturating_sub(1) };
        conditions.push(is_as_read(count_key(key), entry.as_ref().map(|entry| entry.version)));
        writes.push(match count {
            0 => Write::Delete(count_key(key)),
            _ => Write::Put { key: count_key(key), value: count.to_string().into_bytes(), until: None },
        });
    }
    Ok(Commit { conditions, writes })
}

/// A count that cannot be read begins anew: rather too many rooms than none.
fn read_count(value: &[u8]) -> usize {
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Policy;

    const MAX: usize = 2;

    fn room() -> RoomId {
        RoomId::new("board").unwrap()
    }

    fn key(id: &str) -> KeyId {
        KeyId::new(id).unwrap()
    }

    fn of(key: Option<KeyId>) -> RoomSettings {
        RoomSettings { policy: Policy::default(), created_at: UnixSeconds(7), key }
    }

    fn count(id: &str, count: usize) -> (KeyId, Option<Entry>) {
        let value = count.to_string().into_bytes();
        let entry = Entry { key: count_key(&key(id)), value, version: Version(9) };
        (key(id), Some(entry).filter(|_| count > 0))
    }

    fn put(id: &str, count: &str) -> Write {
        Write::Put { key: count_key(&key(id)), value: count.into(), until: None }
    }

    #[test]
    fn a_room_counts_for_the_key_that_sets_it_up_until_as_many_as_it_may() {
        let new = of(Some(key("ops")));
        let set_up = |before| commit(&room(), None, Some(&new), &[count("ops", before)], MAX);
        let first = set_up(0).unwrap();
        let absent = [settings::key(&room()), count_key(&key("ops"))].map(Condition::Absent);
        assert_eq!(first.conditions, absent);
        assert_eq!(first.writes, [new.write(&room()), put("ops", "1")]);
        let last = set_up(1).unwrap();
        assert_eq!(last.conditions[1], Condition::Is(count_key(&key("ops")), Version(9)));
        assert_eq!(last.writes[1], put("ops", "2"));
        assert_eq!(set_up(2), Err(TooManyRooms));
    }

    #[test]
    fn a_room_that_is_forgotten_is_taken_from_its_count_and_from_nobody_else_s() {
        let kept = |key| Kept { settings: Some(of(key)), version: Version(3) };
        let forget =
            |before| commit(&room(), Some(&kept(Some(key("ops")))), None, &[count("ops", before)], MAX);
        let gone = Write::Delete(settings::key(&room()));
        assert_eq!(forget(2).unwrap().writes, [gone.clone(), put("ops", "1")]);
        // Also from one that has more than it may: the bound was larger.
        assert_eq!(forget(9).unwrap().writes[1], put("ops", "8"));
        assert_eq!(forget(1).unwrap().writes[1], Write::Delete(count_key(&key("ops"))));
        assert_eq!(forget(0).unwrap().writes[1], Write::Delete(count_key(&key("ops"))));
        // From before rooms were counted.
        let uncounted = commit(&room(), Some(&kept(None)), None, &[], MAX).unwrap();
        assert_eq!(uncounted.conditions, [Condition::Is(settings::key(&room()), Version(3))]);
        assert_eq!(uncounted.writes, [gone]);
    }
}
