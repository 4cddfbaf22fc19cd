//! A forwarder on str0m in RTP mode: one UDP port, one thread, datagrams in batches. It takes from str0m what an
//! SFU would: RTP packets as events, written to every subscriber's stream with a retransmission buffer.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver as Inbox, Sender, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use str0m::change::SdpOffer;
use str0m::media::{Direction, MediaAdded, Mid, Pt};
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc};

use super::{Server, spawn_media};
use crate::load::PAYLOAD_TYPE;
use crate::socket::{self, Receiver, Transmitter};

/// How long the thread sleeps at most: offers are looked for after it.
const SLEEP_MS_MAX: u8 = 20;
/// When a peer that failed is looked at again.
const FAILED_RETRY: Duration = Duration::from_secs(1);

/// The thread's handle.
pub(super) struct Forwarder {
    offers: Sender<Offer>,
}

struct Offer {
    publishes: bool,
    sdp: String,
    answer: SyncSender<Result<String>>,
}

/// Starts the media thread.
pub(super) fn start() -> Forwarder {
    let (offers, inbox) = channel();
    spawn_media(move || Shard::new(inbox)?.run());
    Forwarder { offers }
}

impl Server for Forwarder {
    fn answer(&mut self, publishes: bool, offer: &str) -> Result<String> {
        let (answer, answers) = sync_channel(1);
        let offer = Offer { publishes, sdp: offer.to_owned(), answer };
        self.offers.send(offer).ok().context("the media thread has ended")?;
        answers.recv().context("the media thread has ended")?
    }
}

struct Peer {
    rtc: Rtc,
    publishes: bool,
    /// The video section, once negotiated.
    mid: Option<Mid>,
    due: Instant,
    /// Packets were written to it that have not been polled out.
    is_dirty: bool,
}

struct Shard {
    socket: UdpSocket,
    local: SocketAddr,
    inbox: Inbox<Offer>,
    peers: Vec<Peer>,
    by_address: HashMap<SocketAddr, usize>,
    receiver: Receiver,
    transmitter: Transmitter,
    transmits: Vec<Transmit>,
    packets: Vec<RtpPacket>,
}

impl Shard {
    fn new(inbox: Inbox<Offer>) -> Result<Self> {
        let socket = socket::bind()?;
        Ok(Self {
            local: socket.local_addr()?,
            socket,
            inbox,
            peers: Vec::new(),
            by_address: HashMap::new(),
            receiver: Receiver::new(),
            transmitter: Transmitter::default(),
            transmits: Vec::new(),
            packets: Vec::new(),
        })
    }

    fn run(&mut self) -> Result<()> {
        loop {
            let now = Instant::now();
            let due = self.peers.iter().map(|peer| peer.due).min();
            let sleep =
                due.map_or(u128::MAX, |due| due.saturating_duration_since(now).as_micros().div_ceil(1000));
            socket::wait_readable(&self.socket, sleep.min(SLEEP_MS_MAX.into()) as u8)?;
            while let Ok(offer) = self.inbox.try_recv() {
                let answer = self.accept(offer.publishes, &offer.sdp);
                // Who asked waits for the answer as long as the process lives.
                let _ = offer.answer.send(answer);
            }
            let now = Instant::now();
            self.receive(now)?;
            self.forward(now);
            self.run_timers(now);
            let messages =
                self.transmits.iter().map(|transmit| (transmit.destination, &transmit.contents[..]));
            self.transmitter.send(&self.socket, messages, None)?;
            self.transmits.clear();
        }
    }

    fn accept(&mut self, publishes: bool, offer: &str) -> Result<String> {
        let now = Instant::now();
        let mut rtc = Rtc::builder()
            .set_ice_lite(true)
            .clear_codecs()
            .enable_vp8(true)
            .set_rtp_mode(true)
            .set_stats_interval(None)
            .build(now);
        rtc.add_local_candidate(Candidate::host(self.local, "udp")?);
        let answer = rtc.sdp_api().accept_offer(SdpOffer::from_sdp_string(offer)?)?.to_sdp_string();
        self.peers.push(Peer { rtc, publishes, mid: None, due: now, is_dirty: true });
        Ok(answer)
    }

    fn receive(&mut self, now: Instant) -> Result<()> {
        for (arrival, datagram) in self.receiver.receive(&self.socket)? {
            let Ok(contents) = (&*datagram).try_into() else { continue };
            let receive =
                Receive { proto: Protocol::Udp, source: arrival.from, destination: self.local, contents };
            let input = Input::Receive(now, receive);
            let index = match self.by_address.get(&arrival.from) {
                Some(index) => *index,
                None => {
                    let Some(index) = self.peers.iter().position(|peer| peer.rtc.accepts(&input)) else {
                        continue;
                    };
                    self.by_address.insert(arrival.from, index);
                    index
                }
            };
            let peer = &mut self.peers[index];
            // A datagram that str0m refuses changes nothing.
            let _ = peer.rtc.handle_input(input);
            drain(peer, now, &mut self.transmits, &mut self.packets);
        }
        Ok(())
    }

    fn forward(&mut self, now: Instant) {
        for packet in self.packets.drain(..) {
            for peer in self.peers.iter_mut().filter(|peer| !peer.publishes) {
                let Some(mid) = peer.mid else { continue };
                let mut api = peer.rtc.direct_api();
                let Some(stream) = api.stream_tx_by_mid(mid, None) else { continue };
                let write = RtpWrite::new(
                    Pt::from(PAYLOAD_TYPE),
                    packet.seq_no,
                    packet.header.timestamp,
                    now,
                    packet.payload.clone(),
                );
                stream.write_rtp(write.marker(packet.header.marker).nackable(true));
                peer.is_dirty = true;
            }
        }
    }

    fn run_timers(&mut self, now: Instant) {
        let Self { peers, transmits, packets, .. } = self;
        for peer in peers.iter_mut().filter(|peer| peer.is_dirty || peer.due <= now) {
            // A peer that fails here is polled, and reported as failed, in `drain`.
            let _ = peer.rtc.handle_input(Input::Timeout(now));
            drain(peer, now, transmits, packets);
            peer.is_dirty = false;
        }
    }
}

fn drain(peer: &mut Peer, now: Instant, transmits: &mut Vec<Transmit>, packets: &mut Vec<RtpPacket>) {
    loop {
        match peer.rtc.poll_output() {
            Ok(Output::Timeout(due)) => {
                peer.due = due;
                return;
            }
            Ok(Output::Transmit(transmit)) => transmits.push(transmit),
            Ok(Output::Event(Event::RtpPacket(packet))) => packets.push(packet),
            Ok(Output::Event(Event::MediaAdded(media))) => add_media(peer, media),
            Ok(Output::Event(_)) => {}
            Err(_) => {
                peer.due = now + FAILED_RETRY;
                return;
            }
        }
    }
}

fn add_media(peer: &mut Peer, media: MediaAdded) {
    if media.direction == Direction::Inactive {
        return;
    }
    peer.mid = Some(media.mid);
    if peer.publishes {
        return;
    }
    let mut api = peer.rtc.direct_api();
    if api.stream_tx_by_mid(media.mid, None).is_none() {
        let (ssrc, rtx) = (api.new_ssrc(), api.new_ssrc());
        api.declare_stream_tx(ssrc, Some(rtx), media.mid, None);
    }
}
