//! Noise suppression for one microphone: what is not voice gets quieter.
//!
//! Pure: samples in, samples out, in pieces of any length at any sample rate that microphones have. The network is RNNoise
//! (Valin, "A hybrid DSP/deep learning approach to real-time full-band speech enhancement", 2018), which wants frames of 10 ms at
//! 48 kHz; [`Suppressor`] cuts and resamples. [`Relay`] does the same for a network that runs elsewhere, in a worker, because it takes
//! longer than a worklet has. Nothing is allocated once they are made.
//!
//! Built for `wasm32-unknown-unknown` this is a module of its own with plain exports (`exports`), which an audio worklet
//! instantiates without any glue.

#[cfg(target_arch = "wasm32")]
pub mod exports;
mod framing;
mod relay;
mod resampler;
mod ring;
mod suppressor;

pub use framing::{FRAME, PIECE_MAX, RATE_MAX, RATE_MIN, RateError};
pub use relay::{LOOKAHEAD, NUMBERS, Relay, WAIT_MAX};
pub use suppressor::Suppressor;
