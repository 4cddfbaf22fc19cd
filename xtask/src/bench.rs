//! `cargo xtask bench NAME …`: the benchmarks, built with their peers in release.

use anyhow::Result;
use clap::Args;

use crate::process;
use crate::workspace::Workspace;

/// The benchmark's name and its own flags, passed on as they are.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which benchmark, and its flags
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Builds and runs the benchmark; its output is the only thing on standard output.
pub(crate) fn bench(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut cargo = process::cargo();
    cargo.current_dir(&workspace.root).args(["run", "--release", "--package", "bench", "--"]);
    process::run(cargo.args(&options.words))
}
