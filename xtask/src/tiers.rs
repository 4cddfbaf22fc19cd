//! The tiers of the tests: what each checks, what it needs, and how it is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::Deserialize;

use crate::console;
use crate::effects::{self, Lanes};
use crate::namespaces;
use crate::process;
use crate::server;
use crate::setup::tool::CargoTool;
use crate::setup::{Browser, Need, PythonTool, SITE_NEEDS};
use crate::site::{self, Profile};
use crate::tidy;
use crate::weights;
use crate::workspace::Workspace;

/// One tier. The order is the order of running: cheap and telling ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tier {
    /// The rules of the source tree
    Tidy,
    /// rustfmt
    Format,
    /// Clippy, for this machine and for the browser, no warning allowed
    Lint,
    /// Licences, bans, sources and advisories of the dependencies
    Deny,
    /// rustdoc, no warning allowed
    Docs,
    /// Unit, property, snapshot and documentation tests beside the code
    Unit,
    /// The modules of the effects and of the deep filter inside WebAssembly
    Effects,
    /// The committed corpus of every parser of foreign bytes
    Fuzz,
    /// Whole calls in virtual time, from seeds
    Sim,
    /// The real server with clients of another stack
    Server,
    /// The real server against people who mean harm
    Security,
    /// The HTTP API against its own description
    Contract,
    /// Chromium and Firefox with fake cameras and microphones
    Browser,
    /// Pages, panels and what embeds them, in both browsers, two suites at a time
    Interface,
    /// Chromium behind bad networks: rates, losses, delays and addresses that change
    Impairment,
    /// aiortc, GStreamer and libdatachannel in calls with Chromium
    Interop,
}

/// The package whose targets are tiers of their own.
const SUITES: &str = "tests";

/// The crates that are tested. Every tier names all of them and selects targets: with another choice of packages
/// Cargo would unify other features, and build most dependencies once more.
const TESTED: [&str; 11] = [
    "shared",
    "lanes",
    "deep_filter",
    "denoise",
    "effects",
    "engine",
    "sfu",
    "server",
    "client",
    "xtask",
    SUITES,
];

impl Tier {
    /// What must be set up before.
    pub(crate) fn needs(self) -> &'static [Need] {
        match self {
            Self::Tidy
            | Self::Format
            | Self::Docs
            | Self::Fuzz
            | Self::Sim
            | Self::Server
            | Self::Security => &[],
            Self::Contract => &[Need::Schemathesis],
            // The segmentation model is an npm package.
            Self::Unit => &[Need::Node, Need::NpmPackages, Need::DeepFilter, Need::Pebble],
            Self::Effects => &[Need::Node, Need::WasmStd, Need::NpmPackages, Need::DeepFilter],
            Self::Lint => &[Need::WasmStd],
            Self::Deny => &[Need::CargoDeny],
            Self::Browser => &BROWSER_NEEDS,
            Self::Interface => &INTERFACE_NEEDS,
            Self::Impairment => &IMPAIRMENT_NEEDS,
            Self::Interop => &INTEROP_NEEDS,
        }
    }

    /// Runs it, its output going to the terminal.
    pub(crate) fn run(self, workspace: &Workspace) -> Result<()> {
        match self {
            Self::Tidy => tidy::check(workspace),
            Self::Format => cargo(workspace, &["fmt", "--all", "--check"]),
            Self::Lint => lint(workspace),
            Self::Deny => deny(workspace),
            Self::Docs => docs(workspace),
            Self::Unit => unit(workspace),
            Self::Effects => effects(workspace),
            Self::Fuzz => suite(workspace, "corpus"),
            Self::Sim => suite(workspace, "sim"),
            Self::Server => suite(workspace, "server"),
            Self::Security => suite(workspace, "security"),
            Self::Contract => contract(workspace),
            Self::Browser => {
                let browsers = [Browser::Chromium, Browser::Firefox];
                against_server(workspace, "tests/browser", ALONE, &browsers, Command::new("node"))
            }
            Self::Interface => {
                let browsers = [Browser::Chromium, Browser::Firefox];
                against_server(workspace, "tests/interface", SIDE_BY_SIDE, &browsers, Command::new("node"))
            }
            Self::Impairment => impairment(workspace),
            Self::Interop => {
                let mut node = Command::new("node");
                node.env("VISAVIS_PYTHON", PythonTool::AIORTC.interpreter(workspace));
                against_server(workspace, "tests/interop", ALONE, &[Browser::Chromium], node)
            }
        }
    }

    /// The name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// One line about it.
    pub(crate) fn about(self) -> String {
        let value = self.to_possible_value();
        value.as_ref().and_then(|value| value.get_help()).map(ToString::to_string).unwrap_or_default()
    }
}

