//! Whatever happens in whatever order: no panic, bounded work, one offer in flight, and peace at the end.

use std::time::Duration;

use engine::{Act, CreatedOffer, Engine, Input, MediaConnection, MediaId, Moment, Output, SocketId, Tile};
use proptest::prelude::*;
use shared::meeting::{ChatMessage, Knock, Policy, Reaction};
use shared::protocol::{
    Answer, Change, Departure, ErrorCode, Fault, Goodbye, GoodbyeReason, Moderated, ModeratedHow, Moderation,
    RequestedLayers, ServerMessage, SlotAssignment, Snapshot, Speaker, decode_client,
};
use shared::{DisplayName, PeerId, SourceKind};

use crate::world::{ME, Mute, SECOND, World, camera, camera_on, line, meeting, person, settings};

fn any_state() -> impl Strategy<Value = MediaConnection> {
    prop::sample::select(vec![
        MediaConnection::New,
        MediaConnection::Connecting,
        MediaConnection::Connected,
        MediaConnection::Disconnected,
        MediaConnection::Failed,
        MediaConnection::Closed,
    ])
}

fn any_code() -> impl Strategy<Value = ErrorCode> {
    prop::sample::select(vec![
        ErrorCode::InvalidMessage,
        ErrorCode::RateLimited,
        ErrorCode::ServerBusy,
        ErrorCode::ResumeExpired,
        ErrorCode::InvalidOffer,
        ErrorCode::UnknownSlot,
        ErrorCode::Internal,
        ErrorCode::PasscodeRequired,
        ErrorCode::Forbidden,
        ErrorCode::Unknown,
    ])
}

fn any_message() -> impl Strategy<Value = ServerMessage> {
    let request = prop::option::of(prop::sample::select(vec![
        "hello", "offer", "wants", "media", "rename", "resync", "chat", "hand",
    ]));
    prop_oneof![
        4 => any::<bool>().prop_map(|alive| {
            let mut world = World::new();
            (world.resumed, world.media_alive) = (alive, alive);
            world.welcome()
        }),
        1 => (0..8u32).prop_map(|negotiation| ServerMessage::Answer(Answer { negotiation, sdp: String::new() })),
        1 => (0..6u32, 0..120u64).prop_map(|(revision, people)| {
            let participants = (0..people).map(|number| person(PeerId::new(number), "Bo", camera_on())).collect();
            ServerMessage::Snapshot(Snapshot { revision, participants })
        }),
        1 => (0..6u32, 0..9u64).prop_map(|(revision, number)| {
            let changes = vec![
                Change::Joined { participant: person(PeerId::new(number), "Cy", camera_on()) },
                Change::Left { peer: PeerId::new(number / 2), departure: Departure::TimedOut },
            ];
            ServerMessage::Delta { revision, changes }
        }),
        1 => (0..40usize).prop_map(|slots| {
            let slot = |index| SlotAssignment { mid: format!("v{index}"), source: Some(camera(2)), paused: None };
            ServerMessage::SlotMap { slots: (0..slots).map(slot).collect() }
        }),
        1 => any::<u8>().prop_map(|level| ServerMessage::Speakers { speakers: vec![Speaker { peer: ME, level }; 3] }),
        1 => any::<bool>().prop_map(|active| {
            let layers = RequestedLayers { mid: "s1".to_owned(), active, rids: Vec::new(), max_height: None };
            ServerMessage::Layers { publications: vec![layers] }
        }),
        1 => Just(ServerMessage::Waiting),
        3 => (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(host, hand, talks)| {
            ServerMessage::Meeting(meeting(host, if hand { &[ME] } else { &[] }, talks))
        }),
        1 => (0..4u32).prop_map(|knock| {
            let name = DisplayName::new("Bo").unwrap();
            ServerMessage::Knocks { knocks: vec![Knock { knock, name }] }
        }),
        2 => (0..9u32, prop::option::of(0..9u32)).prop_map(|(id, number)| {
            ServerMessage::Chat { lines: vec![ChatMessage { number, ..line(id, ME, "Hello") }; 2] }
        }),
        1 => Just(ServerMessage::Reaction { peer: PeerId::new(2), reaction: Reaction::Party }),
        1 => Just(ServerMessage::Caption(crate::captions::caption(1, "Hello"))),
        1 => Just(ServerMessage::Moderated(Moderated {
            what: ModeratedHow::Muted,
            kind: SourceKind::Camera,
            by: None,
        })),
        1 => any::<u32>().prop_map(|nonce| ServerMessage::Pong { nonce }),
        1 => (any_code(), request).prop_map(|(code, request)| {
            let request = request.map(str::to_owned);
            ServerMessage::Error(Fault { code, message: String::new(), request, retry_after_s: None })
        }),
        1 => Just(ServerMessage::Goodbye(Goodbye { reason: GoodbyeReason::Restarting, retry_after_ms: Some(10), message: None })),
    ]
}

