//! What flows where: from wants and voices to the streams in every slot.
//!
//! One idempotent step, [`Sfu::reconcile`]: it looks at a whole room and makes what is watched what should be
//! watched. Every change only marks its room as dirty, so nothing can be forgotten in a special path.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use shared::limits::AUDIO_SLOTS;
use shared::{MediaState, PeerId, RoomId, SourceKind, SourceRef};

use crate::allocation::{Demand, Quality};
use crate::audio;
use crate::downlink::{Queued, QueuedKind, Slot, SlotWant};
use crate::drop_reason::DropReason;
use crate::dynacast;
use crate::event::{Notice, Pause, SlotState};
use crate::layer::{self, Layer};
use crate::overload::Level;
use crate::peer::Peer;
use crate::peer_table::PeerKey;
use crate::rtp::frame::Layers;
use crate::rtp::identifier::Mid;
use crate::sdp::Codec;
use crate::sfu::Sfu;
use crate::subscription::{Feed, StreamKey, Watcher};
use crate::suspension::Interest;
use crate::uplink::Stream;

/// What one member publishes, as far as the others are concerned.
struct Offering {
    key: PeerKey,
    id: PeerId,
    media: MediaState,
    publications: Vec<(SourceKind, Mid)>,
    streams: Vec<OfferedStream>,
}

struct OfferedStream {
    kind: SourceKind,
    mid: Mid,
    key: StreamKey,
    layer: Layer,
    /// Its place among the publication's simulcast layers.
    simulcast: usize,
    codec: Codec,
    /// How much of the stream this is.
    layers: Layers,
    frame_rate_percent: u8,
    bps: u64,
    is_live: bool,
    /// It does not flow yet, but the client was just asked to send it again.
    is_resuming: bool,
}

impl OfferedStream {
    /// Whether it flows or is about to.
    const fn can_flow(&self) -> bool {
        self.is_live || self.is_resuming
    }
}

impl Offering {
    fn of(now: Instant, key: PeerKey, peer: &Peer) -> Self {
        let is_resuming = |stream: &Stream| {
            let of = peer.uplink.publications.iter().find(|publication| publication.mid == stream.mid);
            of.is_some_and(|publication| publication.dynacast.is_resuming(stream.layer, now))
        };
        let steps = peer
            .uplink
            .streams
            .iter()
            .enumerate()
            .flat_map(|(at, stream)| stream.ladder(now).into_iter().map(move |step| (at, stream, step)));
        let streams = steps.map(|(at, stream, step)| OfferedStream {
            kind: stream.kind,
            mid: stream.mid,
            key: StreamKey { peer: key, stream: at as u8, token: stream.token },
            layer: Layer { rank: stream.layer + usize::from(step.rank), height: stream.height(step.rank) },
            simulcast: stream.layer,
            codec: stream.codec,
            layers: step.layers,
            frame_rate_percent: step.frame_rate_percent,
            bps: step.bps,
            is_live: stream.is_live(now),
            is_resuming: is_resuming(stream) && !stream.is_live(now),
        });
        let publications =
            peer.uplink.publications.iter().map(|publication| (publication.kind, publication.mid));
        Self {
            key,
            id: peer.id,
            media: peer.live(),
            publications: publications.collect(),
            streams: streams.collect(),
        }
    }

    const fn is_muted(&self, kind: SourceKind) -> bool {
        match kind {
            SourceKind::Microphone => !self.media.microphone,
            SourceKind::Camera => !self.media.camera,
            SourceKind::Screen | SourceKind::ScreenAudio => !self.media.screen,
        }
    }

    fn microphone(&self) -> Option<Feed> {
        self.sound(SourceKind::Microphone).map(|(feed, _)| feed)
    }

    /// The sound of a shared screen, while there is any.
    fn screen_audio(&self) -> Option<Feed> {
        self.sound(SourceKind::ScreenAudio).filter(|(_, is_live)| *is_live).map(|(feed, _)| feed)
    }

