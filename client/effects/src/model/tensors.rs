//! The tensors of the file: shapes, constants, and which values are computed already.

use super::flatbuffer::Table;
use super::{
    CHANNELS_MAX, ELEMENTS_MAX, ENTRIES_MAX, Malformed, ModelError, SIDE_MAX, Shape, ValueId, WEIGHTS_MAX,
    field, half,
};

/// `TensorType` of the schema.
const TYPE_FLOAT32: i8 = 0;
const TYPE_FLOAT16: i8 = 1;
const TYPE_INT32: i8 = 2;

/// One tensor as the file describes it.
#[derive(Debug)]
struct Tensor<'a> {
    dimensions: Vec<usize>,
    kind: i8,
    /// Empty unless it is a constant.
    data: &'a [u8],
    state: State,
}

/// What is known about a tensor's value while the operators are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No operator has computed it yet.
    Unknown,
    /// Computed by an operator before, or the input.
    Computed,
    /// A constant: its own data, or those of the half-precision tensor that an operator widens.
    Constant(ValueId),
}

/// All tensors of the graph.
#[derive(Debug)]
pub(super) struct Tensors<'a> {
    tensors: Vec<Tensor<'a>>,
    /// How many weights may still be widened.
    weights_left: usize,
}

impl<'a> Tensors<'a> {
    /// Reads the table of tensors; `buffers` are those of the file.
    pub(super) fn read(graph: &Table<'a>, buffers: &[Table<'a>]) -> Result<Self, ModelError> {
        let tables = graph.tables(field::GRAPH_TENSORS, ENTRIES_MAX)?;
        let tensors = tables.iter().enumerate().map(|(id, table)| Tensor::read(id, table, buffers));
        Ok(Self { tensors: tensors.collect::<Result<_, _>>()?, weights_left: WEIGHTS_MAX })
    }

    /// Marks the picture that goes in.
    pub(super) fn define_input(&mut self, id: ValueId) -> Result<(), ModelError> {
        self.define(id).map(|_| ())
    }

    /// The shape of a value that is computed already.
    pub(super) fn computed(&self, id: ValueId) -> Result<Shape, ModelError> {
        let tensor = self.tensor(id)?;
        if tensor.state != State::Computed {
            return Err(Malformed::Index.into());
        }
        tensor.shape()
    }

    /// Marks a value as computed from now on, and returns its shape.
    pub(super) fn define(&mut self, id: ValueId) -> Result<Shape, ModelError> {
        let tensor = self.tensors.get_mut(id).ok_or(Malformed::Index)?;
        if tensor.state != State::Unknown || tensor.kind != TYPE_FLOAT32 {
            return Err(Malformed::Index.into());
        }
        tensor.state = State::Computed;
        tensor.shape()
    }

    /// Marks `y` as the constant `x`, widened.
    pub(super) fn widen(&mut self, x: ValueId, y: ValueId) -> Result<(), ModelError> {
        let source = self.tensor(x)?;
        if source.state != State::Constant(x) || source.kind != TYPE_FLOAT16 {
            return Err(ModelError::Unsupported("DEQUANTIZE of anything but half-precision weights"));
        }
        let dimensions = source.dimensions.clone();
        let target = self.tensors.get_mut(y).ok_or(Malformed::Index)?;
        if target.state != State::Unknown || target.dimensions != dimensions {
            return Err(Malformed::Index.into());
        }
        target.state = State::Constant(x);
        Ok(())
    }

    /// The dimensions and the values of a constant.
    pub(super) fn constant(&mut self, id: ValueId) -> Result<(Vec<usize>, Vec<f32>), ModelError> {
        let State::Constant(source) = self.tensor(id)?.state else {
            return Err(ModelError::Unsupported("weights that are computed"));
        };
        let tensor = self.tensor(source)?;
        let count = product(&tensor.dimensions)?;
        self.weights_left = self.weights_left.checked_sub(count).ok_or(ModelError::TooLarge)?;
        let tensor = self.tensor(source)?;
        let values: Vec<f32> = match tensor.kind {
            TYPE_FLOAT32 => tensor.data.chunks_exact(4).map(single).collect(),
            TYPE_FLOAT16 => {
                let halves = tensor.data.chunks_exact(2);
                halves.map(|pair| half::to_f32(u16::from_le_bytes([pair[0], pair[1]]))).collect()
            }
            _ => return Err(ModelError::Unsupported("weights that are not floating point")),
        };
        if values.len() != count {
            return Err(Malformed::Arity.into());
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(ModelError::Unsupported("weights that are not finite"));
        }
        Ok((tensor.dimensions.clone(), values))
    }

    /// The values of a constant of 32-bit integers, at most `max` of them.
    pub(super) fn integers(&self, id: ValueId, max: usize) -> Result<Vec<i32>, ModelError> {
        let tensor = self.tensor(id)?;
        if tensor.kind != TYPE_INT32 || tensor.state != State::Constant(id) || tensor.data.len() > 4 * max {
            return Err(ModelError::Unsupported("an index that is not a short integer constant"));
        }
        let words = tensor.data.chunks_exact(4);
        Ok(words.map(|word| i32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect())
    }

    /// The shapes of all values, once every operator is read and `output` is computed. What never is computed has
    /// the shape of nothing.
    pub(super) fn into_shapes(self, output: ValueId) -> Result<Vec<Shape>, ModelError> {
        self.computed(output)?;
        let shape = |tensor: &Tensor<'_>| match tensor.state {
            State::Computed => tensor.shape(),
            State::Unknown | State::Constant(_) => Ok(Shape { height: 0, width: 0, channels: 0 }),
        };
        self.tensors.iter().map(shape).collect()
    }

    fn tensor(&self, id: ValueId) -> Result<&Tensor<'a>, ModelError> {
        self.tensors.get(id).ok_or(ModelError::Malformed(Malformed::Index))
    }
}

