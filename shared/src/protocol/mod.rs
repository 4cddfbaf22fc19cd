//! The signaling protocol: JSON text messages on one WebSocket, described in prose in `PROTOCOL.md`.
//!
//! Rules of evolution: a field is never renamed or given another meaning; receivers ignore fields they do
//! not know; a client ignores message kinds it does not know, the server answers them with
//! [`ErrorCode::UnknownMessage`]; what would break an older peer needs a new major [`Version`].

mod client;
mod decode;
mod encode;
mod error;
mod server;
mod version;

pub use client::{Chat, ClientMessage, Hello, Moderation, Offer, PublishedMid, Want};
pub use decode::{DecodeError, decode_client, decode_server};
pub use error::ErrorCode;
pub use server::{
    Answer, Change, Departure, Fault, Goodbye, GoodbyeReason, Moderated, ModeratedHow, Participant,
    PauseReason, Presence, RequestedLayers, ServerMessage, SlotAssignment, Snapshot, Speaker, Welcome,
};
pub use version::{Version, VersionMismatch};

/// A client with this capability pauses layers of what it sends when [`ServerMessage::Layers`] asks for it.
pub const CAPABILITY_LAYERS: &str = "layers";
