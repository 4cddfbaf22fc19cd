//! `bench room`: what a large room costs. One room of a hundred who watch each other, and one publisher with up to a
//! thousand viewers, on one shard and on several.

mod bot;
mod crowd;
mod description;
mod fan_out;
mod grid;
mod plot;
mod publisher;
mod server;
mod signaling;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;

use self::crowd::Crowd;
pub(crate) use self::server::{Counts, serve};
use crate::control::{Request, ServerProcess};
use crate::measure::{Machine, Spread, Usage, percentile};
use crate::report::{Report, Row};

/// How long the last packets of a stretch may take to arrive.
const DRAIN: Duration = Duration::from_millis(300);
/// How long allocations are counted, after the measured time: counting itself costs processor time.
const ALLOCATIONS: Duration = Duration::from_millis(1000);

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Seconds measured at every size
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Numbers of viewers of the one publisher
    #[arg(long, value_delimiter = ',', default_value = "1,10,30,100,300,1000")]
    viewers: Vec<usize>,
    /// Numbers of shards to spread the viewers over
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    shards: Vec<usize>,
    /// Packets a second of the one publisher, five in a frame
    #[arg(long, default_value_t = 125.0)]
    rate: f64,
    /// Without the room of a hundred
    #[arg(long)]
    without_grid: bool,
    /// People in the room where everybody watches
    #[arg(long, default_value_t = 100)]
    people: u16,
    /// Draw packets, processor time and memory over the number of viewers into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// Runs the benchmark and prints the result.
///
/// # Errors
/// When the server does not start, a bot cannot connect, or what a bot receives is damaged.
pub(crate) fn run(options: &Options) -> Result<()> {
    let time = Duration::from_secs_f64(options.seconds);
    let mut rows = Vec::new();
    if !options.without_grid {
        for shards in &options.shards {
            rows.extend(grid::measure(*shards, options.people, time)?);
        }
    }
    let mut curves = Vec::new();
    for shards in &options.shards {
        let curve = fan_out::measure(*shards, &options.viewers, options.rate, time)?;
        rows.extend(curve.rows());
        curves.push(curve);
    }
    let report = Report::new("room", Machine::here(), rows);
    if let Some(path) = &options.svg {
        std::fs::write(path, plot::draw(&curves, options.rate))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let title = format!(
        "One room; real DTLS-SRTP over loopback, transport feedback from everybody. Fan-out: {} packets/s of about \
         1,100 bytes in frames of 5",
        options.rate
    );
    let text = if options.json { report.json()? } else { report.table(&title) };
    std::io::stdout().lock().write_all(text.as_bytes()).context("standard output is closed")
}

/// Progress goes to standard error: standard output is the result's.
fn tell(text: &str) -> Result<()> {
    writeln!(std::io::stderr().lock(), "{text}").context("standard error is closed")
}

/// What a stretch of time with everybody in the room cost.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    seconds: f64,
    /// Packets a second that viewers received.
    received_per_second: f64,
    /// Packets a second that the server sent first-hand, and passed between shards.
    forwarded_per_second: f64,
    relayed_per_second: f64,
    /// Packets that viewers miss, by their numbers, and that the server knows it dropped.
    missing: u64,
    dropped: u64,
    sheds: bool,
    /// Cores: of the whole server, and of its media threads.
    cores: f64,
    media_cores: f64,
    latency_p50_ms: f64,
    latency_p99_ms: f64,
    resident_kb: u64,
    /// How late the load client was, at worst.
    latest_ms: f64,
}

impl Stretch {
    fn cpu_us_per_forward(&self) -> f64 {
        self.cores * 1e6 / self.forwarded_per_second.max(1.0)
    }
}

/// Measures everybody for this long.
fn stretch(server: &mut ServerProcess, crowd: &mut Crowd, time: Duration) -> Result<Stretch> {
    crowd.latencies_us.clear();
    crowd.latest = Duration::ZERO;
    let (before, from) = (server.usage()?, crowd.count());
    let start = std::time::Instant::now();
    crowd.play(time)?;
    let seconds = start.elapsed().as_secs_f64();
    let after = server.usage()?;
    let latest_ms = crowd.latest.as_secs_f64() * 1e3;
    crowd.play(DRAIN)?;
    let to = crowd.count();
    crowd.ensure_intact()?;
    crowd.latencies_us.sort_unstable();
    let latency_ms =
        |quantile| percentile(&crowd.latencies_us, quantile).map_or(0.0, |us| f64::from(us) / 1e3);
    let per_second = |of: fn(&Counts) -> u64| (of(&after.counts) - of(&before.counts)) as f64 / seconds;
    let received = to.received - from.received;
    let whole = seconds + DRAIN.as_secs_f64();
    Ok(Stretch {
        seconds,
        received_per_second: received as f64 / whole,
        forwarded_per_second: per_second(|counts| counts.forwarded),
        relayed_per_second: per_second(|counts| counts.relayed),
        missing: (to.expected - from.expected).saturating_sub(received),
        dropped: after.counts.lost - before.counts.lost,
        sheds: after.counts.sheds,
        cores: cores(&before, &after, seconds),
        media_cores: per_second(|counts| counts.media_cpu_ms) / 1e3,
        latency_p50_ms: latency_ms(0.5),
        latency_p99_ms: latency_ms(0.99),
        resident_kb: after.resident_kb,
        latest_ms,
    })
}

fn cores(before: &Usage, after: &Usage, seconds: f64) -> f64 {
    after.cpu().saturating_sub(before.cpu()).as_secs_f64() / seconds
}

/// Allocations a forwarded packet, in a stretch of its own.
fn allocations(server: &mut ServerProcess, crowd: &mut Crowd) -> Result<f64> {
    server.tell(&Request::CountAllocations)?;
    let before = server.usage()?;
    crowd.play(ALLOCATIONS)?;
    let after = server.usage()?;
    let forwarded = (after.counts.forwarded - before.counts.forwarded).max(1);
    Ok((after.allocations - before.allocations) as f64 / forwarded as f64)
}

fn row(who: &str, metric: &str, unit: &str, value: f64, note: &str) -> Option<Row> {
    Some(Row::new(who, metric, unit, Spread::of(&[value])?, note))
}
