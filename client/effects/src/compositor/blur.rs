//! The background blurred as if the person were not there.
//!
//! A plain blur would smear the person into the background as a halo. Here every pixel is weighted by how much it is
//! background before the blur, and the weights are blurred with it and divided out: blur(pixel · w) / blur(w). What may be
//! person at all has no weight.

use super::Size;
use super::outline::PERSON_MIN;
use super::pixels::{BoxFilter, Pixel};
use lanes::F32x4;

/// Two boxes one after the other look like a round brush, not like a box.
const PASSES: usize = 2;
/// The radius for strength 0, and what strength 1 adds, as shares of the longer side.
const RADIUS: (f32, f32) = (0.01, 0.05);
/// The weight of the mean background beside the blurred one. It decides only where there is no background near.
const PRIOR: f32 = 1e-3;

/// Blurs pictures of one size.
#[derive(Debug)]
pub(super) struct Blur {
    size: Size,
    pixels: Vec<Pixel>,
    filter: BoxFilter,
    planes: [Vec<u8>; 3],
}

impl Blur {
    pub(super) fn new(size: Size) -> Self {
        let plane = || vec![0; size.small_pixels()];
        Self {
            size,
            pixels: vec![[0.0; 4]; size.small_pixels()],
            filter: BoxFilter::new(size.small_width, size.small_height),
            planes: [plane(), plane(), plane()],
        }
    }

    /// Luma, U and V of the small picture's background, blurred by `strength` from 0 to 1.
    pub(super) fn behind(&mut self, small: &[Pixel], mask: &[u8], strength: f32) -> &[Vec<u8>; 3] {
        let mean = weigh(small, mask, &mut self.pixels);
        for _ in 0..PASSES {
            self.filter.apply(&mut self.pixels, radius(self.size, strength));
        }
        let [luma, u, v] = &mut self.planes;
        for (((pixel, luma), u), v) in self.pixels.iter().zip(luma).zip(u).zip(v) {
            [*luma, *u, *v, _] = unweighed(pixel, &mean);
        }
        &self.planes
    }
}

/// The radius in small pixels.
fn radius(size: Size, strength: f32) -> usize {
    let side = size.small_width.max(size.small_height) as f32;
    // A strength that is no number is the strongest: rather too much is hidden than too little.
    let strength = if strength.is_nan() { 1.0 } else { strength.clamp(0.0, 1.0) };
    ((RADIUS.0 + RADIUS.1 * strength) * side).round().max(1.0) as usize
}

/// Multiplies every pixel by how much it is background, and returns the mean background with the weight of the prior.
pub(super) fn weigh(small: &[Pixel], mask: &[u8], weighed: &mut [Pixel]) -> Pixel {
    let mut sum = F32x4::splat(0.0);
    for ((small, mask), weighed) in small.iter().zip(mask).zip(weighed) {
        let share = f32::from(PERSON_MIN.saturating_sub(*mask)) / f32::from(PERSON_MIN);
        let pixel = F32x4::of(small) * F32x4::splat(share);
        pixel.write(weighed);
        sum = sum + pixel;
    }
    let [luma, u, v, weight] = sum.to_array();
    if weight < 1.0 {
        return [128.0 * PRIOR, 128.0 * PRIOR, 128.0 * PRIOR, PRIOR];
    }
    [luma, u, v, weight].map(|sum| sum / weight * PRIOR)
}

/// Divides the weight out again.
pub(super) fn unweighed(pixel: &Pixel, mean: &Pixel) -> [u8; 4] {
    let sum = F32x4::of(pixel) + F32x4::of(mean);
    let [_, _, _, weight] = sum.to_array();
    (sum * F32x4::splat(1.0 / weight)).to_array().map(|number| (number + 0.5) as u8)
}
