//! Who may depend on whom, and on what: read from Cargo, so that renames and inherited versions do not hide anything.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Finding;
use crate::process;

/// What `cargo metadata` says about the workspace's own packages.
#[derive(Debug, Deserialize)]
pub(super) struct Packages {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// Absent for a normal dependency; `dev` or `build`.
    kind: Option<String>,
    /// Present for a dependency inside the workspace.
    path: Option<String>,
    #[serde(default)]
    features: Vec<String>,
    uses_default_features: bool,
}

/// Each crate of ours with the crates of ours that it may use. Arrows point one way, from shells to pure crates.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("shared", &[]),
    ("lanes", &[]),
    ("deep_filter", &["lanes"]),
    ("denoise", &[]),
    ("effects", &["lanes"]),
    ("engine", &["shared"]),
    ("sfu", &["shared"]),
    ("client", &["engine", "shared"]),
    ("server", &["sfu", "shared"]),
    ("fuzz", &["deep_filter", "effects", "sfu", "shared"]),
    ("tests", &["engine", "fuzz", "server", "sfu", "shared"]),
    ("bench", &["engine", "server", "sfu", "shared", "tests"]),
    // The layout of the weights that it makes.
    ("xtask", &["deep_filter"]),
];

/// Crates that decide and touch nothing: time, randomness and input are arguments.
pub(super) const PURE: [&str; 7] = ["shared", "lanes", "deep_filter", "denoise", "effects", "engine", "sfu"];

/// What would give a pure crate a clock, a thread, a socket, a page or a source of randomness. A name that ends with
/// `-` stands for every name that starts so.
const IMPURE: [&str; 30] = [
    "async-std",
    "axum",
    "axum-",
    "chrono",
    "console_error_panic_hook",
    "crossbeam",
    "crossbeam-",
    "fastrand",
    "futures-executor",
    "getrandom",
    "gloo-",
    "hyper",
    "hyper-",
    "instant",
    "js-sys",
    "leptos",
    "leptos_",
    "mio",
    "rayon",
    "reqwest",
    "smol",
    "socket2",
    "time",
    "tokio",
    "tokio-",
    "wasm-bindgen",
    "wasm-bindgen-",
    "web-sys",
    "web-time",
    "webrtc",
];

/// Features of `rand` that reach for the system.
const SYSTEM_RANDOMNESS: [&str; 4] = ["os_rng", "std_rng", "thread_rng", "getrandom"];

const RULE: &str = "dependencies";

impl Packages {
    /// Asks Cargo about the workspace in `root`.
    pub(super) fn of_workspace(root: &Path) -> Result<Self> {
        let mut cargo = process::cargo();
        cargo.current_dir(root).args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
        Self::parse(&process::read(&mut cargo)?)
    }

    fn parse(metadata: &str) -> Result<Self> {
        serde_json::from_str(metadata).context("cargo metadata printed something unexpected")
    }
}

pub(super) fn check(packages: &Packages) -> Vec<Finding> {
    packages.packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    let place = format!("package {}", package.name);
    let finding = |text: String| Finding::new(&place, 0, RULE, text);
    let Some((_, may_use)) = MAY_USE.iter().find(|(name, _)| *name == package.name) else {
        return vec![finding("a new crate needs a line in tidy's table of who may use whom".to_owned())];
    };
    let mut findings = Vec::new();
    for dependency in &package.dependencies {
        let name = dependency.name.as_str();
        if dependency.path.is_some() && !may_use.contains(&name) {
            findings.push(finding(format!(
                "must not use `{name}`: dependencies point from shells to pure crates"
            )));
        }
        let is_pure = PURE.contains(&package.name.as_str()) && dependency.kind.as_deref() != Some("dev");
        if is_pure && let Some(reason) = impurity(dependency) {
            findings.push(finding(format!(
                "must not depend on `{name}` ({reason}): pass time, randomness and input in as arguments"
            )));
        }
    }
    findings
}

fn impurity(dependency: &Dependency) -> Option<&'static str> {
    let name = dependency.name.as_str();
    let is_family = |entry: &&&str| entry.ends_with(['-', '_']) && name.starts_with(**entry);
    if IMPURE.contains(&name) || IMPURE.iter().any(|entry| is_family(&entry)) {
        return Some("it touches the world");
    }
    let asks_the_system =
        dependency.features.iter().any(|feature| SYSTEM_RANDOMNESS.contains(&feature.as_str()))
            || (name == "rand" && dependency.uses_default_features);
    let is_randomness = name == "rand" || name.starts_with("rand_");
    (is_randomness && asks_the_system).then_some("with features that draw randomness from the system")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(package: &str, dependency: &str) -> Vec<String> {
        let metadata =
            format!("{{\"packages\":[{{\"name\":\"{package}\",\"dependencies\":[{dependency}]}}]}}");
        check(&Packages::parse(&metadata).unwrap()).iter().map(ToString::to_string).collect()
    }

    fn on(name: &str, more: &str) -> String {
        format!("{{\"name\":\"{name}\",\"kind\":null,\"features\":[],\"uses_default_features\":true{more}}}")
    }

    #[test]
    fn a_pure_crate_may_not_touch_the_world() {
        for name in
            ["tokio", "tokio-util", "web-sys", "gloo-net", "leptos", "leptos_router", "rand", "getrandom"]
        {
            let findings = found("sfu", &on(name, ""));
            assert_eq!(findings.len(), 1, "{name}: {findings:?}");
            assert!(findings[0].contains(name));
        }
        assert_eq!(found("sfu", &on("thiserror", "")), Vec::<String>::new());
        assert_eq!(found("server", &on("tokio", "")), Vec::<String>::new());
    }

    #[test]
    fn a_pure_crate_may_use_randomness_that_is_passed_in() {
        let quiet = "{\"name\":\"rand\",\"kind\":null,\"features\":[],\"uses_default_features\":false}";
        assert_eq!(found("engine", quiet), Vec::<String>::new());
        let loud =
            "{\"name\":\"rand\",\"kind\":null,\"features\":[\"os_rng\"],\"uses_default_features\":false}";
        assert_eq!(found("engine", loud).len(), 1);
    }

    #[test]
    fn what_only_tests_use_may_touch_the_world() {
        let dev = "{\"name\":\"tokio\",\"kind\":\"dev\",\"features\":[],\"uses_default_features\":true}";
        assert_eq!(found("shared", dev), Vec::<String>::new());
    }

    #[test]
    fn dependencies_of_ours_point_one_way() {
        assert_eq!(found("sfu", &on("shared", ",\"path\":\"/x/shared\"")), Vec::<String>::new());
        assert_eq!(found("shared", &on("sfu", ",\"path\":\"/x/sfu\"")).len(), 1);
        assert_eq!(found("server", &on("engine", ",\"path\":\"/x/engine\"")).len(), 1);
    }

    #[test]
    fn a_new_crate_must_be_placed() {
        assert!(found("mixer", &on("serde", ""))[0].contains("table of who may use whom"));
    }
}
