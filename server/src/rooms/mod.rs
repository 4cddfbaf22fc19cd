//! The shell around the meetings: finds the room of a connection, tells its [`Meeting`] what happens, and carries out
//! what that decides.
//!
//! ```text
//! socket task ── enter, requests ─▶ Rooms ─▶ Meeting ─▶ deliveries to socket tasks, controls to shards
//! shard ──────── seats taken, given up ─▶
//! ```
//! One lock a room, held while a meeting decides and its outputs are handed over, so that everybody gets them in one
//! order. Nothing waits under it.

mod chronicle;
mod controls;
mod host_key;
mod keeper;
mod live;
mod operator;
mod visitor;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use sfu::{ConnectionId, SeatChange};
use shared::caption::CaptionCue;
use shared::meeting::Reaction;
use shared::protocol::{Chat, Hello, Moderation};
use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId};
use tokio::sync::{mpsc, watch};

use self::chronicle::Chronicle;
use self::controls::Controls;
pub(crate) use self::host_key::HostKey;
use self::keeper::{Keeper, Loaded};
pub(crate) use self::live::Delivery;
use self::live::Live;
use crate::access::{Gate, Openness, Refusal, UnixSeconds};
use crate::app::stopping;
use crate::control::{ControlStore, StoreError};
use crate::media::{SendError, Shards};
use crate::meeting::{Change, Meeting, Now, Visitor};
use crate::webhooks::Webhooks;

/// Deliveries that wait for a connection's task. It takes them at once, so they only pile up when the machine is
/// overloaded: then the client is told to come back.
const DELIVERIES_MAX: usize = 256;
/// Most rooms in memory, those of which nobody is left included; there are never more rooms with somebody in them than
/// connections. When there are as many, what was left longest ago is forgotten first.
const ROOMS_MAX: usize = 30_000;
/// A meeting that everybody left stays in memory for so long.
const IDLE: Duration = Duration::from_secs(300);
/// How often rooms are looked at: what is due, who may be forgotten.
const TICK: Duration = Duration::from_millis(100);
/// Ticks between two looks for rooms to forget.
const TICKS_PER_SWEEP: u32 = 100;
/// Ticks between two times that meetings with somebody in them are kept for longer.
const TICKS_PER_REFRESH: u32 = 36_000;
/// How often what is to be kept is written.
const SAVE_SPACING: Duration = Duration::from_millis(500);
/// How long the last writing may take when the server stops.
const LAST_SAVE_DEADLINE: Duration = Duration::from_secs(2);

/// What a seated client asks of its meeting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// A line for the chat.
    Chat(Chat),
    /// A sign for everybody.
    React(Reaction),
    /// The own hand.
    Hand(bool),
    /// What somebody says, in writing.
    Caption(CaptionCue),
    /// Whether captions are shown.
    WantCaptions(bool),
    /// What hosts do.
    Moderate(Moderation),
}

/// Why somebody cannot even come to the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unavailable {
    /// There are as many rooms as can be held.
    Rooms,
    /// The room would begin, and its rules cannot be read: nobody comes in without them.
    Rules,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Rooms {
    shards: Arc<Shards>,
    controls: Arc<Controls>,
    gate: Arc<Gate>,
    host_key: HostKey,
    keeper: Keeper,
    chronicle: Chronicle,
    live: Mutex<HashMap<RoomId, Arc<Mutex<Live>>>>,
}

impl Rooms {
    /// Rooms without anybody. What they keep is in the store.
    pub(crate) fn new(
        shards: Arc<Shards>,
        gate: Arc<Gate>,
        host_key: HostKey,
        store: Arc<dyn ControlStore>,
        webhooks: Webhooks,
    ) -> Arc<Self> {
        let keeper = Keeper::new(store);
        let chronicle = Chronicle::new(webhooks);
        let controls = Controls::new(Arc::clone(&shards));
        Arc::new(Self { shards, controls, gate, host_key, keeper, chronicle, live: Mutex::default() })
    }

    /// The shards.
    pub(crate) fn shards(&self) -> &Arc<Shards> {
        &self.shards
    }

    /// Who this is, as far as the token of the hello says.
    ///
    /// # Errors
    /// What can be told to the person.
    pub(crate) fn visitor(
        &self,
        connection: ConnectionId,
        hello: Hello,
        address: IpAddr,
    ) -> Result<Visitor, Refusal> {
        let mut has_seat = false;
        if let Some(resume) = &hello.resume {
            self.within(&hello.room, |meeting| has_seat = meeting.has_seat(resume));
        }
        visitor::visitor(&self.gate, &self.host_key, connection, hello, address, has_seat, unix_now())
    }

