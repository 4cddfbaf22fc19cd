//! Our own server, whole and as it is shipped: site, signaling and one media thread. Clients come in through its
//! WebSocket, from the controlling process.

use anyhow::{Context as _, Result, bail};
use server::{Config, LogFormat, LogLevel, Server, subscriber};

use crate::control::{Request, Response, answer_requests_of};
use crate::measure::{Usage, allocations};

/// Starts the server and answers requests until standard input ends.
pub(super) fn serve() -> Result<()> {
    let log = subscriber(LogLevel::Warn, LogFormat::Text, std::io::stderr);
    tracing::subscriber::set_global_default(log).context("the log cannot be set up")?;
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    let running = runtime.block_on(Server::start(Config::on_loopback()))?;
    answer_requests_of(Some(running.http_addr), Usage::now()?, |request| match request {
        Request::Usage => Ok(Response::Usage(Usage::now()?)),
        Request::CountAllocations => {
            allocations::count();
            Ok(Response::Done)
        }
        Request::Offer { .. } | Request::Invite | Request::Accept { .. } => {
            bail!("clients come through the WebSocket")
        }
        Request::Generate { .. } => bail!("this server needs a publisher"),
    })
}
