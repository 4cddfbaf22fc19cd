//! Probing: short bursts of padding above the estimate, and what their arrival says.
//!
//! When to probe is [`ProbeController`]'s: two clusters at the start, further ones while they succeed, then whenever more
//! is wanted than the estimate, with growing pauses, in application-limited times too, and after a large drop has
//! passed. What a cluster showed is [`ProbeResults`]'s. After libwebrtc's probe controller and bitrate estimator.

use std::time::{Duration, Instant};

use super::{ClusterId, MAX_BPS, PacketResult, ProbeCluster};

/// Rates of the first clusters, in multiples of the start.
const FIRST: [u64; 2] = [3, 6];
/// A cluster that showed this part of its rate, in percent, is followed by one of twice what it showed.
const FURTHER_PERCENT: u64 = 70;
/// How much more than wanted is probed, in percent: the allocator raises with a margin.
const MARGIN_PERCENT: u64 = 130;
/// A cluster takes about this long, and at least so many packets.
const CLUSTER: Duration = Duration::from_millis(20);
const PACKETS: u32 = 5;
/// What shows less than this part of the estimate, in percent, is no news.
const NEWS_PERCENT: u64 = 125;
/// Results are awaited for this long.
const WAIT: Duration = Duration::from_secs(1);
/// Between two rounds; a round that showed nothing new makes the next pause longer.
const PAUSE_MIN: Duration = Duration::from_millis(2000);
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// Time between two rounds while the application is the limit: nothing else can raise the estimate then.
const PAUSE_LIMITED: Duration = Duration::from_secs(5);
/// After a drop to less than this part of the estimate, in percent, one cluster looks whether it has passed.
const DROP_PERCENT: u64 = 66;
const AFTER_DROP_PERCENT: u64 = 85;
const DROP_REMEMBERED: Duration = Duration::from_secs(5);

/// See the [module](self).
#[derive(Debug)]
pub(super) struct ProbeController {
    start_bps: u64,
    wanted_bps: u64,
    next_id: ClusterId,
    /// Clusters of this round that are still to be sent.
    queued: [Option<u64>; 2],
    begun: bool,
    /// Until when results of the round are awaited, and what is worth a further cluster.
    awaited: Option<(Instant, u64)>,
    last_round: Option<Instant>,
    pause: Duration,
    /// The estimate before a drop, and when that was.
    dropped: Option<(Instant, u64)>,
    last_bps: u64,
}

/// What the estimator knows when it asks for a probe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation {
    pub(super) target_bps: u64,
    pub(super) proven_bps: u64,
    /// A queue grows or packets are lost for want of bandwidth: no time to send more.
    pub(super) is_congested: bool,
    /// Since when the application is the limit.
    pub(super) limited_since: Option<Instant>,
}

impl ProbeController {
    pub(super) const fn new(start_bps: u64) -> Self {
        Self {
            start_bps,
            wanted_bps: 0,
            next_id: ClusterId::FIRST,
            queued: [None; 2],
            begun: false,
            awaited: None,
            last_round: None,
            pause: PAUSE_MIN,
            dropped: None,
            last_bps: start_bps,
        }
    }

    /// What the sender would send; a want beyond all earlier ones need not wait for the pause to pass.
    pub(super) fn want(&mut self, bps: u64) {
        if bps > self.wanted_bps * 11 / 10 {
            self.pause = PAUSE_MIN;
        }
        self.wanted_bps = bps;
    }

    /// The connection changed for the better: look at once how much.
    pub(super) fn hurry(&mut self) {
        self.pause = PAUSE_MIN;
    }

    /// The highest rate worth probing.
    fn ceiling_bps(&self) -> u64 {
        (self.wanted_bps * MARGIN_PERCENT / 100).min(MAX_BPS)
    }

    /// The next cluster, when it is time for one.
    pub(super) fn poll(&mut self, now: Instant, situation: &Situation) -> Option<ProbeCluster> {
        self.note_drop(now, situation);
        if self.awaited.is_some_and(|(until, _)| now >= until) {
            // Nothing worth following came: the next round waits longer.
            self.awaited = None;
            self.pause = (self.pause * 3 / 2).min(PAUSE_MAX);
        }
        if self.queued == [None; 2] && self.awaited.is_none() {
            self.begin(now, situation);
        }
        let bps = self.queued.iter_mut().find_map(Option::take)?;
        if situation.is_congested {
            self.queued = [None; 2];
            return None;
        }
        self.last_round = Some(now);
        self.awaited = Some((now + WAIT, bps * FURTHER_PERCENT / 100));
        let id = self.next_id;
        self.next_id = id.next();
        let bytes = (bps as f64 / 8.0 * CLUSTER.as_secs_f64()) as usize;
        Some(ProbeCluster { id, bps, bytes, packets: PACKETS })
    }

    /// A cluster showed `bps` while the estimate was `target_bps`: on to twice as much while it pays.
    pub(super) fn succeeded(&mut self, bps: u64, target_bps: u64) {
        let Some((_, further)) = self.awaited else { return };
        if bps > target_bps * NEWS_PERCENT / 100 {
            self.pause = PAUSE_MIN;
        }
        if bps >= further && bps < self.ceiling_bps() {
            self.queued = [Some((bps * 2).min(self.ceiling_bps())), None];
            self.awaited = None;
        }
    }

