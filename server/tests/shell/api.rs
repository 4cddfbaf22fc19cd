//! The HTTP API for operators.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use server::access::{Key, KeyId, Keyring, Material, UnixSeconds, sign_bearer, verify};
use server::{Config, DataDir, Running};

use crate::client::{Client as Participant, start, start_with};

const SECRET: &str = "a-secret-that-only-the-operator-knows";

fn key(id: &str, api: bool) -> Key {
    let material = Material::secret(&format!("{id}:{SECRET}")).unwrap();
    Key { id: KeyId::new(id).unwrap(), material, api, frame_ancestors: Vec::new() }
}

pub(crate) fn config() -> Config {
    let origins = vec!["https://app.example".parse().unwrap()];
    let keys = Keyring::new(vec![key("ops", true), key("door", false)]).unwrap();
    Config { keys, origins, ..Config::on_loopback() }
}

fn bearer(id: &str) -> String {
    format!("{id}:{id}:{SECRET}")
}

fn now() -> UnixSeconds {
    UnixSeconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

pub(crate) fn request(server: &Running, method: Method, path: &str) -> RequestBuilder {
    Client::new()
        .request(method, format!("http://{}/api/v1{path}", server.http_addr))
        .bearer_auth(bearer("ops"))
}

pub(crate) async fn post(server: &Running, path: &str, body: &Value) -> Response {
    request(server, Method::POST, path).json(body).send().await.unwrap()
}

async fn get(server: &Running, path: &str) -> Response {
    request(server, Method::GET, path).send().await.unwrap()
}

pub(crate) async fn value(response: Response) -> Value {
    response.json().await.unwrap()
}

async fn check_problem(response: Response, status: StatusCode) -> String {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem = value(response).await;
    assert_eq!(problem["status"], status.as_u16());
    let detail = problem["detail"].as_str().unwrap().to_owned();
    assert!(detail.ends_with('.') && detail.len() > 10, "{detail}");
    detail
}

#[tokio::test]
async fn a_token_is_made_with_what_was_asked_for() {
    let server = start_with(config()).await;
    let asked = json!({"room": "standup", "name": "Ada", "host": true, "publish": ["microphone"], "ttl_s": 60,
        "external_id": "u-1", "metadata": {"team": 7}, "participants_max": 5});
    let response = post(&server, "/tokens", &asked).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let created = value(response).await;
    let token = created["token"].as_str().unwrap();
    assert_eq!(created["link"], format!("http://{}/r/standup#token={token}", server.http_addr));
    let config = config();
    let grants = verify(token, &config.keys, &config.parties, now()).unwrap();
    assert!(grants.host && !grants.record && grants.publish.microphone && !grants.publish.camera);
    assert_eq!(grants.participants_max, Some(5));
    assert_eq!(grants.external_id.unwrap().as_str(), "u-1");
    assert_eq!(grants.token_id.unwrap().as_str(), created["token_id"]);
    assert_eq!(grants.expires_at.unwrap().0, created["expires_at"].as_u64().unwrap());
    let any = value(post(&server, "/tokens", &json!({"room": "*"})).await).await;
    assert_eq!(any["link"], Value::Null);
    server.shutdown().await;
}

#[tokio::test]
async fn without_a_key_that_may_nothing_is_answered() {
    let server = start_with(config()).await;
    let ask = async |authorization: Option<String>| {
        let mut request = Client::new().get(format!("http://{}/api/v1/rooms", server.http_addr));
        if let Some(text) = authorization {
            request = request.header("authorization", text);
        }
        request.send().await.unwrap()
    };
    let short = |key: &Key| sign_bearer(key, &config().parties, now(), now().plus(60)).unwrap();
    let forged = Key { material: Material::secret(&"x".repeat(40)).unwrap(), ..key("ops", true) };
    let refused = [
        None,
        Some("Basic b3BzOng=".to_owned()),
        Some("Bearer".to_owned()),
        Some("Bearer ops:wrong".to_owned()),
        Some(format!("Bearer {}", bearer("door"))),
        Some(format!("Bearer {}", bearer("none"))),
        Some(format!("Bearer {}", short(&key("door", false)))),
        Some(format!("Bearer {}", short(&forged))),
    ];
    for authorization in refused {
        let response = ask(authorization.clone()).await;
        assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"visavis\"");
        let detail = check_problem(response, StatusCode::UNAUTHORIZED).await;
        assert!(!detail.contains(SECRET), "{detail}");
    }
    assert_eq!(ask(Some(format!("bearer {}", bearer("ops")))).await.status(), StatusCode::OK);
    assert_eq!(ask(Some(format!("Bearer {}", short(&key("ops", true))))).await.status(), StatusCode::OK);
    let join = value(post(&server, "/tokens", &json!({"room": "*", "host": true})).await).await;
    let join = format!("Bearer {}", join["token"].as_str().unwrap());
    check_problem(ask(Some(join)).await, StatusCode::UNAUTHORIZED).await;
    server.shutdown().await;
}