fn any_input() -> impl Strategy<Value = Input> {
    let socket = || (1..6u32).prop_map(SocketId);
    let text = prop_oneof![5 => any_message().prop_map(|message| message.encode()), 1 => ".{0,40}"];
    prop_oneof![
        3 => socket().prop_map(|socket| Input::SocketOpened { socket }),
        1 => socket().prop_map(|socket| Input::SocketClosed { socket }),
        6 => (socket(), text).prop_map(|(socket, text)| Input::Message { socket, text }),
        3 => (0..8u32, 0..40usize).prop_map(|(negotiation, slots)| Input::OfferCreated(CreatedOffer {
            negotiation,
            sdp: String::new(),
            sources: Vec::new(),
            audio_slots: (0..slots).map(|index| format!("a{index}")).collect(),
            video_slots: (0..slots).map(|index| format!("v{index}")).collect(),
        })),
        3 => (0..8u32).prop_map(|negotiation| Input::AnswerApplied { negotiation }),
        1 => (0..8u32).prop_map(|negotiation| Input::NegotiationFailed { negotiation, reason: String::new() }),
        3 => (0..5u32, any_state()).prop_map(|(media, state)| Input::MediaConnection { media: MediaId(media), state }),
        1 => any::<bool>().prop_map(Input::NetworkOnline),
        1 => any::<bool>().prop_map(Input::SetMicrophone),
        1 => any::<bool>().prop_map(Input::SetCamera),
        1 => any::<bool>().prop_map(Input::SetScreen),
        1 => any::<bool>().prop_map(Input::WantCaptions),
        1 => "[a-z]{1,9}".prop_map(|name| Input::Rename(DisplayName::new(&name).unwrap())),
        2 => prop::collection::vec((0..40u64, any::<u16>()), 0..40).prop_map(|tiles| {
            Input::Layout(tiles.into_iter().map(|(peer, height)| Tile { source: camera(peer), height }).collect())
        }),
        2 => any::<bool>().prop_map(|raised| Input::Act(Act::RaiseHand(raised))),
        1 => Just(Input::Act(Act::React(Reaction::Clap))),
        2 => "[a-z ]{0,9}".prop_map(|text| Input::Act(Act::Write { to: None, text })),
        1 => (0..9u32).prop_map(|number| Input::Act(Act::RetryLine { number })),
        1 => (0..9u32).prop_map(|number| Input::Act(Act::WithdrawLine { number })),
        1 => Just(Input::Act(Act::Moderate(Moderation::MuteAll))),
        1 => any::<bool>().prop_map(|locked| {
            let policy = Policy { locked, ..Policy::default() };
            Input::Act(Act::Moderate(Moderation::SetPolicy { policy }))
        }),
        1 => Just(Input::Passcode("open".to_owned())),
        2 => Just(Input::Tick),
    ]
}

/// Follows the outputs and checks what must always hold.
#[derive(Default)]
struct Watch {
    socket: Option<SocketId>,
    media: Option<MediaId>,
    asked: u32,
}

impl Watch {
    /// Drains and returns how many outputs there were.
    fn drain(&mut self, engine: &mut Engine) -> usize {
        let mut count = 0;
        while let Some(output) = engine.poll_output() {
            count += 1;
            assert!(count <= 200, "outputs without end");
            match output {
                Output::OpenSocket { socket } => {
                    assert!(self.socket.is_none_or(|old| old < socket));
                    self.socket = Some(socket);
                }
                Output::Send { socket, text } => {
                    assert_eq!(Some(socket), self.socket);
                    decode_client(&text).expect("the engine speaks the protocol");
                }
                Output::ResetMedia { media } => {
                    assert!(self.media.is_none_or(|old| old < media));
                    self.media = Some(media);
                }
                Output::CreateOffer(request) => {
                    assert!(self.media.is_some(), "media is made before it is negotiated");
                    assert!(request.negotiation > self.asked, "numbers only grow");
                    self.asked = request.negotiation;
                }
                Output::CloseSocket { .. }
                | Output::ApplyAnswer { .. }
                | Output::SetLayers(_)
                | Output::Silence { .. }
                | Output::AskToUnmute { .. }
                | Output::Reaction { .. }
                | Output::Caption(_)
                | Output::StoreResume(_)
                | Output::ForgetResume
                | Output::Notice(_)
                | Output::Changed
                | Output::Ended(_) => {}
            }
        }
        count
    }
}

