//! Layered streams through a slot: any sequence of switches of source and layers, losses, reordering and pauses leaves a
//! stream that a receiver accepts. `publisher` makes it, `receiver` judges it, and both know the truth.

mod publisher;
mod receiver;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use shared::{PeerId, SourceKind, SourceRef};

use super::slot::{Gate, Passed};
use super::{Slot, renumber};
use crate::frame_reader::FrameReader;
use crate::peer_table::PeerTable;
use crate::rewrite::SourcePacket;
use crate::ring::RingPacket;
use crate::rtp::frame::{self, Layers, Numbers};
use crate::rtp::identifier::Mid;
use crate::rtp::{Carried, WrittenHeader};
use crate::sdp::{Codec, SlotSsrcs};
use crate::subscription::{Feed, StreamKey};
use publisher::{Encoding, Packet, Publisher};
use receiver::{Frame, Out, Violation, judge};

/// What is done wrong on purpose, to see that the receiver notices.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mistake {
    None,
    /// Numbers of the publisher go out as they are.
    KeepsNumbers,
    /// Picture ids close up over pictures that were left out, as VP8's may.
    ClosesPictureIds,
    /// A structure keeps the template ids of its publisher, and packets do not.
    KeepsStructure,
    /// Of TL0PICIDX nothing is continued.
    KeepsTl0,
    /// The lowest spatial layer is left out below a higher one.
    LeavesOutLowest,
    /// Temporal layers go up anywhere.
    RaisesAnywhere,
    /// The end of the highest layer that is passed on is not marked.
    KeepsMarkers,
}

const SOURCES: usize = 3;

/// The publishers, the server between, and what went out.
struct Call {
    now: Instant,
    mistake: Mistake,
    publishers: Vec<Publisher>,
    readers: Vec<FrameReader>,
    slot: Slot,
    feeds: Vec<Feed>,
    sent: BTreeMap<u64, Out>,
    lost: HashSet<Frame>,
    /// What has arrived, by source and sequence number.
    arrived: HashMap<(u32, u16), (Packet, frame::Frame, Numbers)>,
    /// What is late: after how many further packets it arrives.
    late: Vec<(usize, usize, Packet)>,
    /// The timestamp of the key picture with which the slot began to show what it shows.
    begun: u32,
}

/// One picture of every publisher, and what the network does to its packets.
#[derive(Clone, Debug)]
struct Step {
    /// Who is to be shown.
    watch: usize,
    layers: Layers,
    /// A key picture is made although nobody needs one.
    key: bool,
    new_templates: bool,
    /// The publishers encode this many spatial layers from now on.
    spatial: Option<u8>,
    pause_ms: u32,
    /// For each packet: lost, or late by so many packets.
    fates: Vec<Option<usize>>,
    /// The viewer asks for what is missing.
    asks: bool,
    /// A key picture that somebody needs is the next one.
    encodes_at_once: bool,
}

/// How a packet comes to a slot.
#[derive(Clone, Copy, Debug)]
struct Place {
    is_switch: bool,
    is_late: bool,
    /// Its structure is lost or late, so that its layer is not known.
    is_misread: bool,
}

