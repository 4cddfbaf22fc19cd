//! The real server on loopback, with real sockets and real time.

#![expect(clippy::unwrap_used, reason = "what fails here fails its test")]

mod bot;
mod calls;
mod signaling;
mod socket;
mod stack;
mod tcp;

use server::{Config, Running, Server};

/// A server on free ports.
async fn start() -> Running {
    Server::start(Config::on_loopback()).await.expect("the server starts on loopback")
}
