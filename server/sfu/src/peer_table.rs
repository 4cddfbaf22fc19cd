//! The peers of one SFU, found by a key that is never reused.

use crate::peer::Peer;

/// Names one peer of one SFU for its whole life; after that it names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PeerKey {
    index: u32,
    generation: u32,
}

/// A slab. Keys of removed peers find nothing, even when the place is taken again.
#[derive(Debug, Default)]
pub(crate) struct PeerTable {
    places: Vec<Place>,
    free: Vec<u32>,
}

#[derive(Debug, Default)]
struct Place {
    generation: u32,
    /// Boxed, so that taking a peer out to borrow it beside the others moves a pointer.
    peer: Option<Box<Peer>>,
}

impl PeerTable {
    pub(crate) fn insert(&mut self, peer: Box<Peer>) -> PeerKey {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            (self.places.len() - 1) as u32
        });
        let place = &mut self.places[index as usize];
        place.peer = Some(peer);
        PeerKey { index, generation: place.generation }
    }

    pub(crate) fn remove(&mut self, key: PeerKey) -> Option<Box<Peer>> {
        let place =
            self.places.get_mut(key.index as usize).filter(|place| place.generation == key.generation)?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(key.index);
        place.peer.take()
    }

    #[inline]
    pub(crate) fn get(&self, key: PeerKey) -> Option<&Peer> {
        let place = self.places.get(key.index as usize)?;
        place.peer.as_deref().filter(|_| place.generation == key.generation)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: PeerKey) -> Option<&mut Peer> {
        let place = self.places.get_mut(key.index as usize)?;
        place.peer.as_deref_mut().filter(|_| place.generation == key.generation)
    }

    /// Takes a peer out for as long as it is borrowed beside the others. Its key stays valid for
    /// [`Self::give_back`]; until then it finds nothing.
    #[inline]
    pub(crate) fn take(&mut self, key: PeerKey) -> Option<Box<Peer>> {
        let place = self.places.get_mut(key.index as usize)?;
        if place.generation != key.generation {
            return None;
        }
        place.peer.take()
    }

    #[inline]
    pub(crate) fn give_back(&mut self, key: PeerKey, peer: Box<Peer>) {
        self.places[key.index as usize].peer = Some(peer);
    }

    /// Keys of everybody, in the order of their places.
    pub(crate) fn keys(&self) -> impl Iterator<Item = PeerKey> + '_ {
        self.places
            .iter()
            .enumerate()
            .filter(|(_, place)| place.peer.is_some())
            .map(|(index, place)| PeerKey { index: index as u32, generation: place.generation })
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}
