use sfu::{Command, ConnectionId, Notice};
use shared::{DisplayName, MediaState};
use tokio::sync::mpsc;

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

fn join(connection: u64, name: &str) -> Command {
    Command::Join {
        connection: ConnectionId(connection),
        room: RoomId::new("abc-defg").unwrap(),
        name: DisplayName::new(name).unwrap(),
        media: MediaState::default(),
        resume: None,
        suspends_layers: false,
        admission: sfu::Admission::default(),
    }
}

/// An SFU without a thread.
pub(super) fn bare_sfu(now: Instant) -> sfu::Sfu {
    let wall_clock = WallClock { instant: now, since_unix_epoch: Duration::ZERO };
    let config = sfu::Config {
        candidates: Vec::new(),
        tcp_candidates: Vec::new(),
        shard: 0,
        peers_max: 1,
        video_codecs: sfu::sdp::Codec::VIDEO.to_vec(),
        estimator: sfu::bandwidth::Algorithm::default(),
        wall_clock,
    };
    sfu::Sfu::new(config, Certificate::generate().unwrap(), [1; 32], now)
}

async fn next(notices: &mut mpsc::Receiver<Notice>) -> Option<Notice> {
    tokio::time::timeout(PATIENCE, notices.recv()).await.unwrap()
}

#[test]
fn shards_count_ports_up_from_the_first() {
    assert_eq!(shard_address("127.0.0.1:7000".parse().unwrap(), 2).port(), 7002);
    assert_eq!(shard_address("127.0.0.1:0".parse().unwrap(), 2).port(), 0);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let config = Config { media_listen: taken.local_addr().unwrap(), ..Config::on_loopback() };
    let error = Shards::start(&config, None).unwrap_err().to_string();
    assert!(error.contains(&taken.local_addr().unwrap().to_string()), "{error}");
}

#[tokio::test]
async fn a_shard_welcomes_and_tells_the_others() {
    let shards = Shards::start(&Config::on_loopback(), None).unwrap();
    let handle = shards.handles[0].clone();
    let (sender, mut first) = mpsc::channel(16);
    handle.join(ConnectionId(1), sender, join(1, "Ada")).unwrap();
    assert!(matches!(next(&mut first).await, Some(Notice::Welcomed { .. })));
    let (sender, mut second) = mpsc::channel(16);
    handle.join(ConnectionId(2), sender, join(2, "Eve")).unwrap();
    assert!(matches!(next(&mut second).await, Some(Notice::Welcomed { .. })));
    assert!(matches!(next(&mut first).await, Some(Notice::Changed { .. })));
    let statistics = shards.statistics(PATIENCE).await.unwrap();
    assert_eq!((statistics.len(), statistics[0].peers, statistics[0].rooms), (1, 2, 1));
    shards.stop().await;
    shards.join();
    assert!(!handle.is_alive());
    assert_eq!(handle.command(join(3, "Bob")), Err(SendError::Stopped));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_and_the_others_are_not() {
    let shards = Shards::start(&Config::on_loopback(), None).unwrap();
    let handle = shards.handles[0].clone();
    let (sender, mut slow) = mpsc::channel(1);
    handle.join(ConnectionId(1), sender, join(1, "Ada")).unwrap();
    let (sender, mut quick) = mpsc::channel(16);
    handle.join(ConnectionId(2), sender, join(2, "Eve")).unwrap();
    assert!(matches!(next(&mut quick).await, Some(Notice::Welcomed { .. })));
    // The welcome fills the slow one's queue, so the news of the second participant do not fit.
    assert!(matches!(next(&mut slow).await, Some(Notice::Welcomed { .. })));
    assert!(next(&mut slow).await.is_none());
    let Some(Notice::Changed { change: sfu::Change::Updated(seat), .. }) = next(&mut quick).await else {
        panic!("the others hear that the slow one is disconnected")
    };
    assert!(!seat.connected);
    shards.stop().await;
    shards.join();
}

#[tokio::test]
async fn a_client_whose_end_was_not_told_is_found() {
    let shards = Shards::start(&Config::on_loopback(), None).unwrap();
    let handle = shards.handles[0].clone();
    let (sender, first) = mpsc::channel(16);
    handle.join(ConnectionId(1), sender, join(1, "Ada")).unwrap();
    let (sender, mut second) = mpsc::channel(16);
    handle.join(ConnectionId(2), sender, join(2, "Eve")).unwrap();
    assert!(matches!(next(&mut second).await, Some(Notice::Welcomed { .. })));
    drop(first);
    let Some(Notice::Changed { change: sfu::Change::Updated(seat), .. }) = next(&mut second).await else {
        panic!("the others hear that the first one is disconnected")
    };
    assert!(!seat.connected);
    shards.stop().await;
    shards.join();
}

#[tokio::test]
async fn a_room_over_two_threads_is_one_room() {
    let shards =
        Shards::start(&Config { shards: 2, peers_per_shard_max: 1, ..Config::on_loopback() }, None).unwrap();
    let shards = Arc::new(shards);
    let room = RoomId::new("abc-defg").unwrap();
    let (first, second) = (shards.place(&room, None), shards.place(&room, None));
    assert_ne!(first.index, second.index);
    let (sender, mut ada) = mpsc::channel(16);
    first.shard().join(ConnectionId(1), sender, join(1, "Ada")).unwrap();
    let Some(Notice::Welcomed { resume, .. }) = next(&mut ada).await else { panic!("not welcomed") };
    let (sender, mut eve) = mpsc::channel(16);
    second.shard().join(ConnectionId(2), sender, join(2, "Eve")).unwrap();
    assert!(matches!(next(&mut eve).await, Some(Notice::Welcomed { .. })));
    for notices in [&mut ada, &mut eve] {
        let joined = next(notices).await;
        assert!(matches!(joined, Some(Notice::Changed { change: sfu::Change::Joined(_), .. })), "{joined:?}");
    }
    assert_eq!(shards.place(&room, Some(&resume)).index, first.index, "a token leads back");
    second.shard().disconnect(ConnectionId(2));
    let Some(Notice::Changed { change: sfu::Change::Updated(seat), .. }) = next(&mut ada).await else {
        panic!("the other shard tells that Eve is disconnected")
    };
    assert!(!seat.connected);
    shards.stop().await;
}
