use std::net::SocketAddr;
use std::path::Path;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use server::{Config, Running};

use crate::client::{start, start_with};

const SCRIPT: &str = "app-0123456789abcdef.js";

/// A server with a small site of its own.
async fn with_site(folder: &Path) -> Running {
    std::fs::write(folder.join("index.html"), "<title>Visavis</title><script>start()</script>").unwrap();
    std::fs::write(folder.join(SCRIPT), "export const x = 1;\n".repeat(200)).unwrap();
    std::fs::write(folder.join("app-0123456789abcdef_bg.wasm"), b"\0asm").unwrap();
    start_with(Config { site: Some(folder.to_owned()), ..Config::on_loopback() }).await
}

fn request(method: Method, address: SocketAddr, path: &str) -> RequestBuilder {
    Client::new().request(method, format!("http://{address}{path}"))
}

async fn get(server: &Running, path: &str) -> Response {
    request(Method::GET, server.http_addr, path).send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn check_problem(response: Response, status: StatusCode) {
    assert_eq!(response.status(), status);
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status.as_u16());
    assert!(problem["detail"].as_str().unwrap().ends_with('.'), "{problem}");
}

#[tokio::test]
async fn a_new_room_has_a_valid_name_and_a_link_that_leads_to_it() {
    let server = start().await;
    let response = request(Method::POST, server.http_addr, "/api/rooms").send().await.unwrap();
    assert_eq!((response.status(), header(&response, "cache-control")), (StatusCode::CREATED, "no-store"));
    let created: Value = response.json().await.unwrap();
    let room = created["room"].as_str().unwrap();
    room.parse::<shared::RoomId>().unwrap();
    assert_eq!(created["link"], format!("http://{}/r/{room}", server.http_addr));
    let again = request(Method::POST, server.http_addr, "/api/rooms").send().await.unwrap();
    assert_ne!(again.json::<Value>().await.unwrap()["room"], room);
}

#[tokio::test]
async fn the_link_keeps_the_scheme_that_the_page_was_opened_with() {
    let server = start().await;
    let origin = format!("https://{}", server.http_addr);
    let request = request(Method::POST, server.http_addr, "/api/rooms").header("origin", &origin);
    let created: Value = request.send().await.unwrap().json().await.unwrap();
    assert!(created["link"].as_str().unwrap().starts_with(&format!("{origin}/r/")), "{created}");
}

#[tokio::test]
async fn health_readiness_and_version_answer() {
    let server = start().await;
    let ask = async |path: &str| get(&server, path).await.json::<Value>().await.unwrap();
    assert_eq!(ask("/api/health").await["status"], "alive");
    assert_eq!(ask("/api/ready").await["status"], "ready");
    let version = ask("/api/version").await;
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["protocol"]["major"], 1);
    assert!(version["capabilities"].is_array());
    assert_eq!(ask("/api/forwarding").await, serde_json::json!({}), "nothing was forwarded yet");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_site(folder.path()).await;
    check_problem(get(&server, "/api/nonsense").await, StatusCode::NOT_FOUND).await;
    check_problem(get(&server, "/missing.js").await, StatusCode::NOT_FOUND).await;
    check_problem(get(&server, "/.git/config").await, StatusCode::NOT_FOUND).await;
    check_problem(get(&server, "/%2e%2e/secret.txt").await, StatusCode::NOT_FOUND).await;
    check_problem(get(&server, "/api/rooms").await, StatusCode::METHOD_NOT_ALLOWED).await;
    check_problem(get(&server, "/ws").await, StatusCode::UPGRADE_REQUIRED).await;
    let post = request(Method::POST, server.http_addr, "/").send().await.unwrap();
    check_problem(post, StatusCode::METHOD_NOT_ALLOWED).await;
}

