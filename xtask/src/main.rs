//! The project's automation, started as `cargo xtask`.
//!
//! `run` brings a fresh clone to a running server, `test` to a verdict; both set up what is missing first, say each
//! step with its time, and do nothing twice. The rest of the commands are parts of these two.

mod bench;
mod console;
mod effects;
mod namespaces;
mod onnx;
mod process;
mod run;
mod server;
mod setup;
mod sim;
mod site;
mod test;
mod tidy;
mod tiers;
mod weights;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Builds, runs and checks Visavis.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Set up what is missing, build the site and the server, start it and print the link
    Run(run::Options),
    /// Set up what the tests need and run every tier, or the named ones
    Test(test::Options),
    /// The same as `test`: what continuous integration runs
    Ci(test::Options),
    /// Check the rules of the source tree
    Tidy,
    /// Set up what `run` and `test` need, or the named parts of it, and stop there
    Setup(setup::Options),
    /// Build the module of the background effects and lay it out for the site: what `trunk` calls before each build
    Effects,
    /// Replay one seed of the simulation, or explore many: `cargo xtask sim --seed 7 --count 100`
    Sim(sim::Options),
    /// Run a benchmark: `cargo xtask bench forward --json`
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match Workspace::locate().and_then(|workspace| perform(&workspace, &arguments.task)) {
        Ok(code) => code,
        Err(error) => {
            console::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn perform(workspace: &Workspace, task: &Task) -> Result<ExitCode> {
    match task {
        Task::Run(options) => run::run(workspace, options)?,
        Task::Test(options) | Task::Ci(options) => return Ok(test::test(workspace, options)),
        Task::Tidy => tidy::check(workspace)?,
        Task::Setup(options) => setup::setup(workspace, options)?,
        Task::Effects => effects::lay_out(workspace)?,
        Task::Sim(options) => sim::sim(workspace, options)?,
        Task::Bench(options) => bench::bench(workspace, options)?,
    }
    Ok(ExitCode::SUCCESS)
}
