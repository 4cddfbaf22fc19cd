//! The encoder: from what is heard to what both decoders need.

use crate::features::{BANDS, FILTERED, Features};
use crate::kernels::{CHANNELS, Dense, INPUTS, Pixel, spread};
use crate::layers::{Grouped, Gru, Separable, across, array, pixels, read_dense};
use crate::weights::{Reader, WeightsError};
use lanes::F32x4;

/// How many numbers describe a frame.
pub(crate) const DESCRIPTION: usize = 512;
/// The local signal-to-noise ratio is a share of this many decibels…
const SNR_RANGE: f32 = 50.0;
/// …above this.
const SNR_MIN: f32 = -15.0;

/// What the encoder found in the last frame, two frames late.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// Of the levels, ever coarser: 32, 16, 8 and 8 frequencies.
    pub(crate) levels: [Box<[Pixel]>; 4],
    /// Of the lowest bins, each.
    pub(crate) low: Box<[Pixel]>,
    /// All of it together.
    pub(crate) description: [f32; DESCRIPTION],
    /// The local signal-to-noise ratio in decibels.
    pub(crate) snr: f32,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Encoder {
    level_taps: Box<[[[f32; 4]; 16]; 9]>,
    level_bias: Pixel,
    level_convolutions: [Separable; 3],
    /// For real and imaginary parts, half of the channels each.
    low_taps: Box<[[[[f32; 4]; 8]; 9]; 2]>,
    low_dense: Dense<CHANNELS>,
    low_convolution: Separable,
    low_description: Grouped<4>,
    into_gru: Grouped<4>,
    gru: Gru,
    out_of_gru: Grouped<8>,
    snr_weights: Box<[f32; DESCRIPTION]>,
    snr_bias: f32,
    history: History,
    wide: Box<[Pixel]>,
    half: Box<[Pixel]>,
    encoded: Encoded,
}

/// The features of the last three frames, the newest last, with a zero on each side.
#[derive(Debug, Default)]
struct History {
    levels: [Padded<{ BANDS + 2 }>; 3],
    low: [[Padded<{ FILTERED + 2 }>; 3]; 2],
}

#[derive(Debug)]
struct Padded<const N: usize>([f32; N]);

impl<const N: usize> Default for Padded<N> {
    fn default() -> Self {
        Self([0.0; N])
    }
}

impl History {
    fn push(&mut self, features: &Features) {
        fn push<const N: usize>(frames: &mut [Padded<N>; 3], newest: &[f32]) {
            frames.rotate_left(1);
            frames[2].0[1..=newest.len()].copy_from_slice(newest);
        }
        push(&mut self.levels, &features.levels);
        for (frames, newest) in self.low.iter_mut().zip(&features.low) {
            push(frames, newest);
        }
    }
}

/// Three frequencies from `at` on, of each frame.
#[inline(always)]
fn around<const N: usize>(frames: &[Padded<N>; 3], at: usize) -> [&[f32; 3]; 3] {
    frames.each_ref().map(|frame| frame.0[at..].first_chunk().expect("there is one more on each side"))
}

impl Encoder {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, WeightsError> {
        let level_taps = Box::new(quartered(&across::<CHANNELS, 9>(&reader.numbers(9 * CHANNELS)?)));
        let level_bias = array(&reader.numbers(CHANNELS)?);
        let level_convolutions =
            [Separable::read(reader, 16)?, Separable::read(reader, 8)?, Separable::read(reader, 8)?];
        let low = reader.numbers(9 * CHANNELS)?;
        let (real, imaginary) = low.split_at(9 * CHANNELS / 2);
        let low_taps = [real, imaginary].map(|half| quartered(&across::<{ CHANNELS / 2 }, 9>(half)));
        Ok(Self {
            level_taps,
            level_bias,
            level_convolutions,
            low_taps: Box::new(low_taps),
            low_dense: read_dense(reader)?,
            low_convolution: Separable::read(reader, FILTERED / 2)?,
            low_description: Grouped::read(reader, FILTERED / 2 * CHANNELS)?,
            into_gru: Grouped::read(reader, DESCRIPTION)?,
            gru: Gru::read(reader)?,
            out_of_gru: Grouped::read(reader, INPUTS)?,
            snr_weights: Box::new(array(&reader.numbers(DESCRIPTION)?)),
            snr_bias: reader.numbers(1)?[0],
            history: History::default(),
            wide: pixels(FILTERED),
            half: pixels(FILTERED / 2),
            encoded: Encoded {
                levels: [pixels(BANDS), pixels(16), pixels(8), pixels(8)],
                low: pixels(FILTERED),
                description: [0.0; DESCRIPTION],
                snr: SNR_MIN,
            },
        })
    }

    /// Takes the next frame's features.
    pub(crate) fn apply(&mut self, features: &Features) -> &Encoded {
        self.history.push(features);
        self.convolve_levels();
        self.convolve_low();
        let encoded = &mut self.encoded;
        let mut joined = [0.0; DESCRIPTION];
        self.low_description.apply_relu(self.half.as_flattened(), &mut joined);
        for (sum, level) in joined.iter_mut().zip(encoded.levels[3].as_flattened()) {
            *sum += level;
        }
        let mut inside = [0.0; INPUTS];
        self.into_gru.apply_relu(&joined, &mut inside);
        self.out_of_gru.apply_relu(self.gru.step(&inside), &mut encoded.description);
        let products = encoded.description.iter().zip(&*self.snr_weights);
        let snr = products.map(|(value, weight)| value * weight).sum::<f32>() + self.snr_bias;
        encoded.snr = SNR_RANGE / (1.0 + (-snr).exp()) + SNR_MIN;
        encoded
    }

    fn convolve_levels(&mut self) {
        let levels = &mut self.encoded.levels;
        for (at, pixel) in levels[0].iter_mut().enumerate() {
            let bias = std::array::from_fn(|four| F32x4::of(&self.level_bias.as_chunks().0[four]));
            let sums = spread(around(&self.history.levels, at), &self.level_taps, bias);
            sums.iter().zip(pixel.as_chunks_mut().0).for_each(|(sum, four)| sum.relu().write(four));
        }
        let [first, second, third, fourth] = levels;
        let [one, two, three] = &mut self.level_convolutions;
        one.apply(first, 2, second);
        two.apply(second, 2, third);
        three.apply(third, 1, fourth);
    }

    fn convolve_low(&mut self) {
        for (at, pixel) in self.wide.iter_mut().enumerate() {
            let halves = pixel.as_chunks_mut::<{ CHANNELS / 2 }>().0;
            for ((frames, taps), half) in self.history.low.iter().zip(&*self.low_taps).zip(halves) {
                let sums = spread(around(frames, at), taps, [F32x4::splat(0.0); 8]);
                sums.iter().zip(half.as_chunks_mut().0).for_each(|(sum, four)| sum.write(four));
            }
        }
        self.low_dense.apply(&self.wide, true, &mut self.encoded.low);
        self.low_convolution.apply(&self.encoded.low, 2, &mut self.half);
    }
}

/// Each tap's channels, four at a time.
fn quartered<const C: usize, const V: usize>(taps: &[[f32; C]; 9]) -> [[[f32; 4]; V]; 9] {
    taps.map(|channels| std::array::from_fn(|four| std::array::from_fn(|lane| channels[4 * four + lane])))
}
