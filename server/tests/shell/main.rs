//! The server's shell over real sockets: HTTP, WebSockets, shutdown and logs. Media has its own tier.

mod client;
mod http;
mod logs;
mod shutdown;
mod signaling;