const INTERFACE_NEEDS: [Need; 9] = beside_site([Need::Chromium, Need::Firefox]);
const BROWSER_NEEDS: [Need; 10] = beside_site([Need::Chromium, Need::Firefox, Need::SoundServer]);
const IMPAIRMENT_NEEDS: [Need; 9] = beside_site([Need::Chromium, Need::NetworkTools]);
const INTEROP_NEEDS: [Need; 10] = beside_site([Need::Chromium, Need::Gstreamer, Need::Aiortc]);

/// What the site needs, and `others`.
const fn beside_site<const OTHERS: usize, const ALL: usize>(others: [Need; OTHERS]) -> [Need; ALL] {
    assert!(SITE_NEEDS.len() + OTHERS == ALL, "all are the site's and the others");
    let mut all = [Need::Node; ALL];
    let mut at = 0;
    while at < ALL {
        all[at] = if at < SITE_NEEDS.len() { SITE_NEEDS[at] } else { others[at - SITE_NEEDS.len()] };
        at += 1;
    }
    all
}

fn cargo(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    process::run(process::cargo().current_dir(&workspace.root).args(arguments))
}

fn lint(workspace: &Workspace) -> Result<()> {
    cargo(workspace, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    let target = ["--target", "wasm32-unknown-unknown"];
    for features in ["", "split"] {
        let client = ["--package", "client", "--features", features];
        let arguments = ["clippy"].into_iter().chain(client).chain(target).chain(["--", "-D", "warnings"]);
        cargo(workspace, &arguments.collect::<Vec<_>>())?;
    }
    effects::lint(workspace)
}

/// Advisories need a database that is fetched; out of its reach they are not checked, and that is said.
fn deny(workspace: &Workspace) -> Result<()> {
    let program = CargoTool::cargo_deny().executable(workspace);
    let cargo_deny = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.current_dir(&workspace.root).args(arguments);
        command
    };
    process::run(&mut cargo_deny(&["--workspace", "check", "licenses", "bans", "sources"]))?;
    match process::read(&mut cargo_deny(&["fetch", "db"])) {
        Ok(_) => process::run(&mut cargo_deny(&["--workspace", "check", "--disable-fetch", "advisories"])),
        Err(_) => {
            console::line("advisories: NOT CHECKED, their database cannot be reached from here");
            Ok(())
        }
    }
}

fn docs(workspace: &Workspace) -> Result<()> {
    let mut cargo = process::cargo();
    cargo.current_dir(&workspace.root).env("RUSTDOCFLAGS", "-D warnings");
    process::run(cargo.args(["doc", "--workspace", "--no-deps"]))
}

/// The tests beside the code: everything but the suites, which are tiers of their own.
fn unit(workspace: &Workspace) -> Result<()> {
    let metadata = ["metadata", "--no-deps", "--format-version", "1"];
    let metadata = process::read(process::cargo().current_dir(&workspace.root).args(metadata))?;
    let beside = integration_targets(&metadata)?;
    let named = beside.iter().flat_map(|name| ["--test", name.as_str()]);
    test(workspace, &["--no-fail-fast", "--lib", "--bins"].into_iter().chain(named).collect::<Vec<_>>())?;
    test(workspace, &["--doc"])
}

/// The modules with their comparisons of kernels exported, run by Node.js.
fn effects(workspace: &Workspace) -> Result<()> {
    let mut node = Command::new("node");
    node.current_dir(&workspace.root).arg("--test");
    for (variable, lanes) in
        [("VISAVIS_EFFECTS", Lanes::Simd128), ("VISAVIS_EFFECTS_RELAXED", Lanes::Relaxed)]
    {
        node.env(variable, effects::build_for_tests(workspace, lanes)?);
    }
    node.env("VISAVIS_DEEP_FILTER", effects::build_deep_filter_for_tests(workspace)?)
        .env("VISAVIS_DEEP_FILTER_WEIGHTS", weights::file(workspace));
    process::run(node.args(test_files(&workspace.root.join("tests/effects"))?))
}

fn suite(workspace: &Workspace, name: &str) -> Result<()> {
    test(workspace, &["--test", name])
}

/// The suite runs the server, schemathesis in an environment of its own asks it.
fn contract(workspace: &Workspace) -> Result<()> {
    let python = PythonTool::SCHEMATHESIS.interpreter(workspace);
    run_tests(workspace, &["--test", "contract"], |cargo| {
        cargo.env("VISAVIS_PYTHON", python);
    })
}

