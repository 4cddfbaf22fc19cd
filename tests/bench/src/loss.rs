//! `bench loss`: how much of a voice has to be concealed, and how long a picture stands still, at 0 to 30 % loss.
//!
//! One participant publishes, another watches; every datagram of media passes a lossy hop at the publisher or at the viewer,
//! which loses each by itself or several in a row. The voice is redundant audio as Chromium sends it (one repetition), where the
//! server takes that. What counts is what is heard and seen: see [`playback`].

mod call;
mod client;
mod playback;
mod rating;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use ::tests::line::{Bursts, Impairment};
use anyhow::{Context as _, Result, anyhow};
use clap::{Args, ValueEnum};

use self::call::Call;
use self::rating::Pattern;
use crate::control::ServerProcess;
use crate::measure::{Machine, Spread};
use crate::peers::Who;
use crate::report::{Report, Row};
use crate::svg;

const LOSSES_PERCENT: [u32; 6] = [0, 2, 5, 10, 20, 30];
const ROUND_TRIPS_MS: [u64; 2] = [40, 200];
/// The loss has to be seen before anybody can act on it.
const WARM_UP: Duration = Duration::from_secs(5);
/// From the sender of the voice to the server, or from the server to its listener, on the good side.
const GOOD_DELAY: Duration = Duration::from_millis(20);
/// What a listener's jitter buffer adds to the delay of the network: what comes later is of no use to a conversation.
const JITTER_BUFFER: Duration = Duration::from_millis(160);
/// What a viewer's adds. That of browsers waits for what is asked for again as well, but no longer than this.
const JITTER: Duration = Duration::from_millis(20);
const ROUND_TRIP_MAX: Duration = Duration::from_millis(200);
/// That a time of losses ends with a datagram, per mille: three in a row are lost on average.
const BURST_END: u32 = 333;

const FROZEN: &str = "video_frozen_percent";

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Seconds measured at every loss
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(3..=600))]
    seconds: u64,
    /// Beside ours, a peer that has to be installed
    #[arg(long, value_name = "WHO", value_delimiter = ',', value_parser = peer)]
    peer: Vec<Who>,
    /// Only losses on this way
    #[arg(long)]
    only: Option<Direction>,
    /// Draw the score of the voice into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Draw the share of the time that the picture stands still into this file
    #[arg(long, value_name = "FILE")]
    svg_video: Option<PathBuf>,
}

fn peer(name: &str) -> Result<Who> {
    if name == Who::Janus.id() { Ok(Who::Janus) } else { Err(anyhow!("only Janus can take part")) }
}

/// Runs the benchmark and prints the result.
///
/// # Errors
/// When a server does not start or a client cannot connect.
pub(crate) fn run(options: &Options) -> Result<()> {
    let time = Duration::from_secs(options.seconds);
    let mut rows = Vec::new();
    let directions = [Direction::Up, Direction::Down];
    for direction in
        directions.into_iter().filter(|direction| options.only.is_none_or(|only| only == *direction))
    {
        for pattern in [Pattern::Random, Pattern::Bursts] {
            for round_trip_ms in ROUND_TRIPS_MS {
                let line = Line { direction, pattern, round_trip_ms };
                for who in [Who::Visavis].iter().chain(&options.peer) {
                    rows.extend(measure_all(*who, line, time)?);
                }
            }
        }
    }
    let report = Report::new("loss", Machine::here(), rows);
    for (path, metric, title, unit) in [
        (&options.svg, "audio_mos", "Voice at the viewer's loss", "MOS"),
        (&options.svg_video, FROZEN, "Picture at the viewer's loss", "% frozen"),
    ] {
        let Some(path) = path else { continue };
        let drawing = drawing(&report.rows, &options.peer, metric, title, unit);
        std::fs::write(path, drawing).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let title = "1 publisher, 1 viewer, VP8 of 25 pictures/s with a key frame every 0.8 s; loss on the publisher's way up or the \
                 viewer's way down, random or in bursts of 3; round trip of that hop in ms, of the other 40";
    let text = if options.json { report.json()? } else { report.table(title) };
    std::io::stdout().lock().write_all(text.as_bytes()).context("standard output is closed")
}

/// The score or share over the loss, on the way down with a short round trip.
fn drawing(rows: &[Row], peers: &[Who], metric: &str, title: &str, unit: &str) -> String {
    let contenders = || [Who::Visavis].into_iter().chain(peers.iter().copied());
    let curves =
        contenders().flat_map(|who| [Pattern::Random, Pattern::Bursts].map(|pattern| (who, pattern)));
    let curves: Vec<(String, Vec<(f64, f64)>)> = curves
        .map(|(who, pattern)| {
            let line = Line { direction: Direction::Down, pattern, round_trip_ms: ROUND_TRIPS_MS[0] };
            let points = LOSSES_PERCENT.iter().filter_map(|percent| {
                let name = line.metric(metric, *percent);
                let row = rows.iter().find(|row| row.who == who.name() && row.metric == name)?;
                Some((f64::from(*percent), row.median))
            });
            (format!("{}, {}", who.name(), pattern_name(pattern)), points.collect())
        })
        .filter(|(_, points): &(String, Vec<(f64, f64)>)| !points.is_empty())
        .collect();
    let curves: Vec<(&str, Vec<(f64, f64)>)> =
        curves.iter().map(|(name, points)| (name.as_str(), points.clone())).collect();
    svg::lines(&curves, title, "% loss", unit)
}

/// At whose connection the loss is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Direction {
    /// From the publisher to the server
    Up,
    /// From the server to the viewer
    Down,
}

