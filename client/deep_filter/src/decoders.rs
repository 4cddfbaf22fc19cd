//! The two decoders: gains for the bands, and coefficients of the filter for the lowest bins.

use crate::encoder::{DESCRIPTION, Encoded};
use crate::features::{BANDS, FILTERED};
use crate::kernels::{CHANNELS, Dense, INPUTS, Pixel, tanh};
use crate::layers::{Grouped, Gru, Path, Separable, across, array, pixels};
use crate::weights::{Reader, WeightsError};

/// How many frames the deep filter looks at.
pub(crate) const ORDER: usize = 5;
/// Real and imaginary parts of the coefficients of one bin, the oldest frame's first.
pub(crate) type Coefficients = [f32; 2 * ORDER];

/// Finds the gain of each band.
#[derive(Debug)]
pub(crate) struct BandDecoder {
    into_gru: Grouped<4>,
    grus: [Gru; 2],
    out_of_gru: Grouped<8>,
    /// From the coarsest level to the finest.
    paths: [Path; 4],
    convolutions: [Separable; 3],
    /// Three frequencies of all channels for one gain.
    last: [Pixel; 3],
    last_bias: f32,
    /// 8, 8, 16 and 32 frequencies.
    stages: [Box<[Pixel]>; 4],
    gains: [f32; BANDS],
}

impl BandDecoder {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, WeightsError> {
        let into_gru = Grouped::read(reader, DESCRIPTION)?;
        let grus = [Gru::read(reader)?, Gru::read(reader)?];
        let out_of_gru = Grouped::read(reader, INPUTS)?;
        let (path3, convolution3) = (Path::read(reader)?, Separable::read(reader, 8)?);
        let (path2, convolution2) = (Path::read(reader)?, Separable::read(reader, 16)?);
        let (path1, convolution1) = (Path::read(reader)?, Separable::read(reader, BANDS)?);
        Ok(Self {
            into_gru,
            grus,
            out_of_gru,
            paths: [path3, path2, path1, Path::read(reader)?],
            convolutions: [convolution3, convolution2, convolution1],
            last: across(&reader.numbers(3 * CHANNELS)?),
            last_bias: reader.numbers(1)?[0],
            stages: [pixels(8), pixels(8), pixels(16), pixels(BANDS)],
            gains: [0.0; BANDS],
        })
    }

    /// The gain of each band, from 0 to 1.
    pub(crate) fn apply(&mut self, encoded: &Encoded) -> &[f32; BANDS] {
        let mut inside = [0.0; INPUTS];
        self.into_gru.apply_relu(&encoded.description, &mut inside);
        let [one, two] = &mut self.grus;
        let inside = two.step(one.step(&inside));
        let [eight, also_eight, sixteen, all] = &mut self.stages;
        self.out_of_gru.apply_relu(inside, eight.as_flattened_mut());
        let [finest, fine, coarse, coarsest] = &encoded.levels;
        self.paths[0].add(coarsest, eight);
        self.convolutions[0].apply(eight, 1, also_eight);
        self.paths[1].add(coarse, also_eight);
        self.convolutions[1].apply_transposed(also_eight, sixteen);
        self.paths[2].add(fine, sixteen);
        self.convolutions[2].apply_transposed(sixteen, all);
        self.paths[3].add(finest, all);
        for (at, gain) in self.gains.iter_mut().enumerate() {
            let mut sum = self.last_bias;
            for (tap, weights) in self.last.iter().enumerate() {
                let Some(pixel) = (at + tap).checked_sub(1).and_then(|place| all.get(place)) else {
                    continue;
                };
                sum += pixel.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f32>();
            }
            *gain = 1.0 / (1.0 + (-sum).exp());
        }
        &self.gains
    }

    /// The last gains.
    #[cfg(test)]
    pub(crate) const fn gains(&self) -> &[f32; BANDS] {
        &self.gains
    }
}

/// Of the layer past the recurrent ones: results of each half of the channels.
const PATH: usize = 5;

