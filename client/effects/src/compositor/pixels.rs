//! Small pictures, four numbers a pixel, and the box filter that everything soft is made with.

use lanes::F32x4;

/// Luma, U and V from 0 to 255, and a weight; or any other four numbers of one place.
pub(super) type Pixel = [f32; 4];

/// No light and no colour.
pub(super) const BLACK: Pixel = [16.0, 128.0, 128.0, 1.0];

/// A box filter over small pictures of one size, with the memory it needs. Beyond the edge the last pixel goes on.
#[derive(Debug)]
pub(super) struct BoxFilter {
    width: usize,
    height: usize,
    across: Vec<Pixel>,
    sums: Vec<Pixel>,
}

impl BoxFilter {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, height, across: vec![[0.0; 4]; width * height], sums: vec![[0.0; 4]; width] }
    }

    /// Every pixel becomes the mean of those at most `radius` away, across and down.
    pub(super) fn apply(&mut self, pixels: &mut [Pixel], radius: usize) {
        for (row, out) in pixels.chunks_exact(self.width).zip(self.across.chunks_exact_mut(self.width)) {
            row_means(row, out, radius);
        }
        self.column_means(pixels, radius);
    }

    /// A sum for each column moves down row by row: what comes in is added, what goes out is taken away.
    fn column_means(&mut self, out: &mut [Pixel], radius: usize) {
        let row = |index: usize| {
            let start = index.min(self.height - 1) * self.width;
            &self.across[start..start + self.width]
        };
        for (sum, first) in self.sums.iter_mut().zip(row(0)) {
            (F32x4::of(first) * F32x4::splat((radius + 1) as f32)).write(sum);
        }
        for below in 1..=radius {
            for (sum, pixel) in self.sums.iter_mut().zip(row(below)) {
                (F32x4::of(sum) + F32x4::of(pixel)).write(sum);
            }
        }
        let share = F32x4::splat(1.0 / (2 * radius + 1) as f32);
        for (index, out) in out.chunks_exact_mut(self.width).enumerate() {
            let (enters, leaves) = (row(index + radius + 1), row(index.saturating_sub(radius)));
            for (((sum, out), enters), leaves) in self.sums.iter_mut().zip(out).zip(enters).zip(leaves) {
                let present = F32x4::of(sum);
                (present * share).write(out);
                (present + (F32x4::of(enters) - F32x4::of(leaves))).write(sum);
            }
        }
    }
}

fn row_means(row: &[Pixel], out: &mut [Pixel], radius: usize) {
    let last = row.len() - 1;
    let at = |index: usize| F32x4::of(&row[index.min(last)]);
    let mut sum = at(0) * F32x4::splat((radius + 1) as f32);
    for right in 1..=radius {
        sum = sum + at(right);
    }
    let share = F32x4::splat(1.0 / (2 * radius + 1) as f32);
    for (index, out) in out.iter_mut().enumerate() {
        (sum * share).write(out);
        sum = sum + (at(index + radius + 1) - at(index.saturating_sub(radius)));
    }
}

/// The scalar twin of [`BoxFilter::apply`]: every mean summed up anew.
#[cfg(any(test, all(target_arch = "wasm32", feature = "twins")))]
pub(super) fn box_means(pixels: &[Pixel], width: usize, height: usize, radius: usize) -> Vec<Pixel> {
    let reach = -(radius.cast_signed())..=radius.cast_signed();
    let near = |at: usize, by: isize, len: usize| at.saturating_add_signed(by).min(len - 1);
    let mean = |row: usize, column: usize| {
        let mut sum = [0.0; 4];
        for (down, right) in reach.clone().flat_map(|down| reach.clone().map(move |right| (down, right))) {
            let pixel = pixels[near(row, down, height) * width + near(column, right, width)];
            (0..4).for_each(|lane| sum[lane] += pixel[lane]);
        }
        sum.map(|sum| sum / ((2 * radius + 1) * (2 * radius + 1)) as f32)
    };
    (0..width * height).map(|index| mean(index / width, index % width)).collect()
}
