//! Tokens that somebody made, changed, kept or stole.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::access::{Material, sign, sign_bearer};
use shared::protocol::{ClientMessage, ErrorCode, Hello, ServerMessage};

use crate::socket::{Socket, hello};
use crate::world::{
    ROOM, SECRET, Witness, api, bare, config, grants, join, key, now, ops, pair, refusal, start, token,
};

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token with this header and these claims, its signature an HMAC with this secret.
fn forged(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let signed = format!("{}.{}", part(header), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
}

fn claims() -> Value {
    json!({"aud": "visavis", "iat": now().0, "exp": now().0 + 60, "room": ROOM, "host": true})
}

/// A true token with other claims under its signature.
fn tampered(change: impl Fn(&mut Value)) -> String {
    let token = token(&grants(ROOM, "true"));
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    change(&mut claims);
    format!("{}.{}.{}", parts[0], part(&claims), parts[2])
}

fn forgeries() -> Vec<(&'static str, String)> {
    let hs = |kid: &str| json!({"alg": "HS256", "kid": kid});
    let (_, public) = pair().material.to_pem().unwrap();
    let stranger = Material::secret(&"x".repeat(40)).unwrap();
    let unsigned = |alg: &str| format!("{}.{}.", part(&json!({"alg": alg, "kid": "ops"})), part(&claims()));
    let raw_public = public.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let secret = SECRET.as_bytes();
    let critical = json!({"alg": "HS256", "kid": "ops", "crit": ["exp"]});
    let own_key =
        json!({"alg": "HS256", "kid": "mine", "jwk": {"kty": "oct", "k": "eHh4"}, "jku": "http://x/"});
    vec![
        (
            "another key under our name",
            sign(&grants(ROOM, "1"), &key("ops", stranger.clone(), true), &config().parties, now()).unwrap(),
        ),
        (
            "a key that is not ours",
            sign(&grants(ROOM, "1"), &key("other", stranger, true), &config().parties, now()).unwrap(),
        ),
        ("no algorithm", unsigned("none")),
        ("no algorithm, shouted", unsigned("NONE")),
        ("no signature", unsigned("HS256")),
        ("the public key as a secret", forged(&hs("pair"), &claims(), public.as_bytes())),
        ("the public key's bytes as a secret", forged(&hs("pair"), &claims(), raw_public.as_bytes())),
        (
            "the algorithm of the pair over an HMAC",
            forged(&json!({"alg": "EdDSA", "kid": "ops"}), &claims(), secret),
        ),
        ("another hash", forged(&json!({"alg": "HS512", "kid": "ops"}), &claims(), secret)),
        ("no name of a key, where there are several", forged(&json!({"alg": "HS256"}), &claims(), secret)),
        ("a path for a name", forged(&hs("../../dev/null"), &claims(), b"")),
        ("a key of its own in the header", forged(&own_key, &claims(), b"xxx")),
        ("critical extensions", forged(&critical, &claims(), secret)),
        ("a host after the fact", tampered(|claims| claims["host"] = json!(true))),
        ("every room after the fact", tampered(|claims| claims["room"] = json!("*"))),
        ("a longer life after the fact", tampered(|claims| claims["exp"] = json!(now().0 + 9000))),
        ("no parts", "nonsense".to_owned()),
        ("too many parts", format!("{}.x", token(&grants(ROOM, "1")))),
        ("nothing", String::new()),
    ]
}

fn misused() -> Vec<(&'static str, ErrorCode, String)> {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut claims = claims();
        change(&mut claims);
        forged(&json!({"alg": "HS256", "kid": "ops"}), &claims, SECRET.as_bytes())
    };
    let late = now().0 - 120;
    vec![
        (
            "ended",
            ErrorCode::TokenExpired,
            with(&|claims| {
                claims["iat"] = json!(late - 60);
                claims["exp"] = json!(late);
            }),
        ),
        ("not begun", ErrorCode::TokenExpired, with(&|claims| claims["nbf"] = json!(now().0 + 50))),
        (
            "made in the future",
            ErrorCode::TokenExpired,
            with(&|claims| {
                claims["iat"] = json!(now().0 + 50);
                claims["exp"] = json!(now().0 + 60);
            }),
        ),
        ("endless", ErrorCode::TokenInvalid, with(&|claims| claims["exp"] = Value::Null)),
        (
            "too long a life",
            ErrorCode::TokenInvalid,
            with(&|claims| claims["exp"] = json!(now().0 + 40 * 86_400)),
        ),
        ("for somebody else", ErrorCode::TokenInvalid, with(&|claims| claims["aud"] = json!("another"))),
        ("for the API", ErrorCode::TokenInvalid, with(&|claims| claims["aud"] = json!("visavis:api"))),
        ("for another room", ErrorCode::TokenInvalid, with(&|claims| claims["room"] = json!("board"))),
        ("for no room", ErrorCode::TokenInvalid, with(&|claims| claims["room"] = Value::Null)),
        ("a host by another type", ErrorCode::TokenInvalid, with(&|claims| claims["host"] = json!("yes"))),
    ]
}

