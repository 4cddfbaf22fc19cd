//! Telling publishers which of their layers to send: who wants what, and what each publisher was told.

use std::time::Instant;

use shared::SourceKind;

use crate::dynacast::{self, Demand, LayerSet};
use crate::event::{Notice, RequestedLayers};
use crate::layer::Layer;
use crate::peer::Peer;
use crate::peer_table::PeerKey;
use crate::relay::{RelayMessage, ShardId, Source, WantedLayers};
use crate::rtp::identifier::Mid;
use crate::sfu::Sfu;
use crate::uplink::{Publication, Stream, Uplink};

/// One viewer's demand, and of which publication.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interest {
    pub(crate) publisher: PeerKey,
    pub(crate) mid: Mid,
    pub(crate) demand: Demand,
}

impl Sfu {
    /// Pauses what nobody in the room could use, resumes what somebody could, and tells those it concerns. `interests`
    /// are in order of their publishers.
    pub(crate) fn suspend_layers(&mut self, now: Instant, members: &[PeerKey], interests: &[Interest]) {
        let is_kept = (2..=dynacast::KEPT_PEOPLE_MAX).contains(&members.len());
        for key in members {
            let Some(publisher) = self.peers.get_mut(*key) else { continue };
            let own = of_publisher(interests, *key).iter();
            if let Some(home) = publisher.home {
                self.relay_interest(home.shard, *key, own);
                continue;
            }
            if decide(now, publisher, own, is_kept) {
                // What was resumed can be waited for now.
                let room = publisher.room.clone();
                self.mark_dirty(&room);
            }
            self.tell_layers(*key);
        }
    }

    /// Tells a member's home what our viewers could use of it, where that changed.
    fn relay_interest<'a>(
        &mut self,
        home: ShardId,
        key: PeerKey,
        interests: impl Iterator<Item = &'a Interest> + Clone,
    ) {
        let Some(publisher) = self.peers.get_mut(key) else { return };
        let mut changed = Vec::new();
        for publication in publisher.uplink.publications.iter().filter(|one| !one.kind.is_audio()) {
            let wanted = wanted(publication, &publisher.uplink.streams, interests.clone());
            if publication.elsewhere != [(home, wanted)] {
                changed.push((publication.mid, wanted));
            }
        }
        let peer = publisher.id;
        for (mid, wanted) in &changed {
            publisher.uplink.note_interest(home, *mid, *wanted);
        }
        for (mid, wanted) in changed {
            let (source, wanted) = (Source(mid), WantedLayers(wanted));
            self.relay.send(home, RelayMessage::Interest { peer, source, wanted });
        }
    }

    fn tell_layers(&mut self, key: PeerKey) {
        let Some(publisher) = self.peers.get_mut(key) else { return };
        let Some(connection) = publisher.connection.filter(|_| publisher.suspends_layers) else { return };
        let requested = requested(&publisher.uplink);
        if publisher.told_layers == requested {
            return;
        }
        publisher.told_layers.clone_from(&requested);
        self.tell(connection, Notice::Layers(requested));
    }
}

/// The interests in one publisher, among those in order of their publishers.
fn of_publisher(interests: &[Interest], publisher: PeerKey) -> &[Interest] {
    let from = interests.partition_point(|interest| interest.publisher < publisher);
    let own = &interests[from..];
    &own[..own.partition_point(|interest| interest.publisher == publisher)]
}

/// Decides for everything that one peer publishes; returns whether a layer was resumed.
fn decide<'a>(
    now: Instant,
    publisher: &mut Peer,
    interests: impl Iterator<Item = &'a Interest> + Clone,
    is_kept: bool,
) -> bool {
    let Uplink { publications, streams, .. } = &mut publisher.uplink;
    let mut has_resumed = false;
    for publication in publications.iter_mut().filter(|publication| !publication.kind.is_audio()) {
        if !publisher.suspends_layers {
            // Who cannot be told sends everything.
            has_resumed |= publication.dynacast.want(now, LayerSet::ALL);
            continue;
        }
        let here = wanted(publication, streams, interests.clone());
        let mut all = publication.elsewhere.iter().fold(here, |all, (_, wanted)| all.union(*wanted));
        if is_kept {
            all = all.union(dynacast::smallest(&layers(publication, streams)));
        }
        has_resumed |= publication.dynacast.want(now, all);
    }
    has_resumed
}

