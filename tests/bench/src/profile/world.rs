//! The SFU and its clients in one thread and in virtual time, without sockets. What the SFU does is set apart from what
//! the clients do, so that it can be counted alone.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::BytesMut;
use rtc::interceptor::Registry;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::interceptor_registry::{
    configure_nack, configure_rtcp_reports, configure_twcc,
};
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::rtp_transceiver::{RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use sfu::{Certificate, Command, Config, ConnectionId, Notice, SendBatch, Sfu, WallClock, Want};
use shared::{DisplayName, MediaState, PeerId, RoomId, SourceKind, SourceRef};

use crate::load::{
    CLOCK_HZ, Load, PAYLOAD_TYPE, PUBLISHER_SSRC, Position, default_interceptors, gcm_only, host_candidate,
    payload, track, vp8_engine,
};
use crate::measure::allocations;

/// Everything happens on this grid, and a datagram takes one step.
const STEP: Duration = Duration::from_millis(1);
/// How often the clients look at their timers, in steps.
const TIMER_STEPS: u64 = 10;
/// Until all have connected.
const CONNECT_STEPS_MAX: u64 = 5000;
/// Datagrams of one send batch, as in the server.
const SEND_BATCH: usize = 512;
/// While the stream is started, one frame of so many is a key frame.
const KEY_FRAME_SPACING: u32 = 10;
/// Height of the tile that viewers ask for, in pixels.
const TILE_HEIGHT: u16 = 720;
/// Most datagrams that the kernel takes as one message.
const RUN_MAX: usize = 64;

/// What the SFU did while it was counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) forwards: u64,
    pub(super) allocations: u64,
    pub(super) time: Duration,
    /// Datagrams that left, and messages to the kernel that carry them.
    pub(super) datagrams: u64,
    pub(super) messages: u64,
    /// Packets of probes: above zero, the estimators are at work.
    pub(super) probes: u64,
}

struct Client {
    pc: RTCPeerConnection,
    address: SocketAddr,
    inbox: Vec<Vec<u8>>,
    is_connected: bool,
}

/// See the [module](self).
pub(super) struct World {
    load: Load,
    start: Instant,
    steps: u64,
    sfu: Sfu,
    batch: SendBatch,
    publisher: Client,
    sender: RTCRtpSenderId,
    subscribers: Vec<Client>,
    next_packet: u32,
    next_frame: u32,
    /// Frames published since this step.
    play: Option<(u64, u64)>,
    with_key_frames: bool,
    is_counting: bool,
    counts: Counts,
}

