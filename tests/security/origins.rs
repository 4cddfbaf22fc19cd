//! Pages of others.

use reqwest::{Client, Method};
use serde_json::Value;
use server::Config;

use crate::raw::{Raw, ask, status};
use crate::world::{ROOM, Witness, bare, rooms, start, start_with};

const HOSTILE: [&str; 6] = [
    "https://evil.example",
    "null",
    "https://app.example.evil.example",
    "http://app.example",
    "https://app.example:8443",
    "file://",
];

#[tokio::test]
async fn pages_of_others_get_no_websocket_no_api_and_no_frame() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "<title>Visavis</title>").unwrap();
    let site = Some(folder.path().to_owned());
    let server = start_with(Config { site, ..crate::world::config() }).await;
    let mut witness = Witness::in_room(&server, ROOM).await;
    for origin in HOSTILE {
        let head = Raw::upgrade(server.http_addr, &format!("Origin: {origin}\r\n")).await;
        assert_eq!(status(head.err().unwrap().as_bytes()), 403, "{origin}");
        let preflight = bare(&server, Method::OPTIONS, "/tokens")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization");
        let answer = preflight.send().await.unwrap();
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{origin}");
        assert!(!answer.headers().contains_key("access-control-allow-credentials"), "{origin}");
        let url = format!("http://{}/api/embed", server.http_addr);
        let asked = Client::new().get(url).query(&[("origin", origin)]).send().await.unwrap();
        assert_eq!(asked.json::<Value>().await.unwrap()["allowed"], false, "{origin}");
    }
    let page = reqwest::get(format!("http://{}/r/{ROOM}", server.http_addr)).await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let ancestors = policy.split("; ").find(|part| part.starts_with("frame-ancestors")).unwrap();
    assert_eq!(ancestors, "frame-ancestors 'self' https://pages.example");
    assert!(!page.headers().contains_key("access-control-allow-origin"));
    witness.saw_nothing().await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_name_that_was_pointed_here_is_not_this_machine() {
    let server = start_with(Config::on_loopback()).await;
    for headers in [
        "Host: evil.example",
        "Host: localhost\r\nX-Forwarded-For: 127.0.0.1",
        "Host: 127.0.0.1.evil.example",
    ] {
        let answer = ask(
            server.http_addr,
            &format!(
                "GET /ws HTTP/1.1\r\n{headers}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\
                 GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            ),
        )
        .await;
        assert_eq!(status(answer.as_bytes()), 403, "{headers}");
    }
    server.shutdown().await;
}

#[tokio::test]
async fn headers_of_proxies_are_believed_from_proxies_only() {
    let server = start().await;
    let created = ask(
        server.http_addr,
        "POST /api/rooms HTTP/1.1\r\nHost: meet.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n\
         Forwarded: host=evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(created.contains("http://meet.example/r/") && !created.contains("evil"), "{created}");
    assert_eq!(rooms(&server).await["items"], serde_json::json!([]));
    server.shutdown().await;
}