impl Call {
    fn new(encodings: [Encoding; SOURCES], seed: u64, mistake: Mistake) -> Self {
        let now = Instant::now();
        let mid = Mid::new("0").unwrap();
        let ssrcs = SlotSsrcs { ssrc: 1, rtx: Some(2), flexfec: None };
        let peer = PeerTable::default().insert(Box::new(()));
        let feed = |(at, encoding): (usize, &Encoding)| Feed {
            stream: StreamKey { peer, stream: 0, token: at as u32 },
            source: SourceRef { peer: PeerId::new(at as u64), kind: SourceKind::Camera },
            codec: encoding.codec,
            layers: Layers::default(),
        };
        let own = |at: usize| seed.rotate_left(7 * at as u32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let publishers = encodings.iter().enumerate();
        Self {
            now,
            mistake,
            publishers: publishers.map(|(at, encoding)| Publisher::new(*encoding, own(at))).collect(),
            readers: std::iter::repeat_with(FrameReader::default).take(SOURCES).collect(),
            slot: Slot::new(now, mid, false, ssrcs, seed.to_be_bytes()),
            feeds: encodings.iter().enumerate().map(feed).collect(),
            sent: BTreeMap::new(),
            lost: HashSet::new(),
            arrived: HashMap::new(),
            late: Vec::new(),
            begun: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        self.now += Duration::from_millis(50 + u64::from(step.pause_ms));
        self.watch(step.watch, step.layers);
        let mut fates = step.fates.iter().copied().cycle();
        for source in 0..SOURCES {
            self.publishers[source].pause(step.pause_ms);
            if let Some(spatial) = step.spatial {
                self.publishers[source].resize(spatial);
            }
            let is_shown = self.slot.current.is_some_and(|feed| feed.stream.token == source as u32);
            let is_pending = self.slot.pending.is_some_and(|feed| feed.stream.token == source as u32);
            let needs_key = is_pending || is_shown && self.slot.waits_for_key_picture();
            let key = step.key || needs_key && step.encodes_at_once;
            for packet in self.publishers[source].picture(key, step.new_templates) {
                let is_whole = packet.is_key && self.feeds[source].codec == Codec::Av1;
                let fate = fates.next().flatten();
                let fate = if is_whole { Some(0) } else { fate };
                match fate {
                    None => {
                        self.lost.insert((source as u32, packet.name));
                    }
                    Some(0) => self.arrive(source, packet, false),
                    Some(late) => self.late.push((late, source, packet)),
                }
                self.release();
            }
        }
        if step.asks {
            self.ask();
        }
    }

    fn watch(&mut self, source: usize, layers: Layers) {
        let feed = Feed { layers, ..self.feeds[source] };
        match &mut self.slot.current {
            Some(current) if current.stream == feed.stream => {
                current.layers = layers;
                self.slot.pending = None;
            }
            _ => self.slot.pending = Some(feed),
        }
    }

    fn release(&mut self) {
        for (late, _, _) in &mut self.late {
            *late -= 1;
        }
        while let Some(at) = self.late.iter().position(|(late, _, _)| *late == 0) {
            let (_, source, packet) = self.late.remove(at);
            self.arrive(source, packet, true);
        }
    }

    fn arrive(&mut self, source: usize, packet: Packet, is_late: bool) {
        let descriptor = Some(&packet.descriptor[..]).filter(|value| !value.is_empty());
        let codec = self.feeds[source].codec;
        let Ok((frame, numbers)) =
            self.readers[source].read(codec, packet.marker, &packet.payload, descriptor)
        else {
            self.lost.insert((source as u32, packet.name));
            return;
        };
        let is_misread = is_misread(&packet, frame);
        self.arrived.insert((source as u32, packet.sequence), (packet.clone(), frame, numbers));
        let token = source as u32;
        match self.slot.gate(token, frame.key) {
            Gate::Ignore => {
                if is_late {
                    self.lost.insert((token, packet.name));
                }
            }
            gate @ (Gate::Pass | Gate::Switch) => {
                let is_switch = gate == Gate::Switch;
                if is_switch {
                    self.begun = packet.timestamp;
                }
                if is_late && (is_switch || (packet.timestamp.wrapping_sub(self.begun) as i32) < 0) {
                    // For an earlier stay with this source it is lost: when it came, the viewer had left.
                    self.lost.insert((token, packet.name));
                }
                self.pass(token, packet, frame, numbers, Place { is_switch, is_late, is_misread });
            }
        }
    }

    /// As [`super::Downlink::send`] does it.
    fn pass(
        &mut self,
        token: u32,
        packet: Packet,
        mut frame: frame::Frame,
        mut numbers: Numbers,
        place: Place,
    ) {
        if self.mistake == Mistake::RaisesAnywhere && frame.starts {
            frame.up = frame::UpSwitch::To(7);
            frame.layers.temporal = frame.layers.temporal.min(self.slot.filter.layers().temporal);
        }
        if let (Mistake::ClosesPictureIds, Numbers::Vp9(ids)) = (self.mistake, numbers) {
            numbers = Numbers::Vp8(ids);
        }
        let source = SourcePacket { sequence: packet.sequence, timestamp: packet.timestamp, numbers };
        let ring = RingPacket {
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            payload_type: 96,
            frame,
            numbers,
            carried: Carried::default(),
            payload: &packet.payload,
        };
        if place.is_switch {
            // What was there before the first packet of the key picture was not for this viewer.
            let behind = self.arrived.iter().filter(|((source, sequence), _)| {
                *source == token && sequence.wrapping_sub(packet.sequence) as i16 > 0
            });
            self.lost.extend(behind.map(|(_, (other, ..))| (token, other.name)));
        }
        let passed = if place.is_switch {
            self.slot.switch(self.now, token, &source, &ring)
        } else if self.mistake == Mistake::LeavesOutLowest
            && frame.layers.spatial == 0
            && self.slot.filter.layers().spatial > 0
        {
            self.slot.rewriter.skip(token, packet.sequence).ok();
            return;
        } else {
            self.slot.pass(self.now, token, &source, &ring)
        };
        let Ok(passed) = passed else {
            self.lost.insert((token, packet.name));
            return;
        };
        let Some(Passed { mut numbers, ends_picture, is_left_out }) = passed else { return };
        if self.mistake == Mistake::KeepsStructure && packet.is_key {
            numbers.template_shift = 0;
        }
        if self.mistake == Mistake::KeepsTl0 {
            numbers.tl0 = if let Numbers::Vp9(ids) = ring.numbers { ids.tl0.unwrap().value } else { 0 };
        }
        let len = packet.descriptor.len();
        let mut bytes = [&packet.descriptor[..], &packet.payload[..]].concat();
        let written = WrittenHeader {
            len,
            transport_cc_at: None,
            abs_send_time_at: None,
            dependency_descriptor_at: Some((0, len)),
        };
        if self.mistake != Mistake::KeepsNumbers {
            renumber(&ring, numbers, written, len, &mut bytes);
        }
        let out = Out {
            timestamp: numbers.timestamp,
            marker: !is_left_out && (packet.marker || ends_picture && self.mistake != Mistake::KeepsMarkers),
            payload: if is_left_out { Vec::new() } else { bytes[len..].to_vec() },
            descriptor: bytes[..len].to_vec(),
            source: token,
            truth: packet,
            layers: self.slot.filter.layers(),
            is_late: place.is_late,
            is_misread: place.is_misread,
        };
        assert!(self.sent.insert(numbers.index, out).is_none(), "{} was given twice", numbers.index);
    }

    /// The viewer asks for what is missing among the last packets; what the server has, it sends.
    fn ask(&mut self) {
        let Some((newest, _)) = self.sent.last_key_value() else { return };
        for index in newest.saturating_sub(40)..*newest {
            if self.sent.contains_key(&index) {
                continue;
            }
            let Some((token, sequence)) = self.slot.origin(index as u16) else { continue };
            let Some((packet, frame, numbers)) = self.arrived.get(&(token, sequence)).cloned() else {
                continue;
            };
            if self.slot.current.is_none_or(|feed| feed.stream.token != token) {
                continue;
            }
            let place = Place { is_switch: false, is_late: true, is_misread: is_misread(&packet, frame) };
            self.pass(token, packet, frame, numbers, place);
        }
    }
}

/// Whether the server could not know the layer of a packet.
fn is_misread(packet: &Packet, frame: frame::Frame) -> bool {
    frame.layers != Layers { spatial: packet.name.spatial, temporal: packet.temporal }
}

fn run(
    encodings: [Encoding; SOURCES],
    seed: u64,
    steps: &[Step],
    mistake: Mistake,
) -> (Call, Result<(usize, usize), Violation>) {
    let mut call = Call::new(encodings, seed, mistake);
    for step in steps {
        call.step(step);
    }
    let late = std::mem::take(&mut call.late);
    call.lost.extend(late.into_iter().map(|(_, source, packet)| (source as u32, packet.name)));
    let verdict = judge(&call.sent, &call.lost);
    (call, verdict)
}

fn encoding(codec: Codec) -> impl Strategy<Value = Encoding> {
    (1u8..=3, 1u8..=3, any::<bool>(), any::<bool>(), 1u8..=3).prop_map(
        move |(spatial, temporal, is_key_mode, is_flexible, packets)| Encoding {
            codec,
            spatial,
            temporal,
            is_key_mode,
            is_flexible,
            packets,
        },
    )
}

/// References written or not: that is one for all, because a receiver cannot count TL0PICIDX through a source without it.
fn encodings(codec: Codec) -> impl Strategy<Value = [Encoding; SOURCES]> {
    (proptest::array::uniform3(encoding(codec)), any::<bool>())
        .prop_map(|(all, is_flexible)| all.map(|one| Encoding { is_flexible, ..one }))
}

fn step(has_losses: bool) -> impl Strategy<Value = Step> {
    let fate = if has_losses {
        prop_oneof![12 => Just(Some(0)), 1 => Just(None), 2 => (1usize..12).prop_map(Some)].boxed()
    } else {
        Just(Some(0)).boxed()
    };
    let layers = (0u8..3, 0u8..3).prop_map(|(spatial, temporal)| Layers { spatial, temporal });
    let watch = prop_oneof![6 => Just(None), 1 => (0..SOURCES).prop_map(Some)];
    let change = prop_oneof![3 => Just(None), 1 => layers.prop_map(Some)];
    let pause = prop_oneof![9 => Just(0u32), 1 => 0u32..30_000];
    let spatial = prop_oneof![14 => Just(None), 1 => (1u8..=3).prop_map(Some)];
    let fates = proptest::collection::vec(fate, 1..24);
    (watch, change, 0u32..20, any::<bool>(), spatial, pause, fates, 0u32..4).prop_map(
        |(watch, change, key, new_templates, spatial, pause_ms, fates, asks)| Step {
            watch: watch.unwrap_or(usize::MAX),
            layers: change.unwrap_or(Layers::ALL),
            key: key == 0,
            new_templates,
            spatial,
            pause_ms,
            fates,
            asks: asks == 0,
            encodes_at_once: asks != 1,
        },
    )
}

/// Steps in which who is watched, and in which layers, lasts until it changes.
fn steps(has_losses: bool) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(has_losses), 1..90).prop_map(|mut steps| {
        let (mut watch, mut layers) = (0, Layers { spatial: 2, temporal: 2 });
        for step in &mut steps {
            if step.watch != usize::MAX {
                watch = step.watch;
            }
            if step.layers != Layers::ALL {
                layers = step.layers;
            }
            (step.watch, step.layers) = (watch, layers);
        }
        steps
    })
}

