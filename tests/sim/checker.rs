//! What must hold at every step, checked on every datagram as it leaves the SFU, before the network touches it.

use std::collections::{BTreeMap, BTreeSet};

use std::time::Duration;

use sfu::rtcp::{self, Packet as Rtcp};
use sfu::rtp::red::Red;
use sfu::rtp::{Header, rtx};
use sfu::srtp::{MasterKeys, Opener, ReplayWindow};
use sfu::{Change, ConnectionId, Notice, Statistics};
use shared::{MediaState, PeerId, RoomId, SourceKind};
use tests::media::{self, Label, Received};

use crate::connection::Connection;
use crate::description::{self, SlotSsrcs};
use crate::publishing::{source_kind, source_number};

/// Key frames of one source may be asked for this often.
const KEY_FRAME_SPACING: Duration = Duration::from_millis(500);
/// A packet may be asked for this often.
const NACKS_MAX: u32 = 10;
/// And is forgotten after this time.
const NACK_MEMORY: Duration = Duration::from_secs(10);
/// Sent packets that are remembered for each stream.
const REMEMBERED: usize = 3_000;

/// A participant as the commands and notices so far say.
#[derive(Debug, Clone)]
struct Member {
    peer: PeerId,
    room: RoomId,
    media: MediaState,
    connection: ConnectionId,
    present: bool,
    /// When something was last muted, and when it went: another shard may not know yet.
    muted_at: Option<Duration>,
    gone_at: Option<Duration>,
}

#[derive(Debug, Default)]
pub(crate) struct Checker {
    seed: u64,
    /// How late a shard may know what happens at another.
    lag: Duration,
    members: BTreeMap<u16, Member>,
    joining: BTreeMap<ConnectionId, (u16, RoomId, MediaState)>,
    /// SSRCs of each client's slots: whether it is audio, and of what it is the retransmission.
    slots: BTreeMap<(u16, u32), (bool, Option<u32>)>,
    /// SSRCs of each client's repair packets.
    repairs: BTreeSet<(u16, u32)>,
    taps: BTreeMap<(u16, u16), Tap>,
    /// Packets by client, connection, source, layer and number: whether they reached the SFU while muted.
    arrivals: BTreeMap<(u16, u16, u8, u8, u16), bool>,
    key_frames: BTreeMap<(u16, u16, SourceKind), Duration>,
    /// Packets asked for, by client, connection, SSRC and number: how often, and when last.
    nacks: BTreeMap<(u16, u16, u32, u16), (u32, Duration)>,
    /// Packets that were checked.
    pub(crate) checked: u64,
    pub(crate) switches: u64,
    pub(crate) retransmissions: u64,
    /// Blocks of redundant audio.
    pub(crate) repeated: u64,
    /// Repair packets.
    pub(crate) repaired: u64,
    /// Packets that only probe.
    pub(crate) padding: u64,
    pub(crate) key_frame_requests: u64,
}

/// The way to one connection.
#[derive(Debug, Default)]
struct Tap {
    opener: Option<Opener>,
    /// Sent before the client had its keys.
    waiting: Vec<Vec<u8>>,
    replays: BTreeMap<u32, ReplayWindow>,
    streams: BTreeMap<u32, Stream>,
}

/// One outgoing stream.
#[derive(Debug, Default)]
struct Stream {
    newest: Option<(u64, u32, Received)>,
    sent: BTreeMap<u64, (u32, Received)>,
}

impl Checker {
    pub(crate) fn new(seed: u64, lag: Duration) -> Self {
        Self { seed, lag, ..Self::default() }
    }

    pub(crate) fn joins(&mut self, connection: ConnectionId, client: u16, room: &RoomId, media: MediaState) {
        self.joining.insert(connection, (client, room.clone(), media));
    }

    pub(crate) fn sets_media(&mut self, now: Duration, connection: ConnectionId, media: MediaState) {
        if let Some(member) = self.members.values_mut().find(|member| member.connection == connection) {
            member.media = media;
            member.muted_at = Some(now);
        }
    }

