//! The modules of the effects: `client/effects`, `client/denoise` and `client/deep_filter` as WebAssembly files of their own, the first
//! once for every set of instructions, and the folder of the site in which they lie with their workers, worklets, models and
//! backgrounds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::process;
use crate::weights;
use crate::workspace::Workspace;

const TARGET: &str = "wasm32-unknown-unknown";
/// Exports the comparisons of kernels.
const TWINS: [&str; 2] = ["--features", "twins"];

/// Which vector instructions it uses. The page asks `WebAssembly.validate` which of them there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lanes {
    /// What every browser has had since 2023.
    Simd128,
    /// Multiplication and addition in one instruction.
    Relaxed,
}

/// Packages of which the site has a module, and how it is called there.
const MODULES: [(&str, Lanes, &str); 4] = [
    (EFFECTS, Lanes::Simd128, "simd128.wasm"),
    (EFFECTS, Lanes::Relaxed, "relaxed.wasm"),
    (DENOISE, Lanes::Simd128, "denoise.wasm"),
    (DEEP_FILTER, Lanes::Simd128, "deep_filter.wasm"),
];
/// Finds the person and draws what is behind them.
const EFFECTS: &str = "effects";
/// Takes noise out of sound.
const DENOISE: &str = "denoise";
/// Takes more of it out, for more work.
const DEEP_FILTER: &str = "deep_filter";

/// What finds the person, as it comes from npm.
const MODEL: &str = "node_modules/@mediapipe/selfie_segmentation/selfie_segmentation_landscape.tflite";
/// SHA-256 of the model.
const MODEL_HASH: &str = "4aafe6223bb8dac6fac8ca8ed56852870a33051ef3f6238822d282a109962894";
/// What lies in the source as it lies in the site.
const AS_IT_IS: [(&str, &str); 6] = [
    ("client/effects/worker/effects.js", "worker.js"),
    ("client/effects/worker/NOTICE.txt", "NOTICE.txt"),
    ("client/denoise/worklet.js", "denoise.js"),
    ("client/deep_filter/worker.js", "deep_filter_worker.js"),
    ("client/deep_filter/worklet.js", "deep_filter.js"),
    ("LICENSE-APACHE", "LICENSE-APACHE.txt"),
];
/// The backgrounds that come with the site.
const BACKGROUNDS: &str = "static/backgrounds";
/// Where Trunk finds the folder.
const FOLDER: &str = "target/effects/site";

/// Lays out the folder of the site with everything that the effects are loaded from. Trunk calls this before each build.
pub(crate) fn lay_out(workspace: &Workspace) -> Result<()> {
    let folder = workspace.root.join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for (package, lanes, name) in MODULES {
        copy(&build(workspace, package, lanes, &[])?, &folder.join(name))?;
    }
    let model = workspace.root.join(MODEL);
    let bytes = fs::read(&model)
        .with_context(|| format!("{} cannot be read; `cargo xtask setup` installs it", model.display()))?;
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(
        hash == MODEL_HASH,
        "{} is not the model that was tested: its SHA-256 is {hash}",
        model.display()
    );
    copy(&model, &folder.join(model.file_name().context("the model has a name")?))?;
    ensure!(
        weights::is_made(workspace),
        "the weights of the deep filter are not there; `cargo xtask setup deep-filter` makes them"
    );
    copy(&weights::file(workspace), &folder.join("deep_filter.weights"))?;
    for (from, to) in AS_IT_IS {
        copy(&workspace.root.join(from), &folder.join(to))?;
    }
    for entry in fs::read_dir(workspace.root.join(BACKGROUNDS)).context("the backgrounds cannot be listed")? {
        let entry = entry?;
        copy(&entry.path(), &folder.join(entry.file_name()))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))?;
    Ok(())
}

/// Builds it with the comparisons of its kernels exported, and returns the file. Cargo does nothing when nothing changed.
pub(crate) fn build_for_tests(workspace: &Workspace, lanes: Lanes) -> Result<PathBuf> {
    build(workspace, EFFECTS, lanes, &TWINS)
}

/// The same for the deep filter.
pub(crate) fn build_deep_filter_for_tests(workspace: &Workspace) -> Result<PathBuf> {
    build(workspace, DEEP_FILTER, Lanes::Simd128, &TWINS)
}

fn build(workspace: &Workspace, package: &str, lanes: Lanes, features: &[&str]) -> Result<PathBuf> {
    let mut cargo =
        cargo(workspace, package, lanes, &["rustc", "--crate-type", "cdylib", "--profile", "wasm-effects"]);
    process::run(cargo.args(features))?;
    Ok(target_folder(workspace, lanes).join(TARGET).join(format!("wasm-effects/{package}.wasm")))
}

/// Runs Clippy over what is compiled for the browser alone.
pub(crate) fn lint(workspace: &Workspace) -> Result<()> {
    for lanes in [Lanes::Simd128, Lanes::Relaxed] {
        process::run(
            cargo(workspace, EFFECTS, lanes, &["clippy"]).args(TWINS).args(["--", "-D", "warnings"]),
        )?;
    }
    process::run(
        cargo(workspace, DEEP_FILTER, Lanes::Simd128, &["clippy"]).args(TWINS).args(["--", "-D", "warnings"]),
    )?;
    process::run(cargo(workspace, DENOISE, Lanes::Simd128, &["clippy"]).args(["--", "-D", "warnings"]))
}

/// Flags are no part of what Cargo keeps apart: without a folder each, they would rebuild each other's files.
fn target_folder(workspace: &Workspace, lanes: Lanes) -> PathBuf {
    let name = match lanes {
        Lanes::Simd128 => "simd128",
        Lanes::Relaxed => "relaxed",
    };
    workspace.root.join("target/effects").join(name)
}

fn cargo(workspace: &Workspace, package: &str, lanes: Lanes, arguments: &[&str]) -> Command {
    let features = match lanes {
        Lanes::Simd128 => "+simd128",
        Lanes::Relaxed => "+simd128,+relaxed-simd",
    };
    let mut cargo = process::cargo();
    cargo
        .current_dir(&workspace.root)
        .args(arguments)
        .args(["--package", package, "--lib", "--target", TARGET])
        .env("CARGO_TARGET_DIR", target_folder(workspace, lanes))
        .env("CARGO_ENCODED_RUSTFLAGS", format!("-Ctarget-feature={features}"));
    cargo
}
