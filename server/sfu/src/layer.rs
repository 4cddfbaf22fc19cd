//! Which simulcast layer a viewer gets: the best up to the height of the tile, among those that are sent.

/// A layer that is being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layer {
    /// Position in the offer, smallest picture first.
    pub(crate) rank: usize,
    /// Height in pixels, once a key frame has told it.
    pub(crate) height: Option<u16>,
}

/// Largest ratio of picture height to tile height, in percent: a picture a third larger than its tile still
/// looks sharper than one half its size, and costs nothing that was not sent anyway.
const OVERSIZE_PERCENT: u32 = 134;

/// The index in `layers` to show in a tile of `max_height` pixels: the tallest that is not much taller than the
/// tile, else the smallest there is. A layer of unknown height is taken to be twice as tall as the one below it.
pub(crate) fn choose(layers: &[Layer], max_height: u16) -> Option<usize> {
    let limit = u32::from(max_height) * OVERSIZE_PERCENT / 100;
    let estimate = |layer: &Layer| known_height(layers, layer);
    let fitting =
        layers.iter().enumerate().filter(|(_, layer)| estimate(layer).is_some_and(|height| height <= limit));
    let best = fitting.max_by_key(|(_, layer)| (estimate(layer), layer.rank)).map(|(at, _)| at);
    // Of equals the last: the others are the same picture at lower rates.
    best.or_else(|| {
        layers
            .iter()
            .enumerate()
            .rev()
            .min_by_key(|(_, layer)| (estimate(layer), layer.rank))
            .map(|(at, _)| at)
    })
}

/// The layer's height, known or guessed: from another layer's, else from its rank alone.
pub(crate) fn height(layers: &[Layer], layer: &Layer) -> u16 {
    const SMALLEST: u32 = 180;
    let height = known_height(layers, layer).unwrap_or(SMALLEST << layer.rank.min(4));
    u16::try_from(height).unwrap_or(u16::MAX)
}

/// The layer's height, known or derived from another layer's: each rank doubles it.
fn known_height(layers: &[Layer], layer: &Layer) -> Option<u32> {
    if let Some(height) = layer.height {
        return Some(height.into());
    }
    let known = layers.iter().find(|other| other.height.is_some())?;
    let height = u32::from(known.height?);
    Some(match layer.rank.checked_sub(known.rank) {
        Some(above) => height << above.min(4),
        None => height >> (known.rank - layer.rank).min(4),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(heights: &[Option<u16>], max_height: u16, expected: Option<usize>) {
        let layers: Vec<_> =
            heights.iter().enumerate().map(|(rank, &height)| Layer { rank, height }).collect();
        assert_eq!(choose(&layers, max_height), expected, "{heights:?} in {max_height}");
    }

    #[test]
    fn the_best_layer_up_to_the_tile_is_chosen() {
        let heights = [Some(180), Some(360), Some(720)];
        check(&heights, 90, Some(0));
        check(&heights, 180, Some(0));
        check(&heights, 360, Some(1));
        check(&heights, 500, Some(1));
        check(&heights, 540, Some(2));
        check(&heights, 2160, Some(2));
    }

    #[test]
    fn the_smallest_is_shown_when_none_fits_or_nothing_is_known() {
        check(&[Some(720)], 90, Some(0));
        check(&[None, None, None], 1080, Some(0));
        check(&[], 1080, None);
    }

    #[test]
    fn of_the_same_picture_at_several_rates_the_best_is_chosen() {
        let layers = [(0, Some(180)), (0, Some(180)), (1, Some(360)), (1, Some(360))];
        let layers = layers.map(|(rank, height)| Layer { rank, height });
        assert_eq!(choose(&layers, 360), Some(3));
        assert_eq!(choose(&layers, 90), Some(1));
    }

    #[test]
    fn an_unknown_height_is_derived_from_its_neighbour() {
        check(&[Some(180), None, None], 720, Some(2));
        check(&[None, None, Some(720)], 360, Some(1));
    }
}