    pub(crate) fn leaves(&mut self, now: Duration, connection: ConnectionId) {
        if let Some(member) = self.members.values_mut().find(|member| member.connection == connection) {
            member.present = false;
            member.gone_at = Some(now);
        }
    }

    pub(crate) fn notice(&mut self, now: Duration, connection: ConnectionId, client: u16, notice: &Notice) {
        match notice {
            Notice::Welcomed { peer, .. } => {
                let (client, room, media) = self.joining.remove(&connection).expect("a join came before");
                let member = Member {
                    peer: *peer,
                    room,
                    media,
                    connection,
                    present: true,
                    muted_at: Some(now),
                    gone_at: None,
                };
                self.members.insert(client, member);
            }
            Notice::Answered { sdp, .. } => {
                let answer = description::read_answer(sdp);
                for SlotSsrcs { media, rtx, flexfec } in answer.slots.into_values() {
                    self.slots.insert((client, media), (rtx.is_none(), None));
                    if let Some(rtx) = rtx {
                        self.slots.insert((client, rtx), (false, Some(media)));
                    }
                    if let Some(flexfec) = flexfec {
                        self.repairs.insert((client, flexfec));
                    }
                }
            }
            Notice::Changed {
                change: Change::Left(peer) | Change::TimedOut(peer) | Change::Removed(peer),
                ..
            } => {
                if let Some(member) = self.members.values_mut().find(|member| member.peer == *peer) {
                    member.present = false;
                    member.gone_at = member.gone_at.or(Some(now));
                }
            }
            Notice::Changed { .. }
            | Notice::Snapshot(_)
            | Notice::SlotMap(_)
            | Notice::Layers(_)
            | Notice::Speakers(_)
            | Notice::Refused { .. }
            | Notice::Closed(_) => {}
        }
    }

    /// A datagram of `client` reaches the SFU: what comes while its source is muted must not go on, not even later.
    /// `wished` is what the client itself says now: media may overtake the message that unmutes it.
    pub(crate) fn incoming(
        &mut self,
        client: u16,
        connection: &Connection,
        wished: MediaState,
        datagram: &[u8],
    ) {
        if !matches!(datagram, [128..=191, 0..=191 | 224..=255, ..]) {
            return;
        }
        let (Ok(header), Some(member)) = (Header::parse(datagram), self.members.get(&client)) else { return };
        for publisher in connection.publishers.values() {
            let layer = publisher.layers.iter().position(|layer| layer.ssrc == header.ssrc);
            let Some(layer) = layer else { continue };
            let source = source_number(publisher.kind);
            let key = (client, connection.origin.connection, source, layer as u8, header.sequence);
            let muted = !is_live(member.media, publisher.kind) && !is_live(wished, publisher.kind);
            self.arrivals.entry(key).or_insert(muted);
        }
    }

    /// How many packets came while their source was muted.
    pub(crate) fn muted_packets(&self) -> usize {
        self.arrivals.values().filter(|muted| **muted).count()
    }

    /// A datagram leaves the SFU for `connection` of `client`.
    pub(crate) fn outgoing(&mut self, now: Duration, client: u16, connection: &Connection, datagram: &[u8]) {
        if !matches!(datagram, [128..=191, ..]) {
            return;
        }
        let mut tap = self.taps.remove(&(client, connection.origin.connection)).unwrap_or_default();
        tap.waiting.push(datagram.to_vec());
        if tap.opener.is_none() {
            tap.opener = connection.keys.as_ref().map(|keys: &MasterKeys| Opener::new(&keys.server));
        }
        if tap.opener.is_some() {
            let late = tap.waiting.len() > 1;
            for mut datagram in std::mem::take(&mut tap.waiting) {
                self.check(now, &mut tap, client, connection, &mut datagram, late);
            }
        }
        self.taps.insert((client, connection.origin.connection), tap);
    }

