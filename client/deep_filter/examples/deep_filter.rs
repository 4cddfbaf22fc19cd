//! Puts a recording through: `deep_filter WEIGHTS INPUT OUTPUT`, raw samples in single precision at 48 kHz, one channel.
#![expect(clippy::print_stderr, reason = "a program of the terminal")]

use std::{env, fs};

use deep_filter::{DeepFilter, FRAME};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [weights, input, output] = arguments.as_slice() else {
        return Err("usage: deep_filter WEIGHTS INPUT OUTPUT".into());
    };
    let mut filter = DeepFilter::new(&fs::read(weights)?)?;
    let mut samples: Vec<f32> =
        fs::read(input)?.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let start = std::time::Instant::now();
    let frames = samples.as_chunks_mut::<FRAME>().0;
    frames.iter_mut().for_each(|frame| filter.process(frame));
    eprintln!("{:.3} ms a frame", start.elapsed().as_secs_f64() * 1e3 / frames.len() as f64);
    fs::write(output, samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>())?;
    Ok(())
}
