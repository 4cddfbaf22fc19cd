//! `bench bwe`: bandwidth estimators on the paths of RFC 8867, in virtual time. Nothing depends on the machine.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use sfu::bandwidth::Algorithm;
use tests::path::{Bottleneck, FlowOptions, Path, Trace, fairness};

use crate::measure::{Machine, Spread};
use crate::report::{Report, Row};
use crate::svg;

/// RFC 8867 §5.1: from which second on which capacity, in bit/s.
const VARIABLE: [(u64, u64); 4] = [(0, 1_000_000), (40, 2_500_000), (60, 600_000), (80, 1_000_000)];
/// RFC 8867 §5.2.
const SHARED: [(u64, u64); 5] =
    [(0, 4_000_000), (25, 2_000_000), (50, 3_500_000), (75, 1_000_000), (100, 2_000_000)];

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Seeds, each a run with other jitter, losses and frame sizes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: u16,
    /// Draw the rates of §5.1 over time beside the capacity into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// An estimator under comparison.
#[derive(Debug, Clone, Copy)]
struct Contender {
    who: &'static str,
    algorithm: Algorithm,
    note: &'static str,
}

const CONTENDERS: [Contender; 2] = [
    Contender {
        who: "visavis",
        algorithm: Algorithm::SendSide,
        note: "trendline, AIMD, loss model, probing; frames at the estimate, paced at 2.5 times",
    },
    Contender {
        who: "rtc gcc 0.21.1",
        algorithm: Algorithm::Gcc,
        note: "Kalman filter, AIMD, loss rule, no probing; on the same paths and frames",
    },
];

/// Runs the benchmark and prints the result.
///
/// # Errors
/// When the drawing cannot be written or standard output is closed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let rows = CONTENDERS.iter().flat_map(|contender| rows(*contender, options.runs)).collect::<Vec<Row>>();
    let report = Report::new("bwe", Machine::here(), by_metric(&rows));
    if let Some(path) = &options.svg {
        std::fs::write(path, drawing()).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let title = "RFC 8867 in virtual time: 50 ms one way, 300 ms of drop-tail queue, up to 30 ms of jitter";
    let text = if options.json { report.json()? } else { report.table(title) };
    std::io::stdout().lock().write_all(text.as_bytes()).context("standard output is closed")
}

/// Contenders side by side, metric after metric.
fn by_metric(rows: &[Row]) -> Vec<Row> {
    let mut metrics: Vec<String> = Vec::new();
    for row in rows {
        if !metrics.contains(&row.metric) {
            metrics.push(row.metric.clone());
        }
    }
    metrics.iter().flat_map(|metric| rows.iter().filter(move |row| row.metric == *metric).cloned()).collect()
}

fn options(contender: Contender) -> FlowOptions {
    FlowOptions {
        algorithm: contender.algorithm,
        jitter: Duration::from_millis(30),
        ..FlowOptions::default()
    }
}

fn traces(schedule: &[(u64, u64)], flows: &[FlowOptions], seconds: u64, seed: u16) -> Vec<Trace> {
    Path::new(Bottleneck::new(schedule), flows, seed.into()).run(Duration::from_secs(seconds))
}

fn rows(contender: Contender, runs: u16) -> Vec<Row> {
    let each = |value: &dyn Fn(u16) -> f64| (1..=runs).map(value).collect::<Vec<f64>>();
    let variable: Vec<Trace> =
        (1..=runs).map(|seed| traces(&VARIABLE, &[options(contender)], 100, seed).remove(0)).collect();
    let of = |value: &dyn Fn(&Trace) -> f64| variable.iter().map(value).collect::<Vec<f64>>();
    // What never happens counts as the whole stretch.
    let seconds = |time: Option<Duration>| time.unwrap_or(Duration::from_secs(20)).as_secs_f64();
    let lossy = |per_mille: u64| {
        each(&|seed| {
            let flow = |loss| [FlowOptions { loss, most_bps: 1_500_000, ..options(contender) }];
            let mean = |loss| traces(&[(0, 2_000_000)], &flow(loss), 60, seed)[0].mean_bps(20, 60);
            100.0 * mean(per_mille) / (mean(0) * (1.0 - per_mille as f64 / 1000.0))
        })
    };
    let equal = each(&|seed| {
        let late = FlowOptions { start: Duration::from_secs(5), ..options(contender) };
        let traces = traces(&[(0, 3_000_000)], &[options(contender), late], 95, seed);
        fairness(&traces.iter().map(|trace| trace.mean_bps(35, 95)).collect::<Vec<f64>>())
    });
    let shared = each(&|seed| {
        let traces = traces(&SHARED, &[options(contender), options(contender)], 125, seed);
        fairness(&traces.iter().map(|trace| trace.mean_bps(5, 125)).collect::<Vec<f64>>())
    });
    let row = |metric: &str, unit: &str, values: Vec<f64>| {
        Some(Row::new(contender.who, metric, unit, Spread::of(&values)?, contender.note))
    };
    let used = |trace: &Trace| 100.0 * trace.mean_bps(10, 100) / 1.22e6;
    let rows = [
        row("drop_to_110_percent_s", "s", of(&|trace| seconds(trace.settles(60, 80, 110, true)))),
        row("rise_to_80_percent_s", "s", of(&|trace| seconds(trace.settles(40, 60, 80, false)))),
        row("used_percent", "%", of(&used)),
        row("queue_steady_ms", "ms", of(&|trace| trace.longest_queue(5, 40).as_secs_f64() * 1000.0)),
        row("kept_at_2_percent_loss", "%", lossy(20)),
        row("kept_at_10_percent_loss", "%", lossy(100)),
        row("fairness_equal_flows", "", equal),
        row("fairness_variable_link", "", shared),
    ];
    rows.into_iter().flatten().collect()
}

/// The estimates of one run over time, and the capacity that they follow.
fn drawing() -> String {
    let mut curves = Vec::new();
    for contender in CONTENDERS {
        let trace = traces(&VARIABLE, &[options(contender)], 100, 1).remove(0);
        let point =
            |sample: &tests::path::Sample| (sample.at.as_secs_f64(), sample.estimate_bps as f64 / 1e6);
        curves.push((contender.who, trace.samples.iter().map(point).collect::<Vec<_>>()));
    }
    let mut capacity: Vec<(f64, f64)> = Vec::new();
    for (at, (from, bps)) in VARIABLE.iter().enumerate() {
        let to = VARIABLE.get(at + 1).map_or(100, |next| next.0);
        capacity.extend([(*from as f64, *bps as f64 / 1e6), (to as f64, *bps as f64 / 1e6)]);
    }
    curves.push(("capacity", capacity));
    svg::lines(&curves, "RFC 8867 §5.1: estimate on a variable link", "s", "Mbit/s")
}
