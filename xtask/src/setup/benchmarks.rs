//! What the benchmarks in browsers are measured beside and with. Nobody else is asked to have it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Need, debian, npm, plan, python};
use crate::process;
use crate::workspace::Workspace;

/// Where the scripts lie, with the lock file of their npm packages and the list of their Python packages.
const FOLDER: &str = "tests/bench/browser";
/// The list, and where it is noted what an environment was made from.
const REQUIREMENTS: &str = "requirements.txt";
const NEEDS: [Need; 5] = [Need::Node, Need::WasmStd, Need::NpmPackages, Need::Chromium, Need::Firefox];

/// Sees to it that everything is there; returns the Python that has the packages. What is there already costs nothing and prints
/// nothing.
pub(crate) fn provide(workspace: &Workspace) -> Result<PathBuf> {
    for need in plan(NEEDS) {
        need.provide(workspace)?;
    }
    npm::provide_packages(&workspace.root.join(FOLDER))?;
    // The voices.
    debian::provide(&["espeak-ng"], || {
        process::read(Command::new("espeak-ng").arg("--version")).map(drop).context("espeak-ng does not run")
    })?;
    provide_python(workspace)
}

fn provide_python(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.cache.join("tools/benchmarks");
    let list = workspace.root.join(FOLDER).join(REQUIREMENTS);
    let wanted = fs::read(&list).with_context(|| format!("{} cannot be read", list.display()))?;
    let noted = folder.join(REQUIREMENTS);
    if fs::read(&noted).is_ok_and(|installed| installed == wanted) {
        return Ok(python::interpreter(&folder));
    }
    python::install(&folder, ["--requirement".as_ref(), list.as_os_str()])?;
    fs::write(noted, wanted)?;
    Ok(python::interpreter(&folder))
}