#[tokio::test]
async fn every_page_is_the_same_document_and_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_site(folder.path()).await;
    for path in ["/", "/r/abc-defg", "/r/abc-defg/", "/left"] {
        let response = get(&server, path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
        assert_eq!(header(&response, "cache-control"), "no-cache");
        let tag = header(&response, "etag").to_owned();
        assert!(response.text().await.unwrap().contains("Visavis"));
        let again = request(Method::GET, server.http_addr, path).header("if-none-match", tag);
        assert_eq!(again.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
    }
}

#[tokio::test]
async fn only_the_pages_of_the_settings_may_show_the_site_in_a_frame() {
    let folder = tempfile::tempdir().unwrap();
    let closed = with_site(folder.path()).await;
    let embed_origins = vec!["https://app.example".parse().unwrap()];
    let site = Some(folder.path().to_owned());
    let open = start_with(Config { embed_origins, site, ..Config::on_loopback() }).await;
    let policy = |response: &Response| header(response, "content-security-policy").to_owned();
    let page = get(&closed, "/r/abc-defg").await;
    assert!(policy(&page).contains("frame-ancestors 'self';"));
    // Who kept the page from before the settings changed gets the new policy.
    let tag = header(&page, "etag").to_owned();
    let page = request(Method::GET, open.http_addr, "/r/abc-defg").header("if-none-match", tag);
    let page = page.send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert!(policy(&page).contains("frame-ancestors 'self' https://app.example;"));
    let allowed = async |server: &Running, query: &str| {
        get(server, &format!("/api/embed{query}")).await.json::<Value>().await.unwrap()["allowed"].clone()
    };
    assert_eq!(allowed(&open, "?origin=https://app.example").await, true);
    assert_eq!(allowed(&open, &format!("?origin=http://{}", open.http_addr)).await, true);
    assert_eq!(allowed(&open, "?origin=https://evil.example").await, false);
    assert_eq!(allowed(&open, "?origin=null").await, false);
    assert_eq!(allowed(&open, "").await, false);
    assert_eq!(allowed(&closed, "?origin=https://app.example").await, false);
}

#[tokio::test]
async fn pages_of_any_origin_load_the_script_of_the_embedding_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_site(folder.path()).await;
    std::fs::write(folder.path().join("embed.js"), "1").unwrap();
    let script = get(&server, "/embed.js").await;
    assert_eq!(header(&script, "access-control-allow-origin"), "*");
    assert_eq!(header(&script, "cross-origin-resource-policy"), "cross-origin");
    for path in ["/", "/api/version", &format!("/{SCRIPT}")] {
        assert_eq!(header(&get(&server, path).await, "access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn hashed_files_are_kept_for_ever_and_have_their_type() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_site(folder.path()).await;
    for (path, kind) in [(SCRIPT, "text/javascript"), ("app-0123456789abcdef_bg.wasm", "application/wasm")] {
        let response = get(&server, &format!("/{path}")).await;
        assert!(header(&response, "content-type").starts_with(kind), "{path}");
        assert!(header(&response, "cache-control").contains("immutable"), "{path}");
    }
}

#[tokio::test]
async fn files_are_compressed_for_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_site(folder.path()).await;
    let request =
        request(Method::GET, server.http_addr, &format!("/{SCRIPT}")).header("accept-encoding", "gzip");
    let response = request.send().await.unwrap();
    assert_eq!(header(&response, "content-encoding"), "gzip");
    assert!(response.bytes().await.unwrap().len() < 1000);
    assert_eq!(header(&get(&server, &format!("/{SCRIPT}")).await, "content-encoding"), "");
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_site(folder.path()).await;
    for path in ["/", "/missing.js", "/api/health", "/ws"] {
        let response = get(&server, path).await;
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer", "{path}");
        assert!(header(&response, "permissions-policy").contains("camera=(self)"), "{path}");
        assert!(header(&response, "content-security-policy").contains("default-src"), "{path}");
    }
}

#[tokio::test]
async fn the_document_may_run_its_own_inline_script_and_wasm_only() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_site(folder.path()).await;
    let response = get(&server, "/").await;
    let policy = header(&response, "content-security-policy");
    // printf 'start()' | openssl dgst -sha256 -binary | base64
    let scripts =
        "script-src 'self' 'wasm-unsafe-eval' 'sha256-DIm7WJS6ZKDYe5qFLPy+h4JFI9Bol5QmYC57mt3Fb00='";
    assert!(policy.contains(scripts), "{policy}");
    assert!(!policy.contains("'unsafe-eval'"), "{policy}");
}

#[tokio::test]
async fn a_worker_may_load_and_run_what_the_page_may() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_site(folder.path()).await;
    let response = get(&server, &format!("/{SCRIPT}")).await;
    let policy = header(&response, "content-security-policy");
    assert!(policy.contains("connect-src 'self'"), "{policy}");
    assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval'"), "{policy}");
    assert!(!policy.contains("'unsafe-eval'") && !policy.contains("sha256"), "{policy}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_does_not_lead_out_of_the_site() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = with_site(folder.path()).await;
    std::fs::write(outside.path().join("secret.txt"), "secret").unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.txt"), folder.path().join("a.txt")).unwrap();
    check_problem(get(&server, "/a.txt").await, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn a_site_that_does_not_exist_is_named_at_start() {
    let config = Config { site: Some("no-such-folder".into()), ..Config::on_loopback() };
    let error = server::Server::start(config).await.unwrap_err().to_string();
    assert!(error.contains("no-such-folder"), "{error}");
}

#[tokio::test]
async fn a_taken_port_is_named_at_start() {
    let server = start().await;
    let config = Config { listen: server.http_addr, ..Config::on_loopback() };
    let error = server::Server::start(config).await.unwrap_err().to_string();
    assert!(error.contains(&server.http_addr.to_string()), "{error}");
}
