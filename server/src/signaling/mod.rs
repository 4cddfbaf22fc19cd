//! Signaling: one task a WebSocket, which carries messages between a client and the SFU of its room.
//!
//! ```text
//! WebSocket ─▶ socket ─▶ session (pure) ─▶ Output ─▶ media::Handle ─▶ SFU
//!           ◀──────────────────────────────────────◀ notices ◀───────┘
//! ```

pub(crate) mod mapping;
mod rate;
mod session;
mod socket;

pub(crate) use self::mapping::CAPABILITIES;
pub(crate) use self::rate::RateLimiter;
pub(crate) use self::socket::{Line, Visit, converse, span};