proptest! {
    #[test]
    fn any_switches_losses_reorderings_and_pauses_of_vp9_give_a_legal_stream(
        encodings in encodings(Codec::Vp9), seed: u64, steps in steps(true),
    ) {
        let (_, verdict) = run(encodings, seed, &steps, Mistake::None);
        prop_assert!(verdict.is_ok(), "{:?}", verdict);
    }

    /// Key pictures arrive in one piece: what is left out when a structure is missing is not a matter of numbers.
    #[test]
    fn any_switches_losses_reorderings_and_pauses_between_key_pictures_of_av1_give_a_legal_stream(
        encodings in encodings(Codec::Av1), seed: u64, steps in steps(true),
    ) {
        let (_, verdict) = run(encodings, seed, &steps, Mistake::None);
        prop_assert!(verdict.is_ok(), "{:?}", verdict);
    }

    #[test]
    fn without_losses_no_number_is_missing_and_every_frame_can_be_decoded(
        is_av1: bool, vp9 in encodings(Codec::Vp9), av1 in encodings(Codec::Av1), seed: u64, steps in steps(false),
    ) {
        let (call, verdict) = run(if is_av1 { av1 } else { vp9 }, seed, &steps, Mistake::None);
        prop_assert!(matches!(verdict, Ok((_, 0))), "{:?}", verdict);
        if let (Some((first, _)), Some((last, _))) = (call.sent.first_key_value(), call.sent.last_key_value()) {
            prop_assert_eq!(last - first + 1, call.sent.len() as u64);
        }
    }
}

