//! Node.js, npm and the packages of a `package-lock.json`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// `node --test` learnt `--test-concurrency` here; `package.json` says the same.
const OLDEST_NODE: (u32, u32) = (18, 19);

/// Where the lock file that `node_modules` was made from is kept.
const INSTALLED_LOCK: &str = "node_modules/.visavis-package-lock.json";

/// Node.js and npm are the machine's own: they are named when missing, never installed.
pub(super) fn check_node() -> Result<String> {
    let (major, minor) = OLDEST_NODE;
    let remedy = format!(
        "install Node.js {major}.{minor} or newer with npm: `apt-get install nodejs npm` (Debian, Ubuntu), \
         `dnf install nodejs npm` (Fedora), `brew install node` (macOS)"
    );
    for program in ["node", "npm"] {
        if process::find(&[program]).is_none() {
            bail!("`{program}` is not on the search path; {remedy}");
        }
    }
    let version = process::read(Command::new("node").arg("--version"))?;
    match parse_node_version(&version) {
        Some(found) if found >= OLDEST_NODE => Ok(format!("{} is already there", version.trim())),
        _ => bail!("Node.js {} is too old; {remedy}", version.trim()),
    }
}

/// Makes the `node_modules` in `folder` what the lock file beside it says, unless it was made from this very lock file.
pub(super) fn provide_packages(folder: &Path) -> Result<String> {
    let lock = folder.join("package-lock.json");
    let lock = fs::read(&lock).with_context(|| format!("{} cannot be read", lock.display()))?;
    let installed = folder.join(INSTALLED_LOCK);
    if fs::read(&installed).is_ok_and(|noted| noted == lock) {
        return Ok("already there".to_owned());
    }
    process::run(Command::new("npm").current_dir(folder).args([
        "ci",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]))?;
    fs::write(installed, lock)?;
    Ok("installed".to_owned())
}

/// Major and minor of `v20.20.2`.
fn parse_node_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_version_is_read_as_numbers() {
        assert_eq!(parse_node_version("v20.20.2\n"), Some((20, 20)));
        assert!(parse_node_version("v9.11.1") < Some(OLDEST_NODE));
        assert_eq!(parse_node_version("something"), None);
    }
}
