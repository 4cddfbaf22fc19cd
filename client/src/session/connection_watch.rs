//! Asks the connection, the pictures and the server once a second how the call goes, while somebody looks at its statistics.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::call::latency::{Beside, FrameTimes};
use crate::call::statistics::Statistics;
use crate::call::stream_counters::Counters;
use crate::platform::clock::{self, Timer};
use crate::platform::peer_connection::PeerConnection;
use crate::platform::picture::Picture;
use crate::platform::rooms;

/// How often.
const INTERVAL: Duration = Duration::from_secs(1);
/// The server is asked only so often: its number is a mean, and it has others to answer.
const SERVER_EVERY: u32 = 5;

/// Whom to ask.
#[derive(Default)]
pub(super) struct Asked {
    /// The connection; nothing while there is none.
    pub(super) peer: Option<Rc<PeerConnection>>,
    /// The own picture, unless its frames lose their times on the way, as under a background.
    pub(super) own: Option<Picture>,
    /// A picture that is received.
    pub(super) received: Option<Picture>,
}

/// Asks until it is dropped.
pub(super) struct ConnectionWatch {
    _timer: Timer,
}

#[derive(Default)]
struct State {
    last: RefCell<Option<Counters>>,
    server_ms: Cell<Option<f64>>,
    rounds: Cell<u32>,
    is_asking: Cell<bool>,
}

impl ConnectionWatch {
    /// Starts asking, and records the answers.
    pub(super) fn start(asked: impl Fn() -> Asked + 'static, statistics: RwSignal<Statistics>) -> Self {
        let state = Rc::new(State::default());
        let ask = move || {
            // One question is on its way at a time.
            if !state.is_asking.replace(true) {
                let state = Rc::clone(&state);
                let asked = asked();
                spawn_local(async move {
                    state.ask(asked, statistics).await;
                    state.is_asking.set(false);
                });
            }
        };
        ask();
        Self { _timer: Timer::every(INTERVAL, ask) }
    }
}

impl State {
    async fn ask(&self, asked: Asked, statistics: RwSignal<Statistics>) {
        let round = self.rounds.replace(self.rounds.get().wrapping_add(1));
        if round.is_multiple_of(SERVER_EVERY) {
            self.server_ms.set(rooms::forwarding_ms().await);
        }
        let counters = match &asked.peer {
            Some(peer) => peer.report().await.as_deref().and_then(Counters::read),
            None => None,
        };
        let (own, received) = join(times(asked.own), times(asked.received)).await;
        let before = self.last.replace(counters.clone());
        let rates = counters.zip(before).and_then(|(now, before)| now.since(&before));
        let Some(rates) = rates else { return };
        let beside = Beside {
            capture: own.and_then(FrameTimes::capture),
            effects: None,
            server: self.server_ms.get(),
            render: received.and_then(FrameTimes::render),
        };
        statistics.try_update(|statistics| statistics.measured(clock::now(), rates, beside));
    }
}

async fn times(picture: Option<Picture>) -> Option<FrameTimes> {
    picture?.frame_times().await
}
