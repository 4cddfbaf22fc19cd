//! What the module offers to the worker that instantiates it: plain functions on plain numbers.
//!
//! The worker allocates memory, writes a file or a picture into it, and calls. Pointers that a function returns stay valid until
//! the named release; the worker must look at `memory.buffer` again after each call, since memory may have grown.
#![expect(unsafe_code, reason = "functions for a caller outside Rust")]

use std::ptr::null_mut;

use crate::compositor::{Compositor, Effect, Format, Placement, Turn};
use crate::graph::Segmenter;
use crate::model::Model;

/// Memory of `len` bytes, zeroed, for the worker to write into. Released by [`effects_release`].
#[unsafe(no_mangle)]
pub extern "C" fn effects_allocate(len: usize) -> *mut u8 {
    Box::into_raw(vec![0_u8; len].into_boxed_slice()).cast()
}

/// Releases what [`effects_allocate`] gave.
///
/// # Safety
///
/// `memory` and `len` must be those of one allocation that is not released yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn effects_release(memory: *mut u8, len: usize) {
    // SAFETY: the caller promises that this was made by `effects_allocate` with this length.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(memory, len)) });
}

/// A segmenter for the model file in `file`, which is not needed any longer afterwards; null when the file is refused.
///
/// # Safety
///
/// `file` must be readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn segmenter_new(file: *const u8, len: usize) -> *mut Segmenter {
    // SAFETY: the caller promises readable bytes.
    let file = unsafe { std::slice::from_raw_parts(file, len) };
    let segmenter = Model::parse(file).and_then(|model| Segmenter::new(&model));
    segmenter.map_or(null_mut(), |segmenter| Box::into_raw(Box::new(segmenter)))
}

/// Releases a segmenter.
///
/// # Safety
///
/// `segmenter` must come from [`segmenter_new`] and not be released yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn segmenter_release(segmenter: *mut Segmenter) {
    // SAFETY: the caller promises that it was boxed by `segmenter_new`.
    drop(unsafe { Box::from_raw(segmenter) });
}

/// Width and height of the picture that goes in, as `width << 16 | height`; the mask that comes out is as large.
///
/// # Safety
///
/// `segmenter` must come from [`segmenter_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn segmenter_size(segmenter: *const Segmenter) -> usize {
    // SAFETY: the caller promises a living segmenter.
    let shape = unsafe { &*segmenter }.input_shape();
    shape.width << 16 | shape.height
}

/// Where row `row` of the picture is to be written: red, green and blue in single precision from 0 to 1. Null past the
/// last.
///
/// # Safety
///
/// `segmenter` must come from [`segmenter_new`], and nothing else use it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn segmenter_input_row(segmenter: *mut Segmenter, row: usize) -> *mut f32 {
    // SAFETY: the caller promises a living segmenter that nobody else uses.
    let segmenter = unsafe { &mut *segmenter };
    segmenter.input_rows().nth(row).map_or(null_mut(), <[f32]>::as_mut_ptr)
}

/// Computes the mask, width × height numbers in single precision from 0 to 1, and returns where it is.
///
/// # Safety
///
/// `segmenter` must come from [`segmenter_new`], and nothing else use it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn segmenter_run(segmenter: *mut Segmenter) -> *const f32 {
    // SAFETY: the caller promises a living segmenter that nobody else uses.
    unsafe { &mut *segmenter }.run().as_ptr()
}

/// A compositor for pictures of this size, which blurs by `strength` from 0 to 1; null when the size is odd or too large.
#[unsafe(no_mangle)]
pub extern "C" fn compositor_new(width: usize, height: usize, strength: f32) -> *mut Compositor {
    let compositor = Compositor::new(width, height, Effect::Blur(strength));
    compositor.map_or(null_mut(), |compositor| Box::into_raw(Box::new(compositor)))
}

/// Releases a compositor.
///
/// # Safety
///
/// `compositor` must come from [`compositor_new`] and not be released yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn compositor_release(compositor: *mut Compositor) {
    // SAFETY: the caller promises that it was boxed by `compositor_new`.
    drop(unsafe { Box::from_raw(compositor) });
}

/// Blurs by `strength` from the next picture on.
///
/// # Safety
///
/// `compositor` must come from [`compositor_new`], and nothing else use it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn compositor_blur(compositor: *mut Compositor, strength: f32) {
    // SAFETY: the caller promises a living compositor that nobody else uses.
    unsafe { &mut *compositor }.set_effect(Effect::Blur(strength));
}

