//! Every kernel beside its scalar twin, on made-up numbers.

use super::scalar::Scalar;
use super::vector::Vector;
use super::{
    Activate, Convolution, Depthwise, Epilogue, Kernels, LastStage, Mean, Packed, ScaleAdd, Transposed,
    TransposedFilter, Upsample, View,
};
use crate::model::Activation;
use crate::twins::{Random, Twins, largest_difference};

/// All comparisons.
pub(crate) const KERNELS: [Twins; 17] = [
    ("1 × 1, one row of pixels", || convolution(Shapes { size: 1, ..PLAIN }, Epilogue::Relu, false, false)),
    ("1 × 1, a residual", || convolution(Shapes { size: 1, ..PLAIN }, Epilogue::Identity, true, false)),
    ("1 × 1, scaled inputs", || convolution(Shapes { size: 1, ..PLAIN }, Epilogue::HardSwish, false, true)),
    ("1 × 1, odd inputs, bordered", || {
        convolution(Shapes { size: 1, inputs: 3, border: 2, ..PLAIN }, Epilogue::Identity, true, true)
    }),
    ("3 × 3, every second pixel, three inputs", || {
        convolution(Shapes { inputs: 3, stride: 2, ..PLAIN }, Epilogue::HardSwish, false, false)
    }),
    ("3 × 3", || convolution(PLAIN, Epilogue::Relu, true, false)),
    ("depthwise 3 × 3", || depthwise(PLAIN, Epilogue::Relu, false)),
    ("depthwise 3 × 3, a residual", || depthwise(PLAIN, Epilogue::Identity, true)),
    ("depthwise 3 × 3, every second pixel", || {
        depthwise(Shapes { stride: 2, ..PLAIN }, Epilogue::Relu, false)
    }),
    ("depthwise 5 × 5", || depthwise(Shapes { size: 5, ..PLAIN }, Epilogue::HardSwish, true)),
    ("depthwise 5 × 5, every second pixel", || {
        depthwise(Shapes { size: 5, stride: 2, ..PLAIN }, Epilogue::Identity, false)
    }),
    ("depthwise 1 × 1", || depthwise(Shapes { size: 1, ..PLAIN }, Epilogue::HardSwish, false)),
    ("means", means),
    ("scales and sums", scales_and_sums),
    ("upsampling and activations", upsampling_and_activations),
    ("transposed convolution", transposed),
    ("last stage", last_stage),
];

/// Sizes of a window and of what it runs over.
#[derive(Clone, Copy)]
struct Shapes {
    height: usize,
    width: usize,
    inputs: usize,
    outputs: usize,
    size: usize,
    stride: usize,
    /// More zeros around the picture than the window needs.
    border: usize,
}

/// Width and height that no tile divides.
const PLAIN: Shapes = Shapes { height: 7, width: 13, inputs: 8, outputs: 16, size: 3, stride: 1, border: 0 };

/// An arena in which tensors of random numbers are placed one behind the other.
struct Arena {
    numbers: Vec<f32>,
    random: Random,
}

impl Arena {
    fn new() -> Self {
        Self { numbers: Vec::new(), random: Random::new() }
    }

    fn randoms(&mut self, count: usize) -> Vec<f32> {
        self.random.numbers(count)
    }

    /// A tensor of random numbers with a border of zeros.
    fn tensor(&mut self, height: usize, width: usize, channels: usize, border: usize) -> View {
        let row_stride = (width + 2 * border) * channels;
        let origin = self.numbers.len() + border * (row_stride + channels);
        self.numbers.resize(self.numbers.len() + (height + 2 * border) * row_stride, 0.0);
        let view = View { origin, row_stride, height, width, channels };
        for row in 0..height {
            let numbers = self.randoms(width * channels);
            self.numbers[view.at(row, 0)..view.at(row, width)].copy_from_slice(&numbers);
        }
        view
    }

    /// The largest difference anywhere after both twins have run, so that a stray write is seen, too.
    fn difference(self, run: impl Fn(&mut [f32], bool)) -> f32 {
        let (mut scalar, mut vector) = (self.numbers.clone(), self.numbers);
        run(&mut scalar, false);
        run(&mut vector, true);
        largest_difference(&scalar, &vector)
    }
}

fn convolution(shapes: Shapes, epilogue: Epilogue, has_residual: bool, is_scaled: bool) -> f32 {
    let Shapes { height, width, inputs, outputs, size, stride, border } = shapes;
    let mut arena = Arena::new();
    let x = arena.tensor(height, width, inputs, size / 2 + border);
    let (rows, columns) = (height.div_ceil(stride), width.div_ceil(stride));
    let y = arena.tensor(rows, columns, outputs, border);
    let residual = has_residual.then(|| arena.tensor(rows, columns, outputs, 0));
    let scale = is_scaled.then(|| arena.tensor(1, 1, inputs, 0));
    let weights = arena.randoms(outputs * size * size * inputs);
    let bias = arena.randoms(outputs);
    let Some(filter) = Packed::new(&weights, &bias) else { return f32::MAX };
    let padding = size / 2;
    let step = Convolution { x, y, filter, size, stride, padding, epilogue, residual, scale };
    arena.difference(|numbers, is_vector| match is_vector {
        false => Scalar::convolution(numbers, &mut Vec::new(), &step),
        true => Vector::convolution(numbers, &mut Vec::new(), &step),
    })
}