/// Finds the coefficients of the deep filter.
#[derive(Debug)]
pub(crate) struct FilterDecoder {
    into_gru: Grouped<8>,
    grus: [Gru; 2],
    skip: Grouped<4>,
    /// Five results of five frames each, of each half of the channels.
    path: [Dense<{ CHANNELS / 2 }>; 2],
    mixing: [Coefficients; 2 * PATH],
    mixing_bias: Coefficients,
    out: Grouped<15>,
    halves: Box<[[f32; CHANNELS / 2]]>,
    products: Box<[[f32; 32]]>,
    /// What is summed already for the next frames, each bin's; those of the next frame first.
    sums: [Box<[[f32; 2 * PATH]]>; ORDER],
    coefficients: Box<[Coefficients]>,
}

impl FilterDecoder {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, WeightsError> {
        let into_gru = Grouped::read(reader, DESCRIPTION)?;
        let grus = [Gru::read(reader)?, Gru::read(reader)?];
        let skip = Grouped::read(reader, DESCRIPTION)?;
        let path = reader.numbers(2 * PATH * CHANNELS / 2 * ORDER)?;
        let mixing: [[f32; 10]; 10] = across(&reader.numbers(4 * PATH * PATH)?);
        let bias = array(&reader.numbers(2 * PATH)?);
        let (first, second) = path.split_at(path.len() / 2);
        Ok(Self {
            into_gru,
            grus,
            skip,
            path: [first, second].map(by_frame),
            mixing,
            mixing_bias: bias,
            out: Grouped::read(reader, INPUTS)?,
            halves: vec![[0.0; CHANNELS / 2]; FILTERED].into(),
            products: vec![[0.0; 32]; FILTERED].into(),
            sums: std::array::from_fn(|_| vec![[0.0; 2 * PATH]; FILTERED].into()),
            coefficients: vec![[0.0; 2 * ORDER]; FILTERED].into(),
        })
    }

    /// The coefficients of each of the lowest bins.
    pub(crate) fn apply(&mut self, encoded: &Encoded) -> &[Coefficients] {
        let mut inside = [0.0; INPUTS];
        self.into_gru.apply_relu(&encoded.description, &mut inside);
        let [one, two] = &mut self.grus;
        let from_gru = two.step(one.step(&inside));
        self.skip.apply(&encoded.description, &mut inside);
        inside.iter_mut().zip(from_gru).for_each(|(sum, value)| *sum += value);
        self.out.apply(&inside, self.coefficients.as_flattened_mut());
        tanh(self.coefficients.as_flattened_mut());
        self.add_path(&encoded.low);
        &self.coefficients
    }

    /// The last coefficients.
    #[cfg(test)]
    pub(crate) fn coefficients(&self) -> &[Coefficients] {
        &self.coefficients
    }

    /// Adds what comes past the recurrent layers: a convolution over five frames.
    fn add_path(&mut self, low: &[Pixel]) {
        for (half, dense) in self.path.iter().enumerate() {
            for (channels, pixel) in self.halves.iter_mut().zip(low) {
                channels.copy_from_slice(pixel.as_chunks::<{ CHANNELS / 2 }>().0[half].as_slice());
            }
            dense.apply(&self.halves, false, &mut self.products);
            for (bin, products) in self.products.iter().enumerate() {
                for (sums, products) in self.sums.iter_mut().zip(products.as_chunks::<PATH>().0) {
                    let sums = &mut sums[bin].as_chunks_mut::<PATH>().0[half];
                    sums.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
                }
            }
        }
        for (sums, coefficients) in self.sums[0].iter().zip(&mut self.coefficients) {
            let mut mixed = self.mixing_bias;
            for (sum, weights) in sums.iter().zip(&self.mixing) {
                mixed.iter_mut().zip(weights).for_each(|(mixed, weight)| *mixed += sum * weight);
            }
            coefficients
                .iter_mut()
                .zip(mixed)
                .for_each(|(coefficient, mixed)| *coefficient += mixed.max(0.0));
        }
        self.sums[0].fill([0.0; 2 * PATH]);
        self.sums.rotate_left(1);
    }
}

/// From \[result\]\[channel\]\[frame\], the newest frame last, to a layer with the five results for the newest frame first, then
/// those that this frame adds to the four next.
fn by_frame(weights: &[f32]) -> Dense<{ CHANNELS / 2 }> {
    let channels = CHANNELS / 2;
    let mut rows = Vec::with_capacity(weights.len());
    for frame in (0..ORDER).rev() {
        for result in 0..PATH {
            rows.extend((0..channels).map(|channel| weights[(result * channels + channel) * ORDER + frame]));
        }
    }
    Dense::new(&rows, &[0.0; ORDER * PATH])
}
