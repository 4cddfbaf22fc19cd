use sfu::{CloseReason, Roster};
use shared::protocol::{ErrorCode, Fault};
use shared::{PeerId, ResumeToken};

use super::*;

const HELLO: &str = r#"{"type":"hello","version":{"major":1,"minor":0},"room":"abc-defg","name":"Ada"}"#;

struct Talk {
    session: Session,
    now: Instant,
}

impl Talk {
    fn new() -> Self {
        let now = Instant::now();
        Self { session: Session::new(ConnectionId(1), now), now }
    }

    fn joined() -> Self {
        let mut talk = Self::new();
        talk.come_in();
        assert!(matches!(talk.hear(welcomed())[..], [Output::Send(ServerMessage::Welcome(_))]));
        talk
    }

    /// Says hello and is let in.
    fn come_in(&mut self) {
        assert!(matches!(self.say(HELLO)[..], [Output::Enter(_)]));
        assert!(matches!(self.get(admitted())[..], [Output::Join { .. }]));
    }

    fn get(&mut self, delivery: Delivery) -> Vec<Output> {
        self.session.handle_delivery(self.now, delivery);
        self.outputs()
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.session.poll_output()).collect()
    }

    fn say(&mut self, text: &str) -> Vec<Output> {
        self.session.handle_text(self.now, text);
        self.outputs()
    }

    fn hear(&mut self, notice: Notice) -> Vec<Output> {
        self.session.handle_notice(self.now, notice);
        self.outputs()
    }

    fn pass(&mut self, time: Duration) -> Vec<Output> {
        self.now += time;
        self.session.handle_timeout(self.now);
        self.outputs()
    }
}

fn admitted() -> Delivery {
    let name = shared::DisplayName::new("Ada").unwrap();
    Delivery::Admitted { name, admission: sfu::Admission::default() }
}

fn welcomed() -> Notice {
    Notice::Welcomed {
        peer: PeerId::new(1),
        resume: ResumeToken::new([1; 16]),
        resumed: false,
        media_alive: false,
        video_codecs: Vec::new(),
        roster: Roster { revision: 0, seats: Vec::new() },
    }
}

fn refused(refusal: Refusal) -> Notice {
    Notice::Refused { refusal, message: String::new() }
}

fn faults(outputs: &[Output]) -> Vec<ErrorCode> {
    let code = |output: &Output| {
        if let Output::Send(ServerMessage::Error(Fault { code, .. })) = output { Some(*code) } else { None }
    };
    outputs.iter().filter_map(code).collect()
}

/// The reason of the goodbye that these outputs end with.
fn goodbye(outputs: &[Output]) -> Option<GoodbyeReason> {
    let [.., Output::Send(ServerMessage::Goodbye(goodbye)), Output::Close(_)] = outputs else { return None };
    Some(goodbye.reason)
}

#[test]
fn a_hello_joins_the_room_it_names() {
    let mut talk = Talk::new();
    assert!(matches!(talk.say(HELLO)[..], [Output::Enter(_)]));
    let outputs = talk.get(admitted());
    let [Output::Join { room, command: Command::Join { connection, .. } }] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!((room.as_str(), *connection), ("abc-defg", ConnectionId(1)));
}

