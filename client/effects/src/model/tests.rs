pub(crate) mod pinned;

use std::path::Path;

use super::*;
use crate::graph::Segmenter;

/// A small network that the fuzzer starts from, made by `goldens/tiny.py`.
pub(crate) fn tiny(name: &str) -> Vec<u8> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/segmentation_model");
    std::fs::read(corpus.join(name)).unwrap()
}

/// Parses, plans and runs, whatever the bytes are; says whether there was a network.
fn survives(bytes: &[u8]) -> bool {
    let Ok(model) = Model::parse(bytes) else { return false };
    let Ok(mut segmenter) = Segmenter::new(&model) else { return false };
    if model.multiplications() < 1 << 20 {
        segmenter.input_rows().for_each(|row| row.fill(1.0));
        assert_eq!(segmenter.run().len(), model.output_shape().elements());
    }
    true
}

#[test]
fn the_pinned_models_are_read_completely() {
    for (file, height, multiplications) in
        [(pinned::LANDSCAPE, 144, 33_324_928), (pinned::SQUARE, 256, 59_215_744)]
    {
        let model = Model::parse(&pinned::read(file)).unwrap();
        assert_eq!(model.input_shape(), Shape { height, width: 256, channels: 3 });
        assert_eq!(model.output_shape(), Shape { height, width: 256, channels: 1 });
        assert_eq!(model.multiplications(), multiplications);
    }
}

#[test]
fn no_cut_of_a_model_is_a_model() {
    let file = tiny("whole.tflite");
    assert!(survives(&file));
    for len in (0..file.len()).step_by(7) {
        assert!(!survives(&file[..len]), "{len} bytes");
    }
}

#[test]
fn a_file_with_any_byte_changed_is_refused_or_runs() {
    for name in ["whole.tflite", "apart.tflite"] {
        let file = tiny(name);
        let mut refused = 0;
        for (at, with) in (0..file.len()).flat_map(|at| [(at, 0x00), (at, 0x01), (at, 0x7f), (at, 0xff)]) {
            // Weights make up most of the file, and any are allowed.
            if at % 3 == 0 || at < 512 {
                let mut changed = file.clone();
                changed[at] = with;
                refused += usize::from(!survives(&changed));
            }
        }
        assert!(refused > 100, "{name}: {refused}");
    }
}

#[test]
fn a_file_that_is_too_long_is_not_looked_at() {
    assert_eq!(Model::parse(&vec![0; FILE_LEN_MAX + 1]).unwrap_err(), ModelError::TooLarge);
}

#[test]
fn another_version_of_the_format_is_refused() {
    // An empty table: no version, which means 0.
    let file = [8, 0, 0, 0, 4, 0, 4, 0, 4, 0, 0, 0];
    assert_eq!(Model::parse(&file).unwrap_err(), ModelError::Malformed(Malformed::Version));
    assert_eq!(Model::parse(&[]).unwrap_err(), ModelError::Malformed(Malformed::Offset));
}

#[test]
fn an_error_says_what_is_wrong() {
    let text = ModelError::Unsupported("dilation").to_string();
    assert_eq!(text, "the model uses dilation, which is not supported");
}
