//! Runs the check-up: each step has a deadline, and nothing is left when it is over or given up.
//!
//! The network is tried against the server itself, in a room that nobody else knows: one connection over UDP, one over TCP, then a
//! picture that goes up on one connection and comes down on another.

use std::time::Duration;

use futures_util::future::{AbortHandle, Either, abortable, join, select};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::LocalMedia;
use super::test_line::{LineError, TestLine};
use crate::call::check_up::{CheckUp, DeviceCheck, Protocol, ServerCheck, Step, Throughput, WayCheck};
use crate::call::devices_view_model::DeviceKind;
use crate::call::level::lit_bars;
use crate::call::stream_counters::{Counters, Rates};
use crate::platform::clock;
use crate::platform::device_test;
use crate::platform::level_meter::LevelMeter;
use crate::platform::rooms::{self, CreatedRoom};
use crate::platform::test_connection::TestConnection;

const SERVER_DEADLINE: Duration = Duration::from_secs(6);
/// A path through the network is found within one or two seconds, where there is one.
const WAY_DEADLINE: Duration = Duration::from_secs(8);
const PICTURE_DEADLINE: Duration = Duration::from_secs(4);
/// As long as the microphone is listened to at most.
const LISTENING: Duration = Duration::from_secs(6);
const LISTEN_EVERY: Duration = Duration::from_millis(80);
/// Bars of the level meter that are no noise any more.
const HEARD_BARS: usize = 3;
/// The estimators begin low: what flows first says nothing.
const WARMING_UP: Duration = Duration::from_secs(3);
const MEASURING: Duration = Duration::from_secs(3);
/// How often and how many times the round trip is read; the least counts, the others waited for something.
const ROUND_TRIP_EVERY: Duration = Duration::from_millis(400);
const ROUND_TRIPS: u32 = 3;

/// A handle for the views; all copies mean the same check-up.
#[derive(Clone, Copy)]
pub(crate) struct CheckUpHandle {
    /// How far it is.
    pub(crate) state: RwSignal<CheckUp>,
    media: LocalMedia,
    running: StoredValue<Option<AbortHandle>>,
}

impl CheckUpHandle {
    /// Begins at once. It is given up with the reactive owner in which this is called.
    pub(crate) fn begin(media: LocalMedia) -> Self {
        let handle = Self { state: RwSignal::default(), media, running: StoredValue::default() };
        handle.again();
        on_cleanup(move || handle.stop());
        handle
    }

    /// Once more from the start; what the person said of the speaker stays.
    pub(crate) fn again(self) {
        self.stop();
        let speaker = self.state.with_untracked(|state| state.speaker);
        self.state.set(CheckUp { speaker, ..CheckUp::default() });
        let (checking, handle) = abortable(async move {
            let devices = join(self.check_camera(), self.check_microphone());
            join(devices, self.check_network()).await;
        });
        self.running.set_value(Some(handle));
        spawn_local(async move {
            // Given up: then nobody looks any more.
            let _ = checking.await;
        });
    }

    /// Plays a sound on the chosen speaker.
    pub(crate) fn play_sound(self) {
        let speaker = self
            .media
            .devices
            .with_untracked(|devices| devices.choice(DeviceKind::Speaker).map(str::to_owned));
        spawn_local(async move {
            self.starts(Step::Speaker);
            device_test::play_sound(speaker.as_deref()).await;
            self.ends(Step::Speaker);
        });
    }

    /// The person says whether they hear it.
    pub(crate) fn heard(self, is_heard: bool) {
        self.state.try_update(|state| state.speaker = Some(is_heard));
    }

    fn stop(self) {
        if let Some(running) = self.running.try_update_value(Option::take).flatten() {
            running.abort();
        }
    }

    fn starts(self, step: Step) {
        self.state.try_update(|state| state.running.push(step));
    }

    fn ends(self, step: Step) {
        self.state.try_update(|state| state.running.retain(|running| *running != step));
    }

