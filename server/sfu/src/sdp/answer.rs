//! Decides what an offer gets, and writes the answer (RFC 9429 section 5.3).

use std::fmt;

use super::codec::{Codec, codecs_of, is_of_use};
use super::offer::{Direction, Feedback, MediaKind, Offer, OfferedCodec, OfferedSection, RidDirection};
use super::transport::{CandidateTransport, HostCandidate, IceCredentials};
use crate::fingerprint::Fingerprint;
use crate::rtp::identifier::{Mid, Rid};
use crate::rtp::{ExtensionKind, ExtensionMap};

/// What the server brings to an answer. Everything here is ours and trusted: it is written as it is.
#[derive(Clone, Copy, Debug)]
pub struct AnswerParameters<'a> {
    /// The session's number in `o=`; the same for all answers of one peer connection.
    pub session_id: u64,
    /// The answer's number in `o=`; one more with each answer (RFC 9429 section 5.3.2).
    pub session_version: u64,
    /// Our ICE credentials; new ones answer an ICE restart.
    pub ice: &'a IceCredentials,
    /// The digest of our DTLS certificate.
    pub fingerprint: Fingerprint,
    /// Where we receive, best first.
    pub candidates: &'a [HostCandidate],
    /// The RTCP CNAME under which we send, a token.
    pub cname: &'a str,
    /// The video codecs that are accepted, best first: what a client sends is the first that it offers. In a slot all are
    /// accepted.
    pub video_codecs: &'a [Codec],
}

/// An answer, as text for the client and as values for the forward path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The session description, with CRLF line ends.
    pub sdp: String,
    /// Every section in the order of the offer.
    pub sections: Vec<NegotiatedSection>,
    /// The extensions of all sections together: enough to read `mid` from a packet whose section is not known yet.
    pub extensions: ExtensionMap,
}

/// What a section carries from now on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NegotiatedSection {
    /// The section's name: the key for everything that belongs to it.
    pub mid: Mid,
    /// What the section carries.
    pub kind: MediaKind,
    /// Who sends in it, with what that takes.
    pub role: Role,
    /// The codecs with the client's payload types, best first; empty when rejected.
    pub codecs: Vec<PayloadMap>,
    /// The payload type of repair packets, for what is sent to the client.
    pub flexfec_payload_type: Option<u8>,
    /// The extensions with the client's identifiers; empty when rejected.
    pub extensions: ExtensionMap,
}

/// Who sends in a section.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Role {
    /// The client sends, we receive.
    Publication(Publication),
    /// We send, the client receives.
    Slot(SlotSsrcs),
    /// Nobody sends for now; the section stays in the bundle.
    Inactive,
    /// The section is stopped or of no use to us; its place may be reused with another `mid`.
    Rejected,
}

/// What is known of a client's stream before its first packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Publication {
    /// The accepted simulcast layers in the order offered; empty without simulcast. A layer may never be sent.
    pub layers: Vec<Rid>,
    /// The announced SSRCs. With simulcast there need not be any: learn them from `mid` and `rid`.
    pub ssrcs: Vec<u32>,
    /// The announced pairs of media SSRC and retransmission SSRC.
    pub repair: Vec<(u32, u32)>,
}

/// The SSRCs under which we send in a slot, for as long as the slot exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotSsrcs {
    /// The media.
    pub ssrc: u32,
    /// Its retransmissions; unused where the client offers no `rtx` payload type.
    pub rtx: Option<u32>,
    /// Its repair packets; unused where the client offers no `flexfec-03`.
    pub flexfec: Option<u32>,
}

/// A codec that both sides speak, under the client's payload types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PayloadMap {
    /// The codec.
    pub codec: Codec,
    /// The payload type of the media.
    pub payload_type: u8,
    /// The payload type of its retransmissions (RFC 4588).
    pub rtx_payload_type: Option<u8>,
    /// The payload type of redundant audio that repeats this codec (RFC 2198).
    pub red_payload_type: Option<u8>,
    /// The RTP clock, in Hz.
    pub clock_rate: u32,
}

