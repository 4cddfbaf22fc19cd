//! The files that belong to the project: tracked by git, or about to be.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::code::Code;
use crate::process;

/// The files of a checkout.
#[derive(Debug, Default)]
pub(super) struct Tree {
    files: Vec<File>,
}

/// One text file; files that are not UTF-8 have an empty text.
#[derive(Debug)]
pub(super) struct File {
    /// From the root of the checkout, with `/` between folders.
    pub(super) path: String,
    pub(super) text: String,
}

impl Tree {
    /// What git tracks or would track in `root`.
    pub(super) fn of_checkout(root: &Path) -> Result<Self> {
        let mut git = Command::new("git");
        git.current_dir(root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--deduplicate",
        ]);
        let listed = process::read(&mut git).context("tidy reads the list of files from git")?;
        let mut files = Vec::new();
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            // A file that was deleted and not yet committed is still listed.
            if let Ok(bytes) = fs::read(root.join(path)) {
                files
                    .push(File { path: path.to_owned(), text: String::from_utf8(bytes).unwrap_or_default() });
            }
        }
        Ok(Self { files })
    }

    /// A tree that stands nowhere.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
        Self { files: files.iter().map(file).collect() }
    }

    pub(super) fn files(&self) -> &[File] {
        &self.files
    }

    /// The text of the file at `path`.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    /// Every Rust file, read as code.
    pub(super) fn rust(&self) -> impl Iterator<Item = (&File, Code)> {
        self.files.iter().filter(|file| file.path.ends_with(".rs")).map(|file| (file, Code::read(&file.text)))
    }
}

impl File {
    /// Whether the whole file is test code: `tests.rs`, `…_tests.rs`, or below a folder `tests` inside a crate.
    pub(super) fn is_test(&self) -> bool {
        let name = self.name();
        let is_named_so = name == "tests.rs" || name.ends_with("_tests.rs");
        is_named_so || self.path.split('/').skip(1).any(|segment| segment == "tests")
    }

    /// The last part of the path.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_files_are_known_by_name_and_folder() {
        let is_test = |path| Tree::of(&[(path, "")]).files()[0].is_test();
        assert!(is_test("server/sfu/src/ice/tests.rs"));
        assert!(is_test("server/sfu/src/ice/interop_tests.rs"));
        assert!(is_test("server/sfu/src/ice/tests/replay.rs"));
        assert!(!is_test("tests/src/world.rs"), "the harness is code like any other");
        assert!(!is_test("shared/src/limits.rs"));
    }
}
