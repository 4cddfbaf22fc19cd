//! Flows over a shared bottleneck in virtual time, from a seed: what a bandwidth estimator is judged on.
//!
//! ```text
//! flow ─ frames at its estimate, probes ─▶ bottleneck: rate, drop-tail queue ─▶ delay, jitter ─▶ receiver
//!      ◀─────────────────────── transport feedback, delay, maybe a bottleneck ──────────────────────┘
//! ```
//! The numbers go through the SFU's own send history and real feedback messages.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sfu::bandwidth::{Algorithm, Estimator, PacketResult, ProbeCluster, SendHistory};
use sfu::{rtcp, twcc};

const FRAME: Duration = Duration::from_millis(33);
const PACKET_BYTES: usize = 1200;
const PROBE_BYTES: usize = 300;
const PACING: f64 = 2.5;
const TICK: Duration = Duration::from_millis(5);
const FEEDBACK: Duration = Duration::from_millis(50);
const SAMPLE: Duration = Duration::from_millis(100);
/// RFC 8867 §4.2: a queue of this length at the present rate.
const QUEUE: f64 = 0.3;

/// A link whose capacity changes, with a drop-tail queue in front of it.
#[derive(Debug, Clone)]
pub struct Bottleneck {
    /// From when which capacity, in bit/s; the first entry is at zero.
    pub schedule: Vec<(Duration, u64)>,
    backlog_bits: f64,
    updated: Duration,
    /// Datagrams that did not fit the queue.
    pub dropped: u64,
}

impl Bottleneck {
    /// An empty queue; `schedule` says from which second on which capacity, in bit/s, holds.
    #[must_use]
    pub fn new(schedule: &[(u64, u64)]) -> Self {
        let schedule = schedule.iter().map(|(second, bps)| (Duration::from_secs(*second), *bps)).collect();
        Self { schedule, backlog_bits: 0.0, updated: Duration::ZERO, dropped: 0 }
    }

    /// The capacity at `now`, in bit/s.
    #[must_use]
    pub fn capacity_bps(&self, now: Duration) -> u64 {
        self.schedule.iter().rev().find(|(from, _)| *from <= now).map_or(0, |(_, bps)| *bps)
    }

    /// How long a datagram that came now would wait.
    #[must_use]
    pub fn queue(&self, now: Duration) -> Duration {
        self.drained(now).saturating_sub(now)
    }

    /// When all that waits at `from` is through.
    fn drained(&self, from: Duration) -> Duration {
        let (mut at, mut bits) = (from, self.backlog_bits);
        while bits > 0.0 {
            let bps = self.capacity_bps(at) as f64;
            let end = self.schedule.iter().map(|(from, _)| *from).find(|from| *from > at);
            let takes = Duration::from_secs_f64(bits / bps);
            match end.filter(|end| at + takes > *end) {
                Some(end) => {
                    bits -= bps * (end - at).as_secs_f64();
                    at = end;
                }
                None => return at + takes,
            }
        }
        at
    }

    /// A datagram comes; gives when it is through, or nothing when the queue is full.
    pub fn carry(&mut self, now: Duration, bytes: usize) -> Option<Duration> {
        while self.updated < now && self.backlog_bits > 0.0 {
            let bps = self.capacity_bps(self.updated) as f64;
            let end = self.schedule.iter().map(|(from, _)| *from).find(|from| *from > self.updated);
            let end = end.map_or(now, |end| end.min(now));
            self.backlog_bits = (self.backlog_bits - bps * (end - self.updated).as_secs_f64()).max(0.0);
            self.updated = end;
        }
        self.updated = now;
        if self.backlog_bits > self.capacity_bps(now) as f64 * QUEUE {
            self.dropped += 1;
            return None;
        }
        self.backlog_bits += bytes as f64 * 8.0;
        Some(self.drained(now))
    }
}

