//! The server's shell over real sockets: HTTP, WebSockets, shutdown and logs. Media has its own tier.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod acme;
mod api;
mod client;
mod doctor;
mod http;
mod logs;
mod recipes;
mod shutdown;
mod signaling;
mod tls;
mod webhooks;
