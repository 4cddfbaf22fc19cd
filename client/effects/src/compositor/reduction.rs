//! Making pictures smaller: to the one that outline and blur work on, and on to the model's.

use super::Size;
use super::pixels::Pixel;
use crate::graph::Segmenter;
use lanes::{F32x4, U16x8, WORDS};

/// Red, green and blue from 0 to 1 out of luma, U and V from 0 to 255 (BT.601, limited range): what each adds.
const FROM_LUMA: [f32; 4] = [1.164_383_6 / 255.0, 1.164_383_6 / 255.0, 1.164_383_6 / 255.0, 0.0];
const FROM_U: [f32; 4] = [0.0, -0.391_762_3 / 255.0, 2.017_232_2 / 255.0, 0.0];
const FROM_V: [f32; 4] = [1.596_026_8 / 255.0, -0.812_967_6 / 255.0, 0.0, 0.0];

/// Reduces pictures of one size.
#[derive(Debug)]
pub(super) struct Reduction {
    size: Size,
    /// Sums down the columns of a few rows.
    sums: Vec<u16>,
}

impl Reduction {
    pub(super) fn new(size: Size) -> Self {
        Self { size, sums: vec![0; (size.small_width * size.factor).next_multiple_of(WORDS)] }
    }

    /// The small picture: each pixel the mean of the large ones it stands for. `colours` are U and V in planes.
    pub(super) fn reduce(&mut self, luma: &[u8], colours: &[u8], small: &mut [Pixel]) {
        let Size { width, height, factor, .. } = self.size;
        let (u, v) = colours.split_at(colours.len() / 2);
        self.reduce_plane(luma, (width, height), factor, small, 0);
        self.reduce_plane(u, (width / 2, height / 2), factor / 2, small, 1);
        self.reduce_plane(v, (width / 2, height / 2), factor / 2, small, 2);
    }

    /// Writes the means of `factor` × `factor` bytes into one lane. At the right and lower edge the last byte goes on.
    fn reduce_plane(
        &mut self,
        plane: &[u8],
        (width, height): (usize, usize),
        factor: usize,
        small: &mut [Pixel],
        lane: usize,
    ) {
        let share = 1.0 / (factor * factor) as f32;
        for (row, small) in small.chunks_exact_mut(self.size.small_width).enumerate() {
            let lines = (row * factor..(row + 1) * factor).map(|line| {
                let start = line.min(height - 1) * width;
                &plane[start..start + width]
            });
            self.sums.fill(0);
            lines.for_each(|line| add_bytes(&mut self.sums, line));
            let last = self.sums[width - 1];
            self.sums[width..].fill(last);
            for (pixel, sums) in small.iter_mut().zip(self.sums.chunks_exact(factor)) {
                pixel[lane] = f32::from(sums.iter().sum::<u16>()) * share;
            }
        }
    }
}

/// Adds a row of bytes to a row of sums.
pub(super) fn add_bytes(sums: &mut [u16], bytes: &[u8]) {
    let (sums, _) = sums.as_chunks_mut::<WORDS>();
    let (whole, rest) = bytes.as_chunks::<WORDS>();
    let mut sums = sums.iter_mut();
    for (bytes, sums) in whole.iter().zip(&mut sums) {
        (U16x8::of(sums) + U16x8::of_bytes(bytes)).write(sums);
    }
    if let Some(sums) = sums.next() {
        sums.iter_mut().zip(rest).for_each(|(sum, byte)| *sum += u16::from(*byte));
    }
}

/// U and V in turns become U and V in planes, `planes` being made as long.
pub(super) fn split_colours(in_turns: &[u8], planes: &mut Vec<u8>) {
    planes.resize(in_turns.len(), 0);
    let (u, v) = planes.split_at_mut(in_turns.len() / 2);
    let (pairs, rest) = in_turns.as_chunks::<{ 2 * WORDS }>();
    let (u, u_rest) = u.as_chunks_mut::<WORDS>();
    let (v, v_rest) = v.as_chunks_mut::<WORDS>();
    for ((pairs, u), v) in pairs.iter().zip(u).zip(v) {
        let mut words = [0; WORDS];
        for (word, pair) in words.iter_mut().zip(pairs.as_chunks::<2>().0) {
            *word = u16::from_le_bytes(*pair);
        }
        let words = U16x8::of(&words);
        words.low_bytes().write_bytes(u);
        words.shifted::<8>().write_bytes(v);
    }
    for ((pair, u), v) in rest.as_chunks::<2>().0.iter().zip(u_rest).zip(v_rest) {
        [*u, *v] = *pair;
    }
}

/// Where pixel `at` of `len` lies in a picture of `other` pixels: between which two, and how far from the first.
pub(super) fn between(at: usize, len: usize, other: usize) -> (usize, usize, f32) {
    let place = ((at as f32 + 0.5) * (other as f32 / len as f32) - 0.5).clamp(0.0, (other - 1) as f32);
    let first = place as usize;
    (first, (first + 1).min(other - 1), place - first as f32)
}

/// Writes the small picture as the model's: red, green and blue, bilinear between pixel centres.
pub(super) fn write_picture(small: &[Pixel], size: Size, segmenter: &mut Segmenter) {
    let shape = segmenter.input_shape();
    let columns: Vec<_> = (0..shape.width).map(|at| between(at, shape.width, size.small_width)).collect();
    for (at, row) in segmenter.input_rows().enumerate() {
        let (above, below, down) = between(at, shape.height, size.small_height);
        let line = |row: usize| &small[row * size.small_width..(row + 1) * size.small_width];
        picture_row([line(above), line(below)], down, &columns, row);
    }
}

/// One row of the model's picture.
pub(super) fn picture_row(lines: [&[Pixel]; 2], down: f32, columns: &[(usize, usize, f32)], out: &mut [f32]) {
    let [luma, u, v] = [FROM_LUMA, FROM_U, FROM_V].map(|lanes| F32x4::of(&lanes));
    let zero = luma * F32x4::splat(-16.0) + (u + v) * F32x4::splat(-128.0);
    for ((left, right, across), out) in columns.iter().zip(out.chunks_exact_mut(3)) {
        let [above, below] = lines.map(|line| {
            let (a, b) = (F32x4::of(&line[*left]), F32x4::of(&line[*right]));
            (b - a).mul_add(F32x4::splat(*across), a)
        });
        let [y, cb, cr, _] = (below - above).mul_add(F32x4::splat(down), above).to_array();
        let colour =
            luma.mul_add(F32x4::splat(y), u.mul_add(F32x4::splat(cb), v.mul_add(F32x4::splat(cr), zero)));
        let [r, g, b, _] = colour.unit().to_array();
        out.copy_from_slice(&[r, g, b]);
    }
}