    /// A token for whoever makes a room, where no keys of the operator say who leads it.
    pub(crate) fn host_token(&self, room: &RoomId) -> Option<String> {
        if self.gate.openness() == Openness::Keys {
            return None;
        }
        self.host_key.token(room, unix_now()).ok()
    }

    /// Somebody is at the door of a room. What is decided, and everything after it, comes through the receiver.
    pub(crate) async fn enter(
        &self,
        room: &RoomId,
        visitor: Visitor,
    ) -> Result<mpsc::Receiver<Delivery>, Unavailable> {
        let (sender, receiver) = mpsc::channel(DELIVERIES_MAX);
        let mut entering = Some((sender, visitor));
        // A room may be forgotten between opening and entering: then once more.
        while entering.is_some() {
            self.open(room).await?;
            self.with_live(room, |live| {
                if let Some((sender, visitor)) = entering.take() {
                    live.lines.insert(visitor.connection, sender);
                    live.meeting.enter(now(), visitor);
                }
            });
        }
        Ok(receiver)
    }

    /// The welcome has reached the connection's task: what follows it may come. The shard's own word may have been
    /// faster.
    pub(crate) fn welcomed(
        &self,
        room: &RoomId,
        connection: ConnectionId,
        peer: PeerId,
        resume: ResumeToken,
    ) {
        self.within(room, |meeting| meeting.welcomed(now(), connection, peer, resume));
    }

    /// The connection has ended, or has been refused elsewhere.
    pub(crate) fn disconnected(&self, room: &RoomId, connection: ConnectionId) {
        self.with_live(room, |live| {
            live.lines.remove(&connection);
            live.meeting.disconnected(now(), connection);
        });
    }

    /// The shard of a connection has stopped: its seat is gone, and the shard cannot tell.
    pub(crate) fn seat_lost(&self, room: &RoomId, connection: ConnectionId) {
        self.within(room, |meeting| meeting.seat_lost(now(), connection));
    }

    /// What a client asks of its meeting.
    pub(crate) fn request(&self, room: &RoomId, connection: ConnectionId, request: Request) {
        self.within(room, |meeting| match request {
            Request::Chat(chat) => meeting.chat(now(), connection, chat),
            Request::React(reaction) => meeting.react(now(), connection, reaction),
            Request::Hand(raised) => meeting.hand(now(), connection, raised),
            Request::Caption(cue) => meeting.caption(now(), connection, cue),
            Request::WantCaptions(wanted) => meeting.want_captions(now(), connection, wanted),
            Request::Moderate(moderation) => meeting.moderate(now(), connection, moderation),
        });
    }

    /// Hands over what a client says is live, in one order with what the meeting decides about it.
    pub(crate) fn say_media(
        &self,
        room: &RoomId,
        connection: ConnectionId,
        media: MediaState,
        hand_over: impl FnOnce() -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        let mut result = Ok(());
        self.within(room, |meeting| {
            result = hand_over();
            if result.is_ok() {
                meeting.said_media(connection, media);
            }
        });
        result
    }

    /// Hands over a new name, unless the old one has to stay.
    pub(crate) fn rename(
        &self,
        room: &RoomId,
        connection: ConnectionId,
        name: &DisplayName,
        hand_over: impl FnOnce() -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        let mut result = Ok(());
        self.within(room, |meeting| {
            if meeting.rename(connection, name) {
                result = hand_over();
            }
        });
        result
    }

