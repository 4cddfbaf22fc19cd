//! What a machine needs beyond Rust. Each need is checked first, acted on only when missing, and then said.

mod apt;
mod benchmarks;
mod browser;
mod debian;
mod deep_filter;
mod npm;
mod peers;
mod python;
pub(crate) mod tool;
mod wasm_source;
mod wasm_std;

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::thread;

use anyhow::Result;
use clap::{Args, ValueEnum};

pub(crate) use benchmarks::provide as provide_benchmarks;
pub(crate) use browser::Browser;
pub(crate) use python::PythonTool;
use tool::CargoTool;

use crate::console::Steps;
use crate::workspace::Workspace;

/// One thing that must be there. The order is the order of setting up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Need {
    /// Node.js and npm, new enough.
    Node,
    /// The standard library for the browser target.
    WasmStd,
    /// The packages of `package-lock.json`.
    NpmPackages,
    /// The weights of the deep filter.
    DeepFilter,
    /// The site's bundler.
    Trunk,
    /// The JavaScript glue generator, of the locked version.
    WasmBindgen,
    /// What splits the browser's program.
    WasmSplit,
    /// The licence and source checker.
    CargoDeny,
    /// A Chromium for the browser tests.
    Chromium,
    /// A Firefox for the browser tests.
    Firefox,
    /// A speaker for Firefox, which processes no sound without one.
    SoundServer,
    /// An ACME server for the tests of certificates.
    Pebble,
    /// GStreamer for the interop tests.
    Gstreamer,
    /// aiortc for the interop tests.
    Aiortc,
    /// schemathesis for the contract of the API.
    Schemathesis,
    /// Programs that lay out networks, for the impairment tests.
    NetworkTools,
}

/// What building the site takes.
pub(crate) const SITE_NEEDS: [Need; 7] = [
    Need::Node,
    Need::WasmStd,
    Need::NpmPackages,
    Need::DeepFilter,
    Need::Trunk,
    Need::WasmBindgen,
    Need::WasmSplit,
];

impl Need {
    /// What it is, for the terminal.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Node => "Node.js and npm",
            Self::WasmStd => "Rust's standard library for the browser (wasm32-unknown-unknown)",
            Self::NpmPackages => "npm packages",
            Self::DeepFilter => "weights of the deep filter",
            Self::Trunk => "Trunk",
            Self::WasmBindgen => "wasm-bindgen",
            Self::WasmSplit => "wasm-split",
            Self::CargoDeny => "cargo-deny",
            Self::Chromium => "Chromium",
            Self::Firefox => "Firefox",
            Self::SoundServer => "PulseAudio",
            Self::Pebble => "Pebble",
            Self::Gstreamer => "GStreamer",
            Self::Aiortc => "aiortc",
            Self::Schemathesis => "schemathesis",
            Self::NetworkTools => "network tools",
        }
    }

    /// Whether it comes ready-made, in packages of the system or of Python.
    const fn is_fetched(self) -> bool {
        match self {
            Self::Node
            | Self::WasmStd
            | Self::NpmPackages
            | Self::DeepFilter
            | Self::Trunk
            | Self::WasmBindgen
            | Self::WasmSplit
            | Self::CargoDeny => false,
            Self::Chromium
            | Self::Firefox
            | Self::SoundServer
            | Self::Pebble
            | Self::Gstreamer
            | Self::Aiortc
            | Self::Schemathesis
            | Self::NetworkTools => true,
        }
    }

    /// Sees to it that it is there; idempotent. Returns a sentence for the terminal.
    pub(crate) fn provide(self, workspace: &Workspace) -> Result<String> {
        match self {
            Self::Node => npm::check_node(),
            Self::WasmStd => wasm_std::provide(workspace),
            Self::NpmPackages => npm::provide_packages(&workspace.root),
            Self::DeepFilter => deep_filter::provide(workspace),
            Self::Trunk => CargoTool::trunk().provide(workspace),
            Self::WasmBindgen => CargoTool::wasm_bindgen(workspace)?.provide(workspace),
            Self::WasmSplit => CargoTool::wasm_split(workspace)?.provide(workspace),
            Self::CargoDeny => CargoTool::cargo_deny().provide(workspace),
            Self::Chromium => Browser::Chromium.provide(),
            Self::Firefox => Browser::Firefox.provide(),
            Self::SoundServer => peers::provide_sound_server(),
            Self::Pebble => peers::provide_pebble(),
            Self::Gstreamer => peers::provide_gstreamer(),
            Self::Aiortc => PythonTool::AIORTC.provide(workspace),
            Self::Schemathesis => PythonTool::SCHEMATHESIS.provide(workspace),
            Self::NetworkTools => peers::provide_network_tools(),
        }
    }
}

/// What to set up.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these; all of them when none is named
    needs: Vec<Need>,
}

/// Sets up the named needs, or everything that `run` and `test` need.
pub(crate) fn setup(workspace: &Workspace, options: &Options) -> Result<()> {
    let named = if options.needs.is_empty() { Need::value_variants() } else { &options.needs };
    let missing = provide(workspace, named.iter().copied());
    match missing.into_iter().next() {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// Sees to it that all of `needs` are there, and returns those that cannot be. What is fetched ready-made waits for the network,
/// and is fetched while the rest is built, which waits for the processor.
pub(crate) fn provide(
    workspace: &Workspace,
    needs: impl IntoIterator<Item = Need>,
) -> Vec<(Need, anyhow::Error)> {
    let needs = plan(needs);
    let steps = Steps::new(needs.len());
    let (fetched, built): (Vec<Need>, Vec<Need>) = needs.into_iter().partition(|need| need.is_fetched());
    let one_by_one = |needs: Vec<Need>| {
        let provide = |need: Need| {
            steps.step(need.title(), || need.provide(workspace)).err().map(|error| (need, error))
        };
        needs.into_iter().filter_map(provide).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let fetching = scope.spawn(|| one_by_one(fetched));
        let mut missing = one_by_one(built);
        missing.extend(fetching.join().unwrap_or_else(|panic| resume_unwind(panic)));
        missing
    })
}

/// `needs` in the order of setting up, each once.
pub(crate) fn plan(needs: impl IntoIterator<Item = Need>) -> Vec<Need> {
    needs.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_names_each_need_once_and_what_others_rest_on_first() {
        let planned = plan([Need::Firefox, Need::NpmPackages, Need::Node, Need::NpmPackages]);
        assert_eq!(planned, [Need::Node, Need::NpmPackages, Need::Firefox]);
    }

    #[test]
    fn the_plan_of_everything_is_everything() {
        assert_eq!(plan(Need::value_variants().iter().copied()), Need::value_variants());
    }
}
