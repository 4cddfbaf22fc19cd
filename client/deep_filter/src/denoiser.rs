//! From frames of sound to frames of sound: spectra, networks, gains and the deep filter, and back.

use std::f64::consts::FRAC_PI_2;

use crate::decoders::{BandDecoder, Coefficients, FilterDecoder, ORDER};
use crate::encoder::Encoder;
use crate::features::Features;
use crate::fourier::{BINS, Complex, Fourier, SIZE};
use crate::weights::{Reader, WeightsError};

/// Sample rate of the sound.
pub const RATE: u32 = 48_000;
/// Samples of a frame: 10 ms.
pub const FRAME: usize = SIZE / 2;
/// By how many samples the sound comes out late: a frame because windows overlap, and those that the networks look ahead.
pub const DELAY: usize = FRAME * (1 + AHEAD);
/// How many frames the networks look ahead.
const AHEAD: usize = 2;
/// No louder sample in a frame is silence: far below one step of 24 bits.
const SILENCE: f32 = 1e-8;
/// After so many silent frames nothing is left to be heard, nor in any state that matters.
const SILENT_FRAMES: usize = ORDER + 1;

/// DeepFilterNet3 for one voice. See the [crate](crate).
#[derive(Debug)]
pub struct DeepFilter {
    fourier: Fourier,
    window: Box<[f32; SIZE]>,
    heard: [f32; FRAME],
    /// The second half of the last window, for the next frame.
    said: [f32; FRAME],
    samples: Box<[f32; SIZE]>,
    /// The last frames as they were heard, the newest last.
    spectra: [Box<[Complex; BINS]>; ORDER],
    result: Box<[Complex; BINS]>,
    features: Features,
    networks: Networks,
    silent: usize,
    snr: f32,
}

#[derive(Debug)]
struct Networks {
    encoder: Encoder,
    bands: BandDecoder,
    filter: FilterDecoder,
}

impl DeepFilter {
    /// With the weights in a file of the layout of [`TENSORS`](crate::TENSORS), which is not needed any longer afterwards.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] when the file is not such a file.
    pub fn new(file: &[u8]) -> Result<Self, WeightsError> {
        let mut reader = Reader::new(file)?;
        let networks = Networks {
            encoder: Encoder::read(&mut reader)?,
            bands: BandDecoder::read(&mut reader)?,
            filter: FilterDecoder::read(&mut reader)?,
        };
        Ok(Self {
            fourier: Fourier::new(),
            window: Box::new(std::array::from_fn(window)),
            heard: [0.0; FRAME],
            said: [0.0; FRAME],
            samples: Box::new([0.0; SIZE]),
            spectra: std::array::from_fn(|_| Box::new([Complex::ZERO; BINS])),
            result: Box::new([Complex::ZERO; BINS]),
            features: Features::new(),
            networks,
            silent: 0,
            snr: 0.0,
        })
    }

    /// The local signal-to-noise ratio in decibels, from −15 to 35, of the frame that came out last.
    #[must_use]
    pub const fn snr(&self) -> f32 {
        self.snr
    }

    /// The gains and coefficients of the frame that came out last.
    #[cfg(test)]
    pub(crate) fn found(&self) -> (&[f32; crate::features::BANDS], &[Coefficients]) {
        (self.networks.bands.gains(), self.networks.filter.coefficients())
    }

    /// Puts the next frame through, samples from −1 to 1, in place. What is no number counts as silence.
    pub fn process(&mut self, frame: &mut [f32; FRAME]) {
        for sample in frame.iter_mut() {
            *sample = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
        }
        let is_silent = frame.iter().all(|sample| sample.abs() <= SILENCE);
        self.silent = if is_silent { self.silent + 1 } else { 0 };
        self.analyse(frame);
        if self.silent > SILENT_FRAMES {
            self.result.fill(Complex::ZERO);
        } else {
            self.enhance();
        }
        self.synthesise(frame);
    }

    /// The spectrum of this frame and the one before it becomes the newest.
    fn analyse(&mut self, frame: &[f32; FRAME]) {
        let (first, second) = self.samples.split_at_mut(FRAME);
        first.copy_from_slice(&self.heard);
        second.copy_from_slice(frame);
        self.heard = *frame;
        self.samples.iter_mut().zip(&*self.window).for_each(|(sample, weight)| *sample *= weight);
        self.spectra.rotate_left(1);
        let newest = &mut self.spectra[ORDER - 1];
        self.fourier.forward(&self.samples, newest);
        newest.iter_mut().for_each(|bin| *bin = bin.scaled(1.0 / SIZE as f32));
    }

    /// The spectrum of the frame that is late by [`AHEAD`], without the noise.
    fn enhance(&mut self) {
        let Networks { encoder, bands, filter } = &mut self.networks;
        self.features.take(&self.spectra[ORDER - 1]);
        let encoded = encoder.apply(&self.features);
        self.snr = encoded.snr;
        self.result.copy_from_slice(&*self.spectra[ORDER - 1 - AHEAD]);
        self.features.apply_gains(bands.apply(encoded), &mut self.result);
        for (bin, (coefficients, result)) in filter.apply(encoded).iter().zip(&mut *self.result).enumerate() {
            *result = filtered(&self.spectra, bin, coefficients);
        }
    }

    /// The sound of the result, added to what the one before left.
    fn synthesise(&mut self, frame: &mut [f32; FRAME]) {
        self.fourier.inverse(&self.result, &mut self.samples);
        self.samples.iter_mut().zip(&*self.window).for_each(|(sample, weight)| *sample *= weight);
        let (first, second) = self.samples.split_at(FRAME);
        for ((sample, new), left) in frame.iter_mut().zip(first).zip(&self.said) {
            let sum = new + left;
            *sample = if sum.is_finite() { sum.clamp(-1.0, 1.0) } else { 0.0 };
        }
        self.said.copy_from_slice(second);
    }
}

/// One bin of the last frames, each times its own coefficient.
fn filtered(spectra: &[Box<[Complex; BINS]>; ORDER], bin: usize, coefficients: &Coefficients) -> Complex {
    let mut sum = Complex::ZERO;
    for (spectrum, [re, im]) in spectra.iter().zip(coefficients.as_chunks().0) {
        let part = spectrum[bin].times(Complex { re: *re, im: *im });
        sum = Complex { re: sum.re + part.re, im: sum.im + part.im };
    }
    sum
}

/// Vorbis' window; its square and that of its other half make one.
fn window(at: usize) -> f32 {
    let sine = (FRAC_PI_2 * (at as f64 + 0.5) / FRAME as f64).sin();
    (FRAC_PI_2 * sine * sine).sin() as f32
}