#[tokio::test]
async fn forged_tokens_open_neither_a_room_nor_the_api() {
    let server = start().await;
    let mut witness = Witness::in_room(&server, ROOM).await;
    for (what, token) in forgeries() {
        let code = refusal(&server, ROOM, Some(token.clone())).await;
        assert!(matches!(code, ErrorCode::TokenInvalid | ErrorCode::TokenRequired), "{what}: {code:?}");
        let response = bare(&server, Method::GET, "/rooms").bearer_auth(token).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{what}");
    }
    witness.saw_nothing().await;
    server.shutdown().await;
}

#[tokio::test]
async fn true_tokens_open_only_what_they_are_for_and_only_in_their_time() {
    let server = start().await;
    let mut witness = Witness::in_room(&server, ROOM).await;
    for (what, expected, token) in misused() {
        assert_eq!(refusal(&server, ROOM, Some(token.clone())).await, expected, "{what}");
        let response = bare(&server, Method::GET, "/rooms").bearer_auth(token).send().await.unwrap();
        assert!(what == "for the API" || response.status() == StatusCode::UNAUTHORIZED, "{what}");
    }
    // The key of the pair signs tokens and does not open the API; nor does a join token, however mighty.
    let of_pair = sign_bearer(&pair(), &config().parties, now(), now().plus(60)).unwrap();
    let mut host = grants("*", "host");
    host.host = true;
    for bearer in [of_pair, token(&host), format!("pair:{SECRET}"), "ops:".to_owned(), ":".to_owned()] {
        let response = bare(&server, Method::DELETE, "/rooms/standup/participants/00c0ffee00c0ffee")
            .bearer_auth(&bearer);
        assert_eq!(response.send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{bearer}");
    }
    witness.saw_nothing().await;
    server.shutdown().await;
}

/// A join token is a link: whoever has it may use it again until it ends. What may not be replayed is what was taken back: a
/// revoked token, a seat that was given up, and an answer of the API under another body.
#[tokio::test]
async fn what_was_taken_back_is_not_taken_again() {
    let server = start().await;
    let mut witness = Witness::in_room(&server, ROOM).await;
    let mut eve = grants(ROOM, "eve-1");
    eve.token_id = server::access::TokenId::new("eve-1");
    let revoked = api(&server, Method::DELETE, "/tokens/eve-1").send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    for _ in 0..3 {
        assert_eq!(refusal(&server, ROOM, Some(token(&eve))).await, ErrorCode::TokenInvalid);
    }
    witness.saw_nothing().await;
    let (mut bo, welcome) = join(&server, ROOM, &grants(ROOM, "bo-1")).await;
    bo.send(&ClientMessage::Leave).await;
    bo.closed().await;
    let replayed = Hello { resume: Some(welcome.resume), ..hello(ROOM) };
    let mut socket = Socket::open(server.http_addr).await;
    socket.send(&ClientMessage::Hello(replayed)).await;
    let code = socket
        .wait(|message| if let ServerMessage::Error(fault) = message { Some(fault.code) } else { None });
    assert_eq!(code.await, ErrorCode::TokenRequired, "the seat is gone, and its token opens no other");
    let once = async |body: &Value| {
        api(&server, Method::POST, "/rooms")
            .header("idempotency-key", "once")
            .json(body)
            .send()
            .await
            .unwrap()
    };
    let first: Value = once(&json!({"room": "board"})).await.json().await.unwrap();
    assert_eq!(
        once(&json!({"room": "board", "policy": {"locked": true}})).await.status(),
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let kept: Value = api(&server, Method::GET, "/rooms/board").send().await.unwrap().json().await.unwrap();
    assert_eq!(kept, first);
    server.shutdown().await;
}

#[tokio::test]
async fn a_refusal_says_nothing_of_the_keys() {
    let server = start().await;
    let response = bare(&server, Method::GET, "/rooms").bearer_auth("ops:guess").send().await.unwrap();
    let text = response.text().await.unwrap();
    assert!(!text.contains(SECRET) && !text.contains("pair"), "{text}");
    assert!(!format!("{:?}", ops()).contains(SECRET) && !format!("{:?}", config()).contains(SECRET));
    server.shutdown().await;
}
