//! The segmentation model: a TensorFlow Lite file, read unchanged and checked completely.
//!
//! What comes out is a list of operators in an order in which they can run, each with its weights in single precision
//! and with shapes that fit together. Nothing later has to check the file again.
//!
//! The format is `tensorflow/lite/schema/schema.fbs`, version 3.

mod flatbuffer;
mod half;
mod operators;
mod tensors;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;

use self::flatbuffer::Table;
use self::tensors::Tensors;

/// The largest file that is looked at, in bytes. The largest of the pinned models has 249,792.
pub const FILE_LEN_MAX: usize = 4 << 20;
/// The most operators, the most tensors and the most buffers. The pinned models have 246, 370 and about as many.
const ENTRIES_MAX: usize = 2048;
/// The largest width or height of a tensor, in pixels.
const SIDE_MAX: usize = 512;
/// The most channels of a tensor.
const CHANNELS_MAX: usize = 512;
/// The most weights of all operators together. The pinned models have 106,401.
const WEIGHTS_MAX: usize = 1 << 20;
/// The most elements of one tensor: 16 MiB in single precision.
const ELEMENTS_MAX: usize = 4 << 20;
/// The most multiplications of one inference. The larger of the pinned models takes 59 million.
pub(crate) const MULTIPLICATIONS_MAX: usize = 1 << 30;

/// Why a file is not a model that can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelError {
    /// The bytes are not what the format says.
    Malformed(Malformed),
    /// The file is larger than [`FILE_LEN_MAX`], or the network is larger than anything that runs in real time.
    TooLarge,
    /// The network uses something that this engine does not have.
    Unsupported(&'static str),
    /// The shapes of an operator's inputs, weights and output do not fit together.
    Mismatch(&'static str),
}

/// How bytes can differ from the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// An offset leads out of the file.
    Offset,
    /// A vector has another number of entries than its place demands.
    Arity,
    /// A vector has more entries than any model here.
    TooMany,
    /// An index names an entry that does not exist, or a value that is not computed yet, or twice.
    Index,
    /// Not version 3 of the schema.
    Version,
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(how) => write!(f, "the model file is malformed: {how:?}"),
            Self::TooLarge => f.write_str("the model is too large"),
            Self::Unsupported(what) => write!(f, "the model uses {what}, which is not supported"),
            Self::Mismatch(what) => write!(f, "the shapes of a {what} do not fit together"),
        }
    }
}

impl std::error::Error for ModelError {}

impl From<Malformed> for ModelError {
    fn from(how: Malformed) -> Self {
        Self::Malformed(how)
    }
}

/// Rows, columns and channels of a picture-like tensor; the batch is always one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Numbers at each place.
    pub channels: usize,
}

impl Shape {
    pub(crate) fn elements(self) -> usize {
        self.height * self.width * self.channels
    }

    pub(crate) fn is_point(self) -> bool {
        self.height == 1 && self.width == 1
    }
}

/// A value that the network computes, by its place in [`Model::shapes`].
pub(crate) type ValueId = usize;

/// What follows an operator, element by element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    /// max(x, 0)
    Relu,
    /// min(max(x, 0), 6)
    Relu6,
    /// x · min(max(x / 6 + ½, 0), 1)
    HardSwish,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
}

/// Weights as the file has them, in single precision.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filter {
    /// Width and height.
    pub(crate) size: usize,
    /// For convolutions `[output][row][column][input]`, for depthwise ones `[row][column][channel]`.
    pub(crate) weights: Vec<f32>,
    /// One for each output channel.
    pub(crate) bias: Vec<f32>,
}

/// One step of the network as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operator {
    /// Convolution over all channels. `padding` is the number of zero rows above and columns left.
    Convolution { x: ValueId, y: ValueId, filter: Filter, stride: usize, padding: usize },
    /// A convolution for each channel alone.
    Depthwise { x: ValueId, y: ValueId, filter: Filter, stride: usize, padding: usize },
    /// Each pixel becomes a square of 2 × 2 in one channel: `weights[row][column][input]`.
    Transposed { x: ValueId, y: ValueId, filter: Filter },
    /// The mean over all places, for each channel.
    Mean { x: ValueId, y: ValueId },
    /// Every place multiplied by the point `by`, channel by channel.
    Scale { x: ValueId, by: ValueId, y: ValueId },
    /// The sum of two tensors of one shape.
    Add { x: ValueId, addend: ValueId, y: ValueId },
    /// Twice the width and height, bilinear between pixel centres.
    Upsample { x: ValueId, y: ValueId },
    /// An activation alone.
    Activate { x: ValueId, y: ValueId, activation: Activation },
}

