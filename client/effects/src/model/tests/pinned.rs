//! The files that the tests read: the models of the pinned npm package, as `npm ci` installs it.

use std::path::Path;

/// For pictures of 256 × 144.
pub(crate) const LANDSCAPE: &str = "selfie_segmentation_landscape.tflite";
/// For pictures of 256 × 256.
pub(crate) const SQUARE: &str = "selfie_segmentation.tflite";

/// The bytes of a model file. A missing one fails the test: it is never skipped.
pub(crate) fn read(file: &str) -> Vec<u8> {
    let package = "../../node_modules/@mediapipe/selfie_segmentation";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(package).join(file);
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; `cargo xtask setup npm-packages` installs it", path.display())
    })
}