/// A stay with each of two sources, up and down through the layers.
fn tour() -> Vec<Step> {
    let step = |at: usize| Step {
        watch: at / 20 % 2,
        layers: Layers { spatial: [2, 0, 1][at / 7 % 3], temporal: [2, 0, 2, 1][at / 5 % 4] },
        key: false,
        new_templates: true,
        spatial: None,
        pause_ms: 0,
        fates: vec![Some(0)],
        asks: false,
        encodes_at_once: true,
    };
    (0..80).map(step).collect()
}

#[test]
fn a_stream_whose_number_of_spatial_layers_changes_can_be_decoded_throughout() {
    // What viewers of a small tile, of a growing and shrinking one, and of a large one have chosen.
    let chosen: [fn(u8) -> u8; 3] = [|_| 0, |sent| sent - 1, |_| 2];
    for (codec, of) in [Codec::Vp9, Codec::Av1].into_iter().flat_map(|codec| chosen.map(|of| (codec, of))) {
        let encoding =
            Encoding { codec, spatial: 3, temporal: 3, is_key_mode: true, is_flexible: false, packets: 2 };
        let steps: Vec<Step> = (0..120usize)
            .map(|at| {
                let sent = [3, 2, 1, 3, 1, 2][at / 20];
                let layers = Layers { spatial: of(sent), temporal: 2 };
                let step = tour().swap_remove(0);
                Step { watch: 0, layers, new_templates: false, spatial: Some(sent), ..step }
            })
            .collect();
        let (call, verdict) = run([encoding; SOURCES], 7, &steps, Mistake::None);
        assert!(matches!(verdict, Ok((100.., 0))), "{codec:?}: {verdict:?}");
        let last = call.sent.values().map(|out| out.truth.name.picture).max();
        let top = call.sent.values().rfind(|out| Some(out.truth.name.picture) == last).unwrap();
        assert_eq!(
            top.truth.name.spatial,
            of(2).min(1),
            "{codec:?}: all that is chosen and sent is passed on"
        );
    }
}

