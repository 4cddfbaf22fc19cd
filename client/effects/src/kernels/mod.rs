//! What the network is computed with: each kernel once in plain arithmetic and once four numbers at a time.
//!
//! Tensors are pictures with their channels together: row, column, channel. They lie in one arena, possibly with a border
//! of zeros around them, so that windows may reach over the edge without asking. A [`View`] says where.

#[cfg(any(test, all(target_arch = "wasm32", feature = "twins")))]
pub(crate) mod scalar;
#[cfg(any(test, all(target_arch = "wasm32", feature = "twins")))]
pub(crate) mod twins;
pub(crate) mod vector;

use crate::model::Activation;

/// Output channels are computed in blocks of this many, and weights are stored so.
pub(crate) const BLOCK: usize = 8;

/// The only number of channels that the last stage is fused for.
pub(crate) const LAST_STAGE_CHANNELS: usize = 16;

/// Where a tensor lies in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    /// The place of the first channel of row 0, column 0.
    pub(crate) origin: usize,
    /// From one row to the next.
    pub(crate) row_stride: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

impl View {
    /// The place of the first channel.
    pub(crate) fn at(&self, row: usize, column: usize) -> usize {
        self.origin + row * self.row_stride + column * self.channels
    }

    /// The place after the last number.
    pub(crate) fn end(&self) -> usize {
        self.at(self.height - 1, self.width)
    }

    /// Whether it has one place with this many channels.
    pub(crate) fn is_point_of(&self, channels: usize) -> bool {
        (self.height, self.width, self.channels) == (1, 1, channels)
    }

    /// Whether both have the same shape, wherever they lie.
    pub(crate) fn is_congruent(&self, other: &Self) -> bool {
        (self.height, self.width, self.channels) == (other.height, other.width, other.channels)
    }

    /// Whether the rows follow each other without a border.
    pub(crate) fn is_dense(&self) -> bool {
        self.row_stride == self.width * self.channels
    }
}

/// Weights of a convolution, `[output / BLOCK][row, column, input][output % BLOCK]`, and its bias.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    /// Weights for each output: rows × columns × inputs.
    pub(crate) depth: usize,
}

impl Packed {
    /// From `[output][row, column, input]`, when the outputs come in whole blocks.
    pub(crate) fn new(weights: &[f32], bias: &[f32]) -> Option<Self> {
        let outputs = bias.len();
        if outputs == 0
            || !outputs.is_multiple_of(BLOCK)
            || weights.is_empty()
            || !weights.len().is_multiple_of(outputs)
        {
            return None;
        }
        let depth = weights.len() / outputs;
        let mut packed = Vec::with_capacity(weights.len());
        for block in weights.chunks_exact(BLOCK * depth) {
            for at in 0..depth {
                packed.extend((0..BLOCK).map(|output| block[output * depth + at]));
            }
        }
        Some(Self { weights: packed, bias: bias.to_vec(), depth })
    }

    #[cfg(any(test, all(target_arch = "wasm32", feature = "twins")))]
    /// The weight of `output` for the `at`-th input of its window.
    pub(crate) fn weight(&self, output: usize, at: usize) -> f32 {
        self.weights[((output / BLOCK) * self.depth + at) * BLOCK + output % BLOCK]
    }
}

/// An activation that is applied to a sum before it leaves the registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Epilogue {
    /// Nothing.
    Identity,
    /// max(x, 0)
    Relu,
    /// x · min(max(x / 6 + ½, 0), 1)
    HardSwish,
}

/// y = epilogue(bias + Σ weights · window(x) [· scale]) [+ residual]
#[derive(Debug)]
pub(crate) struct Convolution {
    pub(crate) x: View,
    pub(crate) y: View,
    pub(crate) filter: Packed,
    pub(crate) size: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) epilogue: Epilogue,
    pub(crate) residual: Option<View>,
    /// A point that the input channels are multiplied with, for 1 × 1 only.
    pub(crate) scale: Option<View>,
}

