//! The engine through its public surface, against a model of the server and of the platform.

#![expect(clippy::unwrap_used, reason = "tests; Clippy's exception for tests ends at their helpers")]

mod captions;
mod chat;
mod interleavings;
mod joining;
mod layers;
mod meeting;
mod negotiating;
mod reconnecting;
mod roster;
mod wants;
mod world;
