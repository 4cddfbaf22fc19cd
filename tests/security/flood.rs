//! More than anybody needs.

use std::time::Instant;

use reqwest::{Method, StatusCode};
use server::{Config, Running};
use shared::protocol::{Chat, ClientMessage, GoodbyeReason, ServerMessage};
use tokio::net::TcpSocket;

use crate::raw::{Raw, status};
use crate::socket::PATIENCE;
use crate::world::{ROOM, api, bare, config, grants, join, rooms, start, start_with};

/// Two people join and chat: what the server is for.
async fn is_served(server: &Running, room: &str) {
    let begun = Instant::now();
    let (mut ada, _) = join(server, room, &grants(room, "ada")).await;
    let (mut bo, _) = join(server, room, &grants(room, "bo")).await;
    ada.send(&ClientMessage::Chat(Chat { number: 1, to: None, text: "Good morning".to_owned() })).await;
    bo.wait(|message| if let ServerMessage::Chat { .. } = message { Some(()) } else { None }).await;
    for mut socket in [ada, bo] {
        socket.send(&ClientMessage::Leave).await;
        socket.closed().await;
    }
    println!("two people joined, chatted and left in {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_too_many_messages_is_sent_away_while_others_chat() {
    let server = start().await;
    let (mut mallory, _) = join(&server, ROOM, &grants(ROOM, "mallory")).await;
    let flooding = tokio::spawn(async move {
        let (mut sent, mut reasons) = (0_u32, Vec::new());
        let text = ClientMessage::React { reaction: shared::meeting::Reaction::Party }.encode();
        while sent < 5000 && mallory.try_text(&text).await {
            sent += 1;
        }
        while let Some(text) = mallory.next_text().await {
            if let Ok(ServerMessage::Goodbye(goodbye)) = shared::protocol::decode_server(&text) {
                reasons.push(goodbye.reason);
            }
        }
        reasons
    });
    is_served(&server, "board").await;
    is_served(&server, ROOM).await;
    assert_eq!(flooding.await.unwrap(), [GoodbyeReason::ProtocolViolation]);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_so_many_connections_and_others_are_not_concerned() {
    let trusted_proxies = vec![[127, 0, 0, 1].into()];
    let server = start_with(Config { connections_per_address_max: 20, trusted_proxies, ..config() }).await;
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(Raw::upgrade(server.http_addr, "X-Forwarded-For: 203.0.113.9\r\n").await.unwrap());
    }
    for _ in 0..200 {
        // What a proxy appends counts, not what stood there before.
        let claimed = "X-Forwarded-For: 198.51.100.1, 203.0.113.9\r\n";
        let head = Raw::upgrade(server.http_addr, claimed).await.err().unwrap();
        assert_eq!(status(head.as_bytes()), 429);
        assert!(head.contains("retry-after: "), "{head}");
    }
    is_served(&server, "board").await;
    drop(open);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_of_one_address_keep_nobody_else_out() {
    let server = start_with(Config { connections_per_address_max: 2, ..config() }).await;
    let mut silent = Vec::new();
    // Eight for each that may carry signaling.
    for _ in 0..16 {
        silent.push(Raw::connect(server.http_addr).await);
    }
    for _ in 0..200 {
        let heard = Raw::connect(server.http_addr).await.hear_all().await;
        assert!(heard.is_empty(), "one too many is closed at once");
    }
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let other = Raw(socket.connect(server.http_addr).await.unwrap());
    assert_eq!(status(&other.asked_for_readiness().await), 200);
    drop(silent);
    // The server notices each of them when it reads its end.
    let served =
        async { while Raw::connect(server.http_addr).await.asked_for_readiness().await.is_empty() {} };
    tokio::time::timeout(PATIENCE, served).await.expect("the places are given back");
    is_served(&server, "board").await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joins_without_end_leave_nothing_behind_while_others_chat() {
    let server = start().await;
    let address = server.http_addr;
    let flooding = tokio::spawn(async move {
        for number in 0..300 {
            let mut socket = crate::socket::Socket::open(address).await;
            let room = format!("nowhere-{number}");
            socket.send(&crate::world::greeting(&room, None)).await;
            socket.wait(|message| if let ServerMessage::Error(_) = message { Some(()) } else { None }).await;
        }
    });
    is_served(&server, "board").await;
    flooding.await.unwrap();
    is_served(&server, "board").await;
    assert_eq!(rooms(&server).await["items"], serde_json::json!([]), "no room came of it");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_keys_are_told_to_wait_while_the_operator_of_another_address_is_served() {
    let trusted_proxies = vec![[127, 0, 0, 1].into()];
    let server = start_with(Config { trusted_proxies, ..config() }).await;
    let guess = async || {
        let request = bare(&server, Method::DELETE, "/tokens/some").bearer_auth("ops:guess");
        request.header("x-forwarded-for", "203.0.113.9").send().await.unwrap()
    };
    let mut refused = 0;
    for _ in 0..40 {
        let answers = futures_util::future::join_all((0..20).map(|_| guess())).await;
        for answer in answers {
            if answer.status() == StatusCode::TOO_MANY_REQUESTS {
                let seconds: u32 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
                assert!((1..=10).contains(&seconds));
                refused += 1;
            } else {
                assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
            }
        }
    }
    assert!(refused > 0, "800 guesses are too many");
    assert_eq!(api(&server, Method::GET, "/rooms").send().await.unwrap().status(), StatusCode::OK);
    is_served(&server, "board").await;
    server.shutdown().await;
}
