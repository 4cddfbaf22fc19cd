//! The browsers of the browser tests: found on the machine, or installed where that is the machine's way.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::debian;
use crate::process;

/// A browser engine the tests run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Browser {
    /// Blink.
    Chromium,
    /// Gecko.
    Firefox,
}

impl Browser {
    /// The variable that names the program, for us and for the tests.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Chromium => "VISAVIS_CHROMIUM",
            Self::Firefox => "VISAVIS_FIREFOX",
        }
    }

    /// The program: what the variable names, else the first that stands on the search path.
    pub(crate) fn locate(self) -> Result<Option<PathBuf>> {
        let Some(named) = std::env::var_os(self.variable()).filter(|value| !value.is_empty()) else {
            return Ok(process::find(self.programs()));
        };
        let named = PathBuf::from(named);
        if !process::is_executable(&named) {
            bail!("{} names {}, which is not a program", self.variable(), named.display());
        }
        Ok(Some(named))
    }

    /// Sees to it that the browser is there: through apt as root on Debian, else by saying how.
    pub(super) fn provide(self) -> Result<String> {
        if let Some(program) = self.locate()? {
            return Ok(format!("{} is already there", program.display()));
        }
        let package = self.debian_package();
        if !debian::can_install() {
            bail!(
                "no {self:?} was found; install it (Debian: `sudo apt-get install {package}`, Fedora: `sudo dnf \
                 install {}`, or from its maker) or set {} to its program",
                self.programs()[0].trim_end_matches("-esr"),
                self.variable(),
            );
        }
        debian::install(&[package])?;
        let program = self.locate()?.with_context(|| format!("{package} brought no program for {self:?}"))?;
        Ok(format!("{} installed", program.display()))
    }

    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Chromium => &["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"],
            Self::Firefox => &["firefox-esr", "firefox"],
        }
    }

    fn debian_package(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox-esr",
        }
    }
}
