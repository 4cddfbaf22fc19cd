use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use server::{LogFormat, LogLevel, subscriber};
use tracing_subscriber::fmt::MakeWriter;

use crate::client::{Client, hello, start};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'writer> MakeWriter<'writer> for Captured {
    type Writer = Self;
    fn make_writer(&'writer self) -> Self {
        self.clone()
    }
}

/// The only test that sets the process's subscriber, because the media threads' lines count too. It therefore also
/// captures what other tests of this program cause meanwhile; they use the same names and addresses.
#[tokio::test]
async fn at_info_no_name_no_address_and_no_secret_is_logged() {
    let captured = Captured::default();
    tracing::subscriber::set_global_default(subscriber(LogLevel::Info, LogFormat::Json, captured.clone()))
        .unwrap();
    let server = start().await;
    let room = "quarterly-layoffs";
    let (mut ada, welcome) = Client::join(&server, room, "Ada Lovelace").await;
    let (mut eve, _) = Client::join(&server, room, "Eve Moneypenny").await;
    eve.say(&json!({"type": "rename", "name": "Eva Moneypenny"})).await;
    ada.expect("delta").await;
    eve.say_text("{\"type\":\"rename\",\"name\":5,\"x\":\"Moneypenny\"}".to_owned()).await;
    while eve.hear().await.unwrap()["type"] != "error" {}
    ada.say(&json!({"type": "offer", "negotiation": 1, "sdp": "a=Lovelace", "sources": []})).await;
    while ada.hear().await.unwrap()["type"] != "error" {}
    let mut again = Client::connect(&server).await;
    let mut resumed = hello(room, "Ada Lovelace");
    resumed["resume"] = welcome["resume"].clone();
    again.say(&resumed).await;
    again.expect("welcome").await;
    server.shutdown().await;
    let text = captured.text();
    assert!(text.contains("\"joined\""), "the session is logged at all: {text}");
    assert!(text.contains("RoomId(qua…)"), "spans name the room's beginning: {text}");
    let secret = welcome["resume"].as_str().unwrap();
    let peer = welcome["peer"].as_str().unwrap();
    for private in ["Lovelace", "Moneypenny", "layoffs", "127.0.0.1", secret, peer] {
        assert!(!text.contains(private), "{private} is in the log: {text}");
    }
}
