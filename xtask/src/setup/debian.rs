//! Debian packages: installed where that is the machine's way and we may, else named for the user to install.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};

use super::apt;
use crate::process;

/// Whether packages can be installed here: Debian, and root.
pub(super) fn can_install() -> bool {
    let os_release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    apt::is_debian(&os_release) && rustix::process::geteuid().is_root()
}

/// Installs `packages`; what there is to install is asked once in a run.
pub(super) fn install(packages: &[&str]) -> Result<()> {
    static IS_UPDATED: AtomicBool = AtomicBool::new(false);
    if !IS_UPDATED.load(Ordering::Relaxed) {
        apt_get(&["update", "-qq"])?;
        IS_UPDATED.store(true, Ordering::Relaxed);
    }
    let install = ["install", "--yes", "--no-install-recommends"];
    apt_get(&install.iter().chain(packages).copied().collect::<Vec<_>>())
}

/// Sees to it that `check` holds, by installing `packages` when it does not.
pub(super) fn provide(packages: &[&str], check: impl Fn() -> Result<()>) -> Result<String> {
    let Err(missing) = check() else { return Ok("already there".to_owned()) };
    let names = packages.join(" ");
    if !can_install() {
        bail!(
            "{missing:#}; install it: `sudo apt-get install {names}` on Debian, or what your system calls these"
        );
    }
    install(packages)?;
    match check() {
        Ok(()) => Ok(format!("installed {names}")),
        Err(still) => {
            bail!("{names} were installed, and yet: {still:#}; try `apt-get install --reinstall` of them")
        }
    }
}

/// Another apt may be at work: wait for it rather than fail.
fn apt_get(arguments: &[&str]) -> Result<()> {
    process::run(
        Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["-o", "DPkg::Lock::Timeout=600"])
            .args(arguments),
    )
}
