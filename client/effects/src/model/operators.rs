//! The operators of the file: each is read with its options and weights, and its shapes are checked.

use super::flatbuffer::Table;
use super::tensors::Tensors;
use super::{Activation, Filter, Malformed, ModelError, Operator, Shape, ValueId, field};

/// `BuiltinOperator` of the schema.
mod code {
    pub(super) const ADD: u32 = 0;
    pub(super) const AVERAGE_POOL_2D: u32 = 1;
    pub(super) const CONV_2D: u32 = 3;
    pub(super) const DEPTHWISE_CONV_2D: u32 = 4;
    pub(super) const DEQUANTIZE: u32 = 6;
    pub(super) const LOGISTIC: u32 = 14;
    pub(super) const MUL: u32 = 18;
    pub(super) const RELU: u32 = 19;
    pub(super) const RELU6: u32 = 21;
    pub(super) const RESIZE_BILINEAR: u32 = 23;
    pub(super) const CUSTOM: u32 = 32;
    pub(super) const MEAN: u32 = 40;
    pub(super) const HARD_SWISH: u32 = 117;
}

/// The name of the custom operator of MediaPipe: a transposed convolution with a bias.
const TRANSPOSED: &[u8] = b"Convolution2DTransposeBias";
/// Its options, three little-endian numbers: padding SAME, a stride of 2 each way.
const TRANSPOSED_OPTIONS: [u8; 12] = [1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0];
/// The largest width of a filter.
const FILTER_SIZE_MAX: usize = 5;

/// An operator while it is read.
struct Reader<'a, 'b> {
    inputs: Vec<ValueId>,
    output: ValueId,
    options: Option<Table<'a>>,
    tensors: &'b mut Tensors<'a>,
    read: &'b mut Vec<Operator>,
}

/// Reads the operator in `table` and appends what it does to `read`.
pub(super) fn read<'a>(
    table: &Table<'a>,
    codes: &[Table<'a>],
    tensors: &mut Tensors<'a>,
    read: &mut Vec<Operator>,
) -> Result<(), ModelError> {
    let code = codes.get(table.number(field::OPERATOR_CODE, 0)? as usize).ok_or(Malformed::Index)?;
    let inputs = table.words(field::OPERATOR_INPUTS)?;
    if !(1..=3).contains(&inputs.len()) {
        return Err(Malformed::Arity.into());
    }
    let inputs = inputs.iter().map(|input| input as usize).collect();
    let output = table.words(field::OPERATOR_OUTPUTS)?.only()? as usize;
    let options = table.table(field::OPERATOR_OPTIONS)?;
    let mut reader = Reader { inputs, output, options, tensors, read };
    // Old files have the number in the first field alone, new ones in both or in the second.
    let old = u32::try_from(code.byte(field::CODE_DEPRECATED)?).unwrap_or(0);
    match old.max(code.number(field::CODE_BUILTIN, 0)?) {
        code::DEQUANTIZE => {
            let x = reader.only_input()?;
            reader.tensors.widen(x, output)
        }
        code::CONV_2D => reader.convolution(),
        code::DEPTHWISE_CONV_2D => reader.depthwise(),
        code::CUSTOM if code.octets(field::CODE_CUSTOM)? == TRANSPOSED => {
            reader.transposed(table.octets(field::OPERATOR_CUSTOM_OPTIONS)?)
        }
        code::MEAN => reader.mean(),
        code::AVERAGE_POOL_2D => reader.pool(),
        code::MUL => reader.multiply(),
        code::ADD => reader.add(),
        code::RESIZE_BILINEAR => reader.upsample(),
        code::RELU => reader.activate(Activation::Relu),
        code::RELU6 => reader.activate(Activation::Relu6),
        code::HARD_SWISH => reader.activate(Activation::HardSwish),
        code::LOGISTIC => reader.activate(Activation::Sigmoid),
        _ => Err(ModelError::Unsupported("an operator of another kind")),
    }
}

impl Reader<'_, '_> {
    fn convolution(&mut self) -> Result<(), ModelError> {
        const WHAT: &str = "convolution";
        let [x, weights, bias] = self.three_inputs()?;
        let shape = self.tensors.computed(x)?;
        let (dimensions, weights) = self.tensors.constant(weights)?;
        let &[outputs, rows, columns, inputs] = dimensions.as_slice() else {
            return Err(Malformed::Arity.into());
        };
        let bias = self.bias(bias, outputs)?;
        let y = self.tensors.define(self.output)?;
        if rows != columns || inputs != shape.channels || outputs != y.channels {
            return Err(ModelError::Mismatch(WHAT));
        }
        self.expect_undilated(4)?;
        let (stride, padding) = self.window(WHAT, rows, shape, y)?;
        let filter = Filter { size: rows, weights, bias };
        self.read.push(Operator::Convolution { x, y: self.output, filter, stride, padding });
        self.expect_no_activation(3)
    }