/// Something a world does to a well-behaved engine.
#[derive(Debug, Clone)]
enum Blow {
    Cut,
    Time(u64),
    Layout(Vec<u64>),
    Camera(bool),
    Screen(bool),
    Connection(MediaConnection),
    Mutes([bool; 6]),
    Resumes(bool, bool),
    Arrives(u64),
    Departs(u64),
    Fault(ErrorCode, &'static str),
}

fn any_blow() -> impl Strategy<Value = Blow> {
    prop_oneof![
        Just(Blow::Cut),
        (1..20_000u64).prop_map(Blow::Time),
        prop::collection::vec(2..40u64, 0..30).prop_map(Blow::Layout),
        any::<bool>().prop_map(Blow::Camera),
        any::<bool>().prop_map(Blow::Screen),
        any_state().prop_map(Blow::Connection),
        any::<[bool; 6]>().prop_map(Blow::Mutes),
        any::<(bool, bool)>().prop_map(|(resumed, alive)| Blow::Resumes(resumed, alive)),
        (2..40u64).prop_map(Blow::Arrives),
        (2..40u64).prop_map(Blow::Departs),
        (
            prop::sample::select(vec![ErrorCode::RateLimited, ErrorCode::Internal]),
            prop::sample::select(vec!["offer", "wants", "media", "rename", "resync"]),
        )
            .prop_map(|(code, request)| Blow::Fault(code, request)),
    ]
}

fn strike(world: &mut World, blow: Blow) {
    match blow {
        Blow::Cut if world.socket.is_some() => world.cut(),
        Blow::Time(milliseconds) => world.pass(Duration::from_millis(milliseconds)),
        Blow::Layout(peers) => world.layout(peers),
        Blow::Camera(on) => world.give(Input::SetCamera(on)),
        Blow::Screen(on) => world.give(Input::SetScreen(on)),
        Blow::Connection(state) if world.media.is_some() => world.connection(state),
        Blow::Mutes([socket, hello, offers, resync, pings, platform]) => {
            world.mute = Mute { socket, hello, offers, resync, pings, platform, connection: platform };
        }
        Blow::Resumes(resumed, alive) => (world.resumed, world.media_alive) = (resumed, alive),
        Blow::Arrives(number) => {
            let peer = PeerId::new(number);
            if world.socket.is_some() && world.room.iter().all(|participant| participant.peer != peer) {
                world.change(Change::Joined { participant: person(peer, "Bo", camera_on()) });
            }
        }
        Blow::Departs(number) if world.socket.is_some() => {
            world.change(Change::Left { peer: PeerId::new(number), departure: Departure::Left });
        }
        Blow::Fault(code, request) if world.engine.phase() == engine::Phase::Joined => {
            world.fault(code, request)
        }
        Blow::Cut | Blow::Connection(_) | Blow::Departs(_) | Blow::Fault(..) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_order_of_inputs_does_no_harm(
        inputs in prop::collection::vec((any_input(), 0..3_000u64), 0..150)
    ) {
        let mut engine = Engine::new(Moment::START, settings());
        let mut watch = Watch::default();
        watch.drain(&mut engine);
        let mut now = Moment::START;
        for (input, milliseconds) in inputs {
            now = now + Duration::from_millis(milliseconds);
            engine.handle(now, input);
            watch.drain(&mut engine);
            if let Some(due) = engine.poll_timeout() {
                prop_assert!(due > now, "a timeout that is due would make a busy loop");
            }
        }
    }

    #[test]
    fn a_shell_that_never_drains_does_not_fill_the_memory(
        inputs in prop::collection::vec(any_input(), 1..40)
    ) {
        let mut engine = Engine::new(Moment::START, settings());
        let mut now = Moment::START;
        for _ in 0..60 {
            for input in &inputs {
                now = now + Duration::from_millis(700);
                engine.handle(now, input.clone());
            }
        }
        let mut waiting = 0;
        while engine.poll_output().is_some() {
            waiting += 1;
        }
        prop_assert!(waiting <= 1_024, "{}", waiting);
    }

    #[test]
    fn after_any_trouble_everything_comes_to_rest_as_desired(
        blows in prop::collection::vec(any_blow(), 0..40)
    ) {
        let mut world = World::joined(3);
        for blow in blows {
            strike(&mut world, blow);
        }
        world.mute = Mute::default();
        world.pass(120 * SECOND);
        prop_assert_eq!(world.engine.phase(), engine::Phase::Joined);
        prop_assert_eq!(world.engine.media_connection(), MediaConnection::Connected);
        prop_assert_eq!(world.engine.wants_told(), Some(world.engine.wants_desired()));
        prop_assert_eq!(&world.wants[..], world.engine.wants_desired());
        world.forget();
        world.pass(120 * SECOND);
        prop_assert!(world.offers_requested().is_empty());
        prop_assert!(world.wants_said().is_empty());
        prop_assert_eq!(world.sockets_opened(), 0);
    }
}
