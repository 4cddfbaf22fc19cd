//! Every parser of foreign bytes, as a function that must return for any input: no panic, no endless loop.
//!
//! `cargo fuzz run <target> --features libfuzzer` explores them; `cargo test -p tests --test corpus` replays
//! the committed corpora through the same functions.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use sfu::rtp::dependency_descriptor::{self, Descriptor};
use sfu::rtp::identifier::Mid;
use sfu::rtp::{ExtensionKind, ExtensionMap, Header, KnownExtensions, av1, h264, red, rtx, vp8, vp9};
use sfu::sdp::{
    self, AnswerParameters, Fingerprint, HostCandidate, IceCredentials, MediaKind, Offer, SlotSsrcs,
};
use sfu::{Certificate, Config, SendBatch, Sfu, WallClock, rtcp};
use shared::protocol;

/// A target's name and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets; the corpus of each lies in `corpus/<name>`.
pub const TARGETS: [Target; 14] = [
    ("stun", stun),
    ("framing", framing),
    ("client_hello", client_hello),
    ("rtp", rtp),
    ("red", redundant_audio),
    ("video_payload", video_payload),
    ("dependency_descriptor", descriptor),
    ("rtcp", rtcp),
    ("sdp", sdp),
    ("client_message", client_message),
    ("server_message", server_message),
    ("datagram", datagram),
    ("segmentation_model", segmentation_model),
    ("filter_weights", filter_weights),
];

/// A STUN datagram.
pub fn stun(bytes: &[u8]) {
    let _ = black_box(sfu::ice::Message::parse(bytes));
    let _ = black_box(sfu::ice::peek_local_ufrag(bytes));
}

/// A stream of framed datagrams (RFC 4571), cut by its own first octet.
pub fn framing(bytes: &[u8]) {
    let Some((cut, stream)) = bytes.split_first() else { return };
    let _ = black_box(sfu::ice::framing::first(stream));
    let mut deframer = sfu::ice::framing::Deframer::default();
    for piece in stream.to_vec().chunks_mut(usize::from(*cut).max(1)) {
        if deframer.push(piece, |datagram| datagram.fill(0)).is_err() {
            return;
        }
    }
}

/// A DTLS datagram with a ClientHello.
pub fn client_hello(bytes: &[u8]) {
    let _ = black_box(sfu::dtls::best_profile(bytes));
}

/// A decrypted RTP packet: header, extensions, padding, retransmission and VP8 descriptor.
pub fn rtp(bytes: &[u8]) {
    let Ok(header) = Header::parse(bytes) else { return };
    let mut map = ExtensionMap::new();
    for (id, kind) in (1..).zip(ExtensionKind::ALL) {
        map.insert(id, kind).expect("small ids are usable");
    }
    black_box(KnownExtensions::read(&header, bytes, &map));
    let mut carried = sfu::rtp::CarriedBuffer::default();
    black_box(carried.collect(&header, bytes, &map));
    let Ok(payload) = header.payload(bytes) else { return };
    black_box(rtx::unwrap(payload));
    if let Ok(descriptor) = vp8::Descriptor::parse(payload) {
        descriptor.ids.write(&mut payload.to_vec(), 1, 2);
    }
}

/// A RED payload, and what was read written again.
pub fn redundant_audio(bytes: &[u8]) {
    let Ok(packet) = red::Red::parse(bytes) else { return };
    let blocks: Vec<red::Block<'_>> = packet.redundant().collect();
    let mut out = vec![0; bytes.len()];
    let len = red::write(&blocks, packet.primary_type, packet.primary, &mut out);
    assert_eq!((len, out.as_slice()), (Ok(bytes.len()), bytes), "every bit of a RED payload has a meaning");
}

/// A decrypted payload of any video codec.
pub fn video_payload(bytes: &[u8]) {
    black_box((h264::Units::of(bytes), av1::begins_sequence(bytes)));
    if let Ok(descriptor) = vp9::Descriptor::parse(bytes) {
        black_box(descriptor.frame());
        descriptor.ids.write(&mut bytes.to_vec(), 1, 2);
    }
}

/// Dependency descriptors of one stream, each behind a byte with its length, so that later ones meet the structure of
/// earlier ones.
pub fn descriptor(bytes: &[u8]) {
    let mut structure = None;
    let mut rest = bytes;
    while let Some((&len, tail)) = rest.split_first() {
        let (value, tail) = tail.split_at(usize::from(len).min(tail.len()));
        rest = tail;
        let parsed = Descriptor::parse(value, &mut structure);
        if let (Ok(parsed), Some(structure)) = (parsed, &structure) {
            black_box((parsed.frame(structure), parsed.numbers(structure)));
        }
        dependency_descriptor::rewrite(&mut value.to_vec(), 7, 9);
    }
}

