//! A client behind a lossy hop: a full WebRTC stack (`rtc`) whose media passes a [`Line`] each way.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::BytesMut;
use rtc::interceptor::Registry;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::interceptor_registry::{
    configure_nack, configure_rtcp_reports, configure_twcc,
};
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{
    TransportLayerNack, nack_pairs_from_sequence_numbers,
};
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodec, RTCRtpCodecParameters, RtpCodecKind};
use rtc::rtp_transceiver::{RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use sfu::nack::{Generator, Need};
use tests::line::{Impairment, Line};
use tests::stack::Source;

use crate::load::{gcm_only, host_candidate};
use crate::socket;

/// Payload type of redundant audio, as in Chromium.
pub(super) const RED: u8 = 63;
/// Payload type of Opus in [`tests::stack`].
pub(super) const OPUS: u8 = 111;
const VP8: u8 = 96;
const DATAGRAM_BYTES_MAX: usize = 2048;
/// What an answer may take beyond the round trip, before it is asked for again.
const REQUEST_GRACE: Duration = Duration::from_millis(5);

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
    /// Video that has to be asked for.
    missing: Generator,
    round_trip: Duration,
    video_ssrc: u32,
}

impl Client {
    /// A client that sends these.
    pub(super) fn publisher(
        address: Ipv4Addr,
        sources: &[&Source],
        seed: u64,
    ) -> Result<(Self, Vec<RTCRtpSenderId>)> {
        let mut engine = media_engine()?;
        let registry = configure_nack(Registry::new(), &mut engine);
        let mut client = Self::new(address, engine, registry, seed, Duration::ZERO)?;
        let senders = sources
            .iter()
            .map(|source| client.pc.add_track(source.track()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((client, senders))
    }

    /// A client that receives audio and video, and asks again for lost video once in `round_trip`. The requests are made as
    /// browsers make them, at once and then every round trip: the stack's own come every 100 ms, even for what has come.
    pub(super) fn viewer(address: Ipv4Addr, seed: u64, round_trip: Duration) -> Result<Self> {
        Self::new(address, media_engine()?, Registry::new(), seed, round_trip)
    }

    fn new(
        address: Ipv4Addr,
        mut engine: MediaEngine,
        registry: Registry,
        seed: u64,
        round_trip: Duration,
    ) -> Result<Self> {
        let registry = configure_twcc(configure_rtcp_reports(registry), &mut engine)?;
        let socket = socket::bind_at(address).context("a client's socket")?;
        let local = socket.local_addr()?;
        let settings = SettingEngineBuilder::new().with_srtp_protection_profiles(gcm_only());
        let mut pc = RTCPeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_setting_engine(settings.build())
            .with_media_engine(engine)
            .with_interceptor_registry(registry)
            .build(Instant::now())?;
        pc.add_local_candidate(host_candidate(local)?)?;
        Ok(Self {
            pc,
            socket,
            local,
            start: Instant::now(),
            is_connected: false,
            lines: [1, 2].map(|direction| Line::new(Impairment::default(), seed * 2 + direction)),
            under_way: BTreeMap::new(),
            order: 0,
            remote: None,
            missing: Generator::new(),
            round_trip,
            video_ssrc: 0,
        })
    }

    /// Media from the client and to it meets this from now on.
    pub(super) fn impair(&mut self, [up, down]: [Impairment; 2]) {
        self.lines[0].impairment = up;
        self.lines[1].impairment = down;
    }

    /// The offer of a publisher, or of a viewer that is not invited.
    pub(super) fn offer(&mut self) -> Result<String> {
        if self.pc.get_senders().next().is_none() {
            for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
                let direction = RTCRtpTransceiverDirection::Recvonly;
                let init = RTCRtpTransceiverInit { direction, ..RTCRtpTransceiverInit::default() };
                self.pc.add_transceiver_from_kind(kind, Some(init))?;
            }
        }
        let offer = self.pc.create_offer(None)?;
        self.pc.set_local_description(Instant::now(), offer)?;
        Ok(self.pc.local_description().context("an offer was just made")?.sdp)
    }

    pub(super) fn accept(&mut self, answer: String) -> Result<()> {
        self.pc.set_remote_description(Instant::now(), RTCSessionDescription::answer(answer)?)?;
        Ok(())
    }

    /// The answer to the offer of a server that invites.
    pub(super) fn answer(&mut self, offer: String) -> Result<String> {
        self.pc.set_remote_description(Instant::now(), RTCSessionDescription::offer(offer)?)?;
        let answer = self.pc.create_answer(None)?;
        self.pc.set_local_description(Instant::now(), answer)?;
        Ok(self.pc.local_description().context("an answer was just made")?.sdp)
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
                if packet.header.payload_type == VP8 {
                    self.video_ssrc = packet.header.ssrc;
                    self.missing.handle(packet.header.sequence_number, now);
                }
                on_packet(&packet);
            }
        }
        self.ask(now)?;
        while let Some(datagram) = self.pc.poll_write() {
            self.carry(0, Some(datagram.transport.peer_addr), &datagram.message);
        }
        self.deliver();
        Ok(())
    }

    /// Asks for what is missing of the video.
    fn ask(&mut self, now: Instant) -> Result<()> {
        let media_ssrc = self.video_ssrc;
        let request: Box<dyn rtc::rtcp::Packet> =
            match self.missing.poll(now, self.round_trip + REQUEST_GRACE) {
                Need::Nothing => return Ok(()),
                Need::Packets(numbers) => {
                    let nacks = nack_pairs_from_sequence_numbers(numbers);
                    Box::new(TransportLayerNack { sender_ssrc: 0, media_ssrc, nacks })
                }
                Need::KeyFrame => Box::new(PictureLossIndication { sender_ssrc: 0, media_ssrc }),
            };
        let id = self.pc.get_receivers().last().context("a viewer receives")?;
        let mut receiver = self.pc.rtp_receiver(id).context("a viewer receives")?;
        receiver.write_rtcp(now, vec![request])?;
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

/// What browsers speak, with redundant audio.
fn media_engine() -> Result<MediaEngine> {
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
    Ok(engine)
}
