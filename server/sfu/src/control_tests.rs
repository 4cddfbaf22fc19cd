use std::time::{Duration, Instant};

use shared::{DisplayName, ResumeToken};

use super::*;
use crate::bandwidth::Algorithm;
use crate::command::{Admission, Command, ConnectionId};
use crate::config::{Config, WallClock};
use crate::dtls::Certificate;
use crate::event::{Change, Event};
use crate::peer::Peer;

const ALL: MediaState = MediaState { microphone: true, camera: true, screen: true };

struct World {
    sfu: Sfu,
    now: Instant,
    events: Vec<Event>,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let config = Config {
            candidates: Vec::new(),
            tcp_candidates: Vec::new(),
            shard: 0,
            peers_max: 10,
            video_codecs: crate::sdp::Codec::VIDEO.to_vec(),
            estimator: Algorithm::default(),
            wall_clock: WallClock { instant: now, since_unix_epoch: Duration::ZERO },
        };
        let sfu = Sfu::new(config, Certificate::generate().unwrap(), [7; 32], now);
        Self { sfu, now, events: Vec::new() }
    }

    fn join(
        &mut self,
        number: u64,
        resume: Option<ResumeToken>,
        admission: Admission,
    ) -> (PeerId, ResumeToken, usize) {
        let (room, name) = (RoomId::new("room").unwrap(), DisplayName::new("Ada").unwrap());
        let connection = ConnectionId(number);
        let join =
            Command::Join { connection, room, name, media: ALL, resume, suspends_layers: false, admission };
        self.sfu.handle_command(self.now, join);
        let welcomed = self.told(number).into_iter().find_map(|notice| {
            let Notice::Welcomed { peer, resume, roster, .. } = notice else { return None };
            Some((peer, resume, roster.seats.len()))
        });
        welcomed.expect("a welcome")
    }

    fn told(&mut self, number: u64) -> Vec<Notice> {
        self.events.extend(std::iter::from_fn(|| self.sfu.poll_event()));
        let (its, others) =
            self.events.drain(..).partition(|event: &Event| event.connection == ConnectionId(number));
        self.events = others;
        let its: Vec<Event> = its;
        its.into_iter().map(|event| event.notice).collect()
    }

    fn control(&mut self, control: Control) {
        self.sfu.handle_control(self.now, control);
    }

    /// What is live of this peer, as another connection was told last.
    fn live(&mut self, number: u64, of: PeerId) -> Option<MediaState> {
        let changes = self.told(number).into_iter();
        let updates = changes.filter_map(|notice| {
            let Notice::Changed { change: Change::Updated(seat), .. } = notice else { return None };
            (seat.peer == of).then_some(seat.media)
        });
        updates.last()
    }
}

#[test]
fn what_is_not_allowed_is_not_live_and_does_not_become_so_by_being_allowed() {
    let mut world = World::new();
    let (viewer, connection) = (1, ConnectionId(2));
    world.join(viewer, None, Admission::default());
    let allowed = MediaState { screen: false, ..ALL };
    let (peer, ..) = world.join(2, None, Admission { allowed, ..Admission::default() });
    let joined = world.told(viewer).into_iter().find_map(|notice| {
        let Notice::Changed { change: Change::Joined(seat), .. } = notice else { return None };
        Some(seat.media)
    });
    assert_eq!(joined, Some(allowed));
    world.control(Control::Allow { peer, allowed: ALL });
    assert_eq!(world.live(viewer, peer), None, "its owner has to say so");
    world.sfu.handle_command(world.now, Command::SetMedia { connection, media: ALL });
    assert_eq!(world.live(viewer, peer), Some(ALL));
    world.control(Control::Mute { peer, kind: SourceKind::ScreenAudio });
    assert_eq!(world.live(viewer, peer), Some(allowed), "the sound goes with the screen");
    world.control(Control::Allow { peer, allowed });
    world.sfu.handle_command(world.now, Command::SetMedia { connection, media: ALL });
    assert_eq!(world.live(viewer, peer), None, "it says so in vain");
}