    fn record(self, step: Step, note: impl FnOnce(&mut CheckUp)) {
        self.state.try_update(|state| {
            note(state);
            state.running.retain(|running| *running != step);
        });
    }

    async fn check_camera(self) {
        self.starts(Step::Camera);
        let state = self.media.camera.get_untracked();
        let picture = self.media.sent_camera.picture.get_untracked();
        let check = match (state.problem, picture.filter(|_| state.on)) {
            (Some(problem), _) => DeviceCheck::Failed(problem),
            (None, None) => DeviceCheck::Off,
            (None, Some(picture)) => {
                let size = within(PICTURE_DEADLINE, device_test::first_picture(&picture)).await.flatten();
                size.map_or(DeviceCheck::Nothing, |(width, height)| DeviceCheck::Pictures(width, height))
            }
        };
        self.record(Step::Camera, |all| all.camera = Some(check));
    }

    async fn check_microphone(self) {
        self.starts(Step::Microphone);
        let state = self.media.microphone.get_untracked();
        let track = self.media.microphone_track.get_untracked().filter(|_| state.on);
        let check = match (state.problem, track.as_ref().and_then(LevelMeter::new)) {
            (Some(problem), _) => DeviceCheck::Failed(problem),
            (None, None) => DeviceCheck::Off,
            (None, Some(meter)) => match within(LISTENING, listen(meter)).await {
                Some(()) => DeviceCheck::Heard,
                None => DeviceCheck::Nothing,
            },
        };
        self.record(Step::Microphone, |all| all.microphone = Some(check));
    }

    async fn check_network(self) {
        self.starts(Step::Server);
        let entered = within(SERVER_DEADLINE, enter_anywhere()).await;
        let (room, line) = match entered.unwrap_or(Err(LineError::Closed)) {
            Ok(entered) => entered,
            Err(error) => {
                let check = match error {
                    LineError::Closed => ServerCheck::Unreachable,
                    LineError::Refused => ServerCheck::Refused,
                };
                return self.record(Step::Server, |all| all.server = Some(check));
            }
        };
        for step in [Step::Udp, Step::Tcp, Step::RoundTrip] {
            self.starts(step);
        }
        self.record(Step::Server, |all| all.server = Some(ServerCheck::Reached));
        let udp = self.try_udp(line);
        let (udp, tcp) = join(udp, self.try_tcp(&room)).await;
        self.ends(Step::RoundTrip);
        // A call prefers UDP as well.
        let chosen = udp.map(|open| (open, Protocol::Udp)).or_else(|| Some((tcp?, Protocol::Tcp)));
        if let Some((mut sending, over)) = chosen {
            self.starts(Step::Upload);
            self.starts(Step::Download);
            let throughput = measure(&room, &mut sending, over).await;
            self.ends(Step::Upload);
            self.record(Step::Download, |all| all.throughput = Some(throughput));
        }
    }

    async fn try_udp(self, line: TestLine) -> Option<Sending> {
        let (check, sending) = try_way(Protocol::Udp, line).await;
        self.record(Step::Udp, |all| all.udp = Some(check));
        sending
    }

    /// From a seat of its own: a seat has one connection.
    async fn try_tcp(self, room: &CreatedRoom) -> Option<Sending> {
        let line = within(SERVER_DEADLINE, TestLine::enter(room, true)).await.and_then(Result::ok);
        let (check, sending) = match line {
            Some(line) => try_way(Protocol::Tcp, line).await,
            None => (WayCheck::Blocked, None),
        };
        self.record(Step::Tcp, |all| all.tcp = Some(check));
        sending
    }
}