#[tokio::test]
async fn an_open_server_has_no_api() {
    let server = start().await;
    check_problem(get(&server, "/rooms").await, StatusCode::FORBIDDEN).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_room_is_set_up_read_changed_and_listed() {
    let server = start_with(config()).await;
    let policy = json!({"share": "hosts", "waiting_room": true, "participants_max": 9});
    let created = value(post(&server, "/rooms", &json!({"room": "board", "policy": policy})).await).await;
    assert_eq!(created["policy"]["share"], "hosts");
    assert_eq!(created["policy"]["chat"], "everyone");
    assert_eq!(created["link"], format!("http://{}/r/board", server.http_addr));
    check_problem(post(&server, "/rooms", &json!({"room": "board"})).await, StatusCode::CONFLICT).await;
    let changed = request(&server, Method::PUT, "/rooms/board/policy").json(&json!({"locked": true}));
    assert_eq!(changed.send().await.unwrap().status(), StatusCode::OK);
    let read = value(get(&server, "/rooms/board").await).await;
    assert_eq!((&read["policy"]["locked"], &read["policy"]["share"]), (&json!(true), &json!("everyone")));
    assert_eq!(read["created_at"], created["created_at"]);
    check_problem(get(&server, "/rooms/nobody-here").await, StatusCode::NOT_FOUND).await;
    let random = value(post(&server, "/rooms", &json!({})).await).await;
    random["room"].as_str().unwrap().parse::<shared::RoomId>().unwrap();
    server.shutdown().await;
}

#[tokio::test]
async fn a_key_sets_up_as_many_rooms_as_it_may_and_more_once_it_forgets_some() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(DataDir { path: folder.path().to_owned(), is_chosen: true });
    let keys = Keyring::new(vec![key("ops", true), key("crm", true)]).unwrap();
    let config = Config { keys, data_dir, rooms_per_key_max: 3, ..config() };
    let server = start_with(config.clone()).await;
    // All at once: none is counted twice, and none is missed.
    let rooms = ["one", "two", "three", "four", "five"].map(|room| json!({"room": room}));
    let made = futures_util::future::join_all(rooms.iter().map(|room| post(&server, "/rooms", room))).await;
    let made = made.iter().filter(|response| response.status() == StatusCode::CREATED).count();
    assert_eq!(made, 3);
    server.shutdown().await;
    let server = start_with(config).await;
    let detail = check_problem(post(&server, "/rooms", &json!({})).await, StatusCode::FORBIDDEN).await;
    assert!(detail.contains("rooms_per_key_max is 3") && detail.contains("DELETE"), "{detail}");
    let set = async |room: &str| {
        let request = request(&server, Method::PUT, &format!("/rooms/{room}/policy"));
        request.json(&json!({"locked": true})).send().await.unwrap()
    };
    check_problem(set("six").await, StatusCode::FORBIDDEN).await;
    let listed = value(get(&server, "/rooms").await).await;
    let kept = listed["items"][0]["room"].as_str().unwrap();
    check_problem(post(&server, "/rooms", &json!({"room": kept})).await, StatusCode::CONFLICT).await;
    assert_eq!(set(kept).await.status(), StatusCode::OK, "it is counted already");
    let url = format!("http://{}/api/v1/rooms", server.http_addr);
    let other = Client::new().post(url).bearer_auth(bearer("crm"));
    let other = other.json(&json!({"room": "of-another-key"})).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::CREATED);
    for _ in 0..2 {
        let forgotten = request(&server, Method::DELETE, &format!("/rooms/{kept}")).send().await.unwrap();
        assert_eq!(forgotten.status(), StatusCode::NO_CONTENT);
    }
    check_problem(get(&server, &format!("/rooms/{kept}")).await, StatusCode::NOT_FOUND).await;
    assert_eq!(set("six").await.status(), StatusCode::OK);
    check_problem(post(&server, "/rooms", &json!({})).await, StatusCode::FORBIDDEN).await;
    check_problem(
        request(&server, Method::DELETE, "/rooms/A%20b").send().await.unwrap(),
        StatusCode::NOT_FOUND,
    )
    .await;
    server.shutdown().await;
}