    fn depthwise(&mut self) -> Result<(), ModelError> {
        const WHAT: &str = "depthwise convolution";
        let [x, weights, bias] = self.three_inputs()?;
        let shape = self.tensors.computed(x)?;
        let (dimensions, weights) = self.tensors.constant(weights)?;
        let &[1, rows, columns, channels] = dimensions.as_slice() else {
            return Err(Malformed::Arity.into());
        };
        let bias = self.bias(bias, channels)?;
        let y = self.tensors.define(self.output)?;
        if rows != columns || channels != shape.channels || channels != y.channels {
            return Err(ModelError::Mismatch(WHAT));
        }
        self.expect_undilated(5)?;
        let (stride, padding) = self.window(WHAT, rows, shape, y)?;
        let filter = Filter { size: rows, weights, bias };
        self.read.push(Operator::Depthwise { x, y: self.output, filter, stride, padding });
        self.expect_no_activation(4)
    }

    fn transposed(&mut self, options: &[u8]) -> Result<(), ModelError> {
        const WHAT: &str = "transposed convolution";
        let [x, weights, bias] = self.three_inputs()?;
        let shape = self.tensors.computed(x)?;
        let (dimensions, weights) = self.tensors.constant(weights)?;
        let bias = self.bias(bias, 1)?;
        let y = self.tensors.define(self.output)?;
        if options != TRANSPOSED_OPTIONS || dimensions != [1, 2, 2, shape.channels] {
            return Err(ModelError::Unsupported("a transposed convolution of another kind"));
        }
        if y != (Shape { height: 2 * shape.height, width: 2 * shape.width, channels: 1 }) {
            return Err(ModelError::Mismatch(WHAT));
        }
        let filter = Filter { size: 2, weights, bias };
        self.read.push(Operator::Transposed { x, y: self.output, filter });
        Ok(())
    }

    /// The mean over rows and columns: axes 1 and 2.
    fn mean(&mut self) -> Result<(), ModelError> {
        let [x, axes] = self.two_inputs()?;
        let axes = self.tensors.integers(axes, 2)?;
        if axes != [1, 2] && axes != [2, 1] {
            return Err(ModelError::Unsupported("a mean over other axes"));
        }
        self.mean_of(x)
    }

    /// Average pooling over the whole picture is the mean.
    fn pool(&mut self) -> Result<(), ModelError> {
        let x = self.only_input()?;
        let shape = self.tensors.computed(x)?;
        let (width, height) = (self.option(3, 0)? as usize, self.option(4, 0)? as usize);
        if (height, width) != (shape.height, shape.width) {
            return Err(ModelError::Unsupported("pooling over a part of the picture"));
        }
        self.expect_no_activation(5)?;
        self.mean_of(x)
    }

    fn mean_of(&mut self, x: ValueId) -> Result<(), ModelError> {
        let shape = self.tensors.computed(x)?;
        let y = self.tensors.define(self.output)?;
        if !y.is_point() || y.channels != shape.channels {
            return Err(ModelError::Mismatch("mean"));
        }
        self.read.push(Operator::Mean { x, y: self.output });
        Ok(())
    }

    fn multiply(&mut self) -> Result<(), ModelError> {
        let [x, by] = self.two_inputs()?;
        let (shape, point) = (self.tensors.computed(x)?, self.tensors.computed(by)?);
        let y = self.tensors.define(self.output)?;
        if !point.is_point() || point.channels != shape.channels || y != shape {
            return Err(ModelError::Mismatch("multiplication"));
        }
        self.read.push(Operator::Scale { x, by, y: self.output });
        self.expect_no_activation(0)
    }

    fn add(&mut self) -> Result<(), ModelError> {
        let [x, addend] = self.two_inputs()?;
        let (shape, other) = (self.tensors.computed(x)?, self.tensors.computed(addend)?);
        if self.tensors.define(self.output)? != shape || other != shape {
            return Err(ModelError::Mismatch("sum"));
        }
        self.read.push(Operator::Add { x, addend, y: self.output });
        self.expect_no_activation(0)
    }

