use std::net::IpAddr;
use std::time::{Duration, Instant};

use sfu::{ConnectionId, Control, Identity};
use shared::limits::KNOCKS_MAX;
use shared::meeting::{Audience, ChatMessage, Policy, Reaction};
use shared::protocol::{Chat, Moderation};
use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId, SourceKind};

use super::*;

mod captions;
mod property;

const ALL: MediaState = MediaState { microphone: true, camera: true, screen: true };

/// A meeting with people who are admitted at once when the meeting says so.
struct World {
    meeting: Meeting,
    now: Now,
    connections: u64,
    seats: u64,
}

impl World {
    fn new() -> Self {
        let now = Now { instant: Instant::now(), unix_s: 1_800_000_000 };
        let room = RoomId::new("red").unwrap();
        Self {
            meeting: Meeting::new(room, [7; 16], Foundation::default(), now),
            now,
            connections: 0,
            seats: 0,
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.now.instant += Duration::from_secs(seconds);
        self.now.unix_s += u32::try_from(seconds).unwrap();
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.meeting.poll_output()).collect()
    }

    fn visitor(&mut self) -> Visitor {
        self.connections += 1;
        Visitor {
            connection: ConnectionId(self.connections),
            name: DisplayName::new("Ada").unwrap(),
            is_named: false,
            is_host: false,
            is_hidden: false,
            may_caption: false,
            is_invited: false,
            publish: ALL,
            participants_max: None,
            identity: Identity::default(),
            media: ALL,
            resume: None,
            passcode: None,
            is_only_back: false,
            person: Person {
                names: Vec::new(),
                address: IpAddr::from([10, 0, 0, self.connections.to_be_bytes()[7]]),
            },
        }
    }

    fn enter(&mut self, visitor: Visitor) -> Vec<Output> {
        self.meeting.enter(self.now, visitor);
        self.outputs()
    }

    /// Takes a seat for somebody who was admitted.
    fn seat(&mut self, connection: ConnectionId) -> (PeerId, Vec<Output>) {
        self.seats += 1;
        let peer = PeerId::new(self.seats << 8);
        self.meeting.joined(self.now, connection, peer, resume(peer));
        (peer, self.outputs())
    }

    fn join_as(&mut self, visitor: Visitor) -> (PeerId, ConnectionId) {
        let connection = visitor.connection;
        let outputs = self.enter(visitor);
        assert!(is_admitted(&outputs, connection), "{outputs:?}");
        (self.seat(connection).0, connection)
    }

    fn guest(&mut self) -> (PeerId, ConnectionId) {
        let visitor = self.visitor();
        self.join_as(visitor)
    }

    fn host(&mut self) -> (PeerId, ConnectionId) {
        let visitor = Visitor { is_host: true, ..self.visitor() };
        self.join_as(visitor)
    }

    fn moderate(&mut self, by: ConnectionId, moderation: Moderation) -> Vec<Output> {
        self.meeting.moderate(self.now, by, moderation);
        self.outputs()
    }

    fn policy(&mut self, by: ConnectionId, policy: Policy) -> Vec<Output> {
        self.moderate(by, Moderation::SetPolicy { policy })
    }

    fn write(&mut self, by: ConnectionId, number: u32, to: Option<PeerId>) -> Vec<Output> {
        self.meeting.chat(self.now, by, Chat { number, to, text: format!("line {number}") });
        self.outputs()
    }
}

fn resume(peer: PeerId) -> ResumeToken {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&peer.number().to_be_bytes());
    ResumeToken::new(bytes)
}

fn is_admitted(outputs: &[Output], to: ConnectionId) -> bool {
    outputs.iter().any(|output| matches!(output, Output::Admit { connection, .. } if *connection == to))
}

fn refusals(outputs: &[Output]) -> Vec<Refusal> {
    let refusal =
        |output: &Output| if let Output::Refuse { refusal, .. } = output { Some(*refusal) } else { None };
    outputs.iter().filter_map(refusal).collect()
}

