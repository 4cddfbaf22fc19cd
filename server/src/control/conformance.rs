//! What every store must do. Each backend runs it against fresh stores of its own.

use std::sync::Arc;

use super::{
    Commit, Condition, ControlStore, KeyName, PAGE_MAX, Prefix, Range, Space, StoreError, VALUE_BYTES_MAX,
    Version, Write, compare_and_set,
};
use crate::access::UnixSeconds;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

fn key(name: &str) -> KeyName {
    KeyName::of(Space::Room, name)
}

fn put(name: &str, value: &str) -> Write {
    Write::Put { key: key(name), value: value.as_bytes().to_vec(), until: None }
}

async fn value(store: &dyn ControlStore, name: &str, now: UnixSeconds) -> Option<String> {
    store.get(key(name), now).await.unwrap().map(|entry| String::from_utf8(entry.value).unwrap())
}

/// Runs all checks, each on a store that `fresh` makes.
pub(super) async fn run<S: ControlStore + 'static>(fresh: impl AsyncFn() -> Arc<S>) {
    puts_and_deletes(&*fresh().await).await;
    compares_and_sets(&*fresh().await).await;
    commits_all_or_nothing(&*fresh().await).await;
    forgets_what_has_ended(&*fresh().await).await;
    lists_in_pages(&*fresh().await).await;
    keeps_the_order_of_a_log(&*fresh().await).await;
    leases_to_one_at_a_time(&*fresh().await).await;
    refuses_what_is_too_large(&*fresh().await).await;
    one_of_many_racers_wins(fresh().await).await;
}

async fn puts_and_deletes(store: &dyn ControlStore) {
    assert_eq!(value(store, "a", NOW).await, None);
    let first = store.commit(Commit::of(vec![put("a", "1")]), NOW).await.unwrap();
    let second = store.commit(Commit::of(vec![put("a", "2")]), NOW).await.unwrap();
    assert!(second > first);
    let entry = store.get(key("a"), NOW).await.unwrap().unwrap();
    assert_eq!((entry.key, entry.value, entry.version), (key("a"), b"2".to_vec(), second));
    store.commit(Commit::of(vec![Write::Delete(key("a")), Write::Delete(key("b"))]), NOW).await.unwrap();
    assert_eq!(value(store, "a", NOW).await, None);
    assert_eq!(store.check().await, Ok(()));
}

async fn compares_and_sets(store: &dyn ControlStore) {
    let set = async |expected, value: &str| {
        compare_and_set(store, key("a"), expected, value.as_bytes().to_vec(), NOW).await
    };
    let first = set(None, "1").await.unwrap();
    assert_eq!(set(None, "2").await, Err(StoreError::Conflict));
    let second = set(Some(first), "2").await.unwrap();
    assert_eq!(set(Some(first), "3").await, Err(StoreError::Conflict));
    // A value that was taken away and put back is another one.
    store.commit(Commit::of(vec![Write::Delete(key("a"))]), NOW).await.unwrap();
    store.commit(Commit::of(vec![put("a", "2")]), NOW).await.unwrap();
    assert_eq!(set(Some(second), "3").await, Err(StoreError::Conflict));
}

async fn commits_all_or_nothing(store: &dyn ControlStore) {
    let commit = Commit {
        conditions: vec![Condition::Absent(key("a")), Condition::Is(key("b"), Version(77))],
        writes: vec![put("a", "1"), put("c", "1")],
    };
    assert_eq!(store.commit(commit, NOW).await, Err(StoreError::Conflict));
    assert_eq!((value(store, "a", NOW).await, value(store, "c", NOW).await), (None, None));
    let commit =
        Commit { conditions: vec![Condition::Absent(key("a"))], writes: vec![put("a", "1"), put("c", "1")] };
    let version = store.commit(commit, NOW).await.unwrap();
    assert_eq!(store.get(key("c"), NOW).await.unwrap().unwrap().version, version);
}

async fn forgets_what_has_ended(store: &dyn ControlStore) {
    let until = Some(NOW.plus(10));
    let write = Write::Put { key: key("a"), value: b"1".to_vec(), until };
    store.commit(Commit::of(vec![write]), NOW).await.unwrap();
    assert!(value(store, "a", NOW.plus(9)).await.is_some());
    assert_eq!(value(store, "a", NOW.plus(10)).await, None);
    let range = Range { prefix: Prefix::all(Space::Room), after: None, limit: 9 };
    assert!(store.list(range, NOW.plus(10)).await.unwrap().is_empty());
    let set = compare_and_set(store, key("a"), None, b"2".to_vec(), NOW.plus(10)).await;
    assert!(set.is_ok(), "what has ended is absent: {set:?}");
    assert_eq!(value(store, "a", NOW.plus(99)).await.as_deref(), Some("2"), "and the new value stays");
}

