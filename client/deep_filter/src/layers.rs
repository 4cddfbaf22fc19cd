//! Layers with their weights, and the state that some of them have.

use crate::kernels::{
    CHANNELS, Dense, Gates, INPUTS, Pixel, Rows, Values, add_scaled, depthwise, depthwise_transposed,
    grouped, relu,
};
use crate::weights::{Reader, WeightsError};

/// Three taps of each channel, then a dense layer over the channels, then max(x, 0).
#[derive(Debug)]
pub(crate) struct Separable {
    taps: [Pixel; 3],
    dense: Dense<CHANNELS>,
    between: Box<[Pixel]>,
}

impl Separable {
    /// With `width` frequencies in its output.
    pub(crate) fn read(reader: &mut Reader<'_>, width: usize) -> Result<Self, WeightsError> {
        let taps = across(&reader.numbers(3 * CHANNELS)?);
        Ok(Self { taps, dense: read_dense(reader)?, between: pixels(width) })
    }

    pub(crate) fn apply(&mut self, input: &[Pixel], step: usize, output: &mut [Pixel]) {
        depthwise(input, &self.taps, step, &mut self.between);
        self.dense.apply(&self.between, true, output);
    }

    /// Two frequencies in the output for one in the input.
    pub(crate) fn apply_transposed(&mut self, input: &[Pixel], output: &mut [Pixel]) {
        depthwise_transposed(input, &self.taps, &mut self.between);
        self.dense.apply(&self.between, true, output);
    }
}

/// A dense layer over the channels.
pub(crate) fn read_dense(reader: &mut Reader<'_>) -> Result<Dense<CHANNELS>, WeightsError> {
    let weights = reader.numbers(CHANNELS * CHANNELS)?;
    Ok(Dense::new(&weights, &reader.numbers(CHANNELS)?))
}

/// So many frequencies of nothing.
pub(crate) fn pixels(width: usize) -> Box<[Pixel]> {
    vec![[0.0; CHANNELS]; width].into()
}

/// From \[channel\]\[tap\] to \[tap\]\[channel\].
pub(crate) fn across<const C: usize, const T: usize>(weights: &[f32]) -> [[f32; C]; T] {
    std::array::from_fn(|tap| std::array::from_fn(|channel| weights[channel * T + tap]))
}

/// The numbers as an array; the reader gave as many.
pub(crate) fn array<const N: usize>(numbers: &[f32]) -> [f32; N] {
    std::array::from_fn(|at| numbers[at])
}

/// A path past the layers between: a scale and a bias for each channel, and max(x, 0).
#[derive(Debug)]
pub(crate) struct Path {
    scale: Pixel,
    bias: Pixel,
}

impl Path {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, WeightsError> {
        Ok(Self { scale: array(&reader.numbers(CHANNELS)?), bias: array(&reader.numbers(CHANNELS)?) })
    }

    pub(crate) fn add(&self, input: &[Pixel], output: &mut [Pixel]) {
        add_scaled(input, &self.scale, &self.bias, output);
    }
}

/// A linear layer in groups, with `4 · V` results of each.
#[derive(Debug)]
pub(crate) struct Grouped<const V: usize> {
    weights: Box<[[[f32; 4]; V]]>,
}

impl<const V: usize> Grouped<V> {
    /// For so many numbers of input.
    pub(crate) fn read(reader: &mut Reader<'_>, inputs: usize) -> Result<Self, WeightsError> {
        let weights = reader.numbers(inputs * 4 * V)?;
        Ok(Self { weights: weights.as_chunks().0.as_chunks().0.into() })
    }

    pub(crate) fn apply(&self, input: &[f32], output: &mut [f32]) {
        grouped(input, &self.weights, output.as_chunks_mut().0.as_chunks_mut().0);
    }

    /// With max(x, 0) of every result.
    pub(crate) fn apply_relu(&self, input: &[f32], output: &mut [f32]) {
        self.apply(input, output);
        relu(output);
    }
}

/// A gated recurrent unit; it remembers its state from frame to frame.
#[derive(Debug)]
pub(crate) struct Gru {
    input: Rows,
    recurrent: Rows,
    biases: Box<[f32; 4 * INPUTS]>,
    from_input: Box<[f32; 3 * INPUTS]>,
    from_state: Box<[f32; 3 * INPUTS]>,
    state: [f32; INPUTS],
}

impl Gru {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, WeightsError> {
        let (input, recurrent) = (reader.rows(3 * INPUTS)?, reader.rows(3 * INPUTS)?);
        let biases = reader.numbers(6 * INPUTS)?;
        let (of_input, of_state) = biases.split_at(3 * INPUTS);
        let mut all = Box::new([0.0; 4 * INPUTS]);
        for (at, bias) in all.iter_mut().enumerate() {
            *bias = match at / INPUTS {
                0 | 1 => of_input[at] + of_state[at],
                2 => of_input[at],
                _ => of_state[at - INPUTS],
            };
        }
        Ok(Self {
            input,
            recurrent,
            biases: all,
            from_input: Box::new([0.0; 3 * INPUTS]),
            from_state: Box::new([0.0; 3 * INPUTS]),
            state: [0.0; INPUTS],
        })
    }

    /// The state after this frame.
    pub(crate) fn step(&mut self, input: &[f32; INPUTS]) -> &[f32; INPUTS] {
        self.input.multiply(&Values::of(input), &mut *self.from_input);
        self.recurrent.multiply(&Values::of(&self.state), &mut *self.from_state);
        let gates = Gates { input: &self.from_input, recurrent: &self.from_state, biases: &self.biases };
        gates.update(&mut self.state);
        &self.state
    }
}
