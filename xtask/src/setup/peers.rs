//! What tests run against: other stacks (libdatachannel comes with the npm packages), networks, a speaker, an ACME server.

use std::process::Command;

use anyhow::{Result, bail};

use super::debian;
use crate::process;

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

/// GStreamer with webrtcbin, and its bindings for the system's Python.
pub(super) fn provide_gstreamer() -> Result<String> {
    let check = || process::read(Command::new(SYSTEM_PYTHON).args(["-c", GSTREAMER_CHECK])).map(drop);
    debian::provide(&GSTREAMER_PACKAGES, check)
}

/// What lays out networks: iproute2, nftables, and util-linux to enter them.
pub(super) fn provide_network_tools() -> Result<String> {
    debian::provide(&["iproute2", "nftables", "util-linux"], || {
        are_found(&["ip", "tc", "nft", "unshare", "nsenter"])
    })
}

/// What gives a machine without a sound card a speaker.
pub(super) fn provide_sound_server() -> Result<String> {
    debian::provide(&["pulseaudio"], || are_found(&["pulseaudio"]))
}

/// Pebble, the ACME server that Let's Encrypt tests clients with, and its name server.
pub(super) fn provide_pebble() -> Result<String> {
    debian::provide(&["pebble"], || are_found(&["pebble", "pebble-challtestsrv"]))
}

fn are_found(programs: &[&str]) -> Result<()> {
    let missing: Vec<&str> =
        programs.iter().copied().filter(|program| process::find(&[*program]).is_none()).collect();
    if missing.is_empty() { Ok(()) } else { bail!("not on the search path: {}", missing.join(", ")) }
}
