//! Where things are: the checkout, the cache folder that outlives it, and the versions that the lock file decides.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;

/// The checkout and the folders that belong to it.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// The folder with the root `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Tools and compiler parts that a fresh clone must not build again.
    pub(crate) cache: PathBuf,
}

impl Workspace {
    /// The workspace that this program was compiled in.
    pub(crate) fn locate() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().context("xtask stands at the root of the file system")?.to_owned();
        Ok(Self { root, cache: cache_folder(|name| std::env::var_os(name))? })
    }

    /// The folder of our own notes about past builds, inside Cargo's target folder.
    pub(crate) fn stamps(&self) -> PathBuf {
        self.root.join("target/xtask")
    }

    /// The version of the package `name` in `Cargo.lock`.
    pub(crate) fn locked_version(&self, name: &str) -> Result<String> {
        let lock =
            std::fs::read_to_string(self.root.join("Cargo.lock")).context("Cargo.lock cannot be read")?;
        locked_version(&lock, name)
    }
}

/// `$VISAVIS_CACHE`, else `visavis` in the user's cache folder. A relative path is refused: it would move with the caller.
fn cache_folder(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("VISAVIS_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("visavis")))
        .or_else(|| Some(set("HOME")?.join(".cache/visavis")))
        .ok_or_else(|| {
            anyhow!("there is no cache folder: set VISAVIS_CACHE to a folder that may be written")
        })?;
    if folder.is_relative() {
        return Err(anyhow!("the cache folder {} is not an absolute path", folder.display()));
    }
    Ok(folder)
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
}

fn locked_version(lock: &str, name: &str) -> Result<String> {
    let lock: Lock = toml::from_str(lock).context("Cargo.lock is not what Cargo writes")?;
    let found = lock.package.into_iter().find(|package| package.name == name);
    Ok(found.ok_or_else(|| anyhow!("Cargo.lock has no package `{name}`"))?.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache_with(variables: &[(&str, &str)]) -> Result<PathBuf> {
        cache_folder(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_cache_folder_is_the_most_specific_one_that_is_set() {
        let all = [("HOME", "/h"), ("XDG_CACHE_HOME", "/x"), ("VISAVIS_CACHE", "/v")];
        assert_eq!(cache_with(&all).unwrap(), Path::new("/v"));
        assert_eq!(cache_with(&all[..2]).unwrap(), Path::new("/x/visavis"));
        assert_eq!(cache_with(&all[..1]).unwrap(), Path::new("/h/.cache/visavis"));
        assert_eq!(
            cache_with(&[("VISAVIS_CACHE", ""), ("HOME", "/h")]).unwrap(),
            Path::new("/h/.cache/visavis")
        );
    }

    #[test]
    fn no_cache_folder_or_a_relative_one_is_an_error() {
        assert!(cache_with(&[]).is_err());
        assert!(cache_with(&[("VISAVIS_CACHE", "here")]).is_err());
    }

    #[test]
    fn the_lock_file_gives_the_version_of_a_package() {
        let lock = "version = 4\n[[package]]\nname = \"a\"\nversion = \"0.2.130\"\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\n";
        assert_eq!(locked_version(lock, "a").unwrap(), "0.2.130");
        assert!(locked_version(lock, "c").unwrap_err().to_string().contains("`c`"));
    }
}
