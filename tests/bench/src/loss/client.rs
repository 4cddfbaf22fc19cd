//! A client behind a lossy hop: a full WebRTC stack (`rtc`) whose media passes a [`Line`] each way.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::BytesMut;
use rtc::interceptor::Registry;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::interceptor_registry::{
    configure_nack, configure_rtcp_reports, configure_twcc,
};
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodec, RTCRtpCodecParameters, RtpCodecKind};
use rtc::rtp_transceiver::{RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use tests::line::{Impairment, Line};
use tests::stack::Source;

use crate::load::{gcm_only, host_candidate};
use crate::socket;

/// Payload type of redundant audio, as in Chromium.
pub(super) const RED: u8 = 63;
/// Payload type of Opus in [`tests::stack`].
pub(super) const OPUS: u8 = 111;
const DATAGRAM_BYTES_MAX: usize = 2048;

/// See the [module](self).
pub(super) struct Client {
    pc: RTCPeerConnection,
    socket: UdpSocket,
    local: SocketAddr,
    start: Instant,
    pub(super) is_connected: bool,
    /// From the client and to it.
    lines: [Line; 2],
    /// Under way, by when they arrive: to the client (no address), or from it.
    under_way: BTreeMap<(Duration, u64), (Option<SocketAddr>, Vec<u8>)>,
    order: u64,
    remote: Option<SocketAddr>,
}

impl Client {
    /// A client that receives audio and video, or with sources one that sends them.
    pub(super) fn new(sources: &[&Source], seed: u64) -> Result<(Self, Vec<RTCRtpSenderId>)> {
        let mut engine = tests::stack::media_engine();
        let red = RTCRtpCodec {
            mime_type: "audio/red".to_owned(),
            clock_rate: 48_000,
            channels: 2,
            sdp_fmtp_line: format!("{OPUS}/{OPUS}"),
            ..RTCRtpCodec::default()
        };
        let red = RTCRtpCodecParameters { rtp_codec: red, payload_type: RED };
        engine.register_codec(red, RtpCodecKind::Audio)?;
        let registry = configure_rtcp_reports(configure_nack(Registry::new(), &mut engine));
        let registry = configure_twcc(registry, &mut engine)?;
        let socket = socket::bind().context("a client's socket")?;
        let local = socket.local_addr()?;
        let settings = SettingEngineBuilder::new().with_srtp_protection_profiles(gcm_only());
        let mut pc = RTCPeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_setting_engine(settings.build())
            .with_media_engine(engine)
            .with_interceptor_registry(registry)
            .build(Instant::now())?;
        pc.add_local_candidate(host_candidate(local)?)?;
        let senders =
            sources.iter().map(|source| pc.add_track(source.track())).collect::<Result<Vec<_>, _>>()?;
        if sources.is_empty() {
            for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
                let direction = RTCRtpTransceiverDirection::Recvonly;
                let init = RTCRtpTransceiverInit { direction, ..RTCRtpTransceiverInit::default() };
                pc.add_transceiver_from_kind(kind, Some(init))?;
            }
        }
        let client = Self {
            pc,
            socket,
            local,
            start: Instant::now(),
            is_connected: false,
            lines: [1, 2].map(|direction| Line::new(Impairment::default(), seed * 2 + direction)),
            under_way: BTreeMap::new(),
            order: 0,
            remote: None,
        };
        Ok((client, senders))
    }

    /// Media from the client and to it meets this from now on.
    pub(super) fn impair(&mut self, up: Impairment, down: Impairment) {
        self.lines[0].impairment = up;
        self.lines[1].impairment = down;
    }

    pub(super) fn offer(&mut self) -> Result<String> {
        let offer = self.pc.create_offer(None)?;
        self.pc.set_local_description(Instant::now(), offer)?;
        Ok(self.pc.local_description().context("an offer was just made")?.sdp)
    }

    pub(super) fn accept(&mut self, answer: String) -> Result<()> {
        self.pc.set_remote_description(Instant::now(), RTCSessionDescription::answer(answer)?)?;
        Ok(())
    }

    pub(super) fn send(&mut self, sender: RTCRtpSenderId, packet: Packet) -> Result<()> {
        let mut sender = self.pc.rtp_sender(sender).context("the publisher has a sender")?;
        sender.write_rtp(Instant::now(), packet)?;
        Ok(())
    }

    /// Lets everything happen that is due; `on_packet` gets what was received.
    pub(super) fn turn(&mut self, mut on_packet: impl FnMut(&Packet)) -> Result<()> {
        self.receive()?;
        self.deliver();
        let now = Instant::now();
        if self.pc.poll_timeout().is_some_and(|due| due <= now) {
            self.pc.handle_timeout(now)?;
        }
        while let Some(event) = self.pc.poll_event() {
            let RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) = event else { continue };
            self.is_connected |= state == RTCPeerConnectionState::Connected;
            if state == RTCPeerConnectionState::Failed {
                bail!("a client's connection failed");
            }
        }
        while let Some(message) = self.pc.poll_read() {
            if let RTCMessage::RtpPacket(_, packet) = message.message {
                on_packet(&packet);
            }
        }
        while let Some(datagram) = self.pc.poll_write() {
            self.carry(0, Some(datagram.transport.peer_addr), &datagram.message);
        }
        self.deliver();
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((len, from)) => {
                    self.remote = Some(from);
                    self.carry(1, None, &buffer[..len]);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("receiving"),
            }
        }
    }

    /// Sends a datagram on its way. Only media meets the line: a handshake is not what is measured.
    fn carry(&mut self, direction: usize, to: Option<SocketAddr>, datagram: &[u8]) {
        let now = self.start.elapsed();
        let copies = if matches!(datagram, [128..=191, ..]) {
            self.lines[direction].carry(now, datagram)
        } else {
            vec![(Duration::ZERO, datagram.to_vec())]
        };
        for (delay, copy) in copies {
            self.order += 1;
            self.under_way.insert((now + delay, self.order), (to, copy));
        }
    }

    fn deliver(&mut self) {
        let now = self.start.elapsed();
        while let Some(entry) = self.under_way.first_entry().filter(|entry| entry.key().0 <= now) {
            let (to, datagram) = entry.remove();
            if let Some(to) = to {
                // A full send buffer is a loss like any other.
                let _ = self.socket.send_to(&datagram, to);
                continue;
            }
            let Some(peer_addr) = self.remote else { continue };
            let transport_protocol = TransportProtocol::UDP;
            let transport =
                TransportContext { local_addr: self.local, peer_addr, ecn: None, transport_protocol };
            let message = BytesMut::from(datagram.as_slice());
            // The stack refuses datagrams that it has no use for; what matters shows in the packets that come out.
            let _ = self.pc.handle_read(TaggedBytesMut { now: Instant::now(), transport, message });
        }
    }
}