impl<'a> Tensor<'a> {
    fn read(id: ValueId, table: &Table<'a>, buffers: &[Table<'a>]) -> Result<Self, ModelError> {
        let words = table.words(field::TENSOR_SHAPE)?;
        if words.len() > 4 {
            return Err(ModelError::Unsupported("a tensor of more than four dimensions"));
        }
        let buffer = table.number(field::TENSOR_BUFFER, 0)? as usize;
        let data = buffers.get(buffer).ok_or(Malformed::Index)?.octets(field::BUFFER_DATA)?;
        Ok(Self {
            dimensions: words.iter().map(|word| word as usize).collect(),
            kind: table.byte(field::TENSOR_TYPE)?,
            data,
            state: if data.is_empty() { State::Unknown } else { State::Constant(id) },
        })
    }

    /// The shape of a computed value: a batch of one with rows, columns and channels.
    fn shape(&self) -> Result<Shape, ModelError> {
        let &[1, height, width, channels] = self.dimensions.as_slice() else {
            return Err(ModelError::Unsupported("a value that is not one picture"));
        };
        let is_side = |side: usize| (1..=SIDE_MAX).contains(&side);
        if !is_side(height) || !is_side(width) || !(1..=CHANNELS_MAX).contains(&channels) {
            return Err(ModelError::TooLarge);
        }
        let shape = Shape { height, width, channels };
        if shape.elements() > ELEMENTS_MAX { Err(ModelError::TooLarge) } else { Ok(shape) }
    }
}

/// The product of dimensions; more than any set of weights is an error.
fn product(dimensions: &[usize]) -> Result<usize, ModelError> {
    let product = dimensions.iter().try_fold(1_usize, |product, side| product.checked_mul(*side));
    product.filter(|count| *count <= WEIGHTS_MAX).ok_or(ModelError::TooLarge)
}

fn single(word: &[u8]) -> f32 {
    f32::from_le_bytes([word[0], word[1], word[2], word[3]])
}
