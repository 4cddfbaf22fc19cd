//! Every kernel beside plain arithmetic that says what it computes. The unit tests compare them with the lanes of this machine;
//! tests that instantiate the module compare them inside WebAssembly, because only there the instructions are the real ones.

use crate::kernels::{
    CHANNELS, Dense, Gates, INPUTS, Pixel, Rows, Values, add_scaled, depthwise, depthwise_transposed,
    grouped, spread, tanh,
};
use lanes::F32x4;

/// The largest difference that rounding may cause, for numbers around one.
pub(crate) const TOLERANCE: f32 = 2e-5;

/// A comparison by name; it returns the largest difference between the twins.
pub(crate) type Twins = (&'static str, fn() -> f32);

/// All comparisons.
pub(crate) const TWINS: [Twins; 8] = [
    ("product with rows of steps", rows),
    ("dense layer", dense),
    ("convolution of each channel", convolution),
    ("transposed convolution of each channel", transposed),
    ("path past the layers", path),
    ("grouped layer", groups),
    ("convolution of three frames", frames),
    ("gates and hyperbolic tangent", gates),
];

/// Numbers that look random and are the same everywhere (Marsaglia's xorshift).
struct Random(u32);

impl Random {
    const fn new() -> Self {
        Self(0x9e37_79b9)
    }

    fn bits(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// A number from −1 to 1.
    fn number(&mut self) -> f32 {
        self.bits() as f32 / (u32::MAX as f32 / 2.0) - 1.0
    }

    fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.number()).collect()
    }

    fn array<const N: usize>(&mut self) -> [f32; N] {
        std::array::from_fn(|_| self.number())
    }

    fn pixels(&mut self, count: usize) -> Vec<Pixel> {
        (0..count).map(|_| self.array()).collect()
    }
}

/// No number at all is the largest difference.
fn largest_difference(one: impl IntoIterator<Item = f32>, other: impl IntoIterator<Item = f32>) -> f32 {
    let differences = one.into_iter().zip(other).map(|(one, other)| (one - other).abs());
    differences.fold(0.0, |largest, difference| if difference <= largest { largest } else { difference })
}

fn rows() -> f32 {
    let mut random = Random::new();
    let steps: Vec<i8> = (0..8 * INPUTS).map(|_| ((random.bits() >> 24) as i8).max(-127)).collect();
    let scales = random.numbers(8);
    let mut worst = 0.0_f32;
    // The last is the worst case of the sums: all steps the largest ones.
    for (steps, numbers) in [
        (&steps, random.array::<INPUTS>()),
        (&steps, [0.0; INPUTS]),
        (&vec![-127; 8 * INPUTS], [1.0; INPUTS]),
    ] {
        let mut ours = [0.0; 8];
        Rows::new(steps, scales.clone()).multiply(&Values::of(&numbers), &mut ours);
        let theirs = steps.as_chunks::<INPUTS>().0.iter().zip(&scales).map(|(row, scale)| {
            let products =
                row.iter().zip(&numbers).map(|(step, number)| f64::from(*step) * f64::from(*number));
            (products.sum::<f64>() * f64::from(*scale)) as f32
        });
        // Steps of up to 127, numbers in steps of 2⁻¹⁵.
        worst = worst.max(largest_difference(ours, theirs) / 127.0 / 16.0);
    }
    worst
}

fn dense() -> f32 {
    let mut random = Random::new();
    // Ten results: the last block is filled up.
    let (weights, biases) = (random.numbers(10 * CHANNELS), random.numbers(10));
    let input = random.pixels(8);
    let mut worst = 0.0_f32;
    for has_relu in [false, true] {
        let mut ours = [[0.0; 16]; 8];
        Dense::<CHANNELS>::new(&weights, &biases).apply(&input, has_relu, &mut ours);
        for (pixel, ours) in input.iter().zip(ours) {
            let theirs = weights.as_chunks::<CHANNELS>().0.iter().zip(&biases).map(|(row, bias)| {
                let sum = row.iter().zip(pixel).map(|(weight, value)| weight * value).sum::<f32>() + bias;
                if has_relu { sum.max(0.0) } else { sum }
            });
            worst = worst.max(largest_difference(ours, theirs.chain([0.0; 6])));
        }
    }
    worst
}

/// The number at a place that may lie outside.
fn at(pixels: &[Pixel], place: Option<usize>, channel: usize) -> f32 {
    place.and_then(|place| pixels.get(place)).map_or(0.0, |pixel| pixel[channel])
}

