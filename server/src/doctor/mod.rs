//! `visavis doctor`: whether these settings can work on this machine, and what to do where they cannot.
//!
//! `gather` looks at the machine and changes nothing; [`examine`] turns what was seen into findings and is pure.

mod finding;
mod gather;
mod judge;
mod observation;
mod probe;
mod report;

pub use self::report::Report;
use crate::config::Loaded;

/// What to look at besides the machine itself.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct DoctorArguments {
    /// Print one JSON object instead of lines
    #[arg(long)]
    pub json: bool,
    /// The site's address as people open it: checks the certificate for it, asks it, and compares its clock. Nothing else
    /// is ever asked over the network
    #[arg(long, value_name = "URL")]
    pub url: Option<crate::config::Origin>,
}

/// Looks at the machine and judges.
#[must_use]
pub fn examine(loaded: &Loaded, arguments: &DoctorArguments) -> Report {
    let seen = gather::observe(loaded, arguments.url.as_ref());
    Report::of(&seen, judge::findings(&seen))
}
