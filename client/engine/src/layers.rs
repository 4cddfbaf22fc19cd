//! Which layers of what is published are wanted: what the server asked against what the platform was told.

use shared::limits::{MID_BYTES_MAX, SOURCES_MAX};
use shared::protocol::RequestedLayers;

/// Holds while the server can be heard. Without the server everything is sent: nobody could ask for it again.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// Publications that are not named are sent whole.
    requested: Vec<RequestedLayers>,
    /// What the platform does; nothing: it must be told again.
    told: Option<Vec<RequestedLayers>>,
}

impl Layers {
    /// The server asks; replaces what it asked before.
    pub(crate) fn request(&mut self, publications: Vec<RequestedLayers>) {
        let plausible = publications.into_iter().filter(|layers| layers.mid.len() <= MID_BYTES_MAX);
        self.requested = plausible.take(SOURCES_MAX).collect();
        for layers in &mut self.requested {
            layers.rids.truncate(RIDS_MAX);
        }
    }

    /// The server cannot be heard any more.
    pub(crate) fn signaling_lost(&mut self) {
        self.requested.clear();
    }

    /// A new `RTCPeerConnection`: it sends everything, and its mids are not those that were asked for.
    pub(crate) fn reset(&mut self) {
        self.requested.clear();
        self.told = Some(Vec::new());
    }

    /// An answer was applied: browsers may have made the senders' parameters anew.
    pub(crate) fn negotiated(&mut self) {
        if !self.requested.is_empty() {
            self.told = None;
        }
    }

    /// What to tell the platform now. Counts as told from here on.
    pub(crate) fn take_due(&mut self) -> Option<Vec<RequestedLayers>> {
        let is_told = self.told.as_deref().is_some_and(|told| told == self.requested);
        (!is_told).then(|| self.told.insert(self.requested.clone()).clone())
    }
}

/// Most layers of one publication; browsers have three.
const RIDS_MAX: usize = 8;
