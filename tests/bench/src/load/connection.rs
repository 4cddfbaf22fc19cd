//! One client: a full WebRTC stack on a socket of its own, and the pieces of configuration that the peers share.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::BytesMut;
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::interceptor::Registry;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::interceptor_registry::{
    configure_nack, configure_rtcp_reports, configure_twcc, register_default_interceptors,
};
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::{
    CandidateConfig, CandidateHostConfig, RTCIceCandidate, RTCIceCandidateInit,
};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use crate::socket;

/// The RTP payload type of VP8 in every offer.
pub(crate) const PAYLOAD_TYPE: u8 = 96;
/// The RTP clock of VP8 (RFC 7741).
pub(crate) const CLOCK_HZ: u32 = 90_000;
/// The header extensions that Chromium offers for video and that cost a server something for every packet.
const EXTENSIONS: [&str; 3] = [
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
];
/// The publisher's SSRC.
pub(crate) const PUBLISHER_SSRC: u32 = 1111;
/// A timer that the stack wants at once is run this much later, so that a stack with a stuck timer cannot take the
/// whole client.
const TIMER_GRACE: Duration = Duration::from_millis(5);
/// How long nothing needs to happen when the stack has no timer.
const IDLE: Duration = Duration::from_secs(1);

/// See the [module](self).
pub(super) struct Connection {
    pub(super) socket: UdpSocket,
    pub(super) stack: Stack,
    pub(super) is_connected: bool,
    /// When [`Self::drive`] has to be called again, datagrams or not.
    pub(super) due: Instant,
}

/// The protocols of a client, apart from its socket, so that datagrams need not be copied out of the receive batch.
pub(super) struct Stack {
    pc: RTCPeerConnection,
    local: SocketAddr,
}

impl Stack {
    /// Gives a datagram to the stack; [`Connection::drive`] has to follow.
    pub(super) fn handle(&mut self, datagram: &[u8], from: SocketAddr) {
        let transport = TransportContext {
            local_addr: self.local,
            peer_addr: from,
            ecn: None,
            transport_protocol: TransportProtocol::UDP,
        };
        let message = BytesMut::from(datagram);
        // The stack refuses datagrams that it has no use for; what matters shows in the packets that come out.
        let _ = self.pc.handle_read(TaggedBytesMut { now: Instant::now(), transport, message });
    }
}

impl Connection {
    /// The client that sends: with NACK responder, reports and transport-wide sequence numbers, like a browser.
    pub(super) fn publisher(address: Ipv4Addr) -> Result<(Self, RTCRtpSenderId)> {
        let mut engine = vp8_engine()?;
        let registry = configure_rtcp_reports(configure_nack(Registry::new(), &mut engine));
        let registry = configure_twcc(registry, &mut engine)?;
        let mut connection = Self::new(address, engine, registry)?;
        let sender = connection.stack.pc.add_track(track(PUBLISHER_SSRC))?;
        Ok((connection, sender))
    }

    /// A client that receives. It sends no feedback: most packets are counted by their headers and never reach
    /// its stack, so it would complain about losses that are none.
    pub(super) fn subscriber(address: Ipv4Addr) -> Result<Self> {
        let mut connection = Self::new(address, vp8_engine()?, Registry::new())?;
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Recvonly,
            ..RTCRtpTransceiverInit::default()
        };
        connection.stack.pc.add_transceiver_from_kind(RtpCodecKind::Video, Some(init))?;
        Ok(connection)
    }

    fn new(address: Ipv4Addr, engine: MediaEngine, registry: Registry) -> Result<Self> {
        let socket = socket::bind_at(address).context("a client's socket")?;
        socket::stamp_arrivals(&socket)?;
        let local = socket.local_addr()?;
        let settings = SettingEngineBuilder::new().with_srtp_protection_profiles(gcm_only());
        let mut pc = RTCPeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_setting_engine(settings.build())
            .with_media_engine(engine)
            .with_interceptor_registry(registry)
            .build(Instant::now())?;
        pc.add_local_candidate(host_candidate(local)?)?;
        Ok(Self { socket, stack: Stack { pc, local }, is_connected: false, due: Instant::now() })
    }

    /// The offer for the server.
    pub(super) fn offer(&mut self) -> Result<String> {
        let offer = self.stack.pc.create_offer(None)?;
        self.stack.pc.set_local_description(Instant::now(), offer)?;
        Ok(self.stack.pc.local_description().context("an offer was just made")?.sdp)
    }

    /// A client that receives from a server that makes the offers, and its answer to this one.
    pub(super) fn invited(address: Ipv4Addr, offer: String) -> Result<(Self, String)> {
        let mut connection = Self::new(address, vp8_engine()?, Registry::new())?;
        let pc = &mut connection.stack.pc;
        pc.set_remote_description(Instant::now(), RTCSessionDescription::offer(offer)?)?;
        let answer = pc.create_answer(None)?;
        pc.set_local_description(Instant::now(), answer)?;
        let answer = pc.local_description().context("an answer was just made")?.sdp;
        Ok((connection, answer))
    }

    /// Takes the server's answer.
    pub(super) fn accept(&mut self, answer: String) -> Result<()> {
        self.stack.pc.set_remote_description(Instant::now(), RTCSessionDescription::answer(answer)?)?;
        Ok(())
    }

    /// Lets the stack work; `on_packet` gets the sequence number and payload of every decrypted RTP packet.
    pub(super) fn drive(&mut self, mut on_packet: impl FnMut(u16, &[u8]) -> Result<()>) -> Result<()> {
        while let Some(event) = self.stack.pc.poll_event() {
            let RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) = event else { continue };
            self.is_connected |= state == RTCPeerConnectionState::Connected;
            if state == RTCPeerConnectionState::Failed {
                bail!("a client's connection failed");
            }
        }
        while let Some(message) = self.stack.pc.poll_read() {
            if let RTCMessage::RtpPacket(_, packet) = message.message
                && packet.header.payload_type == PAYLOAD_TYPE
            {
                on_packet(packet.header.sequence_number, &packet.payload)?;
            }
        }
        let now = Instant::now();
        let mut due = self.stack.pc.poll_timeout().unwrap_or(now + IDLE);
        if due <= now {
            self.stack.pc.handle_timeout(now)?;
            due = now + TIMER_GRACE;
        }
        self.due = due;
        self.transmit(|| {});
        Ok(())
    }

    /// Sends one RTP packet of the publisher, under its SSRC; `on_send` is called right before its datagram leaves.
    pub(super) fn send(
        &mut self,
        sender: RTCRtpSenderId,
        mut packet: rtc::rtp::Packet,
        on_send: impl FnMut(),
    ) -> Result<()> {
        packet.header.ssrc = PUBLISHER_SSRC;
        let mut sender = self.stack.pc.rtp_sender(sender).context("the publisher has a sender")?;
        sender.write_rtp(Instant::now(), packet)?;
        self.transmit(on_send);
        Ok(())
    }

    fn transmit(&mut self, mut on_media: impl FnMut()) {
        while let Some(datagram) = self.stack.pc.poll_write() {
            if is_rtp(&datagram.message) {
                on_media();
            }
            // A full send buffer or a port that was closed is a loss like any other, and counted where it is missed.
            let _ = self.socket.send_to(&datagram.message, datagram.transport.peer_addr);
        }
    }
}

