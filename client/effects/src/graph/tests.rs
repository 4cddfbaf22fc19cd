//! Whole inferences beside TensorFlow Lite, on photographs of several people in several lights.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::*;
use crate::model::tests::{pinned, tiny};

/// The least share of the person's pixels that both masks have in common.
const OVERLAP_MIN: f64 = 0.995;
/// The largest difference of one pixel's likelihood: where the network is undecided, rounding is amplified.
const DIFFERENCE_MAX: f64 = 1e-3;
/// The largest mean difference.
const DIFFERENCE_MEAN_MAX: f64 = 2e-5;

pub(crate) fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens")
}

/// Width, height and samples of a PNG file, as it stores them.
pub(crate) fn png(path: &Path) -> (usize, usize, Vec<u8>) {
    let file = BufReader::new(File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut samples = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut samples).unwrap();
    (info.width as usize, info.height as usize, samples)
}

/// A photograph and the masks that TensorFlow Lite made of it, by the name of the light.
struct Golden {
    name: String,
    width: usize,
    picture: Vec<u8>,
    masks: Vec<(String, Vec<f32>)>,
}

fn read_goldens() -> Vec<Golden> {
    let mut names: Vec<String> = fs::read_dir(goldens())
        .unwrap()
        .filter_map(|entry| {
            Some(entry.unwrap().file_name().to_str()?.strip_suffix(".picture.png")?.to_owned())
        })
        .collect();
    names.sort();
    names.into_iter().map(read_golden).collect()
}

fn read_golden(name: String) -> Golden {
    let (width, _, picture) = png(&goldens().join(format!("{name}.picture.png")));
    let lights = ["plain", "mirrored", "dark", "bright", "warm"];
    let mask = |light: &str| {
        let (_, _, samples) = png(&goldens().join(format!("{name}.{light}.mask.png")));
        let pairs = samples.chunks_exact(2);
        pairs.map(|pair| f32::from(u16::from_be_bytes([pair[0], pair[1]])) / 65_535.0).collect()
    };
    let masks = lights.iter().map(|light| ((*light).to_owned(), mask(light))).collect();
    Golden { name, width, picture, masks }
}

/// The picture in another light, as `goldens/make.py` computes it.
fn lit(picture: &[u8], width: usize, light: &str) -> Vec<u8> {
    let pixels = picture.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]);
    let scaled = |byte: u8, by: u16, of: u16| u8::try_from((u16::from(byte) * by / of).min(255)).unwrap();
    let mut pixels: Vec<[u8; 3]> = match light {
        "dark" => pixels.map(|pixel| pixel.map(|byte| scaled(byte, 3, 10))).collect(),
        "bright" => pixels.map(|pixel| pixel.map(|byte| scaled(byte, 8, 5))).collect(),
        "warm" => pixels.map(|[r, g, b]| [r, scaled(g, 8, 10), b / 2]).collect(),
        _ => pixels.collect(),
    };
    if light == "mirrored" {
        pixels.chunks_exact_mut(width).for_each(<[_]>::reverse);
    }
    pixels.concat()
}

fn write_picture(segmenter: &mut Segmenter, picture: &[u8]) {
    let row_len = 3 * segmenter.input_shape().width;
    for (row, bytes) in segmenter.input_rows().zip(picture.chunks_exact(row_len)) {
        row.iter_mut().zip(bytes).for_each(|(number, byte)| *number = f32::from(*byte) / 255.0);
    }
}

/// Overlap (intersection over union), largest and mean difference.
fn compare(mask: &[f32], golden: &[f32]) -> (f64, f64, f64) {
    assert_eq!(mask.len(), golden.len());
    let is_person = |x: &f32| *x > 0.5;
    let pairs = || mask.iter().zip(golden);
    let both = pairs().filter(|(a, b)| is_person(a) && is_person(b)).count();
    let either = pairs().filter(|(a, b)| is_person(a) || is_person(b)).count();
    let differences: Vec<f64> = pairs().map(|(a, b)| f64::from(a - b).abs()).collect();
    let mean = differences.iter().sum::<f64>() / differences.len() as f64;
    (both as f64 / either as f64, differences.into_iter().fold(0.0, f64::max), mean)
}

