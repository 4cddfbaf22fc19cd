//! From one room into another.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::SourceKind;
use shared::protocol::{Chat, ClientMessage, ErrorCode, Hello, Moderation, ServerMessage};

use crate::socket::{Socket, hello};
use crate::world::{ROOM, Witness, api, grants, join, refusal, rooms, start, token};

#[tokio::test]
async fn a_host_of_one_room_is_nobody_in_another() {
    let server = start().await;
    let mut witness = Witness::in_room(&server, ROOM).await;
    let victim = witness.welcome.peer;
    let mut host = grants("board", "host");
    host.host = true;
    assert_eq!(refusal(&server, ROOM, Some(token(&host))).await, ErrorCode::TokenInvalid);
    let (mut mallory, _) = join(&server, "board", &host).await;
    let attempts = [
        Moderation::Remove { peer: victim, ban: true },
        Moderation::Mute { peer: victim, kind: SourceKind::Microphone },
        Moderation::SetHost { peer: victim, host: true },
        Moderation::LowerHand { peer: victim },
    ];
    for moderation in attempts {
        mallory.send(&ClientMessage::Moderate(moderation)).await;
    }
    let text = "psst".to_owned();
    mallory.send(&ClientMessage::Chat(Chat { number: 1, to: Some(victim), text })).await;
    mallory.send(&ClientMessage::Ping { nonce: 1 }).await;
    mallory.wait(|message| matches!(message, ServerMessage::Pong { .. }).then_some(())).await;
    witness.saw_nothing().await;
    let seat =
        format!("/rooms/board/participants/{}", serde_json::to_value(victim).unwrap().as_str().unwrap());
    let removed = api(&server, Method::DELETE, &seat).send().await.unwrap();
    assert_eq!(removed.status(), StatusCode::NOT_FOUND, "a seat is removed from its own room only");
    let muted = api(&server, Method::POST, &format!("{seat}/mute")).json(&json!({"microphone": true}));
    assert_eq!(muted.send().await.unwrap().status(), StatusCode::NOT_FOUND);
    witness.saw_nothing().await;
    server.shutdown().await;
}

#[tokio::test]
async fn who_leads_nothing_moderates_nothing() {
    let server = start().await;
    let mut witness = Witness::in_room(&server, ROOM).await;
    let victim = witness.welcome.peer;
    let (mut mallory, mine) = join(&server, ROOM, &grants(ROOM, "mallory")).await;
    let attempts = [
        Moderation::Remove { peer: victim, ban: true },
        Moderation::SetHost { peer: mine.peer, host: true },
        Moderation::MuteAll,
        Moderation::SetPasscode { passcode: Some("mine".to_owned()) },
        Moderation::End,
    ];
    for moderation in attempts {
        mallory.send(&ClientMessage::Moderate(moderation)).await;
        let code = mallory
            .wait(|message| if let ServerMessage::Error(fault) = message { Some(fault.code) } else { None })
            .await;
        assert_eq!(code, ErrorCode::Forbidden);
    }
    mallory.send(&ClientMessage::Leave).await;
    mallory.closed().await;
    let others = crate::world::snapshot(&mut witness.socket).await.participants;
    assert_eq!(others.iter().map(|seat| seat.peer).collect::<Vec<_>>(), [victim]);
    server.shutdown().await;
}

#[tokio::test]
async fn a_seat_s_token_is_worth_nothing_in_another_room() {
    let server = start().await;
    let mut witness = Witness::in_room(&server, ROOM).await;
    let before = rooms(&server).await;
    let mut socket = Socket::open(server.http_addr).await;
    let stolen = Hello { resume: Some(witness.welcome.resume), ..hello("board") };
    socket.send(&ClientMessage::Hello(stolen)).await;
    let code = socket
        .wait(|message| if let ServerMessage::Error(fault) = message { Some(fault.code) } else { None })
        .await;
    assert_eq!(code, ErrorCode::TokenRequired);
    assert_eq!(rooms(&server).await, before);
    witness.saw_nothing().await;
    server.shutdown().await;
}
