//! What the module offers to the worklet that instantiates it: plain functions on plain numbers.
#![expect(unsafe_code, reason = "functions for a caller outside Rust")]

use std::ptr::null_mut;

use crate::suppressor::{PIECE_MAX, Suppressor};

/// A suppressor with the piece of samples that is put through.
#[derive(Debug)]
pub struct Stage {
    suppressor: Suppressor,
    piece: [f32; PIECE_MAX],
}

/// A stage for pieces of at most `piece` samples at `rate` samples a second; null when it is refused.
#[unsafe(no_mangle)]
pub extern "C" fn stage_new(rate: u32, piece: usize) -> *mut Stage {
    if !(1..=PIECE_MAX).contains(&piece) {
        return null_mut();
    }
    let stage = Suppressor::new(rate, piece).map(|suppressor| Stage { suppressor, piece: [0.0; PIECE_MAX] });
    stage.map_or(null_mut(), |stage| Box::into_raw(Box::new(stage)))
}

/// Where samples are to be written, and are found again; it stays there.
///
/// # Safety
///
/// `stage` must come from [`stage_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stage_piece(stage: *mut Stage) -> *mut f32 {
    // SAFETY: the caller promises a living stage that nobody else uses.
    unsafe { &mut *stage }.piece.as_mut_ptr()
}

/// Puts so many samples through, in place.
///
/// # Safety
///
/// `stage` must come from [`stage_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stage_process(stage: *mut Stage, len: usize) {
    // SAFETY: the caller promises a living stage that nobody else uses.
    let Stage { suppressor, piece } = unsafe { &mut *stage };
    suppressor.process(&mut piece[..len.min(PIECE_MAX)]);
}

/// By how many samples what comes out is late.
///
/// # Safety
///
/// `stage` must come from [`stage_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stage_delay(stage: *const Stage) -> usize {
    // SAFETY: the caller promises a living stage.
    unsafe { &*stage }.suppressor.delay()
}
