//! What a process uses up, and what is typical of many values.

pub(crate) mod allocations;
mod machine;
mod spread;

use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};

pub(crate) use self::machine::Machine;
pub(crate) use self::spread::{Spread, percentile};
use crate::room::Counts;

/// What this process has used up since it started, all threads together.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// Processor time in user space.
    pub(crate) user: Duration,
    /// Processor time in the kernel.
    pub(crate) system: Duration,
    /// Resident memory now.
    pub(crate) resident_kb: u64,
    /// Allocations since they are counted.
    pub(crate) allocations: u64,
    /// Packets that were sent without a publisher: by the floor alone.
    pub(crate) generated: u64,
    /// What the server counts: told by that of a large room alone.
    pub(crate) counts: Counts,
}

impl Usage {
    /// As it is now, with nothing generated.
    pub(crate) fn now() -> Result<Self> {
        let usage = getrusage(UsageWho::RUSAGE_SELF).context("the processor time cannot be read")?;
        Ok(Self {
            user: duration(usage.user_time()),
            system: duration(usage.system_time()),
            resident_kb: resident_kb()?,
            allocations: allocations::counted(),
            generated: 0,
            counts: Counts::default(),
        })
    }

    /// Processor time, user space and kernel.
    pub(crate) fn cpu(&self) -> Duration {
        self.user + self.system
    }
}

fn duration(time: TimeVal) -> Duration {
    let microseconds = time.tv_sec() * 1_000_000 + time.tv_usec();
    Duration::from_micros(u64::try_from(microseconds).unwrap_or_default())
}

fn resident_kb() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("/proc cannot be read")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS in /proc")?;
    let number = line.split_whitespace().next().context("VmRSS has no value")?;
    number.parse().context("VmRSS is not a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_processor_time_and_memory() {
        let before = Usage::now().unwrap();
        let mut numbers: Vec<u64> = (0..4_000_000).collect();
        while Usage::now().unwrap().cpu() == before.cpu() {
            numbers.iter_mut().for_each(|number| *number = number.wrapping_mul(3));
        }
        let after = Usage::now().unwrap();
        assert!(
            after.resident_kb > before.resident_kb,
            "32 MB are held: {numbers:?}",
            numbers = numbers.len()
        );
    }
}
