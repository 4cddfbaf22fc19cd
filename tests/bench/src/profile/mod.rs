//! `bench profile`: where the instructions of a forwarded packet go.
//!
//! The load of `forward` runs through the SFU alone, in one thread and in virtual time: replay check, NACK ring, transport
//! feedback both ways, pacer, estimator, probes, reports, allocator. Once as it is, for time, allocations and messages to
//! the kernel; and once under callgrind, which counts the SFU's instructions. The kernel's part is missing here: it is
//! most of the `floor` of `bench forward`.

mod callgrind;
mod world;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use self::callgrind::Instructions;
use self::world::{Counts, World};
use crate::load::Load;
use crate::measure::{Machine, Spread, allocations};
use crate::report::{Report, Row};

/// Until every viewer is shown something, and the estimators have found out what the path carries.
const START: Duration = Duration::from_millis(600);
const WARM_UP: Duration = Duration::from_millis(3000);
/// The function below which callgrind counts.
const COUNTED: &str = "*profile*world*counted*";
/// How many functions `--functions` names.
const FUNCTIONS: usize = 45;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Subscribers of the one publisher
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=99))]
    subscribers: u16,
    /// Packets sent at once, as those of a video frame
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    burst: u32,
    /// Bytes of an RTP payload
    #[arg(long, default_value_t = 1100, value_parser = clap::value_parser!(u16).range(100..=1200))]
    payload: u16,
    /// Seconds of media that are counted
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Name the dearest functions too
    #[arg(long)]
    functions: bool,
    /// Only play, and print how many packets were forwarded: what runs under callgrind
    #[arg(long, hide = true)]
    play: bool,
}

/// Runs the benchmark and prints the result.
///
/// # Errors
/// When the clients do not connect, nothing is forwarded, or valgrind is missing.
pub(crate) fn run(options: &Options) -> Result<()> {
    let load = Load {
        subscribers: options.subscribers.into(),
        rate: 272.0,
        burst: options.burst,
        payload: options.payload.into(),
        seconds: options.seconds as f64,
    };
    let counts = play(&load)?;
    if options.play {
        return writeln!(std::io::stdout().lock(), "{}", counts.forwards)
            .context("standard output is closed");
    }
    let (instructions, forwards) = count(options)?;
    let report = Report::new("profile", Machine::here(), rows(&counts, &instructions, forwards));
    let mut text = if options.json { report.json()? } else { report.table(&title(&load)) };
    if options.functions {
        for ((function, file), count) in instructions.dearest(FUNCTIONS) {
            text += &format!("{:9.1}  {function}  {file}\n", count as f64 / forwards as f64);
        }
    }
    std::io::stdout().lock().write_all(text.as_bytes()).context("standard output is closed")
}

fn title(load: &Load) -> String {
    let Load { subscribers, rate, burst, payload, seconds } = load;
    format!(
        "1 publisher, {subscribers} subscribers, {rate} packets/s of {payload} bytes in bursts of {burst}, \
         {seconds} s of virtual time, AEAD_AES_128_GCM, the SFU alone"
    )
}

fn play(load: &Load) -> Result<Counts> {
    let mut world = World::new(load)?;
    world.play(START, true, false)?;
    world.play(WARM_UP, false, false)?;
    allocations::count();
    let counts = world.play(Duration::from_secs_f64(load.seconds), false, true)?;
    ensure!(counts.forwards > 0, "nothing was forwarded");
    ensure!(counts.probes > 0, "the estimators were not at work");
    Ok(counts)
}

/// Plays once more under callgrind; returns what it counted, and for how many forwarded packets.
fn count(options: &Options) -> Result<(Instructions, u64)> {
    let file = Output(std::env::temp_dir().join(format!("visavis-callgrind-{}", std::process::id())));
    let output = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind", "--collect-atstart=no"])
        .args([format!("--toggle-collect={COUNTED}"), format!("--callgrind-out-file={}", file.0.display())])
        .arg(std::env::current_exe().context("this program's own path is not known")?)
        .args(["profile", "--play"])
        .args(["--subscribers", &options.subscribers.to_string(), "--burst", &options.burst.to_string()])
        .args(["--payload", &options.payload.to_string(), "--seconds", &options.seconds.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .context("valgrind cannot be started; it counts the instructions")?;
    ensure!(output.status.success(), "valgrind ended with {}", output.status);
    let forwards = String::from_utf8(output.stdout)?.trim().parse().context("how many were forwarded")?;
    let text = std::fs::read_to_string(&file.0).context("callgrind has written nothing")?;
    Ok((Instructions::parse(&text), forwards))
}

/// Removes callgrind's file in the end.
struct Output(PathBuf);

impl Drop for Output {
    fn drop(&mut self) {
        // It is in the folder for temporary files: when it cannot be removed, nothing is lost.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn rows(counts: &Counts, instructions: &Instructions, forwards: u64) -> Vec<Row> {
    const NOTE: &str = "instructions are callgrind's, whose processor has AES-NI and AVX2 but no wider AES";
    let row = |who: &str, metric: &str, unit: &str, value: f64| {
        let note = if who == "visavis" { NOTE } else { "" };
        Some(Row::new(who, metric, unit, Spread::of(&[value])?, note))
    };
    let per_forward = |count: u64| count as f64 / forwards as f64;
    let mut rows =
        vec![row("visavis", "instructions_per_forward", "instructions", per_forward(instructions.total()))];
    for (stage, count) in instructions.by_stage() {
        rows.push(row(stage, "instructions_per_forward", "instructions", per_forward(count)));
    }
    for (phase, part) in [
        ("media in", "phase_media"),
        ("sending", "phase_transmit"),
        ("RTCP in", "phase_feedback"),
        ("timers", "phase_tick"),
    ] {
        let count = instructions.below(part);
        rows.push(row(phase, "instructions_per_forward_by_phase", "instructions", per_forward(count)));
    }
    let own = |value: f64| value / counts.forwards as f64;
    rows.push(row("visavis", "core_us_per_forward", "us", own(counts.time.as_secs_f64() * 1e6)));
    rows.push(row("visavis", "allocations_per_forward", "allocations", own(counts.allocations as f64)));
    let run = counts.datagrams as f64 / counts.messages.max(1) as f64;
    rows.push(row("visavis", "datagrams_per_message", "datagrams", run));
    rows.into_iter().flatten().collect()
}
