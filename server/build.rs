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
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let built_at = std::env::var("SOURCE_DATE_EPOCH").ok().or_else(|| git(&["log", "-1", "--format=%ct"]));
    if let Some(built_at) = built_at.filter(|seconds| seconds.parse::<u64>().is_ok()) {
        println!("cargo::rustc-env=VISAVIS_BUILT_AT={built_at}");
    }
    let commit = std::env::var("VISAVIS_COMMIT").ok().or_else(head);
    if let Some(commit) = commit.filter(|commit| commit.chars().all(|c| c.is_ascii_alphanumeric())) {
        println!("cargo::rustc-env=VISAVIS_COMMIT={commit}");
    }
}

/// The commit of the checkout, when it is one.
fn head() -> Option<String> {
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
