//! The standard library for wasm32-unknown-unknown, for exactly the compiler in use.
//!
//! ```text
//! links already? ── yes ──────────────────────────────────────────────────────► nothing to do
//!       │ no
//! rustup target add (a minute at most) ── links? ── yes ──────────────────────► done
//!       │ no, or VISAVIS_NO_RUSTUP=1
//! built before for this compiler? ── no ── source of this version ── build ──┐
//!       │ yes                              (see `wasm_source`)               │
//!       └──────────── copy into the compiler's own sysroot ◄─────────────────┘ ── links? ──► done
//! ```
//!
//! The proof is always a real link of a small program, never the presence of a file. Afterwards plain `cargo` and
//! `trunk` work without any variable, as they do after `rustup target add`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::wasm_source;
use crate::process;
use crate::workspace::Workspace;

const TARGET: &str = "wasm32-unknown-unknown";

/// rustup downloads some 20 MB; past this there is no network to speak of.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);

/// Left beside what we put into the sysroot, for whoever wonders.
const NOTE: &str = "NOTE-FROM-VISAVIS";

/// Sees to it that programs link for the browser. Returns a sentence for the terminal.
pub(super) fn provide(workspace: &Workspace) -> Result<String> {
    let toolchain = Toolchain::current()?;
    if toolchain.links()? {
        return Ok(format!("already there for rustc {}", toolchain.release));
    }
    if toolchain.added_by_rustup()? {
        return Ok("added by rustup".to_owned());
    }
    let kept = workspace.cache.join("wasm-std").join(toolchain.identity());
    let was_kept = kept.is_dir();
    if !was_kept {
        let source = wasm_source::find(workspace, &toolchain)?;
        toolchain.build(source.folder(), &kept)?;
    }
    toolchain.install(&kept)?;
    if !toolchain.links()? {
        fs::remove_dir_all(toolchain.target_folder()).ok();
        fs::remove_dir_all(&kept).ok();
        bail!("the {TARGET} standard library that was built for rustc {} does not link", toolchain.release);
    }
    let origin = if was_kept { "taken from the cache" } else { "built from source" };
    Ok(format!("{origin} for rustc {}", toolchain.release))
}

/// The compiler that Cargo uses in this workspace.
#[derive(Debug)]
pub(super) struct Toolchain {
    rustc: PathBuf,
    /// The folder that the compiler takes its libraries from.
    pub(super) sysroot: PathBuf,
    /// Its version, for instance `1.95.0`.
    pub(super) release: String,
    /// The commit it was built from: two compilers of one version need not agree on library files.
    commit: String,
}

impl Toolchain {
    fn current() -> Result<Self> {
        let described = process::read(Command::new("rustc").arg("-vV"))?;
        let sysroot =
            PathBuf::from(process::read(Command::new("rustc").args(["--print", "sysroot"]))?.trim());
        // Past rustup's own wrapper, so that another folder's toolchain choice plays no part.
        let inner = sysroot.join("bin/rustc");
        let rustc = if process::is_executable(&inner) { inner } else { PathBuf::from("rustc") };
        let value = |key| described_value(&described, key).map(str::to_owned);
        let release = value("release").context("`rustc -vV` names no release")?;
        Ok(Self { rustc, sysroot, release, commit: value("commit-hash").unwrap_or_default() })
    }

    /// Whether a program that uses the standard library links for the target.
    fn links(&self) -> Result<bool> {
        let folder = tempfile::tempdir()?;
        let program = folder.path().join("program.rs");
        fs::write(&program, "fn main() { println!(\"{}\", std::env::args().count()) }\n")?;
        let mut rustc = Command::new(&self.rustc);
        rustc.args(["--target", TARGET, "-O", "-o"]).arg(folder.path().join("program.wasm")).arg(&program);
        Ok(rustc
            .output()
            .with_context(|| format!("{} does not start", self.rustc.display()))?
            .status
            .success())
    }

    fn added_by_rustup(&self) -> Result<bool> {
        let is_unwanted = std::env::var_os("VISAVIS_NO_RUSTUP").is_some_and(|value| value == "1");
        if is_unwanted || process::find(&["rustup"]).is_none() {
            return Ok(false);
        }
        let mut rustup = Command::new("rustup");
        // A rustup that cannot reach its server is no error here: the next way is tried.
        Ok(process::run_within(rustup.args(["target", "add", TARGET]), RUSTUP_LIMIT).is_ok()
            && self.links()?)
    }

    fn identity(&self) -> String {
        format!("{}-{}", self.release, self.commit.get(..12).unwrap_or("unknown"))
    }

    fn target_folder(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(TARGET)
    }

