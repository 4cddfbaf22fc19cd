//! Whatever people try, in whatever order.

use proptest::prelude::*;
use shared::limits::CHAT_HISTORY_MAX;

use super::*;

/// What anybody may try.
#[derive(Debug, Clone)]
enum Step {
    Enter { is_host: bool, address: u8, code: bool },
    Seat,
    Say(usize, Chat),
    Hand(usize, bool),
    Media(usize, bool),
    Moderate(usize, Moderation),
    Leave(usize),
    Pass,
}

fn moderation() -> impl Strategy<Value = Moderation> {
    let peer = || (1_u64..12).prop_map(|number| PeerId::new(number << 8));
    let audience = || prop_oneof![Just(Audience::Everyone), Just(Audience::Hosts), Just(Audience::Unknown)];
    let policy = (any::<bool>(), any::<bool>(), audience(), audience(), audience()).prop_map(
        |(locked, waiting_room, share, chat, unmute)| Policy { locked, waiting_room, share, chat, unmute },
    );
    let kind =
        || prop_oneof![Just(SourceKind::Microphone), Just(SourceKind::Camera), Just(SourceKind::ScreenAudio)];
    prop_oneof![
        (peer(), kind()).prop_map(|(peer, kind)| Moderation::Mute { peer, kind }),
        (peer(), kind()).prop_map(|(peer, kind)| Moderation::AskToUnmute { peer, kind }),
        Just(Moderation::MuteAll),
        peer().prop_map(|peer| Moderation::LowerHand { peer }),
        (peer(), any::<bool>()).prop_map(|(peer, ban)| Moderation::Remove { peer, ban }),
        (peer(), any::<bool>()).prop_map(|(peer, host)| Moderation::SetHost { peer, host }),
        (1_u32..6).prop_map(|knock| Moderation::Admit { knock }),
        Just(Moderation::AdmitAll),
        (1_u32..6).prop_map(|knock| Moderation::Deny { knock, message: None }),
        policy.prop_map(|policy| Moderation::SetPolicy { policy }),
        prop_oneof![Just(None), Just(Some("1234".to_owned()))]
            .prop_map(|passcode| Moderation::SetPasscode { passcode }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let chat = (1_u32..40, proptest::option::of(1_u64..12)).prop_map(|(number, to)| Chat {
        number,
        to: to.map(|number| PeerId::new(number << 8)),
        text: "Hello".to_owned(),
    });
    prop_oneof![
        3 => (proptest::bool::weighted(0.3), 0_u8..4, any::<bool>())
            .prop_map(|(is_host, address, code)| Step::Enter { is_host, address, code }),
        3 => Just(Step::Seat),
        3 => (0_usize..12, chat).prop_map(|(who, chat)| Step::Say(who, chat)),
        2 => (0_usize..12, any::<bool>()).prop_map(|(who, raised)| Step::Hand(who, raised)),
        1 => (0_usize..12, any::<bool>()).prop_map(|(who, on)| Step::Media(who, on)),
        6 => (0_usize..12, moderation()).prop_map(|(who, moderation)| Step::Moderate(who, moderation)),
        1 => (0_usize..12).prop_map(Step::Leave),
        1 => Just(Step::Pass),
    ]
}

proptest! {
    #[test]
    fn whatever_people_try_the_rules_hold(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        let mut admitted: Vec<ConnectionId> = Vec::new();
        let mut people: Vec<(PeerId, ConnectionId)> = Vec::new();
        for step in steps {
            let before = (world.meeting.policy, world.meeting.passcode, world.meeting.bans.len());
            let hosts = |world: &World| world.meeting.seats.values().filter(|seat| seat.is_host).count();
            let hosts_before = hosts(&world);
            let mut by_host = false;
            match step.clone() {
                Step::Enter { is_host, address, code } => {
                    let person = Person { names: Vec::new(), address: IpAddr::from([10, 0, 1, address]) };
                    let passcode = code.then(|| "1234".to_owned());
                    let visitor = Visitor { is_host, person, passcode, ..world.visitor() };
                    let is_banned = world.meeting.is_banned(&visitor);
                    world.meeting.enter(world.now, visitor.clone());
                    if is_banned {
                        prop_assert_eq!(world.outputs(), [Output::Refuse {
                            connection: visitor.connection, refusal: Refusal::Banned
                        }]);
                    }
                }
                Step::Seat => if let Some(connection) = admitted.pop() {
                    people.push((world.seat(connection).0, connection));
                },
                Step::Say(who, chat) => if let Some((from, connection)) = people.get(who).copied() {
                    world.meeting.chat(world.now, connection, chat.clone());
                    let outputs = world.outputs();
                    for (peer, reader) in &people {
                        let allowed = chat.to.is_none_or(|to| to == *peer || from == *peer);
                        prop_assert!(allowed || lines(&outputs, *reader).is_empty());
                    }
                },
                Step::Hand(who, raised) => if let Some((_, connection)) = people.get(who) {
                    world.meeting.hand(world.now, *connection, raised);
                },
                Step::Media(who, on) => if let Some((_, connection)) = people.get(who) {
                    world.meeting.said_media(*connection, MediaState { microphone: on, camera: on, screen: on });
                },
                Step::Moderate(who, moderation) => if let Some((peer, connection)) = people.get(who).copied() {
                    by_host = world.meeting.seats.get(&peer).is_some_and(|seat| seat.is_host);
                    world.meeting.moderate(world.now, connection, moderation);
                    if !by_host && world.meeting.seats.contains_key(&peer) {
                        let refusal = Refusal::HostsOnly { request: "moderate" };
                        prop_assert_eq!(world.outputs(), [Output::Refuse { connection, refusal }]);
                    }
                },
                Step::Leave(who) => if who < people.len() {
                    let (peer, connection) = people.remove(who);
                    world.meeting.departed(world.now, peer, None);
                    world.meeting.disconnected(world.now, connection);
                },
                Step::Pass => world.pass(3),
            }
            for output in world.outputs() {
                if let Output::Admit { connection, .. } = output {
                    admitted.push(connection);
                } else if let Output::Control(Control::Remove { peer }) = output {
                    people.retain(|(other, _)| *other != peer);
                }
            }
            let meeting = &world.meeting;
            let after = (meeting.policy, meeting.passcode, meeting.bans.len());
            prop_assert!(by_host || before == after, "only hosts change rules: {step:?}");
            if by_host {
                prop_assert!(hosts_before == 0 || hosts(&world) > 0, "the last host stays: {step:?}");
            }
            for (at, hand) in meeting.hands.iter().enumerate() {
                prop_assert!(meeting.seats.contains_key(hand) && !meeting.hands[..at].contains(hand));
            }
            prop_assert!(meeting.history.len() <= CHAT_HISTORY_MAX && meeting.knocks.len() <= KNOCKS_MAX);
            for seat in meeting.seats.values() {
                let allowed = seat.allowed(&meeting.policy);
                prop_assert_eq!(seat::both(seat.said, allowed), seat.said, "what is live is allowed");
                prop_assert_eq!(seat.tuned, Some(allowed), "the SFU knows what is allowed");
            }
        }
    }
}
