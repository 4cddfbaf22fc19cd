//! The server of a large room: our own, whole, in a process of its own, and what it tells of itself.

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use server::{Config, LogFormat, LogLevel, Server, subscriber};
use sfu::{DropReason, Level, Statistics};

use crate::control::{Request, Response, answer_requests_of};
use crate::measure::{Usage, allocations};

/// More than any benchmark seats.
const SEATS: usize = 2000;
/// Clock ticks a second in `/proc` (`sysconf(_SC_CLK_TCK)` on every Linux).
const TICKS_PER_SECOND: u64 = 100;

/// What all shards together count.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Packets sent to viewers, first time.
    pub(crate) forwarded: u64,
    /// Packets passed on to other shards.
    pub(crate) relayed: u64,
    /// Packets that were dropped for want of room or time.
    pub(crate) lost: u64,
    /// Whether pictures are given up for want of time.
    pub(crate) sheds: bool,
    /// Processor time of the media threads in milliseconds.
    pub(crate) media_cpu_ms: u64,
}

impl Counts {
    fn of(shards: &[Statistics]) -> Self {
        let lost =
            [DropReason::QueueFull, DropReason::Overwritten, DropReason::RelayFull, DropReason::TooLarge];
        let sum = |of: &dyn Fn(&Statistics) -> u64| shards.iter().map(of).sum::<u64>();
        Self {
            forwarded: sum(&|shard| shard.forwarded),
            relayed: sum(&|shard| shard.relayed),
            lost: sum(&|shard| lost.iter().map(|reason| shard.dropped(*reason)).sum()),
            sheds: shards.iter().any(|shard| shard.level != Level::Everything),
            media_cpu_ms: media_cpu_ms().unwrap_or_default(),
        }
    }
}

/// Starts the server with so many shards and answers requests until standard input ends.
pub(crate) fn serve(shards: usize) -> Result<()> {
    let log = subscriber(LogLevel::Error, LogFormat::Text, std::io::stderr);
    tracing::subscriber::set_global_default(log).context("the log cannot be set up")?;
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    let config = Config {
        shards,
        participants_max: SEATS,
        peers_per_shard_max: SEATS,
        connections_per_address_max: SEATS,
        ..Config::on_loopback()
    };
    let running = runtime.block_on(Server::start(config))?;
    answer_requests_of(Some(running.http_addr), Usage::now()?, |request| match request {
        Request::Usage => {
            let shards = runtime.block_on(running.statistics()).context("a shard does not answer")?;
            Ok(Response::Usage(Usage { counts: Counts::of(&shards), ..Usage::now()? }))
        }
        Request::CountAllocations => {
            allocations::count();
            Ok(Response::Done)
        }
        Request::Offer { .. } | Request::Invite | Request::Accept { .. } | Request::Generate { .. } => {
            bail!("clients come through the WebSocket")
        }
    })
}

/// Processor time of the threads that carry media: `utime` and `stime` of `proc(5)`.
fn media_cpu_ms() -> Result<u64> {
    let mut ticks = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        // A thread may end while it is looked at.
        let Ok(stat) = std::fs::read_to_string(task?.path().join("stat")) else { continue };
        ticks += media_ticks(&stat).unwrap_or_default();
    }
    Ok(ticks * 1000 / TICKS_PER_SECOND)
}

/// Of one line of `/proc/self/task/*/stat`; nothing for other threads.
fn media_ticks(stat: &str) -> Option<u64> {
    let (head, fields) = stat.rsplit_once(") ")?;
    let (_, name) = head.split_once('(')?;
    if !name.starts_with("media-") {
        return None;
    }
    let mut fields = fields.split(' ').skip(11).map(str::parse::<u64>);
    Some(fields.next()?.ok()? + fields.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_media_threads_is_read() {
        let stat = "12 (media-0) S 1 12 12 0 -1 4194560 9 0 0 0 70 30 0 0 20 0 8 0 1 1 1";
        assert_eq!(media_ticks(stat), Some(100));
        assert_eq!(media_ticks(&stat.replace("media-0", "tokio (x)")), None);
        assert!(media_cpu_ms().is_ok());
    }
}