#[test]
fn the_receiver_notices_what_is_done_wrong() {
    let encoding = |codec, is_flexible| {
        [Encoding { codec, spatial: 3, temporal: 3, is_key_mode: true, is_flexible, packets: 2 }; SOURCES]
    };
    let (flexible, counted, av1) =
        (encoding(Codec::Vp9, true), encoding(Codec::Vp9, false), encoding(Codec::Av1, false));
    for right in [flexible, counted, av1] {
        let (_, verdict) = run(right, 7, &tour(), Mistake::None);
        assert!(matches!(verdict, Ok((100.., 0))), "{verdict:?}");
    }
    let cases = [
        (flexible, Mistake::KeepsNumbers, Violation::Number),
        (av1, Mistake::KeepsNumbers, Violation::Number),
        (flexible, Mistake::ClosesPictureIds, Violation::WrongReference),
        (counted, Mistake::KeepsTl0, Violation::Tl0),
        (av1, Mistake::KeepsStructure, Violation::Unreadable),
        (flexible, Mistake::LeavesOutLowest, Violation::LeftOut),
        (av1, Mistake::LeavesOutLowest, Violation::LeftOut),
        (flexible, Mistake::RaisesAnywhere, Violation::LeftOut),
        (counted, Mistake::RaisesAnywhere, Violation::LeftOut),
        (av1, Mistake::RaisesAnywhere, Violation::LeftOut),
        (flexible, Mistake::KeepsMarkers, Violation::Marker),
        (av1, Mistake::KeepsMarkers, Violation::Marker),
    ];
    for (encodings, mistake, violation) in cases {
        let (_, verdict) = run(encodings, 7, &tour(), mistake);
        assert_eq!(verdict, Err(violation), "{mistake:?}");
    }
}