impl PayloadMap {
    /// Whether packets with this payload type belong to the section.
    #[must_use]
    pub fn has(&self, payload_type: u8) -> bool {
        let others = [self.rtx_payload_type, self.red_payload_type];
        self.payload_type == payload_type || others.contains(&Some(payload_type))
    }
}

/// The extensions accepted in audio sections, in the order they are written.
const AUDIO_EXTENSIONS: &[ExtensionKind] = &[
    ExtensionKind::Mid,
    ExtensionKind::AbsSendTime,
    ExtensionKind::TransportCc,
    ExtensionKind::AudioLevel,
    ExtensionKind::AbsCaptureTime,
];

/// The extensions accepted in video sections, in the order they are written. `rid` and its repair belong to slots
/// as well: without them Chromium refuses a camera that is added later. Orientation is left to the sender's
/// encoder, because Firefox does not know the extension and would show rotated pictures.
const VIDEO_EXTENSIONS: &[ExtensionKind] = &[
    ExtensionKind::Mid,
    ExtensionKind::AbsSendTime,
    ExtensionKind::TransportCc,
    ExtensionKind::Rid,
    ExtensionKind::RepairedRid,
    ExtensionKind::AbsCaptureTime,
    ExtensionKind::DependencyDescriptor,
];

/// Answers an offer. Accepts every section that it can carry, rejects the rest (port 0, not in the bundle).
///
/// `slot_ssrcs` is called once for each slot and must give the same SSRCs for the same `mid` as in earlier
/// answers; its `rtx` is ignored where no retransmission was negotiated.
#[must_use]
pub fn answer(
    offer: &Offer,
    parameters: &AnswerParameters<'_>,
    mut slot_ssrcs: impl FnMut(Mid, MediaKind) -> SlotSsrcs,
) -> Answer {
    let sections: Vec<_> =
        offer.sections.iter().map(|section| negotiate(offer, section, parameters, &mut slot_ssrcs)).collect();
    let mut extensions = ExtensionMap::new();
    for (id, kind) in sections.iter().flat_map(|section| section.extensions.iter()) {
        extensions.insert(id, kind).expect("Offer::parse has checked that the sections agree");
    }
    let sdp = write(offer, parameters, &sections);
    Answer { sdp, sections, extensions }
}

fn negotiate(
    offer: &Offer,
    offered: &OfferedSection,
    parameters: &AnswerParameters<'_>,
    slot_ssrcs: &mut impl FnMut(Mid, MediaKind) -> SlotSsrcs,
) -> NegotiatedSection {
    let OfferedSection { mid, kind, .. } = *offered;
    let carried = !offered.rejected && offered.rtcp_mux && offer.bundle.contains(&mid);
    let accepted = codecs_of(kind, parameters.video_codecs);
    let codecs: Vec<PayloadMap> = match offered.direction {
        _ if !carried => Vec::new(),
        // A slot shows whoever is to be seen, in any codec.
        Direction::RecvOnly => accepted.iter().filter_map(|codec| payload_map(offered, *codec)).collect(),
        Direction::SendOnly | Direction::SendRecv | Direction::Inactive => {
            accepted.iter().find_map(|codec| payload_map(offered, *codec)).into_iter().collect()
        }
    };
    let has_rtx = codecs.iter().any(|codec| codec.rtx_payload_type.is_some());
    if codecs.is_empty() {
        let extensions = ExtensionMap::new();
        let role = Role::Rejected;
        return NegotiatedSection { mid, kind, role, codecs, flexfec_payload_type: None, extensions };
    }
    let extensions = choose_extensions(offered, &codecs);
    let flexfec = offered.codecs.iter().find(|codec| codec.is_flexfec());
    let flexfec_payload_type = flexfec
        .filter(|_| kind == MediaKind::Video && offered.direction == Direction::RecvOnly)
        .map(|codec| codec.payload_type);
    let role = match offered.direction {
        // What a client would receive in its own sending section is left out: slots are sections of their own.
        Direction::SendOnly | Direction::SendRecv => Role::Publication(Publication {
            layers: choose_layers(offered, &extensions),
            ssrcs: offered.ssrcs.clone(),
            repair: offered.repair.clone(),
        }),
        Direction::RecvOnly => {
            let SlotSsrcs { ssrc, rtx, flexfec } = slot_ssrcs(mid, kind);
            let flexfec = flexfec.filter(|_| flexfec_payload_type.is_some());
            Role::Slot(SlotSsrcs { ssrc, rtx: rtx.filter(|_| has_rtx), flexfec })
        }
        Direction::Inactive => Role::Inactive,
    };
    NegotiatedSection { mid, kind, role, codecs, flexfec_payload_type, extensions }
}