/// A network that was read and checked.
#[derive(Debug, Clone)]
pub struct Model {
    /// The shape of every value, computed or not.
    pub(crate) shapes: Vec<Shape>,
    /// In an order in which they can run.
    pub(crate) operators: Vec<Operator>,
    pub(crate) input: ValueId,
    pub(crate) output: ValueId,
}

impl Model {
    /// Reads a TensorFlow Lite file.
    ///
    /// # Errors
    ///
    /// [`ModelError`] for anything that is not a complete network of the supported kind: one picture of three channels
    /// in, one mask of one channel out. Takes memory in proportion to the file and to the limits above, whatever the
    /// bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        if bytes.len() > FILE_LEN_MAX {
            return Err(ModelError::TooLarge);
        }
        let file = Table::root(bytes)?;
        if file.number(field::MODEL_VERSION, 0)? != 3 {
            return Err(Malformed::Version.into());
        }
        let graphs = file.tables(field::MODEL_SUBGRAPHS, 1)?;
        let [graph] = graphs.as_slice() else { return Err(Malformed::Arity.into()) };
        let codes = file.tables(field::MODEL_OPERATOR_CODES, ENTRIES_MAX)?;
        let buffers = file.tables(field::MODEL_BUFFERS, ENTRIES_MAX)?;
        let input = graph.words(field::GRAPH_INPUTS)?.only()? as usize;
        let output = graph.words(field::GRAPH_OUTPUTS)?.only()? as usize;
        let mut tensors = Tensors::read(graph, &buffers)?;
        tensors.define_input(input)?;
        let mut operators = Vec::new();
        for table in graph.tables(field::GRAPH_OPERATORS, ENTRIES_MAX)? {
            operators::read(&table, &codes, &mut tensors, &mut operators)?;
        }
        let shapes = tensors.into_shapes(output)?;
        let model = Self { shapes, operators, input, output };
        model.check_size()?;
        Ok(model)
    }

    /// The picture that goes in: red, green and blue from 0 to 1.
    #[must_use]
    pub fn input_shape(&self) -> Shape {
        self.shapes[self.input]
    }

    /// The mask that comes out: how likely each place shows a person, from 0 to 1.
    #[must_use]
    pub fn output_shape(&self) -> Shape {
        self.shapes[self.output]
    }

    fn check_size(&self) -> Result<(), ModelError> {
        if self.input_shape().channels != 3 || self.output_shape().channels != 1 {
            return Err(ModelError::Unsupported("a picture or mask of another number of channels"));
        }
        if self.multiplications() > MULTIPLICATIONS_MAX {
            return Err(ModelError::TooLarge);
        }
        Ok(())
    }

    /// How many multiplications by weights one inference takes.
    #[must_use]
    pub fn multiplications(&self) -> usize {
        let places = |id: ValueId| self.shapes[id].height * self.shapes[id].width;
        let sum = self.operators.iter().map(|operator| match operator {
            Operator::Convolution { y, filter, .. } | Operator::Depthwise { y, filter, .. } => {
                places(*y).saturating_mul(filter.weights.len())
            }
            Operator::Transposed { x, filter, .. } => places(*x).saturating_mul(filter.weights.len()),
            Operator::Mean { .. }
            | Operator::Scale { .. }
            | Operator::Add { .. }
            | Operator::Upsample { .. }
            | Operator::Activate { .. } => 0,
        });
        sum.fold(0, usize::saturating_add)
    }
}

/// The numbers of the fields in the schema.
mod field {
    pub(super) const MODEL_VERSION: usize = 0;
    pub(super) const MODEL_OPERATOR_CODES: usize = 1;
    pub(super) const MODEL_SUBGRAPHS: usize = 2;
    pub(super) const MODEL_BUFFERS: usize = 4;
    pub(super) const CODE_DEPRECATED: usize = 0;
    pub(super) const CODE_CUSTOM: usize = 1;
    pub(super) const CODE_BUILTIN: usize = 3;
    pub(super) const GRAPH_TENSORS: usize = 0;
    pub(super) const GRAPH_INPUTS: usize = 1;
    pub(super) const GRAPH_OUTPUTS: usize = 2;
    pub(super) const GRAPH_OPERATORS: usize = 3;
    pub(super) const TENSOR_SHAPE: usize = 0;
    pub(super) const TENSOR_TYPE: usize = 1;
    pub(super) const TENSOR_BUFFER: usize = 2;
    pub(super) const BUFFER_DATA: usize = 0;
    pub(super) const OPERATOR_CODE: usize = 0;
    pub(super) const OPERATOR_INPUTS: usize = 1;
    pub(super) const OPERATOR_OUTPUTS: usize = 2;
    pub(super) const OPERATOR_OPTIONS: usize = 4;
    pub(super) const OPERATOR_CUSTOM_OPTIONS: usize = 5;
}