/// What a flow is.
#[derive(Debug, Clone)]
pub struct FlowOptions {
    /// Judges the path.
    pub algorithm: Algorithm,
    /// When it starts.
    pub start: Duration,
    /// When it sends nothing.
    pub pause: Option<(Duration, Duration)>,
    /// One way, both ways.
    pub delay: Duration,
    /// Added on the way there, evenly between nothing and this; order is kept.
    pub jitter: Duration,
    /// Lost on the way there whatever is sent, per mille.
    pub loss: u64,
    /// Most that it would send, in bit/s.
    pub most_bps: u64,
}

impl Default for FlowOptions {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::SendSide,
            start: Duration::ZERO,
            pause: None,
            delay: Duration::from_millis(50),
            jitter: Duration::ZERO,
            loss: 0,
            most_bps: 6_000_000,
        }
    }
}

/// One moment of one flow.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// When.
    pub at: Duration,
    /// The estimate, in bit/s.
    pub estimate_bps: u64,
    /// What arrived in the last 100 ms, in bit/s.
    pub received_bps: u64,
    /// What the bottleneck carries, in bit/s.
    pub capacity_bps: u64,
    /// How long the bottleneck's queue is.
    pub queue: Duration,
}

/// What a flow did.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// Every 100 ms.
    pub samples: Vec<Sample>,
    /// Clusters sent.
    pub probes: u64,
}

struct Flow {
    options: FlowOptions,
    estimator: Box<dyn Estimator>,
    history: SendHistory,
    recorder: twcc::Recorder,
    number: u16,
    results: Vec<PacketResult>,
    /// The cluster being sent, since when, and what has been sent of it.
    probe: Option<(ProbeCluster, Duration, usize, u32)>,
    last_arrival: Duration,
    arrived_bytes: u64,
    trace: Trace,
}

enum Happening {
    Frame(usize),
    Packet(usize, usize),
    Tick(usize),
    Arrival(usize, u16, usize),
    Feedback(usize),
    Told(usize, Vec<u8>),
    Sample,
}

/// Flows on their paths. See the [module](self).
pub struct Path {
    epoch: Instant,
    forward: Bottleneck,
    /// Shared by the feedback of all flows, and by other traffic on the way back.
    backward: Option<Bottleneck>,
    backward_load_bps: u64,
    flows: Vec<Flow>,
    queue: BTreeMap<(Duration, u64), Happening>,
    order: u64,
    random: u64,
}

impl Path {
    /// Flows that share `forward`.
    #[must_use]
    pub fn new(forward: Bottleneck, flows: &[FlowOptions], seed: u64) -> Self {
        let epoch = Instant::now();
        let mut path = Self {
            epoch,
            forward,
            backward: None,
            backward_load_bps: 0,
            flows: Vec::new(),
            queue: BTreeMap::new(),
            order: 0,
            random: seed,
        };
        for (at, options) in flows.iter().enumerate() {
            let start = epoch + options.start;
            path.flows.push(Flow {
                options: options.clone(),
                estimator: options.algorithm.estimator(start, 300_000),
                history: SendHistory::new(start),
                recorder: twcc::Recorder::new(1, epoch),
                number: 0,
                results: Vec::new(),
                probe: None,
                last_arrival: Duration::ZERO,
                arrived_bytes: 0,
                trace: Trace::default(),
            });
            for happening in [Happening::Frame(at), Happening::Tick(at), Happening::Feedback(at)] {
                path.schedule(options.start, happening);
            }
        }
        path.schedule(Duration::ZERO, Happening::Sample);
        path
    }

    /// Feedback goes over a bottleneck too, beside `load_bps` of other traffic.
    #[must_use]
    pub fn with_backward(mut self, backward: Bottleneck, load_bps: u64) -> Self {
        (self.backward, self.backward_load_bps) = (Some(backward), load_bps);
        self
    }

    /// Runs for so long and tells what each flow did.
    #[must_use]
    pub fn run(mut self, duration: Duration) -> Vec<Trace> {
        while let Some(((at, _), happening)) = self.queue.pop_first().filter(|((at, _), _)| *at <= duration) {
            self.happen(at, happening);
        }
        self.flows.into_iter().map(|flow| flow.trace).collect()
    }