#[test]
fn a_removed_seat_and_its_token_are_worth_nothing_at_once() {
    let mut world = World::new();
    world.join(1, None, Admission::default());
    let (peer, resume, _) = world.join(2, None, Admission::default());
    world.control(Control::Remove { peer });
    assert!(world.told(2).contains(&Notice::Closed(CloseReason::Removed)));
    let is_told = |notice: &Notice| matches!(notice, Notice::Changed { change: Change::Removed(gone), .. } if *gone == peer);
    assert!(world.told(1).iter().any(is_told));
    let (again, token, _) = world.join(3, Some(resume), Admission::default());
    assert!(again != peer && token != resume);
    // Nor when the seat was given up before.
    let (peer, resume, _) = world.join(4, None, Admission::default());
    world.sfu.handle_command(world.now, Command::Disconnect { connection: ConnectionId(4) });
    world.now += Duration::from_secs(10);
    world.sfu.handle_timeout(world.now);
    world.control(Control::Remove { peer });
    assert_ne!(world.join(5, Some(resume), Admission::default()).0, peer);
}

#[test]
fn the_end_of_a_room_is_told_to_everybody_and_to_who_keeps_its_rules() {
    let mut world = World::new();
    let peers = [1, 2].map(|number| world.join(number, None, Admission::default()).0);
    world.control(Control::End { room: RoomId::new("room").unwrap() });
    for number in [1, 2] {
        assert!(world.told(number).contains(&Notice::Closed(CloseReason::Ended)));
    }
    assert_eq!((world.sfu.statistics().peers, world.sfu.statistics().rooms), (0, 0));
    let changes: Vec<SeatChange> = std::iter::from_fn(|| world.sfu.poll_seat_change()).collect();
    let room = RoomId::new("room").unwrap();
    let given_up = peers.map(|peer| SeatChange::GivenUp { room: room.clone(), peer, back_until: None });
    assert_eq!(changes[2..], given_up);
}

#[test]
fn a_hidden_seat_is_in_no_roster_but_its_own_and_does_not_count() {
    let mut world = World::new();
    world.sfu.participants_max = 1;
    let hidden = Admission { is_hidden: true, ..Admission::default() };
    let (peer, _, seats) = world.join(1, None, hidden);
    assert_eq!(seats, 1);
    let (_, _, seats) = world.join(2, None, Admission::default());
    assert_eq!(seats, 1, "the room is not full, and there is nobody else");
    world.control(Control::Allow { peer, allowed: ALL });
    let (name, connection) = (DisplayName::new("Eve").unwrap(), ConnectionId(1));
    world.sfu.handle_command(world.now, Command::Rename { connection, name });
    world.sfu.handle_command(world.now, Command::SetMedia { connection, media: ALL });
    let key = world.sfu.seats[&peer];
    assert_eq!(world.sfu.peers.get(key).map(Peer::live), Some(MediaState::default()));
    world.sfu.handle_command(world.now, Command::Leave { connection });
    let notices = world.told(2);
    assert!(!notices.iter().any(|notice| matches!(notice, Notice::Changed { .. })), "{notices:?}");
}

#[test]
fn a_seat_is_told_as_taken_and_given_up_in_this_order() {
    let mut world = World::new();
    let (peer, resume, _) = world.join(1, None, Admission::default());
    world.sfu.handle_command(world.now, Command::Leave { connection: ConnectionId(1) });
    let room = RoomId::new("room").unwrap();
    let connection = ConnectionId(1);
    let expected = [
        SeatChange::Taken { room: room.clone(), peer, connection, resume },
        SeatChange::GivenUp { room, peer, back_until: None },
    ];
    assert_eq!(std::iter::from_fn(|| world.sfu.poll_seat_change()).collect::<Vec<_>>(), expected);
}
