//! The page around the frame: the handshake through the window, then texts through a port.

use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{MessageEvent, MessagePort};

use super::events::Listener;
use super::page::window;

/// The page that holds this one in a frame offers a channel.
pub(crate) struct Offer {
    /// Whose page it is; the browser says so, not the page.
    pub(crate) origin: String,
    /// Its options, as JSON.
    pub(crate) options: String,
    /// The channel.
    pub(crate) port: Port,
}

/// One end of a channel to the page. Dropping it stops listening and closes it.
pub(crate) struct Port {
    port: MessagePort,
    listener: Option<Listener>,
}

/// Whether another page holds this one in a frame.
pub(crate) fn is_framed() -> bool {
    window().parent().ok().flatten().is_some_and(|parent| parent != window())
}

/// Whether that page says in the address that it will offer a channel.
pub(crate) fn is_expected() -> bool {
    window().location().hash().is_ok_and(|hash| hash == "#embed")
}

/// Calls `react` with every channel that the page around the frame offers, and tells it that it may. Nothing but that is
/// said to a page whose origin is not known yet.
pub(crate) fn listen(react: impl Fn(Offer) + 'static) -> Listener {
    let listener = Listener::new(&window(), "message", move |event| {
        let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
        if let Some(offer) = read(event) {
            react(offer);
        }
    });
    if let Ok(Some(parent)) = window().parent() {
        let greeting = Object::new();
        Reflect::set(&greeting, &"visavis".into(), &"ready".into()).ok();
        Reflect::set(&greeting, &"v".into(), &shared::embed::VERSION.into()).ok();
        parent.post_message(&greeting, "*").ok();
    }
    listener
}

/// A well-formed offer of the parent itself; anything else that is posted here is somebody else's.
fn read(event: &MessageEvent) -> Option<Offer> {
    let parent: JsValue = window().parent().ok()??.into();
    if event.source().map(JsValue::from)? != parent {
        return None;
    }
    let data = event.data();
    let field = |name: &str| Reflect::get(&data, &name.into()).ok();
    if !data.is_object() || field("visavis")?.as_string()? != "connect" {
        return None;
    }
    let options = field("options")?.as_string()?;
    let port = event.ports().get(0).dyn_into::<MessagePort>().ok()?;
    Some(Offer { origin: event.origin(), options, port: Port { port, listener: None } })
}

impl Port {
    /// Calls `react` with every text that comes. What is no text is nothing that we know.
    pub(crate) fn listen(&mut self, react: impl Fn(String) + 'static) {
        self.listener = Some(Listener::new(&self.port, "message", move |event| {
            let text = event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string());
            if let Some(text) = text {
                react(text);
            }
        }));
        self.port.start();
    }

    /// Sends a text. A page that is gone does not hear it.
    pub(crate) fn send(&self, text: &str) {
        self.port.post_message(&text.into()).ok();
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.listener = None;
        self.port.close();
    }
}