#[tokio::test]
async fn rooms_are_listed_in_pages() {
    let server = start_with(config()).await;
    for number in 0..5 {
        post(&server, "/rooms", &json!({"room": format!("room-{number}")})).await;
    }
    let (mut cursor, mut found, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let page = value(get(&server, &format!("/rooms?limit=2&cursor={cursor}")).await).await;
        found.extend(page["items"].as_array().unwrap().iter().map(|room| room["room"].to_string()));
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!(found, (0..5).map(|number| format!("\"room-{number}\"")).collect::<Vec<_>>());
    assert_eq!(pages, 3);
    for query in ["limit=0", "limit=101", "limit=x", "cursor=%2B%2B"] {
        check_problem(get(&server, &format!("/rooms?{query}")).await, StatusCode::BAD_REQUEST).await;
    }
    server.shutdown().await;
}

#[tokio::test]
async fn what_does_not_fit_is_a_problem_with_a_sentence() {
    let server = start_with(config()).await;
    let wrong = [
        json!({}),
        json!({"room": "Stand Up"}),
        json!({"room": "standup", "colour": "red"}),
        json!({"room": "standup", "publish": ["hologram"]}),
        json!({"room": "standup", "ttl_s": 0}),
        json!({"room": "standup", "ttl_s": 3_000_000}),
        json!({"room": "standup", "participants_max": 0}),
        json!({"room": "standup", "metadata": "x".repeat(2000)}),
        json!({"room": "standup", "name": ""}),
        json!([]),
    ];
    for body in wrong {
        check_problem(post(&server, "/tokens", &body).await, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let send = async |kind: &'static str, body: String| {
        let request = request(&server, Method::POST, "/tokens").header("content-type", kind).body(body);
        request.send().await.unwrap()
    };
    check_problem(send("application/json", "{".to_owned()).await, StatusCode::BAD_REQUEST).await;
    check_problem(send("text/plain", "{}".to_owned()).await, StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
    let long = format!("{{\"room\":\"{}\"}}", "x".repeat(40_000));
    check_problem(send("application/json", long).await, StatusCode::PAYLOAD_TOO_LARGE).await;
    check_problem(get(&server, "/rooms/A%20b").await, StatusCode::NOT_FOUND).await;
    check_problem(get(&server, "/nothing").await, StatusCode::NOT_FOUND).await;
    check_problem(get(&server, "/tokens").await, StatusCode::METHOD_NOT_ALLOWED).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_repeated_request_is_done_once_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(DataDir { path: folder.path().to_owned(), is_chosen: true });
    let config = Config { data_dir, ..config() };
    let server = start_with(config.clone()).await;
    let create = async |server: &Running, key: &str, body: &Value| {
        let request =
            request(server, Method::POST, "/rooms").header("idempotency-key", key.to_owned()).json(body);
        request.send().await.unwrap()
    };
    let body = json!({"policy": {"locked": true}});
    let first = create(&server, "k-1", &body).await;
    assert!(!first.headers().contains_key("idempotency-replayed"));
    let first = value(first).await;
    assert_ne!(value(create(&server, "k-2", &body).await).await["room"], first["room"]);
    server.shutdown().await;
    let server = start_with(config).await;
    let again = create(&server, "k-1", &body).await;
    assert_eq!(again.status(), StatusCode::CREATED);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(value(again).await, first);
    check_problem(create(&server, "k-1", &json!({})).await, StatusCode::UNPROCESSABLE_ENTITY).await;
    check_problem(create(&server, &"k".repeat(256), &body).await, StatusCode::BAD_REQUEST).await;
    let refused = create(&server, "k-3", &json!({"room": "Not A Room"})).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let room = first["room"].as_str().unwrap();
    assert_eq!(value(get(&server, &format!("/rooms/{room}")).await).await["policy"]["locked"], true);
    server.shutdown().await;
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_to_wait() {
    let server = start_with(config()).await;
    let url = format!("http://{}/api/v1/rooms", server.http_addr);
    let client = Client::new();
    let allowed = client.get(&url).bearer_auth(bearer("ops")).send().await.unwrap();
    assert_eq!(allowed.headers()["ratelimit-policy"], "\"key\";q=200;w=4");
    assert!(allowed.headers()["ratelimit"].to_str().unwrap().starts_with("\"key\";r=199"));
    // Guessing keys is limited by the address, before any key is looked at.
    let guess = async || client.get(&url).bearer_auth("ops:guess").send().await.unwrap();
    let refused = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let answers = futures_util::future::join_all((0..50).map(|_| guess())).await;
            if let Some(refused) =
                answers.into_iter().find(|answer| answer.status() != StatusCode::UNAUTHORIZED)
            {
                break refused;
            }
        }
    });
    let refused = refused.await.unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    check_problem(refused, StatusCode::TOO_MANY_REQUESTS).await;
    server.shutdown().await;
}

#[tokio::test]
async fn only_pages_of_listed_origins_may_use_the_api() {
    let server = start_with(config()).await;
    let preflight = async |origin: &'static str| {
        let request = Client::new()
            .request(Method::OPTIONS, format!("http://{}/api/v1/tokens", server.http_addr))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization");
        request.send().await.unwrap().headers().get("access-control-allow-origin").cloned()
    };
    assert_eq!(preflight("https://app.example").await.unwrap(), "https://app.example");
    assert_eq!(preflight("https://evil.example").await, None);
    assert_eq!(preflight("null").await, None);
    server.shutdown().await;
}