    fn sound(&self, kind: SourceKind) -> Option<(Feed, bool)> {
        let stream = self.streams.iter().find(|stream| stream.kind == kind)?;
        let source = SourceRef { peer: self.id, kind };
        let feed = Feed { stream: stream.key, source, codec: stream.codec, layers: Layers::ALL };
        (!self.is_muted(kind)).then_some((feed, stream.is_live))
    }

    /// The streams that may be shown in a tile of this height, smallest picture first, the best for it last.
    fn suitable(&self, kind: SourceKind, max_height: u16) -> Vec<&OfferedStream> {
        let mut live: Vec<&OfferedStream> =
            self.streams.iter().filter(|stream| stream.kind == kind && stream.can_flow()).collect();
        // By height once all are known: nothing obliges a client to offer its layers smallest first.
        let is_known = live.iter().all(|stream| stream.layer.height.is_some());
        live.sort_by_key(|stream| {
            (stream.layer.height.filter(|_| is_known), stream.layer.rank, stream.frame_rate_percent)
        });
        // A smaller picture at full rate is better than a larger one at half of it.
        let smallest = live.first().map(|stream| stream.key);
        live.retain(|stream| Some(stream.key) == smallest || stream.frame_rate_percent == 100);
        let layers: Vec<Layer> = live.iter().map(|stream| stream.layer).collect();
        live.truncate(layer::choose(&layers, max_height).map_or(0, |best| best + 1));
        live
    }
}

/// What all members of a room publish, and what every viewer asks of it: found without looking at everybody, because
/// every viewer asks.
struct Offerings {
    list: Vec<Offering>,
    /// Place in the list.
    places: HashMap<PeerId, usize>,
    /// Whom a viewer hears, loudest first and then in order of arrival. One more than anybody has slots, because nobody
    /// hears themselves.
    voices: Vec<Feed>,
}

impl Offerings {
    fn of(list: Vec<Offering>, loudest: &[(PeerKey, u8)]) -> Self {
        let places = list.iter().enumerate().map(|(place, offering)| (offering.id, place)).collect();
        let speakers =
            loudest.iter().filter_map(|(key, _)| list.iter().find(|offering| offering.key == *key));
        let mut voices = Vec::with_capacity(AUDIO_SLOTS + 1);
        for feed in speakers.chain(&list).filter_map(Offering::microphone) {
            if voices.len() > AUDIO_SLOTS {
                break;
            }
            if !voices.contains(&feed) {
                voices.push(feed);
            }
        }
        Self { list, places, voices }
    }

    fn place(&self, peer: PeerId) -> Option<usize> {
        self.places.get(&peer).copied()
    }

    fn find(&self, peer: PeerId) -> Option<&Offering> {
        self.list.get(self.place(peer)?)
    }

    /// The sound of the screens that these slots show, in order of arrival.
    fn screen_audio(&self, slots: &[Slot], own: PeerId) -> Option<Feed> {
        let screens = slots.iter().filter_map(|slot| slot.want).map(|want| want.source);
        let screens = screens.filter(|source| source.kind == SourceKind::Screen && source.peer != own);
        let mut places: Vec<usize> = screens.filter_map(|source| self.place(source.peer)).collect();
        places.sort_unstable();
        places.into_iter().find_map(|place| self.list[place].screen_audio())
    }
}

