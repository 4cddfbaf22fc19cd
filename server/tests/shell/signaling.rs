use std::time::Duration;

use serde_json::json;
use server::Config;
use tokio_tungstenite::tungstenite::Error;

use crate::client::{Client, hello, start, start_with};

fn status(error: &Error) -> u16 {
    let Error::Http(response) = error else { panic!("unexpected {error}") };
    response.status().as_u16()
}

#[tokio::test]
async fn two_clients_meet_in_a_room_and_hear_of_each_other() {
    let server = start().await;
    let (mut ada, welcome) = Client::join(&server, "abc-defg", "Ada").await;
    assert_eq!(welcome["version"], json!({"major": 1, "minor": 0}));
    assert_eq!(welcome["snapshot"]["participants"].as_array().unwrap().len(), 1);
    assert_eq!(welcome["resumed"], false);
    let (mut eve, welcome) = Client::join(&server, "abc-defg", "Eve").await;
    assert_eq!(welcome["snapshot"]["participants"].as_array().unwrap().len(), 2);
    let delta = ada.expect("delta").await;
    assert_eq!(delta["changes"][0]["participant"]["name"], "Eve");
    eve.say(&json!({"type": "rename", "name": "Eva"})).await;
    let delta = ada.expect("delta").await;
    assert_eq!(delta["changes"][0]["participant"]["name"], "Eva");
    eve.say(&json!({"type": "leave"})).await;
    let delta = ada.expect("delta").await;
    assert_eq!(delta["changes"][0]["departure"], "left");
    eve.expect_goodbye("left").await;
    server.shutdown().await;
}

#[tokio::test]
async fn another_room_hears_nothing() {
    let server = start().await;
    let (mut ada, _) = Client::join(&server, "abc-defg", "Ada").await;
    let (_eve, welcome) = Client::join(&server, "hij-klmn", "Eve").await;
    assert_eq!(welcome["snapshot"]["participants"].as_array().unwrap().len(), 1);
    ada.say(&json!({"type": "resync"})).await;
    assert_eq!(ada.hear().await.unwrap()["type"], "snapshot");
}

#[tokio::test]
async fn a_lost_connection_gets_its_seat_back() {
    let server = start().await;
    let (mut ada, _) = Client::join(&server, "abc-defg", "Ada").await;
    let (eve, welcome) = Client::join(&server, "abc-defg", "Eve").await;
    ada.expect("delta").await;
    eve.vanish();
    let delta = ada.expect("delta").await;
    assert_eq!(delta["changes"][0]["participant"]["presence"], "reconnecting");
    let mut eve = Client::connect(&server).await;
    let mut again = hello("abc-defg", "Eve");
    again["resume"] = welcome["resume"].clone();
    eve.say(&again).await;
    let back = eve.expect("welcome").await;
    assert_eq!((&back["resumed"], &back["peer"]), (&json!(true), &welcome["peer"]));
    let delta = ada.expect("delta").await;
    assert_eq!(delta["changes"][0]["participant"]["presence"], "connected");
}

#[tokio::test]
async fn a_second_connection_with_the_same_token_replaces_the_first() {
    let server = start().await;
    let (mut first, welcome) = Client::join(&server, "abc-defg", "Ada").await;
    let mut second = Client::connect(&server).await;
    let mut again = hello("abc-defg", "Ada");
    again["resume"] = welcome["resume"].clone();
    second.say(&again).await;
    second.expect("welcome").await;
    let goodbye = first.expect_goodbye("replaced").await;
    assert!(goodbye.get("retry_after_ms").is_none());
}

#[tokio::test]
async fn an_unknown_message_is_answered_and_the_connection_kept() {
    let server = start().await;
    let (mut ada, _) = Client::join(&server, "abc-defg", "Ada").await;
    ada.say(&json!({"type": "dance"})).await;
    let error = ada.expect_error("unknown_message").await;
    assert_eq!(error["request"], "dance");
    ada.check_alive().await;
}

#[tokio::test]
async fn broken_json_and_binary_messages_are_answered_and_the_connection_kept() {
    let server = start().await;
    let mut client = Client::connect(&server).await;
    client.say_text("{\"type\":".to_owned()).await;
    client.expect_error("invalid_message").await;
    client.say_binary(vec![0, 159, 146]).await;
    client.expect_error("invalid_message").await;
    client.say(&hello("abc-defg", "Ada")).await;
    client.expect("welcome").await;
}

#[tokio::test]
async fn a_message_that_is_too_long_is_answered_and_the_connection_kept() {
    let server = start().await;
    let (mut ada, _) = Client::join(&server, "abc-defg", "Ada").await;
    ada.say_text(" ".repeat(shared::limits::MESSAGE_BYTES_MAX + 1)).await;
    ada.expect_error("message_too_long").await;
    ada.check_alive().await;
}