fn controls(outputs: &[Output]) -> Vec<Control> {
    let control =
        |output: &Output| if let Output::Control(control) = output { Some(control.clone()) } else { None };
    outputs.iter().filter_map(control).collect()
}

fn told(outputs: &[Output], to: ConnectionId) -> Vec<Told> {
    let told = |output: &Output| {
        let Output::Tell { connection, told } = output else { return None };
        (*connection == to).then(|| told.clone())
    };
    outputs.iter().filter_map(told).collect()
}

fn lines(outputs: &[Output], to: ConnectionId) -> Vec<ChatMessage> {
    let lines = told(outputs, to).into_iter();
    lines.filter_map(|told| if let Told::Chat(lines) = told { Some(lines) } else { None }).flatten().collect()
}

fn meeting(outputs: &[Output], to: ConnectionId) -> Option<shared::meeting::Meeting> {
    let told = told(outputs, to).into_iter();
    told.rev().find_map(|told| if let Told::Meeting(meeting) = told { Some(meeting) } else { None })
}

#[test]
fn the_first_is_no_host_and_nobody_is_without_a_token() {
    let mut world = World::new();
    let (_, first) = world.guest();
    for moderation in [Moderation::End, Moderation::MuteAll, Moderation::SetPasscode { passcode: None }] {
        let outputs = world.moderate(first, moderation);
        assert_eq!(
            outputs,
            [Output::Refuse { connection: first, refusal: Refusal::HostsOnly { request: "moderate" } }]
        );
    }
}

#[test]
fn a_welcome_is_followed_by_the_meeting_the_knocks_and_the_chat() {
    let mut world = World::new();
    let (ada, host) = world.host();
    world.write(host, 1, None);
    let visitor = Visitor { is_host: true, ..world.visitor() };
    let connection = visitor.connection;
    world.enter(visitor);
    let (bo, outputs) = world.seat(connection);
    let [Told::Meeting(meeting), Told::Knocks(knocks), Told::Chat(lines)] = &told(&outputs, connection)[..]
    else {
        panic!("{outputs:?}")
    };
    assert_eq!((&meeting.hosts[..], meeting.you.host, knocks.len()), (&[ada, bo][..], true, 0));
    assert_eq!((lines.len(), lines[0].number), (1, None));
}

#[test]
fn hands_are_in_order_and_go_with_their_people() {
    let mut world = World::new();
    let (_, host) = world.host();
    let people: Vec<_> = (0..3).map(|_| world.guest()).collect();
    for (_, connection) in [people[1], people[0], people[1], people[2]] {
        world.meeting.hand(world.now, connection, true);
    }
    let hands = |outputs: &[Output]| meeting(outputs, host).map(|meeting| meeting.hands);
    let outputs = world.outputs();
    assert_eq!(hands(&outputs), Some(vec![people[1].0, people[0].0, people[2].0]));
    world.meeting.departed(world.now, people[1].0, None);
    assert_eq!(hands(&world.outputs()), Some(vec![people[0].0, people[2].0]));
    assert_eq!(
        hands(&world.moderate(host, Moderation::LowerHand { peer: people[2].0 })),
        Some(vec![people[0].0])
    );
    assert_eq!(hands(&world.moderate(host, Moderation::LowerAllHands)), Some(Vec::new()));
}

#[test]
fn a_private_line_reaches_two_and_is_not_kept_beyond_a_restart() {
    let mut world = World::new();
    let (_, ada) = world.guest();
    let (bo, to) = world.guest();
    let (_, cy) = world.guest();
    let outputs = world.write(ada, 1, Some(bo));
    assert_eq!([ada, to, cy].map(|who| lines(&outputs, who).len()), [1, 1, 0]);
    assert_eq!(lines(&outputs, ada)[0].number, Some(1));
    assert!(!outputs.iter().any(|output| matches!(output, Output::Save(_))));
    let (_, late) = world.guest();
    assert!(lines(&world.write(late, 1, Some(PeerId::new(99))), late).is_empty(), "nobody is there");
}