impl Sfu {
    /// Something about the room changed that may change what is watched.
    pub(crate) fn mark_dirty(&mut self, room: &RoomId) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.is_dirty = true;
            self.any_dirty = true;
        }
    }

    /// Looks for what changes without an event: layers that stopped, key frames that did not come, reports to judge.
    pub(crate) fn review_rooms(&mut self, now: Instant) {
        for room in self.rooms.values_mut() {
            for key in &room.members {
                let Some(peer) = self.peers.get_mut(*key) else { continue };
                // Both are asked, because the first also notes what it saw.
                let has_changed = peer.uplink.liveness_changed(now);
                room.is_dirty |=
                    has_changed || peer.downlink.is_unsettled(now) || peer.uplink.is_suspension_due(now);
            }
            self.any_dirty |= room.is_dirty;
        }
    }

    /// Reconciles every room that needs it. What a large room has to wait for is due with [`Sfu::poll_timeout`].
    pub(crate) fn settle(&mut self, now: Instant) {
        if !std::mem::take(&mut self.any_dirty) {
            return;
        }
        self.settle_at = None;
        let mut dirty = Vec::new();
        for (id, room) in self.rooms.iter_mut().filter(|(_, room)| room.is_dirty) {
            match room.begin_reconcile(now) {
                Ok(()) => dirty.push(id.clone()),
                Err(at) => self.settle_at = Some(self.settle_at.map_or(at, |other| other.min(at))),
            }
        }
        for room in dirty {
            self.reconcile(now, &room);
        }
    }

    /// Lets the rooms be reconciled that had to wait until now.
    pub(crate) fn settle_late(&mut self, now: Instant) {
        if self.settle_at.is_some_and(|at| at <= now) {
            self.any_dirty = true;
            self.settle(now);
        }
    }

    /// Makes what every member watches what it should watch, and tells those whose slots changed. Doing it twice
    /// is doing it once.
    fn reconcile(&mut self, now: Instant, id: &RoomId) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        let members = room.members.clone();
        let loudest = room.speakers.beginners_too(now);
        let offerings =
            members.iter().filter_map(|key| Some(Offering::of(now, *key, self.peers.get(*key)?))).collect();
        let offerings = Offerings::of(offerings, &loudest);
        let level = self.overload.level();
        let mut key_frames = Vec::new();
        let mut leads = Vec::new();
        let mut interests = Vec::new();
        for key in &members {
            let Some(viewer) = self.peers.get_mut(*key) else { continue };
            assign_video(now, level, viewer, &offerings, &mut key_frames, &mut interests);
            for (slot, feed) in assign_audio(viewer, *key, &offerings, &loudest) {
                leads.push((*key, slot, feed));
            }
        }
        for (publisher, mid) in key_frames {
            if let Some(publisher) = self.peers.get_mut(publisher) {
                publisher.uplink.ask_key_frame(mid);
            }
        }
        interests.sort_by_key(|interest| interest.publisher);
        self.suspend_layers(now, &members, &interests);
        self.rebuild_watchers(&members);
        self.relay_wants(&members);
        for (viewer, slot, feed) in leads {
            self.enqueue_lead(now, viewer, slot, &feed);
        }
        for key in &members {
            self.tell_slots(*key, &offerings);
        }
    }

    /// Somebody who speaks was given a slot: he is heard from a moment before, see [`crate::onset`].
    fn enqueue_lead(&mut self, now: Instant, viewer: PeerKey, slot: u8, feed: &Feed) {
        /// What came longer ago is no beginning of what is said now.
        const FRESH: Duration = Duration::from_millis(100);
        let stream =
            self.peers.get(feed.stream.peer).and_then(|publisher| publisher.uplink.stream(feed.stream));
        let is_fresh = |stream: &&Stream| now.saturating_duration_since(stream.last_packet) < FRESH;
        let Some(stream) = stream.filter(is_fresh) else { return };
        let lead: Vec<u16> = stream.onset.lead(&stream.ring).collect();
        let Some(viewer_peer) = self.peers.get_mut(viewer) else { return };
        for sequence in lead {
            let kind = QueuedKind::Media(false);
            if !viewer_peer.downlink.enqueue(Queued { stream: feed.stream, sequence, slot, kind }) {
                self.statistics.drop(DropReason::QueueFull);
            }
        }
        if !viewer_peer.is_busy {
            viewer_peer.is_busy = true;
            self.busy.push(viewer);
        }
    }

    fn rebuild_watchers(&mut self, members: &[PeerKey]) {
        for key in members {
            let Some(peer) = self.peers.get_mut(*key) else { continue };
            peer.uplink.streams.iter_mut().for_each(|stream| stream.watchers.clear());
        }
        for key in members {
            let Some(viewer) = self.peers.take(*key) else { continue };
            for (at, slot) in viewer.downlink.slots.iter().enumerate() {
                let pending = slot.pending.filter(|pending| Some(*pending) != slot.current);
                for feed in slot.current.into_iter().chain(pending) {
                    let publisher = self.peers.get_mut(feed.stream.peer);
                    let stream = publisher.and_then(|peer| peer.uplink.stream_mut(feed.stream));
                    if let Some(stream) = stream {
                        stream.watchers.push(Watcher { peer: *key, slot: at as u8 });
                    }
                }
            }
            self.peers.give_back(*key, viewer);
        }
    }

    fn tell_slots(&mut self, key: PeerKey, offerings: &Offerings) {
        let Some(viewer) = self.peers.get_mut(key) else { return };
        let Some(connection) = viewer.connection else { return };
        let slots: Vec<SlotState> = viewer.downlink.slots.iter().map(|slot| state(slot, offerings)).collect();
        if slots.is_empty() || viewer.told_slots == slots {
            return;
        }
        viewer.told_slots.clone_from(&slots);
        self.tell(connection, Notice::SlotMap(slots));
    }

    /// Announces who speaks, when that changed. Called a few times a second.
    pub(crate) fn update_speakers(&mut self, now: Instant) {
        for room in self.rooms.values_mut() {
            room.speakers.select(now);
            let speaking = room.speakers.loudest_first(now);
            let levels: Vec<(PeerId, u8)> = speaking
                .into_iter()
                .filter(|(_, level)| *level > 0)
                .filter_map(|(key, level)| Some((self.peers.get(key)?.id, level)))
                .collect();
            // Two people talking swap ranks all the time: only who speaks matters.
            let mut who: Vec<PeerId> = levels.iter().map(|(peer, _)| *peer).collect();
            who.sort_unstable();
            if who == room.told_speakers {
                continue;
            }
            room.told_speakers = who;
            room.is_dirty = true;
            self.any_dirty = true;
            for connection in room.members.iter().filter_map(|key| self.peers.get(*key)?.connection) {
                self.events.push_back(crate::Event { connection, notice: Notice::Speakers(levels.clone()) });
            }
        }
    }
}

