//! Python packages in virtual environments of their own: the machine's Python stays as it is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::debian;
use crate::process;
use crate::workspace::Workspace;

/// A Python package in an environment of its own among the tools, always in exactly one version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PythonTool {
    package: &'static str,
    version: &'static str,
}

impl PythonTool {
    /// Another stack for the interop tests. What this version can do is written down in `tests/interop/README.md`.
    pub(crate) const AIORTC: Self = Self { package: "aiortc", version: "1.16.0" };

    /// Makes requests of a description of an API. The seed of `tests/contract` means the same in one version only.
    pub(crate) const SCHEMATHESIS: Self = Self { package: "schemathesis", version: "4.32.5" };

    /// The Python that has it.
    pub(crate) fn interpreter(self, workspace: &Workspace) -> PathBuf {
        interpreter(&self.folder(workspace))
    }

    fn folder(self, workspace: &Workspace) -> PathBuf {
        workspace.cache.join("tools").join(format!("{}-{}", self.package, self.version))
    }

    /// Installs it unless it is there.
    pub(super) fn provide(self, workspace: &Workspace) -> Result<String> {
        let Self { package, version } = self;
        let python = self.interpreter(workspace);
        let program =
            format!("import {package}; from importlib.metadata import version; print(version('{package}'))");
        let installed = || process::read(Command::new(&python).args(["-c", &program]));
        if installed().is_ok_and(|text| text.trim() == version) {
            return Ok(format!("{version} is already there"));
        }
        let wanted = format!("{package}=={version}");
        install(&self.folder(workspace), [OsStr::new(&wanted)])
            .with_context(|| format!("{package} is not there"))?;
        match installed()?.trim() {
            found if found == version => Ok(format!("{version} installed")),
            other => bail!("{package} says that it is {other}, not {version}"),
        }
    }
}

/// The interpreter of the environment in `folder`.
pub(super) fn interpreter(folder: &Path) -> PathBuf {
    folder.join("bin/python")
}

/// Makes the environment in `folder` anew, with what pip is asked for.
pub(super) fn install<'a>(folder: &Path, packages: impl IntoIterator<Item = &'a OsStr>) -> Result<()> {
    debian::provide(&["python3", "python3-venv"], || {
        let base = base()?;
        // Debian has these apart.
        process::read(Command::new(base).args(["-c", "import ensurepip, venv"]))
            .map(drop)
            .context("Python makes no virtual environments")
    })?;
    process::run(Command::new(base()?).args(["-m", "venv", "--clear"]).arg(folder))
        .context("no virtual environment could be made")?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    process::run(Command::new(interpreter(folder)).args(pip).args(packages))
        .context("pip could not install it; is a package index within reach (`pip config list`)?")
}

fn base() -> Result<PathBuf> {
    process::find(&["python3"]).context("`python3` is not on the search path: install Python 3.10 or newer")
}
