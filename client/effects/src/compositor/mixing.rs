//! The last step, row by row at full size: out = person · mask + background · (1 − mask).
//!
//! Small planes are stretched bilinearly between pixel centres, in whole numbers: first between two rows, then across, eight
//! small pixels at a time. Their weights have denominators of twice the factor each way, so that nothing is rounded before the
//! end.

use super::Size;
use lanes::{U16x8, WORDS};

/// Mixes pictures of one size.
#[derive(Debug)]
pub(super) struct Mixer {
    size: Size,
    /// A row between two small ones, with a vector's width of the edge pixels on both sides.
    between: Vec<u16>,
    /// Stretched rows of the mask and of the background.
    mask: Vec<u8>,
    ground: Vec<u8>,
}

/// One plane of the picture: its size, where it begins, and how many of its pixels a small one stands for.
#[derive(Debug, Clone, Copy)]
struct Plane {
    width: usize,
    height: usize,
    start: usize,
    factor: usize,
}

impl Mixer {
    pub(super) fn new(size: Size) -> Self {
        let small = size.small_width.next_multiple_of(WORDS);
        let row = vec![0; small * size.factor];
        Self { size, between: vec![0; small + 2 * WORDS], mask: row.clone(), ground: row }
    }

    /// Luma, U and V.
    fn planes(&self) -> [Plane; 3] {
        let Size { width, height, factor, .. } = self.size;
        let luma = Plane { width, height, start: 0, factor };
        let colour = |start: usize| Plane { width: width / 2, height: height / 2, start, factor: factor / 2 };
        let quarter = width * height / 4;
        [luma, colour(4 * quarter), colour(5 * quarter)]
    }

    /// The person over a background as small as the mask.
    pub(super) fn over_small(
        &mut self,
        luma: &[u8],
        colours: &[u8],
        ground: &[Vec<u8>; 3],
        mask: &[u8],
        out: &mut [u8],
    ) {
        let rows = (self.size.small_width, self.size.small_height);
        for (plane, ground) in self.planes().into_iter().zip(ground) {
            for row in 0..plane.height {
                let (person, out) = line(plane, row, luma, colours, out);
                stretch(mask, rows, plane.factor, row, &mut self.between, &mut self.mask);
                stretch(ground, rows, plane.factor, row, &mut self.between, &mut self.ground);
                mix(person, &self.ground[..plane.width], &self.mask[..plane.width], out);
            }
        }
    }

    /// The person over a background as large as the picture.
    pub(super) fn over(&mut self, luma: &[u8], colours: &[u8], ground: &[u8], mask: &[u8], out: &mut [u8]) {
        let rows = (self.size.small_width, self.size.small_height);
        for plane in self.planes() {
            for row in 0..plane.height {
                let start = plane.start + row * plane.width;
                let (person, out) = line(plane, row, luma, colours, out);
                stretch(mask, rows, plane.factor, row, &mut self.between, &mut self.mask);
                mix(person, &ground[start..start + plane.width], &self.mask[..plane.width], out);
            }
        }
    }
}

/// A row of the camera's picture and the same of the result.
fn line<'a>(
    plane: Plane,
    row: usize,
    luma: &'a [u8],
    colours: &'a [u8],
    out: &'a mut [u8],
) -> (&'a [u8], &'a mut [u8]) {
    let start = plane.start + row * plane.width;
    let person = match start.checked_sub(luma.len()) {
        Some(start) => &colours[start..start + plane.width],
        None => &luma[start..start + plane.width],
    };
    (person, &mut out[start..start + plane.width])
}

/// Row `row` of a small plane stretched by `factor`: 1, 2 or 4. `out` has room for whole vectors.
pub(super) fn stretch(
    small: &[u8],
    (width, height): (usize, usize),
    factor: usize,
    row: usize,
    between: &mut [u16],
    out: &mut [u8],
) {
    let (above, below, weights) = neighbours(row, factor, height);
    let line = |row: usize| &small[row * width..(row + 1) * width];
    rows_between(line(above), line(below), weights, between);
    match factor {
        1 => stretch_across::<1, 1, 2>(between, out),
        2 => stretch_across::<2, 2, 4>(between, out),
        _ => stretch_across::<4, 4, 6>(between, out),
    }
}

/// Between which two small ones a row or column lies, and their weights, which sum up to twice the factor.
fn neighbours(at: usize, factor: usize, len: usize) -> (usize, usize, [u16; 2]) {
    // Pixel centres: offsets of −(factor − 1) … factor − 1, in steps of two, from the centre of the small pixel.
    let (home, whole) = (at / factor, 2 * factor);
    let offset = 2 * (at % factor) + 1;
    match offset.checked_sub(factor) {
        Some(after) => (home, (home + 1).min(len - 1), [(whole - after) as u16, after as u16]),
        None => (home.saturating_sub(1), home, [(factor - offset) as u16, (factor + offset) as u16]),
    }
}

