//! The person's outline: the model's mask, calmed in time, drawn to the edges of the picture, and sharpened.
//!
//! Edges are followed by a guided filter (He, Sun, Tang: "Guided Image Filtering", 2010): in every neighbourhood the mask is
//! taken to be a straight line of the luma, mask ≈ a · luma + b, with a small where the luma is flat. It is a box filter
//! applied twice, and so takes the same time for any radius.

use super::Size;
use super::pixels::{BoxFilter, Pixel};
use super::reduction::between;
use lanes::{F32x4, LANES};

/// How much of a change of the mask is taken over from one picture to the next, when the change is small: that is noise.
const CALM: f32 = 0.35;
/// How quickly that grows with the change: a change by a third is taken over at once, so that nothing is dragged along.
const CALM_GROWTH: f32 = 2.0;
/// How far around a pixel its luma guides the mask, in small pixels.
const GUIDE_RADIUS: usize = 4;
/// The variance of the luma, from 0 to 1, below which a neighbourhood counts as flat: a contrast of some 8 of 255.
const FLATNESS: f32 = 1e-3;
/// Likelihoods from here to there become the mask's whole range.
const SHARP: (f32, f32) = (0.2, 0.8);
/// How much of the background's light the edge of the person takes in.
const WRAP: f32 = 0.25;
/// From here on the mask says person, however much light is taken in: 255 · (1 − WRAP).
pub(super) const PERSON_MIN: u8 = 191;

/// What is known about the outline, for pictures of one size.
#[derive(Debug)]
pub(super) struct Outline {
    size: Size,
    /// The model's mask, calmed, with its width and height; empty before the first.
    calm: Vec<f32>,
    shape: (usize, usize),
    /// Luma, mask and their products, then the coefficients.
    guide: Vec<Pixel>,
    filter: BoxFilter,
    mask: Vec<u8>,
}

impl Outline {
    pub(super) fn new(size: Size) -> Self {
        Self {
            size,
            calm: Vec::new(),
            shape: (0, 0),
            guide: vec![[0.0; 4]; size.small_pixels()],
            filter: BoxFilter::new(size.small_width, size.small_height),
            mask: vec![0; size.small_pixels()],
        }
    }

    /// Takes a new mask of the model, row by row, from 0 to 1.
    pub(super) fn learn(&mut self, mask: &[f32], width: usize, height: usize) {
        if self.shape == (width, height) {
            calm(&mut self.calm, mask);
        } else {
            self.calm = mask.to_vec();
            self.shape = (width, height);
        }
    }

    /// Forgets all masks.
    pub(super) fn forget(&mut self) {
        self.shape = (0, 0);
    }

    /// The mask for the small picture, from 0 for the background to 255 for the person.
    pub(super) fn mask(&mut self, small: &[Pixel]) -> &[u8] {
        if self.shape == (0, 0) {
            self.mask.fill(0);
            return &self.mask;
        }
        self.enlarge(small);
        self.filter.apply(&mut self.guide, GUIDE_RADIUS);
        self.guide.iter_mut().for_each(line_of_luma);
        self.filter.apply(&mut self.guide, GUIDE_RADIUS);
        for ((mask, line), pixel) in self.mask.iter_mut().zip(&self.guide).zip(small) {
            *mask = finished(line, pixel[0]);
        }
        &self.mask
    }

    /// Writes luma, mask, luma² and luma · mask of every small pixel.
    fn enlarge(&mut self, small: &[Pixel]) {
        let ((width, height), small_width) = (self.shape, self.size.small_width);
        let columns: Vec<_> = (0..small_width).map(|at| between(at, small_width, width)).collect();
        let mut line = vec![0.0; width];
        let rows = self.guide.chunks_exact_mut(small_width).zip(small.chunks_exact(small_width));
        for (row, (guide, small)) in rows.enumerate() {
            let (above, below, down) = between(row, self.size.small_height, height);
            let row = |row: usize| &self.calm[row * width..(row + 1) * width];
            blend_rows(row(above), row(below), down, &mut line);
            for ((guide, pixel), (left, right, across)) in guide.iter_mut().zip(small).zip(&columns) {
                let (luma, mask) = (pixel[0] / 255.0, line[*left] + (line[*right] - line[*left]) * across);
                *guide = [luma, mask, luma * luma, luma * mask];
            }
        }
    }
}

/// Moves the calmed mask towards the new one.
pub(super) fn calm(calm: &mut [f32], mask: &[f32]) {
    let (calm, rest) = calm.as_chunks_mut::<LANES>();
    let (mask, mask_rest) = mask.as_chunks::<LANES>();
    for (calm, mask) in calm.iter_mut().zip(mask) {
        let present = F32x4::of(calm);
        let change = F32x4::of(mask) - present;
        let size = change.max(F32x4::splat(0.0) - change);
        let taken = size.mul_add(F32x4::splat(CALM_GROWTH), F32x4::splat(CALM)).unit();
        change.mul_add(taken, present).write(calm);
    }
    rest.iter_mut().zip(mask_rest).for_each(|(calm, mask)| *calm = calmed(*calm, *mask));
}

/// The scalar twin of [`calm`], for one place.
pub(super) fn calmed(calm: f32, mask: f32) -> f32 {
    let change = mask - calm;
    calm + change * (CALM + CALM_GROWTH * change.abs()).clamp(0.0, 1.0)
}

/// A row between two rows.
fn blend_rows(above: &[f32], below: &[f32], down: f32, out: &mut [f32]) {
    for ((above, below), out) in above.iter().zip(below).zip(out) {
        *out = above + (below - above) * down;
    }
}

/// The means of luma, mask and their products become slope, offset and mean of the mask.
fn line_of_luma(means: &mut Pixel) {
    let [luma, mask, square, product] = *means;
    let slope = (product - luma * mask) / ((square - luma * luma).max(0.0) + FLATNESS);
    *means = [slope, mask - slope * luma, mask, 0.0];
}

/// The mask of one pixel, from its line and its luma.
fn finished(&[slope, offset, mean, _]: &Pixel, luma: f32) -> u8 {
    let likelihood = slope * (luma / 255.0) + offset;
    let sharp = ((likelihood - SHARP.0) / (SHARP.1 - SHARP.0)).clamp(0.0, 1.0);
    // Near the edge the neighbourhood's mean is below one: the person lets the background through a little.
    let wrapped = sharp * (1.0 - WRAP * (1.0 - mean.clamp(0.0, 1.0)));
    (wrapped * 255.0 + 0.5) as u8
}
