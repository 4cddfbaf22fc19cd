//! The steps of an inference, each with its views, and how they run.

use super::fusion;
use super::layout::{Layout, Place};
use super::network::{Network, Node};
use crate::kernels::{
    Activate, Convolution, Depthwise, Kernels, LastStage, Mean, ScaleAdd, Transposed, Upsample, View,
};
use crate::model::{Model, ModelError, Shape, ValueId};
use lanes::LANES;

/// What a step computes.
#[derive(Debug)]
enum Step {
    Convolution(Convolution),
    Depthwise(Depthwise),
    Transposed(Transposed),
    Mean(Mean),
    ScaleAdd(ScaleAdd),
    Upsample(Upsample),
    Activate(Activate),
    LastStage(LastStage),
}

/// The steps in order, each with the place of what it computes.
#[derive(Debug)]
pub(super) struct Plan {
    steps: Vec<(Step, Place)>,
    input: Place,
    output: View,
    arena_len: usize,
}

impl Plan {
    pub(super) fn new(model: &Model) -> Result<Self, ModelError> {
        let mut network = Network::new(model)?;
        fusion::fuse(&mut network);
        check_channels(&network)?;
        let layout = Layout::new(&network)?;
        let input = layout.place(network.input);
        let output = layout.place(network.output).view;
        if !output.is_dense() {
            return Err(ModelError::Unsupported("an output that a window reads"));
        }
        let steps = network.nodes.into_iter().map(|node| {
            let place = layout.place(node.output());
            (step(node, &layout), place)
        });
        Ok(Self { steps: steps.collect(), input, output, arena_len: layout.arena_len })
    }

    pub(super) fn arena_len(&self) -> usize {
        self.arena_len
    }

    pub(super) fn steps(&self) -> usize {
        self.steps.len()
    }

    pub(super) fn input_shape(&self) -> Shape {
        shape(&self.input.view)
    }

    pub(super) fn output_shape(&self) -> Shape {
        shape(&self.output)
    }

    pub(super) fn input_rows<'a>(
        &self,
        arena: &'a mut [f32],
    ) -> impl Iterator<Item = &'a mut [f32]> + use<'a> {
        let View { origin, row_stride, height, width, channels } = self.input.view;
        // The last row may end where the arena does.
        arena[origin..].chunks_mut(row_stride).take(height).map(move |row| &mut row[..width * channels])
    }

    pub(super) fn run<'a, K: Kernels>(&self, arena: &'a mut [f32], scratch: &mut Vec<f32>) -> &'a [f32] {
        self.input.clear_border(arena);
        for (step, place) in &self.steps {
            place.clear_border(arena);
            match step {
                Step::Convolution(step) => K::convolution(arena, scratch, step),
                Step::Depthwise(step) => K::depthwise(arena, step),
                Step::Transposed(step) => K::transposed(arena, step),
                Step::Mean(step) => K::mean(arena, step),
                Step::ScaleAdd(step) => K::scale_add(arena, step),
                Step::Upsample(step) => K::upsample(arena, step),
                Step::Activate(step) => K::activate(arena, step),
                Step::LastStage(step) => K::last_stage(arena, scratch, step),
            }
        }
        &arena[self.output.origin..self.output.end()]
    }
}

fn shape(view: &View) -> Shape {
    Shape { height: view.height, width: view.width, channels: view.channels }
}

/// The vector kernels take four channels at a time; only convolutions take pictures of three, and only activations masks
/// of one.
fn check_channels(network: &Network) -> Result<(), ModelError> {
    let is_whole = |value: ValueId| network.shapes[value].channels.is_multiple_of(LANES);
    let are_whole = network.nodes.iter().all(|node| match node {
        Node::Activate { .. } | Node::Convolution { .. } => true,
        // What these compute has as many channels as what they read, or is the mask.
        Node::Transposed { .. }
        | Node::Depthwise { .. }
        | Node::Mean { .. }
        | Node::ScaleAdd { .. }
        | Node::Upsample { .. }
        | Node::LastStage { .. } => node.inputs().all(is_whole),
    });
    if are_whole { Ok(()) } else { Err(ModelError::Unsupported("channels that do not come in fours")) }
}

/// The node with the places of its values.
fn step(node: Node, layout: &Layout) -> Step {
    let view = |value: ValueId| layout.place(value).view;
    match node {
        Node::Convolution { x, y, filter, size, stride, padding, epilogue, residual, scale } => {
            let (x, y, residual, scale) = (view(x), view(y), residual.map(view), scale.map(view));
            Step::Convolution(Convolution { x, y, filter, size, stride, padding, epilogue, residual, scale })
        }
        Node::Depthwise { x, y, filter, stride, padding, epilogue, residual } => Step::Depthwise(Depthwise {
            x: view(x),
            y: view(y),
            weights: filter.weights,
            bias: filter.bias,
            size: filter.size,
            stride,
            padding,
            epilogue,
            residual: residual.map(view),
        }),
        Node::Transposed { x, y, filter } => Step::Transposed(Transposed { x: view(x), y: view(y), filter }),
        Node::Mean { x, also, y } => Step::Mean(Mean { x: view(x), also: also.map(view), y: view(y) }),
        Node::ScaleAdd { x, by, addend, y } => {
            let (by, addend) = (by.map(view), addend.map(view));
            Step::ScaleAdd(ScaleAdd { x: view(x), by, addend, y: view(y) })
        }
        Node::Upsample { x, y } => Step::Upsample(Upsample { x: view(x), y: view(y) }),
        Node::Activate { x, y, activation } => {
            Step::Activate(Activate { x: view(x), y: view(y), activation })
        }
        Node::LastStage { low, skip, scale, filter, depthwise, transposed, y } => {
            Step::LastStage(LastStage {
                low: view(low),
                skip: view(skip),
                scale: view(scale),
                filter,
                depthwise_weights: depthwise.weights,
                depthwise_bias: depthwise.bias,
                transposed,
                y: view(y),
            })
        }
    }
}
