//! Who comes in, over real sockets and restarts with the same data folder.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::{Config, DataDir, Running, Server};

use crate::api::{config, post, request, value};
use crate::client::{Client, hello, start_with};

fn on_disk(folder: &Path) -> Config {
    Config { data_dir: Some(DataDir { path: folder.to_owned(), is_chosen: true }), ..config() }
}

async fn say_hello(server: &Running, room: &str, token: Option<&Value>) -> Client {
    let mut client = Client::connect(server).await;
    let mut greeting = hello(room, "Eve");
    if let Some(token) = token {
        greeting["token"] = token.clone();
    }
    client.say(&greeting).await;
    client
}

async fn token(server: &Running, wanted: &Value) -> Value {
    value(post(server, "/tokens", wanted).await).await
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_before_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start_with(on_disk(folder.path())).await;
    let made = token(&server, &json!({"room": "standup"})).await;
    let other = token(&server, &json!({"room": "standup"})).await;
    let (mut inside, _) = Client::join_as(&server, "standup", "Ada", &made["token"]).await;
    let path = format!("/tokens/{}", made["token_id"].as_str().unwrap());
    let revoked = request(&server, Method::DELETE, &path).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    inside.check_alive().await;
    say_hello(&server, "standup", Some(&made["token"])).await.expect_error("token_invalid").await;
    server.shutdown().await;
    let server = start_with(on_disk(folder.path())).await;
    let mut refused = say_hello(&server, "standup", Some(&made["token"])).await;
    let error = refused.expect_error("token_invalid").await;
    assert!(error["message"].as_str().unwrap().contains("revoked"), "{error}");
    Client::join_as(&server, "standup", "Bo", &other["token"]).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_revocation_that_cannot_be_read_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = start_with(on_disk(folder.path())).await;
    let made = token(&server, &json!({"room": "standup"})).await;
    let path = format!("/tokens/{}", made["token_id"].as_str().unwrap());
    request(&server, Method::DELETE, &path).send().await.unwrap().error_for_status().unwrap();
    server.shutdown().await;
    let change = |sql: &str| {
        let store = rusqlite::Connection::open(folder.path().join("control.sqlite3")).unwrap();
        store.execute_batch(sql).expect("nobody has the file");
    };
    change("UPDATE entry SET value = x'00' WHERE key LIKE '%' || 'oken' || '%'");
    let server = start_with(on_disk(folder.path())).await;
    say_hello(&server, "standup", Some(&made["token"])).await.expect_error("token_invalid").await;
    server.shutdown().await;
    change("ALTER TABLE entry RENAME COLUMN value TO contents");
    let error = Server::start(on_disk(folder.path())).await.unwrap_err();
    assert!(error.to_string().starts_with("which tokens were taken back cannot be read"), "{error}");
}

#[tokio::test]
async fn where_guests_are_welcome_they_come_in_without_a_token_and_never_lead() {
    let server = start_with(config()).await;
    say_hello(&server, "standup", None).await.expect_error("token_required").await;
    server.shutdown().await;
    let server = start_with(Config { guests: true, ..config() }).await;
    let mut guest = say_hello(&server, "standup", None).await;
    guest.expect("welcome").await;
    assert_eq!(guest.expect("meeting").await["you"]["host"], false, "also when alone");
    guest.say(&json!({"type": "moderate", "action": "mute_all"})).await;
    while guest.hear().await.unwrap()["code"] != "forbidden" {}
    say_hello(&server, "standup", Some(&json!("nonsense"))).await.expect_error("token_invalid").await;
    let made = token(&server, &json!({"room": "standup", "host": true})).await;
    let (mut host, _) = Client::join_as(&server, "standup", "Ada", &made["token"]).await;
    let locked = json!({"locked": true, "waiting_room": false, "share": "everyone", "chat": "everyone", "unmute": "everyone"});
    host.say(&json!({"type": "moderate", "action": "set_policy", "policy": locked})).await;
    while host.expect("meeting").await["policy"]["locked"] != true {}
    say_hello(&server, "standup", None).await.expect_error("room_locked").await;
    let unauthorized = reqwest::get(format!("http://{}/api/v1/rooms", server.http_addr)).await.unwrap();
    assert_eq!(unauthorized.status(), StatusCode::UNAUTHORIZED, "guests have no API");
    server.shutdown().await;
}

/// The rules of a newer version, say, that was taken back: the store answers, and nobody knows what.
fn spoil_rules(folder: &Path, room: &str) {
    let store = rusqlite::Connection::open(folder.join("control.sqlite3")).unwrap();
    let key = format!("settings/{room}");
    let changed =
        store.execute("UPDATE entry SET value = x'00' WHERE key = ?1", [key]).expect("nobody has the file");
    assert_eq!(changed, 1);
}

#[tokio::test]
async fn a_room_whose_rules_cannot_be_read_lets_nobody_in_until_they_can() {
    let folder = tempfile::tempdir().unwrap();
    let server = start_with(on_disk(folder.path())).await;
    post(&server, "/rooms", &json!({"room": "board", "policy": {"locked": true}})).await;
    let made = token(&server, &json!({"room": "*"})).await;
    server.shutdown().await;
    spoil_rules(folder.path(), "board");
    let server = start_with(on_disk(folder.path())).await;
    let mut client = say_hello(&server, "board", Some(&made["token"])).await;
    let error = client.expect_error("server_busy").await;
    assert_eq!((&error["request"], &error["retry_after_s"]), (&json!("hello"), &json!(5)));
    Client::join_as(&server, "elsewhere", "Ada", &made["token"]).await;
    let rooms = request(&server, Method::PUT, "/rooms/board/policy").json(&json!({})).send().await.unwrap();
    assert_eq!(rooms.status(), StatusCode::OK, "new rules take the place of what cannot be read");
    let mut again = hello("board", "Eve");
    again["token"] = made["token"].clone();
    client.say(&again).await;
    client.expect("welcome").await;
    server.shutdown().await;
}

#[tokio::test]
async fn who_is_banned_through_the_api_is_told_so_and_stays_out_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start_with(on_disk(folder.path())).await;
    let made = token(&server, &json!({"room": "standup", "subject": "eve"})).await;
    let host = token(&server, &json!({"room": "standup", "host": true, "subject": "ada"})).await;
    let (mut ada, _) = Client::join_as(&server, "standup", "Ada", &host["token"]).await;
    ada.say(&json!({"type": "chat", "number": 1, "text": "Good morning"})).await;
    ada.expect("chat").await;
    for (ban, reason) in [(false, "removed"), (true, "banned")] {
        let (mut eve, welcome) = Client::join_as(&server, "standup", "Eve", &made["token"]).await;
        let path = format!("/rooms/standup/participants/{}?ban={ban}", welcome["peer"].as_str().unwrap());
        let removed = request(&server, Method::DELETE, &path).send().await.unwrap();
        assert_eq!(removed.status(), StatusCode::NO_CONTENT);
        eve.expect_goodbye(reason).await;
    }
    server.shutdown().await;
    let server = start_with(on_disk(folder.path())).await;
    say_hello(&server, "standup", Some(&made["token"])).await.expect_error("banned").await;
    let (mut ada, _) = Client::join_as(&server, "standup", "Ada", &host["token"]).await;
    assert_eq!(ada.expect("chat").await["lines"][0]["text"], "Good morning");
    server.shutdown().await;
}
