//! The engine through its public surface, against a model of the server and of the platform.

mod interleavings;
mod joining;
mod negotiating;
mod reconnecting;
mod roster;
mod wants;
mod world;
