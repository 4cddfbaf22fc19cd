//! The SFU against PeerConnections of the `rtc` crate: SDP, ICE, DTLS, SRTP and RTCP that are not ours.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::interceptor::Registry;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::{CandidateConfig, CandidateHostConfig, RTCIceCandidate};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::rtp_transceiver::{RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use sfu::{Certificate, Command, Config, ConnectionId, Notice, SendBatch, Sfu, WallClock, Want};
use shared::{DisplayName, PeerId, RoomId, SourceKind, SourceRef};
use tests::media;
use tests::stack::{Source, media_engine};

use crate::calls::ON;
use crate::world::SERVER;

/// Everything happens on this grid, and a datagram takes one step.
const STEP: Duration = Duration::from_millis(5);

struct Peer {
    id: ConnectionId,
    pc: RTCPeerConnection,
    address: SocketAddr,
    sources: Vec<(Source, RTCRtpSenderId)>,
    inbox: Vec<Vec<u8>>,
    peer: Option<PeerId>,
    video_slot: String,
    /// Intact packets by publisher and source.
    got: BTreeMap<(u16, u8), u32>,
    damaged: u32,
}

impl Peer {
    fn new(number: u16, now: Instant) -> Self {
        let mut engine = media_engine();
        let registry = register_default_interceptors(Registry::new(), &mut engine).unwrap();
        let mut pc = RTCPeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_media_engine(engine)
            .with_interceptor_registry(registry)
            .build(now)
            .unwrap();
        let address = SocketAddr::from(([10, 0, 0, 1], 40_000 + number));
        let base_config = CandidateConfig {
            network: "udp".to_owned(),
            address: address.ip().to_string(),
            port: address.port(),
            component: 1,
            ..CandidateConfig::default()
        };
        let candidate = CandidateHostConfig { base_config, ..CandidateHostConfig::default() };
        let candidate = candidate.new_candidate_host().unwrap();
        pc.add_local_candidate(RTCIceCandidate::from(&candidate).to_json().unwrap()).unwrap();
        let mut sources = Vec::new();
        for source in [Source::new(number, true), Source::new(number, false)] {
            let sender = pc.add_track(source.track()).unwrap();
            sources.push((source, sender));
        }
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
            let direction = RTCRtpTransceiverDirection::Recvonly;
            let init = RTCRtpTransceiverInit { direction, ..RTCRtpTransceiverInit::default() };
            pc.add_transceiver_from_kind(kind, Some(init)).unwrap();
        }
        Self {
            id: ConnectionId(number.into()),
            pc,
            address,
            sources,
            inbox: Vec::new(),
            peer: None,
            video_slot: String::new(),
            got: BTreeMap::new(),
            damaged: 0,
        }
    }

    fn offer(&mut self, now: Instant) -> Command {
        let offer = self.pc.create_offer(None).unwrap();
        self.pc.set_local_description(now, offer).unwrap();
        let sdp = self.pc.local_description().unwrap().sdp;
        let mut sources = Vec::new();
        for section in sdp.split("\nm=").skip(1) {
            let mid = section.lines().find_map(|line| line.strip_prefix("a=mid:")).unwrap().trim().to_owned();
            match (section.contains("a=recvonly"), section.starts_with("audio")) {
                (true, true) => {}
                (true, false) => self.video_slot = mid,
                (false, true) => sources.push((mid, SourceKind::Microphone)),
                (false, false) => sources.push((mid, SourceKind::Camera)),
            }
        }
        Command::Offer { connection: self.id, negotiation: 1, sdp, sources }
    }

    /// One step: what arrived, timers, and what leaves.
    fn step(&mut self, now: Instant, elapsed: Duration) -> Vec<Vec<u8>> {
        for datagram in self.inbox.drain(..) {
            let transport = TransportContext {
                local_addr: self.address,
                peer_addr: SERVER.parse().unwrap(),
                ecn: None,
                transport_protocol: TransportProtocol::UDP,
            };
            let message = BytesMut::from(datagram.as_slice());
            let _ = self.pc.handle_read(TaggedBytesMut { now, transport, message });
        }
        if self.pc.poll_timeout().is_some_and(|due| due <= now) {
            self.pc.handle_timeout(now).unwrap();
        }
        for (source, sender) in &mut self.sources {
            let period = if source.audio { 20 } else { 50 };
            if elapsed.as_millis().is_multiple_of(period) {
                for packet in source.frame(elapsed) {
                    // Refused until the handshake is over.
                    let _ = self.pc.rtp_sender(*sender).unwrap().write_rtp(now, packet);
                }
            }
        }
        while self.pc.poll_event().is_some() {}
        while let Some(message) = self.pc.poll_read() {
            if let RTCMessage::RtpPacket(_, packet) = message.message {
                self.count(&packet.payload);
            }
        }
        let mut out = Vec::new();
        while let Some(datagram) = self.pc.poll_write() {
            out.push(datagram.message.to_vec());
        }
        out
    }

    fn count(&mut self, payload: &[u8]) {
        match media::read_opus(payload).or_else(|| media::read_vp8(payload)) {
            Some(received) => {
                *self.got.entry((received.label.publisher, received.label.source)).or_default() += 1;
            }
            None => self.damaged += 1,
        }
    }
}

