//! What nearly all of the time goes into: products of matrices with vectors, and convolutions along frequency.

use lanes::{F32x4, I32x4};

/// How many numbers a row of [`Rows`] has: the width of every recurrent layer.
pub(crate) const INPUTS: usize = 256;
/// Channels of every convolution.
pub(crate) const CHANNELS: usize = 64;
/// All channels at one frequency.
pub(crate) type Pixel = [f32; CHANNELS];

/// What lies beside the lowest and the highest frequency.
const OUTSIDE: Pixel = [0.0; CHANNELS];

/// A matrix of whole steps. A quarter of the memory of single precision has to be read for it, for every frame.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Four rows at a time.
    steps: Box<[[[[i8; 16]; INPUTS / 16]; 4]]>,
    /// What a step of each row is worth.
    scales: Box<[[f32; 4]]>,
}

impl Rows {
    /// The matrix with these steps, row by row. Rows beyond a multiple of four are left out.
    pub(crate) fn new(steps: &[i8], scales: Vec<f32>) -> Self {
        Self {
            steps: steps.as_chunks().0.as_chunks().0.as_chunks().0.into(),
            scales: scales.as_chunks().0.into(),
        }
    }

    /// The product with a vector.
    pub(crate) fn multiply(&self, values: &Values, result: &mut [f32]) {
        let scale = F32x4::splat(values.scale);
        for ((rows, scales), result) in self.steps.iter().zip(&self.scales).zip(result.as_chunks_mut().0) {
            let mut sums = [I32x4::ZERO; 4];
            for (at, values) in values.steps.iter().enumerate() {
                for (sum, row) in sums.iter_mut().zip(rows) {
                    *sum = sum.add_products(&row[at], values);
                }
            }
            (I32x4::sums(sums) * (F32x4::of(scales) * scale)).write(result);
        }
    }
}

/// A vector in steps of sixteen bits, the largest number being the last step. 256 products with steps of eight bits fit into 32.
#[derive(Debug)]
pub(crate) struct Values {
    steps: [[i16; 16]; INPUTS / 16],
    scale: f32,
}

impl Values {
    /// The nearest steps. What is no number counts as 0.
    pub(crate) fn of(numbers: &[f32; INPUTS]) -> Self {
        let largest = numbers.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        let steps_max = f32::from(i16::MAX);
        // Of zeros alone, every step is 0.
        let fits = if largest > 1e-30 { steps_max / largest } else { 0.0 };
        let mut steps = [[0; 16]; INPUTS / 16];
        for (step, number) in steps.as_flattened_mut().iter_mut().zip(numbers) {
            *step = (number * fits).round_ties_even() as i16;
        }
        Self { steps, scale: largest / steps_max }
    }
}

/// A dense layer over the channels of one frequency, from `K` of them, packed so that eight results are computed at a time.
#[derive(Debug)]
pub(crate) struct Dense<const K: usize> {
    blocks: Box<[[[f32; 8]; K]]>,
    biases: Box<[[f32; 8]]>,
}

impl<const K: usize> Dense<K> {
    /// From weights in the order \[result\]\[channel\]. Results beyond a multiple of eight are filled up with zeros.
    pub(crate) fn new(weights: &[f32], biases: &[f32]) -> Self {
        let count = biases.len().div_ceil(8);
        let mut blocks = vec![[[0.0; 8]; K]; count];
        let mut padded = vec![[0.0; 8]; count];
        for (result, (row, bias)) in weights.as_chunks::<K>().0.iter().zip(biases).enumerate() {
            let (block, lane) = (result / 8, result % 8);
            padded[block][lane] = *bias;
            for (channel, weight) in row.iter().enumerate() {
                blocks[block][channel][lane] = *weight;
            }
        }
        Self { blocks: blocks.into(), biases: padded.into() }
    }

    /// The results of each frequency; those beyond a multiple of four frequencies are left as they are.
    pub(crate) fn apply<const N: usize>(&self, input: &[[f32; K]], has_relu: bool, output: &mut [[f32; N]]) {
        for (input, output) in input.as_chunks().0.iter().zip(output.as_chunks_mut::<4>().0) {
            for (block, (weights, biases)) in self.blocks.iter().zip(&self.biases).enumerate() {
                let sums = block_of_four(input, weights, biases);
                for (sums, output) in sums.iter().zip(output.iter_mut()) {
                    let places = output[8 * block..].as_chunks_mut().0;
                    for (sum, place) in sums.iter().zip(places) {
                        let sum = if has_relu { sum.relu() } else { *sum };
                        sum.write(place);
                    }
                }
            }
        }
    }
}

/// Eight results at four frequencies.
#[inline(always)]
fn block_of_four<const K: usize>(
    input: &[[f32; K]; 4],
    weights: &[[f32; 8]; K],
    biases: &[f32; 8],
) -> [[F32x4; 2]; 4] {
    let [low, high] = halves(biases);
    let mut sums = [[low, high]; 4];
    for (channel, weights) in weights.iter().enumerate() {
        let [low, high] = halves(weights);
        for (sums, input) in sums.iter_mut().zip(input) {
            let value = F32x4::splat(input[channel]);
            *sums = [low.mul_add(value, sums[0]), high.mul_add(value, sums[1])];
        }
    }
    sums
}

#[inline(always)]
fn halves(eight: &[f32; 8]) -> [F32x4; 2] {
    let [low, high] = eight.as_chunks().0 else { unreachable!("eight are twice four") };
    [F32x4::of(low), F32x4::of(high)]
}

