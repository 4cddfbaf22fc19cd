//! Pausing, resuming and scaling single encodings of what is sent (W3C WebRTC §5.2, `RTCRtpEncodingParameters`; W3C
//! WebRTC-SVC). Nothing of it is negotiated.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use engine::{Encodings, Scaling};
use js_sys::{Array, Reflect};
use shared::protocol::RequestedLayers;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{RtcRtpSender, RtcRtpTransceiver};

/// What was asked of the senders last. One change is under way at a time: a sender refuses a second one.
#[derive(Debug, Default)]
pub(super) struct Suspension {
    /// What is not named is sent whole.
    asked: RefCell<Vec<RequestedLayers>>,
    state: Rc<State>,
}

#[derive(Debug, Default)]
struct State {
    requested: RefCell<Option<Vec<Request>>>,
    is_running: Cell<bool>,
}

/// What is done with one sender.
#[derive(Debug)]
struct Request {
    transceiver: RtcRtpTransceiver,
    encodings: Encodings,
    /// What to send of it; nothing: everything.
    layers: Option<RequestedLayers>,
}

impl Suspension {
    /// Sends only these layers of what is named, and all of everything else. `published` are the senders of pictures.
    pub(super) fn set<'a>(
        &self,
        published: impl Iterator<Item = (&'a RtcRtpTransceiver, Encodings)>,
        publications: Vec<RequestedLayers>,
    ) {
        self.asked.replace(publications);
        self.renew(published);
    }

    /// The same again: how much a capture is scaled depends on its size.
    pub(super) fn renew<'a>(&self, published: impl Iterator<Item = (&'a RtcRtpTransceiver, Encodings)>) {
        let asked = self.asked.borrow();
        let requested = published.map(|(transceiver, encodings)| {
            let mid = transceiver.mid();
            let layers = asked.iter().find(|named| Some(&named.mid) == mid.as_ref()).cloned();
            Request { transceiver: transceiver.clone(), encodings, layers }
        });
        *self.state.requested.borrow_mut() = Some(requested.collect());
        if !self.state.is_running.replace(true) {
            let state = Rc::clone(&self.state);
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
            for request in requested {
                // Fails when the connection is closed or negotiated meanwhile; the engine asks again after that.
                request.apply().await.ok();
            }
        }
        self.is_running.set(false);
    }
}

impl Request {
    async fn apply(&self) -> Result<(), JsValue> {
        let sender = self.transceiver.sender();
        let max_height = self.layers.as_ref().and_then(|layers| layers.max_height);
        let scaling = self.encodings.scaling(capture_height(&sender), max_height);
        let parameters = method(&sender, "getParameters")?.call0(&sender)?;
        let encodings = Array::from(&Reflect::get(&parameters, &"encodings".into())?);
        let mut has_changed = false;
        for encoding in encodings.iter() {
            let rid = Reflect::get(&encoding, &"rid".into())?.as_string();
            let wanted = self.layers.as_ref().is_none_or(|layers| is_wanted(layers, rid.as_deref()));
            // Absent means sent.
            let active = Reflect::get(&encoding, &"active".into())?.as_bool().unwrap_or(true);
            if active != wanted {
                has_changed |= Reflect::set(&encoding, &"active".into(), &wanted.into())?;
            }
            if let Some(scaling) = scaling {
                has_changed |= scale(&encoding, scaling)?;
            }
        }
        if let Some(preference) = degradation_preference(&sender) {
            let before = Reflect::get(&parameters, &"degradationPreference".into())?.as_string();
            if before.as_deref() != Some(preference) {
                has_changed |=
                    Reflect::set(&parameters, &"degradationPreference".into(), &preference.into())?;
            }
        }
        if has_changed {
            // In the same task as `getParameters`: later its transaction is over.
            let promise = method(&sender, "setParameters")?.call1(&sender, &parameters)?;
            JsFuture::from(js_sys::Promise::from(promise)).await?;
        }
        Ok(())
    }
}

/// Writes into an encoding what differs; returns whether anything did.
fn scale(encoding: &JsValue, scaling: Scaling) -> Result<bool, JsValue> {
    let down_by = Reflect::get(encoding, &"scaleResolutionDownBy".into())?.as_f64();
    // Absent means unscaled.
    if down_by.unwrap_or(1.0) == f64::from(scaling.down_by) {
        return Ok(false);
    }
    Reflect::set(encoding, &"scaleResolutionDownBy".into(), &scaling.down_by.into())?;
    Reflect::set(encoding, &"maxBitrate".into(), &scaling.max_bps.into())?;
    if let Some(mode) = scaling.mode {
        Reflect::set(encoding, &"scalabilityMode".into(), &mode.into())?;
    }
    Ok(true)
}

/// What gives way where the connection or the device is too weak (WebRTC Extensions, `RTCDegradationPreference`): of letters
/// the number of pictures, of films their size. Tracks without a hint leave it to the browser.
fn degradation_preference(sender: &RtcRtpSender) -> Option<&'static str> {
    let track = sender.track()?;
    let hint = Reflect::get(&track, &"contentHint".into()).ok()?.as_string()?;
    match hint.as_str() {
        "detail" | "text" => Some("maintain-resolution"),
        "motion" => Some("maintain-framerate"),
        _ => None,
    }
}

/// Lines of what the camera gives at the moment.
fn capture_height(sender: &RtcRtpSender) -> Option<u32> {
    let track = sender.track()?;
    let settings = method(&track, "getSettings").ok()?.call0(&track).ok()?;
    let height = Reflect::get(&settings, &"height".into()).ok()?.as_f64()?;
    // The cast keeps within bounds.
    Some(height as u32)
}

fn method(object: &JsValue, name: &str) -> Result<js_sys::Function, JsValue> {
    Reflect::get(object, &name.into())?.dyn_into()
}

fn is_wanted(layers: &RequestedLayers, rid: Option<&str>) -> bool {
    let is_named = |rid| layers.rids.iter().any(|wanted| wanted == rid);
    // Without simulcast there is one encoding and no name.
    layers.active && (layers.rids.is_empty() || rid.is_none_or(is_named))
}