    fn check(
        &mut self,
        now: Duration,
        tap: &mut Tap,
        client: u16,
        connection: &Connection,
        datagram: &mut [u8],
        late: bool,
    ) {
        self.checked += 1;
        if matches!(datagram, [_, 192..=223, ..]) {
            let opener = tap.opener.as_mut().expect("set before");
            let len = opener.open_rtcp(datagram);
            let len = len.unwrap_or_else(|error| self.fail(now, &format!("RTCP to {client}: {error}")));
            return self.check_rtcp(now, client, connection, &datagram[..len]);
        }
        let header = Header::parse(datagram).expect("the SFU sends well-formed headers");
        let is_repair = self.repairs.contains(&(client, header.ssrc));
        let slot = self.slots.get(&(client, header.ssrc)).copied();
        let Some((audio, repairs)) = slot.or(is_repair.then_some((false, None))) else {
            self.fail(now, &format!("an SSRC that was never answered goes to {client}"))
        };
        let replay = tap.replays.entry(header.ssrc).or_default();
        let index = replay.estimate(header.sequence);
        if let Err(error) = replay.check(index) {
            self.fail(now, &format!("packet {index} to {client}: {error}"));
        }
        let opener = tap.opener.as_ref().expect("set before");
        let opened = opener.open_rtp(datagram, header.header_len(), header.ssrc, index);
        let len = opened.unwrap_or_else(|error| self.fail(now, &format!("RTP to {client}: {error}")));
        replay.commit(index);
        let payload = header.payload(&datagram[..len]).expect("a payload");
        if is_repair {
            // The viewer reads it.
            self.repaired += 1;
            return;
        }
        if let Some(ssrc) = repairs {
            if payload.is_empty() {
                self.padding += 1;
                return;
            }
            let (sequence, original) = rtx::unwrap(payload).expect("an RTX payload");
            let received = self.read(now, original, audio, client);
            self.check_entitled(now, client, &received.label, late);
            return self.check_again(now, tap.streams.get(&ssrc), sequence, header.timestamp, &received);
        }
        let stream = tap.streams.entry(header.ssrc).or_default();
        let is_red = audio && connection.red_type() == Some(header.payload_type);
        let payload = if is_red { self.check_repeated(now, stream, payload, client) } else { payload };
        let received = self.read(now, payload, audio, client);
        self.check_entitled(now, client, &received.label, late);
        self.check_stream(now, stream, index, header.timestamp, audio, received);
    }