    /// Builds the library in `source` with this very compiler and keeps its files in `kept`, all or none.
    fn build(&self, source: &Path, kept: &Path) -> Result<()> {
        let parent = kept.parent().context("the cache folder has no parent")?;
        fs::create_dir_all(parent)?;
        let target = tempfile::Builder::new().prefix("build-").tempdir_in(parent)?;
        process::run(&mut self.build_command(source, target.path()))?;
        let finished = tempfile::Builder::new().prefix("finished-").tempdir_in(parent)?;
        copy_libraries(&target.path().join(TARGET).join("release/deps"), finished.path())?;
        let finished = finished.keep();
        fs::rename(&finished, kept).with_context(|| format!("{} cannot be made", kept.display()))
    }

    /// What `x.py build library` boils down to for a target without C code.
    fn build_command(&self, source: &Path, target: &Path) -> Command {
        // Panic messages name source files: as in Rust's own builds, not by a folder of this machine.
        let remap = format!("--remap-path-prefix={}=/rustc/{}/library", source.display(), self.commit);
        let flags = ["-Zforce-unstable-if-unmarked", "-Cembed-bitcode=yes", "-Cdebuginfo=0", &remap];
        let mut cargo = process::cargo();
        cargo
            // Cargo reads its configuration from here upwards: not from our workspace.
            .current_dir(source)
            .args(["build", "--release", "--locked", "--target", TARGET])
            .args(["--features", "panic-unwind,backtrace", "--manifest-path", "sysroot/Cargo.toml"])
            .env("RUSTC", &self.rustc)
            // The standard library uses unstable features; its own build sets this too.
            .env("RUSTC_BOOTSTRAP", "1")
            // Unlike RUSTFLAGS, this takes folders with spaces in their names.
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
            // Keeps these libraries' symbols apart from a program's own copies of the same crates.
            .env("__CARGO_DEFAULT_LIB_METADATA", "visavis-std")
            .env("CARGO_TARGET_DIR", target)
            .env("CARGO_INCREMENTAL", "0");
        for inherited in ["RUSTC_WRAPPER", "RUSTFLAGS", "CARGO_BUILD_TARGET"] {
            cargo.env_remove(inherited);
        }
        cargo
    }

    fn install(&self, kept: &Path) -> Result<()> {
        let folder = self.target_folder();
        let libraries = folder.join("lib");
        fs::create_dir_all(&libraries).with_context(|| {
            format!(
                "{} cannot be written; install the target the way this Rust was installed (Debian's own Rust: \
                 `sudo apt-get install libstd-rust-dev-wasm32`)",
                libraries.display()
            )
        })?;
        copy_libraries(kept, &libraries)?;
        let note = format!(
            "Built by `cargo xtask` of Visavis. Remove this folder before `rustup target add {TARGET}`.\n"
        );
        fs::write(folder.join(NOTE), note)?;
        Ok(())
    }
}

/// Copies the libraries of `from`, without the empty one that only ties the others together.
fn copy_libraries(from: &Path, to: &Path) -> Result<()> {
    let listing = fs::read_dir(from).with_context(|| format!("{} cannot be listed", from.display()))?;
    for entry in listing {
        let file = entry?.path();
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else { continue };
        if name.ends_with(".rlib") && !name.starts_with("libsysroot-") {
            fs::copy(&file, to.join(name)).with_context(|| format!("{name} cannot be copied"))?;
        }
    }
    Ok(())
}

fn described_value<'a>(described: &'a str, key: &str) -> Option<&'a str> {
    described.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toolchain() -> Toolchain {
        Toolchain {
            rustc: PathBuf::from("/toolchain/bin/rustc"),
            sysroot: PathBuf::from("/toolchain"),
            release: "1.95.0".to_owned(),
            commit: "59807616e1fa2540724b".to_owned(),
        }
    }

    #[test]
    fn a_compiler_is_known_by_version_and_commit() {
        assert_eq!(toolchain().identity(), "1.95.0-59807616e1fa");
        assert_eq!(Toolchain { commit: String::new(), ..toolchain() }.identity(), "1.95.0-unknown");
    }

    #[test]
    fn the_library_is_built_by_the_compiler_that_will_use_it() {
        let command = toolchain().build_command(Path::new("/source/library"), Path::new("/target"));
        let rustc = command.get_envs().find(|(key, _)| *key == "RUSTC").and_then(|(_, value)| value);
        assert_eq!(rustc, Some("/toolchain/bin/rustc".as_ref()));
    }

    #[test]
    fn only_libraries_are_copied() {
        let from = tempfile::tempdir().unwrap();
        let to = tempfile::tempdir().unwrap();
        for name in ["libstd-1.rlib", "libsysroot-1.rlib", "std-1.d"] {
            fs::write(from.path().join(name), name).unwrap();
        }
        copy_libraries(from.path(), to.path()).unwrap();
        let copied: Vec<_> =
            fs::read_dir(to.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(copied, ["libstd-1.rlib"]);
    }

    #[test]
    fn the_compilers_description_is_read_by_key() {
        let described = "rustc 1.95.0\nrelease: 1.95.0\ncommit-hash: abc\n";
        assert_eq!(described_value(described, "release"), Some("1.95.0"));
        assert_eq!(described_value(described, "host"), None);
    }
}
