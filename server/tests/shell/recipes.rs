//! The programs in `deploy/README.md`, run as they stand there.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use serde_json::json;
use server::Config;
use server::access::{Grants, Key, KeyId, Keyring, Material, UnixSeconds, sign, verify};
use server::webhooks::Secret;

use crate::client::{Client, start_with};

const README: &str = include_str!("../../../deploy/README.md");
const SECRET: &str = "not a secret: $HOME \"quoted\" & long enough";
const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The first block in this language below this heading.
fn recipe(heading: &str, language: &str) -> &'static str {
    let (_, section) = README.split_once(&format!("## {heading}\n")).expect("the heading is there");
    let (_, block) = section.split_once(&format!("```{language}\n")).expect("the block is there");
    block.split_once("```").expect("a block ends").0
}

/// What a program prints that is given to an interpreter. Nothing: there is no such interpreter here.
fn run(interpreter: &str, program: &str) -> Option<String> {
    run_at(interpreter, program, "")
}

/// The same with a server that it can speak to.
fn run_at(interpreter: &str, program: &str, site: &str) -> Option<String> {
    let mut command = Command::new(interpreter);
    command.env("SITE", site);
    command.env("KEY_ID", "2026-11").env("SECRET", SECRET).env("WEBHOOK_SECRET", WEBHOOK_SECRET);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{interpreter} fails: {program}");
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

fn now() -> UnixSeconds {
    UnixSeconds::of(SystemTime::now())
}

fn key() -> Key {
    Key {
        id: KeyId::new("2026-11").unwrap(),
        material: Material::secret(SECRET).unwrap(),
        api: true,
        frame_ancestors: Vec::new(),
    }
}

fn opened(token: &str) -> Grants {
    verify(token, &Keyring::new(vec![key()]).unwrap(), &Config::default().parties, now()).unwrap()
}

fn check_token(interpreter: &str, language: &str) {
    let token = run(interpreter, recipe("Tokens from your own program", language));
    let grants = opened(&token.unwrap_or_else(|| panic!("{interpreter} is not on the search path")));
    assert!(grants.host && grants.rooms.covers(&"standup".parse().unwrap()));
    assert_eq!(grants.name.unwrap().as_str(), "Ada");
}

#[test]
fn a_token_made_in_python_opens_its_room() {
    check_token("python3", "python");
}

#[test]
fn a_token_made_in_node_opens_its_room() {
    check_token("node", "js");
}

#[test]
fn a_token_made_in_a_shell_opens_its_room() {
    // A machine may have no OpenSSL, which nothing else here needs.
    if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_ok() {
        check_token("sh", "sh");
    }
}

#[test]
fn a_receiver_in_python_knows_our_webhooks_from_others() {
    let (body, at) = (r#"{"type":"room.started"}"#, now());
    let signature = Secret::new(WEBHOOK_SECRET).unwrap().sign("msg_1", at, body);
    let asked = format!(
        "headers = {{'webhook-id': 'msg_1', 'webhook-timestamp': '{}', 'webhook-signature': '{signature}'}}\n\
         print(is_ours(headers, b'{body}'), is_ours(headers, b'{{}}'))\n",
        at.0
    );
    let printed =
        run("python3", &format!("{}\n{asked}", recipe("Webhooks", "python"))).expect("Python is there");
    assert_eq!(printed, "True False");
}

#[tokio::test]
async fn a_program_in_python_feeds_captions() {
    let config = Config { keys: Keyring::new(vec![key()]).unwrap(), ..Config::on_loopback() };
    let server = start_with(config.clone()).await;
    let mut grants = Grants::participant("standup".parse().unwrap());
    grants.expires_at = Some(now().plus(60));
    let token = sign(&grants, &key(), &config.parties, now()).unwrap();
    let (mut reader, _) = Client::join_as(&server, "standup", "Ada", &json!(token)).await;
    reader.say(&json!({"type": "want_captions", "wanted": true})).await;
    reader.check_alive().await;
    let site = format!("http://{}", server.http_addr);
    let ran = tokio::task::spawn_blocking(move || run_at("python3", recipe("Captions", "python"), &site));
    ran.await.unwrap().expect("Python is there");
    let (interim, complete) = (reader.expect("caption").await, reader.expect("caption").await);
    assert_eq!((&interim["text"], &interim["is_final"]), (&json!("Good mor"), &json!(false)));
    assert_eq!((&complete["text"], &complete["is_final"]), (&json!("Good morning."), &json!(true)));
    assert_eq!((&interim["segment"], &interim["feeder"]), (&complete["segment"], &complete["feeder"]));
    server.shutdown().await;
}
