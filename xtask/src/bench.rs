//! `cargo xtask bench NAME …`: the benchmarks, built with their peers in release.

use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::effects;
use crate::process;
use crate::server;
use crate::setup::{self, Browser, Need, SITE_NEEDS};
use crate::site::{self, Profile};
use crate::workspace::Workspace;

/// Those that measure modules in browsers, beside other modules.
const OF_MODULES: [&str; 2] = ["effects", "denoise"];
/// Those that measure the whole product in Chromium: the released server with the site built into it.
const OF_PRODUCT: [&str; 4] = ["join", "glass", "bundle", "recover"];

/// The benchmark's name and its own flags, passed on as they are.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which benchmark, and its flags
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Builds and runs the benchmark; its output is the only thing on standard output once everything is set up.
pub(crate) fn bench(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut cargo = process::cargo();
    cargo.current_dir(&workspace.root).args(["run", "--release", "--package", "bench", "--"]);
    let is_one_of = |names: &[&str]| options.words.first().is_some_and(|name| names.contains(&name.as_str()));
    if is_one_of(&OF_MODULES) {
        prepare_modules(workspace, &mut cargo)?;
    } else if is_one_of(&OF_PRODUCT) {
        prepare_product(workspace, &mut cargo)?;
    }
    process::run(cargo.args(&options.words))
}

/// Builds the modules and names everything else that the scripts need.
fn prepare_modules(workspace: &Workspace, benchmark: &mut Command) -> Result<()> {
    benchmark.env("VISAVIS_PYTHON", setup::provide_benchmarks(workspace)?);
    for browser in [Browser::Chromium, Browser::Firefox] {
        let program = browser.locate()?.with_context(|| format!("no {browser:?} was found"))?;
        benchmark.env(browser.variable(), program);
    }
    effects::lay_out(workspace)
}

/// Builds the site and the server, and names the server and Chromium for the scripts.
fn prepare_product(workspace: &Workspace, benchmark: &mut Command) -> Result<()> {
    for need in setup::plan(SITE_NEEDS.into_iter().chain([Need::Chromium])) {
        need.provide(workspace)?;
    }
    site::build(workspace, Profile::Release)?;
    benchmark.env("VISAVIS_BIN", server::build(workspace, Profile::Release)?);
    let chromium = Browser::Chromium.locate()?.context("no Chromium was found")?;
    benchmark.env(Browser::Chromium.variable(), chromium);
    Ok(())
}