fn drain(sfu: &mut Sfu, now: Instant, peers: &mut [Peer]) {
    let mut batch = SendBatch::with_capacity(32);
    loop {
        let more = sfu.poll_transmit(now, &mut batch);
        for datagram in batch.datagrams() {
            if let Some(peer) = peers.iter_mut().find(|peer| peer.address == datagram.to.remote()) {
                peer.inbox.push(batch.payload(datagram).to_vec());
            }
        }
        batch.clear();
        if !more {
            break;
        }
    }
    while let Some(event) = sfu.poll_event() {
        let peer = peers.iter_mut().find(|peer| peer.id == event.connection).unwrap();
        match event.notice {
            Notice::Welcomed { peer: id, .. } => peer.peer = Some(id),
            Notice::Answered { sdp, .. } => {
                peer.pc.set_remote_description(now, RTCSessionDescription::answer(sdp).unwrap()).unwrap();
            }
            Notice::Refused { message, .. } => panic!("{message}"),
            Notice::Snapshot(_)
            | Notice::Changed { .. }
            | Notice::SlotMap(_)
            | Notice::Layers(_)
            | Notice::Speakers(_)
            | Notice::Closed(_) => {}
        }
    }
}

#[test]
fn connections_of_another_stack_exchange_audio_and_video_intact() {
    let start = Instant::now();
    let config = Config {
        candidates: vec![SERVER.parse().unwrap()],
        tcp_candidates: Vec::new(),
        shard: 0,
        peers_max: 10,
        video_codecs: sfu::sdp::Codec::VIDEO.to_vec(),
        estimator: sfu::bandwidth::Algorithm::default(),
        wall_clock: WallClock { instant: start, since_unix_epoch: Duration::from_secs(1_700_000_000) },
    };
    let mut sfu = Sfu::new(config, Certificate::generate().unwrap(), [3; 32], start);
    let mut peers: Vec<Peer> = (0..2).map(|number| Peer::new(number, start)).collect();
    for at in 0..2 {
        let connection = peers[at].id;
        let (room, name) = (RoomId::new("stack").unwrap(), DisplayName::new("Ada").unwrap());
        sfu.handle_command(
            start,
            Command::Join {
                connection,
                room,
                name,
                media: ON,
                resume: None,
                suspends_layers: false,
                admission: sfu::Admission::default(),
            },
        );
        drain(&mut sfu, start, &mut peers);
        let offer = peers[at].offer(start);
        sfu.handle_command(start, offer);
        drain(&mut sfu, start, &mut peers);
    }
    for at in 0..2 {
        let source = SourceRef { peer: peers[1 - at].peer.unwrap(), kind: SourceKind::Camera };
        let want = Want { mid: peers[at].video_slot.clone(), source, max_height: 360, priority: 1 };
        sfu.handle_command(start, Command::Wants { connection: peers[at].id, wants: vec![want] });
        drain(&mut sfu, start, &mut peers);
    }
    let mut elapsed = Duration::ZERO;
    while elapsed < Duration::from_secs(8) {
        elapsed += STEP;
        let now = start + elapsed;
        for at in 0..2 {
            for mut datagram in peers[at].step(now, elapsed) {
                sfu.handle_datagram(now, peers[at].address, &mut datagram);
                drain(&mut sfu, now, &mut peers);
            }
        }
        if sfu.poll_timeout().is_some_and(|due| due <= now) {
            sfu.handle_timeout(now);
            drain(&mut sfu, now, &mut peers);
        }
    }
    for (at, peer) in peers.iter().enumerate() {
        let other = 1 - at as u16;
        assert_eq!(peer.damaged, 0);
        assert!(peer.got.get(&(other, 0)).is_some_and(|count| *count > 250), "audio: {:?}", peer.got);
        assert!(peer.got.get(&(other, 1)).is_some_and(|count| *count > 250), "video: {:?}", peer.got);
        assert!(peer.got.keys().all(|(publisher, _)| *publisher == other), "{:?}", peer.got);
    }
}