/// A decrypted RTCP compound, every list in it walked to its end.
pub fn rtcp(bytes: &[u8]) {
    for packet in rtcp::iter(bytes).flatten() {
        match packet {
            rtcp::Packet::SenderReport(report) => black_box(report.blocks().count()),
            rtcp::Packet::ReceiverReport(report) => black_box(report.blocks().count()),
            rtcp::Packet::SourceDescription(description) => black_box(description.cnames().count()),
            rtcp::Packet::Goodbye(goodbye) => black_box(goodbye.sources().count()),
            rtcp::Packet::Nack(nack) => black_box(nack.sequences().count()),
            rtcp::Packet::Fir(fir) => black_box(fir.entries().count()),
            rtcp::Packet::TransportFeedback(feedback) => black_box(feedback.arrivals().count()),
            rtcp::Packet::Remb(remb) => black_box(remb.ssrcs().count()),
            _ => 0,
        };
    }
}

/// A session description, and the answer to it.
pub fn sdp(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(offer) = Offer::parse(text) else { return };
    let ice = IceCredentials::new("fuzz", "fuzzfuzzfuzzfuzzfuzzfuzz").expect("the lengths fit");
    let candidates = [HostCandidate::new(ADDRESS, u16::MAX)];
    let parameters = AnswerParameters {
        session_id: 1,
        session_version: 1,
        ice: &ice,
        fingerprint: Fingerprint([7; 32]),
        candidates: &candidates,
        cname: "fuzz",
        video_codecs: &sdp::Codec::VIDEO,
    };
    black_box(sdp::answer(&offer, &parameters, |_: Mid, _: MediaKind| SlotSsrcs {
        ssrc: 1,
        rtx: Some(2),
        flexfec: Some(3),
    }));
}

/// A client's signaling message.
pub fn client_message(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = black_box(protocol::decode_client(text));
    }
}

/// A server's signaling message, as the client reads it.
pub fn server_message(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = black_box(protocol::decode_server(text));
    }
}

/// A TensorFlow Lite file, planned if it is accepted, and run if it is small.
pub fn segmentation_model(bytes: &[u8]) {
    const QUICK: usize = 1 << 20;
    let Ok(model) = effects::Model::parse(bytes) else { return };
    let Ok(mut segmenter) = effects::Segmenter::new(&model) else { return };
    let (_, memory) = segmenter.size();
    if model.multiplications() <= QUICK && memory <= QUICK {
        segmenter.input_rows().for_each(|row| row.fill(0.5));
        black_box(segmenter.run());
    }
}

/// A file of weights of the deep filter, and one of the right length that repeats the bytes; what is accepted hears a frame.
pub fn filter_weights(bytes: &[u8]) {
    let _ = black_box(deep_filter::DeepFilter::new(bytes));
    if bytes.is_empty() {
        return;
    }
    let repeated = bytes.iter().copied().cycle().take(deep_filter::file_len() - deep_filter::MAGIC.len());
    let file: Vec<u8> = deep_filter::MAGIC.into_iter().chain(repeated).collect();
    if let Ok(mut filter) = deep_filter::DeepFilter::new(&file) {
        let mut frame = std::array::from_fn(|at| if at % 97 < 48 { 0.5 } else { -0.5 });
        filter.process(black_box(&mut frame));
    }
}

/// Anything that may arrive on the media port, from somebody unknown: split into datagrams by length bytes.
pub fn datagram(bytes: &[u8]) {
    let now = Instant::now();
    let config = Config {
        candidates: vec![ADDRESS],
        tcp_candidates: Vec::new(),
        shard: 0,
        peers_max: 1,
        video_codecs: sfu::sdp::Codec::VIDEO.to_vec(),
        estimator: sfu::bandwidth::Algorithm::default(),
        wall_clock: WallClock { instant: now, since_unix_epoch: Duration::from_secs(1) },
    };
    let mut sfu = Sfu::new(config, certificate(), [7; 32], now);
    let mut rest = bytes.to_vec();
    while let Some((&len, _)) = rest.split_first() {
        let tail = rest.split_off(1);
        let mut datagram = tail;
        rest = datagram.split_off(usize::from(len).min(datagram.len()));
        sfu.handle_datagram(now, ADDRESS, &mut datagram);
    }
    sfu.poll_transmit(now, &mut SendBatch::with_capacity(64));
}

const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4000);

fn certificate() -> Certificate {
    static CERTIFICATE: std::sync::OnceLock<Certificate> = std::sync::OnceLock::new();
    CERTIFICATE
        .get_or_init(|| Certificate::generate().expect("the cryptography of this machine works"))
        .clone()
}