#[test]
fn a_line_that_is_said_again_is_not_doubled() {
    let mut world = World::new();
    let (_, ada) = world.guest();
    let (_, bo) = world.guest();
    let first = lines(&world.write(ada, 1, None), ada);
    let again = world.write(ada, 1, None);
    assert_eq!((lines(&again, ada), lines(&again, bo).len()), (first, 0));
}

#[test]
fn more_than_five_lines_in_five_seconds_are_too_many() {
    let mut world = World::new();
    let (_, ada) = world.guest();
    let taken = (1..=6).filter(|number| !lines(&world.write(ada, *number, None), ada).is_empty()).count();
    assert_eq!(taken, 5);
    assert_eq!(refusals(&world.write(ada, 6, None)), [Refusal::TooFast { request: "chat" }]);
    world.pass(5);
    assert_eq!(lines(&world.write(ada, 6, None), ada).len(), 1, "the same number, later");
}

#[test]
fn more_than_ten_reactions_in_five_seconds_are_too_many_and_unknown_ones_are_not_passed_on() {
    let mut world = World::new();
    let (peer, ada) = world.guest();
    world.meeting.react(world.now, ada, Reaction::Unknown);
    assert_eq!(world.outputs(), []);
    for _ in 0..9 {
        world.meeting.react(world.now, ada, Reaction::Party);
        assert_eq!(told(&world.outputs(), ada), [Told::Reaction(peer, Reaction::Party)]);
    }
    world.meeting.react(world.now, ada, Reaction::Party);
    assert_eq!(refusals(&world.outputs()), [Refusal::TooFast { request: "react" }]);
}

#[test]
fn where_only_hosts_write_others_may_still_write_to_a_host() {
    let mut world = World::new();
    let (host, leads) = world.host();
    let (_, ada) = world.guest();
    let (bo, _) = world.guest();
    world.policy(leads, Policy { chat: Audience::Hosts, ..Policy::default() });
    let refused = [Refusal::HostsOnly { request: "chat" }];
    assert_eq!(refusals(&world.write(ada, 1, None)), refused);
    assert_eq!(refusals(&world.write(ada, 1, Some(bo))), refused);
    assert_eq!(lines(&world.write(ada, 1, Some(host)), leads).len(), 1);
    assert_eq!(lines(&world.write(leads, 1, None), ada).len(), 1);
}

#[test]
fn tightened_rules_mute_at_once_and_asking_allows_until_the_next_mute() {
    let mut world = World::new();
    let (_, leads) = world.host();
    let (peer, ada) = world.guest();
    let outputs = world.policy(leads, Policy { unmute: Audience::Hosts, ..Policy::default() });
    let silent = MediaState { microphone: false, ..ALL };
    assert_eq!(controls(&outputs), [Control::Allow { peer, allowed: silent }]);
    assert!(matches!(
        told(&outputs, ada)[..],
        [Told::Muted(SourceKind::Microphone, Some(_)), Told::Meeting(_)]
    ));
    let kind = SourceKind::Microphone;
    let outputs = world.moderate(leads, Moderation::AskToUnmute { peer, kind });
    assert_eq!(controls(&outputs), [Control::Allow { peer, allowed: ALL }]);
    assert!(told(&outputs, ada).iter().any(|told| matches!(told, Told::AskedToUnmute(..))));
    let outputs = world.moderate(leads, Moderation::Mute { peer, kind });
    assert_eq!(controls(&outputs), [Control::Mute { peer, kind }, Control::Allow { peer, allowed: silent }]);
}

