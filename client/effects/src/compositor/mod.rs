//! From a camera's picture and a mask to the picture that is sent.
//!
//! ```text
//! I420 or NV12 ─┬─ reduce ── small picture ─┬─ model's picture ── Segmenter ── mask
//!               │                           ├─ outline: smooth in time, follow edges, take in light ◄─┘
//!               │                           └─ blur behind the person
//!               └──────────────────────────────── mix row by row ──► I420
//! ```
//!
//! All but the last step work on a picture of a half or a quarter of the width and height, so that even 1080p takes
//! milliseconds. Colours are those of ITU-R BT.601 in the limited range, as cameras give them.

mod backdrop;
mod blur;
mod mixing;
mod outline;
mod pixels;
mod reduction;
#[cfg(test)]
mod tests;
mod turning;
#[cfg(any(test, all(target_arch = "wasm32", feature = "twins")))]
pub(crate) mod twins;
mod unpacking;

use std::fmt;

use self::backdrop::Backdrop;
use self::mixing::Mixer;
use self::outline::Outline;
use self::pixels::Pixel;
use self::reduction::Reduction;
pub use self::turning::Turn;
use crate::graph::Segmenter;

/// The largest width and height of a picture, either way up.
pub const SIDE_MAX: usize = 1920;
/// The most pixels of a picture: 1080p.
pub const PIXELS_MAX: usize = 1920 * 1080;

/// How the colours of a camera's picture lie in memory. The luma comes first in both, row by row without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Then a plane of U and a plane of V, each of half the width and height.
    I420,
    /// Then one plane of both in turns.
    Nv12,
}

/// What is behind the person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// The camera's own background, blurred: from 0, hardly, to 1, past recognition.
    Blur(f32),
    /// The picture of [`Compositor::set_picture`]; a grey wall until there is one.
    Picture,
}

/// How a background picture of another shape is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// It covers everything, and what is too wide or too high is cut off.
    Cover,
    /// All of it is seen; beside it lies the same picture, large, dim and out of focus.
    Fit,
}

/// Why there is no compositor for a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeError {
    /// Width and height must be even and at least two.
    Odd,
    /// Larger than [`SIDE_MAX`] or [`PIXELS_MAX`].
    TooLarge,
    /// The bytes of a background picture are not four for each of its pixels, or there are none.
    Bytes,
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Odd => "width and height must be even",
            Self::TooLarge => "the picture is larger than 1080p",
            Self::Bytes => "the picture does not have four bytes for each pixel",
        })
    }
}

impl std::error::Error for SizeError {}

/// Width and height of the pictures, and of the small ones that most work is done on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Pixels of luma for each small pixel, across and down: 2 or 4.
    pub(crate) factor: usize,
    /// Of the small picture.
    pub(crate) small_width: usize,
    pub(crate) small_height: usize,
}

impl Size {
    /// The longest side that is only halved, so that the small picture has at most 480 pixels across.
    const HALVED_MAX: usize = 860;

    fn new(width: usize, height: usize) -> Result<Self, SizeError> {
        if width == 0 || height == 0 || !width.is_multiple_of(2) || !height.is_multiple_of(2) {
            return Err(SizeError::Odd);
        }
        if width.max(height) > SIDE_MAX || width * height > PIXELS_MAX {
            return Err(SizeError::TooLarge);
        }
        let factor = if width.max(height) <= Self::HALVED_MAX { 2 } else { 4 };
        let (small_width, small_height) = (width.div_ceil(factor), height.div_ceil(factor));
        Ok(Self { width, height, factor, small_width, small_height })
    }

    pub(crate) fn small_pixels(self) -> usize {
        self.small_width * self.small_height
    }

    pub(crate) fn luma_len(self) -> usize {
        self.width * self.height
    }

    /// A picture's bytes: luma, and a quarter as much of each colour.
    pub(crate) fn bytes(self) -> usize {
        self.luma_len() / 2 * 3
    }
}

/// Puts an effect behind the person in pictures of one size, with the memory that takes.
#[derive(Debug)]
pub struct Compositor {
    size: Size,
    effect: Effect,
    input: Vec<u8>,
    /// The colours of an NV12 picture, apart.
    chroma: Vec<u8>,
    small: Vec<Pixel>,
    reduction: Reduction,
    outline: Outline,
    blur: blur::Blur,
    backdrop: Backdrop,
    mixer: Mixer,
    output: Vec<u8>,
}

