//! What runs in browsers, measured there by the scripts in `tests/bench/browser`: modules (`effects`, `denoise`), and the whole product
//! (`join`, `glass`, `bundle`, `recover`). `cargo xtask bench` builds what they measure, installs their peers, and names browsers,
//! server and Python for the scripts.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde::Deserialize;

use crate::measure::{Machine, Spread};
use crate::report::{Report, Row};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Rounds, in each of which every contender has a turn
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: u16,
}

/// Which of them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Benchmark {
    /// Finding a person in a picture, and whole pictures with what is behind them drawn anew.
    Effects,
    /// Taking noise out of speech.
    Denoise,
    /// From the click to the first picture of somebody else.
    Join,
    /// From camera to screen, through the server and without it.
    Glass,
    /// Bytes before the lobby can be used.
    Bundle,
    /// How long pictures stand still when something is lost.
    Recover,
}

/// What a script prints: the values of all runs, which are summed up here.
#[derive(Debug, Deserialize)]
struct Told {
    rows: Vec<Values>,
}

#[derive(Debug, Deserialize)]
struct Values {
    who: String,
    metric: String,
    unit: String,
    values: Vec<f64>,
    note: String,
}

impl Benchmark {
    const fn name(self) -> &'static str {
        match self {
            Self::Effects => "effects",
            Self::Denoise => "denoise",
            Self::Join => "join",
            Self::Glass => "glass",
            Self::Bundle => "bundle",
            Self::Recover => "recover",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Effects => "A person in 256 × 144 pixels, and whole pictures of 720p with blur",
            Self::Denoise => "10 ms of noisy speech at 48 kHz",
            Self::Join => "From the click on Join to the first picture of somebody else",
            Self::Glass => "From camera to screen, through the server and from peer to peer",
            Self::Bundle => "What a browser loads before the lobby can be used",
            Self::Recover => "How long a picture stands still after a loss",
        }
    }
}

/// Runs the benchmark and prints the result.
///
/// # Errors
/// When the script fails or prints something else than rows.
pub(crate) fn run(benchmark: Benchmark, options: &Options) -> Result<()> {
    let load = Machine::load_average();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("browser/{}.mjs", benchmark.name()));
    let mut node = Command::new("node");
    node.arg(&script).args(["--runs", &options.runs.to_string()]);
    let output = node.stderr(Stdio::inherit()).output().context("Node.js does not start")?;
    ensure!(output.status.success(), "{} ended with {}", script.display(), output.status);
    let report = Report::new(benchmark.name(), Machine::here(), rows(&output.stdout)?);
    let mut text = if options.json { report.json()? } else { report.table(benchmark.title()) };
    if let (false, Some(load)) = (options.json, load) {
        text.push_str(&format!(
            "Load average before: {load}. Above a few tenths, times are those of a busy machine.\n"
        ));
    }
    std::io::stdout().write_all(text.as_bytes()).context("standard output is closed")
}

fn rows(told: &[u8]) -> Result<Vec<Row>> {
    let Told { rows } =
        serde_json::from_slice(told).context("the script printed something else than rows")?;
    rows.iter()
        .map(|Values { who, metric, unit, values, note }| {
            let spread = Spread::of(values).with_context(|| format!("{who} has no {metric}"))?;
            Ok(Row::new(who, metric, unit, spread, note))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_all_runs_become_a_row() {
        let told = br#"{"rows": [{"who": "visavis", "metric": "inference_ms", "unit": "ms",
            "values": [3.5, 3.0, 4.0], "note": "x"}]}"#;
        let rows = rows(told).unwrap();
        let [Row { who, median, min, max, runs, .. }] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((who.as_str(), *median, *min, *max, *runs), ("visavis", 3.5, 3.0, 4.0, 3));
    }

    #[test]
    fn a_contender_that_was_not_measured_is_an_error() {
        let told = br#"{"rows": [{"who": "a", "metric": "m", "unit": "ms", "values": [], "note": ""}]}"#;
        assert!(rows(told).unwrap_err().to_string().contains("a has no m"));
        assert!(rows(b"Hello").is_err());
    }
}
