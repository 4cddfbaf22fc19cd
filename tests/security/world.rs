//! A server with keys, and people inside who notice whatever changes.

use std::time::SystemTime;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use server::access::{Grants, Key, KeyId, Keyring, Material, RoomScope, TokenId, UnixSeconds, sign};
use server::{Config, Running, Server};
use shared::protocol::{ClientMessage, ErrorCode, Hello, ServerMessage, Snapshot, Welcome};

use crate::socket::{Socket, hello};

pub(crate) const SECRET: &str = "a-secret-that-only-the-operator-knows";
pub(crate) const ROOM: &str = "standup";

pub(crate) fn key(id: &str, material: Material, api: bool) -> Key {
    Key { id: KeyId::new(id).unwrap(), material, api, frame_ancestors: Vec::new() }
}

/// The operator's key of HMAC.
pub(crate) fn ops() -> Key {
    key("ops", Material::secret(SECRET).unwrap(), true)
}

/// The operator's key pair.
pub(crate) fn pair() -> Key {
    key("pair", Material::from_seed([7; 32]).unwrap(), false)
}

pub(crate) fn config() -> Config {
    // The last key that can sign makes the tokens of the API.
    let keys = Keyring::new(vec![pair(), ops()]).unwrap();
    let origins = vec!["https://app.example".parse().unwrap()];
    let embed_origins = vec!["https://pages.example".parse().unwrap()];
    Config { keys, origins, embed_origins, ..Config::on_loopback() }
}

pub(crate) async fn start() -> Running {
    start_with(config()).await
}

pub(crate) async fn start_with(config: Config) -> Running {
    Server::start(config).await.expect("the server starts on loopback")
}

pub(crate) fn now() -> UnixSeconds {
    UnixSeconds::of(SystemTime::now())
}

/// Opens a room, or every room with `*`, for a minute; told apart by its id.
pub(crate) fn grants(room: &str, id: &str) -> Grants {
    let mut grants = Grants::participant(room.parse::<RoomScope>().unwrap());
    grants.expires_at = Some(now().plus(60));
    grants.token_id = TokenId::new(id);
    grants
}

pub(crate) fn token(grants: &Grants) -> String {
    sign(grants, &ops(), &config().parties, now()).unwrap()
}

pub(crate) fn greeting(room: &str, token: Option<String>) -> ClientMessage {
    ClientMessage::Hello(Hello { token, ..hello(room) })
}

/// Says hello and returns why nobody came in.
pub(crate) async fn refusal(server: &Running, room: &str, token: Option<String>) -> ErrorCode {
    let mut socket = Socket::open(server.http_addr).await;
    socket.send(&greeting(room, token)).await;
    let code = socket.wait(|message| {
        assert!(!matches!(message, ServerMessage::Welcome(_)), "it came in");
        if let ServerMessage::Error(fault) = message { Some(fault.code) } else { None }
    });
    code.await
}

pub(crate) async fn join(server: &Running, room: &str, grants: &Grants) -> (Socket, Welcome) {
    let mut socket = Socket::open(server.http_addr).await;
    socket.send(&greeting(room, Some(token(grants)))).await;
    let welcome =
        socket.wait(
            |message| {
                if let ServerMessage::Welcome(welcome) = message { Some(welcome.clone()) } else { None }
            },
        );
    let welcome = welcome.await;
    (socket, welcome)
}

/// Somebody inside.
pub(crate) struct Witness {
    pub(crate) socket: Socket,
    pub(crate) welcome: Welcome,
    before: Snapshot,
}

impl Witness {
    pub(crate) async fn in_room(server: &Running, room: &str) -> Self {
        let (mut socket, welcome) = join(server, room, &grants(room, "witness")).await;
        let before = snapshot(&mut socket).await;
        Self { socket, welcome, before }
    }

    /// The room is as it was, to the revision: nobody came, left, or was changed; and it is served.
    pub(crate) async fn saw_nothing(&mut self) {
        let after = snapshot(&mut self.socket).await;
        assert_eq!(after, self.before, "somebody changed the room");
    }
}

pub(crate) async fn snapshot(socket: &mut Socket) -> Snapshot {
    socket.send(&ClientMessage::Resync).await;
    let snapshot = socket.wait(|message| {
        if let ServerMessage::Snapshot(snapshot) = message { Some(snapshot.clone()) } else { None }
    });
    snapshot.await
}

/// A request of the API with the operator's own key.
pub(crate) fn api(server: &Running, method: Method, path: &str) -> RequestBuilder {
    bare(server, method, path).bearer_auth(format!("ops:{SECRET}"))
}

/// Without any key.
pub(crate) fn bare(server: &Running, method: Method, path: &str) -> RequestBuilder {
    reqwest::Client::new().request(method, format!("http://{}/api/v1{path}", server.http_addr))
}

/// The rooms as the operator sees them.
pub(crate) async fn rooms(server: &Running) -> Value {
    let response = api(server, Method::GET, "/rooms").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}
