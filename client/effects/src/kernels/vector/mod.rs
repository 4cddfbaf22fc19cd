//! The kernels four numbers at a time. Each checks once, against the arena's length, that every place it will touch
//! lies inside; behind that the loops go through pointers.

mod depthwise;
mod elementwise;
mod gemm;
mod last_stage;
mod transposed;
mod upsample;

use super::{
    Activate, Convolution, Depthwise, Kernels, LastStage, Mean, ScaleAdd, Transposed, Upsample, View,
};
use lanes::{F32x4, LANES};

/// The vector twin of [`super::scalar::Scalar`].
#[derive(Debug)]
pub(crate) struct Vector;

impl Kernels for Vector {
    fn convolution(arena: &mut [f32], scratch: &mut Vec<f32>, step: &Convolution) {
        gemm::convolution(arena, scratch, step);
    }

    fn depthwise(arena: &mut [f32], step: &Depthwise) {
        depthwise::depthwise(arena, step);
    }

    fn mean(arena: &mut [f32], step: &Mean) {
        elementwise::mean(arena, step);
    }

    fn scale_add(arena: &mut [f32], step: &ScaleAdd) {
        elementwise::scale_add(arena, step);
    }

    fn upsample(arena: &mut [f32], step: &Upsample) {
        upsample::upsample(arena, step);
    }

    fn transposed(arena: &mut [f32], step: &Transposed) {
        transposed::transposed(arena, step);
    }

    fn activate(arena: &mut [f32], step: &Activate) {
        elementwise::activate(arena, step);
    }

    fn last_stage(arena: &mut [f32], scratch: &mut Vec<f32>, step: &LastStage) {
        last_stage::last_stage(arena, scratch, step);
    }
}

/// An activation that the compiler puts into the loop.
trait Applied {
    fn apply(x: F32x4) -> F32x4;
}

struct Identity;
struct Relu;
struct HardSwish;

impl Applied for Identity {
    #[inline(always)]
    fn apply(x: F32x4) -> F32x4 {
        x
    }
}

impl Applied for Relu {
    #[inline(always)]
    fn apply(x: F32x4) -> F32x4 {
        x.relu()
    }
}

impl Applied for HardSwish {
    #[inline(always)]
    fn apply(x: F32x4) -> F32x4 {
        x.hard_swish()
    }
}

/// Panics unless the tensor lies in an arena of `len` and its channels come in whole vectors.
fn check_vectors(view: &View, len: usize) {
    assert!(view.channels.is_multiple_of(LANES), "channels come in fours");
    assert!(view.end() <= len, "a tensor lies in the arena");
}

/// Where the window over row 0, column 0 begins. Panics unless all windows that make `y` lie in an arena of `len`.
fn check_windows(x: &View, y: &View, size: usize, stride: usize, padding: usize, len: usize) -> usize {
    let start = x.origin.checked_sub(padding * (x.row_stride + x.channels));
    let start = start.expect("the planner leaves a border of the padding's width");
    let (rows, columns) = ((y.height - 1) * stride + size, (y.width - 1) * stride + size);
    assert!(
        start + (rows - 1) * x.row_stride + columns * x.channels <= len,
        "every window lies in the arena"
    );
    start
}

/// The address of a place in the arena.
fn address(arena: &mut [f32], at: usize) -> *mut f32 {
    arena[at..].as_mut_ptr()
}
