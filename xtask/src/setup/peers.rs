//! The other stacks of the interop tests. (libdatachannel comes with the npm packages.)

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::debian;
use crate::process;
use crate::workspace::Workspace;

/// Exactly this version: what it can do is written down in `tests/interop/README.md`.
const AIORTC: &str = "1.16.0";

const GSTREAMER_PACKAGES: [&str; 7] = [
    "gstreamer1.0-tools",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-nice",
    "python3-gst-1.0",
    "gir1.2-gst-plugins-bad-1.0",
];
/// The system's own Python: Debian's bindings of GStreamer are for no other.
const SYSTEM_PYTHON: &str = "/usr/bin/python3";
/// Everything the peers build their pipelines from.
const GSTREAMER_CHECK: &str = "
import gi
for name in ('Gst', 'GstSdp', 'GstWebRTC'): gi.require_version(name, '1.0')
from gi.repository import Gst, GstSdp, GstWebRTC
Gst.init(None)
names = 'webrtcbin nicesrc dtlsdec srtpdec vp8enc vp8dec opusenc opusdec rtpvp8pay rtpopuspay rtpstreampay appsink'
missing = [name for name in names.split() if not Gst.ElementFactory.find(name)]
if missing: raise SystemExit('GStreamer has no ' + ' '.join(missing))
";

/// The Python that has aiortc.
pub(crate) fn aiortc_python(workspace: &Workspace) -> PathBuf {
    aiortc_folder(workspace).join("bin/python")
}

fn aiortc_folder(workspace: &Workspace) -> PathBuf {
    workspace.cache.join("tools").join(format!("aiortc-{AIORTC}"))
}

/// aiortc in a virtual environment of its own.
pub(super) fn provide_aiortc(workspace: &Workspace) -> Result<String> {
    let python = aiortc_python(workspace);
    let version =
        || process::read(Command::new(&python).args(["-c", "import aiortc; print(aiortc.__version__)"]));
    if version().is_ok_and(|text| text.trim() == AIORTC) {
        return Ok(format!("{AIORTC} is already there"));
    }
    let base = process::find(&["python3"])
        .context("`python3` is not on the search path: install Python 3.10 or newer")?;
    process::run(Command::new(base).args(["-m", "venv", "--clear"]).arg(aiortc_folder(workspace))).context(
        "no virtual environment could be made; on Debian `apt-get install python3-venv` brings what that takes",
    )?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    process::run(Command::new(&python).args(pip).arg(format!("aiortc=={AIORTC}")))
        .context("pip could not install aiortc; is a package index within reach (`pip config list`)?")?;
    match version()?.trim() {
        AIORTC => Ok(format!("{AIORTC} installed")),
        other => bail!("aiortc says that it is {other}, not {AIORTC}"),
    }
}

/// GStreamer with webrtcbin, and its bindings for the system's Python.
pub(super) fn provide_gstreamer() -> Result<String> {
    let check = || process::read(Command::new(SYSTEM_PYTHON).args(["-c", GSTREAMER_CHECK])).map(drop);
    debian::provide(&GSTREAMER_PACKAGES, check)
}

/// What lays out networks: iproute2, nftables, and util-linux to enter them.
pub(super) fn provide_network_tools() -> Result<String> {
    debian::provide(&["iproute2", "nftables", "util-linux"], || {
        let missing: Vec<&str> = ["ip", "tc", "nft", "unshare", "nsenter"]
            .into_iter()
            .filter(|program| process::find(&[*program]).is_none())
            .collect();
        if missing.is_empty() { Ok(()) } else { bail!("not on the search path: {}", missing.join(", ")) }
    })
}