impl Compositor {
    /// A compositor for pictures of this size, with `effect`.
    ///
    /// # Errors
    ///
    /// [`SizeError`] when the size is odd or too large.
    pub fn new(width: usize, height: usize, effect: Effect) -> Result<Self, SizeError> {
        let size = Size::new(width, height)?;
        Ok(Self {
            size,
            effect,
            input: vec![0; size.bytes()],
            chroma: Vec::new(),
            small: vec![pixels::BLACK; size.small_pixels()],
            reduction: Reduction::new(size),
            outline: Outline::new(size),
            blur: blur::Blur::new(size),
            backdrop: Backdrop::new(size),
            mixer: Mixer::new(size),
            output: vec![0; size.bytes()],
        })
    }

    /// Another effect from the next picture on. What is known about the person stays.
    pub fn set_effect(&mut self, effect: Effect) {
        self.effect = effect;
    }

    /// The picture for [`Effect::Picture`]: red, green, blue and a byte that is ignored, for each pixel. Takes tens of
    /// milliseconds, once.
    ///
    /// # Errors
    ///
    /// [`SizeError::Bytes`] or [`SizeError::TooLarge`]; the picture before stays.
    pub fn set_picture(
        &mut self,
        rgba: &[u8],
        width: usize,
        height: usize,
        placement: Placement,
    ) -> Result<(), SizeError> {
        self.backdrop.set(self.size, rgba, width, height, placement)
    }

    /// Where the camera's picture is to be written before each call of [`Self::process`].
    pub fn input(&mut self) -> &mut [u8] {
        &mut self.input
    }

    /// Writes a picture of red, green, blue and a byte that is ignored into [`Self::input`], as I420.
    ///
    /// # Errors
    ///
    /// [`SizeError::Bytes`] when it is of another size.
    pub fn take_rgba(&mut self, rgba: &[u8]) -> Result<(), SizeError> {
        if rgba.len() != 4 * self.size.luma_len() {
            return Err(SizeError::Bytes);
        }
        unpacking::unpack(rgba, self.size.width, &mut self.input);
        Ok(())
    }

    /// Writes a picture that has yet to be turned into [`Self::input`], upright and as I420 whatever it was.
    ///
    /// # Errors
    ///
    /// [`SizeError::Bytes`] when it is of another size.
    pub fn take_turned(&mut self, picture: &[u8], format: Format, turn: Turn) -> Result<(), SizeError> {
        if picture.len() != turning::bytes_before(turn, self.size) {
            return Err(SizeError::Bytes);
        }
        turning::turn(picture, format, turn, self.size, &mut self.input);
        Ok(())
    }

    /// The picture in [`Self::input`] with the effect behind the person, as I420.
    ///
    /// With a segmenter the person is looked for; without one, the last mask is used once more. Before there has been any
    /// mask, all of the picture counts as background, so that nothing is shown by mistake.
    pub fn process(&mut self, format: Format, segmenter: Option<&mut Segmenter>) -> &[u8] {
        let (luma, colours) = self.input.split_at(self.size.luma_len());
        if format == Format::Nv12 {
            reduction::split_colours(colours, &mut self.chroma);
        }
        let colours = if format == Format::Nv12 { self.chroma.as_slice() } else { colours };
        self.reduction.reduce(luma, colours, &mut self.small);
        if let Some(segmenter) = segmenter {
            reduction::write_picture(&self.small, self.size, segmenter);
            let shape = segmenter.output_shape();
            self.outline.learn(segmenter.run(), shape.width, shape.height);
        }
        let mask = self.outline.mask(&self.small);
        match self.effect {
            Effect::Blur(strength) => {
                let planes = self.blur.behind(&self.small, mask, strength);
                self.mixer.over_small(luma, colours, planes, mask, &mut self.output);
            }
            Effect::Picture => self.mixer.over(luma, colours, self.backdrop.planes(), mask, &mut self.output),
        }
        &self.output
    }

    /// Forgets the person, as after a change of camera.
    pub fn forget(&mut self) {
        self.outline.forget();
    }
}
