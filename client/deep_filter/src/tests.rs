//! The whole way beside ONNX Runtime, on a recording of a voice in noise.

use std::fs;
use std::path::Path;

use super::*;
use crate::decoders::ORDER;
use crate::features::{BANDS, FILTERED};

/// The largest difference of a gain: the inputs of recurrent layers are rounded to sixteen bits.
const GAIN_MAX: f32 = 1e-4;
/// The largest difference of a coefficient.
const COEFFICIENT_MAX: f32 = 5e-4;
/// The largest difference of the local signal-to-noise ratio in decibels.
const SNR_MAX: f32 = 0.01;
/// Of every so many frames the coefficients are kept.
const STEP: usize = 8;

fn read(file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; `cargo xtask setup deep-filter` makes it", path.display())
    })
}

fn deep_filter() -> DeepFilter {
    DeepFilter::new(&read("../../target/deep_filter/deep_filter.weights")).unwrap()
}

fn sound(golden: &str) -> Vec<f32> {
    let bytes = read(&format!("goldens/{golden}.i16"));
    bytes.as_chunks().0.iter().map(|sample| f32::from(i16::from_le_bytes(*sample)) / 32_768.0).collect()
}

fn numbers(golden: &str) -> Vec<f32> {
    let bytes = read(&format!("goldens/{golden}.f32"));
    bytes.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number)).collect()
}

fn largest_difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
}

/// How far the difference lies below what is compared, in decibels.
fn equality(ours: &[f32], theirs: &[f32]) -> f32 {
    let energy = |sound: &mut dyn Iterator<Item = f32>| sound.map(|sample| sample * sample).sum::<f32>();
    let difference = energy(&mut ours.iter().zip(theirs).map(|(one, other)| one - other));
    10.0 * (energy(&mut theirs.iter().copied()) / difference).log10()
}

#[test]
fn frame_by_frame_the_networks_say_what_onnx_runtime_says_of_the_whole() {
    let mut filter = deep_filter();
    let mut sound = sound("noisy");
    let (gains, snr, coefficients) = (numbers("gains"), numbers("snr"), numbers("coefficients"));
    let mut worst = [0.0_f32; 3];
    for (at, frame) in sound.as_chunks_mut().0.iter_mut().enumerate() {
        filter.process(frame);
        let (our_gains, our_coefficients) = filter.found();
        worst[0] = worst[0].max(largest_difference(our_gains, &gains[at * BANDS..][..BANDS]));
        worst[1] = worst[1].max((filter.snr() - snr[at]).abs());
        if at % STEP == 0 {
            let count = FILTERED * 2 * ORDER;
            let theirs = &coefficients[at / STEP * count..][..count];
            worst[2] = worst[2].max(largest_difference(our_coefficients.as_flattened(), theirs));
        }
    }
    let [gain, snr, coefficient] = worst;
    assert!(gain < GAIN_MAX && snr < SNR_MAX && coefficient < COEFFICIENT_MAX, "{gain} {snr} {coefficient}");
}

#[test]
fn the_sound_is_that_of_the_graphs() {
    let mut filter = deep_filter();
    let mut ours = sound("noisy");
    ours.as_chunks_mut().0.iter_mut().for_each(|frame| filter.process(frame));
    for (golden, least) in [("rounded", 65.0), ("exact", 40.0)] {
        let equality = equality(&ours, &sound(golden));
        assert!(equality > least, "{golden}: {equality} dB");
    }
}

#[test]
fn silence_is_silence_and_what_follows_is_heard() {
    let mut filter = deep_filter();
    let mut frame = [0.0; FRAME];
    for _ in 0..50 {
        filter.process(&mut frame);
        assert_eq!(frame, [0.0; FRAME]);
    }
    let mut after = sound("noisy");
    after.as_chunks_mut().0.iter_mut().for_each(|frame| filter.process(frame));
    // The networks begin where they did without the silence.
    let equality = equality(&after, &sound("rounded"));
    assert!(equality > 20.0, "{equality} dB");
}

#[test]
fn what_is_no_number_is_silence() {
    let mut filter = deep_filter();
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30] {
        for _ in 0..10 {
            let mut frame = [value; FRAME];
            filter.process(&mut frame);
            assert!(frame.iter().all(|sample| sample.abs() <= 1.0));
        }
    }
}

#[test]
fn weights_that_fit_and_mean_nothing_leave_numbers() {
    // Whatever a file of the right length holds, numbers come out, and nothing else happens.
    for seed in 1..4_u32 {
        let mut state = seed;
        let mut file: Vec<u8> = (0..file_len())
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Bytes below 0x44 keep the exponents small enough for weights, in either precision.
                (state >> 24) as u8 % 0x44
            })
            .collect();
        file[..MAGIC.len()].copy_from_slice(&MAGIC);
        let mut filter = DeepFilter::new(&file).unwrap();
        let mut sound = sound("noisy");
        for frame in sound.as_chunks_mut().0.iter_mut().take(20) {
            filter.process(frame);
            assert!(frame.iter().all(|sample| sample.abs() <= 1.0));
        }
    }
}