/// What our viewers could use of a publication.
fn wanted<'a>(
    publication: &Publication,
    streams: &[Stream],
    interests: impl Iterator<Item = &'a Interest>,
) -> LayerSet {
    let layers = layers(publication, streams);
    let usable = |demand: Demand| {
        if publication.layers.is_empty() {
            dynacast::usable_sizes(demand.max_height)
        } else {
            dynacast::usable(&layers, demand)
        }
    };
    let own = interests.filter(|interest| interest.mid == publication.mid);
    own.fold(LayerSet::NONE, |all, interest| all.union(usable(interest.demand)))
}

/// All layers of a publication, whether they are sent or not; one without simulcast.
fn layers(publication: &Publication, streams: &[Stream]) -> Vec<Layer> {
    let height = |rank: usize| {
        let stream = streams.iter().find(|stream| stream.mid == publication.mid && stream.layer == rank);
        stream.and_then(|stream| stream.resolution).map(|resolution| resolution.height)
    };
    (0..publication.layers.len().max(1)).map(|rank| Layer { rank, height: height(rank) }).collect()
}

/// What the client shall send of its pictures. What is sent whole is not named.
fn requested(uplink: &Uplink) -> Vec<RequestedLayers> {
    let of = |publication: &Publication| {
        let asked = publication.dynacast.asked();
        let count = publication.layers.len().max(1);
        let max_height = max_height(publication);
        let is_whole = (0..count).all(|layer| asked.contains(layer)) && max_height.is_none();
        if publication.kind.is_audio() || is_whole {
            return None;
        }
        let sent = publication.layers.iter().enumerate().filter(|(rank, _)| asked.contains(*rank));
        let rids: Vec<String> = sent.map(|(_, rid)| rid.as_str().to_owned()).collect();
        let active = !rids.is_empty() || max_height.is_some();
        Some(RequestedLayers { mid: publication.mid.as_str().to_owned(), active, rids, max_height })
    };
    uplink.publications.iter().filter_map(of).collect()
}

/// How large what is one stream need be. Screens are never made smaller: their text must stay sharp, and they cost little.
fn max_height(publication: &Publication) -> Option<u16> {
    let is_one_camera = publication.layers.is_empty() && publication.kind == SourceKind::Camera;
    is_one_camera.then(|| dynacast::max_height(publication.dynacast.asked())).flatten()
}

impl Uplink {
    /// What viewers at another SFU could use of a source.
    pub(crate) fn note_interest(&mut self, shard: ShardId, mid: Mid, wanted: LayerSet) {
        let Some(publication) = self.publications.iter_mut().find(|one| one.mid == mid) else { return };
        publication.elsewhere.retain(|(other, _)| *other != shard);
        publication.elsewhere.push((shard, wanted));
    }

    /// Another SFU has no part in the room any more, or begins anew.
    pub(crate) fn forget_interest(&mut self, shard: ShardId) {
        for publication in &mut self.publications {
            publication.elsewhere.retain(|(other, _)| *other != shard);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer_table::PeerTable;

    #[test]
    fn the_interests_in_a_publisher_are_found_and_no_others() {
        let mut table = PeerTable::default();
        let keys: Vec<PeerKey> = (0..4).map(|_| table.insert(Box::new(()))).collect();
        let demand = Demand { max_height: 180, raise: None, shown: None };
        let interest = |key: usize| Interest { publisher: keys[key], mid: Mid::new("1").unwrap(), demand };
        let interests = [interest(0), interest(2), interest(2), interest(3)];
        let counts: Vec<usize> = keys.iter().map(|key| of_publisher(&interests, *key).len()).collect();
        assert_eq!(counts, [1, 0, 2, 1]);
        assert!(of_publisher(&interests, keys[2]).iter().all(|interest| interest.publisher == keys[2]));
        assert!(of_publisher(&[], keys[0]).is_empty());
    }
}
