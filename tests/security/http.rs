//! Requests that no browser makes.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::json;
use server::{Config, Running};

use crate::raw::{Raw, ask, status};
use crate::world::{ROOM, SECRET, Witness, api, config, rooms, start, start_with};

async fn with_site(folder: &Path) -> Running {
    let site = folder.join("site");
    std::fs::create_dir_all(site.join("assets")).unwrap();
    std::fs::write(site.join("index.html"), "<title>Visavis</title>").unwrap();
    std::fs::write(folder.join("secret.txt"), "TOP SECRET").unwrap();
    start_with(Config { site: Some(site), ..config() }).await
}

async fn get(server: &Running, target: &str) -> String {
    let host = server.http_addr;
    ask(host, &format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await
}

#[tokio::test]
async fn no_path_leads_out_of_the_site() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_site(folder.path()).await;
    let outside = folder.path().join("secret.txt").display().to_string();
    let targets = [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/%252e%252e/secret.txt",
        "/....//secret.txt",
        "/assets/%00/../../secret.txt",
        "/secret.txt%00.html",
        "/r/../../secret.txt",
        "/api/../../secret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "//secret.txt",
        outside.as_str(),
        &format!("/{outside}"),
        "/file:///etc/passwd",
    ];
    for target in targets {
        let answer = get(&server, target).await;
        assert!(!answer.contains("TOP SECRET") && !answer.contains("root:"), "{target}: {answer}");
        assert!(matches!(status(answer.as_bytes()), 200 | 400 | 404), "{target}: {answer}");
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("secret.txt")).unwrap(), "TOP SECRET");
    assert!(get(&server, "/").await.contains("Visavis"), "the site is served");
    server.shutdown().await;
}

#[tokio::test]
async fn no_text_of_a_request_becomes_a_header_of_the_answer() {
    let server = start().await;
    let host = server.http_addr;
    let injections = [
        format!("GET /%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: {host}\r\n"),
        format!("GET /r/standup%0d%0aX-Evil:1 HTTP/1.1\r\nHost: {host}\r\n"),
        format!(
            "GET /api/embed?origin=%0d%0aX-Evil:1 HTTP/1.1\r\nHost: {host}\r\nOrigin: x%0d%0aX-Evil:1\r\n"
        ),
        "POST /api/rooms HTTP/1.1\r\nHost: a\"><b\tX-Evil: 1\r\nContent-Length: 0\r\n".to_owned(),
        "POST /api/rooms HTTP/1.1\r\nHost: evil.example/?x=\r\nContent-Length: 0\r\n".to_owned(),
        format!(
            "GET /api/v1/rooms?cursor=%0d%0aX-Evil:1 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer ops:{SECRET}\r\n"
        ),
        format!(
            "OPTIONS /api/v1/rooms HTTP/1.1\r\nHost: {host}\r\nOrigin: https://app.example\rX-Evil: 1\r\n"
        ),
    ];
    for request in injections {
        let answer = ask(host, &format!("{request}Connection: close\r\n\r\n")).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        assert!(!head.to_ascii_lowercase().contains("x-evil"), "{request}: {head}");
        assert!(!body.contains("\"><b") && !body.contains("evil.example/?"), "{request}: {body}");
    }
    server.shutdown().await;
}

#[tokio::test]
async fn requests_that_two_parsers_could_read_differently_are_refused() {
    let server = start().await;
    let host = server.http_addr;
    let key =
        format!("Host: {host}\r\nAuthorization: Bearer ops:{SECRET}\r\nContent-Type: application/json\r\n");
    let smuggled = "DELETE /api/v1/tokens/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let ambiguous = [
        format!(
            "POST /api/v1/rooms HTTP/1.1\r\n{key}Content-Length: 2\r\nContent-Length: 60\r\n\r\n{{}}{smuggled}"
        ),
        format!("POST /api/v1/rooms HTTP/1.1\r\n{key}Content-Length: +2\r\n\r\n{{}}"),
        format!("POST /api/v1/rooms HTTP/1.1\r\n{key}Content-Length: -1\r\n\r\n{{}}"),
        format!(
            "POST /api/v1/rooms HTTP/1.1\r\n{key}Transfer-Encoding: xchunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
        ),
        format!(
            "POST /api/v1/rooms HTTP/1.1\r\n{key}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n"
        ),
        format!(
            "POST /api/v1/rooms HTTP/1.1\r\n{key}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"
        ),
        format!("GET /api/v1/rooms HTTP/1.1\r\n X-Folded: 1\r\n{key}\r\n"),
        "GET /api/health HTTP/9.9\r\n\r\n".to_owned(),
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03".to_owned() + "\r\n\r\n",
    ];
    for request in ambiguous {
        let mut raw = Raw::connect(host).await;
        raw.say(&request).await;
        let answer = String::from_utf8_lossy(&raw.hear_all().await).into_owned();
        assert!(matches!(status(answer.as_bytes()), 0 | 400 | 413 | 501 | 505), "{request}: {answer}");
    }
    assert_eq!(rooms(&server).await["items"], json!([]), "no room was made");
    server.shutdown().await;
}

#[tokio::test]
async fn heads_and_bodies_beyond_all_measure_are_refused() {
    let server = start().await;
    let mut witness = Witness::in_room(&server, ROOM).await;
    let host = server.http_addr;
    let line = |length: usize| {
        format!("GET /{} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", "x".repeat(length))
    };
    assert!(matches!(status(ask(host, &line(100_000)).await.as_bytes()), 0 | 414 | 431));
    let many = "X-A: 1\r\n".repeat(1000);
    let answer = ask(host, &format!("GET / HTTP/1.1\r\nHost: {host}\r\n{many}\r\n")).await;
    assert_eq!(status(answer.as_bytes()), 431, "{answer}");
    let mut raw = Raw::connect(host).await;
    raw.say(format!("GET / HTTP/1.1\r\nHost: {host}\r\nX-Long: ")).await;
    for _ in 0..128 {
        raw.say("x".repeat(16 * 1024)).await;
    }
    assert!(matches!(status(&raw.hear_all().await), 0 | 431), "a head has an end");
    let long = format!("{{\"room\":\"{}\"}}", "x".repeat(1_000_000));
    let refused = api(&server, Method::POST, "/tokens").header("content-type", "application/json").body(long);
    // The server closes without reading the rest: the client may see only that.
    if let Ok(response) = refused.send().await {
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    let announced = format!(
        "POST /api/v1/rooms HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer ops:{SECRET}\r\n\
         Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{{}}"
    );
    let mut raw = Raw::connect(host).await;
    raw.say(announced).await;
    assert_eq!(status(raw.head().await.as_bytes()), 413, "refused by what it announces");
    let deep = format!("{{\"policy\":{}{}}}", "[".repeat(15_000), "]".repeat(15_000));
    let refused = api(&server, Method::POST, "/rooms").header("content-type", "application/json").body(deep);
    assert!(matches!(
        refused.send().await.unwrap().status(),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY
    ));
    let items = rooms(&server).await["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1, "only the room with the witness: {items}");
    witness.saw_nothing().await;
    server.shutdown().await;
}
