//! Replays the committed fuzz corpora through the parsers: none may panic, and none may be forgotten.

use std::path::{Path, PathBuf};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

#[test]
fn every_input_of_every_corpus_returns() {
    for (target, parse) in fuzz::TARGETS {
        let files: Vec<PathBuf> =
            std::fs::read_dir(corpus(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!files.is_empty(), "the corpus of {target} is empty");
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            let result = std::panic::catch_unwind(|| parse(&bytes));
            assert!(result.is_ok(), "{target} panics on {}", file.display());
        }
    }
}

#[test]
fn every_cut_of_every_input_returns() {
    for (target, parse) in fuzz::TARGETS.into_iter().filter(|(target, _)| *target != "datagram") {
        for entry in std::fs::read_dir(corpus(target)).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            // Long texts are cut in steps, so that the test stays quick.
            for len in (0..bytes.len()).step_by(1 + bytes.len() / 512) {
                parse(&bytes[..len]);
            }
        }
    }
}

#[test]
fn every_corpus_belongs_to_a_target_and_every_target_to_a_fuzzing_binary() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = |folder: &str| -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(root.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap().trim_end_matches(".rs").to_owned())
            .collect();
        names.sort();
        names
    };
    let mut targets: Vec<String> = fuzz::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    targets.sort();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
}
