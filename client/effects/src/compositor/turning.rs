//! Pictures of a camera that is held sideways, upright again (W3C WebCodecs, `VideoFrame.rotation` and `flip`): the person is found as
//! people stand, and what is sent needs no turning any more. On the way they can be halved, for a device that is too slow for all of
//! their lines: cameras do not always give fewer.

use super::{Format, Size};

/// How a picture is to be turned before it is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turn {
    /// Quarters of a turn, clockwise; only the remainder of four counts.
    pub quarters: u8,
    /// Mirrored afterwards, left to right.
    pub is_flipped: bool,
    /// Half as wide and half as high: each sample the mean of four.
    pub is_halved: bool,
}

/// Samples of one plane as the camera gave them.
#[derive(Clone, Copy)]
struct Plane<'a> {
    samples: &'a [u8],
    width: usize,
    height: usize,
    /// From one sample to the next of the same plane.
    step: usize,
}

/// How many bytes a picture has that is to be turned into one of this size.
pub(super) fn bytes_before(turn: Turn, size: Size) -> usize {
    if turn.is_halved { 4 * size.bytes() } else { size.bytes() }
}

/// Writes `picture`, which has as many bytes as [`bytes_before`], turned and as I420. `size` is that of the upright picture.
pub(super) fn turn(picture: &[u8], format: Format, turn: Turn, size: Size, upright: &mut [u8]) {
    let is_sideways = turn.quarters % 2 == 1;
    let (width, height) = if is_sideways { (size.height, size.width) } else { (size.width, size.height) };
    let (luma, colours) = picture.split_at(picture.len() / 3 * 2);
    let (upright_luma, upright_colours) = upright.split_at_mut(size.luma_len());
    turn_plane(Plane { samples: luma, width, height, step: 1 }, turn, upright_luma);
    let (u, v) = upright_colours.split_at_mut(upright_colours.len() / 2);
    let (second, step) = if format == Format::Nv12 { (1, 2) } else { (colours.len() / 2, 1) };
    let (width, height) = (width / 2, height / 2);
    turn_plane(Plane { samples: colours, width, height, step }, turn, u);
    turn_plane(Plane { samples: &colours[second..], width, height, step }, turn, v);
}

// One copy is enough: the module has to stay small, and this is seldom called.
#[inline(never)]
fn turn_plane(plane: Plane<'_>, turn: Turn, upright: &mut [u8]) {
    let Plane { samples, width, height, step } = plane;
    let scale = if turn.is_halved { 2 } else { 1 };
    let stride = scale * width;
    let (last_row, last) = ((height - 1) * stride, width - 1);
    // Where the upper left corner comes from, and how far it is to what lies below it and to the right. What is added may be what
    // wraps around to less.
    let (start, down, right) = match turn.quarters % 4 {
        0 => (0, stride, 1),
        1 => (last_row, 1, stride.wrapping_neg()),
        2 => (last_row + last, stride.wrapping_neg(), 1_usize.wrapping_neg()),
        _ => (last, 1_usize.wrapping_neg(), stride),
    };
    let (mut start, down, mut right) = (scale * start, down.wrapping_mul(scale), right.wrapping_mul(scale));
    let across = if turn.quarters % 2 == 1 { height } else { width };
    if turn.is_flipped {
        start = start.wrapping_add(right.wrapping_mul(across - 1));
        right = right.wrapping_neg();
    }
    let sample = |at: usize| u16::from(samples[at * step]);
    for row in upright.chunks_exact_mut(across) {
        let mut at = start;
        for upright in row {
            *upright = if turn.is_halved {
                ((sample(at) + sample(at + 1) + sample(at + stride) + sample(at + stride + 1) + 2) / 4) as u8
            } else {
                samples[at * step]
            };
            at = at.wrapping_add(right);
        }
        start = start.wrapping_add(down);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Luma 4 × 2, U and V 2 × 1.
    const PICTURE: [u8; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 20, 21];

    fn check(quarters: u8, is_flipped: bool, expected: [u8; 12]) {
        let (width, height) = if quarters % 2 == 1 { (2, 4) } else { (4, 2) };
        let size = Size::new(width, height).unwrap();
        let nv12 = [1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 11, 21];
        for (picture, format) in [(PICTURE, Format::I420), (nv12, Format::Nv12)] {
            let mut upright = [0; 12];
            turn(&picture, format, Turn { quarters, is_flipped, is_halved: false }, size, &mut upright);
            assert_eq!(upright, expected, "{quarters} quarters, {is_flipped}, {format:?}");
        }
    }

    #[test]
    fn pictures_are_turned_clockwise_and_then_mirrored() {
        check(0, false, PICTURE);
        check(0, true, [4, 3, 2, 1, 8, 7, 6, 5, 11, 10, 21, 20]);
        check(1, false, [5, 1, 6, 2, 7, 3, 8, 4, 10, 11, 20, 21]);
        check(1, true, [1, 5, 2, 6, 3, 7, 4, 8, 10, 11, 20, 21]);
        check(2, false, [8, 7, 6, 5, 4, 3, 2, 1, 11, 10, 21, 20]);
        check(3, false, [4, 8, 3, 7, 2, 6, 1, 5, 11, 10, 21, 20]);
    }

    #[test]
    fn four_quarters_are_none_in_a_larger_picture() {
        let (wide, high) = (Size::new(52, 34).unwrap(), Size::new(34, 52).unwrap());
        let picture: Vec<u8> = (0..wide.bytes()).map(|at| (at * 7 % 251) as u8).collect();
        let (mut now, mut next) = (picture.clone(), vec![0; picture.len()]);
        for size in [high, wide, high, wide] {
            turn(&now, Format::I420, Turn { quarters: 1, ..Turn::default() }, size, &mut next);
            std::mem::swap(&mut now, &mut next);
        }
        assert_eq!(now, picture);
    }

    #[test]
    fn a_halved_picture_is_the_mean_of_four_whichever_way_it_is_turned() {
        let (large, small) = (Size::new(52, 36).unwrap(), Size::new(26, 18).unwrap());
        // Every block of four samples is that of the small picture, a little more and a little less.
        let little: Vec<u8> = (0..small.bytes()).map(|at| (at * 7 % 240 + 5) as u8).collect();
        let mut picture = vec![0; large.bytes()];
        let planes = [
            (0, 0, 26, 18),
            (small.luma_len(), large.luma_len(), 13, 9),
            (small.luma_len() + 117, large.luma_len() + 468, 13, 9),
        ];
        for (from, to, width, height) in planes {
            for (row, column) in
                (0..2 * height).flat_map(|row| (0..2 * width).map(move |column| (row, column)))
            {
                let value = little[from + row / 2 * width + column / 2];
                picture[to + row * 2 * width + column] =
                    if (row + column) % 2 == 0 { value + 5 } else { value - 5 };
            }
        }
        for quarters in 0..4 {
            for is_flipped in [false, true] {
                let size = if quarters % 2 == 1 { Size::new(18, 26).unwrap() } else { small };
                let way = Turn { quarters, is_flipped, is_halved: false };
                let (mut expected, mut halved) = (vec![0; size.bytes()], vec![0; size.bytes()]);
                turn(&little, Format::I420, way, size, &mut expected);
                turn(&picture, Format::I420, Turn { is_halved: true, ..way }, size, &mut halved);
                assert_eq!(halved, expected, "{way:?}");
            }
        }
    }
}
