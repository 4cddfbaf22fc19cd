//! Connections that take their time. The clock of these tests stands still and jumps when every task waits.

use std::time::Duration;

use server::Running;
use server::access::Metadata;
use shared::DisplayName;
use shared::protocol::{ClientMessage, Presence, ServerMessage};
use tokio::net::TcpSocket;
use tokio::time::Instant;

use crate::raw::{Raw, frame, status};
use crate::socket::Socket;
use crate::world::{ROOM, SECRET, Witness, api, grants, greeting, join, rooms, snapshot, start, token};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_request_that_never_comes_is_not_waited_for() {
    let server = start().await;
    let mut witness = Witness::in_room(&server, ROOM).await;
    let mut silent = Raw::connect(server.http_addr).await;
    let mut slow = Raw::connect(server.http_addr).await;
    slow.say("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    witness.saw_nothing().await;
    tokio::time::pause();
    let begun = Instant::now();
    let dripping = async {
        loop {
            tokio::time::sleep(SECOND).await;
            slow.say("x").await;
            if begun.elapsed() > 18 * SECOND {
                break;
            }
        }
        slow.hear_all().await
    };
    let (_, answer) = tokio::join!(silent.hear_all(), dripping);
    tokio::time::resume();
    assert!(matches!(status(&answer), 0 | 408), "no page is given for half a request");
    assert!(begun.elapsed() < 30 * SECOND, "{:?}", begun.elapsed());
    server.shutdown().await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_not_waited_for() {
    let server = start().await;
    let host = server.http_addr;
    let before = rooms(&server).await;
    let mut slow = Raw::connect(host).await;
    slow.say(format!(
        "POST /api/v1/rooms HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer ops:{SECRET}\r\n\
         Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
    ))
    .await;
    // A whole exchange later the server has begun to wait for the rest.
    rooms(&server).await;
    tokio::time::pause();
    let begun = Instant::now();
    let answer = slow.hear_all().await;
    tokio::time::resume();
    assert_eq!(status(&answer), 408, "{}", String::from_utf8_lossy(&answer));
    assert!(begun.elapsed() < 20 * SECOND);
    assert_eq!(rooms(&server).await, before);
    assert!(
        api(&server, reqwest::Method::POST, "/rooms")
            .json(&serde_json::json!({}))
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    server.shutdown().await;
}

#[tokio::test]
async fn a_websocket_that_says_no_hello_is_closed() {
    let server = start().await;
    let mut witness = Witness::in_room(&server, ROOM).await;
    let mut idle = Raw::upgrade(server.http_addr, "").await.unwrap();
    // Signs of life are no hello.
    idle.say(frame(0x89, true, b"alive").repeat(3)).await;
    witness.saw_nothing().await;
    tokio::time::pause();
    let begun = Instant::now();
    let frames = idle.frames().await;
    let waited = begun.elapsed();
    tokio::time::resume();
    assert!(frames.iter().any(|(_, text)| String::from_utf8_lossy(text).contains("protocol_violation")));
    assert!(waited < 15 * SECOND, "{waited:?}");
    server.shutdown().await;
}

/// Fills a room with people of whom there is much to tell.
async fn crowd(server: &Running) -> Vec<Socket> {
    let mut crowd = Vec::new();
    for number in 0..30 {
        let mut grants = grants(ROOM, "crowd");
        grants.name = Some(DisplayName::new(&format!("{number:064}")).unwrap());
        grants.metadata = Some(Metadata::new("x".repeat(250).into()).unwrap());
        crowd.push(join(server, ROOM, &grants).await.0);
    }
    crowd
}

/// Asks for everything and reads nothing, with the smallest of buffers. Not in virtual time: media threads answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_nothing_is_cut_off_and_the_others_go_on() {
    let server = start().await;
    let _crowd = crowd(&server).await;
    let (mut ada, _) = join(&server, ROOM, &grants(ROOM, "ada")).await;
    let tcp = TcpSocket::new_v4().unwrap();
    tcp.set_recv_buffer_size(4096).unwrap();
    let mut deaf = Raw(tcp.connect(server.http_addr).await.unwrap());
    deaf.ask_to_upgrade(server.http_addr, "").await;
    assert_eq!(status(deaf.head().await.as_bytes()), 101);
    let mut of_deaf = grants(ROOM, "deaf");
    of_deaf.name = Some(DisplayName::new("Deaf").unwrap());
    deaf.say(frame(0x81, true, greeting(ROOM, Some(token(&of_deaf))).encode().as_bytes())).await;
    let resync = frame(0x81, true, ClientMessage::Resync.encode().as_bytes());
    let mut asked = 0_u32;
    loop {
        asked += 10;
        assert!(asked < 1200, "it is never cut off");
        deaf.say(resync.repeat(10)).await;
        // Below the rate at which it would be sent away for asking.
        tokio::time::sleep(if asked <= 100 { Duration::ZERO } else { Duration::from_millis(360) }).await;
        let seats = snapshot(&mut ada).await.participants;
        let seat = seats.iter().find(|seat| seat.name.as_str() == "Deaf");
        if seat.is_some_and(|seat| seat.presence == Presence::Reconnecting) {
            break;
        }
    }
    println!("cut off after {asked} unread snapshots");
    let (mut bo, _) = join(&server, ROOM, &grants(ROOM, "bo")).await;
    bo.send(&ClientMessage::Ping { nonce: 1 }).await;
    bo.wait(|message| if let ServerMessage::Pong { .. } = message { Some(()) } else { None }).await;
    server.shutdown().await;
}
