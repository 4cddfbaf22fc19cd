//! The pipe between the controlling process and a server child: one JSON object a line, one response a request.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::load::Load;
use crate::measure::Usage;
use crate::meeting::Meeting;
use crate::peers::Who;

/// How long a server may take to end by itself.
const ENDING_POLLS: u32 = 40;
const ENDING_POLL: Duration = Duration::from_millis(50);

/// What the controlling process asks of a server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Lets a client in: the publisher, or one more subscriber. Answered by [`Response::Answer`].
    Offer {
        /// Whether the client sends; otherwise it receives.
        publishes: bool,
        /// RFC 8866 text.
        sdp: String,
    },
    /// Makes an offer to one more subscriber. Answered by [`Response::Offer`].
    Invite,
    /// The answer to the last invitation.
    Accept {
        /// RFC 8866 text.
        sdp: String,
    },
    /// Sends the load to these addresses without being asked by a publisher (only the floor can).
    Generate {
        /// Where to.
        destinations: Vec<SocketAddr>,
        /// How much.
        load: Load,
    },
    /// What has been used up so far. Answered by [`Response::Usage`].
    Usage,
    /// From now on, allocations are counted.
    CountAllocations,
}

/// What a server answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Response {
    /// The server has started and nobody is connected; sent once, without a request.
    Ready {
        /// What starting has used up.
        usage: Usage,
        /// Where clients are let in, when that is not through this pipe.
        address: Option<SocketAddr>,
    },
    /// The answer to an offer.
    Answer(String),
    /// An offer to a subscriber.
    Offer(String),
    /// What has been used up since the process started.
    Usage(Usage),
    /// Done, nothing to tell.
    Done,
    /// It cannot be done, and why.
    Failed(String),
}

/// A running server child. Dropping it ends the process.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    /// Taken when it is to end.
    requests: Option<ChildStdin>,
    responses: BufReader<ChildStdout>,
    /// How clients are let in, when that is not through the pipe.
    meeting: Option<Meeting>,
    /// Whether subscribers are invited.
    pub(crate) invites: bool,
    /// The address of this machine from which it takes clients.
    pub(crate) clients_at: Ipv4Addr,
    /// What the process had used when it was ready.
    pub(crate) at_start: Usage,
}

impl ServerProcess {
    /// Starts this very program as a server and waits until it is ready.
    ///
    /// # Errors
    /// When the process cannot be started or reports a failure.
    pub(crate) fn start(who: Who) -> Result<Self> {
        Self::start_with(&["serve", who.id()], who)
    }

    /// The same with other arguments, which lead to a server like `who`.
    ///
    /// # Errors
    /// When the process cannot be started or reports a failure.
    pub(crate) fn start_with(arguments: &[&str], who: Who) -> Result<Self> {
        let clients_at = who.clients_at()?;
        let program = std::env::current_exe().context("this program's own path is not known")?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the server process cannot be started")?;
        let requests = Some(child.stdin.take().context("the server process has no standard input")?);
        let output = child.stdout.take().context("the server process has no standard output")?;
        let responses = BufReader::new(output);
        let (meeting, invites, at_start) = (None, who.invites(), Usage::default());
        let mut process = Self { child, requests, responses, meeting, invites, clients_at, at_start };
        let response = process.receive()?;
        let Response::Ready { usage, address } = response else {
            bail!("the server process began with {response:?}");
        };
        process.at_start = usage;
        process.meeting = address.map(Meeting::new);
        Ok(process)
    }

    /// Where clients are let in.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.meeting.as_ref().map(Meeting::address)
    }

    /// Lets a participant with a microphone and a camera, or a viewer of both, in.
    pub(crate) fn join(&mut self, publishes: bool, sdp: String) -> Result<String> {
        match &mut self.meeting {
            Some(meeting) => meeting.answer_both(publishes, sdp),
            None => self.answer(publishes, sdp),
        }
    }

    /// The answer to a client's offer.
    pub(crate) fn answer(&mut self, publishes: bool, sdp: String) -> Result<String> {
        if let Some(meeting) = &mut self.meeting {
            return meeting.answer(publishes, sdp);
        }
        let response = self.ask(&Request::Offer { publishes, sdp })?;
        let Response::Answer(sdp) = response else { bail!("an offer was answered by {response:?}") };
        Ok(sdp)
    }

    /// An offer for one more subscriber.
    pub(crate) fn invite(&mut self) -> Result<String> {
        let response = self.ask(&Request::Invite)?;
        let Response::Offer(sdp) = response else { bail!("an offer was asked for, not {response:?}") };
        Ok(sdp)
    }

    /// The answer of the one that was invited last.
    pub(crate) fn accept(&mut self, sdp: String) -> Result<()> {
        self.tell(&Request::Accept { sdp })
    }

    /// What the server has used up so far.
    pub(crate) fn usage(&mut self) -> Result<Usage> {
        let response = self.ask(&Request::Usage)?;
        let Response::Usage(usage) = response else { bail!("a usage was asked for, not {response:?}") };
        self.meeting.as_ref().map_or(Ok(()), Meeting::ensure_attended)?;
        Ok(usage)
    }

    /// A request that has no other answer than that it is done.
    pub(crate) fn tell(&mut self, request: &Request) -> Result<()> {
        let response = self.ask(request)?;
        let Response::Done = response else { bail!("{request:?} was answered by {response:?}") };
        Ok(())
    }

    fn ask(&mut self, request: &Request) -> Result<Response> {
        let mut line = serde_json::to_string(request)?;
        line.push('\n');
        let requests = self.requests.as_mut().context("the server process is ending")?;
        requests.write_all(line.as_bytes()).context("the server process has ended")?;
        let response = self.receive()?;
        if let Response::Failed(reason) = &response {
            bail!("the server failed: {reason}");
        }
        Ok(response)
    }

    fn receive(&mut self) -> Result<Response> {
        let mut line = String::new();
        if self.responses.read_line(&mut line)? == 0 {
            bail!("the server process has ended");
        }
        serde_json::from_str(&line).with_context(|| format!("not a response: {line:?}"))
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // The end of its input is its end; what it started ends with it.
        drop(self.requests.take());
        for _ in 0..ENDING_POLLS {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(ENDING_POLL);
        }
        // Both fail only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's end: answers requests from standard input with `handle` until the input ends.
///
/// # Errors
/// When the pipe fails or carries something else than requests.
pub(crate) fn answer_requests(handle: impl FnMut(Request) -> Result<Response>) -> Result<()> {
    answer_requests_of(None, Usage::now()?, handle)
}

/// The same for a server that lets clients in at an HTTP address, or that is another process with a usage of its own.
pub(crate) fn answer_requests_of(
    address: Option<SocketAddr>,
    usage: Usage,
    mut handle: impl FnMut(Request) -> Result<Response>,
) -> Result<()> {
    let mut output = std::io::stdout().lock();
    let mut send = |response: &Response| -> Result<()> {
        let mut line = serde_json::to_string(response)?;
        line.push('\n');
        output.write_all(line.as_bytes())?;
        output.flush()?;
        Ok(())
    };
    send(&Response::Ready { usage, address })?;
    for line in std::io::stdin().lock().lines() {
        let request = serde_json::from_str(&line?).context("not a request")?;
        let response = handle(request).unwrap_or_else(|error| Response::Failed(format!("{error:#}")));
        send(&response)?;
    }
    Ok(())
}