/// The client's payload type for a codec, with its retransmission type.
fn payload_map(offered: &OfferedSection, codec: Codec) -> Option<PayloadMap> {
    let media = codec.find(offered)?;
    let rtx = offered.codecs.iter().find(|candidate| {
        candidate.clock_rate == media.clock_rate
            && candidate.associated_payload_type() == Some(media.payload_type)
    });
    let red = offered.codecs.iter().find(|candidate| candidate.repeats(media));
    Some(PayloadMap {
        codec,
        payload_type: media.payload_type,
        rtx_payload_type: rtx.map(|rtx| rtx.payload_type),
        red_payload_type: red.map(|red| red.payload_type),
        clock_rate: media.clock_rate,
    })
}

fn accepted_extensions(kind: MediaKind) -> &'static [ExtensionKind] {
    match kind {
        MediaKind::Audio => AUDIO_EXTENSIONS,
        MediaKind::Video => VIDEO_EXTENSIONS,
        MediaKind::Application | MediaKind::Other => &[],
    }
}

fn choose_extensions(offered: &OfferedSection, codecs: &[PayloadMap]) -> ExtensionMap {
    let mut chosen = ExtensionMap::new();
    for &kind in accepted_extensions(offered.kind) {
        if let Some(id) = offered.extensions.id(kind)
            && codecs.iter().any(|map| is_of_use(kind, map.codec))
        {
            chosen.insert(id, kind).expect("a subset of a valid map is valid");
        }
    }
    chosen
}

/// The first usable alternative of every simulcast stream. Layers are told apart by `mid` and `rid` in the
/// packets, so without these extensions there is no simulcast and the client sends one stream.
fn choose_layers(offered: &OfferedSection, extensions: &ExtensionMap) -> Vec<Rid> {
    if offered.kind != MediaKind::Video
        || extensions.id(ExtensionKind::Mid).is_none()
        || extensions.id(ExtensionKind::Rid).is_none()
    {
        return Vec::new();
    }
    let declared = |rid: &Rid| {
        offered.rids.iter().any(|offered| offered.rid == *rid && offered.direction == RidDirection::Send)
    };
    let mut layers = Vec::new();
    for stream in &offered.simulcast_send {
        let usable = stream.iter().map(|alternative| alternative.rid);
        layers
            .extend(usable.filter(|rid| declared(rid) && !layers.contains(rid)).take(1).collect::<Vec<_>>());
    }
    layers
}

fn write(offer: &Offer, parameters: &AnswerParameters<'_>, sections: &[NegotiatedSection]) -> String {
    let mut text = Text(String::new());
    text.line(format_args!("v=0"));
    let AnswerParameters { session_id, session_version, .. } = *parameters;
    text.line(format_args!("o=- {session_id} {session_version} IN IP4 127.0.0.1"));
    text.line(format_args!("s=-"));
    text.line(format_args!("t=0 0"));
    let accepted = |mid: &&Mid| {
        sections.iter().any(|section| section.mid == **mid && !matches!(section.role, Role::Rejected))
    };
    let bundle: Vec<&str> = offer.bundle.iter().filter(accepted).map(Mid::as_str).collect();
    if !bundle.is_empty() {
        text.line(format_args!("a=group:BUNDLE {}", bundle.join(" ")));
    }
    if offer.mixed_extensions {
        text.line(format_args!("a=extmap-allow-mixed"));
    }
    text.line(format_args!("a=ice-lite"));
    text.line(format_args!("a=msid-semantic: WMS *"));
    for (offered, section) in offer.sections.iter().zip(sections) {
        match section.role {
            Role::Rejected => write_rejected(&mut text, offered),
            Role::Publication(_) | Role::Slot(_) | Role::Inactive => {
                write_accepted(&mut text, parameters, offered, section);
            }
        }
    }
    text.0
}

