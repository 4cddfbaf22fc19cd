//! Noise suppression for one microphone: what is not voice gets quieter.
//!
//! Pure: samples in, samples out, in pieces of any length at any sample rate that microphones have. The network is RNNoise
//! (Valin, "A hybrid DSP/deep learning approach to real-time full-band speech enhancement", 2018), which wants frames of 10 ms at
//! 48 kHz; [`Suppressor`] cuts and resamples. Nothing is allocated after [`Suppressor::new`].
//!
//! Built for `wasm32-unknown-unknown` this is a module of its own with plain exports (`exports`), which an audio worklet
//! instantiates without any glue.

#[cfg(target_arch = "wasm32")]
pub mod exports;
mod resampler;
mod ring;
mod suppressor;

pub use suppressor::{PIECE_MAX, RATE_MAX, RATE_MIN, RateError, Suppressor};
