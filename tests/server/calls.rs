//! Media from one end to the other.

use std::time::{Duration, Instant};

use server::Config;

use crate::bot::{Bot, View};
use crate::{start, start_with};

/// How long a meeting may take to come about on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Packets of each source that must arrive.
const ENOUGH: u64 = 30;

/// Waits until every bot's view fits.
async fn wait(
    bots: &mut [Bot],
    what: &str,
    limit: Duration,
    fits: impl Fn(usize, &View) -> bool,
) -> Duration {
    let start = Instant::now();
    for (number, bot) in bots.iter_mut().enumerate() {
        let left = limit.saturating_sub(start.elapsed());
        let waited = tokio::time::timeout(left, bot.view.wait_for(|view| fits(number, view)));
        let is_there = waited.await.is_ok_and(|seen| seen.is_ok());
        let view = bot.view.borrow();
        assert!(is_there, "{number} after {:?}, {what}: {view:?}", start.elapsed());
    }
    start.elapsed()
}

fn gets(view: &View, publisher: usize, source: u8) -> bool {
    view.intact.get(&(publisher as u16, source)).is_some_and(|count| *count >= ENOUGH)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_peers_get_each_others_audio_and_video_intact() {
    let server = start().await;
    let mut bots: Vec<Bot> = (0..2).map(|number| Bot::start(number, server.http_addr, "two")).collect();
    let both = |number: usize, view: &View| gets(view, 1 - number, 0) && gets(view, 1 - number, 1);
    wait(&mut bots, "audio and video", PATIENCE, both).await;
    for bot in &bots {
        let view = bot.view.borrow();
        assert_eq!(view.damaged, 0);
        assert_eq!(view.offers, 1);
    }
    drop(bots);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_peers_see_each_other_and_hear_three() {
    let server = start().await;
    let mut bots: Vec<Bot> = (0..10).map(|number| Bot::start(number, server.http_addr, "ten")).collect();
    let all = |number: usize, view: &View| {
        (0..10).filter(|other| *other != number).all(|other| gets(view, other, 1))
            && (0..10).filter(|other| gets(view, *other, 0)).count() >= 3
    };
    wait(&mut bots, "nine pictures and three voices", PATIENCE, all).await;
    assert!(bots.iter().all(|bot| bot.view.borrow().damaged == 0));
    drop(bots);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_over_two_shards_is_one_room() {
    let server = start_with(Config { shards: 2, peers_per_shard_max: 2, ..Config::on_loopback() }).await;
    let mut bots: Vec<Bot> = (0..4).map(|number| Bot::start(number, server.http_addr, "large")).collect();
    let all = |number: usize, view: &View| {
        (0..4).filter(|other| *other != number).all(|other| gets(view, other, 0) && gets(view, other, 1))
    };
    wait(&mut bots, "three pictures and three voices", PATIENCE, all).await;
    assert!(bots.iter().all(|bot| bot.view.borrow().damaged == 0));
    let shards = server.statistics().await.expect("all shards answer");
    let held: Vec<(usize, usize)> = shards.iter().map(|shard| (shard.peers, shard.remote_peers)).collect();
    assert_eq!(held, [(2, 2), (2, 2)]);
    assert!(shards.iter().all(|shard| shard.relayed > 100), "{shards:?}");
    drop(bots);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_killed_hard_is_gone_for_the_others_within_five_seconds() {
    let server = start().await;
    let mut bots: Vec<Bot> = (0..3).map(|number| Bot::start(number, server.http_addr, "kill")).collect();
    let everybody = |number: usize, view: &View| (0..3).all(|other| other == number || gets(view, other, 0));
    wait(&mut bots, "the others' voices", PATIENCE, everybody).await;
    drop(bots.pop());
    let took = wait(&mut bots, "two are left", PATIENCE, |_, view| view.participants.len() == 2).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop(bots);
    server.shutdown().await;
}