#[test]
fn a_token_s_bounds_hold_against_every_host() {
    let mut world = World::new();
    let (_, leads) = world.host();
    let publish = MediaState { screen: false, ..ALL };
    let visitor = Visitor { publish, ..world.visitor() };
    let (peer, ada) = world.join_as(visitor);
    let outputs = world.moderate(leads, Moderation::AskToUnmute { peer, kind: SourceKind::Screen });
    assert!(matches!(refusals(&outputs)[..], [Refusal::NotPossible { .. }]));
    world.moderate(leads, Moderation::SetHost { peer, host: true });
    world.meeting.said_media(ada, ALL);
    assert_eq!(refusals(&world.outputs()), [Refusal::HostsOnly { request: "media" }]);
}

#[test]
fn a_named_guest_keeps_the_name_and_a_hidden_one_says_nothing() {
    let mut world = World::new();
    let (_, leads) = world.host();
    let named = Visitor { is_named: true, ..world.visitor() };
    let (_, connection) = world.join_as(named);
    assert!(!world.meeting.rename(connection, &DisplayName::new("Eve").unwrap()));
    world.outputs();
    let hidden = Visitor { is_hidden: true, is_host: true, ..world.visitor() };
    let (peer, unseen) = world.join_as(hidden);
    world.outputs();
    assert!(lines(&world.write(unseen, 1, None), leads).is_empty());
    world.meeting.hand(world.now, unseen, true);
    world.meeting.react(world.now, unseen, Reaction::Heart);
    let outputs = world.outputs();
    assert!(told(&outputs, leads).is_empty(), "{outputs:?}");
    let (_, late) = world.guest();
    world.meeting.hand(world.now, late, true);
    assert!(!meeting(&world.outputs(), leads).unwrap().hosts.contains(&peer));
}

#[test]
fn a_locked_meeting_lets_hosts_in_and_who_was_there() {
    let mut world = World::new();
    let (_, leads) = world.host();
    let (peer, ada) = world.guest();
    world.policy(leads, Policy { locked: true, ..Policy::default() });
    let visitor = world.visitor();
    assert_eq!(refusals(&world.enter(visitor)), [Refusal::Locked]);
    world.host();
    world.meeting.disconnected(world.now, ada);
    let back = Visitor { resume: Some(resume(peer)), ..world.visitor() };
    let connection = back.connection;
    assert!(is_admitted(&world.enter(back), connection));
}

#[test]
fn who_waits_is_let_in_one_by_one_or_all_at_once_or_not() {
    let mut world = World::new();
    let (_, leads) = world.host();
    world.policy(leads, Policy { waiting_room: true, ..Policy::default() });
    let waiting: Vec<ConnectionId> = (0..4)
        .map(|_| {
            let visitor = world.visitor();
            let connection = visitor.connection;
            assert_eq!(world.enter(visitor)[0], Output::Wait { connection });
            connection
        })
        .collect();
    let outputs = world.moderate(leads, Moderation::Admit { knock: 2 });
    assert!(is_admitted(&outputs, waiting[1]) && !is_admitted(&outputs, waiting[0]));
    let message = Some("Not today.".to_owned());
    let outputs = world.moderate(leads, Moderation::Deny { knock: 1, message: message.clone() });
    assert_eq!(outputs[0], Output::Dismiss { connection: waiting[0], is_denied: true, message });
    world.meeting.disconnected(world.now, waiting[2]);
    assert!(matches!(&told(&world.outputs(), leads)[..], [Told::Knocks(left)] if left.len() == 1));
    let outputs = world.moderate(leads, Moderation::AdmitAll);
    assert!(is_admitted(&outputs, waiting[3]) && !is_admitted(&outputs, waiting[2]));
}

#[test]
fn a_waiting_room_has_a_bound_and_without_one_nobody_waits_on() {
    let mut world = World::new();
    let (_, leads) = world.host();
    world.policy(leads, Policy { waiting_room: true, ..Policy::default() });
    for _ in 0..KNOCKS_MAX {
        let visitor = world.visitor();
        world.enter(visitor);
    }
    let visitor = world.visitor();
    assert_eq!(refusals(&world.enter(visitor)), [Refusal::WaitingRoomFull]);
    let outputs = world.policy(leads, Policy::default());
    let admitted = outputs.iter().filter(|output| matches!(output, Output::Admit { .. })).count();
    assert_eq!(admitted, KNOCKS_MAX);
}

