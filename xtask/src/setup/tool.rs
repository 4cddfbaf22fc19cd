//! Command-line tools that Cargo builds, each version in its own folder of the cache.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::workspace::Workspace;

/// A tool on crates.io, pinned to one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CargoTool {
    /// The package that holds the tool.
    package: &'static str,
    /// The program to run.
    program: &'static str,
    /// Exactly this version.
    version: String,
    /// What to pass to `cargo install` besides package, version and folder.
    flags: &'static [&'static str],
    /// What it does with its own time: a tool that runs for a second is not worth a minute of optimisation.
    opt_level: &'static str,
    /// Whether it can be asked for its version.
    tells_version: bool,
}

impl CargoTool {
    /// Trunk, the last version for our compiler.
    pub(crate) fn trunk() -> Self {
        Self {
            package: "trunk",
            program: "trunk",
            version: "0.21.14".to_owned(),
            flags: &["--locked", "--no-default-features", "--features", "rustls"],
            opt_level: "0",
            tells_version: true,
        }
    }

    /// wasm-bindgen's command line, which must equal the library's version in `Cargo.lock`.
    pub(crate) fn wasm_bindgen(workspace: &Workspace) -> Result<Self> {
        Ok(Self {
            package: "wasm-bindgen-cli",
            program: "wasm-bindgen",
            version: workspace.locked_version("wasm-bindgen")?,
            // Not `--locked`: its lock file asks for a dependency that is not published.
            flags: &["--no-default-features"],
            // It rewrites a module of five megabytes.
            opt_level: "1",
            tells_version: true,
        })
    }

    /// What splits the browser's program into parts; it must understand the library's version in `Cargo.lock`.
    pub(crate) fn wasm_split(workspace: &Workspace) -> Result<Self> {
        const UNDERSTOOD: &str = "0.2.3";
        let library = workspace.locked_version("wasm_split_helpers")?;
        ensure!(
            library == UNDERSTOOD,
            "wasm_split_helpers is {library}, and the tool was chosen for {UNDERSTOOD}: choose one for both in tool.rs"
        );
        Ok(Self {
            package: "wasm_split_cli_support",
            program: "wasm-split-cli",
            version: "0.2.4".to_owned(),
            flags: &["--locked", "--features", "build-binary"],
            // It reads a module of seven megabytes.
            opt_level: "1",
            tells_version: false,
        })
    }

    /// cargo-deny, which checks licences, bans, sources and advisories.
    pub(crate) fn cargo_deny() -> Self {
        Self {
            package: "cargo-deny",
            program: "cargo-deny",
            version: "0.20.2".to_owned(),
            flags: &["--locked", "--no-default-features"],
            opt_level: "0",
            tells_version: true,
        }
    }

    /// The folder with the program in it.
    pub(crate) fn bin_folder(&self, workspace: &Workspace) -> PathBuf {
        self.folder(workspace).join("bin")
    }

    /// The program itself.
    pub(crate) fn executable(&self, workspace: &Workspace) -> PathBuf {
        self.bin_folder(workspace).join(self.program)
    }

    /// Builds the tool unless this version of it already runs.
    pub(crate) fn provide(&self, workspace: &Workspace) -> Result<String> {
        if self.runs(workspace) {
            return Ok(format!("{} is already there", self.version));
        }
        let folder = self.folder(workspace);
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        process::run(&mut self.install(workspace))?;
        Ok(format!("{} built", self.version))
    }

    fn folder(&self, workspace: &Workspace) -> PathBuf {
        workspace.cache.join("tools").join(format!("{}-{}", self.program, self.version))
    }

    fn runs(&self, workspace: &Workspace) -> bool {
        let says = |flag| process::read(Command::new(self.executable(workspace)).arg(flag));
        if self.tells_version {
            says("--version").is_ok_and(|text| text.split_whitespace().any(|word| word == self.version))
        } else {
            // Its folder is named after the version.
            says("--help").is_ok()
        }
    }

    fn install(&self, workspace: &Workspace) -> Command {
        let mut cargo = process::cargo();
        cargo
            .current_dir(&workspace.cache)
            .args(["install", self.package, "--version", &format!("={}", self.version)])
            .args(self.flags)
            .arg("--root")
            .arg(self.folder(workspace))
            // `--force`: what stands there does not run, whatever Cargo's notes about it say.
            .arg("--force")
            // These tools run for seconds and build for minutes: compile time is what counts.
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", self.opt_level)
            .env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        cargo
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        Workspace { root: PathBuf::from("/checkout"), cache: PathBuf::from("/cache") }
    }

    #[test]
    fn every_version_of_a_tool_has_its_own_folder() {
        let path = CargoTool::trunk().executable(&workspace());
        assert_eq!(path, PathBuf::from("/cache/tools/trunk-0.21.14/bin/trunk"));
    }

    #[test]
    fn a_tool_is_installed_in_exactly_its_version() {
        let command = CargoTool::trunk().install(&workspace());
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(words[..4], ["install", "trunk", "--version", "=0.21.14"]);
    }

    #[test]
    fn a_tool_that_is_not_there_does_not_run() {
        assert!(!CargoTool::cargo_deny().runs(&workspace()));
    }
}
