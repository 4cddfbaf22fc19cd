//! What hosts do, and what a client that cheats does not get: over real sockets and with real media.

use std::net::SocketAddr;
use std::time::Duration;

use server::access::{Grants, Key, KeyId, Keyring, Material, PublishKinds, RoomScope, UnixSeconds, sign};
use server::{Config, DataDir, Running};
use shared::meeting::{Audience, ChatMessage, Meeting, Policy};
use shared::protocol::{
    Change, Chat, ClientMessage, Departure, ErrorCode, GoodbyeReason, Hello, ModeratedHow, Moderation,
    ServerMessage, Welcome,
};
use shared::{MediaState, PeerId, RoomId, SourceKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bot::{Bot, View};
use crate::socket::{Socket, hello};
use crate::{start, start_with};

const PATIENCE: Duration = Duration::from_secs(60);
/// Packets that must arrive before something is judged.
const ENOUGH: u64 = 30;

fn welcome(message: &ServerMessage) -> Option<Welcome> {
    if let ServerMessage::Welcome(welcome) = message { Some(welcome.clone()) } else { None }
}

fn code(message: &ServerMessage) -> Option<ErrorCode> {
    if let ServerMessage::Error(fault) = message { Some(fault.code) } else { None }
}

fn goodbye(message: &ServerMessage) -> Option<GoodbyeReason> {
    if let ServerMessage::Goodbye(goodbye) = message { Some(goodbye.reason) } else { None }
}

fn meeting(message: &ServerMessage) -> Option<Meeting> {
    if let ServerMessage::Meeting(meeting) = message { Some(meeting.clone()) } else { None }
}

fn lines(message: &ServerMessage) -> Option<Vec<ChatMessage>> {
    if let ServerMessage::Chat { lines } = message { Some(lines.clone()) } else { None }
}

fn nonce(message: &ServerMessage) -> Option<u32> {
    if let ServerMessage::Pong { nonce } = message { Some(*nonce) } else { None }
}

/// Makes a room as the page does: its name, and the token of whoever leads it.
async fn create(server: SocketAddr) -> (String, String) {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let request = format!(
        "POST /api/rooms HTTP/1.1\r\nHost: {server}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let field = |name: &str| {
        let (_, rest) = answer.split_once(&format!("\"{name}\":\"")).unwrap_or_else(|| panic!("{answer}"));
        rest.split_once('"').unwrap().0.to_owned()
    };
    (field("room"), field("token"))
}

async fn say_hello(server: &Running, hello: Hello) -> Socket {
    let mut socket = Socket::open(server.http_addr).await;
    socket.send(&ClientMessage::Hello(hello)).await;
    socket
}

/// The host of a new room: the socket, the room and the seat.
async fn host(server: &Running) -> (Socket, String, Hello, PeerId) {
    let (room, token) = create(server.http_addr).await;
    let hello = Hello { token: Some(token), ..hello(&room) };
    let mut socket = say_hello(server, hello.clone()).await;
    let peer = socket.wait(welcome).await.peer;
    assert!(socket.wait(meeting).await.you.host, "whoever made the room leads it");
    (socket, room, hello, peer)
}

async fn guest(server: &Running, room: &str) -> (Socket, Welcome) {
    let mut socket = Socket::join(server.http_addr, room).await;
    let welcome = socket.wait(welcome).await;
    (socket, welcome)
}

async fn moderate(socket: &mut Socket, moderation: Moderation) {
    socket.send(&ClientMessage::Moderate(moderation)).await;
}

async fn write(socket: &mut Socket, number: u32, to: Option<PeerId>, text: &str) {
    socket.send(&ClientMessage::Chat(Chat { number, to, text: text.to_owned() })).await;
}

/// Every line that comes before the answer to a ping.
async fn lines_so_far(socket: &mut Socket) -> Vec<String> {
    socket.send(&ClientMessage::Ping { nonce: 4711 }).await;
    let mut texts = Vec::new();
    socket
        .wait(|message| {
            texts.extend(lines(message).into_iter().flatten().map(|line| line.text));
            nonce(message)
        })
        .await;
    texts
}

async fn seat_named(socket: &mut Socket, name: &str) -> PeerId {
    socket.send(&ClientMessage::Resync).await;
    socket
        .wait(|message| {
            let ServerMessage::Snapshot(snapshot) = message else { return None };
            snapshot.participants.iter().find(|seat| seat.name.as_str() == name).map(|seat| seat.peer)
        })
        .await
}

async fn until(bot: &mut Bot, what: &str, fits: impl Fn(&View) -> bool) -> View {
    let waiting = bot.view.wait_for(|view| fits(view));
    let view = tokio::time::timeout(PATIENCE, waiting).await;
    view.unwrap_or_else(|_| panic!("{what} does not come")).expect("the bot runs").clone()
}

fn count(view: &View, publisher: u16, source: u8) -> u64 {
    view.intact.get(&(publisher, source)).copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_whom_a_host_has_muted_nothing_is_heard_whatever_they_send() {
    let server = start().await;
    let (mut host, room, ..) = host(&server).await;
    let mut viewer = Bot::start(0, server.http_addr, &room);
    let _cheat = Bot::start(1, server.http_addr, &room);
    until(&mut viewer, "the voice", |view| count(view, 1, 0) >= ENOUGH && count(view, 1, 1) >= ENOUGH).await;
    let peer = seat_named(&mut host, "Bot 1").await;
    moderate(&mut host, Moderation::Mute { peer, kind: SourceKind::Microphone }).await;
    host.wait(|message| {
        let ServerMessage::Delta { changes, .. } = message else { return None };
        let is_muted = |change: &Change| matches!(change, Change::Updated { participant } if participant.peer == peer && !participant.media.microphone);
        changes.iter().any(is_muted).then_some(())
    })
    .await;
    let seen = count(&viewer.view.borrow().clone(), 1, 1);
    // What was under way has arrived by then.
    let view = until(&mut viewer, "the picture", |view| count(view, 1, 1) > seen + ENOUGH).await;
    let (heard, seen) = (count(&view, 1, 0), count(&view, 1, 1));
    let view = until(&mut viewer, "more of the picture", |view| count(view, 1, 1) > seen + 3 * ENOUGH).await;
    assert_eq!(count(&view, 1, 0), heard, "it goes on sending, and nobody hears it");
    server.shutdown().await;
}

fn keys() -> (Config, Key) {
    let material = Material::secret(&"s".repeat(40)).unwrap();
    let key = Key { id: KeyId::new("test").unwrap(), material, api: false, frame_ancestors: Vec::new() };
    let keys = Keyring::new(vec![key.clone()]).unwrap();
    (Config { keys, ..Config::on_loopback() }, key)
}

fn now() -> UnixSeconds {
    UnixSeconds::of(std::time::SystemTime::now())
}

fn grants(room: &str) -> Grants {
    let mut grants = Grants::participant(RoomScope::One(RoomId::new(room).unwrap()));
    grants.expires_at = Some(now().plus(3600));
    grants
}

fn token(config: &Config, key: &Key, grants: &Grants) -> Option<String> {
    Some(sign(grants, key, &config.parties, now()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_token_does_not_allow_is_neither_forwarded_nor_shown_as_live() {
    let (config, key) = keys();
    let everything = token(&config, &key, &grants("limited"));
    let mut voice = grants("limited");
    voice.publish = PublishKinds { microphone: true, camera: false, screen: false };
    let voice = token(&config, &key, &voice);
    let server = start_with(config).await;
    let mut viewer = Bot::start_with(0, server.http_addr, "limited", everything.clone());
    let _cheat = Bot::start_with(1, server.http_addr, "limited", voice);
    let _other = Bot::start_with(2, server.http_addr, "limited", everything.clone());
    let view = until(&mut viewer, "the others", |view| {
        count(view, 1, 0) >= 3 * ENOUGH && count(view, 2, 1) >= ENOUGH
    });
    assert_eq!(count(&view.await, 1, 1), 0, "no picture of whom the token allows a voice");
    let mut watching = say_hello(&server, Hello { token: everything, ..hello("limited") }).await;
    let seats = watching.wait(welcome).await.snapshot.participants;
    let cheat = seats.iter().find(|seat| seat.name.as_str() == "Bot 1").unwrap();
    assert_eq!(cheat.media, MediaState { microphone: true, camera: false, screen: false });
    server.shutdown().await;
}

#[tokio::test]
async fn a_screen_that_only_hosts_may_share_is_not_live_whoever_says_so() {
    let server = start().await;
    let (mut host, room, ..) = host(&server).await;
    let (mut guest, seat) = guest(&server, &room).await;
    let screen = MediaState { screen: true, ..MediaState::default() };
    guest.send(&ClientMessage::Media(screen)).await;
    let updated = |message: &ServerMessage| {
        let ServerMessage::Delta { changes, .. } = message else { return None };
        changes.iter().find_map(|change| match change {
            Change::Updated { participant } if participant.peer == seat.peer => {
                Some(participant.media.screen)
            }
            Change::Joined { .. } | Change::Updated { .. } | Change::Left { .. } => None,
        })
    };
    assert!(host.wait(updated).await);
    let policy = Policy { share: Audience::Hosts, ..Policy::default() };
    moderate(&mut host, Moderation::SetPolicy { policy }).await;
    assert!(!host.wait(updated).await, "what is live and no longer allowed is muted at once");
    let moderated = guest.wait(|message| {
        if let ServerMessage::Moderated(moderated) = message {
            Some((moderated.what, moderated.kind))
        } else {
            None
        }
    });
    assert_eq!(moderated.await, (ModeratedHow::Muted, SourceKind::Screen));
    guest.send(&ClientMessage::Media(screen)).await;
    assert_eq!(guest.wait(code).await, ErrorCode::Forbidden);
    host.send(&ClientMessage::Resync).await;
    let snapshot = host.wait(|message| {
        if let ServerMessage::Snapshot(snapshot) = message { Some(snapshot.clone()) } else { None }
    });
    assert!(snapshot.await.participants.iter().all(|seat| !seat.media.screen));
    server.shutdown().await;
}

#[tokio::test]
async fn nobody_moderates_who_is_no_host_not_even_who_came_first() {
    let server = start().await;
    let (mut first, seat) = guest(&server, "first").await;
    let (mut second, _) = guest(&server, "first").await;
    for moderation in [
        Moderation::End,
        Moderation::MuteAll,
        Moderation::SetHost { peer: seat.peer, host: true },
        Moderation::SetPolicy { policy: Policy { locked: true, ..Policy::default() } },
        Moderation::Remove { peer: seat.peer, ban: true },
    ] {
        moderate(&mut first, moderation.clone()).await;
        assert_eq!(first.wait(code).await, ErrorCode::Forbidden, "{moderation:?}");
    }
    guest(&server, "first").await;
    second.send(&ClientMessage::Ping { nonce: 1 }).await;
    assert_eq!(second.wait(nonce).await, 1);
    server.shutdown().await;
}

#[tokio::test]
async fn a_private_line_is_for_two_and_a_late_joiner_reads_the_others() {
    let server = start().await;
    let (mut ada, _) = guest(&server, "talk").await;
    let (mut bo, seat) = guest(&server, "talk").await;
    let (mut cy, _) = guest(&server, "talk").await;
    write(&mut ada, 1, None, "to all").await;
    write(&mut ada, 2, Some(seat.peer), "to Bo").await;
    write(&mut ada, 2, Some(seat.peer), "to Bo").await;
    let texts = |lines: Vec<ChatMessage>| lines.into_iter().map(|line| line.text).collect::<Vec<_>>();
    assert_eq!(texts(bo.wait(lines).await), ["to all"]);
    assert_eq!(texts(bo.wait(lines).await), ["to Bo"]);
    assert_eq!(lines_so_far(&mut bo).await, [""; 0], "not twice");
    assert_eq!(lines_so_far(&mut cy).await, ["to all"]);
    let (mut late, _) = guest(&server, "talk").await;
    assert_eq!(texts(late.wait(lines).await), ["to all"]);
    server.shutdown().await;
}

#[tokio::test]
async fn a_waiting_room_lets_in_whom_a_host_admits() {
    let server = start().await;
    let (mut host, room, ..) = host(&server).await;
    let policy = Policy { waiting_room: true, ..Policy::default() };
    moderate(&mut host, Moderation::SetPolicy { policy }).await;
    host.wait(meeting).await;
    let knock = |message: &ServerMessage| {
        if let ServerMessage::Knocks { knocks } = message {
            knocks.last().map(|knock| knock.knock)
        } else {
            None
        }
    };
    let is_waiting = |message: &ServerMessage| (*message == ServerMessage::Waiting).then_some(());
    let mut first = Socket::join(server.http_addr, &room).await;
    first.wait(is_waiting).await;
    let knocked = host.wait(knock).await;
    first.send(&ClientMessage::Resync).await;
    assert_eq!(first.wait(code).await, ErrorCode::UnexpectedMessage, "whoever waits sees nothing");
    moderate(&mut host, Moderation::Admit { knock: knocked }).await;
    assert_eq!(first.wait(welcome).await.snapshot.participants.len(), 2);
    let mut second = Socket::join(server.http_addr, &room).await;
    second.wait(is_waiting).await;
    let knocked = host.wait(knock).await;
    let message = Some("Not today.".to_owned());
    moderate(&mut host, Moderation::Deny { knock: knocked, message: message.clone() }).await;
    let denied =
        second.wait(
            |message| {
                if let ServerMessage::Goodbye(goodbye) = message { Some(goodbye.clone()) } else { None }
            },
        );
    let denied = denied.await;
    assert_eq!((denied.reason, denied.message), (GoodbyeReason::Denied, message));
    second.closed().await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_lock_and_a_passcode_keep_out_whom_they_should() {
    let server = start().await;
    let (mut leads, room, hello_of_host, _) = host(&server).await;
    moderate(&mut leads, Moderation::SetPasscode { passcode: Some("1234".to_owned()) }).await;
    assert!(leads.wait(meeting).await.passcode);
    let mut guest = Socket::join(server.http_addr, &room).await;
    assert_eq!(guest.wait(code).await, ErrorCode::PasscodeRequired);
    let with =
        |passcode: &str| ClientMessage::Hello(Hello { passcode: Some(passcode.to_owned()), ..hello(&room) });
    guest.send(&with("4321")).await;
    assert_eq!(guest.wait(code).await, ErrorCode::PasscodeWrong);
    guest.send(&with("1234")).await;
    guest.wait(welcome).await;
    let policy = Policy { locked: true, ..Policy::default() };
    moderate(&mut leads, Moderation::SetPolicy { policy }).await;
    assert!(leads.wait(meeting).await.policy.locked);
    let mut late = Socket::open(server.http_addr).await;
    late.send(&with("1234")).await;
    assert_eq!(late.wait(code).await, ErrorCode::RoomLocked);
    let mut again = say_hello(&server, hello_of_host).await;
    again.wait(welcome).await;
    server.shutdown().await;
}

#[tokio::test]
async fn an_end_is_for_all_and_a_new_meeting_knows_nothing_of_the_old() {
    let server = start().await;
    let (mut leads, room, ..) = host(&server).await;
    let (mut guest_socket, seat) = guest(&server, &room).await;
    write(&mut leads, 1, None, "Good morning").await;
    guest_socket.wait(lines).await;
    moderate(&mut leads, Moderation::End).await;
    assert_eq!(guest_socket.wait(goodbye).await, GoodbyeReason::Ended);
    assert_eq!(leads.wait(goodbye).await, GoodbyeReason::Ended);
    guest_socket.closed().await;
    let mut again = say_hello(&server, Hello { resume: Some(seat.resume), ..hello(&room) }).await;
    let welcome = again.wait(welcome).await;
    assert!(!welcome.resumed, "a token of the meeting that ended is worth nothing");
    assert_eq!(welcome.snapshot.participants.len(), 1);
    assert_eq!(lines_so_far(&mut again).await, [""; 0]);
    server.shutdown().await;
}

#[tokio::test]
async fn tokens_that_are_not_right_open_nothing() {
    let (config, key) = keys();
    let good = token(&config, &key, &grants("vault")).unwrap();
    let elsewhere = token(&config, &key, &grants("other")).unwrap();
    let mut ended = grants("vault");
    ended.expires_at = Some(UnixSeconds(now().0 - 1000));
    let ended = sign(&ended, &key, &config.parties, UnixSeconds(now().0 - 2000)).unwrap();
    let forger = Key { material: Material::secret(&"x".repeat(40)).unwrap(), ..key };
    let forged = token(&config, &forger, &grants("vault")).unwrap();
    let server = start_with(config).await;
    for (token, expected) in [
        (None, ErrorCode::TokenRequired),
        (Some(forged), ErrorCode::TokenInvalid),
        (Some(elsewhere), ErrorCode::TokenInvalid),
        (Some(ended), ErrorCode::TokenExpired),
        (Some("a.b.c".to_owned()), ErrorCode::TokenInvalid),
    ] {
        let mut socket = say_hello(&server, Hello { token, ..hello("vault") }).await;
        assert_eq!(socket.wait(code).await, expected);
    }
    let mut socket = say_hello(&server, Hello { token: Some(good), ..hello("vault") }).await;
    let seat = socket.wait(welcome).await;
    drop(socket);
    let mut back = say_hello(&server, Hello { resume: Some(seat.resume), ..hello("vault") }).await;
    assert!(back.wait(welcome).await.resumed, "a seat that is held needs no other token");
    back.send(&ClientMessage::Leave).await;
    back.closed().await;
    let mut late = say_hello(&server, Hello { resume: Some(seat.resume), ..hello("vault") }).await;
    assert_eq!(late.wait(code).await, ErrorCode::TokenRequired, "and one that is given up does");
    server.shutdown().await;
}

#[tokio::test]
async fn bans_rules_and_the_chat_outlive_the_server() {
    let folder = std::env::temp_dir().join(format!("visavis-moderation-{}", std::process::id()));
    let data_dir = Some(DataDir { path: folder.clone(), is_chosen: true });
    let (keyed, key) = keys();
    let config = Config { data_dir, ..keyed };
    let named = |name: &str, is_host| {
        let mut grants = grants("lasting");
        grants.host = is_host;
        grants.subject = Some(server::access::ExternalId::new(name).unwrap());
        Hello { token: token(&config, &key, &grants), ..hello("lasting") }
    };
    let (of_host, of_eve, of_bo) = (named("ada", true), named("eve", false), named("bo", false));
    let server = start_with(config.clone()).await;
    let mut host = say_hello(&server, of_host.clone()).await;
    host.wait(welcome).await;
    let mut eve = say_hello(&server, of_eve.clone()).await;
    let peer = eve.wait(welcome).await.peer;
    write(&mut host, 1, None, "Good morning").await;
    host.wait(lines).await;
    moderate(&mut host, Moderation::Remove { peer, ban: true }).await;
    assert_eq!(eve.wait(goodbye).await, GoodbyeReason::Banned);
    host.wait(|message| {
        let ServerMessage::Delta { changes, .. } = message else { return None };
        let is_removed = |change: &Change| {
            matches!(change, Change::Left { departure: Departure::Removed, peer: gone } if *gone == peer)
        };
        changes.iter().any(is_removed).then_some(())
    })
    .await;
    let policy = Policy { chat: Audience::Hosts, ..Policy::default() };
    moderate(&mut host, Moderation::SetPolicy { policy }).await;
    host.wait(meeting).await;
    let mut again = say_hello(&server, of_eve.clone()).await;
    assert_eq!(again.wait(code).await, ErrorCode::Banned);
    server.shutdown().await;

    let server = start_with(config.clone()).await;
    let mut eve = say_hello(&server, of_eve).await;
    assert_eq!(eve.wait(code).await, ErrorCode::Banned);
    let mut bo = say_hello(&server, of_bo).await;
    assert_eq!(bo.wait(meeting).await.policy, policy);
    assert_eq!(bo.wait(lines).await[0].text, "Good morning");
    server.shutdown().await;
    std::fs::remove_dir_all(folder).unwrap();
}
