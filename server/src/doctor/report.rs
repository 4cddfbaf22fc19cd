//! The findings as lines for people, or as one object for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::finding::{Check, Finding, Severity};
use super::observation::{DatabaseSeen, Encryption, Observations, PortState, SiteSeen, StorageSeen};

/// What was found, a check at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    checks: Vec<Checked>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Checked {
    check: Check,
    /// What is the case, when nothing is wrong.
    summary: String,
    findings: Vec<Finding>,
}

impl Checked {
    fn severity(&self) -> Severity {
        self.findings.iter().map(Finding::severity).max().unwrap_or(Severity::Ok)
    }
}

impl Report {
    pub(super) fn of(seen: &Observations, findings: Vec<Finding>) -> Self {
        let checked = |check: Check| Checked {
            check,
            summary: summary(check, seen),
            findings: findings.iter().filter(|finding| finding.check() == check).cloned().collect(),
        };
        Self { checks: Check::ALL.into_iter().map(checked).collect() }
    }

    /// Whether nothing keeps the server from working.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.checks.iter().all(|checked| checked.severity() < Severity::Failure)
    }

    /// A line for each finding with its fix beneath, and one for each check without.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for checked in &self.checks {
            let name = checked.check.name();
            if checked.findings.is_empty() {
                let _ = writeln!(text, "{:<9}{name:<13}{}", Severity::Ok.name(), checked.summary);
            }
            for finding in &checked.findings {
                let _ = writeln!(text, "{:<9}{name:<13}{finding}", finding.severity().name());
                let _ = writeln!(text, "{:22}fix: {}", "", finding.fix());
            }
        }
        let count = |severity| self.all().filter(|finding| finding.severity() == severity).count();
        let (failures, warnings) = (count(Severity::Failure), count(Severity::Warning));
        let _ = write!(text, "failures: {failures}, warnings: {warnings}");
        text
    }

    /// The same for programs. Names are only added.
    #[must_use]
    pub fn to_json(&self) -> String {
        let finding = |finding: &Finding| {
            json!({
                "id": finding.id(),
                "severity": finding.severity().name(),
                "problem": finding.to_string(),
                "fix": finding.fix(),
            })
        };
        let checks: Vec<Value> = self
            .checks
            .iter()
            .map(|checked| {
                json!({
                    "check": checked.check.name(),
                    "status": checked.severity().name(),
                    "summary": checked.summary,
                    "findings": checked.findings.iter().map(finding).collect::<Vec<_>>(),
                })
            })
            .collect();
        json!({ "version": env!("CARGO_PKG_VERSION"), "success": self.is_success(), "checks": checks })
            .to_string()
    }

    fn all(&self) -> impl Iterator<Item = &Finding> {
        self.checks.iter().flat_map(|checked| &checked.findings)
    }
}

/// What is the case, in a few words.
fn summary(check: Check, seen: &Observations) -> String {
    match check {
        Check::Ports => {
            let ports: Vec<String> = seen
                .ports
                .iter()
                .map(|port| {
                    let state = match port.state {
                        PortState::Free => "free",
                        PortState::Taken => "in use",
                        PortState::NotPermitted | PortState::NotThisMachine | PortState::Failed(_) => {
                            "unusable"
                        }
                    };
                    format!("{} {} {state}", port.protocol, port.address)
                })
                .collect();
            let running = seen.running.as_ref().map(|version| format!("Visavis {version} is running: "));
            running.unwrap_or_default() + &ports.join(", ")
        }
        Check::Media => {
            let addresses: Vec<String> = seen.reach.candidates.iter().map(ToString::to_string).collect();
            format!("clients send media to {}", addresses.join(", "))
        }
        Check::Certificate => certificate(seen),
        Check::Address => match &seen.url {
            Some(url) => format!("{} answers", url.url),
            None => "not asked; name it with --url".to_owned(),
        },
        Check::Clock => match (&seen.url, seen.clock.built_at) {
            (Some(url), _) if matches!(url.answer, Ok(Some(_))) => format!("as at {}", url.url),
            (_, Some(_)) => "after this program was built".to_owned(),
            (_, None) => "nothing to compare it with".to_owned(),
        },
        Check::Storage => match &seen.storage {
            StorageSeen::None => "none".to_owned(),
            StorageSeen::Folder { path, database, .. } => {
                let database = match database {
                    DatabaseSeen::Absent => "new",
                    DatabaseSeen::Sound => "sound",
                    DatabaseSeen::Locked => "in use by the running server",
                    DatabaseSeen::Newer | DatabaseSeen::Broken(_) => "unusable",
                };
                format!("{}, the database is {database}", path.display())
            }
        },
        Check::Keys => format!("{} configured", seen.keys.count),
        Check::Site => match &seen.site {
            SiteSeen::BuiltIn => "built in".to_owned(),
            SiteSeen::Folder(path) | SiteSeen::EmptyFolder(path) => path.display().to_string(),
            SiteSeen::Missing => "missing".to_owned(),
        },
        Check::Limits => {
            let descriptors = seen.limits.descriptors.map_or("unknown".to_owned(), |limit| limit.to_string());
            format!("open files: {descriptors}")
        }
    }
}

fn certificate(seen: &Observations) -> String {
    let shown = match &seen.encryption {
        Encryption::Plain { is_loopback: true, .. } => return "none: on this machine alone".to_owned(),
        Encryption::Plain { .. } => return "none here: a proxy in front has it".to_owned(),
        Encryption::Files(shown) => Some(shown),
        Encryption::Acme { kept, .. } => kept.as_ref(),
    };
    let Some(Ok(facts)) = shown.map(|shown| &shown.facts) else { return "none yet".to_owned() };
    let days = facts.not_after.0.saturating_sub(seen.clock.now.0) / (24 * 3600);
    format!("for {}, {days} days left", facts.names.join(", "))
}