#[test]
fn a_passcode_is_asked_of_those_whom_nobody_invited() {
    let mut world = World::new();
    let (_, leads) = world.host();
    world.moderate(leads, Moderation::SetPasscode { passcode: Some("1234".to_owned()) });
    let visitor = world.visitor();
    assert_eq!(refusals(&world.enter(visitor)), [Refusal::PasscodeRequired]);
    let wrong = Visitor { passcode: Some("1235".to_owned()), ..world.visitor() };
    assert_eq!(refusals(&world.enter(wrong)), [Refusal::PasscodeWrong]);
    for visitor in [
        Visitor { passcode: Some("1234".to_owned()), ..world.visitor() },
        Visitor { is_invited: true, ..world.visitor() },
        Visitor { is_host: true, ..world.visitor() },
    ] {
        world.join_as(visitor);
    }
    world.moderate(leads, Moderation::SetPasscode { passcode: None });
    world.guest();
}

#[test]
fn who_is_banned_stays_out_and_their_neighbour_comes_back() {
    let mut world = World::new();
    let (_, leads) = world.host();
    let address = IpAddr::from([192, 0, 2, 1]);
    let person =
        |names: &[&str]| Person { names: names.iter().map(|&name| name.to_owned()).collect(), address };
    let at_home = |world: &mut World, names: &[&str]| Visitor { person: person(names), ..world.visitor() };
    let visitor = at_home(&mut world, &[]);
    let (eve, of_eve) = world.join_as(visitor);
    let visitor = at_home(&mut world, &[]);
    let (bo, _) = world.join_as(visitor);
    let outputs = world.moderate(leads, Moderation::Remove { peer: eve, ban: true });
    assert_eq!(controls(&outputs), [Control::Remove { peer: eve }]);
    let at = |wanted: &Output| outputs.iter().position(|output| output == wanted);
    let told = at(&Output::Ban { connection: of_eve }).expect("they are told why");
    assert!(Some(told) < at(&Output::Control(Control::Remove { peer: eve })), "before they are out");
    let again = at_home(&mut world, &[]);
    assert_eq!(refusals(&world.enter(again)), [Refusal::Banned]);
    let elsewhere = Visitor { resume: Some(resume(eve)), ..world.visitor() };
    assert_eq!(refusals(&world.enter(elsewhere)), [Refusal::Banned], "the seat's token gives them away");
    let neighbour = Visitor { resume: Some(resume(bo)), ..at_home(&mut world, &[]) };
    let connection = neighbour.connection;
    assert!(is_admitted(&world.enter(neighbour), connection), "a held seat is not touched");
    let named = at_home(&mut world, &["u-17"]);
    let (cy, _) = world.join_as(named);
    world.moderate(leads, Moderation::Remove { peer: cy, ban: true });
    let moved = Visitor {
        person: Person { names: vec!["u-17".to_owned()], address: IpAddr::from([192, 0, 2, 9]) },
        ..world.visitor()
    };
    assert_eq!(refusals(&world.enter(moved)), [Refusal::Banned], "a name is known everywhere");
}

#[test]
fn nobody_slips_in_between_the_door_and_the_seat() {
    let mut world = World::new();
    let (_, leads) = world.host();
    let (eve, _) = world.guest();
    let twin = Visitor {
        person: Person { names: Vec::new(), address: IpAddr::from([10, 0, 0, 2]) },
        ..world.visitor()
    };
    let connection = twin.connection;
    assert!(is_admitted(&world.enter(twin), connection));
    let outputs = world.moderate(leads, Moderation::Remove { peer: eve, ban: true });
    assert!(outputs.contains(&Output::Dismiss { connection, is_denied: true, message: None }));
    let (seated, outputs) = world.seat(connection);
    assert_eq!(controls(&outputs), [Control::Remove { peer: seated }]);
}

