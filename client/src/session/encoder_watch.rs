//! Asks the connection once a second what its encoder made of the camera's pictures.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use engine::Moment;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::SourceKind;

use super::sent_camera::SentCamera;
use crate::call::encoder::{Encoded, Reading};
use crate::platform::clock;
use crate::platform::peer_connection::PeerConnection;

/// How often.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// What was answered last; one question is on its way at a time.
#[derive(Debug, Default)]
pub(super) struct EncoderWatch(Rc<State>);

#[derive(Debug, Default)]
struct State {
    last: RefCell<Option<(Moment, Vec<Reading>)>>,
    is_asking: Cell<bool>,
}

impl EncoderWatch {
    /// Asks, and tells `camera`. While nothing is sent there is nothing to ask.
    pub(super) fn ask(&self, peer: Option<Rc<PeerConnection>>, camera: SentCamera) {
        let is_sending = camera.track.try_with_untracked(Option::is_some) == Some(true);
        let Some(peer) = peer.filter(|_| is_sending) else {
            self.0.last.take();
            return;
        };
        if self.0.is_asking.replace(true) {
            return;
        }
        let state = Rc::clone(&self.0);
        spawn_local(async move {
            let readings = peer.readings(SourceKind::Camera).await;
            state.is_asking.set(false);
            let now = clock::now();
            let before = state.last.replace(Some((now, readings.clone())));
            let encoded = before.and_then(|(at, before)| Encoded::between(&before, &readings, now.since(at)));
            if let Some(encoded) = encoded {
                camera.hear_encoder(encoded);
            }
        });
    }
}
