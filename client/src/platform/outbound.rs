//! What `getStats` tells: the counters of a sender (W3C WebRTC Statistics, `RTCOutboundRtpStreamStats`), and everything of a connection.

use js_sys::{Array, Function, JSON, Map, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{RtcPeerConnection, RtcRtpSender};

use crate::call::encoder::{Limitation, Reading};

/// The counters of each encoding of this sender. None when the connection is closed meanwhile.
pub(super) async fn readings(sender: &RtcRtpSender) -> Vec<Reading> {
    let Some(report) = stats(sender).await else { return Vec::new() };
    let mut readings = Vec::new();
    report.for_each(&mut |entry, _| readings.extend(reading(&entry)));
    readings
}

/// All entries of a connection as a JSON array. None when it is closed meanwhile.
pub(super) async fn report(connection: &RtcPeerConnection) -> Option<String> {
    let entries = Array::from(&stats(connection).await?.values());
    JSON::stringify(&entries).ok()?.as_string()
}

async fn stats(of: &JsValue) -> Option<Map> {
    let ask: Function = Reflect::get(of, &"getStats".into()).ok()?.dyn_into().ok()?;
    let answer: Promise = ask.call0(of).ok()?.dyn_into().ok()?;
    // A `RTCStatsReport` is maplike, though no `Map`: it has the same methods.
    Some(JsFuture::from(answer).await.ok()?.unchecked_into())
}

fn reading(entry: &JsValue) -> Option<Reading> {
    let field = |name: &str| Reflect::get(entry, &name.into()).unwrap_or(JsValue::UNDEFINED);
    let number = |name: &str| field(name).as_f64().unwrap_or_default();
    if field("type").as_string()? != "outbound-rtp" {
        return None;
    }
    Some(Reading {
        id: field("id").as_string()?,
        frames: number("framesEncoded"),
        bytes: number("bytesSent"),
        // The cast keeps within bounds.
        height: number("frameHeight") as u32,
        limitation: Limitation::of(field("qualityLimitationReason").as_string().as_deref()),
    })
}
