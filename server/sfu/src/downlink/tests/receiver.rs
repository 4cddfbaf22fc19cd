//! A receiver that judges what arrives: numbers, and whether every reference leads to the frame that is meant.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::publisher::{FrameName, Packet};
use crate::rtp::dependency_descriptor::{Descriptor, Structure};
use crate::rtp::frame::Layers;
use crate::rtp::vp9;

/// A packet as it goes out to the viewer, and what it truly is.
#[derive(Clone, Debug)]
pub(super) struct Out {
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    /// Empty when only its number is used up.
    pub(super) payload: Vec<u8>,
    pub(super) descriptor: Vec<u8>,
    pub(super) source: u32,
    pub(super) truth: Packet,
    /// What the viewer gets when this packet goes out; of a late one's picture it may get another.
    pub(super) layers: Layers,
    pub(super) is_late: bool,
    /// The server could not know its layer.
    pub(super) is_misread: bool,
}

/// A frame of a source.
pub(super) type Frame = (u32, FrameName);

/// What is wrong with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Violation {
    /// A packet of one picture has another timestamp than the rest, or time stands still or goes back.
    Timestamp,
    /// Picture ids or frame numbers stand still or go back, or differ within one picture.
    Number,
    /// TL0PICIDX does not count the pictures of the lowest layer.
    Tl0,
    /// A picture goes on behind its marker, or ends without one.
    Marker,
    /// The descriptor cannot be read, or says another layer.
    Unreadable,
    /// A reference leads to another frame than the one that is meant.
    WrongReference,
    /// A reference leads to a frame that was not forwarded, and not because it was lost.
    LeftOut,
    /// A chain leads to a frame that was not forwarded, or to another one.
    Chain,
    /// Decode targets that do not exist, or not those that are passed on.
    Targets,
}

/// The fields of one packet, as read off it.
struct Read {
    starts: bool,
    ends: bool,
    id: u16,
    layers: Layers,
    /// How far back in ids, and in which spatial layer where that matters.
    references: Vec<(u16, Option<u8>)>,
    tl0: Option<u8>,
    chain: Option<u8>,
}

#[derive(Default)]
pub(super) struct Receiver {
    structure: Option<Box<Structure>>,
    /// The newest id, continued beyond its wrap.
    id: Option<i64>,
    tl0: Option<i64>,
    bases: HashMap<i64, (u32, u64)>,
    /// By id and, for VP9, spatial layer.
    frames: HashMap<(i64, u8), Frame>,
    /// The frame that is being put together, if nothing of it is missing so far.
    building: Option<Frame>,
    decodable: HashSet<Frame>,
    last: Option<Out>,
}

/// Judges what went out, in order; gives the number of frames that can be decoded, and of those that cannot. Losses excuse.
pub(super) fn judge(sent: &BTreeMap<u64, Out>, lost: &HashSet<Frame>) -> Result<(usize, usize), Violation> {
    let mut receiver = Receiver::default();
    let mut before: Option<u64> = None;
    let mut frames = HashSet::new();
    for (index, out) in sent {
        let is_gap = before.is_some_and(|before| before + 1 != *index);
        before = Some(*index);
        if out.payload.is_empty() {
            continue;
        }
        frames.insert((out.source, out.truth.name));
        receiver.receive(out, is_gap, lost)?;
    }
    Ok((receiver.decodable.len(), frames.len() - receiver.decodable.len()))
}

