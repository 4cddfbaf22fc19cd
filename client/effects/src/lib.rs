//! Background effects for a camera's picture: finds the person, and blurs or replaces what is behind.
//!
//! Pure and without dependencies: pictures in, pictures out. [`Model`] reads the pinned TensorFlow Lite files of MediaPipe's
//! selfie segmentation and refuses everything else; [`Segmenter`] runs them.
//!
//! Built for `wasm32-unknown-unknown` this is a module of its own with plain exports (`exports`), which a worker
//! instantiates without any glue. With `simd128` it runs four numbers at a time, with `relaxed-simd` besides it multiplies and
//! adds at once; without either it is correct and slow.

mod compositor;
#[cfg(target_arch = "wasm32")]
pub mod exports;
mod graph;
mod kernels;
mod model;
#[cfg(any(test, all(target_arch = "wasm32", feature = "twins")))]
mod twins;

pub use compositor::{Compositor, Effect, Format, PIXELS_MAX, Placement, SIDE_MAX, SizeError, Turn};
pub use graph::Segmenter;
pub use model::{FILE_LEN_MAX, Malformed, Model, ModelError, Shape};
