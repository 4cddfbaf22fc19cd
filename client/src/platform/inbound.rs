//! The counters of what a connection receives, and of what the other side says it receives (W3C WebRTC Statistics).

use js_sys::{Map, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::RtcPeerConnection;

use crate::call::reception::{ReceptionReading, SlotReading, UplinkReading};

/// All of them. None when the connection is closed meanwhile.
pub(super) async fn reading(connection: &RtcPeerConnection) -> Option<ReceptionReading> {
    // A `RTCStatsReport` is maplike, though no `Map`: it has the same methods.
    let report: Map = JsFuture::from(connection.get_stats()).await.ok()?.unchecked_into();
    let mut reading = ReceptionReading::default();
    report.for_each(&mut |entry, _| {
        let field = |name: &str| Reflect::get(&entry, &name.into()).unwrap_or(JsValue::UNDEFINED);
        let number = |name: &str| field(name).as_f64().unwrap_or_default();
        match field("type").as_string().as_deref() {
            Some("inbound-rtp") => {
                let Some(mid) = field("mid").as_string() else { return };
                let (received, lost) = (number("packetsReceived"), number("packetsLost"));
                let frozen_s = number("totalFreezesDuration");
                reading.slots.push(SlotReading { mid, received, lost, frozen_s });
            }
            Some("remote-inbound-rtp") => {
                let uplink = reading.uplink.get_or_insert(UplinkReading::default());
                uplink.fraction_lost = uplink.fraction_lost.max(number("fractionLost"));
                uplink.round_trip_s = uplink.round_trip_s.max(number("roundTripTime"));
            }
            _ => {}
        }
    });
    Some(reading)
}
