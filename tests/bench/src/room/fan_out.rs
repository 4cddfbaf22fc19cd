//! One publisher and ever more viewers of it, until the server or the list ends.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use shared::protocol::Want;
use shared::{SourceKind, SourceRef};

use super::bot::Bot;
use super::crowd::Crowd;
use super::description::Section;
use super::publisher::{CAMERA, Shape, Source, ssrc};
use super::{Stretch, allocations, row, stretch, tell};
use crate::control::ServerProcess;
use crate::peers::Who;
use crate::report::Row;

const PACKETS_PER_FRAME: u32 = 5;
const SHAPE: Shape = Shape { rid: None, height: 720, packets: PACKETS_PER_FRAME, bytes: 1050 };
const PUBLISHER: u16 = 0;
/// How long the newest viewers may take until they all get everything.
const WARM_UP: Duration = Duration::from_secs(8);
const SETTLE: Duration = Duration::from_millis(1500);
/// Between two attempts of a viewer that was refused, and how many there are: a shard that was too busy opens again
/// within ten seconds or so.
const RETRY: Duration = Duration::from_millis(500);
const ATTEMPTS: u32 = 30;
/// The knee: a viewer's picture may come this late, since it has to wait for the next frame anyway.
const LATENCY_P99_MS: f64 = 20.0;
/// A media thread that works more than this has no time for bursts.
const BUSY: f64 = 0.9;
/// Part of what was offered that has to arrive.
const ARRIVED: f64 = 0.99;
/// Below this the load client itself was too slow.
const OFFERED: f64 = 0.95;

/// What one number of viewers cost.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) viewers: usize,
    pub(super) stretch: Stretch,
    /// Packets a second that viewers should have received.
    pub(super) offered: f64,
    /// Memory beyond what the server had at the start.
    pub(super) grown_kb: f64,
    /// How long the last viewer's join took.
    pub(super) joined_ms: f64,
    /// Why this is beyond what the server carries.
    pub(super) strain: Option<String>,
}

/// What ever more viewers cost.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    pub(super) shards: usize,
    pub(super) points: Vec<Point>,
    pub(super) allocations: f64,
}

impl Curve {
    /// The first number of viewers beyond what is carried well, and why.
    pub(super) fn knee(&self) -> Option<(usize, &str)> {
        self.points.iter().find_map(|point| Some((point.viewers, point.strain.as_deref()?)))
    }

    pub(super) fn name(&self) -> String {
        if self.shards == 1 { "1 shard".to_owned() } else { format!("{} shards", self.shards) }
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let knee = self.knee().map_or_else(
            || format!("no knee up to {} viewers", self.points.last().map_or(0, |point| point.viewers)),
            |(viewers, strain)| format!("knee at {viewers} viewers: {strain}"),
        );
        let rows = self.points.iter().flat_map(|point| self.rows_of(point, &knee));
        let who = format!("visavis, {}", self.name());
        rows.chain(row(&who, "fan_out_allocations_per_forward", "allocations", self.allocations, &knee))
            .collect()
    }

    fn rows_of(&self, point: &Point, note: &str) -> Vec<Row> {
        let who = format!("visavis, {}", self.name());
        let viewers = point.viewers;
        let stretch = &point.stretch;
        let row = |metric: &str, unit: &str, value: f64| {
            row(&who, &format!("fan_out_{viewers}_{metric}"), unit, value, note)
        };
        let rows = [
            row("offered_per_second", "packets/s", point.offered),
            row("received_per_second", "packets/s", stretch.received_per_second),
            row("relayed_per_second", "packets/s", stretch.relayed_per_second),
            row("cpu_us_per_forward", "us", stretch.cpu_us_per_forward()),
            row("cpu_cores", "cores", stretch.cores),
            row("media_cores", "cores", stretch.media_cores),
            row("latency_p50_ms", "ms", stretch.latency_p50_ms),
            row("latency_p99_ms", "ms", stretch.latency_p99_ms),
            row("memory_kb_per_peer", "kB", point.grown_kb / (viewers + 1) as f64),
            row("missing", "packets", stretch.missing as f64),
            row("lost", "packets", stretch.dropped as f64),
            row("join_ms", "ms", point.joined_ms),
            row("load_client_late_ms", "ms", stretch.latest_ms),
        ];
        rows.into_iter().flatten().collect()
    }
}

/// Lets viewers in up to each of these numbers, and measures there.
pub(super) fn measure(shards: usize, viewers: &[usize], rate: f64, time: Duration) -> Result<Curve> {
    ensure!((1.0..=20_000.0).contains(&rate), "--rate must be from 1 to 20000");
    let mut server = ServerProcess::start_with(&["serve-room", &shards.to_string()], Who::Visavis)?;
    let mut crowd = Crowd::new(server.address().context("the server has an address")?)?;
    let now = Instant::now();
    let spacing = Duration::from_secs_f64(f64::from(PACKETS_PER_FRAME) / rate);
    let camera = Source::camera(PUBLISHER, 0, spacing, &[SHAPE], now);
    let section = Section::Camera { rids: &[], ssrc: ssrc(PUBLISHER, CAMERA, 0) };
    let publisher = crowd.join(Bot::new(vec![section], vec![camera], now)?)?;
    ensure!(publisher.is_ok(), "the publisher was refused");
    let mut points = Vec::new();
    for wanted in viewers {
        let growth = grow(&mut crowd, *wanted)?;
        ensure!(crowd.members.len() > 1, "nobody was let in");
        let mut point = measure_point(&mut server, &mut crowd, time, rate)?;
        if let Some(at) = growth.refused_at {
            point.strain = Some(format!("with {at} the server let nobody else in while media flowed"));
        }
        tell(&format!("{shards} shard(s): {point:?}"))?;
        points.push(point);
        if growth.is_over {
            break;
        }
    }
    let allocations = allocations(&mut server, &mut crowd)?;
    Ok(Curve { shards, points, allocations })
}

