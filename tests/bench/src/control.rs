//! The pipe between the controlling process and a server child: one JSON object a line, one response a request.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::load::Load;
use crate::measure::Usage;
use crate::meeting::Meeting;
use crate::peers::Who;

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
    requests: ChildStdin,
    responses: BufReader<ChildStdout>,
    /// How clients are let in, when that is not through the pipe.
    meeting: Option<Meeting>,
    /// What the process had used when it was ready.
    pub(crate) at_start: Usage,
}

impl ServerProcess {
    /// Starts this very program as a server and waits until it is ready.
    ///
    /// # Errors
    /// When the process cannot be started or reports a failure.
    pub(crate) fn start(who: Who) -> Result<Self> {
        let program = std::env::current_exe().context("this program's own path is not known")?;
        let mut child = Command::new(program)
            .args(["serve", who.id()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the server process cannot be started")?;
        let requests = child.stdin.take().context("the server process has no standard input")?;
        let output = child.stdout.take().context("the server process has no standard output")?;
        let responses = BufReader::new(output);
        let mut process = Self { child, requests, responses, meeting: None, at_start: Usage::default() };
        let response = process.receive()?;
        let Response::Ready { usage, address } = response else {
            bail!("the server process began with {response:?}");
        };
        process.at_start = usage;
        process.meeting = address.map(Meeting::new);
        Ok(process)
    }

    /// Lets a participant with a microphone and a camera, or a viewer of both, into the meeting of our own server.
    pub(crate) fn join(&mut self, publishes: bool, sdp: String) -> Result<String> {
        self.meeting.as_mut().context("only our own server has meetings")?.answer_both(publishes, sdp)
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

    /// What the server has used up so far.
    pub(crate) fn usage(&mut self) -> Result<Usage> {
        let response = self.ask(&Request::Usage)?;
        let Response::Usage(usage) = response else { bail!("a usage was asked for, not {response:?}") };
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
        self.requests.write_all(line.as_bytes()).context("the server process has ended")?;
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
    answer_requests_of(None, handle)
}

/// The same for a server that lets clients in at an HTTP address.
pub(crate) fn answer_requests_of(
    address: Option<SocketAddr>,
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
    send(&Response::Ready { usage: Usage::now()?, address })?;
    for line in std::io::stdin().lock().lines() {
        let request = serde_json::from_str(&line?).context("not a request")?;
        let response = handle(request).unwrap_or_else(|error| Response::Failed(format!("{error:#}")));
        send(&response)?;
    }
    Ok(())
}
