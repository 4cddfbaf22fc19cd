//! The peers of one SFU, found by a key that is never reused.

/// Names one peer of one SFU for its whole life; after that it names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PeerKey {
    index: u32,
    generation: u32,
}

/// A slab. Keys of removed peers find nothing, even when the place is taken again.
#[derive(Debug)]
pub(crate) struct PeerTable<P> {
    places: Vec<Place<P>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place<P> {
    generation: u32,
    /// Boxed, so that taking a peer out to borrow it beside the others moves a pointer.
    peer: Option<Box<P>>,
}

impl<P> Default for PeerTable<P> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}

impl<P> PeerTable<P> {
    pub(crate) fn insert(&mut self, peer: Box<P>) -> PeerKey {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 0, peer: None });
            (self.places.len() - 1) as u32
        });
        let place = &mut self.places[index as usize];
        place.peer = Some(peer);
        PeerKey { index, generation: place.generation }
    }

    pub(crate) fn remove(&mut self, key: PeerKey) -> Option<Box<P>> {
        let place =
            self.places.get_mut(key.index as usize).filter(|place| place.generation == key.generation)?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(key.index);
        place.peer.take()
    }

    #[inline]
    pub(crate) fn get(&self, key: PeerKey) -> Option<&P> {
        let place = self.places.get(key.index as usize)?;
        place.peer.as_deref().filter(|_| place.generation == key.generation)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: PeerKey) -> Option<&mut P> {
        let place = self.places.get_mut(key.index as usize)?;
        place.peer.as_deref_mut().filter(|_| place.generation == key.generation)
    }

    /// Takes a peer out for as long as it is borrowed beside the others. Its key stays valid for
    /// [`Self::give_back`]; until then it finds nothing.
    #[inline]
    pub(crate) fn take(&mut self, key: PeerKey) -> Option<Box<P>> {
        let place = self.places.get_mut(key.index as usize)?;
        if place.generation != key.generation {
            return None;
        }
        place.peer.take()
    }

    #[inline]
    pub(crate) fn give_back(&mut self, key: PeerKey, peer: Box<P>) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_key_finds_nobody_even_when_its_place_is_taken_again() {
        let mut table = PeerTable::default();
        let ada = table.insert(Box::new("Ada"));
        assert_eq!(table.remove(ada).as_deref(), Some(&"Ada"));
        let bob = table.insert(Box::new("Bob"));
        assert_eq!((table.get(ada), table.get(bob)), (None, Some(&"Bob")));
        assert_eq!(table.remove(ada), None);
        assert_eq!(table.take(ada), None);
        assert_eq!((table.len(), table.keys().collect::<Vec<_>>()), (1, vec![bob]));
    }

    #[test]
    fn a_peer_that_is_taken_out_is_found_again_once_given_back() {
        let mut table = PeerTable::default();
        let key = table.insert(Box::new("Ada"));
        let taken = table.take(key).unwrap();
        assert_eq!(table.get(key), None);
        assert_eq!(table.take(key), None);
        table.give_back(key, taken);
        assert_eq!(table.get_mut(key), Some(&mut "Ada"));
    }
}
