//! The network while it is rewritten: nodes in an order in which they can run, and the shapes of their values.

use crate::kernels::{Epilogue, Packed, TransposedFilter};
use crate::model::{Activation, Filter, Model, ModelError, Operator, Shape, ValueId};

/// One node. The fields mean what they mean in [`crate::kernels`].
#[derive(Debug)]
pub(super) enum Node {
    Convolution {
        x: ValueId,
        y: ValueId,
        filter: Packed,
        size: usize,
        stride: usize,
        padding: usize,
        epilogue: Epilogue,
        residual: Option<ValueId>,
        scale: Option<ValueId>,
    },
    Depthwise {
        x: ValueId,
        y: ValueId,
        filter: Filter,
        stride: usize,
        padding: usize,
        epilogue: Epilogue,
        residual: Option<ValueId>,
    },
    Transposed {
        x: ValueId,
        y: ValueId,
        filter: TransposedFilter,
    },
    Mean {
        x: ValueId,
        also: Option<ValueId>,
        y: ValueId,
    },
    ScaleAdd {
        x: ValueId,
        by: Option<ValueId>,
        addend: Option<ValueId>,
        y: ValueId,
    },
    Upsample {
        x: ValueId,
        y: ValueId,
    },
    Activate {
        x: ValueId,
        y: ValueId,
        activation: Activation,
    },
    LastStage {
        low: ValueId,
        skip: ValueId,
        scale: ValueId,
        filter: Packed,
        depthwise: Filter,
        transposed: TransposedFilter,
        y: ValueId,
    },
}

impl Node {
    /// The values it reads; a value may stand there twice.
    pub(super) fn inputs(&self) -> impl Iterator<Item = ValueId> + use<> {
        let inputs = match *self {
            Self::Convolution { x, residual, scale, .. } => [Some(x), residual, scale],
            Self::Depthwise { x, residual, .. } => [Some(x), residual, None],
            Self::Mean { x, also, .. } => [Some(x), also, None],
            Self::ScaleAdd { x, by, addend, .. } => [Some(x), by, addend],
            Self::Transposed { x, .. } | Self::Upsample { x, .. } | Self::Activate { x, .. } => {
                [Some(x), None, None]
            }
            Self::LastStage { low, skip, scale, .. } => [Some(low), Some(skip), Some(scale)],
        };
        inputs.into_iter().flatten()
    }

    /// The value it computes.
    pub(super) fn output(&self) -> ValueId {
        match self {
            Self::Convolution { y, .. }
            | Self::Depthwise { y, .. }
            | Self::Transposed { y, .. }
            | Self::Mean { y, .. }
            | Self::ScaleAdd { y, .. }
            | Self::Upsample { y, .. }
            | Self::Activate { y, .. }
            | Self::LastStage { y, .. } => *y,
        }
    }

    /// Size, stride and padding of its window, if it has one that may reach over the edge of x.
    pub(super) fn window(&self) -> Option<(usize, usize, usize)> {
        match self {
            Self::Convolution { size, stride, padding, .. } => Some((*size, *stride, *padding)),
            Self::Depthwise { filter, stride, padding, .. } => Some((filter.size, *stride, *padding)),
            Self::Transposed { .. }
            | Self::Mean { .. }
            | Self::ScaleAdd { .. }
            | Self::Upsample { .. }
            | Self::Activate { .. }
            | Self::LastStage { .. } => None,
        }
    }
}

/// All nodes and the shapes of all values.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) shapes: Vec<Shape>,
    pub(super) nodes: Vec<Node>,
    pub(super) input: ValueId,
    pub(super) output: ValueId,
}

impl Network {
    /// One node for each operator.
    pub(super) fn new(model: &Model) -> Result<Self, ModelError> {
        let nodes = model.operators.iter().map(node).collect::<Result<_, _>>()?;
        Ok(Self { shapes: model.shapes.clone(), nodes, input: model.input, output: model.output })
    }

    /// The node that computes `value`. The input has none.
    pub(super) fn producer(&self, value: ValueId) -> Option<usize> {
        self.nodes.iter().position(|node| node.output() == value)
    }

    /// The node that is alone in reading `value`, and reads it once. The output is read from outside, too.
    pub(super) fn only_reader(&self, value: ValueId) -> Option<usize> {
        if value == self.output {
            return None;
        }
        let readers = self
            .nodes
            .iter()
            .enumerate()
            .flat_map(|(index, node)| node.inputs().filter(|input| *input == value).map(move |_| index));
        let mut readers = readers.take(2);
        let first = readers.next()?;
        readers.next().is_none().then_some(first)
    }

    /// Takes nodes away whose value nobody reads.
    pub(super) fn remove_unread(&mut self) {
        let mut is_read = vec![false; self.shapes.len()];
        is_read[self.output] = true;
        for node in self.nodes.iter().rev() {
            if is_read[node.output()] {
                node.inputs().for_each(|input| is_read[input] = true);
            }
        }
        self.nodes.retain(|node| is_read[node.output()]);
    }
}

fn node(operator: &Operator) -> Result<Node, ModelError> {
    Ok(match operator {
        Operator::Convolution { x, y, filter, stride, padding } => Node::Convolution {
            x: *x,
            y: *y,
            filter: Packed::new(&filter.weights, &filter.bias)
                .ok_or(ModelError::Unsupported("a convolution whose outputs do not come in eights"))?,
            size: filter.size,
            stride: *stride,
            padding: *padding,
            epilogue: Epilogue::Identity,
            residual: None,
            scale: None,
        },
        Operator::Depthwise { x, y, filter, stride, padding } => Node::Depthwise {
            x: *x,
            y: *y,
            filter: filter.clone(),
            stride: *stride,
            padding: *padding,
            epilogue: Epilogue::Identity,
            residual: None,
        },
        Operator::Transposed { x, y, filter } => {
            let filter = TransposedFilter { weights: filter.weights.clone(), bias: filter.bias[0] };
            Node::Transposed { x: *x, y: *y, filter }
        }
        Operator::Mean { x, y } => Node::Mean { x: *x, also: None, y: *y },
        Operator::Scale { x, by, y } => Node::ScaleAdd { x: *x, by: Some(*by), addend: None, y: *y },
        Operator::Add { x, addend, y } => Node::ScaleAdd { x: *x, by: None, addend: Some(*addend), y: *y },
        Operator::Upsample { x, y } => Node::Upsample { x: *x, y: *y },
        Operator::Activate { x, y, activation } => Node::Activate { x: *x, y: *y, activation: *activation },
    })
}
