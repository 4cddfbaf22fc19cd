//! Pausing and resuming single encodings of what is sent (W3C WebRTC §5.2, `RTCRtpEncodingParameters.active`).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Reflect;
use shared::SourceKind;
use shared::protocol::RequestedLayers;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{RtcRtpSender, RtcRtpTransceiver};

/// What was asked of the senders last. One change is under way at a time: a sender refuses a second one.
#[derive(Debug, Default)]
pub(super) struct Suspension(Rc<State>);

#[derive(Debug, Default)]
struct State {
    requested: RefCell<Option<Vec<Request>>>,
    is_running: Cell<bool>,
}

/// A sender, and what to send of it; nothing: everything.
type Request = (RtcRtpTransceiver, Option<RequestedLayers>);

impl Suspension {
    /// Sends only these layers of what is named, and all of everything else.
    pub(super) fn set(
        &self,
        published: &[(SourceKind, RtcRtpTransceiver)],
        publications: Vec<RequestedLayers>,
    ) {
        let video = published.iter().filter(|(kind, _)| !kind.is_audio());
        let requested = video.map(|(_, transceiver)| {
            let mid = transceiver.mid();
            let named = publications.iter().find(|named| Some(&named.mid) == mid.as_ref());
            (transceiver.clone(), named.cloned())
        });
        *self.0.requested.borrow_mut() = Some(requested.collect());
        if !self.0.is_running.replace(true) {
            let state = Rc::clone(&self.0);
            spawn_local(async move { state.run().await });
        }
    }
}

impl State {
    async fn run(&self) {
        loop {
            // The borrow ends before the browser is waited for.
            let requested = self.requested.borrow_mut().take();
            let Some(requested) = requested else { break };
            for (transceiver, layers) in requested {
                // Fails when the connection is closed or negotiated meanwhile; the engine asks again after that.
                apply(&transceiver.sender(), layers.as_ref()).await.ok();
            }
        }
        self.is_running.set(false);
    }
}

async fn apply(sender: &RtcRtpSender, layers: Option<&RequestedLayers>) -> Result<(), JsValue> {
    let parameters = method(sender, "getParameters")?.call0(sender)?;
    let encodings = js_sys::Array::from(&Reflect::get(&parameters, &"encodings".into())?);
    let mut has_changed = false;
    for encoding in encodings.iter() {
        let rid = Reflect::get(&encoding, &"rid".into())?.as_string();
        let wanted = layers.is_none_or(|layers| is_wanted(layers, rid.as_deref()));
        // Absent means sent.
        let active = Reflect::get(&encoding, &"active".into())?.as_bool().unwrap_or(true);
        if active != wanted {
            has_changed |= Reflect::set(&encoding, &"active".into(), &wanted.into())?;
        }
    }
    if has_changed {
        // In the same task as `getParameters`: later its transaction is over.
        let promise = method(sender, "setParameters")?.call1(sender, &parameters)?;
        JsFuture::from(js_sys::Promise::from(promise)).await?;
    }
    Ok(())
}

fn method(sender: &RtcRtpSender, name: &str) -> Result<js_sys::Function, JsValue> {
    Reflect::get(sender, &name.into())?.dyn_into()
}

fn is_wanted(layers: &RequestedLayers, rid: Option<&str>) -> bool {
    let is_named = |rid| layers.rids.iter().any(|wanted| wanted == rid);
    // Without simulcast there is one encoding and no name.
    layers.active && (layers.rids.is_empty() || rid.is_none_or(is_named))
}
