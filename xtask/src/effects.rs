//! The effects module: `client/effects` as a WebAssembly file of its own, once for every set of instructions, and the folder of the
//! site in which it lies with its worker, its model and the backgrounds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::process;
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

/// What finds the person, as it comes from npm.
const MODEL: &str = "node_modules/@mediapipe/selfie_segmentation/selfie_segmentation_landscape.tflite";
/// SHA-256 of the model.
const MODEL_HASH: &str = "4aafe6223bb8dac6fac8ca8ed56852870a33051ef3f6238822d282a109962894";
/// What lies in the source as it lies in the site.
const AS_IT_IS: [(&str, &str); 3] = [
    ("client/effects/worker/effects.js", "worker.js"),
    ("client/effects/worker/NOTICE.txt", "NOTICE.txt"),
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
    for (lanes, name) in [(Lanes::Simd128, "simd128.wasm"), (Lanes::Relaxed, "relaxed.wasm")] {
        copy(&build(workspace, lanes, &[])?, &folder.join(name))?;
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
    build(workspace, lanes, &TWINS)
}

fn build(workspace: &Workspace, lanes: Lanes, features: &[&str]) -> Result<PathBuf> {
    let mut cargo =
        cargo(workspace, lanes, &["rustc", "--crate-type", "cdylib", "--profile", "wasm-effects"]);
    process::run(cargo.args(features))?;
    Ok(target_folder(workspace, lanes).join(TARGET).join("wasm-effects/effects.wasm"))
}

/// Runs Clippy over what is compiled for the browser alone.
pub(crate) fn lint(workspace: &Workspace) -> Result<()> {
    [Lanes::Simd128, Lanes::Relaxed].into_iter().try_for_each(|lanes| {
        process::run(cargo(workspace, lanes, &["clippy"]).args(TWINS).args(["--", "-D", "warnings"]))
    })
}

/// Flags are no part of what Cargo keeps apart: without a folder each, they would rebuild each other's files.
fn target_folder(workspace: &Workspace, lanes: Lanes) -> PathBuf {
    let name = match lanes {
        Lanes::Simd128 => "simd128",
        Lanes::Relaxed => "relaxed",
    };
    workspace.root.join("target/effects").join(name)
}

fn cargo(workspace: &Workspace, lanes: Lanes, arguments: &[&str]) -> Command {
    let features = match lanes {
        Lanes::Simd128 => "+simd128",
        Lanes::Relaxed => "+simd128,+relaxed-simd",
    };
    let mut cargo = process::cargo();
    cargo
        .current_dir(&workspace.root)
        .args(arguments)
        .args(["--package", "effects", "--lib", "--target", TARGET])
        .env("CARGO_TARGET_DIR", target_folder(workspace, lanes))
        .env("CARGO_ENCODED_RUSTFLAGS", format!("-Ctarget-feature={features}"));
    cargo
}
