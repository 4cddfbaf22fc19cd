//! How equal tiles share a place: a pure function of the place's size and the number of tiles.

/// Width and height in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Size {
    /// CSS pixels.
    pub(crate) width: f64,
    /// CSS pixels.
    pub(crate) height: f64,
}

/// Where the tiles go: `columns` side by side, the last row centred.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layout {
    /// Tiles side by side in a full row.
    pub(crate) columns: usize,
    /// Rows, the last of which may be shorter.
    pub(crate) rows: usize,
    /// The size of every tile.
    pub(crate) tile: Size,
    /// Between two tiles, CSS pixels.
    pub(crate) gap: f64,
}

/// No tile is wider than a camera's usual picture …
const WIDEST: f64 = 16.0 / 9.0;
/// … nor, on a stage that lies, narrower than the picture of an old one.
const NARROWEST_ON_LANDSCAPE: f64 = 4.0 / 3.0;
/// A stage that stands, as on a phone, has room for tiles that stand.
const NARROWEST_ON_PORTRAIT: f64 = 3.0 / 4.0;
/// Below this width of the stage, gaps are halved and tiles may be smaller.
const NARROW_STAGE: f64 = 640.0;

/// The columns and rows that make the tiles largest. Works for any number of tiles; zero is laid out as one.
pub(crate) fn layout(stage: Size, tiles: usize) -> Layout {
    let count = tiles.max(1);
    let gap = gap(stage);
    let narrowest = if stage.width < stage.height { NARROWEST_ON_PORTRAIT } else { NARROWEST_ON_LANDSCAPE };
    let candidate = |columns: usize| {
        let rows = count.div_ceil(columns);
        Layout { columns, rows, tile: largest_tile(stage, columns, rows, gap, narrowest), gap }
    };
    (2..=count)
        .map(candidate)
        .fold(candidate(1), |best, next| if is_better(&next, &best) { next } else { best })
}

/// Between two tiles on a stage of this size, in CSS pixels.
pub(crate) const fn gap(stage: Size) -> f64 {
    if is_narrow(stage) { 8.0 } else { 16.0 }
}

/// Whether the stage is one of a phone.
pub(crate) const fn is_narrow(stage: Size) -> bool {
    stage.width < NARROW_STAGE
}

/// The height, in device pixels, of the picture that fills a tile.
pub(crate) fn picture_height(tile: Size, pixel_ratio: f64) -> u16 {
    let height = (tile.height * pixel_ratio).ceil();
    height.clamp(1.0, f64::from(shared::limits::WANT_HEIGHT_MAX)) as u16
}

/// How a picture is put into a tile of another shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It fills the tile; what does not fit is cut off.
    Filled,
    /// All of it is seen, with bars beside it.
    Whole,
}

/// Cuts what may be cut, but shows the picture of an upright phone whole in a wide tile.
pub(crate) fn fit(picture_shape: f64, tile: Size) -> Fit {
    let tile_shape = tile.width / tile.height.max(1.0);
    let ratio = (picture_shape / tile_shape).max(tile_shape / picture_shape);
    if ratio > CUT_MAX { Fit::Whole } else { Fit::Filled }
}

fn largest_tile(stage: Size, columns: usize, rows: usize, gap: f64, narrowest: f64) -> Size {
    let share = |length: f64, parts: usize| ((length - gap * (parts - 1) as f64) / parts as f64).max(1.0);
    let (width, height) = (share(stage.width, columns), share(stage.height, rows));
    let width = width.min(height * WIDEST);
    let height = height.min(width / narrowest);
    // Whole pixels, rounded down: a fraction too much would wrap the row.
    Size { width: width.floor().max(1.0), height: height.floor().max(1.0) }
}

/// A 16:9 picture in a 3:4 tile (2.37) is filled, a 9:16 picture in a 16:9 tile (3.16) is not.
const CUT_MAX: f64 = 2.5;

/// Larger tiles win; of about equally large ones, those with fewer columns.
fn is_better(next: &Layout, best: &Layout) -> bool {
    let area = |layout: &Layout| layout.tile.width * layout.tile.height;
    area(next) > area(best) * 1.001
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(width: f64, height: f64, tiles: usize, columns: usize, rows: usize) {
        let found = layout(Size { width, height }, tiles);
        assert_eq!((found.columns, found.rows), (columns, rows), "{tiles} tiles on {width} × {height}");
    }

    #[test]
    fn a_wide_stage_puts_tiles_side_by_side() {
        check(1440.0, 780.0, 1, 1, 1);
        check(1440.0, 780.0, 2, 2, 1);
        check(1440.0, 780.0, 4, 2, 2);
        check(1440.0, 780.0, 9, 3, 3);
        check(1440.0, 780.0, 25, 5, 5);
    }

    #[test]
    fn a_phone_stacks_tiles() {
        check(374.0, 740.0, 2, 1, 2);
        check(374.0, 740.0, 3, 1, 3);
        check(374.0, 740.0, 6, 2, 3);
    }

    #[test]
    fn every_layout_fits_and_keeps_the_shape_of_pictures() {
        for (width, height) in
            [(344.0, 560.0), (740.0, 280.0), (1440.0, 780.0), (3840.0, 1950.0), (50.0, 50.0)]
        {
            for tiles in 0..=100 {
                let Layout { columns, rows, tile, gap } = layout(Size { width, height }, tiles);
                assert!(columns * rows >= tiles);
                if tile.width > 8.0 && tile.height > 8.0 {
                    let across = tile.width * columns as f64 + gap * (columns - 1) as f64;
                    let down = tile.height * rows as f64 + gap * (rows - 1) as f64;
                    assert!(across <= width && down <= height, "{tiles} tiles on {width} × {height}");
                }
                if tile.height > 40.0 {
                    let shape = tile.width / tile.height;
                    assert!((0.70..1.85).contains(&shape), "{tiles} tiles on {width} × {height}: {shape}");
                }
            }
        }
    }

    #[test]
    fn an_upright_picture_is_shown_whole_in_a_wide_tile() {
        let wide = Size { width: 1600.0, height: 900.0 };
        let upright = Size { width: 300.0, height: 400.0 };
        assert_eq!(fit(16.0 / 9.0, wide), Fit::Filled);
        assert_eq!(fit(4.0 / 3.0, wide), Fit::Filled);
        assert_eq!(fit(9.0 / 16.0, wide), Fit::Whole);
        assert_eq!(fit(16.0 / 9.0, upright), Fit::Filled);
        assert_eq!(fit(1.0, Size::default()), Fit::Whole);
    }

    #[test]
    fn a_stage_without_size_still_has_a_layout() {
        let found = layout(Size::default(), 7);
        assert!(found.tile.width >= 1.0 && found.tile.height >= 1.0);
    }

    #[test]
    fn the_picture_asked_for_follows_the_density_of_the_screen_up_to_the_limit() {
        let found = layout(Size { width: 1440.0, height: 780.0 }, 4);
        assert_eq!(picture_height(found.tile, 1.0), 382);
        assert_eq!(picture_height(found.tile, 2.0), 764);
        assert_eq!(picture_height(found.tile, 1e9), shared::limits::WANT_HEIGHT_MAX);
        assert_eq!(picture_height(found.tile, f64::NAN), 0);
    }
}
