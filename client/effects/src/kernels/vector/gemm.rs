//! Convolutions as matrix products: pixels times outputs, six pixels and eight outputs in registers at a time.
//!
//! No window is copied together: a window of s × s is s lines of s · channels numbers that already lie in a row, since the
//! border of zeros is part of the tensor.
#![expect(unsafe_code, reason = "the inner loops go through pointers that are checked once")]

use super::super::{BLOCK, Convolution, Epilogue};
use super::{Applied, F32x4, HardSwish, Identity, LANES, Relu, check_vectors, check_windows};

/// Pixels in registers at a time: with eight outputs that makes twelve sums, and three more registers for operands.
const PIXELS: usize = 6;

/// The windows of a row of pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    /// The first window's first number.
    pub(super) start: *const f32,
    /// From one window to the next.
    pub(super) stride: usize,
    /// Lines in a window, from one to the next, and their length.
    pub(super) lines: usize,
    pub(super) line_stride: usize,
    pub(super) line_len: usize,
}

pub(super) fn convolution(arena: &mut [f32], scratch: &mut Vec<f32>, step: &Convolution) {
    let Convolution { x, y, filter, size, stride, padding, .. } = step;
    check_vectors(y, arena.len());
    let start = check_windows(x, y, *size, *stride, *padding, arena.len());
    assert_eq!(filter.depth, size * size * x.channels, "the weights cover the window");
    assert_eq!(filter.bias.len(), y.channels, "there is a bias for every output");
    assert_eq!(
        filter.weights.len(),
        filter.depth * y.channels,
        "there is a weight for every input and output"
    );
    let weights = match step.scale {
        Some(scale) => {
            assert!(*size == 1 && scale.is_point_of(x.channels), "a point scales the inputs of a 1 × 1");
            scaled(&filter.weights, &arena[scale.origin..scale.end()], scratch);
            scratch.as_slice()
        }
        None => filter.weights.as_slice(),
    };
    if let Some(residual) = step.residual {
        check_vectors(&residual, arena.len());
        assert!(residual.is_congruent(y), "the residual has the shape of the sum");
    }
    // A 1 × 1 over tensors without borders is one row of pixels, however many rows the picture has.
    let is_one_row = *size == 1
        && *stride == 1
        && x.is_dense()
        && y.is_dense()
        && step.residual.is_none_or(|residual| residual.is_dense());
    let (rows, columns) = if is_one_row { (1, y.height * y.width) } else { (y.height, y.width) };
    let arena = arena.as_mut_ptr();
    for row in 0..rows {
        // SAFETY: all windows, all of y and all of the residual were found to lie in the arena, and the weights and
        // the bias to have the lengths that the depth and the number of outputs demand.
        unsafe {
            let windows = Windows {
                start: arena.add(start + row * stride * x.row_stride),
                stride: stride * x.channels,
                lines: *size,
                line_stride: x.row_stride,
                line_len: size * x.channels,
            };
            let out = arena.add(y.at(row, 0));
            let residual = step.residual.map(|residual| arena.add(residual.at(row, 0)).cast_const());
            match step.epilogue {
                Epilogue::Identity => {
                    pixels::<Identity>(columns, windows, weights, &filter.bias, out, residual)
                }
                Epilogue::Relu => pixels::<Relu>(columns, windows, weights, &filter.bias, out, residual),
                Epilogue::HardSwish => {
                    pixels::<HardSwish>(columns, windows, weights, &filter.bias, out, residual)
                }
            }
        }
    }
}

/// The weights with every input's multiplied by its entry of `scale`.
fn scaled(weights: &[f32], scale: &[f32], scratch: &mut Vec<f32>) {
    scratch.clear();
    scratch.reserve(weights.len());
    for block in weights.chunks_exact(BLOCK * scale.len()) {
        for (weights, scale) in block.chunks_exact(BLOCK).zip(scale) {
            scratch.extend(weights.iter().map(|weight| weight * scale));
        }
    }
}

/// A row of `count` pixels.
///
/// # Safety
///
/// All windows must be readable; `weights` must have `bias.len()` times the length of a window, `bias` whole blocks; `y`
/// must be writable and `residual` readable for `count · bias.len()` numbers.
#[inline(never)]
pub(super) unsafe fn pixels<A: Applied>(
    count: usize,
    windows: Windows,
    weights: &[f32],
    bias: &[f32],
    y: *mut f32,
    residual: Option<*const f32>,
) {
    let mut done = 0;
    // SAFETY: the tiles cover `done..count` once; what the caller promises for all pixels holds for each of them.
    unsafe {
        while done + PIXELS <= count {
            tiles::<A, PIXELS>(done, windows, weights, bias, y, residual);
            done += PIXELS;
        }
        while done + 4 <= count {
            tiles::<A, 4>(done, windows, weights, bias, y, residual);
            done += 4;
        }
        while done < count {
            tiles::<A, 1>(done, windows, weights, bias, y, residual);
            done += 1;
        }
    }
}

/// `N` pixels from `first` on, all their outputs.
///
/// # Safety
///
/// As [`pixels`], for `first + N` pixels.
#[inline(always)]
unsafe fn tiles<A: Applied, const N: usize>(
    first: usize,
    windows: Windows,
    weights: &[f32],
    bias: &[f32],
    y: *mut f32,
    residual: Option<*const f32>,
) {
    let outputs = bias.len();
    let depth = windows.lines * windows.line_len;
    for block in (0..outputs).step_by(BLOCK) {
        // SAFETY: a block of outputs has `depth` rows of weights; the places of this tile are within the caller's.
        unsafe {
            let at = first * outputs + block;
            let start = windows.start.add(first * windows.stride);
            let weights = weights.as_ptr().add(block * depth);
            let sums = tile::<N>(Windows { start, ..windows }, weights, bias.as_ptr().add(block));
            for (pixel, sums) in sums.into_iter().enumerate() {
                for (half, sum) in sums.into_iter().enumerate() {
                    let at = at + pixel * outputs + half * LANES;
                    let mut value = A::apply(sum);
                    if let Some(residual) = residual {
                        value = value + F32x4::load(residual.add(at));
                    }
                    value.store(y.add(at));
                }
            }
        }
    }
}

/// The sums of `N` windows for one block of outputs.
///
/// # Safety
///
/// The windows must be readable, `weights` for a block for each of a window's numbers, `bias` for one block.
#[inline(always)]
unsafe fn tile<const N: usize>(windows: Windows, weights: *const f32, bias: *const f32) -> [[F32x4; 2]; N] {
    // SAFETY: every address is within what the caller promises.
    unsafe {
        let mut sums = [[F32x4::load(bias), F32x4::load(bias.add(LANES))]; N];
        let mut weights = weights;
        for line in 0..windows.lines {
            let line = windows.start.add(line * windows.line_stride);
            for at in 0..windows.line_len {
                let (low, high) = (F32x4::load(weights), F32x4::load(weights.add(LANES)));
                weights = weights.add(BLOCK);
                for (pixel, [sum_low, sum_high]) in sums.iter_mut().enumerate() {
                    let x = F32x4::load_splat(line.add(pixel * windows.stride + at));
                    *sum_low = x.mul_add(low, *sum_low);
                    *sum_high = x.mul_add(high, *sum_high);
                }
            }
        }
        sums
    }
}
