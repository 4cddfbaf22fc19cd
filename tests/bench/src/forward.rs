//! `bench forward`: every peer in turn, several times, on the same load.

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::control::{Request, ServerProcess};
use crate::load::{self, Load, Outcome, PAYLOAD_BYTES_MIN, VERIFIED_MIN};
use crate::measure::{Machine, Spread};
use crate::peers::Who;
use crate::report::{Report, Row};
use crate::socket::{self, Receiver};
use crate::svg;

/// Largest RTP payload: what fits a datagram of every peer beside header, extensions and tag.
const PAYLOAD_BYTES_MAX: usize = 1200;
/// The load of `--overload`: 40,000 packets to forward a second.
const OVERLOAD: (usize, f64) = (40, 1000.0);
/// Below this fraction of the wanted load the load client was the bottleneck, and the result says so.
const OFFERED_MIN: f64 = 0.95;
/// How long the floor runs before it is measured.
const FLOOR_WARM_UP: Duration = Duration::from_millis(500);

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Subscribers of the one publisher
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=99))]
    subscribers: u16,
    /// Packets a second of the publisher
    #[arg(long, default_value_t = 272.0)]
    rate: f64,
    /// Packets sent at once, as those of a video frame
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    burst: u32,
    /// Bytes of an RTP payload
    #[arg(long, default_value_t = 1100)]
    payload: usize,
    /// Seconds measured in every run
    #[arg(long, default_value_t = 6.0)]
    seconds: f64,
    /// Runs of every peer
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    runs: u16,
    /// 40 subscribers and 1,000 packets a second, in place of the values above
    #[arg(long)]
    overload: bool,
    /// Only these
    #[arg(long, value_delimiter = ',')]
    only: Vec<Who>,
    /// Beside the usual ones, a peer that has to be installed
    #[arg(long, value_name = "WHO", value_delimiter = ',')]
    peer: Vec<Who>,
    /// Draw the processor time a forward as bars into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

impl Options {
    fn load(&self) -> Result<Load> {
        let (subscribers, rate) = if self.overload { OVERLOAD } else { (self.subscribers.into(), self.rate) };
        ensure!(rate.is_finite() && (1.0..=20_000.0).contains(&rate), "--rate must be from 1 to 20000");
        ensure!((0.5..=600.0).contains(&self.seconds), "--seconds must be from 0.5 to 600");
        ensure!(
            (PAYLOAD_BYTES_MIN..=PAYLOAD_BYTES_MAX).contains(&self.payload),
            "--payload must be from {PAYLOAD_BYTES_MIN} to {PAYLOAD_BYTES_MAX}"
        );
        let least = f64::from(u32::try_from(VERIFIED_MIN)?);
        ensure!(rate * 1.5 > least, "--rate is too low: {VERIFIED_MIN} packets are verified within 1.5 s");
        Ok(Load { subscribers, rate, burst: self.burst, payload: self.payload, seconds: self.seconds })
    }
}