/// RFC 9429 section 5.3.1: port 0, the offered protocol, at least one offered format.
fn write_rejected(text: &mut Text, offered: &OfferedSection) {
    let line = &offered.media_line;
    text.line(format_args!("m={} 0 {} {}", line.media, line.protocol, line.first_format));
    text.line(format_args!("c=IN IP4 0.0.0.0"));
    text.line(format_args!("a=mid:{}", offered.mid));
    text.line(format_args!("a=inactive"));
}

fn write_accepted(
    text: &mut Text,
    parameters: &AnswerParameters<'_>,
    offered: &OfferedSection,
    section: &NegotiatedSection,
) {
    let line = &offered.media_line;
    let direction = match section.role {
        Role::Publication(_) => "recvonly",
        Role::Slot(_) => "sendonly",
        Role::Inactive | Role::Rejected => "inactive",
    };
    let formats = section.codecs.iter().map(|map| formats(offered, map));
    let formats: Vec<String> =
        formats.chain(section.flexfec_payload_type.map(|format| format.to_string())).collect();
    text.line(format_args!("m={} 9 {} {}", line.media, line.protocol, formats.join(" ")));
    text.line(format_args!("c=IN IP4 0.0.0.0"));
    text.line(format_args!("a=mid:{}", section.mid));
    text.line(format_args!("a={direction}"));
    text.line(format_args!("a=ice-ufrag:{}", parameters.ice.ufrag()));
    text.line(format_args!("a=ice-pwd:{}", parameters.ice.pwd()));
    text.line(format_args!("a=fingerprint:sha-256 {}", parameters.fingerprint));
    text.line(format_args!("a=setup:passive"));
    text.line(format_args!("a=rtcp-mux"));
    text.line(format_args!("a=rtcp-rsize"));
    for payload_map in &section.codecs {
        write_codec(text, offered, section, payload_map);
    }
    if let Some(flexfec) = section.flexfec_payload_type {
        text.line(format_args!("a=rtpmap:{flexfec} flexfec-03/90000"));
        text.line(format_args!("a=rtcp-fb:{flexfec} transport-cc"));
        text.line(format_args!("a=fmtp:{flexfec} repair-window=10000000"));
    }
    for &kind in accepted_extensions(section.kind) {
        if let Some(id) = section.extensions.id(kind) {
            text.line(format_args!("a=extmap:{id} {}", kind.uri()));
        }
    }
    match &section.role {
        Role::Publication(publication) => write_layers(text, &publication.layers),
        Role::Slot(ssrcs) => write_slot(text, section.mid, *ssrcs, parameters.cname),
        Role::Inactive | Role::Rejected => {}
    }
    for (index, candidate) in parameters.candidates.iter().enumerate() {
        let HostCandidate { address, transport, priority } = candidate;
        let (foundation, ip, port) = (index + 1, address.ip(), address.port());
        match transport {
            CandidateTransport::Udp => {
                text.line(format_args!("a=candidate:{foundation} 1 udp {priority} {ip} {port} typ host"));
            }
            CandidateTransport::TcpPassive => text.line(format_args!(
                "a=candidate:{foundation} 1 tcp {priority} {ip} {port} typ host tcptype passive"
            )),
        }
    }
    text.line(format_args!("a=end-of-candidates"));
}

/// The accepted payload types in the client's order of preference: a browser sends RED when it comes first. A
/// retransmission is no preference.
fn formats(offered: &OfferedSection, payload_map: &PayloadMap) -> String {
    let PayloadMap { payload_type, rtx_payload_type, red_payload_type, .. } = *payload_map;
    let is_accepted = |wanted: &u8| *wanted == payload_type || Some(*wanted) == red_payload_type;
    let preferred = offered.codecs.iter().map(|codec| codec.payload_type).filter(is_accepted);
    let formats: Vec<String> = preferred.chain(rtx_payload_type).map(|format| format.to_string()).collect();
    formats.join(" ")
}