/// Video slots show what the client wants, at the best layer that is sent and that the connection carries.
fn assign_video(
    now: Instant,
    level: Level,
    viewer: &mut Peer,
    offerings: &Offerings,
    key_frames: &mut Vec<(PeerKey, Mid)>,
    interests: &mut Vec<Interest>,
) {
    let own = viewer.id;
    let choices: Vec<Choice<'_>> =
        viewer.downlink.slots.iter().map(|slot| Choice::of(slot, own, offerings)).collect();
    let sending_bps = viewer
        .downlink
        .slots
        .iter()
        .zip(&choices)
        .filter_map(|(slot, choice)| choice.flowing_bps(slot))
        .sum();
    let mut demands: Vec<Demand> = choices.iter().map(Choice::demand).collect();
    for (slot, is_shed) in viewer.downlink.slots.iter_mut().zip(level.shed(&mut demands)) {
        slot.is_shed = is_shed;
    }
    let allocation = viewer.downlink.allocate(now, demands, sending_bps);
    for ((slot, choice), layer) in viewer.downlink.slots.iter_mut().zip(&choices).zip(allocation.chosen) {
        interests.extend(choice.interest(slot, layer));
        if !slot.audio
            && let Some(publisher) = choice.apply(slot, layer, offerings)
        {
            key_frames.push(publisher);
        }
    }
}

/// What one video slot could show.
struct Choice<'a> {
    want: Option<SlotWant>,
    offering: Option<&'a Offering>,
    /// Smallest picture first; empty when nothing is sent or everything is muted.
    streams: Vec<&'a OfferedStream>,
    /// It is sent in a codec that the viewer did not accept.
    is_unreadable: bool,
}

