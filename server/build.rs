//! Tells the compiler when the embedded site has changed, and which commit is built.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=VISAVIS_COMMIT");
    // A debug build reads the site from its folder at run time and tells no commit: nothing to rebuild for.
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    println!("cargo::rerun-if-changed=../dist");
    println!("cargo::rerun-if-changed=../.git/logs/HEAD");
    let commit = std::env::var("VISAVIS_COMMIT").ok().or_else(head);
    if let Some(commit) = commit.filter(|commit| commit.chars().all(|c| c.is_ascii_alphanumeric())) {
        println!("cargo::rustc-env=VISAVIS_COMMIT={commit}");
    }
}

/// The commit of the checkout, when it is one.
fn head() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    let commit = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !commit.is_empty()).then_some(commit)
}