fn write_codec(
    text: &mut Text,
    offered: &OfferedSection,
    section: &NegotiatedSection,
    payload_map: &PayloadMap,
) {
    let PayloadMap { codec, payload_type, .. } = *payload_map;
    text.line(format_args!("a=rtpmap:{payload_type} {}", codec.encoding()));
    if let Some(codec) = offered.codecs.iter().find(|codec| codec.payload_type == payload_type) {
        if payload_map.codec == Codec::Opus {
            let parameters = opus_parameters(codec, &section.role);
            text.line(format_args!("a=fmtp:{payload_type} {parameters}"));
        }
        let parameters = payload_map.codec.video_parameters(codec);
        if !parameters.is_empty() {
            text.line(format_args!("a=fmtp:{payload_type} {parameters}"));
        }
        for feedback in payload_map.codec.feedback() {
            if codec.feedback.contains(feedback) {
                text.line(format_args!("a=rtcp-fb:{payload_type} {feedback}"));
            }
        }
    }
    if let Some(red) = payload_map.red_payload_type {
        text.line(format_args!("a=rtpmap:{red} red/48000/2"));
        text.line(format_args!("a=fmtp:{red} {payload_type}/{payload_type}"));
    }
    if let Some(rtx) = payload_map.rtx_payload_type {
        text.line(format_args!("a=rtpmap:{rtx} rtx/{}", payload_map.clock_rate));
        text.line(format_args!("a=fmtp:{rtx} apt={payload_type}"));
    }
}

/// What we ask of the client's Opus encoder (RFC 7587 section 6.1): error correction always, silence suppression
/// where the client proposes it, stereo only where it says that it has any (Firefox proposes `stereo=1` for
/// every microphone).
fn opus_parameters(offered: &OfferedCodec, role: &Role) -> String {
    let mut parameters = String::from("minptime=10;useinbandfec=1");
    if matches!(role, Role::Publication(_)) {
        if offered.parameter("usedtx") == Some("1") {
            parameters.push_str(";usedtx=1");
        }
        if offered.parameter("sprop-stereo") == Some("1") {
            parameters.push_str(";stereo=1");
        }
    }
    parameters
}

/// Answers simulcast (RFC 8853). Never `~`, even where the client offers it: it would ask for a layer to start paused,
/// and nothing that is spoken here would resume it (that takes RFC 7728).
fn write_layers(text: &mut Text, layers: &[Rid]) {
    if layers.is_empty() {
        return;
    }
    for rid in layers {
        text.line(format_args!("a=rid:{rid} recv"));
    }
    let streams: Vec<&str> = layers.iter().map(Rid::as_str).collect();
    text.line(format_args!("a=simulcast:recv {}", streams.join(";")));
}

/// Every slot is a media stream of its own: browsers synchronise the tracks of one stream, and slots that show
/// different people would be delayed until their unrelated clocks agree.
fn write_slot(text: &mut Text, mid: Mid, ssrcs: SlotSsrcs, cname: &str) {
    let SlotSsrcs { ssrc, rtx, flexfec } = ssrcs;
    text.line(format_args!("a=msid:s{mid} t{mid}"));
    if let Some(rtx) = rtx {
        text.line(format_args!("a=ssrc-group:FID {ssrc} {rtx}"));
    }
    if let Some(flexfec) = flexfec {
        text.line(format_args!("a=ssrc-group:FEC-FR {ssrc} {flexfec}"));
    }
    for ssrc in std::iter::once(ssrc).chain(rtx).chain(flexfec) {
        text.line(format_args!("a=ssrc:{ssrc} cname:{cname}"));
    }
}

impl fmt::Display for Feedback {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TransportCc => "transport-cc",
            Self::CcmFir => "ccm fir",
            Self::Nack => "nack",
            Self::NackPli => "nack pli",
        })
    }
}

/// A session description under construction.
struct Text(String);

impl Text {
    fn line(&mut self, content: fmt::Arguments<'_>) {
        fmt::Write::write_fmt(&mut self.0, content).expect("writing to a String cannot fail");
        self.0.push_str("\r\n");
    }
}
