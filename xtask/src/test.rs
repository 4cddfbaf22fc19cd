//! `cargo xtask test`: sets up, runs tier after tier past failures, and sums up.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum as _};

use crate::console::{self, Steps};
use crate::setup::{Need, plan};
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

/// Runs the tiers; an error when one failed. The last line on standard output is `N passed, N failed`.
pub(crate) fn test(workspace: &Workspace, options: &Options) -> Result<()> {
    if options.list {
        for tier in Tier::value_variants() {
            console::line(format!("{:<8} {}", tier.name(), tier.about()));
        }
        return Ok(());
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
    sum_up(&verdicts)
}

/// The named tiers in the order of running, or all of them.
fn selected(named: &[Tier]) -> Vec<Tier> {
    let all = Tier::value_variants().iter().copied();
    all.filter(|tier| named.is_empty() || named.contains(tier)).collect()
}

/// Sets up what the tiers need. What cannot be set up fails the tiers that need it, not the whole run.
fn set_up(workspace: &Workspace, tiers: &[Tier]) -> Vec<(Need, String)> {
    let needs = plan(tiers.iter().flat_map(|tier| tier.needs().iter().copied()));
    let mut steps = Steps::new(needs.len());
    let mut missing = Vec::new();
    for need in needs {
        if let Err(error) = steps.step(need.title(), || need.provide(workspace)) {
            console::failure(&error);
            missing.push((need, format!("{error:#}")));
        }
    }
    missing
}

fn check_needs(tier: Tier, missing: &[(Need, String)]) -> Result<()> {
    match missing.iter().find(|(need, _)| tier.needs().contains(need)) {
        Some((need, reason)) => bail!("{} is missing: {reason}", need.title()),
        None => Ok(()),
    }
}

fn sum_up(verdicts: &[Verdict]) -> Result<()> {
    console::line("");
    for verdict in verdicts {
        let (mark, reason) = match &verdict.failure {
            None => ("passed", ""),
            Some(reason) => ("FAILED", reason.as_str()),
        };
        let elapsed = console::seconds(verdict.elapsed);
        console::line(format!("{:<8} {mark}  {elapsed:>12}  {reason}", verdict.tier.name()).trim_end());
    }
    let failed = verdicts.iter().filter(|verdict| verdict.failure.is_some()).count();
    console::line(format!("\n{} passed, {failed} failed", verdicts.len() - failed));
    if failed > 0 {
        let names: Vec<_> = verdicts
            .iter()
            .filter(|verdict| verdict.failure.is_some())
            .map(|verdict| verdict.tier.name())
            .collect();
        bail!("failed: {}; run one alone with `cargo xtask test --tier {}`", names.join(", "), names[0]);
    }
    Ok(())
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
    fn one_failed_tier_fails_the_run_and_is_named() {
        let verdict = |tier, failure| Verdict { tier, elapsed: Duration::ZERO, failure };
        assert!(sum_up(&[verdict(Tier::Tidy, None)]).is_ok());
        let failed = [verdict(Tier::Tidy, None), verdict(Tier::Sim, Some("broken".to_owned()))];
        assert!(sum_up(&failed).unwrap_err().to_string().contains("--tier sim"));
    }
}
