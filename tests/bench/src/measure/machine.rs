//! What a result was measured on.

use std::process::Command;

/// The machine and the state of the source code, as far as they can be found out.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// Processor, number of cores, kernel.
    pub(crate) description: String,
    /// The commit, with `-dirty` when tracked files differ from it.
    pub(crate) commit: String,
}

impl Machine {
    /// Of this process.
    pub(crate) fn here() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = model(&processor).unwrap_or("unknown processor");
        Self {
            description: format!("{processor}, {cores} cores, Linux {}", kernel.trim()),
            commit: commit().unwrap_or_else(|| "unknown".to_owned()),
        }
    }

    /// How many tasks wanted to run on average over the last minute: above the number of cores, results are noise.
    pub(crate) fn load_average() -> Option<f64> {
        let text = std::fs::read_to_string("/proc/loadavg").ok()?;
        text.split(' ').next()?.parse().ok()
    }
}

fn model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim())
}

fn commit() -> Option<String> {
    let run = |words: &[&str]| {
        let output = Command::new("git").args(words).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let mut commit = run(&["rev-parse", "--short=12", "HEAD"])?;
    if !run(&["status", "--porcelain", "--untracked-files=no"])?.is_empty() {
        commit.push_str("-dirty");
    }
    Some(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_the_first_that_is_named() {
        let cpuinfo = "processor\t: 0\nmodel name\t: AMD EPYC\nprocessor\t: 1\nmodel name\t: Other\n";
        assert_eq!(model(cpuinfo), Some("AMD EPYC"));
        assert_eq!(model(""), None);
    }
}
