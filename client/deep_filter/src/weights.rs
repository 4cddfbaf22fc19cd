//! The file of weights, read in the order of [`TENSORS`].

use std::fmt;

use crate::kernels::{INPUTS, Rows};
use crate::layout::{Form, MAGIC, TENSORS, Tensor, file_len};

/// What is wrong with a file of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightsError {
    /// It does not start as such a file does, or as an older or newer one does.
    Magic,
    /// It has so many bytes, which is too few or too many.
    Length(usize),
    /// A number of this tensor is none, or larger than any weight is.
    Number(&'static str),
}

impl fmt::Display for WeightsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("this is no file of weights, or one of another version"),
            Self::Length(len) => write!(f, "a file of weights has {} bytes, not {len}", file_len()),
            Self::Number(tensor) => write!(f, "the weights {tensor} are no numbers"),
        }
    }
}

impl std::error::Error for WeightsError {}

/// No weight is larger; what is computed with smaller ones stays far from infinity.
const WEIGHT_MAX: f32 = 1000.0;

/// Reads one tensor after the other.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    tensors: std::slice::Iter<'static, Tensor>,
}

impl<'a> Reader<'a> {
    /// A file whose length and beginning are those of this version.
    pub(crate) fn new(file: &'a [u8]) -> Result<Self, WeightsError> {
        let bytes = file.strip_prefix(&MAGIC).ok_or(WeightsError::Magic)?;
        if file.len() != file_len() {
            return Err(WeightsError::Length(file.len()));
        }
        Ok(Self { bytes, tensors: TENSORS.iter() })
    }

    /// The next tensor, in single or half precision, which has `count` numbers.
    pub(crate) fn numbers(&mut self, count: usize) -> Result<Vec<f32>, WeightsError> {
        let (tensor, bytes) = self.next(count);
        let numbers: Vec<f32> = match tensor.form {
            Form::Half => {
                bytes.as_chunks().0.iter().map(|half| from_half(u16::from_le_bytes(*half))).collect()
            }
            Form::Single | Form::Steps => {
                bytes.as_chunks().0.iter().map(|single| f32::from_le_bytes(*single)).collect()
            }
        };
        checked(tensor, numbers)
    }

    /// The next tensor, whose `count` rows are steps.
    pub(crate) fn rows(&mut self, count: usize) -> Result<Rows, WeightsError> {
        let (tensor, bytes) = self.next(count * INPUTS);
        let (scales, steps) = bytes.split_at(4 * count);
        let scales = scales.as_chunks().0.iter().map(|single| f32::from_le_bytes(*single)).collect();
        let steps: Vec<i8> = steps.iter().map(|byte| byte.cast_signed().max(-127)).collect();
        Ok(Rows::new(&steps, checked(tensor, scales)?))
    }

    /// The next tensor and its bytes.
    ///
    /// # Panics
    ///
    /// When the caller does not go by [`TENSORS`], which does not depend on the file.
    fn next(&mut self, count: usize) -> (&'static Tensor, &'a [u8]) {
        let tensor = self.tensors.next().expect("as many tensors are read as are listed");
        assert_eq!(tensor.count(), count, "{}", tensor.name);
        // The length of the file was checked.
        let (bytes, rest) = self.bytes.split_at(tensor.bytes());
        self.bytes = rest;
        (tensor, bytes)
    }
}

fn checked(tensor: &Tensor, numbers: Vec<f32>) -> Result<Vec<f32>, WeightsError> {
    let are_numbers = numbers.iter().all(|number| number.abs() <= WEIGHT_MAX);
    if are_numbers { Ok(numbers) } else { Err(WeightsError::Number(tensor.name)) }
}

/// The value of a half-precision number (IEEE 754), exactly.
fn from_half(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let exponent = u32::from(half >> 10) & 0x1f;
    let fraction = u32::from(half & 0x3ff);
    let magnitude = match exponent {
        // Subnormal: fraction × 2⁻²⁴, which single precision holds exactly.
        0 => (fraction as f32 / 16_777_216.0).to_bits(),
        0x1f => 0x7f80_0000 | (fraction << 13),
        // The exponents' offsets differ by 127 − 15.
        _ => ((exponent + 112) << 23) | (fraction << 13),
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file in which every byte after the beginning is the same.
    fn filled(byte: u8) -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        file.resize(file_len(), byte);
        file
    }

    #[test]
    fn a_file_of_another_beginning_or_length_is_refused() {
        let file = filled(0);
        assert!(Reader::new(&file).is_ok());
        assert_eq!(Reader::new(&file[1..]).unwrap_err(), WeightsError::Magic);
        assert_eq!(Reader::new(&[]).unwrap_err(), WeightsError::Magic);
        let short = &file[..file.len() - 1];
        assert_eq!(Reader::new(short).unwrap_err(), WeightsError::Length(short.len()));
        let long = [file.as_slice(), &[0]].concat();
        assert_eq!(Reader::new(&long).unwrap_err(), WeightsError::Length(long.len()));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for byte in [0x7f, 0xff, 0x7c, 0xfc] {
            let error = crate::DeepFilter::new(&filled(byte)).unwrap_err();
            assert_eq!(error, WeightsError::Number(TENSORS[0].name), "{byte:02x}");
        }
    }

    #[test]
    fn halves_are_read_exactly() {
        for (half, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0001, 5.960_464_5e-8),
            (0x8400, -6.103_515_6e-5),
        ] {
            assert_eq!(from_half(half), value, "{half:04x}");
        }
        assert!(from_half(0x7e00).is_nan());
    }
}