impl<'a> Choice<'a> {
    fn of(slot: &Slot, own: PeerId, offerings: &'a Offerings) -> Self {
        let want = slot.want.filter(|want| want.source.peer != own && !slot.audio);
        let offering = want.and_then(|want| offerings.find(want.source.peer));
        let streams = match (want, offering) {
            (Some(want), Some(offering)) if !offering.is_muted(want.source.kind) => {
                offering.suitable(want.source.kind, want.max_height)
            }
            _ => Vec::new(),
        };
        let count = streams.len();
        let is_readable = |stream: &&OfferedStream| {
            slot.payload_of(stream.codec).is_some()
                && (stream.layers.spatial == 0 || slot.tells_sizes_apart(stream.codec))
        };
        let streams: Vec<_> = streams.into_iter().filter(is_readable).collect();
        let is_unreadable = streams.is_empty() && count > 0;
        Self { want, offering, streams, is_unreadable }
    }

    fn demand(&self) -> Demand {
        let Some(want) = self.want else { return Demand::default() };
        let layers: Vec<Layer> = self.streams.iter().map(|stream| stream.layer).collect();
        let quality = |stream: &&OfferedStream| Quality {
            bps: stream.bps,
            height: layer::height(&layers, &stream.layer),
            frame_rate_percent: stream.frame_rate_percent,
        };
        Demand {
            priority: want.priority,
            is_screen: want.source.kind == SourceKind::Screen,
            tile_height: want.max_height,
            qualities: self.streams.iter().map(quality).collect(),
        }
    }

    fn flowing_bps(&self, slot: &Slot) -> Option<u64> {
        let feed = slot.current?;
        let of_stream = || self.streams.iter().filter(|stream| stream.key == feed.stream);
        let flowing = of_stream().find(|stream| stream.layers == feed.layers).or(of_stream().next_back());
        flowing.map(|stream| stream.bps)
    }

    /// Makes the slot show the chosen layer; gives the publisher whose key frame that takes.
    fn apply(&self, slot: &mut Slot, layer: Option<usize>, offerings: &Offerings) -> Option<(PeerKey, Mid)> {
        // What is muted or gone must not be seen for one more frame.
        slot.current = slot.current.filter(|feed| is_allowed(feed, offerings));
        slot.pending = None;
        slot.is_unreadable = self.is_unreadable;
        slot.is_starved = layer.is_none() && !self.streams.is_empty();
        if slot.is_starved {
            slot.current = None;
            return None;
        }
        let (Some(want), Some(offering)) = (self.want, self.offering) else {
            slot.current = None;
            return None;
        };
        let Some(stream) = self.arriving(slot, want.source, layer) else {
            // Not sent at the moment: what flowed of the same source may come back by itself.
            slot.current = slot.current.filter(|feed| feed.source == want.source);
            return None;
        };
        let feed =
            Feed { stream: stream.key, source: want.source, codec: stream.codec, layers: stream.layers };
        if slot.current.is_some_and(|feed| feed.stream == stream.key) {
            // Fewer layers at once, more of them where the stream allows it.
            slot.current = Some(feed);
            return slot.waits_for_key_picture().then_some((offering.key, stream.mid));
        }
        slot.pending = Some(feed);
        // A layer that is resumed starts with a key frame of its own.
        (!stream.is_resuming).then_some((offering.key, stream.mid))
    }

