//! The Visavis server: the shell around the SFU.
//!
//! ```text
//! browser ── HTTP ──▶ http (site, API) ── upgrade ─▶ signaling (one task a client) ─┐ bounded queues
//!         ── UDP ───▶ media (one thread a shard: socket + sfu::Sfu) ◀──────────────┘
//! ```
//!
//! Contract: everything that touches the world — sockets, threads, clocks, files, the environment — is in this
//! crate, and nothing that decides about media is. [`Config`] is read once and passed on; [`Server::start`] runs
//! the whole server inside the caller's tokio runtime, on ports of the caller's choice, so tests run it in process.
//! Every queue has a bound and a policy for when it is full.

pub mod access;
mod app;
pub mod command;
mod config;
pub mod control;
pub mod doctor;
mod http;
mod log;
mod media;
mod meeting;
mod rooms;
mod signaling;
pub mod webhooks;

pub use app::{Running, Server, StartError};
pub use config::{
    AcmeSettings, Announced, CertificateFiles, Config, ConfigError, DataDir, DirectoryUrl, DomainName,
    InvalidValue, Loaded, LogFormat, LogLevel, MailContact, MediaTcp, Origin, TlsSource, VideoCodec,
};
pub use http::tls::TlsError;
pub use log::subscriber;
pub use media::{MediaError, Reach, ReachWarning};

/// Between the wire and the SFU, for those who drive an SFU without sockets: the simulation.
pub mod mapping {
    pub use crate::signaling::mapping::{command, message};
}
