//! A picture as background: placed, scaled and converted once, when it is chosen.

use super::reduction::between;
use super::{PIXELS_MAX, Placement, SIDE_MAX, Size, SizeError};

/// How bright the picture beside a fitted one is.
const DIM: f32 = 0.4;
/// The most pixels across of what lies beside a fitted picture: so few that it is out of focus.
const UNFOCUSED: usize = 24;
/// The largest width and height of a picture that is chosen, in multiples of the largest that is sent.
const LARGER: usize = 4;

/// Red, green and blue.
type Colour = [f32; 3];

/// A picture in memory that can be asked for the colour of any place.
struct Picture {
    width: usize,
    height: usize,
    colours: Vec<Colour>,
}

/// The background as planes, like the camera's picture.
#[derive(Debug)]
pub(super) struct Backdrop {
    planes: Vec<u8>,
}

impl Backdrop {
    /// A grey wall.
    pub(super) fn new(size: Size) -> Self {
        let mut planes = vec![96; size.luma_len()];
        planes.resize(size.bytes(), 128);
        Self { planes }
    }

    /// Luma, then U, then V.
    pub(super) fn planes(&self) -> &[u8] {
        &self.planes
    }

    /// Places the picture in `rgba`, four bytes a pixel.
    pub(super) fn set(
        &mut self,
        size: Size,
        rgba: &[u8],
        width: usize,
        height: usize,
        placement: Placement,
    ) -> Result<(), SizeError> {
        if width > LARGER * SIDE_MAX || height > LARGER * SIDE_MAX || width * height > LARGER * PIXELS_MAX {
            return Err(SizeError::TooLarge);
        }
        if width == 0 || height == 0 || rgba.len() != 4 * width * height {
            return Err(SizeError::Bytes);
        }
        let colours =
            rgba.as_chunks::<4>().0.iter().map(|[r, g, b, _]| [*r, *g, *b].map(f32::from)).collect();
        let picture = Picture { width, height, colours };
        let placed = match placement {
            Placement::Cover => picture.covering(size.width, size.height),
            Placement::Fit => picture.fitting(size.width, size.height),
        };
        placed.write(&mut self.planes);
        Ok(())
    }
}

impl Picture {
    /// Scaled to `width` × `height`, without regard to its shape: halved as often as that loses nothing, then bilinear.
    fn scaled(&self, width: usize, height: usize) -> Self {
        if self.width >= 2 * width && self.height >= 2 * height {
            return self.halved().scaled(width, height);
        }
        let columns: Vec<_> = (0..width).map(|at| between(at, width, self.width)).collect();
        let mut colours = Vec::with_capacity(width * height);
        for row in 0..height {
            let (above, below, down) = between(row, height, self.height);
            colours.extend(columns.iter().map(|&(left, right, across)| {
                let line = |row: usize| mixed(self.at(row, left), self.at(row, right), across);
                mixed(line(above), line(below), down)
            }));
        }
        Self { width, height, colours }
    }

    fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let colour = |at: usize| {
            let (row, column) = (2 * (at / width), 2 * (at % width));
            let line = |row: usize| mixed(self.at(row, column), self.at(row, column + 1), 0.5);
            mixed(line(row), line(row + 1), 0.5)
        };
        Self { width, height, colours: (0..width * height).map(colour).collect() }
    }

    /// As large as `width` × `height` demands in both directions; what is too much on one is cut off on both sides.
    fn covering(&self, width: usize, height: usize) -> Self {
        let is_wider = self.width * height > width * self.height;
        let (part_width, part_height) = match is_wider {
            true => ((self.height * width / height).max(1), self.height),
            false => (self.width, (self.width * height / width).max(1)),
        };
        let (left, top) = ((self.width - part_width) / 2, (self.height - part_height) / 2);
        let part = |at: usize| self.at(top + at / part_width, left + at % part_width);
        let colours = (0..part_width * part_height).map(part).collect();
        Self { width: part_width, height: part_height, colours }.scaled(width, height)
    }

    /// All of it in the middle, over itself, dim and out of focus.
    fn fitting(&self, width: usize, height: usize) -> Self {
        let is_wider = self.width * height > width * self.height;
        let (fitted_width, fitted_height) = match is_wider {
            true => (width, (width * self.height / self.width).max(1)),
            false => ((height * self.width / self.height).max(1), height),
        };
        let rough = (UNFOCUSED * height / width).clamp(1, UNFOCUSED);
        let mut placed = self.covering(UNFOCUSED.min(width), rough.min(height)).scaled(width, height);
        placed.colours.iter_mut().flatten().for_each(|number| *number *= DIM);
        let fitted = self.scaled(fitted_width, fitted_height);
        let (left, top) = ((width - fitted_width) / 2, (height - fitted_height) / 2);
        for (row, line) in fitted.colours.chunks_exact(fitted_width).enumerate() {
            let start = (top + row) * width + left;
            placed.colours[start..start + fitted_width].copy_from_slice(line);
        }
        placed
    }

    fn at(&self, row: usize, column: usize) -> Colour {
        self.colours[row * self.width + column]
    }

    /// Writes luma of every pixel, and the colours of every square of four.
    fn write(&self, planes: &mut [u8]) {
        let (luma, colours) = planes.split_at_mut(self.colours.len());
        let (u, v) = colours.split_at_mut(self.colours.len() / 4);
        for (luma, [r, g, b]) in luma.iter_mut().zip(&self.colours) {
            *luma = byte(16.0 + 0.256_788 * r + 0.504_129 * g + 0.097_906 * b);
        }
        let halved = self.halved();
        for ((u, v), [r, g, b]) in u.iter_mut().zip(v).zip(&halved.colours) {
            *u = byte(128.0 - 0.148_223 * r - 0.290_993 * g + 0.439_216 * b);
            *v = byte(128.0 + 0.439_216 * r - 0.367_788 * g - 0.071_427 * b);
        }
    }
}

fn mixed(a: Colour, b: Colour, at: f32) -> Colour {
    std::array::from_fn(|lane| a[lane] + (b[lane] - a[lane]) * at)
}

fn byte(number: f32) -> u8 {
    (number + 0.5) as u8
}
