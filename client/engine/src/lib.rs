//! The pure client: it decides what a participant's browser (or bot) says, offers and asks for.
//!
//! Contract: no clock, no randomness, no sockets, no threads, no browser. The caller (the *shell*) tells
//! it what happened and when with [`Engine::handle`], then drains [`Engine::poll_output`] until it is
//! empty and executes every [`Output`] in order, then calls `handle` with [`Input::Tick`] no later than
//! [`Engine::poll_timeout`] says. The shell executes and reports; it never decides.
//!
//! ```text
//! WebSocket ── SocketOpened, SocketClosed, Message ──┐                ┌── OpenSocket, CloseSocket, Send ──▶ WebSocket
//! RTCPeerConnection ── OfferCreated, AnswerApplied, ─┼─▶  Engine  ────┼── ResetMedia, CreateOffer, ───────▶ RTCPeerConnection
//!                      NegotiationFailed, Media…     │                │   ApplyAnswer, SetLayers
//! page ── SetMicrophone, Layout, Leave, … ───────────┘                └── Changed, Notice, Reaction, … ──────▶ page
//! ```

mod captions;
mod chat;
mod declare;
mod engine;
mod error;
mod input;
mod layers;
mod meeting;
mod moment;
mod negotiate;
mod output;
mod policy;
mod publishing;
mod quality;
mod random;
mod roster;
mod session;
mod wants;

pub use chat::{ChatStart, Delivery, OwnLine, WriteError};
pub use engine::{Admission, Engine, Settings};
pub use error::{Cause, EndReason, Notice, Problem};
pub use input::{Act, CreatedOffer, Input, MediaConnection, SocketId, Tile};
pub use moment::Moment;
pub use negotiate::{MediaId, Slot, SlotMedium};
pub use output::{OfferRequest, Output};
pub use publishing::{Encodings, Scaling, SendPlan, VideoCodec};
pub use quality::Quality;
pub use session::Phase;