fn convolution() -> f32 {
    let mut random = Random::new();
    let (input, taps) = (random.pixels(8), [random.array(), random.array(), random.array()]);
    let mut worst = 0.0_f32;
    for step in [1, 2] {
        let mut ours = vec![[0.0; CHANNELS]; 8 / step];
        depthwise(&input, &taps, step, &mut ours);
        for (place, ours) in ours.iter().enumerate() {
            let theirs = (0..CHANNELS).map(|channel| {
                (0..3)
                    .map(|tap| at(&input, (place * step + tap).checked_sub(1), channel) * taps[tap][channel])
                    .sum()
            });
            worst = worst.max(largest_difference(*ours, theirs));
        }
    }
    worst
}

fn transposed() -> f32 {
    let mut random = Random::new();
    let (input, taps): (_, [Pixel; 3]) = (random.pixels(8), [random.array(), random.array(), random.array()]);
    let mut ours = [[0.0; CHANNELS]; 16];
    depthwise_transposed(&input, &taps, &mut ours);
    // As it is defined: every input is added to three outputs around twice its place.
    let mut theirs = [[0.0; CHANNELS]; 16];
    for (place, pixel) in input.iter().enumerate() {
        for (tap, weights) in taps.iter().enumerate() {
            let Some(output) = (2 * place + tap).checked_sub(1).and_then(|place| theirs.get_mut(place))
            else {
                continue;
            };
            for ((sum, value), weight) in output.iter_mut().zip(pixel).zip(weights) {
                *sum += value * weight;
            }
        }
    }
    largest_difference(ours.into_iter().flatten(), theirs.into_iter().flatten())
}

fn path() -> f32 {
    let mut random = Random::new();
    let (input, before) = (random.pixels(2), random.pixels(2));
    let (scale, bias): (Pixel, Pixel) = (random.array(), random.array());
    let mut ours = before.clone();
    add_scaled(&input, &scale, &bias, &mut ours);
    let theirs = before.iter().zip(&input).flat_map(|(before, input)| {
        (0..CHANNELS)
            .map(|channel| before[channel] + (input[channel] * scale[channel] + bias[channel]).max(0.0))
    });
    largest_difference(ours.iter().flatten().copied(), theirs)
}

fn groups() -> f32 {
    let mut random = Random::new();
    let (input, weights) = (random.numbers(3 * 16), random.numbers(3 * 16 * 60));
    let mut ours = [[[0.0; 4]; 15]; 3];
    grouped(&input, weights.as_chunks().0.as_chunks::<15>().0, &mut ours);
    let theirs = (0..3 * 60).map(|place| {
        let (group, result) = (place / 60, place % 60);
        (0..16).map(|at| input[group * 16 + at] * weights[(group * 16 + at) * 60 + result]).sum()
    });
    largest_difference(ours.as_flattened().as_flattened().iter().copied(), theirs)
}

fn frames() -> f32 {
    let mut random = Random::new();
    let values: [[f32; 3]; 3] = [random.array(), random.array(), random.array()];
    let taps: [[[f32; 4]; 2]; 9] = std::array::from_fn(|_| [random.array(), random.array()]);
    let sums = spread(values.each_ref(), &taps, [F32x4::splat(0.5); 2]);
    let mut ours = [[0.0; 4]; 2];
    sums.iter().zip(&mut ours).for_each(|(sum, four)| sum.write(four));
    let theirs = (0..8).map(|channel| {
        let products = (0..9).map(|tap| values[tap / 3][tap % 3] * taps[tap][channel / 4][channel % 4]);
        products.sum::<f32>() + 0.5
    });
    largest_difference(ours.into_iter().flatten(), theirs)
}

fn gates() -> f32 {
    let mut random = Random::new();
    // Far beyond where a gate is open or shut, too.
    let mut loud = || {
        let numbers: [f32; 3 * INPUTS] = random.array();
        numbers.map(|number| 12.0 * number * number * number)
    };
    let (input, recurrent) = (loud(), loud());
    let (biases, before): ([f32; 4 * INPUTS], [f32; INPUTS]) = (random.array(), random.array());
    let mut ours = before;
    Gates { input: &input, recurrent: &recurrent, biases: &biases }.update(&mut ours);
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let theirs = (0..INPUTS).map(|at| {
        let sum = |which: usize| input[which * INPUTS + at] + recurrent[which * INPUTS + at];
        let update = sigmoid(sum(0) + biases[at]);
        let reset = sigmoid(sum(1) + biases[INPUTS + at]);
        let remembered = recurrent[2 * INPUTS + at] + biases[3 * INPUTS + at];
        let new = (input[2 * INPUTS + at] + biases[2 * INPUTS + at] + reset * remembered).tanh();
        (1.0 - update) * new + update * before[at]
    });
    let difference = largest_difference(ours, theirs);
    let mut bent = input;
    tanh(&mut bent);
    difference.max(largest_difference(bent, input.map(f32::tanh)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_with_vectors_computes_what_its_scalar_twin_computes() {
        for (name, difference) in TWINS {
            let difference = difference();
            assert!(difference <= TOLERANCE, "{name}: {difference}");
        }
    }
}
