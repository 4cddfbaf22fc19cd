//! The program: settings, start, the link, and an orderly end.

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use anyhow::Context as _;
use server::access::UnixSeconds;
use server::command::Command;
use server::{Config, ConfigError, Loaded, Server, subscriber};

fn main() -> ExitCode {
    match Config::load(std::env::args_os(), environment()) {
        Ok(loaded) => {
            let result = match &loaded.command {
                Some(command) => perform(command, &loaded),
                None => run(loaded).map(|()| ExitCode::SUCCESS),
            };
            match result {
                Ok(code) => code,
                Err(error) => fail(&error),
            }
        }
        // Help and the version come this way too, and clap knows which is no failure.
        Err(ConfigError::CommandLine(error)) => error.exit(),
        Err(error) => fail(&error.into()),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "there may be no log yet, and whoever started the program looks here"
)]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("visavis: {error:#}");
    ExitCode::FAILURE
}

/// The variables that are text; others cannot be settings.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Prints what the command makes: nothing else goes to standard output, so that programs can read it.
fn perform(command: &Command, loaded: &Loaded) -> anyhow::Result<ExitCode> {
    let now = UnixSeconds::of(std::time::SystemTime::now());
    let printed = command.run(loaded, now, rand::random())?;
    writeln!(stdout(), "{}", printed.text).context("the result cannot be written")?;
    Ok(if printed.is_success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[tokio::main]
async fn run(Loaded { config, warnings, .. }: Loaded) -> anyhow::Result<()> {
    let subscriber = subscriber(config.log_level, config.log_format, std::io::stderr);
    tracing::subscriber::set_global_default(subscriber).context("the log cannot be set up")?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let running = Server::start(config).await?;
    // Standard output may be closed; the server is of use all the same.
    let _ = writeln!(stdout(), "Visavis is ready: {}", running.link);
    asked_to_stop().await?;
    tokio::select! {
        () = running.shutdown() => Ok(()),
        result = asked_to_stop() => result.and(Err(anyhow::anyhow!("stopped at once, as asked a second time"))),
    }
}

/// Waits for Ctrl-C, or on Unix for SIGTERM.
async fn asked_to_stop() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => Ok(result?),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    {
        Ok(tokio::signal::ctrl_c().await?)
    }
}