/// What the SFU is to do next.
enum Act<'a> {
    Media(&'a mut [(SocketAddr, Vec<u8>)]),
    Feedback(&'a mut [(SocketAddr, Vec<u8>)]),
    Transmit(&'a mut SendBatch),
    Tick,
}

impl World {
    /// A publisher and its viewers, connected.
    pub(super) fn new(load: &Load) -> Result<Self> {
        let start = Instant::now();
        let config = Config {
            candidates: vec![SERVER],
            tcp_candidates: Vec::new(),
            shard: 0,
            peers_max: load.subscribers + 1,
            video_codecs: sfu::sdp::Codec::VIDEO.to_vec(),
            estimator: sfu::bandwidth::Algorithm::default(),
            wall_clock: WallClock { instant: start, since_unix_epoch: Duration::from_secs(1_700_000_000) },
        };
        let certificate = Certificate::generate().ok().context("a certificate cannot be made")?;
        let (publisher, sender) = Client::publisher(start)?;
        let mut world = Self {
            load: *load,
            start,
            steps: 0,
            sfu: Sfu::new(config, certificate, [3; 32], start),
            batch: SendBatch::with_capacity(SEND_BATCH),
            publisher,
            sender,
            subscribers: Vec::new(),
            next_packet: 0,
            next_frame: 0,
            play: None,
            with_key_frames: false,
            is_counting: false,
            counts: Counts::default(),
        };
        world.connect()?;
        Ok(world)
    }

    fn connect(&mut self) -> Result<()> {
        let (peer, _) = self.enter(0)?;
        for number in 1..=self.load.subscribers {
            self.subscribers.push(Client::subscriber(number, self.start)?);
            let (_, mid) = self.enter(number)?;
            let source = SourceRef { peer, kind: SourceKind::Camera };
            let wants = vec![Want { mid, source, max_height: TILE_HEIGHT, priority: 1 }];
            self.sfu.handle_command(self.now(), Command::Wants { connection: id(number), wants });
        }
        while !self.publisher.is_connected || !self.subscribers.iter().all(|client| client.is_connected) {
            ensure!(self.steps < CONNECT_STEPS_MAX, "the clients do not connect");
            self.step()?;
        }
        Ok(())
    }

    /// Publishes for this long. What the SFU does meanwhile is counted, if wanted.
    pub(super) fn play(&mut self, time: Duration, is_start: bool, is_counting: bool) -> Result<Counts> {
        let before = self.sfu.statistics();
        self.counts = Counts::default();
        self.play = Some((self.steps, 0));
        self.with_key_frames = is_start;
        self.is_counting = is_counting;
        let end = self.steps + (time.as_millis() / STEP.as_millis()) as u64;
        while self.steps < end {
            self.step()?;
        }
        self.play = None;
        self.is_counting = false;
        let after = self.sfu.statistics();
        self.counts.forwards = after.forwarded - before.forwarded;
        self.counts.probes = after.probes;
        Ok(self.counts)
    }

    fn now(&self) -> Instant {
        self.start + STEP * self.steps as u32
    }

    /// Lets a client in; returns who it is and the name of its only section.
    fn enter(&mut self, number: usize) -> Result<(PeerId, String)> {
        let now = self.now();
        let media = MediaState { camera: number == 0, ..MediaState::default() };
        let (room, name) = (RoomId::new("profile")?, DisplayName::new("Participant")?);
        let connection = id(number);
        let join = Command::Join {
            connection,
            room,
            name,
            media,
            resume: None,
            suspends_layers: false,
            admission: sfu::Admission::default(),
        };
        self.sfu.handle_command(now, join);
        let client = self.client(number);
        let offer = client.pc.create_offer(None)?;
        client.pc.set_local_description(now, offer)?;
        let sdp = client.pc.local_description().context("an offer was just made")?.sdp;
        let mid = sdp.lines().find_map(|line| line.strip_prefix("a=mid:")).context("no a=mid")?;
        let mid = mid.trim().to_owned();
        let sources = if number == 0 { vec![(mid.clone(), SourceKind::Camera)] } else { Vec::new() };
        self.sfu.handle_command(now, Command::Offer { connection, negotiation: 1, sdp, sources });
        let mut peer = None;
        while let Some(event) = self.sfu.poll_event() {
            match event.notice {
                Notice::Welcomed { peer: id, .. } => peer = Some(id),
                Notice::Answered { sdp, .. } => {
                    let client = self.client(number);
                    client.pc.set_remote_description(now, RTCSessionDescription::answer(sdp)?)?;
                }
                Notice::Refused { message, .. } => bail!("the SFU refuses: {message}"),
                Notice::Snapshot(_)
                | Notice::Changed { .. }
                | Notice::SlotMap(_)
                | Notice::Layers(_)
                | Notice::Speakers(_)
                | Notice::Closed(_) => {}
            }
        }
        Ok((peer.context("the SFU says no welcome")?, mid))
    }

    fn client(&mut self, number: usize) -> &mut Client {
        match number.checked_sub(1) {
            None => &mut self.publisher,
            Some(at) => &mut self.subscribers[at],
        }
    }

    /// One step of time, in the order in which a media thread works.
    fn step(&mut self) -> Result<()> {
        self.steps += 1;
        let now = self.now();
        while self.sfu.poll_event().is_some() {}
        let looks_at_timers = self.steps.is_multiple_of(TIMER_STEPS);
        self.publish(now)?;
        let mut media = self.publisher.drive(now, looks_at_timers)?;
        self.act(now, Act::Media(&mut media));
        self.transmit(now);
        let mut feedback = Vec::new();
        for client in &mut self.subscribers {
            feedback.append(&mut client.drive(now, looks_at_timers)?);
        }
        if !feedback.is_empty() {
            self.act(now, Act::Feedback(&mut feedback));
            self.transmit(now);
        }
        if self.sfu.poll_timeout().is_some_and(|due| due <= now) {
            self.act(now, Act::Tick);
            self.transmit(now);
        }
        Ok(())
    }

    /// Hands the frames that are due to the publisher's stack.
    fn publish(&mut self, now: Instant) -> Result<()> {
        let Some((since, bursts)) = self.play else { return Ok(()) };
        if self.load.due(bursts) > STEP * (self.steps - since) as u32 {
            return Ok(());
        }
        self.play = Some((since, bursts + 1));
        let is_key_frame = self.with_key_frames && self.next_frame.is_multiple_of(KEY_FRAME_SPACING);
        let frame_ticks = f64::from(CLOCK_HZ) * f64::from(self.load.burst) / self.load.rate;
        for at in 0..self.load.burst {
            let (number, frame) = (self.next_packet, self.next_frame);
            let header = rtc::rtp::header::Header {
                version: 2,
                marker: at + 1 == self.load.burst,
                payload_type: PAYLOAD_TYPE,
                sequence_number: number as u16,
                timestamp: (f64::from(frame) * frame_ticks) as u64 as u32,
                ssrc: PUBLISHER_SSRC,
                ..rtc::rtp::header::Header::default()
            };
            let payload =
                payload(Position { number, frame, is_first: at == 0, is_key_frame }, self.load.payload);
            let mut sender = self.publisher.pc.rtp_sender(self.sender).context("a sender")?;
            sender.write_rtp(now, rtc::rtp::Packet { header, payload })?;
            self.next_packet += 1;
        }
        self.next_frame += 1;
        Ok(())
    }

    fn transmit(&mut self, now: Instant) {
        let mut batch = std::mem::replace(&mut self.batch, SendBatch::with_capacity(0));
        loop {
            let more = self.act(now, Act::Transmit(&mut batch));
            if self.is_counting {
                self.counts.datagrams += batch.datagrams().len() as u64;
                self.counts.messages += messages(&batch);
            }
            for datagram in batch.datagrams() {
                let to = datagram.to.remote();
                let number = usize::from(to.port() - FIRST_PORT);
                self.client(number).inbox.push(batch.payload(datagram).to_vec());
            }
            batch.clear();
            if !more {
                break;
            }
        }
        self.batch = batch;
    }

    fn act(&mut self, now: Instant, act: Act<'_>) -> bool {
        if !self.is_counting {
            return perform(&mut self.sfu, now, act);
        }
        let (allocations, from) = (allocations::counted(), Instant::now());
        let more = counted(&mut self.sfu, now, act);
        self.counts.time += from.elapsed();
        self.counts.allocations += allocations::counted() - allocations;
        more
    }
}

/// While this is on the stack, callgrind counts.
#[inline(never)]
fn counted(sfu: &mut Sfu, now: Instant, act: Act<'_>) -> bool {
    std::hint::black_box(perform(sfu, now, act))
}

#[inline(never)]
fn perform(sfu: &mut Sfu, now: Instant, act: Act<'_>) -> bool {
    match act {
        Act::Media(datagrams) => phase_media(sfu, now, datagrams),
        Act::Feedback(datagrams) => phase_feedback(sfu, now, datagrams),
        Act::Transmit(batch) => phase_transmit(sfu, now, batch),
        Act::Tick => phase_tick(sfu, now),
    }
}

#[inline(never)]
fn phase_media(sfu: &mut Sfu, now: Instant, datagrams: &mut [(SocketAddr, Vec<u8>)]) -> bool {
    for (from, datagram) in datagrams {
        sfu.handle_datagram(now, *from, datagram);
    }
    std::hint::black_box(false)
}

/// Apart from media, so that the two can be told apart in a profile.
#[inline(never)]
fn phase_feedback(sfu: &mut Sfu, now: Instant, datagrams: &mut [(SocketAddr, Vec<u8>)]) -> bool {
    for (from, datagram) in datagrams {
        sfu.handle_datagram(now, std::hint::black_box(*from), datagram);
    }
    false
}

#[inline(never)]
fn phase_transmit(sfu: &mut Sfu, now: Instant, batch: &mut SendBatch) -> bool {
    std::hint::black_box(sfu.poll_transmit(now, batch))
}

#[inline(never)]
fn phase_tick(sfu: &mut Sfu, now: Instant) -> bool {
    sfu.handle_timeout(now);
    std::hint::black_box(false)
}

/// How many messages with segments the server would make of a batch: neighbours of one size to one destination.
fn messages(batch: &SendBatch) -> u64 {
    let mut messages = 0;
    let mut run: Option<(sfu::Address, usize, usize)> = None;
    for datagram in batch.datagrams() {
        run = match run {
            Some((to, segment, len)) if to == datagram.to && datagram.len <= segment && len < RUN_MAX => {
                (datagram.len == segment).then_some((to, segment, len + 1))
            }
            _ => {
                messages += 1;
                Some((datagram.to, datagram.len, 1))
            }
        };
    }
    messages
}

impl Client {
    fn publisher(now: Instant) -> Result<(Self, RTCRtpSenderId)> {
        let mut engine = vp8_engine()?;
        let registry = configure_rtcp_reports(configure_nack(Registry::new(), &mut engine));
        let registry = configure_twcc(registry, &mut engine)?;
        let mut client = Self::new(0, now, engine, registry)?;
        let sender = client.pc.add_track(track(PUBLISHER_SSRC))?;
        Ok((client, sender))
    }

    /// With all feedback: NACK, reports, transport feedback.
    fn subscriber(number: usize, now: Instant) -> Result<Self> {
        let mut engine = vp8_engine()?;
        let registry = default_interceptors(&mut engine)?;
        let mut client = Self::new(number, now, engine, registry)?;
        let direction = RTCRtpTransceiverDirection::Recvonly;
        let init = RTCRtpTransceiverInit { direction, ..RTCRtpTransceiverInit::default() };
        client.pc.add_transceiver_from_kind(RtpCodecKind::Video, Some(init))?;
        Ok(client)
    }

    fn new(
        number: usize,
        now: Instant,
        engine: rtc::peer_connection::configuration::media_engine::MediaEngine,
        registry: Registry,
    ) -> Result<Self> {
        let address = SocketAddr::from(([10, 0, 0, 1], FIRST_PORT + u16::try_from(number)?));
        let settings = SettingEngineBuilder::new().with_srtp_protection_profiles(gcm_only());
        let mut pc = RTCPeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_setting_engine(settings.build())
            .with_media_engine(engine)
            .with_interceptor_registry(registry)
            .build(now)?;
        pc.add_local_candidate(host_candidate(address)?)?;
        Ok(Self { pc, address, inbox: Vec::new(), is_connected: false })
    }

    /// Takes in what has arrived and returns what leaves.
    fn drive(&mut self, now: Instant, looks_at_timers: bool) -> Result<Vec<(SocketAddr, Vec<u8>)>> {
        use rtc::peer_connection::event::RTCPeerConnectionEvent;
        use rtc::peer_connection::state::RTCPeerConnectionState;
        for datagram in self.inbox.drain(..) {
            let transport = TransportContext {
                local_addr: self.address,
                peer_addr: SERVER,
                ecn: None,
                transport_protocol: TransportProtocol::UDP,
            };
            let message = BytesMut::from(datagram.as_slice());
            // The stack refuses what it has no use for.
            let _ = self.pc.handle_read(TaggedBytesMut { now, transport, message });
        }
        if looks_at_timers && self.pc.poll_timeout().is_some_and(|due| due <= now) {
            self.pc.handle_timeout(now)?;
        }
        while let Some(event) = self.pc.poll_event() {
            let RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) = event else { continue };
            self.is_connected |= state == RTCPeerConnectionState::Connected;
        }
        while self.pc.poll_read().is_some() {}
        let out = std::iter::from_fn(|| self.pc.poll_write());
        Ok(out.map(|datagram| (self.address, datagram.message.to_vec())).collect())
    }
}

const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 3478);
/// The clients' ports follow each other.
const FIRST_PORT: u16 = 40_000;

const fn id(number: usize) -> ConnectionId {
    ConnectionId(number as u64)
}
