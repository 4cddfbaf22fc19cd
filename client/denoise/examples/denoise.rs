//! Puts a recording through: `denoise INPUT OUTPUT`, raw samples in single precision at 48 kHz, one channel.

use std::{env, fs};

use denoise::Suppressor;

/// As many samples as the network takes at once, so that nothing waits.
const PIECE: usize = 480;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [input, output] = arguments.as_slice() else {
        return Err("usage: denoise INPUT OUTPUT".into());
    };
    let mut suppressor = Suppressor::new(48_000, PIECE)?;
    let mut samples: Vec<f32> =
        fs::read(input)?.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    samples.chunks_mut(PIECE).for_each(|piece| suppressor.process(piece));
    fs::write(output, samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>())?;
    Ok(())
}