/// A convolution of each channel with three neighbours along frequency; `step` frequencies of the input for one of the output.
pub(crate) fn depthwise(input: &[Pixel], taps: &[Pixel; 3], step: usize, output: &mut [Pixel]) {
    for (at, output) in output.iter_mut().enumerate() {
        let place = at * step;
        let before = place.checked_sub(1).and_then(|place| input.get(place)).unwrap_or(&OUTSIDE);
        let here = input.get(place).unwrap_or(&OUTSIDE);
        let after = input.get(place + 1).unwrap_or(&OUTSIDE);
        weigh([(before, &taps[0]), (here, &taps[1]), (after, &taps[2])], output);
    }
}

/// The transposed convolution of each channel with three neighbours: two frequencies of the output for one of the input.
pub(crate) fn depthwise_transposed(input: &[Pixel], taps: &[Pixel; 3], output: &mut [Pixel]) {
    for (at, output) in output.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let [even, odd] = output;
        let here = input.get(at).unwrap_or(&OUTSIDE);
        let after = input.get(at + 1).unwrap_or(&OUTSIDE);
        weigh([(here, &taps[1])], even);
        weigh([(here, &taps[2]), (after, &taps[0])], odd);
    }
}

/// The sum of pixels, each times its own weights.
#[inline(always)]
fn weigh<const N: usize>(pixels: [(&Pixel, &Pixel); N], output: &mut Pixel) {
    let pixels = pixels.map(|(pixel, weights)| (pixel.as_chunks().0, weights.as_chunks().0));
    for (at, output) in output.as_chunks_mut().0.iter_mut().enumerate() {
        let mut sum = F32x4::splat(0.0);
        for (pixel, weights) in pixels {
            sum = F32x4::of(&pixel[at]).mul_add(F32x4::of(&weights[at]), sum);
        }
        sum.write(output);
    }
}

/// output + max(input · scale + bias, 0), channel by channel.
pub(crate) fn add_scaled(input: &[Pixel], scale: &Pixel, bias: &Pixel, output: &mut [Pixel]) {
    for (input, output) in input.iter().zip(output) {
        let parts = input.as_chunks().0.iter().zip(scale.as_chunks().0).zip(bias.as_chunks().0);
        for (((input, scale), bias), output) in parts.zip(output.as_chunks_mut().0) {
            let path = F32x4::of(input).mul_add(F32x4::of(scale), F32x4::of(bias)).relu();
            (path + F32x4::of(output)).write(output);
        }
    }
}

/// A linear layer in groups: `4 · V` results from each group of the input. `weights` has a row of results for each input.
pub(crate) fn grouped<const V: usize>(
    input: &[f32],
    weights: &[[[f32; 4]; V]],
    output: &mut [[[f32; 4]; V]],
) {
    let size = input.len() / output.len().max(1);
    let groups = input.chunks_exact(size.max(1)).zip(weights.chunks_exact(size.max(1)));
    for ((input, weights), output) in groups.zip(output) {
        let mut sums = [F32x4::splat(0.0); V];
        for (value, weights) in input.iter().zip(weights) {
            let value = F32x4::splat(*value);
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = F32x4::of(weights).mul_add(value, *sum);
            }
        }
        sums.iter().zip(output).for_each(|(sum, output)| sum.write(output));
    }
}

/// One place of a convolution of one channel with three frames of three frequencies each, into `4 · V` channels.
#[inline(always)]
pub(crate) fn spread<const V: usize>(
    frames: [&[f32; 3]; 3],
    taps: &[[[f32; 4]; V]; 9],
    mut sums: [F32x4; V],
) -> [F32x4; V] {
    for (value, taps) in frames.into_iter().flatten().zip(taps) {
        let value = F32x4::splat(*value);
        for (sum, weights) in sums.iter_mut().zip(taps) {
            *sum = F32x4::of(weights).mul_add(value, *sum);
        }
    }
    sums
}

/// What the gates of a recurrent layer are made from, as the products left them.
#[derive(Debug)]
pub(crate) struct Gates<'a> {
    /// From the input: update, reset, new.
    pub(crate) input: &'a [f32; 3 * INPUTS],
    /// From the state.
    pub(crate) recurrent: &'a [f32; 3 * INPUTS],
    /// Added to both: of update and reset the sum, of new that of the input, then that of the state.
    pub(crate) biases: &'a [f32; 4 * INPUTS],
}

impl Gates<'_> {
    /// The next state (Cho et al. 2014; ONNX's `GRU` with `linear_before_reset`).
    pub(crate) fn update(&self, state: &mut [f32; INPUTS]) {
        let part = |numbers: &[f32], which: usize, at: usize| {
            let from = which * INPUTS + 4 * at;
            F32x4::of(numbers[from..].first_chunk().expect("the last part ends where the numbers do"))
        };
        for (at, state) in state.as_chunks_mut().0.iter_mut().enumerate() {
            let both = |which| part(self.input, which, at) + part(self.recurrent, which, at);
            let update = (both(0) + part(self.biases, 0, at)).sigmoid();
            let reset = (both(1) + part(self.biases, 1, at)).sigmoid();
            let remembered = part(self.recurrent, 2, at) + part(self.biases, 3, at);
            let new = remembered.mul_add(reset, part(self.input, 2, at) + part(self.biases, 2, at)).tanh();
            let old = F32x4::of(state);
            (old - new).mul_add(update, new).write(state);
        }
    }
}

/// max(x, 0) of every number.
pub(crate) fn relu(numbers: &mut [f32]) {
    numbers.as_chunks_mut().0.iter_mut().for_each(|four| F32x4::of(four).relu().write(four));
}

/// The hyperbolic tangent of every number.
pub(crate) fn tanh(numbers: &mut [f32]) {
    numbers.as_chunks_mut().0.iter_mut().for_each(|four| F32x4::of(four).tanh().write(four));
}
