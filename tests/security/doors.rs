//! From one room into another.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::caption::{CaptionCue, CaptionText};
use shared::protocol::{Chat, ClientMessage, ErrorCode, Hello, Moderation, ServerMessage};
use shared::{DisplayName, SourceKind};

use crate::socket::{Socket, hello};
use crate::world::{ROOM, Witness, api, bare, grants, join, refusal, rooms, start, token};

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

fn fault(message: &ServerMessage) -> Option<ErrorCode> {
    if let ServerMessage::Error(fault) = message { Some(fault.code) } else { None }
}

#[tokio::test]
async fn nobody_puts_words_into_the_mouths_of_others() {
    let server = start().await;
    let mut witness = Witness::in_room(&server, ROOM).await;
    let victim = witness.welcome.peer;
    witness.socket.send(&ClientMessage::WantCaptions { wanted: true }).await;
    let words = |segment, speaker| {
        let text = CaptionText::new("I never said that").unwrap();
        let name = DisplayName::new("Ada").ok();
        ClientMessage::Caption(CaptionCue { segment, speaker, name, language: None, text, is_final: true })
    };
    let (mut mallory, _) = join(&server, ROOM, &grants(ROOM, "mallory")).await;
    let mut captioner = grants("board", "captioner");
    captioner.caption = true;
    let (mut elsewhere, _) = join(&server, "board", &captioner).await;
    mallory.send(&words(1, Some(victim))).await;
    assert_eq!(mallory.wait(fault).await, ErrorCode::Forbidden, "without the grant");
    elsewhere.send(&words(1, Some(victim))).await;
    assert_eq!(elsewhere.wait(fault).await, ErrorCode::Forbidden, "the speaker is in another room");
    let long = json!({"type": "caption", "segment": 1, "text": "x".repeat(501), "is_final": true});
    elsewhere.text(&long.to_string()).await;
    assert_eq!(elsewhere.wait(fault).await, ErrorCode::InvalidMessage, "too long");
    let path = format!("/rooms/{ROOM}/captions");
    let by_token = bare(&server, Method::POST, &path).bearer_auth(token(&captioner));
    let asked = by_token.json(&json!({"segment": 1, "text": "I never said that"})).send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::UNAUTHORIZED, "a join token is no key");
    // What comes before the answer to a ping was sent before it.
    witness.socket.send(&ClientMessage::Ping { nonce: 1 }).await;
    let heard = witness.socket.wait(|message| {
        assert!(!matches!(message, ServerMessage::Caption(_)), "somebody put words into a mouth");
        matches!(message, ServerMessage::Pong { .. }).then_some(())
    });
    heard.await;
    server.shutdown().await;
}

#[tokio::test]
async fn who_may_write_captions_floods_nobody_with_them() {
    let server = start().await;
    let (mut reader, _) = join(&server, ROOM, &grants(ROOM, "reader")).await;
    reader.send(&ClientMessage::WantCaptions { wanted: true }).await;
    reader.send(&ClientMessage::Ping { nonce: 1 }).await;
    reader.wait(|message| matches!(message, ServerMessage::Pong { .. }).then_some(())).await;
    let mut captioner = grants(ROOM, "captioner");
    captioner.caption = true;
    let (mut captioner, _) = join(&server, ROOM, &captioner).await;
    for segment in 0..100 {
        let text = CaptionText::new("x").unwrap();
        let cue = CaptionCue { segment, speaker: None, name: None, language: None, text, is_final: true };
        captioner.send(&ClientMessage::Caption(cue)).await;
    }
    assert_eq!(captioner.wait(fault).await, ErrorCode::RateLimited);
    captioner.send(&ClientMessage::Ping { nonce: 2 }).await;
    captioner.wait(|message| matches!(message, ServerMessage::Pong { .. }).then_some(())).await;
    reader.send(&ClientMessage::Ping { nonce: 3 }).await;
    let mut heard = 0;
    let last = reader.wait(|message| {
        heard += u32::from(matches!(message, ServerMessage::Caption(_)));
        matches!(message, ServerMessage::Pong { .. }).then_some(())
    });
    last.await;
    assert!((1..100).contains(&heard), "{heard} of a hundred");
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
