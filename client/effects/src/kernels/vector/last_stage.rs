//! The end of the decoder, a row at a time: see [`LastStage`].
//!
//! Row r of the 1 × 1 convolution completes row r − 1 of the depthwise one, which becomes rows 2r − 2 and 2r − 1 of the
//! mask. Only four rows of the former are kept, and all of it stays in the nearest cache.
#![expect(unsafe_code, reason = "the inner loops go through pointers that are checked once")]

use super::super::{LAST_STAGE_CHANNELS as CHANNELS, LastStage};
use super::depthwise::{self, Row};
use super::gemm::{self, Windows};
use super::{F32x4, Relu, check_vectors, transposed, upsample};

/// Rows of the 1 × 1 convolution that are kept. Three are needed; four are told apart by two bits.
const KEPT: usize = 4;

/// Where the rows lie in the scratch memory.
#[derive(Debug, Clone, Copy)]
struct Scratch {
    width: usize,
    /// The length of a row with a border of one pixel on both sides.
    bordered: usize,
}

impl Scratch {
    fn new(width: usize) -> Self {
        Self { width, bordered: (width + 2) * CHANNELS }
    }

    /// A kept row, from its left border on. Row −1 and the row below the last are zeros.
    fn kept(self, row: Option<usize>) -> usize {
        row.map_or(KEPT, |row| row % KEPT) * self.bordered
    }

    /// The sum that goes into the 1 × 1 convolution.
    fn sum(self) -> usize {
        (KEPT + 1) * self.bordered
    }

    /// What comes out of the depthwise convolution.
    fn depthwise(self) -> usize {
        self.sum() + self.width * CHANNELS
    }

    fn len(self) -> usize {
        self.depthwise() + self.width * CHANNELS
    }
}

pub(super) fn last_stage(arena: &mut [f32], scratch: &mut Vec<f32>, step: &LastStage) {
    let layout = Scratch::new(step.skip.width);
    check(step, arena.len());
    if scratch.len() < layout.len() {
        scratch.resize(layout.len(), 0.0);
    }
    // The borders must be zeros, and the scratch memory is shared.
    scratch[..(KEPT + 1) * layout.bordered].fill(0.0);
    let (arena, scratch) = (arena.as_mut_ptr(), scratch.as_mut_ptr());
    for row in 0..=step.skip.height {
        // SAFETY: the views lie in the arena and the layout in the scratch memory, as checked; a row below the last is
        // never summed, and rows of the mask are written only for rows that exist.
        unsafe {
            if row < step.skip.height {
                convolve(arena, scratch, layout, step, row);
            }
            if let Some(done) = row.checked_sub(1) {
                finish(arena, scratch, layout, step, done);
            }
        }
    }
}

fn check(step: &LastStage, len: usize) {
    let LastStage { low, skip, scale, y, filter, .. } = step;
    for view in [low, skip, scale] {
        check_vectors(view, len);
        assert_eq!(view.channels, CHANNELS, "the last stage is made for one number of channels");
    }
    assert!(scale.is_point_of(CHANNELS), "the scale is a point");
    assert_eq!((skip.height, skip.width), (2 * low.height, 2 * low.width), "the first factor of two");
    assert_eq!((y.height, y.width, y.channels), (2 * skip.height, 2 * skip.width, 1), "the second");
    assert!(y.end() <= len, "the mask lies in the arena");
    assert!(filter.depth == CHANNELS && filter.bias.len() == CHANNELS, "the 1 × 1 keeps the channels");
    assert_eq!(filter.weights.len(), CHANNELS * CHANNELS, "there is a weight for every input and output");
    assert_eq!(step.depthwise_weights.len(), 9 * CHANNELS, "the window is 3 × 3");
    assert_eq!(step.depthwise_bias.len(), CHANNELS, "there is a bias for every channel");
    transposed::check(&step.transposed, CHANNELS);
}

/// Row `row` of low · 2 + skip · scale, and of the 1 × 1 convolution over it.
///
/// # Safety
///
/// `step` must pass [`check`] for the arena, the layout fit the scratch memory, and `row` be one of skip's.
unsafe fn convolve(arena: *mut f32, scratch: *mut f32, layout: Scratch, step: &LastStage, row: usize) {
    // SAFETY: the caller promises that all views and rows are there.
    unsafe {
        let sum = scratch.add(layout.sum());
        let skip = arena.add(step.skip.at(row, 0));
        let scale = [0, 4, 8, 12].map(|channel| F32x4::load(arena.add(step.scale.origin + channel)));
        upsample::doubled_row(arena, &step.low, row, |channel, at, value| {
            let skip = F32x4::load(skip.add(at));
            skip.mul_add(scale[channel / 4], value).store(sum.add(at));
        });
        let windows = Windows { start: sum, stride: CHANNELS, lines: 1, line_stride: 0, line_len: CHANNELS };
        let out = scratch.add(layout.kept(Some(row)) + CHANNELS);
        gemm::pixels::<Relu>(layout.width, windows, &step.filter.weights, &step.filter.bias, out, None);
    }
}

/// Row `row` of the depthwise convolution, and the two rows of the mask that it becomes.
///
/// # Safety
///
/// As [`convolve`]; the rows of the 1 × 1 convolution up to `row + 1` must be computed as far as they exist.
unsafe fn finish(arena: *mut f32, scratch: *mut f32, layout: Scratch, step: &LastStage, row: usize) {
    let below = Some(row + 1).filter(|below| *below < step.skip.height);
    // SAFETY: the caller promises that all views and rows are there; kept rows have a border of one pixel.
    unsafe {
        let lines =
            [row.checked_sub(1), Some(row), below].map(|row| scratch.add(layout.kept(row)).cast_const());
        let depthwise = scratch.add(layout.depthwise());
        let places = Row {
            x: lines[0],
            line_stride: 0,
            stride: 1,
            channels: CHANNELS,
            width: layout.width,
            y: depthwise,
            residual: Some(lines[1].add(CHANNELS)),
        };
        depthwise::three::<Relu>(places, lines, &step.depthwise_weights, &step.depthwise_bias);
        let rows = [0, 1].map(|half| arena.add(step.y.at(2 * row + half, 0)));
        transposed::squares(depthwise, layout.width, CHANNELS, &step.transposed, rows, F32x4::sigmoid);
    }
}
