//! The weights of the deep filter: from the graphs that were published to the file that the page loads.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use deep_filter::{Form, Graph, MAGIC, TENSORS};
use sha2::{Digest as _, Sha256};

use crate::onnx::{self, Tensor};
use crate::workspace::Workspace;

/// The graphs with the SHA-256 of each.
const GRAPHS: [(Graph, &str, &str); 3] = [
    (Graph::Encoder, "enc.onnx", "7c5399d3da8a50ebef1c1a0ae421b33376aa5e45d0e92df16da7e83c9c131916"),
    (Graph::BandDecoder, "erb_dec.onnx", "ab669a1d10afe20911728b33053a452071042317a90581092b325da7b2f9d895"),
    (Graph::FilterDecoder, "df_dec.onnx", "23114ce3b0f6464b763ee62f7bb8aab6b2a129a21eabd5bcfe59413db05f278a"),
];
/// SHA-256 of the file that is made of them.
const HASH: &str = "0b7a715f4de8ce65a799d57462c4a0cb17fecb31cacef60d69145a9016db1eb2";
/// Where the file lies.
const FILE: &str = "target/deep_filter/deep_filter.weights";

/// The file of weights, which `cargo xtask setup` makes.
pub(crate) fn file(workspace: &Workspace) -> PathBuf {
    workspace.root.join(FILE)
}

/// Whether it is there and the one that was tested.
pub(crate) fn is_made(workspace: &Workspace) -> bool {
    fs::read(file(workspace)).is_ok_and(|bytes| hash(&bytes) == HASH)
}

/// Makes it from the graphs in `folder`.
pub(crate) fn make(workspace: &Workspace, folder: &Path) -> Result<()> {
    let mut graphs = Vec::new();
    for (graph, name, expected) in GRAPHS {
        let path = folder.join(name);
        let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let hash = hash(&bytes);
        ensure!(
            hash == expected,
            "{} is not the graph that was tested: its SHA-256 is {hash}",
            path.display()
        );
        let tensors = onnx::tensors(&bytes).with_context(|| format!("{} is broken", path.display()))?;
        graphs.push((graph, tensors));
    }
    let bytes = convert(&graphs)?;
    let hash = hash(&bytes);
    ensure!(hash == HASH, "the file of weights is not the one that was tested: its SHA-256 is {hash}");
    let file = file(workspace);
    let folder = file.parent().context("the file lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    fs::write(&file, bytes).with_context(|| format!("{} cannot be written", file.display()))
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The file of all tensors that are listed.
fn convert(graphs: &[(Graph, BTreeMap<String, Tensor>)]) -> Result<Vec<u8>> {
    let mut file = MAGIC.to_vec();
    for wanted in &TENSORS {
        let of_graph = graphs.iter().find(|(graph, _)| *graph == wanted.graph);
        let tensor = of_graph
            .and_then(|(_, tensors)| tensors.get(wanted.name))
            .with_context(|| format!("{:?} has no tensor `{}`", wanted.graph, wanted.name))?;
        let longer = tensor.shape.iter().copied().filter(|axis| *axis > 1);
        ensure!(
            longer.eq(wanted.shape.iter().copied()),
            "`{}` has the shape {:?}",
            wanted.name,
            tensor.shape
        );
        write(&mut file, &tensor.numbers, wanted.form, wanted.shape.last().copied().unwrap_or(1))
            .with_context(|| format!("`{}`", wanted.name))?;
    }
    Ok(file)
}

fn write(file: &mut Vec<u8>, numbers: &[f32], form: Form, row: usize) -> Result<()> {
    match form {
        Form::Single => file.extend(numbers.iter().flat_map(|number| number.to_le_bytes())),
        Form::Half => {
            for number in numbers {
                let half = half(*number).with_context(|| format!("{number} is too large"))?;
                file.extend(half.to_le_bytes());
            }
        }
        Form::Steps => {
            let scales = numbers.chunks(row).map(|row| {
                row.iter().fold(0.0_f32, |largest, number| largest.max(number.abs())) / f32::from(i8::MAX)
            });
            let scales: Vec<f32> = scales.collect();
            file.extend(scales.iter().flat_map(|scale| scale.to_le_bytes()));
            for (row, scale) in numbers.chunks(row).zip(scales) {
                let step = |number: &f32| (number / scale).round_ties_even() as i8;
                file.extend(row.iter().map(|number| step(number).cast_unsigned()));
            }
        }
    }
    Ok(())
}

/// The nearest number of half precision (IEEE 754), of two the even one; none for what is beyond.
fn half(number: f32) -> Option<u16> {
    let sign = (number.to_bits() >> 16) as u16 & 0x8000;
    let magnitude = number.to_bits() & 0x7fff_ffff;
    // From 65520 on the nearest is infinity; what is no number is larger still.
    if magnitude >= 0x477f_f000 {
        return None;
    }
    // Below 2⁻¹⁴ the numbers are whole multiples of 2⁻²⁴.
    if magnitude < 0x3880_0000 {
        return Some(sign | (number.abs() * 16_777_216.0).round_ties_even() as u16);
    }
    let rounded = magnitude + 0x0fff + (magnitude >> 13 & 1);
    // The exponents' offsets differ by 127 − 15.
    Some(sign | ((rounded - (112 << 23)) >> 13) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_the_nearest() {
        for (number, expected) in [
            (0.0, 0x0000),
            (-0.0, 0x8000),
            (1.0, 0x3c00),
            (-2.0, 0xc000),
            (65_504.0, 0x7bff),
            (65_519.0, 0x7bff),
            (5.960_464_5e-8, 0x0001),
            (2.0e-8, 0x0000),
            (6.103_515_6e-5, 0x0400),
            // Between two: the even one.
            (1.0 + 1.0 / 2048.0, 0x3c00),
            (1.0 + 3.0 / 2048.0, 0x3c02),
        ] {
            assert_eq!(half(number), Some(expected), "{number}");
        }
        assert_eq!([half(65_520.0), half(f32::INFINITY), half(f32::NAN)], [None; 3]);
    }

    #[test]
    fn steps_have_a_scale_for_each_row() {
        let mut file = Vec::new();
        write(&mut file, &[127.0, -63.4, 0.5, -1.0], Form::Steps, 2).unwrap();
        let scales = [1.0_f32.to_le_bytes(), (1.0_f32 / 127.0).to_le_bytes()].concat();
        let steps = [127, -63, 64, -127].map(i8::cast_unsigned);
        assert_eq!(file, [scales.as_slice(), &steps].concat());
    }

    #[test]
    fn a_graph_without_a_tensor_or_with_one_of_another_shape_is_an_error() {
        assert!(convert(&[]).is_err());
        let tensor = Tensor { shape: vec![64, 3], numbers: vec![0.0; 192] };
        let graph = BTreeMap::from([(TENSORS[0].name.to_owned(), tensor)]);
        assert!(convert(&[(Graph::Encoder, graph)]).unwrap_err().to_string().contains("shape"));
    }
}
