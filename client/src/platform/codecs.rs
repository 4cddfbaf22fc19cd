//! What the browser can encode, which codecs an m-line offers, and the encodings of a picture that is sent.

use engine::{Encodings, Scaling, SendPlan, VideoCodec};
use js_sys::{Array, Object, Reflect};
use shared::SourceKind;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{RtcPeerConnection, RtcRtpReceiver, RtcRtpSender, RtcRtpTransceiver, RtcRtpTransceiverInit};

/// How a picture is sent, given what the server prefers.
pub(super) fn plan(kind: SourceKind, preferred: &[VideoCodec]) -> SendPlan {
    let capabilities = RtcRtpSender::get_capabilities("video");
    let able = codecs_of(capabilities.as_deref());
    let can_send =
        |codec: VideoCodec| able.iter().any(|found| Found::of(found).is_some_and(|found| found.is(codec)));
    SendPlan::new(kind, preferred, can_send, can_scale)
}

/// The dictionaries of `RTCRtpTransceiverInit.sendEncodings`.
pub(super) fn send_encodings(encodings: Encodings) -> Array {
    /// Three layers of the camera: a quarter, half and all of its lines. For 720 lines that is 180, 360 and 720.
    const LAYERS: [(&str, f64, f64); 3] =
        [("q", 4.0, 150_000.0), ("h", 2.0, 500_000.0), ("f", 1.0, 1_700_000.0)];
    match encodings.scaling(None, None) {
        None => LAYERS
            .into_iter()
            .map(|(rid, scale, bps)| {
                dictionary(&[
                    ("rid", rid.into()),
                    ("scaleResolutionDownBy", scale.into()),
                    ("maxBitrate", bps.into()),
                ])
            })
            .collect(),
        Some(Scaling { mode, max_bps, .. }) => {
            let mode = mode.map(|mode| ("scalabilityMode", JsValue::from(mode)));
            let fields: Vec<_> = [("maxBitrate", max_bps.into())].into_iter().chain(mode).collect();
            Array::of1(&dictionary(&fields))
        }
    }
}

/// A sending m-line offers these codecs, in this order, and what repairs them; without any, all, with VP8 first: every
/// browser sends it in several sizes.
pub(super) fn offer_for_sending(transceiver: &RtcRtpTransceiver, codecs: &[VideoCodec]) {
    if codecs.is_empty() {
        return prefer(transceiver, "video", "video/VP8");
    }
    narrow(transceiver, RtcRtpSender::get_capabilities("video").as_deref(), codecs);
}

/// A slot offers only what can flow in it: all that a browser has, many times over, makes an offer of 25 slots too long.
pub(super) fn offer_for_receiving(slot: &RtcRtpTransceiver, codecs: &[VideoCodec]) {
    if !codecs.is_empty() {
        narrow(slot, RtcRtpReceiver::get_capabilities("video").as_deref(), codecs);
    }
}

/// A slot asks for dependency descriptors, which tell the sizes inside a stream of AV1 apart: browsers that have them leave
/// them out unasked (`setHeaderExtensionsToNegotiate`, WebRTC Extensions §5.2). Without them the server passes on the
/// smallest size.
pub(super) fn ask_for_descriptors(slot: &RtcRtpTransceiver) {
    const DESCRIPTOR: &str =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
    let ask = || -> Result<(), JsValue> {
        let extensions = method(slot, "getHeaderExtensionsToNegotiate")?.call0(slot)?;
        for extension in Array::from(&extensions) {
            if Reflect::get(&extension, &"uri".into())?.as_string().as_deref() == Some(DESCRIPTOR) {
                Reflect::set(&extension, &"direction".into(), &"sendrecv".into())?;
            }
        }
        method(slot, "setHeaderExtensionsToNegotiate")?.call1(slot, &extensions)?;
        Ok(())
    };
    // Fails where a browser has no such choice.
    ask().ok();
}

/// Puts a codec first, where the browser has it and lets us; else the server's answer chooses.
pub(super) fn prefer(transceiver: &RtcRtpTransceiver, medium: &str, mime_type: &str) {
    let capabilities = RtcRtpReceiver::get_capabilities(medium);
    let codecs = codecs_of(capabilities.as_deref());
    let is_preferred = |codec: &JsValue| {
        Found::of(codec).is_some_and(|found| found.mime_type.eq_ignore_ascii_case(mime_type))
    };
    let (first, rest): (Vec<_>, Vec<_>) = codecs.into_iter().partition(is_preferred);
    set_preferences(transceiver, &first.into_iter().chain(rest).collect());
}