    fn schedule(&mut self, at: Duration, happening: Happening) {
        self.order += 1;
        self.queue.insert((at, self.order), happening);
    }

    /// SplitMix64.
    const fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn happen(&mut self, now: Duration, happening: Happening) {
        match happening {
            Happening::Frame(flow) => self.frame(now, flow),
            Happening::Packet(flow, bytes) => self.send(now, flow, bytes, false),
            Happening::Tick(flow) => self.tick(now, flow),
            Happening::Arrival(flow, number, bytes) => {
                let at = self.epoch + now;
                self.flows[flow].recorder.record(number, at);
                self.flows[flow].arrived_bytes += bytes as u64;
            }
            Happening::Feedback(flow) => self.feedback(now, flow),
            Happening::Told(flow, message) => self.told(now, flow, &message),
            Happening::Sample => self.sample(now),
        }
    }

    /// An encoder that follows the estimate, 30 times a second, with frames of varying size.
    fn frame(&mut self, now: Duration, at: usize) {
        let vary = 0.8 + 0.4 * (self.draw() % 1000) as f64 / 1000.0;
        let flow = &self.flows[at];
        let options = &flow.options;
        let is_paused = options.pause.is_some_and(|(from, to)| (from..to).contains(&now));
        let rate = flow.estimator.target_bps().min(options.most_bps) as f64;
        if !is_paused {
            let mut left = ((rate * FRAME.as_secs_f64() / 8.0 * vary) as usize).max(100);
            let mut due = now;
            while left > 0 {
                let bytes = left.min(PACKET_BYTES);
                self.schedule(due, Happening::Packet(at, bytes));
                left -= bytes;
                due += Duration::from_secs_f64(bytes as f64 * 8.0 / (rate * PACING));
            }
        }
        let wanted_bps = if is_paused { 0 } else { self.flows[at].options.most_bps };
        self.flows[at].estimator.want(wanted_bps);
        self.schedule(now + FRAME, Happening::Frame(at));
    }

    fn send(&mut self, now: Duration, at: usize, bytes: usize, is_padding: bool) {
        let instant = self.epoch + now;
        let flow = &mut self.flows[at];
        let number = flow.number;
        flow.number = number.wrapping_add(1);
        let cluster = flow.probe.as_mut().map(|(cluster, _, sent, packets)| {
            *sent += bytes;
            *packets += 1;
            cluster.id
        });
        flow.history.record(flow.history.stamp(instant), number, bytes, cluster);
        if !is_padding {
            flow.estimator.sent(instant, bytes);
        }
        let (loss, jitter) = (flow.options.loss, flow.options.jitter.as_micros() as u64);
        let is_lost = self.draw() % 1000 < loss;
        let Some(through) = self.forward.carry(now, bytes).filter(|_| !is_lost) else { return };
        let extra = Duration::from_micros(if jitter == 0 { 0 } else { self.draw() % jitter });
        let flow = &mut self.flows[at];
        let arrival = (through + flow.options.delay + extra).max(flow.last_arrival);
        flow.last_arrival = arrival;
        self.schedule(arrival, Happening::Arrival(at, number, bytes));
    }

    /// Timers, and the next piece of a probe.
    fn tick(&mut self, now: Duration, at: usize) {
        let flow = &mut self.flows[at];
        flow.estimator.handle_timeout(self.epoch + now);
        if flow.probe.is_none()
            && let Some(cluster) = flow.estimator.poll_probe(self.epoch + now)
        {
            flow.probe = Some((cluster, now, 0, 0));
            flow.trace.probes += 1;
        }
        while let Some((cluster, since, sent, packets)) = self.flows[at].probe {
            if sent >= cluster.bytes && packets >= cluster.packets {
                self.flows[at].probe = None;
                break;
            }
            let due = cluster.bps as f64 / 8.0 * (now - since).as_secs_f64();
            if packets > 0 && sent as f64 >= due {
                break;
            }
            self.send(now, at, PROBE_BYTES, true);
        }
        self.schedule(now + TICK, Happening::Tick(at));
    }