impl Receiver {
    fn receive(&mut self, out: &Out, is_gap: bool, lost: &HashSet<Frame>) -> Result<(), Violation> {
        self.check_timing(out, is_gap)?;
        let structure = (out.source, out.truth.structure);
        let is_excused =
            lost.contains(&structure) || !self.decodable.contains(&structure) && !out.truth.is_key;
        let read = if out.descriptor.is_empty() { read_vp9(out) } else { self.read_descriptor(out) };
        let is_right = |read: &Read| {
            read.layers == Layers { spatial: out.truth.name.spatial, temporal: out.truth.temporal }
        };
        let read = match read {
            Ok(read) if is_right(&read) => read,
            Ok(_) | Err(Violation::Unreadable) if is_excused && !out.descriptor.is_empty() => {
                // What cannot be read has no layers, and so its pictures no end.
                self.building = None;
                self.last = None;
                return Ok(());
            }
            Ok(_) => return Err(Violation::Unreadable),
            Err(violation) => return Err(violation),
        };
        let id = self.check_id(out, read.id)?;
        if let Some(tl0) = read.tl0 {
            self.check_tl0(out, tl0, lost)?;
        }
        let name = (out.source, out.truth.name);
        let is_decodable = self.check_references(out, id, &read, lost)?;
        self.frames.insert((id, spatial_of(out)), name);
        let goes_on = !is_gap && self.building == Some(name);
        if read.starts || goes_on {
            self.building = Some(name);
        } else {
            self.building = None;
        }
        if read.ends && self.building.take().is_some() && is_decodable {
            self.decodable.insert(name);
        }
        self.last = Some(out.clone());
        Ok(())
    }

    fn check_timing(&self, out: &Out, is_gap: bool) -> Result<(), Violation> {
        let Some(last) = &self.last else { return Ok(()) };
        let is_same = (last.source, last.truth.name.picture) == (out.source, out.truth.name.picture);
        let step = out.timestamp.wrapping_sub(last.timestamp) as i32;
        if is_same != (step == 0) || step < 0 {
            return Err(Violation::Timestamp);
        }
        // The end of a picture may be among what is missing.
        let is_misread = last.is_misread || out.is_misread;
        if !is_misread && last.marker == is_same && (last.marker || !is_gap && !last.is_late && ends(last)) {
            return Err(Violation::Marker);
        }
        Ok(())
    }

    /// The id, continued beyond its wrap: the same within a frame, and otherwise greater.
    fn check_id(&mut self, out: &Out, id: u16) -> Result<i64, Violation> {
        let bits = if out.descriptor.is_empty() { 15 } else { 16 };
        let Some(newest) = self.id else { return Ok(*self.id.insert(i64::from(id) + (1 << 20))) };
        let step = (i64::from(id) - newest).rem_euclid(1 << bits);
        let last = self.last.as_ref().map(|last| (last.source, last.truth.name));
        let is_same = match last {
            Some((source, name)) if out.descriptor.is_empty() => {
                (source, name.picture) == (out.source, out.truth.name.picture)
            }
            last => last == Some((out.source, out.truth.name)),
        };
        if is_same != (step == 0) || step >= 1 << (bits - 1) {
            return Err(Violation::Number);
        }
        self.id = Some(newest + step);
        Ok(newest + step)
    }

    /// RFC 9628 §4.2: counts the pictures of the lowest temporal layer; the others repeat the last one's.
    fn check_tl0(&mut self, out: &Out, tl0: u8, lost: &HashSet<Frame>) -> Result<(), Violation> {
        let picture = (out.source, out.truth.name.picture);
        let newest = *self.tl0.get_or_insert(i64::from(tl0) + 1024);
        let step = (i64::from(tl0) - newest).rem_euclid(256);
        if step >= 128 {
            return Err(Violation::Tl0);
        }
        let tl0 = newest + step;
        self.tl0 = Some(tl0);
        let is_base = out.truth.temporal == 0;
        if is_base && *self.bases.entry(tl0).or_insert(picture) != picture {
            return Err(Violation::Tl0);
        }
        if is_base && out.truth.is_key {
            return Ok(());
        }
        // What it refers to is counted one less, or the same.
        let base = (out.source, out.truth.base);
        match self.bases.get(&(tl0 - i64::from(is_base))) {
            Some(found) if *found == base => Ok(()),
            None if lost.iter().any(|(source, name)| (*source, name.picture) == base) => Ok(()),
            _ => Err(Violation::Tl0),
        }
    }

