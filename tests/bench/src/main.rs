//! Benchmarks beside other stacks, on the same load and in the same run: of the media plane, and of modules in browsers.
//!
//! ```text
//! controlling process (forward): load client ◀── UDP: ICE, DTLS-SRTP ──▶ server child (serve WHO)
//!                                            ◀── pipe: offers, usage ──▶
//! ```
//! The load client and the servers live in separate processes, so that the processor time of a server is its own.

mod browser;
mod bwe;
mod control;
mod forward;
mod load;
mod loss;
mod measure;
mod meeting;
mod peers;
mod profile;
mod report;
mod room;
mod socket;
mod svg;

use clap::{Parser, Subcommand};

/// Counts allocations while it is told to; see [`measure::allocations`].
#[global_allocator]
static ALLOCATOR: measure::allocations::Counting = measure::allocations::Counting;

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Benchmarks of Visavis beside other stacks")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Processor time, latency, loss and memory of forwarding one publisher to many subscribers
    Forward(forward::Options),
    /// Voice concealed and pictures frozen at 0 to 30 % loss
    Loss(loss::Options),
    /// Bandwidth estimators on the paths of RFC 8867, in virtual time
    Bwe(bwe::Options),
    /// A room of a hundred, and one publisher with up to a thousand viewers
    Room(room::Options),
    /// Instructions of a forwarded packet by stage, counted by callgrind
    Profile(profile::Options),
    /// Background effects in Chromium and Firefox beside other runtimes of neural networks
    Effects(browser::Options),
    /// Noise suppression in Chromium beside other modules: processor time and quality
    Denoise(browser::Options),
    /// Joining a meeting in Chromium: from the click to the first picture of somebody else
    Join(browser::Options),
    /// From camera to screen in Chromium, through the server and from peer to peer
    Glass(browser::Options),
    /// Bytes that a browser loads before the lobby can be used
    Bundle(browser::Options),
    /// How long pictures stand still when the WebSocket, the path or the server is lost
    Recover(browser::Options),
    /// The server side of a run; started by the benchmark itself
    #[command(hide = true)]
    Serve {
        /// Which server
        who: peers::Who,
    },
    /// The server of a large room; started by the benchmark itself
    #[command(hide = true)]
    ServeRoom {
        /// How many shards
        shards: usize,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Forward(options) => forward::run(&options),
        Command::Loss(options) => loss::run(&options),
        Command::Bwe(options) => bwe::run(&options),
        Command::Room(options) => room::run(&options),
        Command::Effects(options) => browser::run(browser::Benchmark::Effects, &options),
        Command::Denoise(options) => browser::run(browser::Benchmark::Denoise, &options),
        Command::Join(options) => browser::run(browser::Benchmark::Join, &options),
        Command::Glass(options) => browser::run(browser::Benchmark::Glass, &options),
        Command::Bundle(options) => browser::run(browser::Benchmark::Bundle, &options),
        Command::Recover(options) => browser::run(browser::Benchmark::Recover, &options),
        Command::ServeRoom { shards } => room::serve(shards),
        Command::Profile(options) => profile::run(&options),
        Command::Serve { who } => peers::serve(who),
    }
}
