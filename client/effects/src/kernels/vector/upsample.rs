//! Twice the width and height: vertically between two rows, and horizontally on the way out.
#![expect(unsafe_code, reason = "the inner loops go through pointers that are checked once")]

use super::super::{Upsample, View, upsampled_between};
use super::{F32x4, LANES, check_vectors};

pub(super) fn upsample(arena: &mut [f32], step: &Upsample) {
    let Upsample { x, y } = step;
    check_vectors(x, arena.len());
    check_vectors(y, arena.len());
    let is_doubled = (y.height, y.width, y.channels) == (2 * x.height, 2 * x.width, x.channels);
    assert!(is_doubled, "the result is twice as wide and high");
    let arena = arena.as_mut_ptr();
    for row in 0..y.height {
        // SAFETY: x and y lie in the arena; the places handed out are those of one row of y.
        unsafe {
            let out = arena.add(y.at(row, 0));
            doubled_row(arena, x, row, |_, at, value| value.store(out.add(at)));
        }
    }
}

/// Computes row `row` of the doubled picture and hands out each four numbers with their first channel
/// and their place in that row.
///
/// # Safety
///
/// `x` must lie in the readable numbers from `arena` on, its channels must come in fours, and `row` be below twice its
/// height.
#[inline(always)]
pub(super) unsafe fn doubled_row(
    arena: *const f32,
    x: &View,
    row: usize,
    emit: impl Fn(usize, usize, F32x4),
) {
    let (upper, lower, down) = upsampled_between(row, x.height);
    let (near, far) = (F32x4::splat(0.25), F32x4::splat(0.75));
    let down = F32x4::splat(down);
    for channel in (0..x.channels).step_by(LANES) {
        let between = |column: usize| {
            // SAFETY: the rows and the column are those of x, which lies in the arena.
            let [above, below] =
                [upper, lower].map(|row| unsafe { F32x4::load(arena.add(x.at(row, column) + channel)) });
            (below - above).mul_add(down, above)
        };
        let mut previous = between(0);
        emit(channel, channel, previous);
        for column in 1..x.width {
            let next = between(column);
            let at = (2 * column - 1) * x.channels + channel;
            emit(channel, at, next.mul_add(near, previous * far));
            emit(channel, at + x.channels, next.mul_add(far, previous * near));
            previous = next;
        }
        emit(channel, (2 * x.width - 1) * x.channels + channel, previous);
    }
}
