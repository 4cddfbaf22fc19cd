//! `cargo xtask test`: sets up, runs tier after tier past failures, and sums up.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum as _};

use crate::console;
use crate::setup::{Need, provide};
use crate::tiers::Tier;
use crate::workspace::Workspace;

/// What to test.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only this tier; may be given more than once
    #[arg(long = "tier", value_name = "NAME")]
    tiers: Vec<Tier>,
    /// Print the tiers and stop
    #[arg(long)]
    list: bool,
}

/// How one tier went.
#[derive(Debug)]
struct Verdict {
    tier: Tier,
    elapsed: Duration,
    failure: Option<String>,
}

/// Runs the tiers and says in the exit code whether all passed. The very last line is `N passed, N failed`.
pub(crate) fn test(workspace: &Workspace, options: &Options) -> ExitCode {
    if options.list {
        for tier in Tier::value_variants() {
            console::line(format!("{:<10} {}", tier.name(), tier.about()));
        }
        return ExitCode::SUCCESS;
    }
    let tiers = selected(&options.tiers);
    let missing = set_up(workspace, &tiers);
    let mut verdicts = Vec::new();
    for (index, tier) in tiers.iter().copied().enumerate() {
        console::line(format!(
            "\n=== tier {}/{}: {} · {}",
            index + 1,
            tiers.len(),
            tier.name(),
            tier.about()
        ));
        let started = Instant::now();
        let outcome = check_needs(tier, &missing).and_then(|()| tier.run(workspace));
        let failure = outcome.err().map(|error| format!("{error:#}"));
        let word = if failure.is_none() { "passed" } else { "FAILED" };
        console::line(format!("=== {} {word} ({})", tier.name(), console::seconds(started.elapsed())));
        verdicts.push(Verdict { tier, elapsed: started.elapsed(), failure });
    }
    console::line("");
    for line in summary(&verdicts) {
        console::line(line);
    }
    let all_passed = verdicts.iter().all(|verdict| verdict.failure.is_none());
    if all_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The named tiers in the order of running, or all of them.
fn selected(named: &[Tier]) -> Vec<Tier> {
    let all = Tier::value_variants().iter().copied();
    all.filter(|tier| named.is_empty() || named.contains(tier)).collect()
}

/// Sets up what the tiers need. What cannot be set up fails the tiers that need it, not the whole run.
fn set_up(workspace: &Workspace, tiers: &[Tier]) -> Vec<(Need, String)> {
    let missing = provide(workspace, tiers.iter().flat_map(|tier| tier.needs().iter().copied()));
    let told = |(need, error): (Need, anyhow::Error)| {
        console::failure(&error);
        (need, format!("{error:#}"))
    };
    missing.into_iter().map(told).collect()
}

fn check_needs(tier: Tier, missing: &[(Need, String)]) -> Result<()> {
    match missing.iter().find(|(need, _)| tier.needs().contains(need)) {
        Some((need, reason)) => bail!("{} is missing: {reason}", need.title()),
        None => Ok(()),
    }
}

/// A line a tier, and the counts alone on the last.
fn summary(verdicts: &[Verdict]) -> Vec<String> {
    let tier_line = |verdict: &Verdict| {
        let (word, reason) = match &verdict.failure {
            None => ("passed", String::new()),
            Some(reason) => {
                ("FAILED", format!("  {reason} (alone: `cargo xtask test --tier {}`)", verdict.tier.name()))
            }
        };
        format!("{:<10} {word}  {:>12}{reason}", verdict.tier.name(), console::seconds(verdict.elapsed))
    };
    let mut lines: Vec<String> = verdicts.iter().map(tier_line).collect();
    let failed = verdicts.iter().filter(|verdict| verdict.failure.is_some()).count();
    lines.push(String::new());
    lines.push(format!("{} passed, {failed} failed", verdicts.len() - failed));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_tiers_run_in_the_fixed_order_and_none_means_all() {
        assert_eq!(selected(&[Tier::Unit, Tier::Tidy, Tier::Unit]), [Tier::Tidy, Tier::Unit]);
        assert_eq!(selected(&[]), Tier::value_variants());
    }

    #[test]
    fn a_missing_need_fails_the_tiers_that_need_it_and_no_other() {
        let missing = [(Need::Firefox, "not installed".to_owned())];
        let error = check_needs(Tier::Browser, &missing).unwrap_err().to_string();
        assert!(error.contains("Firefox") && error.contains("not installed"), "{error}");
        assert!(check_needs(Tier::Unit, &missing).is_ok());
    }

    #[test]
    fn the_counts_stand_alone_on_the_last_line() {
        let verdict = |tier, failure| Verdict { tier, elapsed: Duration::ZERO, failure };
        let lines = summary(&[verdict(Tier::Tidy, None), verdict(Tier::Sim, Some("broken".to_owned()))]);
        assert_eq!(lines.last().unwrap(), "1 passed, 1 failed");
        assert!(lines[1].contains("broken") && lines[1].contains("--tier sim"), "{}", lines[1]);
    }
}
