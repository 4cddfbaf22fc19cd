//! The transposed convolution that makes four places of the mask of each pixel: four dot products, summed together.
#![expect(unsafe_code, reason = "the inner loops go through pointers that are checked once")]

use super::super::{Transposed, TransposedFilter};
use super::{F32x4, LANES, check_vectors};

pub(super) fn transposed(arena: &mut [f32], step: &Transposed) {
    let Transposed { x, y, filter } = step;
    check_vectors(x, arena.len());
    check(filter, x.channels);
    let is_doubled = (y.height, y.width, y.channels) == (2 * x.height, 2 * x.width, 1);
    assert!(
        is_doubled && y.end() <= arena.len(),
        "the result is twice as wide and high and lies in the arena"
    );
    let arena = arena.as_mut_ptr();
    for row in 0..x.height {
        // SAFETY: the row of x and both rows of y lie in the arena; the weights' length was checked.
        unsafe {
            let rows = [arena.add(y.at(2 * row, 0)), arena.add(y.at(2 * row + 1, 0))];
            squares(arena.add(x.at(row, 0)), x.width, x.channels, filter, rows, |sums| sums);
        }
    }
}

/// Panics unless the filter has a weight for each corner and input, and the inputs come in fours.
pub(super) fn check(filter: &TransposedFilter, channels: usize) {
    assert_eq!(filter.weights.len(), 4 * channels, "there is a weight for every corner and input");
    assert!(channels.is_multiple_of(LANES), "channels come in fours");
}

/// A row of pixels into two rows of the mask.
///
/// # Safety
///
/// `x` must be readable for `width · channels` numbers, both `rows` writable for twice the width, and `filter` pass
/// [`check`].
#[inline(always)]
pub(super) unsafe fn squares(
    x: *const f32,
    width: usize,
    channels: usize,
    filter: &TransposedFilter,
    rows: [*mut f32; 2],
    apply: impl Fn(F32x4) -> F32x4,
) {
    let bias = F32x4::splat(filter.bias);
    for column in 0..width {
        // SAFETY: the column is below the width, the channels below their number, the corners below four.
        unsafe {
            let pixel = x.add(column * channels);
            let products = [0, 1, 2, 3].map(|corner| {
                let weights = filter.weights.as_ptr().add(corner * channels);
                let mut sum = F32x4::load(pixel) * F32x4::load(weights);
                for channel in (LANES..channels).step_by(LANES) {
                    sum = F32x4::load(pixel.add(channel)).mul_add(F32x4::load(weights.add(channel)), sum);
                }
                sum
            });
            let [a, b, c, d] = apply(F32x4::sums_of_rows(products) + bias).to_array();
            rows[0].add(2 * column).cast::<[f32; 2]>().write_unaligned([a, b]);
            rows[1].add(2 * column).cast::<[f32; 2]>().write_unaligned([c, d]);
        }
    }
}