    /// Brings the rooms on, until the server stops: what shards tell, and what is due.
    pub(crate) async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let Some(mut changes) = self.shards.take_seat_changes() else { return };
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut count = 0_u32;
        loop {
            tokio::select! {
                () = stopping(&mut shutdown) => break,
                Some(change) = changes.recv() => self.seat_changed(change),
                _ = ticks.tick() => {
                    count = count.wrapping_add(1);
                    self.controls.retry();
                    self.tick();
                    if count.is_multiple_of(TICKS_PER_REFRESH) {
                        self.refresh();
                    }
                    if count.is_multiple_of(TICKS_PER_SWEEP) {
                        self.sweep(IDLE);
                    }
                }
            }
        }
    }

    /// Writes what meetings keep, until the server stops, and then once more.
    pub(crate) async fn keep(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let mut spacing = tokio::time::interval(SAVE_SPACING);
        spacing.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping(&mut shutdown) => break,
                _ = spacing.tick() => {}
            }
            self.save_all().await;
        }
        if tokio::time::timeout(LAST_SAVE_DEADLINE, self.save_all()).await.is_err() {
            tracing::warn!("the store does not answer: the last of what meetings keep is lost");
        }
    }

    async fn save_all(&self) {
        let rooms: Vec<(RoomId, Arc<Mutex<Live>>)> =
            self.rooms().iter().map(|(id, live)| (id.clone(), Arc::clone(live))).collect();
        for (id, room) in rooms {
            let (unsaved, saved) = {
                let mut live = lock(&room);
                if live.unsaved.is_empty() {
                    continue;
                }
                (std::mem::take(&mut live.unsaved), live.meeting.saved())
            };
            if let Err(error) = self.keeper.save(&id, &unsaved, &saved, unix_now()).await {
                // Everything else of the meeting goes on.
                tracing::warn!(%error, "what a meeting keeps cannot be written; it is tried again");
                lock(&room).unsaved.put_back(unsaved);
                return;
            }
        }
    }

    /// What is kept of a meeting with somebody in it does not grow old.
    fn refresh(&self) {
        let rooms: Vec<Arc<Mutex<Live>>> = self.rooms().values().cloned().collect();
        for room in rooms {
            let mut live = lock(&room);
            if live.meeting.idle_since_s().is_none() {
                live.unsaved.note(Change::State);
            }
        }
    }

    fn seat_changed(&self, change: SeatChange) {
        match change {
            SeatChange::Taken { room, peer, connection, resume } => {
                self.within(&room, |meeting| meeting.joined(now(), connection, peer, resume));
            }
            SeatChange::GivenUp { room, peer, back_until } => {
                self.within(&room, |meeting| meeting.departed(now(), peer, back_until));
            }
        }
    }

    fn tick(&self) {
        let rooms: Vec<Arc<Mutex<Live>>> = self.rooms().values().cloned().collect();
        let now = now();
        for room in rooms {
            let mut live = lock(&room);
            if live.meeting.poll_timeout().is_some_and(|due| due <= now.instant) {
                live.meeting.handle_timeout(now.instant);
                live.carry_out(&self.controls, &self.chronicle);
            }
        }
    }

    /// Forgets rooms that everybody left so long ago.
    fn sweep(&self, idle: Duration) {
        let now = now();
        self.rooms().retain(|_, room| {
            let mut live = lock(room);
            let is_idle = live.idle_for(now).is_some_and(|for_s| for_s >= idle.as_secs());
            // What is not written yet is not forgotten, unless there is no room.
            let is_over = is_idle && (idle.is_zero() || live.unsaved.is_empty());
            live.is_forgotten |= is_over;
            !is_over
        });
    }

    /// Sees to it that the room is in memory.
    async fn open(&self, room: &RoomId) -> Result<(), Unavailable> {
        if self.rooms().contains_key(room) {
            return Ok(());
        }
        let fresh = self.load(room).await.map_err(|_| Unavailable::Rules)?;
        if self.rooms().len() >= ROOMS_MAX {
            self.sweep(Duration::ZERO);
        }
        let mut rooms = self.rooms();
        if rooms.len() >= ROOMS_MAX {
            return Err(Unavailable::Rooms);
        }
        rooms.entry(room.clone()).or_insert(fresh);
        Ok(())
    }

    /// A room as it was kept, or a new one.
    async fn load(&self, room: &RoomId) -> Result<Arc<Mutex<Live>>, StoreError> {
        let Loaded { foundation, meeting } = self.keeper.load(room, unix_now()).await?;
        let meeting = match meeting {
            Some((saved, lines)) => Meeting::restored(room.clone(), saved, lines, foundation, now()),
            None => Meeting::new(room.clone(), rand::random(), foundation, now()),
        };
        Ok(Arc::new(Mutex::new(Live::new(meeting))))
    }

    /// Asks a room that is in memory.
    fn ask<R>(&self, room: &RoomId, act: impl FnOnce(&mut Meeting) -> R) -> Option<R> {
        let mut answer = None;
        self.within(room, |meeting| answer = Some(act(meeting)));
        answer
    }

    fn within(&self, room: &RoomId, act: impl FnOnce(&mut Meeting)) {
        self.with_live(room, |live| act(&mut live.meeting));
    }

    /// Acts on a room that is in memory, and carries out what comes of it.
    fn with_live(&self, room: &RoomId, act: impl FnOnce(&mut Live)) {
        let Some(live) = self.rooms().get(room).cloned() else { return };
        let mut live = lock(&live);
        if !live.is_forgotten {
            act(&mut live);
            live.carry_out(&self.controls, &self.chronicle);
        }
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, Arc<Mutex<Live>>>> {
        // It is a table: a panic beside it leaves it usable.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unix_now() -> UnixSeconds {
    UnixSeconds::of(SystemTime::now())
}

/// The time.
fn now() -> Now {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Now { instant: Instant::now(), unix_s: u32::try_from(unix.as_secs()).unwrap_or(u32::MAX) }
}

fn lock(live: &Mutex<Live>) -> MutexGuard<'_, Live> {
    // A panic while a meeting decided may have left it half done; the others in it are still better off with it.
    live.lock().unwrap_or_else(PoisonError::into_inner)
}
