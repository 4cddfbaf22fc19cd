//! The vocabulary that both sides of Visavis share: identifiers, limits and the wire protocol.
//!
//! Contract: no I/O, no clock, no randomness, no threads; compiles for wasm32 and for native targets.
//! Everything that crosses the WebSocket is defined in [`protocol`] and described in `PROTOCOL.md`;
//! every bound on it is a constant in [`limits`]. What a meeting in a frame and the page around it say to each
//! other is defined in [`embed`] and described in `EMBED.md`.

pub mod caption;
pub mod embed;
pub mod identity;
pub mod limits;
pub mod media;
pub mod meeting;
pub mod protocol;

pub use identity::{DisplayName, PeerId, ResumeToken, RoomId};
pub use media::{MediaState, SourceKind, SourceRef};
