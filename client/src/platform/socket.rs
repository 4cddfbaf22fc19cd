//! The signaling WebSocket.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;

use futures_channel::mpsc;
use futures_util::future::{Either, select};
use futures_util::{Sink as _, SinkExt as _, StreamExt as _};
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, State};
use wasm_bindgen_futures::spawn_local;

/// What happened to a socket.
#[derive(Debug)]
pub(crate) enum SocketEvent {
    /// It is open.
    Opened,
    /// A text came in.
    Message(String),
    /// It is closed or could not be opened. Nothing follows.
    Closed,
}

/// A WebSocket to the server. Dropping it closes it after what was sent.
pub(crate) struct Socket {
    outgoing: RefCell<Option<mpsc::Sender<String>>>,
}

/// The engine sends a handful of messages at once at most. When more than this wait, the network takes
/// nothing any more: the socket is closed, and the engine opens another.
const WAITING_MAX: usize = 128;

impl Socket {
    /// Opens a socket and tells what happens to it.
    pub(crate) fn open(address: &str, tell: impl Fn(SocketEvent) + 'static) -> Self {
        let (outgoing, waiting) = mpsc::channel(WAITING_MAX);
        let opened = WebSocket::open(address);
        spawn_local(async move {
            if let Ok(socket) = opened {
                run(socket, waiting, &tell).await;
            }
            tell(SocketEvent::Closed);
        });
        Self { outgoing: RefCell::new(Some(outgoing)) }
    }

    /// Sends a text.
    pub(crate) fn send(&self, text: String) {
        let mut outgoing = self.outgoing.borrow_mut();
        if let Some(sender) = outgoing.as_mut()
            && sender.try_send(text).is_err()
        {
            *outgoing = None;
        }
    }
}

async fn run(mut socket: WebSocket, mut waiting: mpsc::Receiver<String>, tell: &impl Fn(SocketEvent)) {
    // Ready means that it is not connecting any more.
    let ready = poll_fn(|context| Pin::new(&mut socket).poll_ready(context)).await;
    if ready.is_err() || !matches!(socket.state(), State::Open) {
        return;
    }
    tell(SocketEvent::Opened);
    loop {
        match select(waiting.next(), socket.next()).await {
            Either::Left((Some(text), _)) => {
                if socket.send(Message::Text(text)).await.is_err() {
                    return;
                }
            }
            Either::Right((Some(Ok(Message::Text(text))), _)) => tell(SocketEvent::Message(text)),
            // The protocol has no binary messages.
            Either::Right((Some(Ok(Message::Bytes(_))), _)) => {}
            Either::Left((None, _)) | Either::Right((None | Some(Err(_)), _)) => return,
        }
    }
}
