//! The language between a meeting in a frame and the page around it: options, commands, answers, events.
//!
//! `EMBED.md` describes it for those who embed. `static/embed.d.ts`, `static/embed.schema.json` and the tables in
//! `static/embed.js` are made from these types, and a test fails when they are not: see `tests.rs`.
//!
//! ```text
//! page ── embed.js ──┤ MessageChannel, JSON texts ├── client (frame)
//!          command ─────────────────────────────▶
//!          ◀───────────────────────────── response, event
//! ```

mod appearance;
mod command;
mod event;
pub mod limits;
mod message;
mod options;
mod state;

#[cfg(test)]
mod tests;

pub use appearance::{Color, ColorError, HiddenPart, LayoutName, PanelName, Theme, ThemeMode, ToolbarButton};
pub use command::{Command, Reply};
pub use event::{Event, LeaveReason, ModerationAction, Origin, ParticipantLeaveReason, ProblemCode};
pub use message::{
    DecodeError, ErrorCode, Failure, Inbound, VERSION, decode_command, decode_options, encode_event,
    encode_response,
};
pub use options::Options;
pub use state::{
    AudienceName, ConnectionStatus, DeviceKind, MediaDevice, MeetingPolicy, MeetingState, NetworkQuality,
    Participant, PolicyChange, Stage, WaitingPerson,
};