async fn lists_in_pages(store: &dyn ControlStore) {
    let names: Vec<String> = (0..7).map(|number| format!("r{number}/ä%")).collect();
    store.commit(Commit::of(names.iter().map(|name| put(name, "x")).collect()), NOW).await.unwrap();
    let other = Write::Put { key: KeyName::of(Space::Ban, "r3"), value: Vec::new(), until: None };
    store.commit(Commit::of(vec![other]), NOW).await.unwrap();
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let range = Range { prefix: Prefix::all(Space::Room), after: after.take(), limit: 3 };
        let page = store.list(range, NOW).await.unwrap();
        found.extend(page.iter().map(|entry| entry.key.last_part()));
        let Some(last) = page.last() else { break };
        after = Some(last.key.clone());
    }
    assert_eq!(found, names);
    let below = Range { prefix: key("r1").below(), after: None, limit: usize::MAX };
    assert!(store.list(below, NOW).await.unwrap().is_empty(), "a part is whole: r1 is not r1/ä%");
}

async fn keeps_the_order_of_a_log(store: &dyn ControlStore) {
    let append = |room: &str, text: String| Write::Append {
        log: KeyName::of(Space::Chat, room),
        value: text.into_bytes(),
        until: None,
    };
    for number in 0..12 {
        let writes = vec![append("a", format!("a{number}")), append("b", format!("b{number}"))];
        store.commit(Commit::of(writes), NOW).await.unwrap();
    }
    let range = Range { prefix: KeyName::of(Space::Chat, "a").below(), after: None, limit: PAGE_MAX };
    let found = store.list(range.clone(), NOW).await.unwrap();
    let texts: Vec<String> =
        found.iter().map(|entry| String::from_utf8(entry.value.clone()).unwrap()).collect();
    assert_eq!(texts, (0..12).map(|number| format!("a{number}")).collect::<Vec<_>>());
    // A number is never used again, even when its entry is gone.
    let last = found.last().unwrap().key.clone();
    store.commit(Commit::of(vec![Write::Delete(last.clone())]), NOW).await.unwrap();
    store.commit(Commit::of(vec![append("a", "new".to_owned())]), NOW).await.unwrap();
    assert!(store.list(range, NOW).await.unwrap().last().unwrap().key > last);
}

async fn leases_to_one_at_a_time(store: &dyn ControlStore) {
    let ask = async |holder: &str, now: UnixSeconds| {
        store.lease(KeyName::of(Space::Lease, "outbox"), holder.to_owned(), now.plus(10), now).await
    };
    let first = ask("one", NOW).await.unwrap();
    assert_eq!(ask("other", NOW.plus(9)).await, Err(StoreError::LeaseLost));
    let renewed = ask("one", NOW.plus(9)).await.unwrap();
    assert_eq!(renewed.epoch, first.epoch, "renewing is no change of hands");
    let second = ask("other", NOW.plus(19)).await.unwrap();
    assert!(second.epoch > first.epoch);
    let guarded = |lease| Commit { conditions: vec![Condition::Held(lease)], writes: vec![put("a", "1")] };
    assert_eq!(store.commit(guarded(renewed.clone()), NOW.plus(19)).await, Err(StoreError::LeaseLost));
    assert_eq!(value(store, "a", NOW).await, None, "who lost the lease changes nothing");
    assert!(store.commit(guarded(second.clone()), NOW.plus(19)).await.is_ok());
    assert_eq!(store.commit(guarded(second.clone()), NOW.plus(29)).await, Err(StoreError::LeaseLost));
    store.release(renewed).await.unwrap();
    assert_eq!(ask("one", NOW.plus(20)).await, Err(StoreError::LeaseLost), "an old lease gives nothing back");
    store.release(second.clone()).await.unwrap();
    assert!(ask("one", NOW.plus(20)).await.unwrap().epoch > second.epoch);
}

async fn refuses_what_is_too_large(store: &dyn ControlStore) {
    let large = "x".repeat(VALUE_BYTES_MAX + 1);
    let refused = store.commit(Commit::of(vec![put("a", &large)]), NOW).await;
    assert_eq!(refused, Err(StoreError::TooLarge("a value")));
    let many = Commit::of((0..1000).map(|number| put(&number.to_string(), "x")).collect());
    assert_eq!(store.commit(many, NOW).await, Err(StoreError::TooLarge("a commit")));
    assert_eq!(store.get(key(&"x".repeat(1000)), NOW).await, Err(StoreError::TooLarge("a key")));
    let refused = store.commit(Commit::of(vec![put(&"x".repeat(1000), "x")]), NOW).await;
    assert_eq!(refused, Err(StoreError::TooLarge("a key")));
}

async fn one_of_many_racers_wins<S: ControlStore + 'static>(store: Arc<S>) {
    let race = |number: u32| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            compare_and_set(&*store, key("a"), None, number.to_string().into_bytes(), NOW).await.is_ok()
        })
    };
    let racers: Vec<_> = (0..20).map(race).collect();
    let mut winners = 0;
    for racer in racers {
        winners += u32::from(racer.await.unwrap());
    }
    assert_eq!(winners, 1);
}