#[test]
fn the_masks_are_those_of_tensorflow_lite_by_both_sets_of_kernels() {
    let mut segmenters = [pinned::LANDSCAPE, pinned::SQUARE].map(|file| {
        let model = Model::parse(&pinned::read(file)).unwrap();
        Segmenter::new(&model).unwrap()
    });
    let goldens = read_goldens();
    assert_eq!(goldens.len(), 12, "there are twelve photographs");
    for Golden { name, width, picture, masks } in goldens {
        let height = picture.len() / (3 * width);
        let segmenter =
            segmenters.iter_mut().find(|segmenter| segmenter.input_shape().height == height).unwrap();
        for (light, golden) in masks {
            let picture = lit(&picture, width, &light);
            // The scalar kernels take seconds; one light shows that they mean the same.
            let scalar = (light == "plain").then_some(Segmenter::run_scalar as fn(&mut Segmenter) -> &[f32]);
            for run in std::iter::once(Segmenter::run as fn(&mut Segmenter) -> &[f32]).chain(scalar) {
                write_picture(segmenter, &picture);
                let (overlap, largest, mean) = compare(run(segmenter), &golden);
                println!("{name}.{light}: overlap {overlap:.5}, largest {largest:.6}, mean {mean:.7}");
                assert!(overlap >= OVERLAP_MIN, "{name}.{light}: overlap {overlap}");
                assert!(largest <= DIFFERENCE_MAX, "{name}.{light}: difference {largest}");
                assert!(mean <= DIFFERENCE_MEAN_MAX, "{name}.{light}: mean difference {mean}");
            }
        }
    }
}

#[test]
fn small_networks_with_every_operator_give_what_tensorflow_lite_gives() {
    for name in ["whole", "apart"] {
        let golden = fs::read(goldens().join(format!("{name}.mask.f32"))).unwrap();
        let golden: Vec<f32> =
            golden.chunks_exact(4).map(|word| f32::from_le_bytes(word.try_into().unwrap())).collect();
        let model = Model::parse(&tiny(&format!("{name}.tflite"))).unwrap();
        let mut segmenter = Segmenter::new(&model).unwrap();
        let picture: Vec<u8> = (0..model.input_shape().elements()).map(|n| (7 * n % 256) as u8).collect();
        for run in [Segmenter::run as fn(&mut Segmenter) -> &[f32], Segmenter::run_scalar] {
            write_picture(&mut segmenter, &picture);
            let (_, largest, _) = compare(run(&mut segmenter), &golden);
            assert!(largest < 2e-5, "{name}: {largest}");
        }
    }
}

#[test]
fn the_plan_of_the_pinned_models_is_short_and_small() {
    for (file, numbers_max) in [(pinned::LANDSCAPE, 400_000), (pinned::SQUARE, 720_000)] {
        let segmenter = Segmenter::new(&Model::parse(&pinned::read(file)).unwrap()).unwrap();
        let (steps, numbers) = segmenter.size();
        assert!(steps <= 80, "{file}: {steps} steps of 246 operators");
        assert!(numbers <= numbers_max, "{file}: {numbers} numbers");
    }
}

#[test]
fn a_run_leaves_nothing_behind_that_changes_the_next() {
    let mut segmenter = Segmenter::new(&Model::parse(&tiny("whole.tflite")).unwrap()).unwrap();
    let mut masks = [0_u8, 255, 0].into_iter().map(|byte| {
        write_picture(&mut segmenter, &[byte; 8 * 16 * 3]);
        segmenter.run().to_vec()
    });
    let (first, second, third) = (masks.next().unwrap(), masks.next().unwrap(), masks.next().unwrap());
    assert_ne!(first, second);
    assert_eq!(first, third);
}