    fn begin(&mut self, now: Instant, situation: &Situation) {
        let ceiling_bps = self.ceiling_bps();
        if situation.is_congested || self.wanted_bps == 0 {
            return;
        }
        if !self.begun {
            self.begun = true;
            self.queued =
                FIRST.map(|times| Some((self.start_bps * times).min(ceiling_bps.max(self.start_bps))));
            return;
        }
        let rested = |pause| self.last_round.is_none_or(|last| now.saturating_duration_since(last) >= pause);
        if let Some((_, before)) = self.dropped.filter(|_| rested(PAUSE_MIN)) {
            self.dropped = None;
            self.queued[0] = Some(before * AFTER_DROP_PERCENT / 100);
            return;
        }
        let Situation { target_bps, proven_bps, limited_since, .. } = *situation;
        let wants_more = target_bps < ceiling_bps || proven_bps < self.wanted_bps.min(target_bps);
        let pause = if limited_since.is_some() { self.pause.min(PAUSE_LIMITED) } else { self.pause };
        if wants_more && rested(pause) {
            self.queued[0] = Some((target_bps * 2).min(ceiling_bps.max(self.start_bps)));
        }
    }

    fn note_drop(&mut self, now: Instant, situation: &Situation) {
        let before = std::mem::replace(&mut self.last_bps, situation.target_bps);
        if situation.target_bps < before * DROP_PERCENT / 100 {
            self.dropped = Some((now, before));
        }
        self.dropped = self.dropped.filter(|(at, before)| {
            now.saturating_duration_since(*at) < DROP_REMEMBERED && situation.target_bps < *before
        });
    }
}

/// Fewer packets say nothing.
const RECEIVED_MIN: u32 = 4;
/// Less than this part of a cluster says nothing, of what arrives of everything.
const RECEIVED: f64 = 0.8;
/// A longer burst is no burst.
const INTERVAL_MAX: Duration = Duration::from_secs(1);
/// What arrives this much faster than it was sent was held up and released on the way.
const COMPRESSION_MAX: f64 = 2.0;
/// Arriving slower than this part of the sending rate, the cluster filled the link; a little less is then usable.
const UNSATURATED: f64 = 0.9;
const USABLE: f64 = 0.95;

/// One cluster as it arrives.
#[derive(Debug, Clone, Copy)]
struct Received {
    cluster: ProbeCluster,
    first_sent: Instant,
    last_sent: Instant,
    last_sent_bytes: u64,
    first_received: Duration,
    first_received_bytes: u64,
    last_received: Duration,
    bytes: u64,
    packets: u32,
}

/// The clusters that are under way, at most as many as there are ids; the oldest gives way.
#[derive(Debug, Default)]
pub(super) struct ProbeResults {
    sent: [Option<ProbeCluster>; 4],
    arriving: [Option<Received>; 4],
    next: usize,
}

impl ProbeResults {
    /// The cluster is about to be sent.
    pub(super) const fn expect(&mut self, cluster: ProbeCluster) {
        self.sent[self.next] = Some(cluster);
        self.arriving[self.next] = None;
        self.next = (self.next + 1) % self.sent.len();
    }

    /// A packet of a cluster arrived while this part of everything is lost; gives the rate that the cluster has shown, once it can be
    /// told.
    pub(super) fn packet(&mut self, packet: &PacketResult, lost: f64) -> Option<f64> {
        let (id, received) = (packet.cluster?, packet.received?);
        let of = |sent: &Option<ProbeCluster>| sent.is_some_and(|cluster| cluster.id == id);
        let at = self.sent.iter().position(of)?;
        let cluster = self.sent[at]?;
        let bytes = u64::from(packet.bytes);
        let arriving = self.arriving[at].get_or_insert(Received {
            cluster,
            first_sent: packet.sent,
            last_sent: packet.sent,
            last_sent_bytes: 0,
            first_received: received,
            first_received_bytes: 0,
            last_received: received,
            bytes: 0,
            packets: 0,
        });
        arriving.add(packet.sent, received, bytes);
        arriving.rate(lost)
    }
}

impl Received {
    fn add(&mut self, sent: Instant, received: Duration, bytes: u64) {
        self.first_sent = self.first_sent.min(sent);
        if sent >= self.last_sent {
            (self.last_sent, self.last_sent_bytes) = (sent, bytes);
        }
        if received <= self.first_received {
            (self.first_received, self.first_received_bytes) = (received, bytes);
        }
        self.last_received = self.last_received.max(received);
        self.bytes += bytes;
        self.packets += 1;
    }

    fn rate(&self, lost: f64) -> Option<f64> {
        // What is lost of everything is lost of clusters, too.
        let needed = |least: u64| (least as f64 * RECEIVED * (1.0 - lost)) as u64;
        let is_enough = self.packets >= RECEIVED_MIN
            && u64::from(self.packets) >= needed(self.cluster.packets.into())
            && self.bytes >= needed(self.cluster.bytes as u64);
        let sending = self.last_sent.saturating_duration_since(self.first_sent);
        let receiving = self.last_received.saturating_sub(self.first_received);
        if !is_enough || [sending, receiving].iter().any(|time| time.is_zero() || *time > INTERVAL_MAX) {
            return None;
        }
        // The last packet sent and the first received lie outside the intervals.
        let send_bps = (self.bytes - self.last_sent_bytes) as f64 * 8.0 / sending.as_secs_f64();
        let receive_bps = (self.bytes - self.first_received_bytes) as f64 * 8.0 / receiving.as_secs_f64();
        if receive_bps > send_bps * COMPRESSION_MAX {
            return None;
        }
        let shown = if receive_bps < send_bps * UNSATURATED {
            receive_bps * USABLE
        } else {
            send_bps.min(receive_bps)
        };
        // The few packets that are left of a cluster may lie close together: it was sent no faster than this.
        Some(if lost > 0.0 { shown.min(self.cluster.bps as f64) } else { shown })
    }
}