/// The lossy hop, whatever it loses.
#[derive(Debug, Clone, Copy)]
struct Line {
    direction: Direction,
    pattern: Pattern,
    round_trip_ms: u64,
}

impl Line {
    fn metric(&self, metric: &str, percent: u32) -> String {
        let direction = match self.direction {
            Direction::Up => "up",
            Direction::Down => "down",
        };
        let pattern = pattern_name(self.pattern);
        format!("{metric}_{direction}_{pattern}_{percent}_rtt_{}", self.round_trip_ms)
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(self.round_trip_ms) / 2
    }

    fn impairment(&self, percent: u32) -> Impairment {
        let delay = self.delay();
        match self.pattern {
            Pattern::Random => Impairment { loss: percent * 10, delay, ..Impairment::default() },
            Pattern::Bursts => {
                let begin = BURST_END * percent / (100 - percent);
                let bursts = Some(Bursts { begin, end: BURST_END, loss: 1000 });
                Impairment { bursts, delay, ..Impairment::default() }
            }
        }
    }
}

const fn pattern_name(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::Random => "random",
        Pattern::Bursts => "bursts",
    }
}

/// Shares, 0 to 1.
#[derive(Debug, Clone, Copy)]
struct Found {
    audio_concealed: f64,
    video_frozen: f64,
}

/// Every loss at the same time: the load is small, and each has a server of its own.
fn measure_all(who: Who, line: Line, time: Duration) -> Result<Vec<Row>> {
    let found: Vec<Result<Found>> = std::thread::scope(|scope| {
        let runs = LOSSES_PERCENT.map(|percent| scope.spawn(move || measure(who, line, percent, time)));
        let joined =
            runs.into_iter().map(|run| run.join().unwrap_or_else(|_| Err(anyhow!("a run panicked"))));
        joined.collect()
    });
    let mut rows = Vec::new();
    for (percent, found) in LOSSES_PERCENT.into_iter().zip(found) {
        let name = line.metric("loss", percent);
        let found = found.with_context(|| format!("{}, {name}", who.name()))?;
        writeln!(std::io::stderr().lock(), "{}, {name}: {found:?}", who.name())?;
        let mos = rating::mean_opinion_score(found.audio_concealed, line.pattern);
        let values = [
            ("audio_concealed_percent", "%", 100.0 * found.audio_concealed),
            ("audio_mos", "MOS", mos),
            (FROZEN, "%", 100.0 * found.video_frozen),
        ];
        // See the note: what the client's stack does not take is not Janus's fault.
        let is_told = |metric: &str| who != Who::Janus || line.direction == Direction::Up || metric != FROZEN;
        rows.extend(values.into_iter().filter(|(metric, ..)| is_told(metric)).filter_map(
            |(metric, unit, value)| {
                Some(Row::new(
                    who.name(),
                    &line.metric(metric, percent),
                    unit,
                    Spread::of(&[value])?,
                    note(who),
                ))
            },
        ));
    }
    Ok(rows)
}

const fn note(who: Who) -> &'static str {
    match who {
        Who::Janus => {
            "VideoRoom negotiates no redundant audio; what Opus repeats within itself is counted for nobody"
        }
        Who::Visavis | Who::Str0m | Who::Webrtc | Who::Floor => {
            "redundant audio both ways, NACK and RTX, bandwidth estimation"
        }
    }
}

fn measure(who: Who, line: Line, percent: u32, time: Duration) -> Result<Found> {
    let mut server = ServerProcess::start(who)?;
    let round_trip = Duration::from_millis(line.round_trip_ms);
    let mut call = Call::connect(&mut server, u64::from(percent), round_trip)?;
    let clean = Impairment { delay: GOOD_DELAY, ..Impairment::default() };
    let far = Impairment { delay: line.delay(), ..Impairment::default() };
    let lossy = line.impairment(percent);
    match line.direction {
        Direction::Up => call.impair([lossy, far], [clean, clean]),
        Direction::Down => call.impair([clean, clean], [far, lossy]),
    }
    let network = line.delay() + GOOD_DELAY;
    call.voice.set_delay(network + JITTER_BUFFER);
    call.picture.set_delay(network + round_trip.min(ROUND_TRIP_MAX) + JITTER);
    call.play(WARM_UP)?;
    let from = call.now();
    call.play(time)?;
    let to = call.now();
    // The last frames need a moment, too.
    call.play(2 * network + JITTER_BUFFER)?;
    Ok(Found { audio_concealed: call.voice.concealed(from, to), video_frozen: call.picture.frozen(from, to) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_lose_as_much_as_single_losses() {
        for percent in LOSSES_PERCENT {
            let line = Line { direction: Direction::Down, pattern: Pattern::Bursts, round_trip_ms: 40 };
            let bursts = line.impairment(percent).bursts.unwrap();
            let share = 100.0 * f64::from(bursts.begin) / f64::from(bursts.begin + bursts.end);
            assert!((share - f64::from(percent)).abs() < 0.3, "{share} for {percent}");
        }
    }
}