/// Connects over one protocol, and keeps the connection for what follows.
async fn try_way(over: Protocol, mut line: TestLine) -> (WayCheck, Option<Sending>) {
    let Ok(connection) = TestConnection::sending() else { return (WayCheck::Blocked, None) };
    match within(WAY_DEADLINE, connect(&mut line, &connection, over)).await {
        Some(Some(true)) => {
            let round_trip_ms = round_trip(&connection).await;
            (WayCheck::Open { round_trip_ms }, Some(Sending { line, connection }))
        }
        Some(Some(false)) => (WayCheck::NotOffered, None),
        Some(None) | None => (WayCheck::Blocked, None),
    }
}

/// A connection that sends, and its seat.
struct Sending {
    line: TestLine,
    connection: TestConnection,
}

/// A room with a name that nobody knows, and a seat in it.
async fn enter_anywhere() -> Result<(CreatedRoom, TestLine), LineError> {
    let created = rooms::create().await.ok_or(LineError::Closed)?;
    let line = TestLine::enter(&created, true).await?;
    Ok((created, line))
}

/// Connects. False when the server does not offer this protocol; nothing when something fails.
async fn connect(line: &mut TestLine, connection: &TestConnection, over: Protocol) -> Option<bool> {
    let (sdp, mid) = connection.offer().await.ok()?;
    let answer = line.offer(sdp, Some(mid)).await.ok()?;
    if !connection.connect(&answer, over).await.ok()? {
        return Some(false);
    }
    connection.connected().await;
    Some(true)
}

async fn round_trip(connection: &TestConnection) -> Option<f64> {
    let mut least = None::<f64>;
    for _ in 0..ROUND_TRIPS {
        clock::sleep(ROUND_TRIP_EVERY).await;
        let now = counters(connection).await.and_then(|counters| counters.path.round_trip_ms);
        least = least.into_iter().chain(now).reduce(f64::min);
    }
    least
}

/// Lets the picture come back on a second connection, and measures both.
async fn measure(room: &CreatedRoom, sending: &mut Sending, over: Protocol) -> Throughput {
    if sending.connection.send_picture().await.is_err() {
        return Throughput::default();
    }
    let receiving = within(WAY_DEADLINE, receive(room, sending, over)).await.flatten();
    clock::sleep(WARMING_UP).await;
    let up_before = counters(&sending.connection).await;
    let down_before = counted(receiving.as_ref()).await;
    clock::sleep(MEASURING).await;
    let up = counters(&sending.connection).await;
    let down = counted(receiving.as_ref()).await;
    Throughput::new(between(up_before, up).as_ref(), between(down_before, down).as_ref())
}

async fn receive(
    room: &CreatedRoom,
    sending: &Sending,
    over: Protocol,
) -> Option<(TestLine, TestConnection)> {
    let mut line = TestLine::enter(room, false).await.ok()?;
    let connection = TestConnection::receiving().ok()?;
    let (sdp, mid) = connection.offer().await.ok()?;
    let answer = line.offer(sdp, None).await.ok()?;
    if !connection.connect(&answer, over).await.ok()? {
        return None;
    }
    connection.connected().await;
    line.want(mid, sending.line.peer);
    Some((line, connection))
}

async fn counted(receiving: Option<&(TestLine, TestConnection)>) -> Option<Counters> {
    counters(&receiving?.1).await
}

async fn counters(connection: &TestConnection) -> Option<Counters> {
    Counters::read(&connection.report().await?)
}

fn between(before: Option<Counters>, now: Option<Counters>) -> Option<Rates> {
    now?.since(&before?)
}

/// Ends when something is heard.
async fn listen(mut meter: LevelMeter) {
    while lit_bars(meter.samples()) < HEARD_BARS {
        clock::sleep(LISTEN_EVERY).await;
    }
}

/// What it ends with, or nothing when it takes too long: it is dropped then.
async fn within<T>(deadline: Duration, doing: impl Future<Output = T>) -> Option<T> {
    let (doing, late) = (std::pin::pin!(doing), std::pin::pin!(clock::sleep(deadline)));
    match select(doing, late).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
