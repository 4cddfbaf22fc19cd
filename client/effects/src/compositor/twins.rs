//! What the compositor does with vectors beside its scalar twin, on made-up pictures whose sizes no vector divides.

use super::mixing::{mix, mixed, stretch};
use super::outline::{calm, calmed};
use super::pixels::{BoxFilter, Pixel, box_means};
use super::reduction::{add_bytes, picture_row, split_colours};
use super::{blur, reduction};
use crate::twins::{Random, Twins, largest_difference};
use lanes::WORDS;

/// All comparisons.
pub(crate) const COMPOSITOR: [Twins; 10] = [
    ("box filter, small radius", || box_filter(2)),
    ("box filter, larger than the picture", || box_filter(30)),
    ("sums of rows", sums_of_rows),
    ("colours in turns", colours_in_turns),
    ("the model's picture", models_picture),
    ("a calmed mask", calmed_mask),
    ("a weighed background", weighed_background),
    ("stretching by 1 and 2", || stretched(1).max(stretched(2))),
    ("stretching by 4", || stretched(4)),
    ("mixing", mixing),
];

fn pixels(random: &mut Random, count: usize) -> Vec<Pixel> {
    (0..count).map(|_| [random.number(), random.number(), random.number(), random.number()]).collect()
}

fn box_filter(radius: usize) -> f32 {
    let (width, height) = (23, 13);
    let mut pixels = pixels(&mut Random::new(), width * height);
    let expected = box_means(&pixels, width, height, radius);
    BoxFilter::new(width, height).apply(&mut pixels, radius);
    largest_difference(expected.as_flattened(), pixels.as_flattened())
}

/// How many bytes differ: there is no rounding in whole numbers.
fn differing<T: PartialEq>(one: &[T], other: &[T]) -> f32 {
    if one.len() == other.len() {
        one.iter().zip(other).filter(|(one, other)| one != other).count() as f32
    } else {
        f32::MAX
    }
}

fn sums_of_rows() -> f32 {
    let bytes = Random::new().bytes(45);
    let mut sums: Vec<u16> = (0..48).map(|at| 10 * at).collect();
    let expected: Vec<u16> = sums.iter().zip(&bytes).map(|(sum, byte)| sum + u16::from(*byte)).collect();
    add_bytes(&mut sums, &bytes);
    differing(&expected, &sums[..bytes.len()])
}

fn colours_in_turns() -> f32 {
    let in_turns = Random::new().bytes(2 * 43);
    let expected: Vec<u8> =
        in_turns.iter().step_by(2).chain(in_turns.iter().skip(1).step_by(2)).copied().collect();
    let mut planes = Vec::new();
    split_colours(&in_turns, &mut planes);
    differing(&expected, &planes)
}

fn models_picture() -> f32 {
    let mut random = Random::new();
    let mut line =
        || pixels(&mut random, 19).into_iter().map(|pixel| pixel.map(|x| 127.5 * (x + 1.0))).collect();
    let lines: [Vec<Pixel>; 2] = [line(), line()];
    let columns: Vec<_> = (0..11).map(|at| reduction::between(at, 11, 19)).collect();
    let expected: Vec<f32> = columns
        .iter()
        .flat_map(|&(left, right, across)| {
            let at = |lane: usize| {
                let [above, below] = [&lines[0], &lines[1]]
                    .map(|line| line[left][lane] + (line[right][lane] - line[left][lane]) * across);
                above + (below - above) * 0.3
            };
            let (luma, u, v) = ((at(0) - 16.0) * 1.164_383_6, at(1) - 128.0, at(2) - 128.0);
            [luma + 1.596_026_8 * v, luma - 0.391_762_3 * u - 0.812_967_6 * v, luma + 2.017_232_2 * u]
        })
        .map(|colour| (colour / 255.0).clamp(0.0, 1.0))
        .collect();
    let mut out = vec![0.0; expected.len()];
    picture_row([&lines[0], &lines[1]], 0.3, &columns, &mut out);
    largest_difference(&expected, &out)
}

fn calmed_mask() -> f32 {
    let mut random = Random::new();
    let mut mask = || random.numbers(39).iter().map(|x| x.abs()).collect::<Vec<f32>>();
    let (mut present, next) = (mask(), mask());
    let expected: Vec<f32> = present.iter().zip(&next).map(|(calm, mask)| calmed(*calm, *mask)).collect();
    calm(&mut present, &next);
    largest_difference(&expected, &present)
}

fn weighed_background() -> f32 {
    let mut random = Random::new();
    let small: Vec<Pixel> =
        pixels(&mut random, 37).iter().map(|[a, b, c, _]| [a.abs(), b.abs(), c.abs(), 1.0]).collect();
    let mask = random.bytes(37);
    let mut weighed = vec![[0.0; 4]; 37];
    let mean = blur::weigh(&small, &mask, &mut weighed);
    let share = |mask: u8| f32::from(191_u8.saturating_sub(mask)) / 191.0;
    let expected: Vec<Pixel> =
        small.iter().zip(&mask).map(|(pixel, mask)| pixel.map(|number| number * share(*mask))).collect();
    let sum = |lane: usize| expected.iter().map(|pixel| pixel[lane]).sum::<f32>();
    let expected_mean = [0, 1, 2, 3].map(|lane| sum(lane) / sum(3) * 1e-3);
    largest_difference(expected.as_flattened(), weighed.as_flattened())
        .max(largest_difference(&expected_mean, &mean))
}

fn stretched(factor: usize) -> f32 {
    let (width, height) = (21, 5);
    let small = Random::new().bytes(width * height);
    let words = width.next_multiple_of(WORDS);
    let (mut between, mut out) = (vec![0; words + 2 * WORDS], vec![0; words * factor]);
    let mut differences = 0.0;
    for row in 0..height * factor {
        stretch(&small, (width, height), factor, row, &mut between, &mut out);
        let expected: Vec<u8> = (0..width * factor)
            .map(|column| {
                let (above, below, down) = place(row, factor, height);
                let (left, right, across) = place(column, factor, width);
                let line = |row: usize| {
                    let at = |column: usize| u32::from(small[row * width + column]);
                    at(left) * (2 * factor as u32 - across) + at(right) * across
                };
                let sum = line(above) * (2 * factor as u32 - down) + line(below) * down;
                let whole = 4 * (factor * factor) as u32;
                ((sum + whole / 2) / whole) as u8
            })
            .collect();
        differences += differing(&expected, &out[..expected.len()]);
    }
    differences
}

/// Between which two of `len` small pixels one lies, and the weight of the second, of twice the factor.
fn place(at: usize, factor: usize, len: usize) -> (usize, usize, u32) {
    let centre = (2 * at + 1) as i64 - factor as i64;
    let first = centre.div_euclid(2 * factor as i64);
    let inside = |at: i64| at.clamp(0, len as i64 - 1) as usize;
    (inside(first), inside(first + 1), centre.rem_euclid(2 * factor as i64) as u32)
}

fn mixing() -> f32 {
    let mut random = Random::new();
    let (person, ground, mask) = (random.bytes(1021), random.bytes(1021), random.bytes(1021));
    let mut out = vec![0; 1021];
    mix(&person, &ground, &mask, &mut out);
    let expected: Vec<u8> = person
        .iter()
        .zip(&ground)
        .zip(&mask)
        .map(|((person, ground), mask)| mixed(*person, *ground, *mask))
        .collect();
    differing(&expected, &out)
}