fn test(workspace: &Workspace, selection: &[&str]) -> Result<()> {
    run_tests(workspace, selection, |_| ())
}

/// `cargo test` of every tested package with what `selection` leaves of it; `prepare` sees the command before it runs.
pub(crate) fn run_tests(
    workspace: &Workspace,
    selection: &[&str],
    prepare: impl FnOnce(&mut Command),
) -> Result<()> {
    let mut cargo = process::cargo();
    cargo.current_dir(&workspace.root).arg("test");
    cargo.args(TESTED.iter().flat_map(|name| ["--package", name])).args(selection);
    prepare(&mut cargo);
    process::run(&mut cargo)
}

/// The integration tests of every tested package but the suites, from what `cargo metadata` prints.
fn integration_targets(metadata: &str) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        targets: Vec<Target>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
        kind: Vec<String>,
    }
    let metadata: Metadata =
        serde_json::from_str(metadata).context("cargo metadata printed something unexpected")?;
    let tested = |package: &Package| package.name != SUITES && TESTED.contains(&package.name.as_str());
    let targets = metadata.packages.into_iter().filter(tested).flat_map(|package| package.targets);
    Ok(targets
        .filter(|target| target.kind.iter().any(|kind| kind == "test"))
        .map(|target| target.name)
        .collect())
}

fn impairment(workspace: &Workspace) -> Result<()> {
    let namespaces = match namespaces::available()? {
        Ok(namespaces) => namespaces,
        Err(reason) => {
            console::line(format!("SKIPPED because {reason}"));
            return Ok(());
        }
    };
    let packages = TESTED.iter().flat_map(|name| ["--package", name]);
    let arguments: Vec<&str> = packages.chain(["--bin", "impairer"]).collect();
    let impairer = server::build_program(workspace, &arguments)?;
    let mut node = namespaces.command();
    node.arg("node").env("VISAVIS_IMPAIRER", impairer);
    against_server(workspace, "tests/impairment", ALONE, &[Browser::Chromium], node)
}

/// One suite at a time: it looks at frames and sound as they come, and what else runs would be in them.
const ALONE: usize = 1;
/// Two suites at a time: they wait for what a page shows, and the browser waits for the network.
const SIDE_BY_SIDE: usize = 2;

/// Runs the suites of `folder`, so many at once, with `node` against the released server with the site built into it.
fn against_server(
    workspace: &Workspace,
    folder: &str,
    at_once: usize,
    browsers: &[Browser],
    mut node: Command,
) -> Result<()> {
    console::line(format!("site: {}", site::build(workspace, Profile::Release)?));
    let program = server::build(workspace, Profile::Release)?;
    node.current_dir(&workspace.root).arg("--test").arg(format!("--test-concurrency={at_once}"));
    node.env("VISAVIS_BIN", program);
    for browser in browsers {
        let program = browser.locate()?.with_context(|| format!("no {browser:?} was found"))?;
        node.env(browser.variable(), program);
    }
    process::run(node.args(test_files(&workspace.root.join(folder))?))
}

/// The test files in `folder`, in a fixed order. None at all is a failure: `node --test` would look elsewhere.
fn test_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let listing = fs::read_dir(folder).with_context(|| format!("{} cannot be listed", folder.display()))?;
    let mut files = listing.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.to_string_lossy().ends_with(".test.mjs"));
    files.sort();
    if files.is_empty() {
        bail!("{} has no *.test.mjs", folder.display());
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tier_has_a_name_and_says_what_it_checks() {
        for tier in Tier::value_variants() {
            assert!(!tier.name().is_empty() && !tier.about().is_empty(), "{tier:?}");
        }
    }

    #[test]
    fn integration_tests_are_found_by_package_and_the_suites_are_left_to_their_tiers() {
        let metadata = r#"{"packages": [
            {"name": "server", "targets": [{"name": "server", "kind": ["lib"]}, {"name": "shell", "kind": ["test"]}]},
            {"name": "tests", "targets": [{"name": "sim", "kind": ["test"]}]},
            {"name": "bench", "targets": [{"name": "peers", "kind": ["test"]}]}]}"#;
        assert_eq!(integration_targets(metadata).unwrap(), ["shell"]);
        assert!(integration_targets("{}").is_err());
    }

    #[test]
    fn the_suites_are_the_test_files_in_order_and_never_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(test_files(folder.path()).is_err());
        for name in ["b.test.mjs", "a.test.mjs", "page.mjs"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let names: Vec<_> = test_files(folder.path()).unwrap();
        assert_eq!(names, [folder.path().join("a.test.mjs"), folder.path().join("b.test.mjs")]);
    }
}
