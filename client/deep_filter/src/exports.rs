//! What the module offers to the worker that instantiates it: plain functions on plain numbers.
#![expect(unsafe_code, reason = "functions for a caller outside Rust")]

use std::ptr::null_mut;

use crate::denoiser::{DELAY, DeepFilter, FRAME, RATE};

/// A deep filter with the frame that is put through.
#[derive(Debug)]
pub struct Stage {
    filter: DeepFilter,
    frame: [f32; FRAME],
}

/// Memory of `len` bytes, zeroed, for the file of weights. Released by [`weights_release`].
#[unsafe(no_mangle)]
pub extern "C" fn weights_allocate(len: usize) -> *mut u8 {
    Box::into_raw(vec![0_u8; len].into_boxed_slice()).cast()
}

/// Releases what [`weights_allocate`] gave.
///
/// # Safety
///
/// `memory` and `len` must be those of one allocation that is not released yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn weights_release(memory: *mut u8, len: usize) {
    // SAFETY: the caller promises that this was made by `weights_allocate` with this length.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(memory, len)) });
}

/// A deep filter with the weights in `file`, which is not needed any longer afterwards; null when the file is refused.
///
/// # Safety
///
/// `file` must be readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn filter_new(file: *const u8, len: usize) -> *mut Stage {
    // SAFETY: the caller promises readable bytes.
    let file = unsafe { std::slice::from_raw_parts(file, len) };
    let stage = DeepFilter::new(file).map(|filter| Stage { filter, frame: [0.0; FRAME] });
    stage.map_or(null_mut(), |stage| Box::into_raw(Box::new(stage)))
}

/// Releases a deep filter.
///
/// # Safety
///
/// `stage` must come from [`filter_new`] and not be released yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn filter_release(stage: *mut Stage) {
    // SAFETY: the caller promises that it was boxed by `filter_new`.
    drop(unsafe { Box::from_raw(stage) });
}

/// Where the samples of a frame are to be written, and are found again; it stays there.
///
/// # Safety
///
/// `stage` must come from [`filter_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn filter_frame(stage: *mut Stage) -> *mut f32 {
    // SAFETY: the caller promises a living stage that nobody else uses.
    unsafe { &mut *stage }.frame.as_mut_ptr()
}

/// Puts the frame through, in place.
///
/// # Safety
///
/// `stage` must come from [`filter_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn filter_process(stage: *mut Stage) {
    // SAFETY: the caller promises a living stage that nobody else uses.
    let Stage { filter, frame } = unsafe { &mut *stage };
    filter.process(frame);
}

/// How many samples a frame has.
#[unsafe(no_mangle)]
pub extern "C" fn filter_frame_len() -> usize {
    FRAME
}

/// By how many samples what comes out is late.
#[unsafe(no_mangle)]
pub extern "C" fn filter_delay() -> usize {
    DELAY
}

/// How many samples make a second.
#[unsafe(no_mangle)]
pub extern "C" fn filter_rate() -> u32 {
    RATE
}

/// For tests alone: the local signal-to-noise ratio of the last frame, in decibels.
///
/// # Safety
///
/// `stage` must come from [`filter_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn filter_snr(stage: *const Stage) -> f32 {
    // SAFETY: the caller promises a living stage.
    unsafe { &*stage }.filter.snr()
}

/// For tests alone: the kernels beside their scalar twins.
#[cfg(feature = "twins")]
mod twins {
    use crate::twins::{TOLERANCE, TWINS};

    /// How many comparisons there are.
    #[unsafe(no_mangle)]
    pub(crate) extern "C" fn twins_count() -> usize {
        TWINS.len()
    }

    /// The largest difference of comparison `index`, with what rounding may cause as one.
    #[unsafe(no_mangle)]
    pub(crate) extern "C" fn twins_difference(index: usize) -> f32 {
        TWINS.get(index).map_or(f32::MAX, |(_, difference)| difference() / TOLERANCE)
    }

    /// Where the name of comparison `index` is, as UTF-8.
    #[unsafe(no_mangle)]
    pub(crate) extern "C" fn twins_name(index: usize) -> *const u8 {
        TWINS.get(index).map_or(std::ptr::null(), |(name, _)| name.as_ptr())
    }

    /// How long that name is.
    #[unsafe(no_mangle)]
    pub(crate) extern "C" fn twins_name_len(index: usize) -> usize {
        TWINS.get(index).map_or(0, |(name, _)| name.len())
    }
}