/// A weighted sum of two rows, with the edge pixels repeated on both sides.
fn rows_between(above: &[u8], below: &[u8], weights: [u16; 2], out: &mut [u16]) {
    let width = above.len();
    let [first, second] = weights.map(U16x8::splat);
    let (above_words, above_rest) = above.as_chunks::<WORDS>();
    let (below_words, below_rest) = below.as_chunks::<WORDS>();
    let (out_words, _) = out[WORDS..].as_chunks_mut::<WORDS>();
    for ((above, below), out) in above_words.iter().zip(below_words).zip(out_words) {
        (U16x8::of_bytes(above) * first + U16x8::of_bytes(below) * second).write(out);
    }
    let done = WORDS + width - above_rest.len();
    for ((above, below), out) in above_rest.iter().zip(below_rest).zip(&mut out[done..]) {
        *out = u16::from(*above) * weights[0] + u16::from(*below) * weights[1];
    }
    out[WORDS - 1] = out[WORDS];
    let last = out[WORDS + width - 1];
    out[WORDS + width..].fill(last);
}

/// Eight small pixels become `FACTOR` times as many bytes. `FACTOR` is given twice because one is a length; `BITS` is what
/// the weights of both directions sum up to, as a power of two.
fn stretch_across<const FACTOR: usize, const VECTORS: usize, const BITS: u32>(row: &[u16], out: &mut [u8]) {
    let half = U16x8::splat(1 << (BITS - 1));
    let blocks = row[WORDS..].as_chunks::<WORDS>().0;
    let (out, _) = out.as_chunks_mut::<WORDS>();
    for (block, (middle, out)) in blocks.iter().zip(out.as_chunks_mut::<VECTORS>().0).enumerate() {
        let start = WORDS + block * WORDS;
        let beside = |start: usize| row[start..].first_chunk().map_or(U16x8::of(middle), U16x8::of);
        let (left, middle, right) = (beside(start - 1), U16x8::of(middle), beside(start + 1));
        let phases: [U16x8; VECTORS] = std::array::from_fn(|phase| {
            let offset = 2 * phase + 1;
            let weighted = match offset.checked_sub(FACTOR) {
                Some(after) => {
                    middle * U16x8::splat((2 * FACTOR - after) as u16) + right * U16x8::splat(after as u16)
                }
                None => {
                    let before = FACTOR - offset;
                    middle * U16x8::splat((2 * FACTOR - before) as u16) + left * U16x8::splat(before as u16)
                }
            };
            (weighted + half).shifted::<BITS>()
        });
        interleaved(phases).into_iter().zip(out).for_each(|(vector, out)| vector.write_bytes(out));
    }
}

/// The lanes of one, two or four vectors in turns.
fn interleaved<const VECTORS: usize>(phases: [U16x8; VECTORS]) -> [U16x8; VECTORS] {
    let mut out = phases;
    match *phases.as_slice() {
        [a, b] => out.copy_from_slice(&a.in_turns(b)),
        [a, b, c, d] => {
            let ([even, even_rest], [odd, odd_rest]) = (a.in_turns(c), b.in_turns(d));
            out[..2].copy_from_slice(&even.in_turns(odd));
            out[2..].copy_from_slice(&even_rest.in_turns(odd_rest));
        }
        _ => {}
    }
    out
}

/// person · mask + ground · (1 − mask), rounded.
pub(super) fn mix(person: &[u8], ground: &[u8], mask: &[u8], out: &mut [u8]) {
    let (person, person_rest) = person.as_chunks::<WORDS>();
    let (ground, ground_rest) = ground.as_chunks::<WORDS>();
    let (mask, mask_rest) = mask.as_chunks::<WORDS>();
    let (out, out_rest) = out.as_chunks_mut::<WORDS>();
    let (whole, half) = (U16x8::splat(256), U16x8::splat(128));
    for (((person, ground), mask), out) in person.iter().zip(ground).zip(mask).zip(out) {
        // From 0 … 255 to 0 … 256, so that both ends are exact.
        let mask = U16x8::of_bytes(mask);
        let mask = mask + mask.shifted::<7>();
        let sum = U16x8::of_bytes(person) * mask + U16x8::of_bytes(ground) * (whole - mask);
        (sum + half).shifted::<8>().write_bytes(out);
    }
    for (((person, ground), mask), out) in person_rest.iter().zip(ground_rest).zip(mask_rest).zip(out_rest) {
        *out = mixed(*person, *ground, *mask);
    }
}

/// The scalar twin of [`mix`], for one byte.
pub(super) fn mixed(person: u8, ground: u8, mask: u8) -> u8 {
    let mask = u16::from(mask) + u16::from(mask >> 7);
    ((u16::from(person) * mask + u16::from(ground) * (256 - mask) + 128) >> 8) as u8
}
