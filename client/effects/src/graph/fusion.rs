//! Rewrites of the network that keep what it computes, up to rounding, and save work or memory traffic.
//!
//! Each rewrite looks for one pattern, everywhere. A value in the middle of a pattern must have one reader, so that nobody
//! misses it when it is no longer computed.

use super::network::{Network, Node};
use crate::kernels::{Epilogue, LAST_STAGE_CHANNELS};
use crate::model::{Activation, Shape, ValueId};

/// All rewrites, in the order that lets each find what the earlier ones uncover.
pub(super) fn fuse(network: &mut Network) {
    activations(network);
    convolutions_before_upsampling(network);
    scales_into_convolutions(network);
    scales_with_sums(network);
    means_of_sums(network);
    means_before_upsampling(network);
    residuals(network);
    network.remove_unread();
    last_stage(network);
}

/// An activation behind a convolution is applied before the sum leaves the registers.
fn activations(network: &mut Network) {
    let mut index = 0;
    while index < network.nodes.len() {
        if let Some((producer, y, fused)) = fusable_activation(network, index)
            && let Node::Convolution { y: sum, epilogue, .. } | Node::Depthwise { y: sum, epilogue, .. } =
                &mut network.nodes[producer]
        {
            (*sum, *epilogue) = (y, fused);
            network.nodes.remove(index);
        } else {
            index += 1;
        }
    }
}

fn fusable_activation(network: &Network, index: usize) -> Option<(usize, ValueId, Epilogue)> {
    let Node::Activate { x, y, activation } = network.nodes[index] else { return None };
    let fused = match activation {
        Activation::Relu => Epilogue::Relu,
        Activation::HardSwish => Epilogue::HardSwish,
        // Too rare to have loops of their own.
        Activation::Relu6 | Activation::Sigmoid => return None,
    };
    network.only_reader(x)?;
    let producer = network.producer(x)?;
    let is_plain = matches!(
        network.nodes[producer],
        Node::Convolution { epilogue: Epilogue::Identity, .. }
            | Node::Depthwise { epilogue: Epilogue::Identity, .. }
    );
    is_plain.then_some((producer, y, fused))
}

/// A 1 × 1 convolution over an upsampled picture becomes one over the small picture, upsampled: a quarter of the work.
/// Exact, because the weights of bilinear upsampling sum up to one everywhere.
fn convolutions_before_upsampling(network: &mut Network) {
    for index in 0..network.nodes.len() {
        let Node::Upsample { x: small, y: large } = network.nodes[index] else { continue };
        let Some(reader) = network.only_reader(large) else { continue };
        let Node::Convolution { x, y, size: 1, stride: 1, epilogue: Epilogue::Identity, .. } =
            &mut network.nodes[reader]
        else {
            continue;
        };
        let result = *y;
        *x = small;
        *y = network.shapes.len();
        let shape = Shape { channels: network.shapes[result].channels, ..network.shapes[small] };
        let between = network.shapes.len();
        network.shapes.push(shape);
        network.nodes[index] = Node::Upsample { x: between, y: result };
        // Nothing between the two reads either value, so that the convolution may run here already.
        network.nodes.swap(index, reader);
    }
}

/// A scale of the channels that go into a 1 × 1 convolution is multiplied into its weights instead: there are far fewer of
/// them than pixels.
fn scales_into_convolutions(network: &mut Network) {
    let mut index = 0;
    while index < network.nodes.len() {
        if let Node::ScaleAdd { x: scaled, by: Some(by), addend: None, y } = network.nodes[index]
            && let Some(reader) = network.only_reader(y)
            && let Node::Convolution { x, size: 1, stride: 1, scale: scale @ None, .. } =
                &mut network.nodes[reader]
        {
            (*x, *scale) = (scaled, Some(by));
            network.nodes.remove(index);
        } else {
            index += 1;
        }
    }
}

/// A scaled picture that something is added to is scaled on the way.
fn scales_with_sums(network: &mut Network) {
    let mut index = 0;
    while index < network.nodes.len() {
        if let Node::ScaleAdd { x: scaled, by: Some(by), addend: None, y: product } = network.nodes[index]
            && let Some(reader) = network.only_reader(product)
            && let Node::ScaleAdd { x, by: None, addend: Some(addend), y } = network.nodes[reader]
        {
            let addend = if x == product { addend } else { x };
            network.nodes[reader] = Node::ScaleAdd { x: scaled, by: Some(by), addend: Some(addend), y };
            network.nodes.remove(index);
        } else {
            index += 1;
        }
    }
}

/// The mean of a sum is the sum of the means: the sum itself is never stored.
fn means_of_sums(network: &mut Network) {
    let mut index = 0;
    while index < network.nodes.len() {
        if let Node::ScaleAdd { x: first, by: None, addend: Some(second), y } = network.nodes[index]
            && let Some(reader) = network.only_reader(y)
            && let Node::Mean { x, also: also @ None, .. } = &mut network.nodes[reader]
        {
            (*x, *also) = (first, Some(second));
            network.nodes.remove(index);
        } else {
            index += 1;
        }
    }
}