/// Shows a picture behind the person from the next one on: `width` × `height` pixels of red, green, blue and a byte that is
/// ignored. `is_fitted` shows all of it, otherwise it covers everything. Returns 0 when the size is refused.
///
/// # Safety
///
/// `compositor` must come from [`compositor_new`], nothing else use it meanwhile, and `rgba` be readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn compositor_picture(
    compositor: *mut Compositor,
    rgba: *const u8,
    len: usize,
    width: usize,
    height: usize,
    is_fitted: bool,
) -> bool {
    let placement = if is_fitted { Placement::Fit } else { Placement::Cover };
    // SAFETY: the caller promises a living compositor that nobody else uses, and readable bytes.
    let (compositor, rgba) = unsafe { (&mut *compositor, std::slice::from_raw_parts(rgba, len)) };
    let is_set = compositor.set_picture(rgba, width, height, placement).is_ok();
    if is_set {
        compositor.set_effect(Effect::Picture);
    }
    is_set
}

/// Where the camera's picture is to be written, width × height × 3 / 2 bytes.
///
/// # Safety
///
/// `compositor` must come from [`compositor_new`], and nothing else use it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn compositor_input(compositor: *mut Compositor) -> *mut u8 {
    // SAFETY: the caller promises a living compositor that nobody else uses.
    unsafe { &mut *compositor }.input().as_mut_ptr()
}

/// Writes a picture of four bytes a pixel, as screens and canvases give it, into the compositor's input as I420. Returns 0 when it is
/// of another size.
///
/// # Safety
///
/// `compositor` must come from [`compositor_new`], nothing else use it meanwhile, and `rgba` be readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn compositor_take_rgba(
    compositor: *mut Compositor,
    rgba: *const u8,
    len: usize,
) -> bool {
    // SAFETY: the caller promises a living compositor that nobody else uses, and readable bytes.
    let (compositor, rgba) = unsafe { (&mut *compositor, std::slice::from_raw_parts(rgba, len)) };
    compositor.take_rgba(rgba).is_ok()
}

/// Writes a picture, `len` bytes as the camera gave them, into the compositor's input: turned by `quarters` of a turn clockwise, then
/// mirrored if `is_flipped`, half as wide and high if `is_halved`, and as I420. Returns 0 when it is of another size.
///
/// # Safety
///
/// `compositor` must come from [`compositor_new`], nothing else use it meanwhile, and `picture` be readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn compositor_take_turned(
    compositor: *mut Compositor,
    picture: *const u8,
    len: usize,
    is_nv12: bool,
    quarters: u8,
    is_flipped: bool,
    is_halved: bool,
) -> bool {
    let format = if is_nv12 { Format::Nv12 } else { Format::I420 };
    // SAFETY: the caller promises a living compositor that nobody else uses, and readable bytes.
    let (compositor, picture) = unsafe { (&mut *compositor, std::slice::from_raw_parts(picture, len)) };
    compositor.take_turned(picture, format, Turn { quarters, is_flipped, is_halved }).is_ok()
}

/// Puts the effect behind the person in the picture that was written, and returns where the result is, as I420 of the same
/// size. With a null segmenter the last mask is used once more.
///
/// # Safety
///
/// `compositor` must come from [`compositor_new`] and `segmenter` be null or come from [`segmenter_new`], and nothing else use
/// either meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn compositor_process(
    compositor: *mut Compositor,
    segmenter: *mut Segmenter,
    is_nv12: bool,
) -> *const u8 {
    let format = if is_nv12 { Format::Nv12 } else { Format::I420 };
    // SAFETY: the caller promises that both live and that nobody else uses them.
    let (compositor, segmenter) = unsafe { (&mut *compositor, segmenter.as_mut()) };
    compositor.process(format, segmenter).as_ptr()
}

/// Forgets the person, as after a change of camera.
///
/// # Safety
///
/// `compositor` must come from [`compositor_new`], and nothing else use it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn compositor_forget(compositor: *mut Compositor) {
    // SAFETY: the caller promises a living compositor that nobody else uses.
    unsafe { &mut *compositor }.forget();
}

/// For tests alone: the kernels beside their scalar twins.
#[cfg(feature = "twins")]
mod twins {
    use crate::twins::{TOLERANCE, Twins, all};

    fn named(index: usize) -> Option<Twins> {
        all().nth(index)
    }

    /// How many comparisons there are.
    #[unsafe(no_mangle)]
    pub(crate) extern "C" fn twins_count() -> usize {
        all().count()
    }

    /// The largest difference of comparison `index`, with what rounding may cause as one.
    #[unsafe(no_mangle)]
    pub(crate) extern "C" fn twins_difference(index: usize) -> f32 {
        named(index).map_or(f32::MAX, |(_, difference)| difference() / TOLERANCE)
    }

    /// Where the name of comparison `index` is, as UTF-8.
    #[unsafe(no_mangle)]
    pub(crate) extern "C" fn twins_name(index: usize) -> *const u8 {
        named(index).map_or(std::ptr::null(), |(name, _)| name.as_ptr())
    }

    /// How long that name is.
    #[unsafe(no_mangle)]
    pub(crate) extern "C" fn twins_name_len(index: usize) -> usize {
        named(index).map_or(0, |(name, _)| name.len())
    }
}
