//! The kernels in plain arithmetic: what they mean, one number at a time and nothing clever.

use super::{
    Activate, Convolution, Depthwise, Epilogue, Kernels, LastStage, Mean, ScaleAdd, Transposed,
    TransposedFilter, Upsample, View, upsampled_between,
};
use crate::model::Activation;

/// The scalar twin of [`super::vector::Vector`].
#[derive(Debug)]
pub(crate) struct Scalar;

/// The activation of one number.
pub(crate) fn activated(x: f32, activation: Activation) -> f32 {
    match activation {
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
    }
}

fn epilogue(sum: f32, epilogue: Epilogue) -> f32 {
    match epilogue {
        Epilogue::Identity => sum,
        Epilogue::Relu => activated(sum, Activation::Relu),
        Epilogue::HardSwish => activated(sum, Activation::HardSwish),
    }
}

impl Kernels for Scalar {
    fn convolution(arena: &mut [f32], _scratch: &mut Vec<f32>, step: &Convolution) {
        let Convolution { x, y, filter, size, stride, padding, .. } = step;
        for (row, column) in places(y) {
            // Behind the border of zeros, so that nothing here is below zero.
            let window = x.at(row * stride, column * stride) - padding * (x.row_stride + x.channels);
            for output in 0..y.channels {
                let mut sum = filter.bias[output];
                for at in 0..filter.depth {
                    let (line, rest) = (at / (size * x.channels), at % (size * x.channels));
                    let scale = step.scale.map_or(1.0, |scale| arena[scale.origin + at]);
                    sum += filter.weight(output, at) * scale * arena[window + line * x.row_stride + rest];
                }
                let residual = step.residual.map_or(0.0, |view| arena[view.at(row, column) + output]);
                arena[y.at(row, column) + output] = epilogue(sum, step.epilogue) + residual;
            }
        }
    }

    fn depthwise(arena: &mut [f32], step: &Depthwise) {
        let Depthwise { x, y, size, stride, padding, .. } = step;
        for (row, column) in places(y) {
            let window = x.at(row * stride, column * stride) - padding * (x.row_stride + x.channels);
            for channel in 0..y.channels {
                let mut sum = step.bias[channel];
                for (line, across) in (0..size * size).map(|at| (at / size, at % size)) {
                    let weight = step.weights[(line * size + across) * x.channels + channel];
                    sum += weight * arena[window + line * x.row_stride + across * x.channels + channel];
                }
                let residual = step.residual.map_or(0.0, |view| arena[view.at(row, column) + channel]);
                arena[y.at(row, column) + channel] = epilogue(sum, step.epilogue) + residual;
            }
        }
    }

    fn mean(arena: &mut [f32], step: &Mean) {
        for channel in 0..step.y.channels {
            let mean = |view: View, arena: &[f32]| {
                let sum: f32 = places(&view).map(|(row, column)| arena[view.at(row, column) + channel]).sum();
                sum / (view.height * view.width) as f32
            };
            let also = step.also.map_or(0.0, |view| mean(view, arena));
            arena[step.y.origin + channel] = mean(step.x, arena) + also;
        }
    }

    fn scale_add(arena: &mut [f32], step: &ScaleAdd) {
        for (row, column) in places(&step.y) {
            for channel in 0..step.y.channels {
                let scale = step.by.map_or(1.0, |by| arena[by.origin + channel]);
                let addend = step.addend.map_or(0.0, |addend| arena[addend.at(row, column) + channel]);
                arena[step.y.at(row, column) + channel] =
                    arena[step.x.at(row, column) + channel] * scale + addend;
            }
        }
    }

    fn upsample(arena: &mut [f32], step: &Upsample) {
        for (row, column) in places(&step.y) {
            for channel in 0..step.y.channels {
                arena[step.y.at(row, column) + channel] = upsampled(arena, &step.x, row, column, channel);
            }
        }
    }

    fn transposed(arena: &mut [f32], step: &Transposed) {
        for (row, column) in places(&step.y) {
            let pixel = &arena[step.x.at(row / 2, column / 2)..][..step.x.channels];
            arena[step.y.at(row, column)] = corner(&step.filter, row, column, pixel);
        }
    }

    fn activate(arena: &mut [f32], step: &Activate) {
        for (row, column) in places(&step.y) {
            for channel in 0..step.y.channels {
                let x = arena[step.x.at(row, column) + channel];
                arena[step.y.at(row, column) + channel] = activated(x, step.activation);
            }
        }
    }

    fn last_stage(arena: &mut [f32], scratch: &mut Vec<f32>, step: &LastStage) {
        let (height, width, channels) = (step.skip.height, step.skip.width, step.skip.channels);
        // The result of the 1 × 1 convolution, with a border of zeros.
        let middle = View {
            origin: (width + 3) * channels,
            row_stride: (width + 2) * channels,
            height,
            width,
            channels,
        };
        scratch.clear();
        scratch.resize((height + 2) * middle.row_stride, 0.0);
        for (row, column) in places(&middle) {
            let sum = |channel: usize| {
                let skip = arena[step.skip.at(row, column) + channel] * arena[step.scale.origin + channel];
                skip + upsampled(arena, &step.low, row, column, channel)
            };
            for output in 0..channels {
                let weighted = (0..channels).map(|at| step.filter.weight(output, at) * sum(at));
                scratch[middle.at(row, column) + output] =
                    (step.filter.bias[output] + weighted.sum::<f32>()).max(0.0);
            }
        }
        for (row, column) in places(&step.y) {
            let at = middle.at(row / 2, column / 2);
            let pixel: Vec<f32> = (0..channels)
                .map(|channel| {
                    let window = at - middle.row_stride - channels + channel;
                    let taps = (0..9).map(|tap| {
                        step.depthwise_weights[tap * channels + channel]
                            * scratch[window + tap / 3 * middle.row_stride + tap % 3 * channels]
                    });
                    (step.depthwise_bias[channel] + taps.sum::<f32>()).max(0.0) + scratch[at + channel]
                })
                .collect();
            let sum = corner(&step.transposed, row, column, &pixel);
            arena[step.y.at(row, column)] = activated(sum, Activation::Sigmoid);
        }
    }
}

/// Every row and column.
fn places(view: &View) -> impl Iterator<Item = (usize, usize)> + use<> {
    let (height, width) = (view.height, view.width);
    (0..height).flat_map(move |row| (0..width).map(move |column| (row, column)))
}

/// What `x` shows at a place of twice its width and height.
fn upsampled(arena: &[f32], x: &View, row: usize, column: usize, channel: usize) -> f32 {
    let (upper, lower, down) = upsampled_between(row, x.height);
    let (left, right, across) = upsampled_between(column, x.width);
    let line = |row: usize| {
        let (a, b) = (arena[x.at(row, left) + channel], arena[x.at(row, right) + channel]);
        a + (b - a) * across
    };
    let (a, b) = (line(upper), line(lower));
    a + (b - a) * down
}

/// One corner of the square that a pixel becomes.
fn corner(filter: &TransposedFilter, row: usize, column: usize, pixel: &[f32]) -> f32 {
    let start = (row % 2 * 2 + column % 2) * pixel.len();
    let weights = &filter.weights[start..start + pixel.len()];
    filter.bias + weights.iter().zip(pixel).map(|(weight, x)| weight * x).sum::<f32>()
}