fn depthwise(shapes: Shapes, epilogue: Epilogue, has_residual: bool) -> f32 {
    let Shapes { height, width, inputs, size, stride, border, .. } = shapes;
    let mut arena = Arena::new();
    let x = arena.tensor(height, width, inputs, size / 2 + border);
    let (rows, columns) = (height.div_ceil(stride), width.div_ceil(stride));
    let y = arena.tensor(rows, columns, inputs, 1);
    let residual = has_residual.then(|| arena.tensor(rows, columns, inputs, 1));
    let (weights, bias) = (arena.randoms(size * size * inputs), arena.randoms(inputs));
    let padding = size / 2;
    let step = Depthwise { x, y, weights, bias, size, stride, padding, epilogue, residual };
    arena.difference(|numbers, is_vector| match is_vector {
        false => Scalar::depthwise(numbers, &step),
        true => Vector::depthwise(numbers, &step),
    })
}

fn means() -> f32 {
    let mut arena = Arena::new();
    let (x, also) = (arena.tensor(7, 9, 12, 1), arena.tensor(3, 6, 12, 0));
    let (y, sum) = (arena.tensor(1, 1, 12, 0), arena.tensor(1, 1, 12, 0));
    let steps = [Mean { x, also: None, y }, Mean { x, also: Some(also), y: sum }];
    arena.difference(|numbers, is_vector| {
        for step in &steps {
            if is_vector { Vector::mean(numbers, step) } else { Scalar::mean(numbers, step) }
        }
    })
}

fn scales_and_sums() -> f32 {
    let mut arena = Arena::new();
    let (x, by, addend) = (arena.tensor(5, 7, 8, 1), arena.tensor(1, 1, 8, 0), arena.tensor(5, 7, 8, 0));
    let mut steps = Vec::new();
    for (by, addend) in [(Some(by), None), (None, Some(addend)), (Some(by), Some(addend))] {
        steps.push(ScaleAdd { x, by, addend, y: arena.tensor(5, 7, 8, 2) });
    }
    arena.difference(|numbers, is_vector| {
        for step in &steps {
            if is_vector { Vector::scale_add(numbers, step) } else { Scalar::scale_add(numbers, step) }
        }
    })
}

fn upsampling_and_activations() -> f32 {
    let mut arena = Arena::new();
    let (x, y) = (arena.tensor(5, 7, 8, 1), arena.tensor(10, 14, 8, 1));
    let upsample = Upsample { x, y };
    let single = Upsample { x: arena.tensor(1, 1, 4, 0), y: arena.tensor(2, 2, 4, 0) };
    let mut steps = Vec::new();
    for activation in [Activation::Relu, Activation::Relu6, Activation::HardSwish, Activation::Sigmoid] {
        // Rows of 13: their rest is shorter than a vector.
        let (x, y) = (arena.tensor(3, 13, 1, 1), arena.tensor(3, 13, 1, 0));
        for at in x.at(0, 0)..x.end() {
            arena.numbers[at] *= 12.0;
        }
        steps.push(Activate { x, y, activation });
    }
    arena.difference(|numbers, is_vector| {
        for step in [&upsample, &single] {
            if is_vector { Vector::upsample(numbers, step) } else { Scalar::upsample(numbers, step) }
        }
        for step in &steps {
            if is_vector { Vector::activate(numbers, step) } else { Scalar::activate(numbers, step) }
        }
    })
}

fn transposed() -> f32 {
    let mut arena = Arena::new();
    let (x, y) = (arena.tensor(5, 7, 12, 1), arena.tensor(10, 14, 1, 0));
    let step = Transposed { x, y, filter: transposed_filter(&mut arena, 12) };
    arena.difference(|numbers, is_vector| match is_vector {
        false => Scalar::transposed(numbers, &step),
        true => Vector::transposed(numbers, &step),
    })
}

fn transposed_filter(arena: &mut Arena, channels: usize) -> TransposedFilter {
    TransposedFilter { weights: arena.randoms(4 * channels), bias: arena.random.number() }
}

fn last_stage() -> f32 {
    let mut arena = Arena::new();
    let (low, skip) = (arena.tensor(5, 9, 16, 0), arena.tensor(10, 18, 16, 1));
    let (scale, y) = (arena.tensor(1, 1, 16, 0), arena.tensor(20, 36, 1, 0));
    // Smaller weights keep the sums where the sigmoid is steep.
    let mut weights = |count: usize| arena.randoms(count).iter().map(|x| x / 4.0).collect::<Vec<f32>>();
    let (weights, bias) = (weights(16 * 16), weights(16));
    let Some(filter) = Packed::new(&weights, &bias) else { return f32::MAX };
    let (depthwise_weights, depthwise_bias) = (arena.randoms(9 * 16), arena.randoms(16));
    let transposed = transposed_filter(&mut arena, 16);
    let step = LastStage { low, skip, scale, filter, depthwise_weights, depthwise_bias, transposed, y };
    arena.difference(|numbers, is_vector| match is_vector {
        false => Scalar::last_stage(numbers, &mut Vec::new(), &step),
        true => Vector::last_stage(numbers, &mut Vec::new(), &step),
    })
}