fn narrow(transceiver: &RtcRtpTransceiver, capabilities: Option<&Object>, codecs: &[VideoCodec]) {
    let all = codecs_of(capabilities);
    let of = |codec: VideoCodec| {
        let variants = all.iter().filter(move |one| Found::of(one).is_some_and(|found| found.is(codec)));
        // A browser names its variants best first.
        variants.take(1).cloned()
    };
    let chosen: Vec<JsValue> = codecs.iter().copied().flat_map(of).collect();
    let repair = all.iter().filter(|one| Found::of(one).is_some_and(|found| found.is_repair())).cloned();
    if !chosen.is_empty() {
        set_preferences(transceiver, &chosen.into_iter().chain(repair).collect());
    }
}

/// Whether the browser sends layers inside one stream in this mode: it repeats what it understood. Some browsers leave out
/// what they do not know, others throw.
fn can_scale(mode: &str) -> bool {
    let try_it = || -> Result<bool, JsValue> {
        let connection = RtcPeerConnection::new()?;
        let init = RtcRtpTransceiverInit::new();
        init.set_send_encodings(&Array::of1(&dictionary(&[("scalabilityMode", mode.into())])));
        let transceiver = method(&connection, "addTransceiver")?.call2(&connection, &"video".into(), &init);
        let understood = transceiver.and_then(|transceiver| {
            let sender = Reflect::get(&transceiver, &"sender".into())?;
            let parameters = method(&sender, "getParameters")?.call0(&sender)?;
            let encodings = Array::from(&Reflect::get(&parameters, &"encodings".into())?);
            Reflect::get(&encodings.get(0), &"scalabilityMode".into())
        });
        connection.close();
        Ok(understood?.as_string().as_deref() == Some(mode))
    };
    try_it().unwrap_or(false)
}

/// `RTCRtpCodec` as far as it tells codecs apart.
struct Found {
    mime_type: String,
    parameters: String,
}

impl Found {
    fn of(codec: &JsValue) -> Option<Self> {
        let field = |name: &str| Reflect::get(codec, &name.into()).ok()?.as_string();
        Some(Self { mime_type: field("mimeType")?, parameters: field("sdpFmtpLine").unwrap_or_default() })
    }

    /// Whether this is the codec in the profile that everybody has.
    fn is(&self, codec: VideoCodec) -> bool {
        let name = self.mime_type.strip_prefix("video/").unwrap_or_default();
        let has = |parameter: &str| self.parameters.contains(parameter);
        // A parameter that is absent has its default.
        let is_first_profile = |name: &str| has(&format!("{name}=0")) || !has(name);
        name.eq_ignore_ascii_case(codec.name())
            && match codec {
                VideoCodec::Vp8 => true,
                VideoCodec::Vp9 => is_first_profile("profile-id"),
                VideoCodec::Av1 => is_first_profile("profile"),
                VideoCodec::H264 => has("packetization-mode=1") && has("profile-level-id=42e0"),
            }
    }

    /// Whether it repairs others (RFC 4588, RFC 8627).
    fn is_repair(&self) -> bool {
        ["video/rtx", "video/flexfec-03"].iter().any(|repair| self.mime_type.eq_ignore_ascii_case(repair))
    }
}

fn codecs_of(capabilities: Option<&Object>) -> Vec<JsValue> {
    let codecs = capabilities.and_then(|found| Reflect::get(found, &"codecs".into()).ok());
    codecs.map(|codecs| Array::from(&codecs).iter().collect()).unwrap_or_default()
}

fn set_preferences(transceiver: &RtcRtpTransceiver, codecs: &Array) {
    // Fails where a browser does not have the method, or finds the list too short: then it offers all.
    let set = method(transceiver, "setCodecPreferences").and_then(|set| set.call1(transceiver, codecs));
    set.ok();
}

fn dictionary(fields: &[(&str, JsValue)]) -> Object {
    let dictionary = Object::new();
    for (name, value) in fields {
        // Fails on frozen objects only.
        Reflect::set(&dictionary, &(*name).into(), value).ok();
    }
    dictionary
}

fn method(object: &JsValue, name: &str) -> Result<js_sys::Function, JsValue> {
    Reflect::get(object, &name.into())?.dyn_into()
}
