//! The HTTP API does what its description says: schemathesis asks the real server what the description allows and much
//! that it does not, from a seed, and judges every answer. Run by `cargo xtask test --tier contract`.

#![expect(clippy::unwrap_used, reason = "what fails here fails its test")]

#[expect(dead_code, reason = "the suite beside it uses the rest")]
#[path = "../server/socket.rs"]
mod socket;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use server::access::{Grants, Key, KeyId, Keyring, Material, RoomScope, UnixSeconds, sign};
use server::{Config, DataDir, Running, Server};
use shared::protocol::{ClientMessage, Hello, ServerMessage};

use crate::socket::{Socket, hello};

/// Most requests of each operation and phase. A hundred took 21 s on a quiet machine of two cores, and 58 s on a busy one.
const EXAMPLES: &str = "60";
/// Another one finds other things; what it finds is repeated with `VISAVIS_SEED`.
const SEED: &str = "20261123";
/// Each has a quota of 50 requests a second.
const KEYS: usize = 16;
/// Somebody is always in it.
const ROOM: &str = "standup";

fn secret(number: usize) -> String {
    format!("{number:02}-{}", "contract".repeat(5))
}

fn keys() -> Vec<Key> {
    let key = |number: usize| Key {
        id: KeyId::new(&format!("ops-{number}")).unwrap(),
        material: Material::secret(&secret(number)).unwrap(),
        api: true,
        frame_ancestors: Vec::new(),
    };
    (0..KEYS).map(key).collect()
}

async fn start(folder: &Path) -> Running {
    let config = Config {
        keys: Keyring::new(keys()).unwrap(),
        trusted_proxies: vec![[127, 0, 0, 1].into()],
        data_dir: Some(DataDir { path: folder.to_owned(), is_chosen: true }),
        ..Config::on_loopback()
    };
    Server::start(config).await.expect("the server starts on loopback")
}

/// Is in the room: a host, because rooms are locked here too, whom a ban without a name does not keep out.
async fn join(server: SocketAddr) -> Socket {
    let now = UnixSeconds::of(SystemTime::now());
    let mut grants = Grants::participant(RoomScope::Any);
    grants.host = true;
    grants.expires_at = Some(now.plus(3600));
    let token = sign(&grants, &keys()[0], &Config::default().parties, now).unwrap();
    let mut socket = Socket::open(server).await;
    socket.send(&ClientMessage::Hello(Hello { token: Some(token), ..hello(ROOM) })).await;
    socket.wait(|message| matches!(message, ServerMessage::Welcome(_)).then_some(())).await;
    socket
}

/// Comes back whenever it was sent out.
async fn attend(mut socket: Socket, server: SocketAddr) {
    loop {
        while socket.next_text().await.is_some() {}
        socket = join(server).await;
    }
}

/// What asks, in an environment of its own and with nothing of its own left behind.
fn schemathesis(python: &str, seed: &str, server: SocketAddr, folder: &Path) -> Command {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("contract");
    let bearers = (0..KEYS).map(|number| format!("ops-{number}:{}", secret(number)));
    let mut command = Command::new(python);
    command
        .current_dir(folder)
        .env("SCHEMATHESIS_HOOKS", here.join("hooks.py"))
        .env("CONTRACT_KEYS", bearers.collect::<Vec<_>>().join(","))
        .env("CONTRACT_ROOM", ROOM)
        .env("CONTRACT_API", format!("http://{server}/api/v1"))
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(here.join("schemathesis.toml"))
        .args(["run", &format!("http://{server}/api/openapi.json"), "--checks", "all", "--seed", seed])
        .args(["--max-examples", EXAMPLES]);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_does_what_its_description_says() {
    let Ok(python) = std::env::var("VISAVIS_PYTHON") else {
        panic!("VISAVIS_PYTHON names no Python with schemathesis: run `cargo xtask test --tier contract`");
    };
    let seed = std::env::var("VISAVIS_SEED").unwrap_or_else(|_| SEED.to_owned());
    let (data, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = start(data.path()).await;
    let address = server.http_addr;
    let attending = tokio::spawn(attend(join(address).await, address));
    let mut command = schemathesis(&python, &seed, address, work.path());
    let status = tokio::task::spawn_blocking(move || command.status()).await.unwrap().unwrap();
    assert!(
        status.success(),
        "the API breaks its description. The commands above show how; the whole run is repeated with \
         VISAVIS_SEED={seed} cargo xtask test --tier contract"
    );
    let ready = reqwest::get(format!("http://{address}/api/ready")).await.unwrap();
    assert!(ready.status().is_success(), "the server goes on serving");
    attending.abort();
    server.shutdown().await;
}