    /// Whether everything that the frame refers to can be decoded.
    fn check_references(
        &self,
        out: &Out,
        id: i64,
        read: &Read,
        lost: &HashSet<Frame>,
    ) -> Result<bool, Violation> {
        let mut is_decodable = true;
        let mut meant = out.truth.references.iter();
        for (distance, spatial) in &read.references {
            let meant = (out.source, *meant.next().ok_or(Violation::WrongReference)?);
            match self.frames.get(&(id - i64::from(*distance), spatial.unwrap_or_default())) {
                Some(found) if *found == meant => is_decodable &= self.decodable.contains(found),
                Some(_) => return Err(Violation::WrongReference),
                None if lost.contains(&meant) => is_decodable = false,
                None => return Err(Violation::LeftOut),
            }
        }
        let chained = out.truth.chained.map(|name| (out.source, name));
        if let (Some(distance @ 1..), Some(meant)) = (read.chain, chained) {
            match self.frames.get(&(id - i64::from(distance), 0)) {
                Some(found) if *found == meant => {}
                None if lost.contains(&meant) => {}
                _ => return Err(Violation::Chain),
            }
        }
        // Without references written, TL0PICIDX and the pattern lead to them.
        let implied = read.tl0.is_some().then(|| out.truth.references.iter()).into_iter().flatten();
        for meant in implied.map(|name| (out.source, *name)) {
            if !self.frames.values().any(|found| *found == meant) && !lost.contains(&meant) {
                return Err(Violation::LeftOut);
            }
            is_decodable &= self.decodable.contains(&meant);
        }
        Ok(is_decodable)
    }

    fn read_descriptor(&mut self, out: &Out) -> Result<Read, Violation> {
        let parsed = Descriptor::parse(&out.descriptor, &mut self.structure);
        let descriptor = parsed.map_err(|_| Violation::Unreadable)?;
        let structure = self.structure.as_deref().ok_or(Violation::Unreadable)?;
        if let Some(targets) = descriptor.active_decode_targets {
            let passed = structure.decode_target_layers().iter().zip(0u32..);
            let passed = passed.filter(|(layers, _)| out.layers.include(**layers));
            let has_all = passed.fold(true, |all, (_, target)| all && targets >> target & 1 == 1);
            if targets >> structure.decode_targets() != 0 || !has_all {
                return Err(Violation::Targets);
            }
        }
        let references = descriptor.references.as_slice().iter().map(|distance| (*distance, None));
        Ok(Read {
            starts: descriptor.start_of_frame,
            ends: descriptor.end_of_frame,
            id: descriptor.frame_number,
            layers: descriptor.layers,
            references: references.collect(),
            tl0: None,
            chain: Some(descriptor.chain_distances[usize::from(descriptor.layers.spatial)]),
        })
    }
}

/// The last packet of the highest layer that is passed on.
fn ends(out: &Out) -> bool {
    let is_end = match vp9::Descriptor::parse(&out.payload) {
        Ok(descriptor) if out.descriptor.is_empty() => descriptor.end_of_frame,
        _ => out.descriptor[0] & 0x40 != 0,
    };
    is_end && (out.truth.marker || out.truth.name.spatial == out.layers.spatial)
}

/// Frame numbers tell spatial layers apart; picture ids do not.
fn spatial_of(out: &Out) -> u8 {
    if out.descriptor.is_empty() { out.truth.name.spatial } else { 0 }
}

fn read_vp9(out: &Out) -> Result<Read, Violation> {
    let descriptor = vp9::Descriptor::parse(&out.payload).map_err(|_| Violation::Unreadable)?;
    let spatial = descriptor.layers.spatial;
    let earlier = descriptor.references.iter().filter(|distance| **distance > 0);
    let mut references: Vec<_> = earlier.map(|distance| (u16::from(*distance), Some(spatial))).collect();
    if descriptor.flexible && descriptor.inter_layer {
        references.push((0, Some(spatial - 1)));
    }
    Ok(Read {
        starts: descriptor.start_of_frame,
        ends: descriptor.end_of_frame,
        id: descriptor.ids.picture_id.ok_or(Violation::Unreadable)?.value,
        layers: descriptor.layers,
        references,
        tl0: descriptor.ids.tl0.map(|field| field.value),
        chain: None,
    })
}