#[tokio::test]
async fn the_api_describes_itself() {
    let server = start().await;
    let url = format!("http://{}/api/openapi.json", server.http_addr);
    let described: Value = Client::new().get(url).send().await.unwrap().json().await.unwrap();
    let committed: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    assert_eq!(described, committed);
    server.shutdown().await;
}

#[tokio::test]
async fn a_token_may_be_taken_back_and_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(DataDir { path: folder.path().to_owned(), is_chosen: true });
    let server = start_with(Config { data_dir, ..config() }).await;
    let created = value(post(&server, "/tokens", &json!({"room": "standup"})).await).await;
    let path = format!("/tokens/{}", created["token_id"].as_str().unwrap());
    for _ in 0..2 {
        let revoked = request(&server, Method::DELETE, &path).send().await.unwrap();
        assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    }
    server.shutdown().await;
}

#[tokio::test]
async fn captions_reach_those_in_the_room_who_want_them() {
    let server = start_with(config()).await;
    let path = "/rooms/standup/captions";
    let said = json!({"segment": 7, "text": " Good morning ", "language": "en"});
    check_problem(post(&server, path, &said).await, StatusCode::NOT_FOUND).await;
    let token = value(post(&server, "/tokens", &json!({"room": "standup"})).await).await["token"].clone();
    let (mut ada, welcome) = Participant::join_as(&server, "standup", "Ada", &token).await;
    let (mut bo, _) = Participant::join_as(&server, "standup", "Bo", &token).await;
    ada.say(&json!({"type": "want_captions", "wanted": true})).await;
    ada.check_alive().await;
    let mut spoken = said.clone();
    spoken["speaker"] = welcome["peer"].clone();
    assert_eq!(post(&server, path, &spoken).await.status(), StatusCode::NO_CONTENT);
    let caption = ada.expect("caption").await;
    assert_eq!((&caption["text"], &caption["name"]), (&json!("Good morning"), &json!("Ada")));
    assert_eq!((&caption["segment"], &caption["is_final"]), (&json!(7), &json!(true)));
    // It goes where it is wanted and nowhere else: this is answered before any caption comes.
    bo.say(&json!({"type": "ping", "nonce": 1})).await;
    while let Some(message) = bo.hear().await {
        assert_ne!(message["type"], "caption");
        if message["type"] == "pong" {
            break;
        }
    }
    spoken["speaker"] = json!("00c0ffee00c0ffee");
    check_problem(post(&server, path, &spoken).await, StatusCode::NOT_FOUND).await;
    server.shutdown().await;
}

#[tokio::test]
async fn what_is_no_caption_is_a_problem_that_names_the_bound() {
    let server = start_with(config()).await;
    let check = async |change: &str, to: Value, part: &str| {
        let mut body = json!({"segment": 1, "text": "Good morning"});
        body[change] = to;
        let response = post(&server, "/rooms/standup/captions", &body).await;
        let detail = check_problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert!(detail.contains(change) && detail.contains(part), "{change}: {detail}");
    };
    check("text", json!("x".repeat(501)), "at most 500").await;
    check("text", json!(" "), "blank").await;
    check("text", json!("a\u{7}"), "control character").await;
    check("name", json!("x".repeat(65)), "at most 64").await;
    check("language", json!("english please"), "BCP 47").await;
    check("segment", json!(-1), "whole number").await;
    check("segment", json!(4_294_967_296_u64), "whole number").await;
    check("speaker", json!("Ada"), "16").await;
    check("colour", json!("red"), "unknown field").await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_key_that_floods_a_room_with_captions_is_told_to_wait() {
    let server = start_with(config()).await;
    let token = value(post(&server, "/tokens", &json!({"room": "standup"})).await).await["token"].clone();
    let (_ada, _) = Participant::join_as(&server, "standup", "Ada", &token).await;
    let said = json!({"segment": 7, "text": "Good morning"});
    let answers = (0..60).map(|_| post(&server, "/rooms/standup/captions", &said));
    let refused = futures_util::future::join_all(answers).await;
    let refused = refused.into_iter().find(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS);
    let refused = refused.expect("forty fit into two seconds");
    assert_eq!(refused.headers()["retry-after"], "1");
    check_problem(refused, StatusCode::TOO_MANY_REQUESTS).await;
    server.shutdown().await;
}