    fn feedback(&mut self, now: Duration, at: usize) {
        let instant = self.epoch + now;
        let mut message = vec![0; 1200];
        let delay = self.flows[at].options.delay;
        while let Some(len) = self.flows[at].recorder.build(instant, 1, &mut message) {
            let through = match &mut self.backward {
                None => Some(now),
                Some(backward) => {
                    let load = self.backward_load_bps as f64 / 8.0 * FEEDBACK.as_secs_f64();
                    // The other traffic comes first, in packets, so that the queue fills and drops as it would.
                    for _ in 0..(load / PACKET_BYTES as f64) as usize {
                        let _ = backward.carry(now, PACKET_BYTES);
                    }
                    backward.carry(now, len)
                }
            };
            if let Some(through) = through {
                self.schedule(through + delay, Happening::Told(at, message[..len].to_vec()));
            }
        }
        self.schedule(now + FEEDBACK, Happening::Feedback(at));
    }

    fn told(&mut self, now: Duration, at: usize, message: &[u8]) {
        let instant = self.epoch + now;
        let flow = &mut self.flows[at];
        for packet in rtcp::iter(message).flatten() {
            if let rtcp::Packet::TransportFeedback(feedback) = packet {
                flow.history.resolve(instant, &feedback, &mut flow.results);
                flow.estimator.feedback(instant, &flow.results);
            }
        }
    }

    fn sample(&mut self, now: Duration) {
        let (capacity_bps, queue) = (self.forward.capacity_bps(now), self.forward.queue(now));
        for flow in self.flows.iter_mut().filter(|flow| flow.options.start <= now) {
            let received = std::mem::take(&mut flow.arrived_bytes) as f64 * 8.0 / SAMPLE.as_secs_f64();
            flow.trace.samples.push(Sample {
                at: now,
                estimate_bps: flow.estimator.target_bps(),
                received_bps: received as u64,
                capacity_bps,
                queue,
            });
        }
        self.schedule(now + SAMPLE, Happening::Sample);
    }
}

impl Trace {
    /// The mean of what arrived from one second to another, in bit/s.
    #[must_use]
    pub fn mean_bps(&self, from: u64, to: u64) -> f64 {
        let (from, to) = (Duration::from_secs(from), Duration::from_secs(to));
        let within = || self.samples.iter().filter(|sample| sample.at > from && sample.at <= to);
        within().map(|sample| sample.received_bps as f64).sum::<f64>() / within().count().max(1) as f64
    }

    /// How long after second `from` the estimate first is at or below (`falls`), or above, this part of the capacity in
    /// percent; nothing when that does not happen before second `to`.
    #[must_use]
    pub fn settles(&self, from: u64, to: u64, percent: u64, falls: bool) -> Option<Duration> {
        let (from, to) = (Duration::from_secs(from), Duration::from_secs(to));
        let holds = |sample: &&Sample| {
            let bound = sample.capacity_bps * percent / 100;
            (from..to).contains(&sample.at)
                && if falls { sample.estimate_bps <= bound } else { sample.estimate_bps >= bound }
        };
        self.samples.iter().find(holds).map(|sample| sample.at - from)
    }

    /// The longest queue from one second to another.
    #[must_use]
    pub fn longest_queue(&self, from: u64, to: u64) -> Duration {
        let (from, to) = (Duration::from_secs(from), Duration::from_secs(to));
        let within = self.samples.iter().filter(|sample| (from..to).contains(&sample.at));
        within.map(|sample| sample.queue).max().unwrap_or_default()
    }
}

/// Jain's index of how equal shares are: 1 when they are, 1/n when one has all.
#[must_use]
pub fn fairness(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    if squares > 0.0 { sum * sum / (shares.len() as f64 * squares) } else { 1.0 }
}