/// y = epilogue(bias + Σ weights · window(x)) [+ residual], channel by channel
#[derive(Debug)]
pub(crate) struct Depthwise {
    pub(crate) x: View,
    pub(crate) y: View,
    /// `[row][column][channel]`
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) size: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) epilogue: Epilogue,
    pub(crate) residual: Option<View>,
}

/// y = mean over all places of x [+ the same of `also`]
#[derive(Debug)]
pub(crate) struct Mean {
    pub(crate) x: View,
    pub(crate) also: Option<View>,
    pub(crate) y: View,
}

/// y = x [· by] [+ addend], `by` a point
#[derive(Debug)]
pub(crate) struct ScaleAdd {
    pub(crate) x: View,
    pub(crate) by: Option<View>,
    pub(crate) addend: Option<View>,
    pub(crate) y: View,
}

/// y = x at twice the width and height, bilinear between pixel centres
#[derive(Debug)]
pub(crate) struct Upsample {
    pub(crate) x: View,
    pub(crate) y: View,
}

/// Weights of the transposed convolution, `[row][column][input]`, and its bias.
#[derive(Debug, Clone)]
pub(crate) struct TransposedFilter {
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: f32,
}

/// Each pixel of x becomes a square of 2 × 2 of y: bias + Σ weights · x
#[derive(Debug)]
pub(crate) struct Transposed {
    pub(crate) x: View,
    pub(crate) y: View,
    pub(crate) filter: TransposedFilter,
}

/// y = activation(x)
#[derive(Debug)]
pub(crate) struct Activate {
    pub(crate) x: View,
    pub(crate) y: View,
    pub(crate) activation: Activation,
}

/// The end of the decoder, row by row, so that what is between never leaves the nearest cache:
///
/// ```text
/// low ── upsample ──┐
/// skip ── · scale ──┴─ + ── 1 × 1, ReLU ─┬─ depthwise 3 × 3, ReLU ── + ── transposed, sigmoid ── y
///                                        └───────────────────────────┘
/// ```
#[derive(Debug)]
pub(crate) struct LastStage {
    pub(crate) low: View,
    pub(crate) skip: View,
    pub(crate) scale: View,
    pub(crate) filter: Packed,
    pub(crate) depthwise_weights: Vec<f32>,
    pub(crate) depthwise_bias: Vec<f32>,
    pub(crate) transposed: TransposedFilter,
    pub(crate) y: View,
}

/// A complete set of kernels. All of them read and write the arena where the views say, and panic when a view leads
/// out of it: that is a mistake of the planner, which no file can cause.
pub(crate) trait Kernels {
    fn convolution(arena: &mut [f32], scratch: &mut Vec<f32>, step: &Convolution);
    fn depthwise(arena: &mut [f32], step: &Depthwise);
    fn mean(arena: &mut [f32], step: &Mean);
    fn scale_add(arena: &mut [f32], step: &ScaleAdd);
    fn upsample(arena: &mut [f32], step: &Upsample);
    fn transposed(arena: &mut [f32], step: &Transposed);
    fn activate(arena: &mut [f32], step: &Activate);
    fn last_stage(arena: &mut [f32], scratch: &mut Vec<f32>, step: &LastStage);
}

/// Which two rows (or columns) of the source the upsampled one lies between, and how far from the first.
///
/// Centres of pixels: the upsampled position p lies at p / 2 − ¼ of the source, kept inside it.
pub(crate) fn upsampled_between(position: usize, len: usize) -> (usize, usize, f32) {
    let upper = position.saturating_sub(1) / 2;
    match position {
        0 => (0, 0, 0.0),
        _ if upper + 1 >= len => (len - 1, len - 1, 0.0),
        _ if position % 2 == 1 => (upper, upper + 1, 0.25),
        _ => (upper, upper + 1, 0.75),
    }
}
