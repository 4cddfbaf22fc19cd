//! What the module offers to the worklet that instantiates it: plain functions on plain numbers.
#![expect(unsafe_code, reason = "functions for a caller outside Rust")]

use std::ptr::null_mut;

use crate::framing::{FRAME, PIECE_MAX};
use crate::relay::{Relay, WAIT_MAX};
use crate::suppressor::Suppressor;

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

/// A relay with the piece of samples that is put through, and a frame with its number as the last, which goes out or came back.
#[derive(Debug)]
pub struct Exchange {
    relay: Relay,
    piece: [f32; PIECE_MAX],
    frame: [f32; FRAME + 1],
}

/// A relay for pieces of at most `piece` samples at `rate` samples a second and answers that take at most `wait` frames; null when
/// it is refused.
#[unsafe(no_mangle)]
pub extern "C" fn relay_new(rate: u32, piece: usize, wait: u32) -> *mut Exchange {
    if !(1..=PIECE_MAX).contains(&piece) || wait > WAIT_MAX {
        return null_mut();
    }
    let exchange = Relay::new(rate, piece, wait).map(|relay| Exchange {
        relay,
        piece: [0.0; PIECE_MAX],
        frame: [0.0; FRAME + 1],
    });
    exchange.map_or(null_mut(), |exchange| Box::into_raw(Box::new(exchange)))
}

/// Where samples are to be written, and are found again; it stays there.
///
/// # Safety
///
/// `exchange` must come from [`relay_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn relay_piece(exchange: *mut Exchange) -> *mut f32 {
    // SAFETY: the caller promises a living relay that nobody else uses.
    unsafe { &mut *exchange }.piece.as_mut_ptr()
}

/// Where the frame is that goes out or came back, 480 samples and its number; it stays there.
///
/// # Safety
///
/// `exchange` must come from [`relay_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn relay_frame(exchange: *mut Exchange) -> *mut f32 {
    // SAFETY: the caller promises a living relay that nobody else uses.
    unsafe { &mut *exchange }.frame.as_mut_ptr()
}

/// From now on somebody answers, or nobody does any more.
///
/// # Safety
///
/// `exchange` must come from [`relay_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn relay_connect(exchange: *mut Exchange, is_connected: bool) {
    // SAFETY: the caller promises a living relay that nobody else uses.
    unsafe { &mut *exchange }.relay.connect(is_connected);
}

/// Puts so many samples through, in place; `is_on` plays what came back.
///
/// # Safety
///
/// `exchange` must come from [`relay_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn relay_process(exchange: *mut Exchange, len: usize, is_on: bool) {
    // SAFETY: the caller promises a living relay that nobody else uses.
    let Exchange { relay, piece, .. } = unsafe { &mut *exchange };
    relay.set_on(is_on);
    relay.process(&mut piece[..len.min(PIECE_MAX)]);
}

/// Writes the next frame that is to be sent, and its number; false when there is none.
///
/// # Safety
///
/// `exchange` must come from [`relay_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn relay_outgoing(exchange: *mut Exchange) -> bool {
    // SAFETY: the caller promises a living relay that nobody else uses.
    let Exchange { relay, frame, .. } = unsafe { &mut *exchange };
    let Some((number, samples)) = relay.outgoing() else {
        return false;
    };
    frame[..FRAME].copy_from_slice(samples);
    frame[FRAME] = number as f32;
    true
}

/// Takes the frame that was written, which came back.
///
/// # Safety
///
/// `exchange` must come from [`relay_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn relay_answer(exchange: *mut Exchange) {
    // SAFETY: the caller promises a living relay that nobody else uses.
    let Exchange { relay, frame, .. } = unsafe { &mut *exchange };
    if let Some((samples, [number])) = frame.split_first_chunk() {
        // What is no number becomes one that no frame has, or that of the oldest.
        relay.answer(*number as u32, samples);
    }
}

/// By how many samples what comes out is late.
///
/// # Safety
///
/// `exchange` must come from [`relay_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn relay_delay(exchange: *const Exchange) -> usize {
    // SAFETY: the caller promises a living relay.
    unsafe { &*exchange }.relay.delay()
}

/// How many frames did not come back in time.
///
/// # Safety
///
/// `exchange` must come from [`relay_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn relay_late(exchange: *const Exchange) -> u32 {
    // SAFETY: the caller promises a living relay.
    unsafe { &*exchange }.relay.late()
}

/// Whether none comes back any more.
///
/// # Safety
///
/// `exchange` must come from [`relay_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn relay_is_lost(exchange: *const Exchange) -> bool {
    // SAFETY: the caller promises a living relay.
    unsafe { &*exchange }.relay.is_lost()
}
