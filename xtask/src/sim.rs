//! `cargo xtask sim`: replays one seed of the simulation, or explores many.

use anyhow::Result;
use clap::Args;

use crate::tiers;
use crate::workspace::Workspace;

/// Which storms of faults.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The seed, or the first of them
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Seconds of faults in each, in virtual time
    #[arg(long)]
    seconds: Option<u64>,
    /// How many seeds, counting up
    #[arg(long, default_value_t = 1)]
    count: u64,
}

/// Runs the storms; a seed that fails is printed with the command that replays it.
pub(crate) fn sim(workspace: &Workspace, options: &Options) -> Result<()> {
    let selection = ["--test", "sim", "storms_of_faults", "--", "--nocapture"];
    tiers::run_tests(workspace, &selection, |cargo| {
        cargo.env("VISAVIS_SIM_SEED", options.seed.to_string());
        cargo.env("VISAVIS_SIM_COUNT", options.count.to_string());
        if let Some(seconds) = options.seconds {
            cargo.env("VISAVIS_SIM_SECONDS", seconds.to_string());
        }
    })
}
