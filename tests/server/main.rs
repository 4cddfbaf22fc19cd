//! The real server on loopback, with real sockets and real time.

#![expect(clippy::unwrap_used, reason = "what fails here fails its test")]

mod bot;
mod calls;
mod moderation;
mod signaling;
mod socket;
mod stack;
mod tcp;

use server::{Config, Running, Server};

/// A server on free ports.
async fn start() -> Running {
    start_with(Config::on_loopback()).await
}

async fn start_with(config: Config) -> Running {
    Server::start(config).await.expect("the server starts on loopback")
}
