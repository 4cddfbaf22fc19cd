//! The servers under comparison. Each runs in a process of its own and is reached through [`crate::control`].

mod floor;
mod janus;
mod str0m;
mod visavis;
mod webrtc;

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;

use crate::control::{Request, Response, answer_requests, answer_requests_of};
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
    /// Debian's Janus, VideoRoom, two event loops; runs only when asked for
    Janus,
}

impl Who {
    /// Those that need nothing installed, in the order of a report.
    pub(crate) const ALL: [Self; 4] = [Self::Visavis, Self::Str0m, Self::Webrtc, Self::Floor];

    /// The word for the command line.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Visavis => "visavis",
            Self::Str0m => "str0m",
            Self::Webrtc => "webrtc",
            Self::Floor => "floor",
            Self::Janus => "janus",
        }
    }

    /// Whether a subscriber gets an offer from it, rather than making one.
    pub(crate) const fn invites(self) -> bool {
        matches!(self, Self::Janus)
    }

    /// The address of this machine from which it takes clients.
    ///
    /// # Errors
    /// When it takes none over loopback, and the machine has no other address.
    pub(crate) fn clients_at(self) -> Result<Ipv4Addr> {
        if self != Self::Janus {
            return Ok(Ipv4Addr::LOCALHOST);
        }
        // Janus leaves loopback out of its candidates. The kernel takes what goes to the machine's own address over loopback
        // all the same. Connecting sends nothing; the address is of TEST-NET-3 (RFC 5737).
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket
            .connect((Ipv4Addr::new(203, 0, 113, 1), 9))
            .context("this machine has no route: Janus needs one")?;
        match socket.local_addr()?.ip() {
            IpAddr::V4(address) if !address.is_loopback() => Ok(address),
            other @ (IpAddr::V4(_) | IpAddr::V6(_)) => {
                bail!("{other} is this machine's only address: Janus takes no clients over loopback")
            }
        }
    }

    /// Whether its allocations can be counted: those of a foreign process cannot.
    pub(crate) const fn counts_allocations(self) -> bool {
        !matches!(self, Self::Janus)
    }

    /// The name in reports, with the version of foreign software.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Visavis => "visavis",
            Self::Str0m => "str0m 0.25.0",
            Self::Webrtc => "webrtc 0.21.1",
            Self::Floor => "floor",
            Self::Janus => "janus 1.1.2",
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
            Self::Janus => {
                "Debian's with its libsrtp 2.5.0, which seals with NSS (no other is packaged); VideoRoom, event_loops = 2"
            }
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
        Who::Janus => serve_janus(),
    }
}

fn serve_janus() -> Result<()> {
    let mut janus = janus::Janus::start()?;
    let at_start = janus.usage()?;
    answer_requests_of(None, at_start, |request| match request {
        Request::Offer { publishes, sdp } => Ok(Response::Answer(janus.answer(publishes, &sdp)?)),
        Request::Invite => Ok(Response::Offer(janus.invite()?)),
        Request::Accept { sdp } => janus.accept(&sdp).map(|()| Response::Done),
        Request::Usage => Ok(Response::Usage(janus.usage()?)),
        // What a foreign process allocates is not known, and not reported.
        Request::CountAllocations => Ok(Response::Done),
        Request::Generate { .. } => bail!("this server needs a publisher"),
    })
}

fn serve_clients(server: &mut impl Server) -> Result<()> {
    answer_requests(|request| match request {
        Request::Offer { publishes, sdp } => Ok(Response::Answer(server.answer(publishes, &sdp)?)),
        Request::Usage => Ok(Response::Usage(Usage::now()?)),
        Request::CountAllocations => {
            allocations::count();
            Ok(Response::Done)
        }
        Request::Invite | Request::Accept { .. } => bail!("clients offer"),
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