/// Runs the benchmark and prints the result.
///
/// # Errors
/// When a server does not start, a client cannot connect, or what a server forwards is damaged.
pub(crate) fn run(options: &Options) -> Result<()> {
    let load = options.load()?;
    let mut peers: Vec<Who> = if options.only.is_empty() { Who::ALL.to_vec() } else { options.only.clone() };
    peers.extend(&options.peer);
    let mut findings: Vec<Finding> = peers.into_iter().map(Finding::new).collect();
    for run in 1..=options.runs {
        for finding in &mut findings {
            let load_average = Machine::load_average().unwrap_or_default();
            tell(&format!(
                "run {run} of {}: {} (load average {load_average})",
                options.runs,
                finding.who.name()
            ))?;
            finding.add(&load).with_context(|| finding.who.name())?;
        }
    }
    let rows = findings.iter().flat_map(|finding| finding.rows(&load)).collect();
    let report = Report::new("forward", Machine::here(), rows);
    if let Some(path) = &options.svg {
        let drawing = svg::bars(&report.rows, CPU, "Processor time per forwarded packet");
        std::fs::write(path, drawing).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let text = if options.json { report.json()? } else { report.table(&title(&load)) };
    std::io::stdout().lock().write_all(text.as_bytes()).context("standard output is closed")
}

const CPU: &str = "cpu_us_per_forward";

fn title(load: &Load) -> String {
    let Load { subscribers, rate, burst, payload, seconds } = load;
    format!(
        "1 publisher, {subscribers} subscribers, {rate} packets/s of {payload} bytes in bursts of {burst}, \
         {seconds} s, AEAD_AES_128_GCM over loopback"
    )
}

/// Progress goes to standard error: standard output is the result's.
fn tell(text: &str) -> Result<()> {
    writeln!(std::io::stderr().lock(), "{text}").context("standard error is closed")
}

/// What the runs of one peer found.
struct Finding {
    who: Who,
    outcomes: Vec<Outcome>,
    /// Microseconds a packet: all that there is to say of the floor.
    floor: Vec<f64>,
}

impl Finding {
    const fn new(who: Who) -> Self {
        Self { who, outcomes: Vec::new(), floor: Vec::new() }
    }

    fn add(&mut self, load: &Load) -> Result<()> {
        let mut server = ServerProcess::start(self.who)?;
        if self.who == Who::Floor {
            let cost = measure_floor(&mut server, load)?;
            self.floor.push(cost);
            return tell(&format!("    {cost:.2} µs per packet"));
        }
        let outcome = load::drive(&mut server, load)?;
        tell(&format!(
            "    {:.2} µs per forward, p50 {:.2} ms, p99 {:.2} ms, {} of {} lost, {:.0} kB per peer, \
             {:.2} allocations per forward, {} packets verified",
            outcome.cpu_us_per_forward,
            outcome.latency_p50_ms,
            outcome.latency_p99_ms,
            outcome.expected - outcome.received,
            outcome.expected,
            outcome.memory_kb_per_peer,
            outcome.allocations_per_forward,
            outcome.verified,
        ))?;
        self.outcomes.push(outcome);
        Ok(())
    }

    fn rows(&self, load: &Load) -> Vec<Row> {
        let note = self.note(load);
        let row = |metric: &str, unit: &str, values: Vec<f64>| {
            Some(Row::new(self.who.name(), metric, unit, Spread::of(&values)?, &note))
        };
        let counted = if self.who.counts_allocations() { self.outcomes.as_slice() } else { &[] };
        let of = |value: fn(&Outcome) -> f64| self.outcomes.iter().map(value).collect::<Vec<f64>>();
        let cpu = if self.who == Who::Floor { self.floor.clone() } else { of(|run| run.cpu_us_per_forward) };
        let rows = [
            row(CPU, "us", cpu),
            row("latency_p50_ms", "ms", of(|run| run.latency_p50_ms)),
            row("latency_p99_ms", "ms", of(|run| run.latency_p99_ms)),
            row("lost", "packets", of(|run| (run.expected - run.received) as f64)),
            row("memory_kb_per_peer", "kB", of(|run| run.memory_kb_per_peer)),
            row(
                "allocations_per_forward",
                "allocations",
                counted.iter().map(|run| run.allocations_per_forward).collect(),
            ),
        ];
        rows.into_iter().flatten().collect()
    }

    /// How the peer was set up, and whether the load client kept up.
    fn note(&self, load: &Load) -> String {
        let wanted = load.rate * load.subscribers as f64;
        let offered = self.outcomes.iter().map(|run| run.offered_per_second).fold(wanted, f64::min);
        if offered < wanted * OFFERED_MIN {
            return format!("{}; only {offered:.0} of {wanted:.0} forwards/s were offered", self.who.setup());
        }
        self.who.setup().to_owned()
    }
}

/// Lets the floor send to sockets that are only emptied, and returns its microseconds a packet.
fn measure_floor(server: &mut ServerProcess, load: &Load) -> Result<f64> {
    let sockets = (0..load.subscribers).map(|_| socket::bind()).collect::<std::io::Result<Vec<_>>>()?;
    let destinations =
        sockets.iter().map(|socket| socket.local_addr()).collect::<std::io::Result<Vec<_>>>()?;
    let epoll = Epoll::new(EpollCreateFlags::empty())?;
    for (index, socket) in sockets.iter().enumerate() {
        epoll.add(socket.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
    }
    let mut receiver = Receiver::new();
    let mut events = vec![EpollEvent::empty(); sockets.len()];
    let mut drain = |time: Duration| -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < time {
            let count = epoll.wait(&mut events, EpollTimeout::from(1_u8))?;
            for event in &events[..count] {
                // Nobody looks at the packets: only the sender is measured.
                drop(receiver.receive(&sockets[event.data() as usize])?);
            }
        }
        Ok(())
    };
    server.tell(&Request::Generate { destinations, load: *load })?;
    drain(FLOOR_WARM_UP)?;
    let before = server.usage()?;
    drain(Duration::from_secs_f64(load.seconds))?;
    let after = server.usage()?;
    let packets = after.generated - before.generated;
    ensure!(packets > 0, "the floor sent nothing");
    Ok(after.cpu().saturating_sub(before.cpu()).as_secs_f64() * 1e6 / packets as f64)
}
