//! `cargo xtask run`: from a fresh clone to a running server and its link.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::console::{self, Steps};
use crate::process;
use crate::server::{self, Running};
use crate::setup::{SITE_NEEDS, plan};
use crate::site::{self, Profile};
use crate::workspace::Workspace;

/// How often the running server and the terminal are looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The port of the site
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Open the link in the machine's browser
    #[arg(long)]
    open: bool,
    /// Build without optimisation: quicker to build, slower to run
    #[arg(long)]
    debug: bool,
    /// Passed on to the server
    #[arg(last = true)]
    server_arguments: Vec<String>,
}

/// Sets up, builds, starts, and stays until the server ends or Ctrl-C asks it to.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let profile = if options.debug { Profile::Debug } else { Profile::Release };
    server::check_port_is_free(options.port)?;
    let needs = plan(SITE_NEEDS);
    let steps = Steps::new(needs.len() + 3);
    for need in needs {
        steps.step(need.title(), || need.provide(workspace))?;
    }
    steps.step("The site", || site::build(workspace, profile))?;
    let mut program = None;
    steps.step("The server", || {
        program = Some(server::build(workspace, profile)?);
        Ok("built".to_owned())
    })?;
    let Some(program) = program else { bail!("the server was built but not found") };
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let mut running = Running::start(&program, options.port, &options.server_arguments)?;
    steps.step("Waiting for the server", || {
        running.wait_until_ready()?;
        Ok("ready".to_owned())
    })?;
    let link = format!("http://localhost:{}/", options.port);
    console::link(&link);
    if options.open {
        open(&link)?;
    }
    stay(&mut running, &mut signals)
}

/// Waits for the server's end and passes the wish to stop on to it, as often as it is uttered.
fn stay(running: &mut Running, signals: &mut Signals) -> Result<()> {
    let mut is_stopping = false;
    loop {
        if signals.pending().next().is_some() {
            running.ask_to_stop()?;
            is_stopping = true;
        }
        if let Some(status) = running.ended()? {
            if status.success() || is_stopping {
                console::line("Visavis has stopped.");
                return Ok(());
            }
            bail!("the server ended with {status}");
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn open(link: &str) -> Result<()> {
    let Some(opener) = process::find(&["xdg-open", "open"]) else {
        bail!("nothing on this machine opens links: open {link} yourself, without `--open`");
    };
    process::run(Command::new(opener).arg(link))
}