    fn upsample(&mut self) -> Result<(), ModelError> {
        let [x, size] = self.two_inputs()?;
        let shape = self.tensors.computed(x)?;
        let y = self.tensors.define(self.output)?;
        let doubled = Shape { height: 2 * shape.height, width: 2 * shape.width, channels: shape.channels };
        let size = self.tensors.integers(size, 2)?;
        let is_size = size.iter().map(|side| usize::try_from(*side).ok()).eq([Some(y.height), Some(y.width)]);
        if y != doubled || !is_size {
            return Err(ModelError::Unsupported("resizing by another factor than two"));
        }
        let options = self.options.ok_or(Malformed::Arity)?;
        if options.byte(2)? != 0 || options.byte(3)? == 0 {
            return Err(ModelError::Unsupported("resizing that is not between pixel centres"));
        }
        self.read.push(Operator::Upsample { x, y: self.output });
        Ok(())
    }

    fn activate(&mut self, activation: Activation) -> Result<(), ModelError> {
        let x = self.only_input()?;
        let shape = self.tensors.computed(x)?;
        if self.tensors.define(self.output)? != shape {
            return Err(ModelError::Mismatch("activation"));
        }
        self.read.push(Operator::Activate { x, y: self.output, activation });
        Ok(())
    }

    /// Stride and padding of a window of `size`, when they lead from `x` to `y`. The options begin with the padding
    /// and the two strides, for every operator that has a window.
    fn window(
        &self,
        what: &'static str,
        size: usize,
        x: Shape,
        y: Shape,
    ) -> Result<(usize, usize), ModelError> {
        let stride = self.option(1, 0)? as usize;
        if size > FILTER_SIZE_MAX || size.is_multiple_of(2) || !(1..=2).contains(&stride) {
            return Err(ModelError::Unsupported("a window of another size or stride"));
        }
        if self.option(2, 0)? as usize != stride {
            return Err(ModelError::Unsupported("a stride that differs between rows and columns"));
        }
        let is_same = self.options.ok_or(Malformed::Arity)?.byte(0)? == 0;
        let side = |side: usize| match is_same {
            true => Some(side.div_ceil(stride)),
            false => side.checked_sub(size).map(|rest| rest / stride + 1),
        };
        if side(x.height) != Some(y.height) || side(x.width) != Some(y.width) {
            return Err(ModelError::Mismatch(what));
        }
        // SAME puts the odd row below and the odd column to the right.
        let total = |input: usize, output: usize| ((output - 1) * stride + size).saturating_sub(input);
        let (rows, columns) = (total(x.height, y.height) / 2, total(x.width, y.width) / 2);
        if rows != columns {
            return Err(ModelError::Unsupported("padding that differs between rows and columns"));
        }
        Ok((stride, if is_same { rows } else { 0 }))
    }

    fn bias(&mut self, id: ValueId, outputs: usize) -> Result<Vec<f32>, ModelError> {
        let (dimensions, bias) = self.tensors.constant(id)?;
        if dimensions == [outputs] { Ok(bias) } else { Err(Malformed::Arity.into()) }
    }

    fn option(&self, number: usize, default: u32) -> Result<u32, ModelError> {
        Ok(self.options.ok_or(Malformed::Arity)?.number(number, default)?)
    }

    /// Dilation by columns and rows, in two fields from `first` on.
    fn expect_undilated(&self, first: usize) -> Result<(), ModelError> {
        match (self.option(first, 1)?, self.option(first + 1, 1)?) {
            (1, 1) => Ok(()),
            _ => Err(ModelError::Unsupported("dilation")),
        }
    }

    /// The converter of the pinned models writes activations as operators of their own.
    fn expect_no_activation(&self, number: usize) -> Result<(), ModelError> {
        match self.options.map_or(Ok(0), |options| options.byte(number))? {
            0 => Ok(()),
            _ => Err(ModelError::Unsupported("an activation inside another operator")),
        }
    }

    fn only_input(&self) -> Result<ValueId, ModelError> {
        match self.inputs.as_slice() {
            &[x] => Ok(x),
            _ => Err(Malformed::Arity.into()),
        }
    }

    fn two_inputs(&self) -> Result<[ValueId; 2], ModelError> {
        self.inputs.as_slice().try_into().map_err(|_| Malformed::Arity.into())
    }

    fn three_inputs(&self) -> Result<[ValueId; 3], ModelError> {
        self.inputs.as_slice().try_into().map_err(|_| Malformed::Arity.into())
    }
}
