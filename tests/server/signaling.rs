//! The WebSocket without media.

use shared::limits::PARTICIPANTS_DEFAULT;
use shared::protocol::{
    ClientMessage, ErrorCode, Fault, GoodbyeReason, Hello, ServerMessage, Version, Welcome,
};

use crate::socket::{Socket, hello};
use crate::start;

fn welcome(message: &ServerMessage) -> Option<Welcome> {
    if let ServerMessage::Welcome(welcome) = message { Some(welcome.clone()) } else { None }
}

fn fault(message: &ServerMessage) -> Option<Fault> {
    if let ServerMessage::Error(fault) = message { Some(fault.clone()) } else { None }
}

fn pong(message: &ServerMessage) -> Option<u32> {
    if let ServerMessage::Pong { nonce } = message { Some(*nonce) } else { None }
}

#[tokio::test]
async fn a_shutdown_tells_the_clients_to_come_back() {
    let server = start().await;
    let mut socket = Socket::join(server.http_addr, "shutdown").await;
    socket.wait(welcome).await;
    let stopping = tokio::spawn(server.shutdown());
    let goodbye = socket
        .wait(
            |message| {
                if let ServerMessage::Goodbye(goodbye) = message { Some(goodbye.clone()) } else { None }
            },
        )
        .await;
    assert_eq!(goodbye.reason, GoodbyeReason::Restarting);
    assert!(goodbye.retry_after_ms.is_some(), "they come back by themselves");
    socket.closed().await;
    stopping.await.unwrap();
}

#[tokio::test]
async fn bad_input_is_answered_and_the_connection_stays() {
    let server = start().await;
    let mut socket = Socket::join(server.http_addr, "bad-input").await;
    socket.wait(welcome).await;
    let bad = [
        ("{", ErrorCode::InvalidMessage),
        ("[]", ErrorCode::InvalidMessage),
        (r#"{"type":"dance"}"#, ErrorCode::UnknownMessage),
        (r#"{"type":"offer","negotiation":1}"#, ErrorCode::InvalidMessage),
        (r#"{"type":"offer","negotiation":1,"sdp":"v=0","sources":[]}"#, ErrorCode::InvalidOffer),
        (
            r#"{"type":"wants","wants":[{"mid":"9","source":{"peer":"0000000000000001","kind":"camera"},"max_height":180,"priority":1}]}"#,
            ErrorCode::UnknownSlot,
        ),
    ];
    for (text, code) in bad {
        socket.text(text).await;
        let fault = socket.wait(fault).await;
        assert_eq!(fault.code, code, "{text}: {}", fault.message);
        assert!(fault.message.len() > 20, "a sentence for people: {}", fault.message);
    }
    socket.bytes(&[1, 2, 3]).await;
    assert_eq!(socket.wait(fault).await.code, ErrorCode::InvalidMessage);
    socket.send(&ClientMessage::Hello(hello("bad-input"))).await;
    assert_eq!(socket.wait(fault).await.code, ErrorCode::UnexpectedMessage);
    socket.send(&ClientMessage::Ping { nonce: 7 }).await;
    assert_eq!(socket.wait(pong).await, 7, "the connection is still of use");
    server.shutdown().await;
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let server = start().await;
    let mut socket = Socket::open(server.http_addr).await;
    let text = ClientMessage::Hello(hello("fields")).encode();
    socket.text(&text.replacen('{', r#"{"colour":"red","#, 1)).await;
    socket.wait(welcome).await;
    server.shutdown().await;
}

#[tokio::test]
async fn another_version_is_refused_with_a_sentence() {
    let server = start().await;
    let mut socket = Socket::open(server.http_addr).await;
    let version = Version { major: Version::CURRENT.major + 1, ..Version::CURRENT };
    socket.send(&ClientMessage::Hello(Hello { version, ..hello("version") })).await;
    let fault = socket.wait(fault).await;
    assert_eq!(fault.code, ErrorCode::UnsupportedVersion);
    assert!(fault.message.contains("version"), "{}", fault.message);
    server.shutdown().await;
}

#[tokio::test]
async fn a_full_room_refuses_the_next_and_another_room_does_not() {
    let mut config = server::Config::on_loopback();
    config.connections_per_address_max = PARTICIPANTS_DEFAULT + 2;
    let server = server::Server::start(config).await.unwrap();
    let mut sockets = Vec::new();
    for _ in 0..PARTICIPANTS_DEFAULT {
        let mut socket = Socket::join(server.http_addr, "full").await;
        socket.wait(welcome).await;
        sockets.push(socket);
    }
    let mut late = Socket::join(server.http_addr, "full").await;
    assert_eq!(late.wait(fault).await.code, ErrorCode::RoomFull);
    let mut elsewhere = Socket::join(server.http_addr, "empty").await;
    assert_eq!(elsewhere.wait(welcome).await.snapshot.participants.len(), 1);
    drop(sockets);
    server.shutdown().await;
}

#[tokio::test]
async fn a_resumed_connection_gets_its_seat_back_and_the_old_one_a_goodbye() {
    let server = start().await;
    let mut first = Socket::join(server.http_addr, "resume").await;
    let seat = first.wait(welcome).await;
    let mut second = Socket::open(server.http_addr).await;
    let hello = Hello { resume: Some(seat.resume), ..hello("resume") };
    second.send(&ClientMessage::Hello(hello)).await;
    let again = second.wait(welcome).await;
    assert!(again.resumed);
    assert_eq!(again.peer, seat.peer);
    let goodbye =
        first.wait(
            |message| {
                if let ServerMessage::Goodbye(goodbye) = message { Some(goodbye.clone()) } else { None }
            },
        );
    assert_eq!(goodbye.await.reason, GoodbyeReason::Replaced);
    server.shutdown().await;
}