    /// The stream to wait for. A layer that was just resumed takes a moment: until then a slot that shows nothing
    /// of its source gets the best that flows.
    fn arriving(&self, slot: &Slot, source: SourceRef, layer: Option<usize>) -> Option<&'a OfferedStream> {
        let layer = layer?;
        let chosen = self.streams.get(layer).copied()?;
        let shows_source = slot.current.is_some_and(|feed| feed.source == source);
        let flowing = self.streams[..layer].iter().copied().rfind(|stream| stream.is_live);
        Some(flowing.filter(|_| chosen.is_resuming && !shows_source).unwrap_or(chosen))
    }

    /// What this viewer asks of the publisher.
    fn interest(&self, slot: &Slot, layer: Option<usize>) -> Option<Interest> {
        let (want, offering) = (self.want?, self.offering?);
        let (_, mid) = *offering.publications.iter().find(|(kind, _)| *kind == want.source.kind)?;
        // When the connection does not carry the best that flows, the next raise is all that can come of it.
        let next = self.streams.get(layer.map_or(0, |layer| layer + 1));
        let raise = next.map(|stream| stream.simulcast);
        let is_shown = |stream: &&OfferedStream| slot.current.is_some_and(|feed| feed.stream == stream.key);
        let shown = offering.streams.iter().find(is_shown).map(|stream| stream.simulcast);
        let demand = dynacast::Demand { max_height: want.max_height, raise, shown };
        Some(Interest { publisher: offering.key, mid, demand })
    }
}

/// Whether what flows may go on: its source is not muted and its stream still exists.
fn is_allowed(feed: &Feed, offerings: &Offerings) -> bool {
    offerings.find(feed.source.peer).is_some_and(|offering| {
        !offering.is_muted(feed.source.kind)
            && offering.streams.iter().any(|stream| stream.key == feed.stream)
    })
}

/// Audio slots carry the sound of one screen that is watched, because voices need slots too, and the loudest others; in small rooms everybody, so that
/// no first syllable is lost. Returns the slots, by place, that were given to somebody who is speaking.
fn assign_audio(
    viewer: &mut Peer,
    viewer_key: PeerKey,
    offerings: &Offerings,
    loudest: &[(PeerKey, u8)],
) -> Vec<(u8, Feed)> {
    let screen = offerings.screen_audio(&viewer.downlink.slots, viewer.id);
    let others = offerings.voices.iter().copied().filter(|feed| feed.stream.peer != viewer_key);
    let wanted: Vec<Feed> = screen.into_iter().chain(others).collect();
    let mut places = [None; AUDIO_SLOTS];
    let slots = || viewer.downlink.slots.iter().filter(|slot| slot.audio);
    let count = slots().count().min(AUDIO_SLOTS);
    for (place, slot) in places.iter_mut().zip(slots()) {
        *place = slot.pending.or(slot.current);
    }
    audio::assign(&mut places[..count], &wanted);
    let speaks = |feed: &Feed| {
        let speaks = loudest.iter().any(|(key, level)| *key == feed.stream.peer && *level > 0);
        speaks && feed.source.kind == SourceKind::Microphone
    };
    let mut begun = Vec::new();
    let slots = viewer.downlink.slots.iter_mut().enumerate().filter(|(_, slot)| slot.audio);
    for ((at, slot), feed) in slots.zip(places) {
        if feed.is_some() && slot.current == feed {
            slot.pending = None;
            continue;
        }
        if slot.pending != feed {
            begun.extend(feed.filter(speaks).map(|feed| (at as u8, feed)));
        }
        // Audio switches at the next packet: nothing of the old voice is needed until then.
        slot.current = None;
        slot.pending = feed;
    }
    begun
}

/// What the client is told of a slot: what flows, else what it waits for and why.
fn state(slot: &Slot, offerings: &Offerings) -> SlotState {
    let mid = slot.mid.as_str().to_owned();
    if let Some(feed) = slot.current {
        return SlotState { mid, source: Some(feed.source), paused: None };
    }
    let source = slot.want.map(|want| want.source).or(slot.pending.map(|feed| feed.source));
    let offering = source.and_then(|source| offerings.find(source.peer));
    let (Some(source), Some(offering)) = (source, offering) else {
        return SlotState { mid, source: None, paused: None };
    };
    let pause = if offering.is_muted(source.kind) {
        Pause::Muted
    } else if slot.is_unreadable {
        Pause::Codec
    } else if slot.is_shed {
        Pause::Overload
    } else if slot.is_starved {
        Pause::Bandwidth
    } else {
        Pause::NotSent
    };
    SlotState { mid, source: Some(source), paused: Some(pause) }
}