/// Whether a datagram is SRTP, not SRTCP or anything else (RFC 7983, RFC 5761).
pub(super) fn is_rtp(datagram: &[u8]) -> bool {
    matches!(datagram, [128..=191, second, ..] if !(192..=223).contains(second))
}

/// The SRTP profile that all peers use: AEAD_AES_128_GCM.
pub(crate) fn gcm_only() -> Vec<SrtpProtectionProfile> {
    vec![SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm]
}

/// VP8 with retransmissions and the header extensions of [`EXTENSIONS`].
pub(crate) fn vp8_engine() -> Result<MediaEngine> {
    let mut engine = MediaEngine::default();
    let rtx = RTCRtpCodec {
        mime_type: "video/rtx".to_owned(),
        clock_rate: CLOCK_HZ,
        sdp_fmtp_line: format!("apt={PAYLOAD_TYPE}"),
        ..RTCRtpCodec::default()
    };
    for (rtp_codec, payload_type) in [(vp8(), PAYLOAD_TYPE), (rtx, PAYLOAD_TYPE + 1)] {
        let parameters = RTCRtpCodecParameters { rtp_codec, payload_type };
        engine.register_codec(parameters, RtpCodecKind::Video)?;
    }
    for uri in EXTENSIONS {
        let extension = RTCRtpHeaderExtensionCapability { uri: uri.to_owned() };
        engine.register_header_extension(extension, RtpCodecKind::Video, None)?;
    }
    Ok(engine)
}

/// What `rtc` and `webrtc` do by default: NACK, reports, transport feedback.
pub(crate) fn default_interceptors(engine: &mut MediaEngine) -> Result<Registry> {
    Ok(register_default_interceptors(Registry::new(), engine)?)
}

/// A VP8 track with one encoding.
pub(crate) fn track(ssrc: u32) -> MediaStreamTrack {
    let rtp_coding_parameters =
        RTCRtpCodingParameters { ssrc: Some(ssrc), ..RTCRtpCodingParameters::default() };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters,
        codec: vp8(),
        ..RTCRtpEncodingParameters::default()
    };
    let name = |prefix: &str| format!("{prefix}{ssrc}");
    MediaStreamTrack::new(name("s"), name("t"), name("l"), RtpCodecKind::Video, vec![encoding])
}

fn vp8() -> RTCRtpCodec {
    let feedback = [("nack", ""), ("nack", "pli"), ("transport-cc", "")];
    let feedback = feedback
        .map(|(typ, parameter)| RTCPFeedback { typ: typ.to_owned(), parameter: parameter.to_owned() });
    RTCRtpCodec {
        mime_type: "video/VP8".to_owned(),
        clock_rate: CLOCK_HZ,
        rtcp_feedback: feedback.to_vec(),
        ..RTCRtpCodec::default()
    }
}

pub(crate) fn host_candidate(address: SocketAddr) -> Result<RTCIceCandidateInit> {
    let base_config = CandidateConfig {
        network: "udp".to_owned(),
        address: address.ip().to_string(),
        port: address.port(),
        component: 1,
        ..CandidateConfig::default()
    };
    let config = CandidateHostConfig { base_config, ..CandidateHostConfig::default() };
    Ok(RTCIceCandidate::from(&config.new_candidate_host()?).to_json()?)
}
