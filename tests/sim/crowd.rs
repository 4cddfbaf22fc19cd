//! Rooms of hundreds over two shards, without media: joins, wants, changes and departures hold, and everybody knows
//! everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use sfu::{
    Certificate, Change, Command, Config, ConnectionId, Notice, Pause, SendBatch, Sfu, ShardId, SlotState,
    WallClock, Want,
};
use shared::{DisplayName, MediaState, PeerId, RoomId, SourceKind, SourceRef};

use crate::calls::ON;
use crate::description::{self, CHROMIUM, Purpose, Section, TransportLines};
use crate::world::SERVER;

const PEOPLE: u64 = 400;
const CAMERAS: u64 = 25;
const TILES: usize = 9;
const STEP: Duration = Duration::from_millis(20);

/// What one client knows.
#[derive(Default)]
struct Client {
    me: Option<PeerId>,
    people: BTreeSet<PeerId>,
    revision: u32,
    slots: Vec<SlotState>,
    is_answered: bool,
}

struct Crowd {
    now: Instant,
    shards: [Sfu; 2],
    clients: BTreeMap<u64, Client>,
}

impl Crowd {
    fn new(people: usize) -> Self {
        let now = Instant::now();
        let config = Config {
            candidates: vec![SERVER.parse().unwrap()],
            tcp_candidates: Vec::new(),
            shard: 0,
            peers_max: people,
            video_codecs: sfu::sdp::Codec::VIDEO.to_vec(),
            estimator: sfu::bandwidth::Algorithm::default(),
            wall_clock: WallClock { instant: now, since_unix_epoch: Duration::ZERO },
        };
        let certificate = Certificate::generate().unwrap();
        let shards = [0, 1].map(|me| {
            Sfu::new(config.clone(), certificate.clone(), [me; 32], now)
                .beside(ShardId(me), [ShardId(0), ShardId(1)])
                .with_rooms_of(people)
        });
        Self { now, shards, clients: BTreeMap::new() }
    }

    fn shard(number: u64) -> usize {
        (number % 2) as usize
    }

    fn command(&mut self, number: u64, command: Command) {
        self.shards[Self::shard(number)].handle_command(self.now, command);
        self.drain();
    }

    /// Lets time pass, for rooms that wait before they are looked at again.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += STEP;
            for shard in &mut self.shards {
                shard.handle_timeout(self.now);
            }
            self.drain();
        }
    }

    fn drain(&mut self) {
        let mut batch = SendBatch::with_capacity(16);
        loop {
            let mut is_quiet = true;
            for at in 0..2 {
                assert!(!self.shards[at].poll_transmit(self.now, &mut batch));
                while let Some((to, message)) = self.shards[at].poll_relay() {
                    is_quiet = false;
                    let from = ShardId(at as u8);
                    self.shards[usize::from(to.0)].handle_relay(self.now, from, message);
                }
            }
            if is_quiet {
                break;
            }
        }
        for at in 0..2 {
            while let Some(event) = self.shards[at].poll_event() {
                let client = self.clients.entry(event.connection.0).or_default();
                client.notice(event.notice);
            }
        }
    }

    fn join(&mut self, number: u64) {
        let media = if number < CAMERAS { ON } else { MediaState::default() };
        let (connection, room) = (ConnectionId(number), RoomId::new("hundreds").unwrap());
        let name = DisplayName::new(&format!("Participant {number}")).unwrap();
        let join = Command::Join {
            connection,
            room,
            name,
            media,
            resume: None,
            suspends_layers: true,
            admission: sfu::Admission::default(),
        };
        self.command(number, join);
        self.command(number, offer(number));
    }

    fn watch(&mut self, number: u64) {
        let wants = (0..TILES as u64).map(|tile| {
            let publisher = self.clients[&((number + 1 + tile) % CAMERAS)].me.unwrap();
            let source = SourceRef { peer: publisher, kind: SourceKind::Camera };
            Want { mid: tile.to_string(), source, max_height: 240, priority: 0 }
        });
        let wants = wants.collect();
        self.command(number, Command::Wants { connection: ConnectionId(number), wants });
    }

    fn everybody_knows(&self, people: u64) {
        for (number, client) in &self.clients {
            assert_eq!(client.people.len() as u64, people, "{number}");
        }
    }
}