#[test]
fn nothing_but_a_hello_or_a_ping_is_handled_first() {
    let mut talk = Talk::new();
    assert_eq!(faults(&talk.say(r#"{"type":"resync"}"#)), [ErrorCode::UnexpectedMessage]);
    assert_eq!(talk.say(r#"{"type":"ping","nonce":4}"#), [Output::Send(ServerMessage::Pong { nonce: 4 })]);
    talk.come_in();
}

#[test]
fn a_second_hello_is_refused_and_the_connection_kept() {
    let mut talk = Talk::joined();
    let outputs = talk.say(HELLO);
    assert_eq!(faults(&outputs), [ErrorCode::UnexpectedMessage]);
    assert_eq!(outputs.len(), 1);
}

#[test]
fn messages_after_the_hello_become_commands() {
    let outputs = Talk::joined().say(r#"{"type":"resync"}"#);
    let command = Command::Resync { connection: ConnectionId(1) };
    assert_eq!(outputs, [Output::Command { kind: "resync", command }]);
}

#[test]
fn leaving_is_told_to_the_sfu_and_ends_the_connection() {
    let outputs = Talk::joined().say(r#"{"type":"leave"}"#);
    assert!(matches!(outputs[0], Output::Command { command: Command::Leave { .. }, .. }));
    assert_eq!(goodbye(&outputs), Some(GoodbyeReason::Left));
    assert_eq!(goodbye(&Talk::new().say(r#"{"type":"leave"}"#)), Some(GoodbyeReason::Left));
}

#[test]
fn what_is_not_a_message_is_answered_and_the_connection_kept() {
    let mut talk = Talk::joined();
    assert_eq!(faults(&talk.say("{")), [ErrorCode::InvalidMessage]);
    assert_eq!(faults(&talk.say(r#"{"type":"dance"}"#)), [ErrorCode::UnknownMessage]);
    assert_eq!(faults(&talk.say(r#"{"type":"rename","name":" "}"#)), [ErrorCode::InvalidMessage]);
    assert_eq!(faults(&talk.say(&"x".repeat(65 * 1024))), [ErrorCode::MessageTooLong]);
    let now = talk.now;
    talk.session.handle_binary(now);
    assert_eq!(faults(&talk.outputs()), [ErrorCode::InvalidMessage]);
    assert_eq!(talk.say(r#"{"type":"resync"}"#).len(), 1);
}

#[test]
fn too_many_faults_end_the_connection() {
    let mut talk = Talk::joined();
    for _ in 0..FAULTS_MAX {
        assert_eq!(talk.say("{").len(), 1);
    }
    let outputs = talk.say("{");
    assert_eq!(goodbye(&outputs), Some(GoodbyeReason::ProtocolViolation));
    assert!(talk.say(r#"{"type":"resync"}"#).is_empty(), "a closed session does nothing");
}

#[test]
fn rare_faults_are_forgiven() {
    let mut talk = Talk::joined();
    for _ in 0..3 * FAULTS_MAX {
        assert_eq!(talk.say("{").len(), 1);
        talk.now += FAULT_FORGIVEN;
    }
}

#[test]
fn messages_beyond_the_rate_are_refused_and_later_ones_handled() {
    let mut talk = Talk::joined();
    // The hello has used one already.
    for _ in 1..MESSAGE_BURST_MAX {
        assert!(matches!(talk.say(r#"{"type":"resync"}"#)[..], [Output::Command { .. }]));
    }
    assert_eq!(faults(&talk.say(r#"{"type":"resync"}"#)), [ErrorCode::RateLimited]);
    talk.now += Duration::from_secs(1);
    assert!(matches!(talk.say(r#"{"type":"resync"}"#)[..], [Output::Command { .. }]));
}

#[test]
fn a_flood_ends_the_connection() {
    let mut talk = Talk::joined();
    let ended = (0..=2 * MESSAGE_BURST_MAX).find_map(|_| goodbye(&talk.say(r#"{"type":"resync"}"#)));
    assert_eq!(ended, Some(GoodbyeReason::ProtocolViolation));
}

#[test]
fn another_major_version_is_refused_with_a_sentence() {
    let check = |hello: &str| {
        let outputs = Talk::new().say(hello);
        assert_eq!(faults(&outputs), [ErrorCode::UnsupportedVersion]);
        let Output::Send(ServerMessage::Error(fault)) = &outputs[0] else { panic!("{outputs:?}") };
        assert!(fault.message.contains("2.0"), "{}", fault.message);
        assert_eq!(goodbye(&outputs), Some(GoodbyeReason::ProtocolViolation));
    };
    check(&HELLO.replace("\"major\":1", "\"major\":2"));
    // A later hello may look different altogether.
    check(r#"{"type":"hello","version":{"major":2,"minor":0},"meeting":7}"#);
}

#[test]
fn a_higher_minor_version_is_welcomed_with_ours() {
    let mut talk = Talk::new();
    talk.say(&HELLO.replace("\"minor\":0", "\"minor\":9"));
    talk.get(admitted());
    let outputs = talk.hear(welcomed());
    let [Output::Send(ServerMessage::Welcome(welcome))] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!(welcome.version, Version::CURRENT);
}

#[test]
fn a_broken_hello_of_our_version_keeps_the_connection() {
    let mut talk = Talk::new();
    let outputs = talk.say(r#"{"type":"hello","version":{"major":1,"minor":0},"room":"A"}"#);
    assert_eq!(faults(&outputs), [ErrorCode::InvalidMessage]);
    assert_eq!(outputs.len(), 1);
}

#[test]
fn after_a_refused_join_another_room_may_be_tried() {
    let mut talk = Talk::new();
    talk.come_in();
    let outputs = talk.hear(refused(Refusal::RoomFull));
    assert_eq!(outputs[..2], [Output::Detach, Output::Withdraw]);
    assert_eq!(faults(&outputs), [ErrorCode::RoomFull]);
    talk.come_in();
}

#[test]
fn an_expired_resume_is_no_failed_join() {
    let mut talk = Talk::new();
    talk.come_in();
    assert_eq!(talk.hear(refused(Refusal::ResumeExpired)).len(), 1);
    assert!(matches!(talk.say(r#"{"type":"resync"}"#)[..], [Output::Command { .. }]));
}

#[test]
fn a_busy_shard_is_told_and_the_hello_may_be_sent_again() {
    let mut talk = Talk::new();
    talk.come_in();
    talk.session.handle_busy(talk.now, "hello");
    assert_eq!(faults(&talk.outputs()), [ErrorCode::ServerBusy]);
    talk.come_in();
}

#[test]
fn a_replaced_seat_ends_the_connection() {
    let outputs = Talk::joined().hear(Notice::Closed(CloseReason::Replaced));
    assert_eq!(goodbye(&outputs), Some(GoodbyeReason::Replaced));
}

#[test]
fn without_a_hello_the_connection_ends_after_ten_seconds() {
    let mut talk = Talk::new();
    assert_eq!(talk.session.poll_timeout(), Some(talk.now + HELLO_TIMEOUT));
    assert!(talk.pass(HELLO_TIMEOUT - Duration::from_millis(1)).is_empty());
    let outputs = talk.pass(Duration::from_millis(1));
    assert_eq!(faults(&outputs), [ErrorCode::UnexpectedMessage]);
    assert_eq!(goodbye(&outputs), Some(GoodbyeReason::ProtocolViolation));
    assert_eq!(talk.session.poll_timeout(), None);
}

#[test]
fn pings_do_not_put_the_hello_off() {
    let mut talk = Talk::new();
    talk.now += HELLO_TIMEOUT / 2;
    talk.say(r#"{"type":"ping","nonce":1}"#);
    assert!(goodbye(&talk.pass(HELLO_TIMEOUT / 2)).is_some());
}

#[test]
fn a_silent_client_is_pinged_and_then_closed() {
    let mut talk = Talk::joined();
    assert_eq!(talk.pass(PING_INTERVAL), [Output::Ping]);
    assert_eq!(talk.pass(PING_INTERVAL), [Output::Ping]);
    assert_eq!(talk.pass(SILENCE_TIMEOUT - 2 * PING_INTERVAL), [Output::Close(close_code::AWAY)]);
}

#[test]
fn a_client_that_only_pongs_stays() {
    let mut talk = Talk::joined();
    for _ in 0..10 {
        assert_eq!(talk.pass(PING_INTERVAL), [Output::Ping]);
        talk.session.handle_sign_of_life(talk.now);
    }
}

#[test]
fn a_restart_says_when_to_come_back() {
    let mut talk = Talk::joined();
    talk.session.handle_shutdown(700);
    let outputs = talk.outputs();
    assert_eq!(goodbye(&outputs), Some(GoodbyeReason::Restarting));
    let Output::Send(ServerMessage::Goodbye(told)) = &outputs[0] else { panic!("{outputs:?}") };
    assert_eq!(told.retry_after_ms, Some(700));
}

#[test]
fn a_slow_reader_and_a_lost_shard_are_told_apart() {
    let check = |lost, reason| {
        let mut talk = Talk::joined();
        talk.session.handle_lost(lost, 100);
        assert_eq!(goodbye(&talk.outputs()), Some(reason));
        talk.session.handle_lost(lost, 100);
        assert!(talk.outputs().is_empty(), "one goodbye is enough");
    };
    check(Lost::TooSlow, GoodbyeReason::TooSlow);
    check(Lost::Shard, GoodbyeReason::Restarting);
}

#[test]
fn a_client_that_is_gone_is_said_no_goodbye() {
    let mut talk = Talk::joined();
    talk.session.handle_gone();
    assert_eq!(talk.outputs(), [Output::Close(close_code::NORMAL)]);
}

#[test]
fn who_waits_may_ping_and_leave_and_nothing_else() {
    let mut talk = Talk::new();
    talk.say(HELLO);
    assert_eq!(talk.get(Delivery::Waiting), [Output::Send(ServerMessage::Waiting)]);
    assert_eq!(talk.say(r#"{"type":"ping","nonce":4}"#), [Output::Send(ServerMessage::Pong { nonce: 4 })]);
    for text in [r#"{"type":"resync"}"#, r#"{"type":"chat","number":1,"text":"Hello"}"#, HELLO] {
        assert_eq!(faults(&talk.say(text)), [ErrorCode::UnexpectedMessage], "{text}");
    }
    assert_eq!(goodbye(&talk.say(r#"{"type":"leave"}"#)), Some(GoodbyeReason::Left));
}

#[test]
fn who_waits_is_let_in_or_not() {
    let waiting = || {
        let mut talk = Talk::new();
        talk.say(HELLO);
        talk.get(Delivery::Waiting);
        talk
    };
    assert!(matches!(waiting().get(admitted())[..], [Output::Join { .. }]));
    let message = Some("Not today.".to_owned());
    let denied = waiting().get(Delivery::Dismissed { is_denied: true, message: message.clone() });
    assert_eq!(goodbye(&denied), Some(GoodbyeReason::Denied));
    let Output::Send(ServerMessage::Goodbye(told)) = &denied[0] else { panic!("{denied:?}") };
    assert_eq!(told.message, message);
    let ended = waiting().get(Delivery::Dismissed { is_denied: false, message: None });
    assert_eq!(goodbye(&ended), Some(GoodbyeReason::Ended));
}

#[test]
fn who_is_refused_at_the_door_may_say_hello_again_with_time_to_type() {
    let mut talk = Talk::new();
    talk.say(HELLO);
    let outputs = talk.get(Delivery::Refused(crate::meeting::Refusal::PasscodeRequired));
    assert_eq!(outputs[0], Output::Withdraw);
    assert_eq!(faults(&outputs), [ErrorCode::PasscodeRequired]);
    talk.now += Duration::from_secs(60);
    talk.session.handle_sign_of_life(talk.now);
    talk.pass(Duration::ZERO);
    talk.come_in();
}

#[test]
fn what_is_the_meeting_s_goes_to_the_meeting() {
    let mut talk = Talk::joined();
    assert_eq!(talk.say(r#"{"type":"hand","raised":true}"#), [Output::Request(Request::Hand(true))]);
    assert!(matches!(
        talk.say(r#"{"type":"moderate","action":"end"}"#)[..],
        [Output::Request(Request::Moderate(_))]
    ));
}

#[test]
fn who_is_kept_out_is_told_so_and_who_is_only_sent_out_is_not() {
    let sent_out = |deliveries: &[Delivery]| {
        let mut talk = Talk::joined();
        for _ in deliveries {
            assert_eq!(talk.get(Delivery::Banned), []);
        }
        goodbye(&talk.hear(Notice::Closed(CloseReason::Removed)))
    };
    assert_eq!(sent_out(&[Delivery::Banned]), Some(GoodbyeReason::Banned));
    assert_eq!(sent_out(&[]), Some(GoodbyeReason::Removed));
}
