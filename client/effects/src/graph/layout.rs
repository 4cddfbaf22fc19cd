//! Which place in the arena each value has. Values that are never alive together share their place.
//!
//! A value whose readers have windows that reach over the edge lies inside a border of zeros, as wide as the widest of them
//! needs on each side.

use super::network::Network;
use crate::kernels::View;
use crate::model::{ModelError, Shape, ValueId};

/// The most numbers of all tensors that are alive at one time: 32 MiB.
const ARENA_LEN_MAX: usize = 8 << 20;
/// Places are multiples of this, a cache line of sixteen numbers.
const ALIGNMENT: usize = 16;

/// How many zeros lie around a value, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Border {
    top: usize,
    left: usize,
    bottom: usize,
    right: usize,
}

/// Where a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) view: View,
    border: Border,
}

/// The places of all values, and the length of the arena.
#[derive(Debug)]
pub(super) struct Layout {
    /// By value; `None` for values that are not computed any more.
    pub(super) places: Vec<Option<Place>>,
    pub(super) arena_len: usize,
}

/// A value that needs a place, and from which node to which it is alive, both included.
#[derive(Debug, Clone, Copy)]
struct Span {
    value: ValueId,
    len: usize,
    first: usize,
    last: usize,
}

/// The largest first, of equal ones the earliest. The library's ways of sorting are made for longer lists, and were a twelfth of
/// what the module weighed.
fn in_order(spans: Vec<Span>) -> Vec<Span> {
    let mut ordered: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        let key = |span: &Span| (std::cmp::Reverse(span.len), span.first);
        let place = ordered.partition_point(|before| key(before) <= key(&span));
        ordered.insert(place, span);
    }
    ordered
}

impl Layout {
    /// Places every value that the network computes. Large ones first, each as low as those already placed allow: for such
    /// networks this comes close to the least memory.
    pub(super) fn new(network: &Network) -> Result<Self, ModelError> {
        let borders = borders(network);
        let spans = in_order(spans(network, &borders));
        let mut layout = Self { places: vec![None; network.shapes.len()], arena_len: 0 };
        let mut placed: Vec<(usize, Span)> = Vec::with_capacity(spans.len());
        for span in spans {
            let start = lowest_gap(&placed, span);
            let end = start + span.len;
            if end > ARENA_LEN_MAX {
                return Err(ModelError::TooLarge);
            }
            layout.arena_len = layout.arena_len.max(end);
            let place = Place::new(network.shapes[span.value], borders[span.value], start);
            layout.places[span.value] = Some(place);
            let at = placed.partition_point(|(other, _)| *other <= start);
            placed.insert(at, (start, span));
        }
        Ok(layout)
    }

    /// Where `value` lies.
    pub(super) fn place(&self, value: ValueId) -> Place {
        self.places[value].expect("every value that a node names has a place")
    }
}

impl Border {
    /// What a window needs around `x` to make `y`.
    fn of_window(x: Shape, y: Shape, (size, stride, padding): (usize, usize, usize)) -> Self {
        let beyond = |x: usize, y: usize| ((y - 1) * stride + size).saturating_sub(x + padding);
        let (bottom, right) = (beyond(x.height, y.height), beyond(x.width, y.width));
        Self { top: padding, left: padding, bottom, right }
    }

    fn union(self, other: Self) -> Self {
        Self {
            top: self.top.max(other.top),
            left: self.left.max(other.left),
            bottom: self.bottom.max(other.bottom),
            right: self.right.max(other.right),
        }
    }

    fn row_len(self, shape: Shape) -> usize {
        (self.left + shape.width + self.right) * shape.channels
    }

    fn len(self, shape: Shape) -> usize {
        ((self.top + shape.height + self.bottom) * self.row_len(shape)).next_multiple_of(ALIGNMENT)
    }
}

impl Place {
    fn new(shape: Shape, border: Border, start: usize) -> Self {
        let row_stride = border.row_len(shape);
        let view = View {
            origin: start + border.top * row_stride + border.left * shape.channels,
            row_stride,
            height: shape.height,
            width: shape.width,
            channels: shape.channels,
        };
        Self { view, border }
    }

    /// Writes the zeros around the value.
    pub(super) fn clear_border(&self, arena: &mut [f32]) {
        let Self { view, border } = self;
        if *border == Border::default() {
            return;
        }
        let (left, right) = (border.left * view.channels, border.right * view.channels);
        let start = view.origin - border.top * view.row_stride - left;
        arena[start..view.origin - left].fill(0.0);
        for row in 0..view.height {
            arena[view.at(row, 0) - left..view.at(row, 0)].fill(0.0);
            arena[view.at(row, view.width)..][..right].fill(0.0);
        }
        let end = view.end() + right;
        arena[end..end + border.bottom * view.row_stride].fill(0.0);
    }
}

/// The border of every value.
fn borders(network: &Network) -> Vec<Border> {
    let mut borders = vec![Border::default(); network.shapes.len()];
    for node in &network.nodes {
        if let (Some(window), Some(x)) = (node.window(), node.inputs().next()) {
            let needed = Border::of_window(network.shapes[x], network.shapes[node.output()], window);
            borders[x] = borders[x].union(needed);
        }
    }
    borders
}

/// The input is alive from the start, the output to the end.
fn spans(network: &Network, borders: &[Border]) -> Vec<Span> {
    let span = |value: ValueId, first: usize| {
        let len = borders[value].len(network.shapes[value]);
        Span { value, len, first, last: first }
    };
    let mut by_value: Vec<Option<Span>> = vec![None; network.shapes.len()];
    by_value[network.input] = Some(span(network.input, 0));
    for (index, node) in network.nodes.iter().enumerate() {
        by_value[node.output()] = Some(span(node.output(), index));
        for input in node.inputs() {
            if let Some(span) = &mut by_value[input] {
                span.last = index;
            }
        }
    }
    if let Some(span) = &mut by_value[network.output] {
        span.last = network.nodes.len();
    }
    by_value.into_iter().flatten().collect()
}

/// The lowest place for `span` among those that are placed, which are sorted by their start.
fn lowest_gap(placed: &[(usize, Span)], span: Span) -> usize {
    let mut start = 0;
    for (other_start, other) in placed {
        let are_alive_together = other.first <= span.last && span.first <= other.last;
        if !are_alive_together {
            continue;
        }
        if start + span.len <= *other_start {
            break;
        }
        start = start.max(other_start + other.len);
    }
    start
}
