//! `visavis doctor`.

use super::Printed;
use crate::config::Loaded;
use crate::doctor::{DoctorArguments, examine};

pub(super) fn run(arguments: &DoctorArguments, loaded: &Loaded) -> Printed {
    let report = examine(loaded, arguments);
    let text = if arguments.json { report.to_json() } else { report.to_text() };
    Printed { text, is_success: report.is_success() }
}
