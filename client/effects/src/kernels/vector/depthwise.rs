//! Depthwise convolutions: four channels at a time, along a row of pixels.
#![expect(unsafe_code, reason = "the inner loops go through pointers that are checked once")]

use super::super::{Depthwise, Epilogue};
use super::{Applied, F32x4, HardSwish, Identity, LANES, Relu, check_vectors, check_windows};

/// One row of windows and of results.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// The first line that the windows cover.
    pub(super) x: *const f32,
    /// From one of those lines to the next.
    pub(super) line_stride: usize,
    /// From one window to the next, in pixels.
    pub(super) stride: usize,
    pub(super) channels: usize,
    /// How many pixels.
    pub(super) width: usize,
    pub(super) y: *mut f32,
    pub(super) residual: Option<*const f32>,
}

pub(super) fn depthwise(arena: &mut [f32], step: &Depthwise) {
    match step.epilogue {
        Epilogue::Identity => rows::<Identity>(arena, step),
        Epilogue::Relu => rows::<Relu>(arena, step),
        Epilogue::HardSwish => rows::<HardSwish>(arena, step),
    }
}

fn rows<A: Applied>(arena: &mut [f32], step: &Depthwise) {
    let Depthwise { x, y, weights, bias, size, stride, padding, .. } = step;
    check_vectors(y, arena.len());
    let start = check_windows(x, y, *size, *stride, *padding, arena.len());
    assert_eq!(x.channels, y.channels, "every channel has its own window");
    assert_eq!(weights.len(), size * size * x.channels, "the weights cover the window");
    assert_eq!(bias.len(), x.channels, "there is a bias for every channel");
    if let Some(residual) = step.residual {
        check_vectors(&residual, arena.len());
        assert!(residual.is_congruent(y), "the residual has the shape of the sum");
    }
    let arena = arena.as_mut_ptr();
    for line in 0..y.height {
        // SAFETY: all windows, all of y and all of the residual were found to lie in the arena, and the weights and
        // the bias to have the lengths that the window and the channels demand.
        unsafe {
            let row = Row {
                x: arena.add(start + line * stride * x.row_stride),
                line_stride: x.row_stride,
                stride: *stride,
                channels: x.channels,
                width: y.width,
                y: arena.add(y.at(line, 0)),
                residual: step.residual.map(|residual| arena.add(residual.at(line, 0)).cast_const()),
            };
            match size {
                1 => wide::<A, 1>(row, weights, bias),
                3 => {
                    let lines = [0, 1, 2].map(|line| row.x.add(line * row.line_stride));
                    three::<A>(row, lines, weights, bias);
                }
                _ => {
                    assert_eq!(*size, 5, "the model's reader takes no other windows");
                    wide::<A, 5>(row, weights, bias);
                }
            }
        }
    }
}

/// A row of 3 × 3 windows whose `lines` lie anywhere: the nine weights stay in registers.
///
/// # Safety
///
/// Each of `lines` must be readable for all windows, y writable and the residual readable for the whole row; `weights` must
/// have nine times, `bias` once the channels, which come in fours.
#[inline(always)]
pub(super) unsafe fn three<A: Applied>(row: Row, lines: [*const f32; 3], weights: &[f32], bias: &[f32]) {
    // SAFETY: what is promised here is promised there.
    unsafe {
        match row.residual {
            Some(residual) => three_with::<A, true>(row, lines, weights, bias, residual),
            None => three_with::<A, false>(row, lines, weights, bias, row.x),
        }
    }
}

/// # Safety
///
/// As [`three`]; `residual` is read only if `RESIDUAL`.
#[inline(never)]
unsafe fn three_with<A: Applied, const RESIDUAL: bool>(
    row: Row,
    lines: [*const f32; 3],
    weights: &[f32],
    bias: &[f32],
    residual: *const f32,
) {
    let channels = row.channels;
    for channel in (0..channels).step_by(LANES) {
        // SAFETY: four channels from here on exist at every place of the lines, of y and of the residual.
        unsafe {
            let tap = |at: usize| F32x4::load(weights.as_ptr().add(at * channels + channel));
            let taps = [[tap(0), tap(1), tap(2)], [tap(3), tap(4), tap(5)], [tap(6), tap(7), tap(8)]];
            let bias = F32x4::load(bias.as_ptr().add(channel));
            for column in 0..row.width {
                let at = column * row.stride * channels + channel;
                let x = |line: usize, across: usize| F32x4::load(lines[line].add(at + across * channels));
                // Two chains of additions instead of one: neither waits for the other.
                let mut even = x(0, 0).mul_add(taps[0][0], bias);
                let mut odd = x(1, 0) * taps[1][0];
                even = x(0, 1).mul_add(taps[0][1], even);
                odd = x(1, 1).mul_add(taps[1][1], odd);
                even = x(0, 2).mul_add(taps[0][2], even);
                odd = x(1, 2).mul_add(taps[1][2], odd);
                even = x(2, 0).mul_add(taps[2][0], even);
                odd = x(2, 1).mul_add(taps[2][1], odd);
                even = x(2, 2).mul_add(taps[2][2], even);
                let mut value = A::apply(even + odd);
                let at = column * channels + channel;
                if RESIDUAL {
                    value = value + F32x4::load(residual.add(at));
                }
                value.store(row.y.add(at));
            }
        }
    }
}

/// A row of `SIZE` × `SIZE` windows, four pixels at a time, so that each weight is loaded for four of them.
///
/// # Safety
///
/// `SIZE` lines from `row.x` on must be readable for all windows, y writable and the residual readable for the whole row;
/// `weights` must have SIZE² times, `bias` once the channels, which come in fours.
#[inline(never)]
unsafe fn wide<A: Applied, const SIZE: usize>(row: Row, weights: &[f32], bias: &[f32]) {
    for channel in (0..row.channels).step_by(LANES) {
        let mut column = 0;
        // SAFETY: the columns stay below the width, the channels below their number.
        unsafe {
            while column + 4 <= row.width {
                wide_block::<A, SIZE, 4>(row, channel, column, weights, bias);
                column += 4;
            }
            while column < row.width {
                wide_block::<A, SIZE, 1>(row, channel, column, weights, bias);
                column += 1;
            }
        }
    }
}

/// `N` pixels from `column` on.
///
/// # Safety
///
/// As [`wide`], for four channels from `channel` on and `N` pixels from `column` on.
#[inline(always)]
unsafe fn wide_block<A: Applied, const SIZE: usize, const N: usize>(
    row: Row,
    channel: usize,
    column: usize,
    weights: &[f32],
    bias: &[f32],
) {
    let channels = row.channels;
    // SAFETY: every address is within what the caller promises.
    unsafe {
        let x = row.x.add(column * row.stride * channels + channel);
        let mut sums = [F32x4::load(bias.as_ptr().add(channel)); N];
        for line in 0..SIZE {
            let x = x.add(line * row.line_stride);
            for across in 0..SIZE {
                let weight = F32x4::load(weights.as_ptr().add((line * SIZE + across) * channels + channel));
                for (pixel, sum) in sums.iter_mut().enumerate() {
                    let x = F32x4::load(x.add((across + pixel * row.stride) * channels));
                    *sum = x.mul_add(weight, *sum);
                }
            }
        }
        for (pixel, sum) in sums.into_iter().enumerate() {
            let at = (column + pixel) * channels + channel;
            let mut value = A::apply(sum);
            if let Some(residual) = row.residual {
                value = value + F32x4::load(residual.add(at));
            }
            value.store(row.y.add(at));
        }
    }
}
