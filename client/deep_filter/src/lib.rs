//! Noise suppression of high quality for one microphone: what is not voice disappears.
//!
//! Pure and without dependencies: a frame of 10 ms at 48 kHz in, one out, [`DELAY`] samples late. The network is DeepFilterNet3
//! (Schröter, Rosenkranz, Escalante-B., Maier, "DeepFilterNet: Perceptually Motivated Real-Time Speech Enhancement", 2023),
//! computed frame by frame as its published graphs define it. Nothing is allocated after [`DeepFilter::new`].
//!
//! ```text
//! sound ── spectrum ──┬── features ── encoder ──┬── gains of 32 bands ──────┐
//!                     │                         └── filters of 96 bins ──┐  │
//!                     └── two frames late ───────────────────────────────┴──┴── spectrum ── sound
//! ```
//!
//! The weights are a file of their own, whose layout is [`TENSORS`]. The recurrent layers, nine tenths of it, are steps of eight
//! bits. Built for `wasm32-unknown-unknown` this is a module of its own with plain exports (`exports`), for a worker.

mod decoders;
mod denoiser;
mod encoder;
#[cfg(target_arch = "wasm32")]
pub mod exports;
mod features;
mod fourier;
mod kernels;
mod layers;
mod layout;
#[cfg(test)]
mod tests;
#[cfg(any(test, all(feature = "twins", target_arch = "wasm32")))]
mod twins;
mod weights;

pub use denoiser::{DELAY, DeepFilter, FRAME, RATE};
pub use layout::{Form, Graph, MAGIC, TENSORS, Tensor, file_len};
pub use weights::WeightsError;
