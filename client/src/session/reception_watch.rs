//! Asks the connection every few seconds what arrived of each person, and how what is sent arrives.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use engine::Moment;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::PeerId;

use crate::call::reception::{Reception, ReceptionReading};
use crate::platform::clock;
use crate::platform::peer_connection::PeerConnection;

/// How often: a few seconds of packets are a sample, and nobody looks at bars for longer.
pub(super) const INTERVAL: Duration = Duration::from_secs(3);

/// What was answered last; one question is on its way at a time.
#[derive(Debug, Default)]
pub(super) struct ReceptionWatch(Rc<State>);

/// When, what, and whose the slots were.
type Answer = (Moment, ReceptionReading, Vec<(String, PeerId)>);

#[derive(Debug, Default)]
struct State {
    last: RefCell<Option<Answer>>,
    is_asking: Cell<bool>,
}

impl ReceptionWatch {
    /// Asks, and tells `reception`. `owners` says whose each slot is now.
    pub(super) fn ask(
        &self,
        peer: Option<Rc<PeerConnection>>,
        owners: Vec<(String, PeerId)>,
        reception: RwSignal<Reception>,
    ) {
        let Some(peer) = peer else {
            self.0.last.take();
            return;
        };
        if self.0.is_asking.replace(true) {
            return;
        }
        let state = Rc::clone(&self.0);
        spawn_local(async move {
            let reading = peer.reception().await;
            state.is_asking.set(false);
            let Some(reading) = reading else { return };
            let now = clock::now();
            let before = state.last.replace(Some((now, reading.clone(), owners.clone())));
            let Some((at, earlier, then)) = before else { return };
            let judged = Reception::between((&earlier, &then), (&reading, &owners), now.since(at));
            if reception.try_with_untracked(|shown| *shown != judged) == Some(true) {
                reception.set(judged);
            }
        });
    }
}
