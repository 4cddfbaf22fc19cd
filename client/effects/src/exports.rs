//! What the module offers to the worker that instantiates it: plain functions on plain numbers.
//!
//! The worker allocates memory, writes a file or a picture into it, and calls. Pointers that a function returns stay valid until
//! the named release; the worker must look at `memory.buffer` again after each call, since memory may have grown.
#![expect(unsafe_code, reason = "functions for a caller outside Rust")]

use std::ptr::null_mut;

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

/// For tests alone: the kernels beside their scalar twins.
#[cfg(feature = "twins")]
mod twins {
    use crate::kernels::twins::{ALL, TOLERANCE};

    /// How many comparisons there are.
    #[unsafe(no_mangle)]
    pub(crate) extern "C" fn twins_count() -> usize {
        ALL.len()
    }

    /// The largest difference of comparison `index`, with what rounding may cause as one.
    #[unsafe(no_mangle)]
    pub(crate) extern "C" fn twins_difference(index: usize) -> f32 {
        ALL.get(index).map_or(f32::MAX, |(_, difference)| difference() / TOLERANCE)
    }

    /// Where the name of comparison `index` is, as UTF-8.
    #[unsafe(no_mangle)]
    pub(crate) extern "C" fn twins_name(index: usize) -> *const u8 {
        ALL.get(index).map_or(std::ptr::null(), |(name, _)| name.as_ptr())
    }

    /// How long that name is.
    #[unsafe(no_mangle)]
    pub(crate) extern "C" fn twins_name_len(index: usize) -> usize {
        ALL.get(index).map_or(0, |(name, _)| name.len())
    }
}