/// How letting viewers in went.
struct Growth {
    /// With how many viewers the server refused the next.
    refused_at: Option<usize>,
    /// It went on refusing without media.
    is_over: bool,
}

/// Lets viewers in until there are so many. When the server refuses one, media pauses until all are in: what it does
/// beyond that is to be seen, too.
fn grow(crowd: &mut Crowd, wanted: usize) -> Result<Growth> {
    let (mut growth, mut attempts) = (Growth { refused_at: None, is_over: false }, 0);
    while crowd.members.len() <= wanted {
        let bot = Bot::new(vec![Section::VideoSlot], Vec::new(), Instant::now())?;
        let Ok(at) = crowd.join(bot)? else {
            growth.refused_at.get_or_insert(crowd.members.len() - 1);
            crowd.is_paused = true;
            attempts += 1;
            growth.is_over = attempts > ATTEMPTS;
            if growth.is_over {
                break;
            }
            crowd.play(RETRY)?;
            continue;
        };
        attempts = 0;
        let source = SourceRef { peer: crowd.peer(0), kind: SourceKind::Camera };
        crowd.want(at, vec![Want { mid: "0".to_owned(), source, max_height: 720, priority: 0 }])?;
    }
    crowd.is_paused = false;
    Ok(growth)
}

fn measure_point(server: &mut ServerProcess, crowd: &mut Crowd, time: Duration, rate: f64) -> Result<Point> {
    let viewers = crowd.members.len() - 1;
    let all_watch = |crowd: &Crowd| {
        let watches = |slots: &[shared::protocol::SlotAssignment]| {
            slots.first().is_some_and(|slot| slot.source.is_some() && slot.paused.is_none())
        };
        crowd.members[1..].iter().all(|member| watches(&member.slots))
    };
    let is_complete = crowd.play_until(WARM_UP, all_watch)?;
    crowd.play(SETTLE)?;
    let published = crowd.published;
    let stretch = stretch(server, crowd, time)?;
    let published = (crowd.published - published) as f64 / (stretch.seconds + super::DRAIN.as_secs_f64());
    let offered = published * viewers as f64;
    let joined_ms = crowd.members.last().map_or(0.0, |member| member.joined_in.as_secs_f64() * 1e3);
    let grown_kb = stretch.resident_kb.saturating_sub(server.at_start.resident_kb) as f64;
    let strain = strain(&stretch, offered, rate * viewers as f64, is_complete);
    Ok(Point { viewers, stretch, offered, grown_kb, joined_ms, strain })
}

/// Why a stretch is beyond what the server carries well, or the load client.
fn strain(stretch: &Stretch, offered: f64, wanted: f64, is_complete: bool) -> Option<String> {
    if stretch.sheds {
        return Some("pictures are given up for want of time".to_owned());
    }
    if stretch.received_per_second < offered * ARRIVED || !is_complete {
        return Some(format!("{:.0} of {offered:.0} packets/s arrive", stretch.received_per_second));
    }
    if stretch.media_cores > BUSY {
        return Some(format!("the media threads use {:.2} cores", stretch.media_cores));
    }
    if stretch.latency_p99_ms > LATENCY_P99_MS {
        return Some(format!("latency p99 is {:.1} ms", stretch.latency_p99_ms));
    }
    (offered < wanted * OFFERED).then(|| format!("the load client offers only {offered:.0} packets/s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EASY: Stretch = Stretch {
        seconds: 1.0,
        received_per_second: 1000.0,
        forwarded_per_second: 1000.0,
        relayed_per_second: 0.0,
        missing: 0,
        dropped: 0,
        sheds: false,
        cores: 0.1,
        media_cores: 0.1,
        latency_p50_ms: 0.2,
        latency_p99_ms: 1.0,
        resident_kb: 1,
        latest_ms: 0.0,
    };

    #[test]
    fn the_knee_is_the_first_strain() {
        let point = |viewers, stretch| Point {
            viewers,
            stretch,
            offered: 1000.0,
            grown_kb: 1.0,
            joined_ms: 1.0,
            strain: strain(&stretch, 1000.0, 1000.0, true),
        };
        let late = Stretch { latency_p99_ms: 50.0, ..EASY };
        let busy = Stretch { media_cores: 0.95, ..EASY };
        let points = vec![point(1, EASY), point(10, late), point(100, busy)];
        let curve = Curve { shards: 1, points, allocations: 0.0 };
        assert_eq!(curve.knee(), Some((10, "latency p99 is 50.0 ms")));
        assert!(strain(&EASY, 1100.0, 1000.0, true).is_some_and(|why| why.contains("arrive")));
        assert!(strain(&EASY, 1000.0, 2000.0, true).is_some_and(|why| why.contains("load client")));
        assert!(strain(&Stretch { sheds: true, ..EASY }, 1000.0, 1000.0, true).is_some());
    }
}
