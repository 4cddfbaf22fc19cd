//! The servers under comparison. Each runs in a process of its own and is reached through [`crate::control`].

mod floor;
mod str0m;
mod visavis;
mod webrtc;

use std::io::Write as _;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::control::{Request, Response, answer_requests};
use crate::measure::{Usage, allocations};

/// Who forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Who {
    /// Our own media plane, as the server runs it
    Visavis,
    /// str0m in RTP mode
    Str0m,
    /// The async `webrtc` crate
    Webrtc,
    /// Nothing but sealing and sending
    Floor,
}

impl Who {
    /// All, in the order of a report.
    pub(crate) const ALL: [Self; 4] = [Self::Visavis, Self::Str0m, Self::Webrtc, Self::Floor];

    /// The word for the command line.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Visavis => "visavis",
            Self::Str0m => "str0m",
            Self::Webrtc => "webrtc",
            Self::Floor => "floor",
        }
    }

    /// The name in reports, with the version of foreign software.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Visavis => "visavis",
            Self::Str0m => "str0m 0.25.0",
            Self::Webrtc => "webrtc 0.21.1",
            Self::Floor => "floor",
        }
    }

    /// How it was set up, for reports.
    pub(crate) const fn setup(self) -> &'static str {
        match self {
            Self::Visavis => {
                "the whole server, all features: replay check, NACK ring, TWCC, RTCP, statistics; GSO"
            }
            Self::Str0m => "RTP mode, ICE-lite, NACK buffer; one thread, recvmmsg and sendmmsg",
            Self::Webrtc => "default interceptors, two worker threads",
            Self::Floor => "seals and sends the same packets with GSO, receives nothing",
        }
    }
}

/// A forwarder that is set up through the pipe. Media runs on threads of its own.
trait Server {
    /// The answer to a client's offer.
    fn answer(&mut self, publishes: bool, offer: &str) -> Result<String>;
}

/// Runs a server until standard input ends.
///
/// # Errors
/// When it cannot start, or the controlling process talks nonsense.
pub(crate) fn serve(who: Who) -> Result<()> {
    match who {
        Who::Visavis => visavis::serve(),
        Who::Str0m => serve_clients(&mut str0m::start()),
        Who::Webrtc => serve_clients(&mut webrtc::start()?),
        Who::Floor => floor::serve(),
    }
}

fn serve_clients(server: &mut impl Server) -> Result<()> {
    answer_requests(|request| match request {
        Request::Offer { publishes, sdp } => Ok(Response::Answer(server.answer(publishes, &sdp)?)),
        Request::Usage => Ok(Response::Usage(Usage::now()?)),
        Request::CountAllocations => {
            allocations::count();
            Ok(Response::Done)
        }
        Request::Generate { .. } => bail!("this server needs a publisher"),
    })
}

/// Runs the media thread of a server. When it fails, the process has nothing left to do.
fn spawn_media(run: impl FnOnce() -> Result<()> + Send + 'static) {
    std::thread::spawn(move || {
        if let Err(error) = run() {
            // When even standard error is gone, the exit code has to do.
            let _ = writeln!(std::io::stderr().lock(), "the media thread failed: {error:#}");
            std::process::exit(1);
        }
    });
}
