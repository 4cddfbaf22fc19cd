//! What works on every number alone, and sums over all places.
#![expect(unsafe_code, reason = "the inner loops go through pointers that are checked once")]

use super::super::{Activate, Mean, ScaleAdd, View};
use super::{F32x4, LANES, address, check_vectors};
use crate::model::Activation;

pub(super) fn mean(arena: &mut [f32], step: &Mean) {
    check_vectors(&step.x, arena.len());
    check_vectors(&step.y, arena.len());
    assert!(step.y.is_point_of(step.x.channels), "a mean is a point");
    if let Some(also) = &step.also {
        check_vectors(also, arena.len());
        assert_eq!(also.channels, step.x.channels, "means are added channel by channel");
    }
    for channel in (0..step.y.channels).step_by(LANES) {
        // SAFETY: x, `also` and y lie in the arena, their channels come in fours.
        unsafe {
            let mut value = mean_of(arena.as_ptr(), &step.x, channel);
            if let Some(also) = &step.also {
                value = value + mean_of(arena.as_ptr(), also, channel);
            }
            value.store(address(arena, step.y.origin + channel));
        }
    }
}

/// The means of four channels, in four chains of additions.
///
/// # Safety
///
/// `view` must lie in the readable numbers from `arena` on, and `channel + 4` be at most its channels.
unsafe fn mean_of(arena: *const f32, view: &View, channel: usize) -> F32x4 {
    let mut sums = [F32x4::splat(0.0); 4];
    for row in 0..view.height {
        for column in 0..view.width {
            let sum = &mut sums[column % 4];
            // SAFETY: the place is one of the view's, and four channels from here on exist.
            *sum = *sum + unsafe { F32x4::load(arena.add(view.at(row, column) + channel)) };
        }
    }
    let [a, b, c, d] = sums;
    ((a + b) + (c + d)) * F32x4::splat(1.0 / (view.height * view.width) as f32)
}

pub(super) fn scale_add(arena: &mut [f32], step: &ScaleAdd) {
    let ScaleAdd { x, by, addend, y } = step;
    for view in [Some(x), by.as_ref(), addend.as_ref(), Some(y)].into_iter().flatten() {
        check_vectors(view, arena.len());
    }
    assert!(
        x.is_congruent(y) && addend.is_none_or(|addend| addend.is_congruent(y)),
        "the shapes are the same"
    );
    assert!(by.is_none_or(|by| by.is_point_of(x.channels)), "the scale is a point");
    let arena = arena.as_mut_ptr();
    for row in 0..y.height {
        for channel in (0..y.channels).step_by(LANES) {
            // SAFETY: all views lie in the arena and have this row, these channels and all columns.
            unsafe {
                let by = by.map_or(F32x4::splat(1.0), |by| F32x4::load(arena.add(by.origin + channel)));
                for column in 0..y.width {
                    let x = F32x4::load(arena.add(x.at(row, column) + channel));
                    let addend = addend.map_or(F32x4::splat(0.0), |addend| {
                        F32x4::load(arena.add(addend.at(row, column) + channel))
                    });
                    x.mul_add(by, addend).store(arena.add(y.at(row, column) + channel));
                }
            }
        }
    }
}

pub(super) fn activate(arena: &mut [f32], step: &Activate) {
    match step.activation {
        Activation::Relu => every(arena, step, F32x4::relu),
        Activation::Relu6 => every(arena, step, F32x4::relu6),
        Activation::HardSwish => every(arena, step, F32x4::hard_swish),
        Activation::Sigmoid => every(arena, step, F32x4::sigmoid),
    }
}

/// Rows of any length: a rest of fewer than four is computed with zeros beside it.
fn every(arena: &mut [f32], Activate { x, y, .. }: &Activate, apply: impl Fn(F32x4) -> F32x4) {
    assert!(
        x.is_congruent(y) && x.end() <= arena.len() && y.end() <= arena.len(),
        "tensors lie in the arena"
    );
    let len = y.width * y.channels;
    for row in 0..y.height {
        let mut at = 0;
        while at + LANES <= len {
            // SAFETY: four numbers from here on belong to this row of x and of y, which lie in the arena.
            unsafe {
                let value = apply(F32x4::load(arena.as_ptr().add(x.at(row, 0) + at)));
                value.store(address(arena, y.at(row, 0) + at));
            }
            at += LANES;
        }
        let mut rest = [0.0; LANES];
        rest[..len - at].copy_from_slice(&arena[x.at(row, 0)..][at..len]);
        // SAFETY: the array has four numbers.
        let rest = unsafe { apply(F32x4::load(rest.as_ptr())) }.to_array();
        arena[y.at(row, 0)..][at..len].copy_from_slice(&rest[..len - at]);
    }
}
