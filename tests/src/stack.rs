//! The `rtc` stack set up as a browser would be: Opus, VP8 with RTX, the mid extension, and sources of [`media`].

use std::time::Duration;

use bytes::Bytes;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::rtp::Packet;
use rtc::rtp::header::Header;
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability, RtpCodecKind,
};

use crate::media::{self, Label, Vp8};

const OPUS: u8 = 111;
const VP8: u8 = 96;
/// A key frame this often: more often than cameras do, so that whoever joins sees something soon.
const KEY_FRAME_EVERY: u32 = 20;
/// Packets of one frame.
const PACKETS_PER_FRAME: u32 = 3;
const HEIGHT: u16 = 360;
const PAYLOAD_FILLER: usize = 700;

/// Codecs and extensions.
///
/// # Panics
/// When the stack refuses them.
#[must_use]
pub fn media_engine() -> MediaEngine {
    let mut engine = MediaEngine::default();
    let rtx = RTCRtpCodec {
        mime_type: "video/rtx".to_owned(),
        clock_rate: 90_000,
        sdp_fmtp_line: format!("apt={VP8}"),
        ..RTCRtpCodec::default()
    };
    let codecs = [
        (opus_codec(), OPUS, RtpCodecKind::Audio),
        (vp8_codec(), VP8, RtpCodecKind::Video),
        (rtx, VP8 + 1, RtpCodecKind::Video),
    ];
    for (rtp_codec, payload_type, kind) in codecs {
        let codec = RTCRtpCodecParameters { rtp_codec, payload_type };
        engine.register_codec(codec, kind).expect("the codec is known");
    }
    for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
        let uri = "urn:ietf:params:rtp-hdrext:sdes:mid".to_owned();
        let extension = RTCRtpHeaderExtensionCapability { uri };
        engine.register_header_extension(extension, kind, None).expect("the extension is known");
    }
    engine
}

fn opus_codec() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "audio/opus".to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
        ..RTCRtpCodec::default()
    }
}

fn vp8_codec() -> RTCRtpCodec {
    let feedback = [("nack", ""), ("nack", "pli"), ("transport-cc", "")];
    let feedback = feedback
        .map(|(typ, parameter)| RTCPFeedback { typ: typ.to_owned(), parameter: parameter.to_owned() });
    RTCRtpCodec {
        mime_type: "video/VP8".to_owned(),
        clock_rate: 90_000,
        rtcp_feedback: feedback.to_vec(),
        ..RTCRtpCodec::default()
    }
}

/// A microphone or camera that makes labelled packets.
#[derive(Debug)]
pub struct Source {
    /// Whether it is a microphone.
    pub audio: bool,
    publisher: u16,
    ssrc: u32,
    sequence: u32,
    frame: u32,
}

impl Source {
    /// The microphone or camera of this publisher.
    #[must_use]
    pub fn new(publisher: u16, audio: bool) -> Self {
        let ssrc = 1_000 + u32::from(publisher) * 2 + u32::from(audio);
        Self { audio, publisher, ssrc, sequence: 100, frame: 0 }
    }

    /// The track to add to a connection.
    #[must_use]
    pub fn track(&self) -> MediaStreamTrack {
        let (kind, codec) =
            if self.audio { (RtpCodecKind::Audio, opus_codec()) } else { (RtpCodecKind::Video, vp8_codec()) };
        let rtp_coding_parameters =
            RTCRtpCodingParameters { ssrc: Some(self.ssrc), ..RTCRtpCodingParameters::default() };
        let encoding =
            RTCRtpEncodingParameters { rtp_coding_parameters, codec, ..RTCRtpEncodingParameters::default() };
        let name = self.ssrc.to_string();
        MediaStreamTrack::new(name.clone(), name.clone(), name, kind, vec![encoding])
    }

    /// The packets of the next frame, captured `elapsed` after the start.
    #[must_use]
    pub fn frame(&mut self, elapsed: Duration) -> Vec<Packet> {
        self.frame += 1;
        let clock = if self.audio { 48 } else { 90 };
        let timestamp = (elapsed.as_micros() * clock / 1000) as u32;
        let packets = if self.audio { 1 } else { PACKETS_PER_FRAME };
        (0..packets).map(|at| self.packet(timestamp, at, packets)).collect()
    }

    fn packet(&mut self, timestamp: u32, at: u32, packets: u32) -> Packet {
        self.sequence += 1;
        let header = Header {
            version: 2,
            marker: self.audio || at + 1 == packets,
            payload_type: if self.audio { OPUS } else { VP8 },
            sequence_number: self.sequence as u16,
            timestamp,
            ssrc: self.ssrc,
            ..Header::default()
        };
        Packet { header, payload: Bytes::from(self.payload(timestamp, at)) }
    }

    fn payload(&self, timestamp: u32, at: u32) -> Vec<u8> {
        let label = Label {
            publisher: self.publisher,
            connection: 1,
            source: u8::from(!self.audio),
            layer: 0,
            sequence: self.sequence,
            timestamp,
            frame: self.frame,
            padding: 0,
        };
        if self.audio {
            return media::opus(&label, 60);
        }
        let start = at == 0;
        let key = self.frame % KEY_FRAME_EVERY == 1;
        let vp8 = Vp8 {
            picture_id: (self.frame & 0x7fff) as u16,
            tl0: self.frame as u8,
            start,
            key_height: (start && key).then_some(HEIGHT),
        };
        media::vp8(&label, &vp8, PAYLOAD_FILLER)
    }
}