/// Upsampling does not change the mean: each pixel's weights in the large picture sum up to four.
fn means_before_upsampling(network: &mut Network) {
    for index in 0..network.nodes.len() {
        let Node::Upsample { x: small, y: large } = network.nodes[index] else { continue };
        for node in &mut network.nodes {
            if let Node::Mean { x, also, .. } = node {
                let values = std::iter::once(x).chain(also.iter_mut());
                values.filter(|value| **value == large).for_each(|value| *value = small);
            }
        }
    }
}

/// A sum with what a convolution computed is added before that leaves the registers.
fn residuals(network: &mut Network) {
    let mut index = 0;
    while index < network.nodes.len() {
        if let Node::ScaleAdd { x, by: None, addend: Some(addend), y } = network.nodes[index]
            && let Some((producer, other)) =
                residual(network, x, addend).or_else(|| residual(network, addend, x))
            && let Node::Convolution { y: sum, residual, .. } | Node::Depthwise { y: sum, residual, .. } =
                &mut network.nodes[producer]
        {
            (*sum, *residual) = (y, Some(other));
            network.nodes.remove(index);
        } else {
            index += 1;
        }
    }
}

/// The convolution that computes `sum` for nobody else, when `other` is there before it.
fn residual(network: &Network, sum: ValueId, other: ValueId) -> Option<(usize, ValueId)> {
    network.only_reader(sum)?;
    let producer = network.producer(sum)?;
    let is_there = other == network.input || network.producer(other)? < producer;
    let is_free = matches!(
        network.nodes[producer],
        Node::Convolution { residual: None, .. } | Node::Depthwise { residual: None, .. }
    );
    (is_there && is_free).then_some((producer, other))
}

/// The end of the decoder becomes one node: see [`crate::kernels::LastStage`].
fn last_stage(network: &mut Network) {
    let Some((upsample, scale_add)) = last_stage_start(network) else { return };
    let Node::Upsample { x: low, .. } = network.nodes[upsample] else { return };
    let Node::ScaleAdd { x: skip, by: Some(scale), .. } = network.nodes[scale_add] else { return };
    let mut rest = network.nodes.split_off(scale_add).into_iter().skip(1);
    let (
        Some(Node::Convolution { filter, .. }),
        Some(Node::Depthwise { filter: depthwise, .. }),
        Some(Node::Transposed { filter: transposed, .. }),
        Some(Node::Activate { y, .. }),
    ) = (rest.next(), rest.next(), rest.next(), rest.next())
    else {
        return;
    };
    network.nodes.remove(upsample);
    network.nodes.push(Node::LastStage { low, skip, scale, filter, depthwise, transposed, y });
}

/// The first two nodes of the end of the decoder, when the network ends as the fused node computes it.
fn last_stage_start(network: &Network) -> Option<(usize, usize)> {
    let scale_add = network.nodes.len().checked_sub(5)?;
    let [
        Node::ScaleAdd { x: skip, by: Some(_), addend: Some(addend), y: sum },
        Node::Convolution { x: convolved, y: middle, size: 1, stride: 1, epilogue: Epilogue::Relu, .. },
        Node::Depthwise {
            x: filtered,
            y: refined,
            filter,
            stride: 1,
            epilogue: Epilogue::Relu,
            residual,
            ..
        },
        Node::Transposed { x: doubled, y: logits, .. },
        Node::Activate { x: activated, y, activation: Activation::Sigmoid },
    ] = &network.nodes[scale_add..]
    else {
        return None;
    };
    let is_chain =
        (convolved, filtered, doubled, activated, *y) == (sum, middle, refined, logits, network.output);
    let Node::Convolution { residual: None, scale: None, .. } = &network.nodes[scale_add + 1] else {
        return None;
    };
    let Node::Depthwise { padding: 1, .. } = &network.nodes[scale_add + 2] else { return None };
    let is_made_for = network.shapes[*skip].channels == LAST_STAGE_CHANNELS
        && network.shapes[*middle].channels == LAST_STAGE_CHANNELS
        && filter.size == 3
        && *residual == Some(*middle);
    // Only the depthwise convolution reads the middle: once as its picture and once as its residual.
    let reads_of_middle = network.nodes.iter().flat_map(Node::inputs).filter(|input| input == middle).count();
    let are_private = network.only_reader(*sum).is_some()
        && network.only_reader(*refined).is_some()
        && network.only_reader(*logits).is_some()
        && reads_of_middle == 2;
    network.only_reader(*addend)?;
    let upsample = network.producer(*addend)?;
    let is_upsampled = matches!(network.nodes[upsample], Node::Upsample { .. });
    (is_chain && is_made_for && are_private && is_upsampled).then_some((upsample, scale_add))
}