impl Client {
    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Welcomed { peer, roster, .. } => {
                self.me = Some(peer);
                self.revision = roster.revision;
                self.people = roster.seats.iter().map(|seat| seat.peer).collect();
            }
            Notice::Snapshot(roster) => {
                self.revision = roster.revision;
                self.people = roster.seats.iter().map(|seat| seat.peer).collect();
            }
            Notice::Changed { revision, change } => {
                assert_eq!(revision, self.revision + 1, "a change was left out");
                self.revision = revision;
                match change {
                    Change::Joined(seat) | Change::Updated(seat) => self.people.insert(seat.peer),
                    Change::Left(peer) | Change::TimedOut(peer) | Change::Removed(peer) => {
                        self.people.remove(&peer)
                    }
                };
            }
            Notice::Answered { .. } => self.is_answered = true,
            Notice::SlotMap(slots) => self.slots = slots,
            Notice::Refused { message, .. } => panic!("{message}"),
            Notice::Layers(_) | Notice::Speakers(_) | Notice::Closed(_) => {}
        }
    }
}

fn offer(number: u64) -> Command {
    let sections: Vec<Section> = (0..TILES)
        .map(|mid| Section { mid: mid.to_string(), purpose: Purpose::VideoSlot, ssrcs: None })
        .collect();
    let fingerprint = format!("sha-256 {}", vec!["AB"; 32].join(":"));
    let transport =
        TransportLines { ufrag: "abcd", pwd: "0123456789abcdef01234567", fingerprint: &fingerprint };
    let sdp = description::offer(&CHROMIUM, 1, &transport, &sections);
    Command::Offer { connection: ConnectionId(number), negotiation: 1, sdp, sources: Vec::new() }
}

#[test]
fn four_hundred_on_two_shards_join_watch_change_and_leave() {
    let mut crowd = Crowd::new(PEOPLE as usize);
    for number in 0..PEOPLE {
        crowd.join(number);
    }
    crowd.everybody_knows(PEOPLE);
    for shard in &crowd.shards {
        let statistics = shard.statistics();
        assert_eq!((statistics.peers as u64, statistics.remote_peers as u64), (PEOPLE / 2, PEOPLE / 2));
    }
    assert!(crowd.clients.values().all(|client| client.is_answered));
    for number in 0..PEOPLE {
        crowd.watch(number);
    }
    crowd.pass(10 * STEP);
    // Nothing is sent, and every slot says so, of the camera that it was asked for.
    for (number, client) in &crowd.clients {
        let is_told = |slot: &SlotState| slot.source.is_some() && slot.paused == Some(Pause::NotSent);
        let told = client.slots.iter().filter(|slot| is_told(slot)).count();
        let own = (0..TILES as u64).any(|tile| (number + 1 + tile) % CAMERAS == *number);
        assert!(told == TILES || own && told == TILES - 1, "{number}: {:?}", client.slots);
    }
    let connection = ConnectionId(3);
    crowd.command(3, Command::SetMedia { connection, media: MediaState::default() });
    crowd.pass(10 * STEP);
    let muted = crowd.clients[&3].me;
    let shows = |client: &Client, pause: Pause| {
        let of =
            client.slots.iter().find(|slot| slot.source.is_some_and(|source| Some(source.peer) == muted));
        of.is_none_or(|slot| slot.paused == Some(pause))
    };
    assert!(crowd.clients.values().all(|client| shows(client, Pause::Muted)));
    for number in 200..PEOPLE {
        crowd.command(number, Command::Leave { connection: ConnectionId(number) });
        crowd.clients.remove(&number);
    }
    crowd.pass(10 * STEP);
    // What was told them last comes to nobody.
    crowd.clients.retain(|number, _| *number < 200);
    crowd.everybody_knows(200);
    assert!(crowd.shards.iter().all(|shard| shard.statistics().peers == 100));
    assert!(crowd.shards.iter().all(|shard| shard.statistics().peers_failed == 0));
}

#[test]
fn a_room_that_is_full_refuses_the_next_on_every_shard() {
    let mut crowd = Crowd::new(10);
    for number in 0..10 {
        crowd.join(number);
    }
    for number in [10, 11] {
        let (connection, room) = (ConnectionId(number), RoomId::new("hundreds").unwrap());
        let (name, media) = (DisplayName::new("Late").unwrap(), MediaState::default());
        let join = Command::Join {
            connection,
            room,
            name,
            media,
            resume: None,
            suspends_layers: true,
            admission: sfu::Admission::default(),
        };
        let shard = &mut crowd.shards[Crowd::shard(number)];
        shard.handle_command(crowd.now, join);
        let refused = std::iter::from_fn(|| shard.poll_event())
            .any(|event| matches!(event.notice, Notice::Refused { refusal: sfu::Refusal::RoomFull, .. }));
        assert!(refused, "{number}");
    }
}
