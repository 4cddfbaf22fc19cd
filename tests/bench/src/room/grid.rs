//! One room of a hundred: 25 with cameras in three sizes and microphones, everybody watching nine of them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use shared::protocol::{PauseReason, Want};
use shared::{SourceKind, SourceRef};

use super::bot::Bot;
use super::crowd::Crowd;
use super::description::Section;
use super::publisher::{Shape, Source, ssrc};
use super::{Stretch, allocations, row, stretch, tell};
use crate::control::ServerProcess;
use crate::peers::Who;
use crate::report::Row;

const CAMERAS: u16 = 25;
const TILES: usize = 9;
const AUDIO_SLOTS: usize = 3;
/// Height of a tile of a 3 × 3 grid on a laptop.
const TILE_HEIGHT: u16 = 240;
const FRAME: Duration = Duration::from_millis(40);
/// About 130 kbit/s, 500 kbit/s and 1.5 Mbit/s.
const SHAPES: [Shape; 3] = [
    Shape { rid: Some("q"), height: 180, packets: 1, bytes: 600 },
    Shape { rid: Some("h"), height: 360, packets: 3, bytes: 800 },
    Shape { rid: Some("f"), height: 720, packets: 7, bytes: 1000 },
];
const RIDS: [&str; 3] = ["q", "h", "f"];
const PAUSES: [PauseReason; 3] = [PauseReason::Bandwidth, PauseReason::Overload, PauseReason::NotSent];
/// How long estimates take to find the room that there is.
const WARM_UP: Duration = Duration::from_secs(12);

fn sections(bot: u16) -> Vec<Section> {
    let sources = [Section::Microphone, Section::Camera { rids: &RIDS, ssrc: ssrc(bot, 1, 0) }];
    let sources = sources.into_iter().filter(|_| bot < CAMERAS);
    let audio = std::iter::repeat_n(Section::AudioSlot, AUDIO_SLOTS);
    sources.chain(audio).chain(std::iter::repeat_n(Section::VideoSlot, TILES)).collect()
}

fn sources(bot: u16, now: Instant) -> Vec<Source> {
    if bot >= CAMERAS {
        return Vec::new();
    }
    vec![Source::microphone(bot, 0, now), Source::camera(bot, 1, FRAME, &SHAPES, now)]
}

/// Everybody watches the nine after themselves, so that every camera has as many viewers.
fn wants(crowd: &Crowd, bot: u16) -> Vec<Want> {
    let cameras = usize::from(CAMERAS).min(crowd.members.len());
    let sections = &crowd.members[usize::from(bot)].bot.sections;
    let slots = sections.iter().enumerate().filter(|(_, section)| **section == Section::VideoSlot);
    let want = |(number, (mid, _)): (usize, (usize, &Section))| Want {
        mid: mid.to_string(),
        source: SourceRef {
            peer: crowd.peer((usize::from(bot) + 1 + number) % cameras),
            kind: SourceKind::Camera,
        },
        max_height: TILE_HEIGHT,
        priority: 0,
    };
    slots.enumerate().map(want).collect()
}

/// Fills the room, lets it settle, and measures.
pub(super) fn measure(shards: usize, people: u16, time: Duration) -> Result<Vec<Row>> {
    let mut server = ServerProcess::start_with(&["serve-room", &shards.to_string()], Who::Visavis)?;
    let mut crowd = Crowd::new(server.address().context("the server has an address")?)?;
    for bot in 0..people {
        let now = Instant::now();
        let joined = crowd.join(Bot::new(sections(bot), sources(bot, now), now)?)?;
        if let Err(reason) = joined {
            bail!("bot {bot} of {people} was refused: {reason}");
        }
    }
    for bot in 0..people {
        let wants = wants(&crowd, bot);
        crowd.want(bot.into(), wants)?;
    }
    crowd.play(WARM_UP)?;
    let found = stretch(&mut server, &mut crowd, time)?;
    let outcome = Outcome::of(&crowd);
    let grown_kb = found.resident_kb.saturating_sub(server.at_start.resident_kb);
    let allocations = allocations(&mut server, &mut crowd)?;
    let per_peer_kb = grown_kb as f64 / f64::from(people);
    tell(&format!(
        "room of {people}, {shards} shard(s): {found:?}, {outcome:?}, {per_peer_kb:.0} kB a peer"
    ))?;
    Ok(rows(shards, people, &found, &outcome, per_peer_kb, allocations))
}

/// What the allocator gave: tiles by the layer they show, and by why they show nothing.
#[derive(Debug)]
struct Outcome {
    layers: [usize; 3],
    /// For want of the viewer's bandwidth, of the server's time, and because nothing is sent.
    paused: [usize; 3],
}

impl Outcome {
    fn of(crowd: &Crowd) -> Self {
        let mut layers = [0; 3];
        for (at, member) in crowd.members.iter().enumerate() {
            let watched = member.slots.iter().filter(|slot| slot.paused.is_none());
            for source in watched.filter_map(|slot| slot.source) {
                if source.kind != SourceKind::Camera || source.peer == crowd.peer(at) {
                    continue;
                }
                let publisher = (0..crowd.members.len()).find(|other| crowd.peer(*other) == source.peer);
                let shown = publisher.and_then(|publisher| member.shows.get(&publisher));
                if let Some(count) = shown.and_then(|layer| layers.get_mut(usize::from(*layer))) {
                    *count += 1;
                }
            }
        }
        Self { layers, paused: PAUSES.map(|reason| crowd.paused(reason)) }
    }
}

fn rows(
    shards: usize,
    people: u16,
    found: &Stretch,
    outcome: &Outcome,
    per_peer_kb: f64,
    allocations: f64,
) -> Vec<Row> {
    let who = if shards == 1 { "visavis".to_owned() } else { format!("visavis, {shards} shards") };
    let note = format!(
        "{people} people, {CAMERAS} with cameras of 180, 360 and 720 lines, {TILES} tiles of {TILE_HEIGHT} lines each"
    );
    let row = |metric: &str, unit: &str, value: f64| row(&who, &format!("room_{metric}"), unit, value, &note);
    let [low, middle, high] = outcome.layers.map(|count| count as f64);
    let [starved, shed, unsent] = outcome.paused.map(|count| count as f64);
    let rows = [
        row("forwarded_per_second", "packets/s", found.forwarded_per_second),
        row("relayed_per_second", "packets/s", found.relayed_per_second),
        row("cpu_us_per_forward", "us", found.cpu_us_per_forward()),
        row("cpu_cores", "cores", found.cores),
        row("latency_p50_ms", "ms", found.latency_p50_ms),
        row("latency_p99_ms", "ms", found.latency_p99_ms),
        row("memory_kb_per_peer", "kB", per_peer_kb),
        row("missing", "packets", found.missing as f64),
        row("lost", "packets", found.dropped as f64),
        row("allocations_per_forward", "allocations", allocations),
        row("tiles_180", "tiles", low),
        row("tiles_360", "tiles", middle),
        row("tiles_720", "tiles", high),
        row("tiles_paused_bandwidth", "tiles", starved),
        row("tiles_paused_overload", "tiles", shed),
        row("tiles_paused_not_sent", "tiles", unsent),
    ];
    rows.into_iter().flatten().collect()
}