#[tokio::test]
async fn a_message_beyond_all_measure_ends_the_connection_and_not_the_server() {
    let server = start().await;
    let (mut ada, _) = Client::join(&server, "abc-defg", "Ada").await;
    let (mut eve, _) = Client::join(&server, "abc-defg", "Eve").await;
    ada.say_text("x".repeat(8 * shared::limits::MESSAGE_BYTES_MAX)).await;
    while ada.hear().await.is_some() {}
    eve.check_alive().await;
}

#[tokio::test]
async fn messages_beyond_the_rate_are_refused_and_a_flood_ends_the_connection() {
    let server = start().await;
    let (mut ada, _) = Client::join(&server, "abc-defg", "Ada").await;
    for nonce in 0..600 {
        ada.say(&json!({"type": "ping", "nonce": nonce})).await;
    }
    let (mut is_limited, mut reason) = (false, String::new());
    while let Some(message) = ada.hear().await {
        is_limited |= message["code"] == "rate_limited";
        if message["type"] == "goodbye" {
            reason = message["reason"].as_str().unwrap().to_owned();
        }
    }
    assert!(is_limited);
    assert_eq!(reason, "protocol_violation");
}

#[tokio::test]
async fn a_newer_major_version_is_refused_with_a_sentence() {
    let server = start().await;
    let mut client = Client::connect(&server).await;
    let mut newer = hello("abc-defg", "Ada");
    newer["version"] = json!({"major": 9, "minor": 1});
    client.say(&newer).await;
    let error = client.expect_error("unsupported_version").await;
    assert!(error["message"].as_str().unwrap().contains("9.1"), "{error}");
    client.expect_goodbye("protocol_violation").await;
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let server = start().await;
    let refused = Client::connect_with(server.http_addr, &[("origin", "https://evil.example")]).await;
    assert_eq!(status(&refused.err().unwrap()), 403);
    let own = format!("http://{}", server.http_addr);
    assert!(Client::connect_with(server.http_addr, &[("origin", &own)]).await.is_ok());
}

#[tokio::test]
async fn a_listed_origin_may_connect() {
    let origins = vec!["https://app.example".parse().unwrap()];
    let server = start_with(Config { origins, ..Config::on_loopback() }).await;
    assert!(Client::connect_with(server.http_addr, &[("origin", "https://app.example")]).await.is_ok());
}

#[tokio::test]
async fn an_address_with_too_many_connections_is_refused_until_one_ends() {
    let server = start_with(Config { connections_per_address_max: 1, ..Config::on_loopback() }).await;
    let mut first = Client::connect(&server).await;
    first.check_alive().await;
    let refused = Client::connect_with(server.http_addr, &[]).await;
    assert_eq!(status(&refused.err().unwrap()), 429);
    first.say(&json!({"type": "leave"})).await;
    first.expect_goodbye("left").await;
    drop(first);
    let is_admitted = async {
        while Client::connect_with(server.http_addr, &[]).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::client::PATIENCE, is_admitted).await.unwrap();
}

#[tokio::test]
async fn a_full_server_says_so_and_keeps_the_connection() {
    let server = start_with(Config { peers_per_shard_max: 1, ..Config::on_loopback() }).await;
    let (_ada, _) = Client::join(&server, "abc-defg", "Ada").await;
    let mut eve = Client::connect(&server).await;
    eve.say(&hello("abc-defg", "Eve")).await;
    let error = eve.expect_error("server_busy").await;
    assert_eq!(error["request"], "hello");
    eve.check_alive().await;
}

#[tokio::test]
async fn an_offer_that_is_no_session_description_is_refused() {
    let server = start().await;
    let (mut ada, _) = Client::join(&server, "abc-defg", "Ada").await;
    ada.say(&json!({"type": "offer", "negotiation": 1, "sdp": "nonsense", "sources": []})).await;
    ada.expect_error("invalid_offer").await;
    ada.check_alive().await;
}

/// The clock of the test is stopped; it jumps when every task waits.
#[tokio::test]
async fn who_says_no_hello_is_sent_away_after_ten_seconds() {
    let server = start().await;
    let mut client = Client::connect(&server).await;
    client.check_alive().await;
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    client.expect_error("unexpected_message").await;
    let waited = start.elapsed();
    tokio::time::resume();
    assert!(waited >= Duration::from_secs(9) && waited < Duration::from_secs(12), "{waited:?}");
    client.expect_goodbye("protocol_violation").await;
}
