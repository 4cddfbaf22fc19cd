//! The effects module: `client/effects` as a WebAssembly file of its own, once for every set of instructions.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

const TARGET: &str = "wasm32-unknown-unknown";

/// Which vector instructions it uses. The page asks `WebAssembly.validate` which of them there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lanes {
    /// What every browser has had since 2023.
    Simd128,
    /// Multiplication and addition in one instruction.
    Relaxed,
}

/// Builds it with the comparisons of its kernels exported, and returns the file. Cargo does nothing when nothing changed.
pub(crate) fn build_for_tests(workspace: &Workspace, lanes: Lanes) -> Result<PathBuf> {
    let mut cargo =
        cargo(workspace, lanes, &["rustc", "--crate-type", "cdylib", "--profile", "wasm-effects"]);
    process::run(&mut cargo)?;
    Ok(target_folder(workspace, lanes).join(TARGET).join("wasm-effects/effects.wasm"))
}

/// Runs Clippy over what is compiled for the browser alone.
pub(crate) fn lint(workspace: &Workspace) -> Result<()> {
    [Lanes::Simd128, Lanes::Relaxed].into_iter().try_for_each(|lanes| {
        process::run(cargo(workspace, lanes, &["clippy"]).args(["--", "-D", "warnings"]))
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
        .args(["--package", "effects", "--lib", "--features", "twins", "--target", TARGET])
        .env("CARGO_TARGET_DIR", target_folder(workspace, lanes))
        .env("CARGO_ENCODED_RUSTFLAGS", format!("-Ctarget-feature={features}"));
    cargo
}