#[test]
fn who_was_promoted_stays_so_over_a_lost_connection_and_a_restart() {
    let mut world = World::new();
    let (_, leads) = world.host();
    let (peer, ada) = world.guest();
    world.moderate(leads, Moderation::SetHost { peer, host: true });
    world.write(ada, 7, None);
    world.meeting.disconnected(world.now, ada);
    world.meeting.departed(world.now, peer, Some(world.now.instant + Duration::from_secs(120)));
    let back = Visitor { resume: Some(resume(peer)), ..world.visitor() };
    let connection = back.connection;
    assert!(is_admitted(&world.enter(back), connection));
    world.meeting.joined(world.now, connection, peer, resume(peer));
    assert!(meeting(&world.outputs(), connection).unwrap().you.host);
    let saved = world.meeting.saved();
    let text = serde_json::to_string(&saved).unwrap();
    let saved: Saved = serde_json::from_str(&text).unwrap();
    world.meeting =
        Meeting::restored(RoomId::new("red").unwrap(), saved, Vec::new(), Foundation::default(), world.now);
    world.policy(ConnectionId(0), Policy::default());
    let back = Visitor { resume: Some(resume(peer)), ..world.visitor() };
    let (_, connection) = world.join_as(back);
    assert!(world.moderate(connection, Moderation::LowerAllHands).is_empty(), "a host still");
    assert!(lines(&world.write(connection, 7, None), connection).is_empty(), "it was taken before");
}

#[test]
fn the_last_host_stays_one_and_nobody_removes_themselves() {
    let mut world = World::new();
    let (host, leads) = world.host();
    let (peer, _) = world.guest();
    let not_possible = |outputs: &[Output]| matches!(refusals(outputs)[..], [Refusal::NotPossible { .. }]);
    assert!(not_possible(&world.moderate(leads, Moderation::SetHost { peer: host, host: false })));
    assert!(not_possible(&world.moderate(leads, Moderation::Remove { peer: host, ban: true })));
    world.moderate(leads, Moderation::SetHost { peer, host: true });
    assert_eq!(refusals(&world.moderate(leads, Moderation::SetHost { peer: host, host: false })), []);
}

#[test]
fn the_end_is_for_everybody_and_leaves_nothing() {
    let mut world = World::new();
    let (_, leads) = world.host();
    world.policy(leads, Policy { waiting_room: true, ..Policy::default() });
    world.write(leads, 1, None);
    let visitor = world.visitor();
    let waits = visitor.connection;
    world.enter(visitor);
    let outputs = world.moderate(leads, Moderation::End);
    assert_eq!(controls(&outputs), [Control::End { room: RoomId::new("red").unwrap() }]);
    assert!(outputs.contains(&Output::Dismiss { connection: waits, is_denied: false, message: None }));
    assert!(outputs.contains(&Output::Save(Change::Over)));
    let visitor = world.visitor();
    let connection = visitor.connection;
    assert!(is_admitted(&world.enter(visitor), connection), "another meeting, by other rules");
    assert!(lines(&world.seat(connection).1, connection).is_empty());
}

#[test]
fn a_large_meeting_is_not_told_of_every_hand_at_once() {
    let mut world = World::new();
    let people: Vec<_> = (0..100).map(|_| world.guest()).collect();
    let mut told = 0;
    for (_, connection) in &people {
        world.meeting.hand(world.now, *connection, true);
        told += world.outputs().len();
    }
    assert_eq!(told, 100, "the first hand is told to all, and the others wait");
    let due = world.meeting.poll_timeout().unwrap();
    world.meeting.handle_timeout(due);
    let outputs = world.outputs();
    assert_eq!(meeting(&outputs, people[0].1).unwrap().hands.len(), 100);
    assert_eq!((outputs.len(), world.meeting.poll_timeout()), (100, None));
}