    /// What a packet repeats went out in the same slot before; returns what it is about itself.
    fn check_repeated<'a>(
        &mut self,
        now: Duration,
        stream: &Stream,
        payload: &'a [u8],
        client: u16,
    ) -> &'a [u8] {
        let red = Red::parse(payload).unwrap_or_else(|error| self.fail(now, &format!("RED: {error}")));
        for block in red.redundant() {
            let repeated = self.read(now, block.payload, true, client);
            let is_known = stream.sent.values().rev().any(|(_, sent)| sent.label == repeated.label);
            self.repeated += 1;
            if !is_known {
                self.fail(now, &format!("repeated, but never sent to {client}: {repeated:?}"));
            }
        }
        red.primary
    }

    fn read(&self, now: Duration, payload: &[u8], audio: bool, client: u16) -> Received {
        let read = if audio { media::read_opus(payload) } else { media::read_vp8(payload) };
        read.unwrap_or_else(|| self.fail(now, &format!("a damaged payload goes to {client}")))
    }

    /// Nobody gets what they may not have: of others in their room only, and of what is not muted.
    fn check_entitled(&self, now: Duration, client: u16, label: &Label, late: bool) {
        let who = || format!("{:?} of {} to {client}", source_kind(label.source), label.publisher);
        let (Some(viewer), Some(publisher)) = (self.members.get(&client), self.members.get(&label.publisher))
        else {
            self.fail(now, &format!("not in a room: {}", who()))
        };
        if label.publisher == client {
            self.fail(now, &format!("one's own media: {}", who()));
        }
        if viewer.room != publisher.room {
            self.fail(now, &format!("another room: {}", who()));
        }
        if late {
            return;
        }
        let is_lately = |at: Option<Duration>| at.is_some_and(|at| now < at + self.lag);
        if !viewer.present || !publisher.present && !is_lately(publisher.gone_at) {
            self.fail(now, &format!("after leaving: {}", who()));
        }
        let live = is_live(publisher.media, source_kind(label.source));
        if !live && !is_lately(publisher.muted_at) {
            self.fail(now, &format!("muted: {}", who()));
        }
        let key = (label.publisher, label.connection, label.source, label.layer, label.sequence as u16);
        if self.arrivals.get(&key) == Some(&true) {
            self.fail(now, &format!("sent while muted: {} {label:?}", who()));
        }
    }

    /// A slot's stream goes on without a step: see the [module](self).
    fn check_stream(
        &mut self,
        now: Duration,
        stream: &mut Stream,
        index: u64,
        timestamp: u32,
        audio: bool,
        received: Received,
    ) {
        let label = received.label;
        if let Some((newest, newest_timestamp, before)) = stream.newest {
            if index <= newest {
                self.check_late(now, stream, index, timestamp, &received);
                stream.sent.insert(index, (timestamp, received));
                return;
            }
            let step = index - newest;
            let advance = timestamp.wrapping_sub(newest_timestamp) as i32;
            let goes_on =
                before.label.stream() == label.stream() && !is_resumed(&before, &received, step, audio);
            if goes_on {
                let lost = u64::from(label.sequence.wrapping_sub(before.label.sequence));
                let padding = u64::from(label.padding.wrapping_sub(before.label.padding));
                if step > lost || step + padding < lost {
                    self.fail(now, &format!("{step} numbers for {lost} packets: {label:?}"));
                }
                let expected = label.timestamp.wrapping_sub(before.label.timestamp) as i32;
                if advance != expected {
                    self.fail(now, &format!("the timestamp went {advance} instead of {expected}: {label:?}"));
                }
                self.check_picture(now, &before, &received, label.frame.wrapping_sub(before.label.frame));
            } else {
                self.switches += 1;
                if step != 1 || advance <= 0 {
                    self.fail(now, &format!("a switch by {step} numbers and {advance} ticks: {label:?}"));
                }
                self.check_picture(now, &before, &received, 1);
                self.check_starts(now, audio, &received);
            }
        } else {
            self.check_starts(now, audio, &received);
        }
        stream.newest = Some((index, timestamp, received));
        stream.sent.insert(index, (timestamp, received));
        if stream.sent.len() > REMEMBERED {
            stream.sent.pop_first();
        }
    }

    fn check_starts(&self, now: Duration, audio: bool, received: &Received) {
        let key = received.vp8.is_some_and(|vp8| vp8.key_height.is_some());
        if !audio && !key {
            self.fail(now, &format!("a switch without a key frame: {received:?}"));
        }
    }

    fn check_picture(&self, now: Duration, before: &Received, received: &Received, frames: u32) {
        let (Some(before), Some(after)) = (before.vp8, received.vp8) else { return };
        let pictures = after.picture_id.wrapping_sub(before.picture_id) & 0x7fff;
        if u32::from(pictures) != frames & 0x7fff || after.tl0.wrapping_sub(before.tl0) != frames as u8 {
            self.fail(now, &format!("{pictures} picture ids for {frames} frames: {before:?} {received:?}"));
        }
    }

    /// A packet that fills a hole lies between its neighbours.
    fn check_late(&self, now: Duration, stream: &Stream, index: u64, timestamp: u32, received: &Received) {
        if stream.sent.contains_key(&index) {
            self.fail(now, &format!("number {index} is given twice: {received:?}"));
        }
        let label = received.label;
        let lower = stream.sent.range(..index).next_back().map(|(_, sent)| sent);
        let upper = stream.sent.range(index..).next().map(|(_, sent)| sent);
        for (neighbour, is_lower) in
            lower.into_iter().map(|sent| (sent, true)).chain(upper.map(|sent| (sent, false)))
        {
            let (neighbour_timestamp, neighbour) = neighbour;
            if neighbour.label.stream() != label.stream() {
                // A hole at the very start of a stream after a switch has the other source below it.
                if !is_lower {
                    self.fail(
                        now,
                        &format!("a late packet of another source: {received:?} before {neighbour:?}"),
                    );
                }
                continue;
            }
            let advance = timestamp.wrapping_sub(*neighbour_timestamp);
            let expected = label.timestamp.wrapping_sub(neighbour.label.timestamp);
            if (neighbour.label.sequence < label.sequence) != is_lower || advance != expected {
                self.fail(now, &format!("a late packet in a wrong place: {received:?} beside {neighbour:?}"));
            }
        }
    }

    fn check_again(
        &mut self,
        now: Duration,
        stream: Option<&Stream>,
        sequence: u16,
        timestamp: u32,
        received: &Received,
    ) {
        self.retransmissions += 1;
        let stream = stream.unwrap_or_else(|| self.fail(now, "a retransmission of nothing"));
        let sent = stream.sent.iter().rev().find(|(index, _)| **index as u16 == sequence);
        let Some((_, (sent_timestamp, sent))) = sent else {
            self.fail(now, &format!("a retransmission of what was never sent: {received:?}"))
        };
        if (sent, *sent_timestamp) != (received, timestamp) {
            self.fail(now, &format!("retransmitted {received:?} instead of {sent:?}"));
        }
    }

    fn check_rtcp(&mut self, now: Duration, client: u16, connection: &Connection, compound: &[u8]) {
        for packet in rtcp::iter(compound) {
            let packet = packet.unwrap_or_else(|error| self.fail(now, &format!("RTCP to {client}: {error}")));
            if let Rtcp::Nack(nack) = &packet {
                for sequence in nack.sequences() {
                    self.check_nack(now, (client, connection.origin.connection, nack.media_ssrc, sequence));
                }
            }
            let Rtcp::Pli(pli) = packet else { continue };
            self.key_frame_requests += 1;
            let owner = connection
                .publishers
                .values()
                .find(|publisher| publisher.layers.iter().any(|layer| layer.ssrc == pli.media_ssrc));
            let Some(owner) = owner else {
                self.fail(now, &format!("a key frame of an unknown SSRC is asked of {client}"))
            };
            let key = (client, connection.origin.connection, owner.kind);
            if let Some(before) = self.key_frames.insert(key, now)
                && now - before < KEY_FRAME_SPACING
            {
                self.fail(now, &format!("key frames of {:?} asked {:?} apart", key, now - before));
            }
        }
    }

    /// A packet is asked for a bounded number of times.
    fn check_nack(&mut self, now: Duration, packet: (u16, u16, u32, u16)) {
        let (times, last) = self.nacks.entry(packet).or_insert((0, now));
        // Numbers come around again.
        *times = if now - *last > NACK_MEMORY { 1 } else { *times + 1 };
        *last = now;
        if *times > NACKS_MAX {
            self.fail(now, &format!("packet {packet:?} is asked for {NACKS_MAX} times and again"));
        }
    }

    /// What is held is bounded by who came; a socket lost before its welcome leaves a seat that times out.
    pub(crate) fn statistics(&self, now: Duration, statistics: &Statistics, connections: u64) {
        let peers = statistics.peers as u64;
        if peers > connections || statistics.rooms > statistics.peers || statistics.peers_failed > 0 {
            self.fail(now, &format!("{statistics:?} with {connections} connections so far"));
        }
    }

    pub(crate) fn fail(&self, now: Duration, what: &str) -> ! {
        panic!("VISAVIS_SIM_SEED={} at {now:?}: {what}", self.seed)
    }
}

const fn is_live(media: MediaState, kind: SourceKind) -> bool {
    match kind {
        SourceKind::Microphone => media.microphone,
        SourceKind::Camera => media.camera,
        SourceKind::Screen | SourceKind::ScreenAudio => media.screen,
    }
}

/// The same source again after it was muted or not shown: as over a switch, the numbers close up.
fn is_resumed(before: &Received, after: &Received, step: u64, audio: bool) -> bool {
    /// Two frames of audio at 48 kHz.
    const PAUSE: u32 = 1920;
    let missed = after.label.sequence.wrapping_sub(before.label.sequence);
    let pause = after.label.timestamp.wrapping_sub(before.label.timestamp);
    let key = after.vp8.is_some_and(|vp8| vp8.key_height.is_some());
    step == 1 && (missed > 1 || pause >= PAUSE) && (audio || key)
}
