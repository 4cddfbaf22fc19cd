//! The browser's half: Trunk builds `client` into `dist/`, and only when something it is made of has changed. What is
//! deployed is split into what the first view needs and the rest.

mod split;

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::setup::tool::CargoTool;
use crate::workspace::Workspace;

/// How much the compiler should optimise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build.
    Debug,
    /// What is deployed.
    Release,
}

/// Everything the site is made of, besides the tools.
const INPUTS: [&str; 8] = [
    "client",
    "shared",
    "static",
    "xtask/src/site",
    "Cargo.toml",
    "Cargo.lock",
    "Trunk.toml",
    "package-lock.json",
];

/// Builds `dist/` unless it already is what the present inputs give. Returns a sentence for the terminal.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<String> {
    let dist = workspace.root.join("dist");
    let stamp = workspace.stamps().join("site");
    let inputs = inputs_fingerprint(workspace, profile)?;
    if dist.join("index.html").is_file() {
        let present = format!("{inputs:016x} {:016x}", fingerprint(&[&dist])?);
        if fs::read_to_string(&stamp).is_ok_and(|noted| noted == present) {
            return Ok("nothing changed since the last build".to_owned());
        }
    }
    // Trunk runs without the network, so that it can never fetch a tool by itself; crates are fetched here.
    process::run(process::cargo().current_dir(&workspace.root).args(["fetch", "--quiet"]))?;
    process::run(&mut trunk(workspace, profile)?)?;
    if profile == Profile::Release {
        split::split(workspace, &dist)?;
    }
    fs::create_dir_all(workspace.stamps())?;
    fs::write(&stamp, format!("{inputs:016x} {:016x}", fingerprint(&[&dist])?))?;
    Ok("built into dist/".to_owned())
}

fn trunk(workspace: &Workspace, profile: Profile) -> Result<Command> {
    let trunk = CargoTool::trunk();
    let wasm_bindgen = CargoTool::wasm_bindgen(workspace)?;
    let folders = [
        trunk.bin_folder(workspace),
        wasm_bindgen.bin_folder(workspace),
        workspace.root.join("node_modules/.bin"),
    ];
    let mut command = Command::new(trunk.executable(workspace));
    command
        .current_dir(&workspace.root)
        .env("PATH", process::path_with(&folders)?)
        // Trunk reads this as its own flag and accepts `true` only.
        .env_remove("NO_COLOR")
        .args(["build", "--offline", "--skip-version-check"]);
    if profile == Profile::Release {
        command.args(["--release", "--cargo-profile", "wasm-release", "--features", "split"]);
    }
    Ok(command)
}

fn inputs_fingerprint(workspace: &Workspace, profile: Profile) -> Result<u64> {
    let paths: Vec<PathBuf> = INPUTS.iter().map(|name| workspace.root.join(name)).collect();
    let mut hasher = DefaultHasher::new();
    fingerprint(&paths)?.hash(&mut hasher);
    (profile == Profile::Release).hash(&mut hasher);
    process::read(Command::new("rustc").arg("-vV"))?.hash(&mut hasher);
    Ok(hasher.finish())
}

/// A number that changes when a name or a byte below `paths` changes. Good for one machine, not for keeping.
fn fingerprint(paths: &[impl AsRef<Path>]) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        hash_below(path.as_ref(), &mut hasher)?;
    }
    Ok(hasher.finish())
}

fn hash_below(path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    path.file_name().hash(hasher);
    if path.is_dir() {
        let listing = fs::read_dir(path).with_context(|| format!("{} cannot be listed", path.display()))?;
        let mut entries = listing.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        entries.sort();
        return entries.iter().try_for_each(|entry| hash_below(entry, hasher));
    }
    if path.exists() {
        fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?.hash(hasher);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_changes_with_content_and_names_and_with_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.rs");
        fs::write(&file, "one").unwrap();
        let paths = [folder.path().to_owned(), folder.path().join("missing")];
        let first = fingerprint(&paths).unwrap();
        fs::write(&file, "one").unwrap();
        assert_eq!(fingerprint(&paths).unwrap(), first);
        fs::write(&file, "two").unwrap();
        assert_ne!(fingerprint(&paths).unwrap(), first);
        fs::write(&file, "one").unwrap();
        fs::rename(&file, folder.path().join("b.rs")).unwrap();
        assert_ne!(fingerprint(&paths).unwrap(), first);
    }
}
