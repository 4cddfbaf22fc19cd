//! The source of the standard library, of exactly the compiler's version: the compiler's own `rust-src` component,
//! else the package of that name from the Debian archive that the machine itself uses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::apt::{self, Archive};
use super::wasm_std::Toolchain;
use crate::console;
use crate::process;
use crate::workspace::Workspace;

/// Where Debian keeps Rust versions newer than its stable release's, the most likely first.
const SUITES: [&str; 3] = ["trixie-backports", "testing", "unstable"];

const APT_SOURCES: &str = "/etc/apt";
const DEBIAN_KEY_RING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The `library` folder of Rust's source, and the temporary folder it lives in if it was downloaded.
#[derive(Debug)]
pub(super) struct Source {
    folder: PathBuf,
    _downloaded_into: Option<TempDir>,
}

impl Source {
    /// The folder with `sysroot/Cargo.toml` in it.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Finds the source, downloading it when there is no other way.
pub(super) fn find(workspace: &Workspace, toolchain: &Toolchain) -> Result<Source> {
    let component = toolchain.sysroot.join("lib/rustlib/src/rust/library");
    if is_library(&component) {
        return Ok(Source { folder: component, _downloaded_into: None });
    }
    let from_debian = machine_archive().and_then(|archive| download(workspace, &archive, &toolchain.release));
    from_debian.with_context(|| {
        format!(
            "there is no wasm32-unknown-unknown for rustc {}: run `rustup target add wasm32-unknown-unknown` where \
             rustup reaches its server, or use a Rust version whose `rust-src` Debian has",
            toolchain.release
        )
    })
}

fn machine_archive() -> Result<Archive> {
    let os_release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !apt::is_debian(&os_release) {
        bail!("this system is not Debian, so its archive has no fitting `rust-src`");
    }
    let code_name = apt::code_name(&os_release).context("/etc/os-release has no code name")?;
    let sources = read_sources(Path::new(APT_SOURCES))?;
    apt::archive(&sources, code_name)
        .with_context(|| format!("no source in {APT_SOURCES} carries `{code_name} main`"))
}

/// Name and text of every apt source file below `folder`.
fn read_sources(folder: &Path) -> Result<Vec<(String, String)>> {
    let parts = fs::read_dir(folder.join("sources.list.d")).into_iter().flatten();
    let mut files = parts.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    files.insert(0, folder.join("sources.list"));
    let texts = files.into_iter().filter_map(|file| {
        let text = fs::read_to_string(&file).ok()?;
        Some((file.to_string_lossy().into_owned(), text))
    });
    Ok(texts.collect())
}

fn download(workspace: &Workspace, archive: &Archive, release: &str) -> Result<Source> {
    fs::create_dir_all(&workspace.cache)?;
    for suite in SUITES {
        let folder = tempfile::Builder::new().prefix("rust-src-").tempdir_in(&workspace.cache)?;
        match fetch_package(folder.path(), archive, suite, release) {
            Ok(package) => {
                process::run(Command::new("dpkg").arg("-x").arg(package).arg(folder.path()))?;
                let library = folder.path().join(format!("usr/src/rustc-{release}/library"));
                if is_library(&library) {
                    return Ok(Source { folder: library, _downloaded_into: Some(folder) });
                }
                console::line(format!("      rust-src {release} of {suite} holds no library/sysroot"));
            }
            Err(error) => console::line(format!("      no rust-src {release} in {suite}: {error}")),
        }
    }
    bail!("none of {} has rust-src {release}", SUITES.join(", "))
}

/// Downloads the package with lists of our own: the machine's apt configuration stays as it is.
fn fetch_package(folder: &Path, archive: &Archive, suite: &str, release: &str) -> Result<PathBuf> {
    for part in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(folder.join(part))?;
    }
    fs::write(folder.join("sources.list"), source_line(archive, suite))?;
    console::line(format!("      looking for rust-src {release} in {suite}"));
    process::read(apt_get(folder).args(["-qq", "update"]))?;
    process::read(apt_get(folder).args(["-qq", "download", &format!("rust-src={release}+*")]))?;
    let mut entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    entries.retain(|file| file.extension().is_some_and(|extension| extension == "deb"));
    entries.pop().context("apt-get downloaded nothing")
}

fn source_line(archive: &Archive, suite: &str) -> String {
    let key_ring = archive.key_ring.as_deref().unwrap_or(DEBIAN_KEY_RING);
    format!("deb [signed-by={key_ring}] {} {suite} main\n", archive.address)
}

fn apt_get(folder: &Path) -> Command {
    let mut command = Command::new("apt-get");
    let set = |key: &str, part: &str| format!("{key}={}", folder.join(part).display());
    command.current_dir(folder);
    for option in [
        set("Dir::Etc::sourcelist", "sources.list"),
        "Dir::Etc::sourceparts=-".to_owned(),
        set("Dir::State::lists", "lists"),
        set("Dir::Cache", "cache"),
        "Acquire::Languages=none".to_owned(),
        "Acquire::Retries=3".to_owned(),
        // apt's own unprivileged user cannot write into a person's cache folder.
        "APT::Sandbox::User=root".to_owned(),
    ] {
        command.args(["-o", &option]);
    }
    command
}

fn is_library(folder: &Path) -> bool {
    folder.join("sysroot/Cargo.toml").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_asked_with_the_key_ring_the_machine_trusts() {
        let mut archive =
            Archive { address: "http://m.example/d".to_owned(), key_ring: Some("/k.gpg".to_owned()) };
        assert_eq!(
            source_line(&archive, "testing"),
            "deb [signed-by=/k.gpg] http://m.example/d testing main\n"
        );
        archive.key_ring = None;
        assert!(source_line(&archive, "testing").contains(DEBIAN_KEY_RING));
    }

    #[test]
    fn every_source_file_is_read_in_a_fixed_order() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sources.list.d")).unwrap();
        for name in ["sources.list.d/b.list", "sources.list.d/a.sources", "sources.list"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let texts: Vec<_> = read_sources(folder.path()).unwrap().into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["sources.list", "sources.list.d/a.sources", "sources.list.d/b.list"]);
    }

    #[test]
    fn a_machine_without_apt_has_no_sources() {
        assert_eq!(read_sources(Path::new("/nowhere")).unwrap(), []);
    }
}
