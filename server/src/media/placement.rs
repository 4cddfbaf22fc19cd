//! On which shard a participant is served. Pure: it is told how loaded the shards are.
//!
//! A room stays on one shard as long as that has room: a packet that crosses to another shard is copied once more.
//! Beyond the shard's target the room grows onto the least loaded other one. Nobody is ever moved. Nothing depends
//! on a right choice here: the replicas of a room find each other.

use std::collections::{BTreeMap, HashMap};

use shared::RoomId;

/// A shard that is busier than this takes no further room, and its rooms grow elsewhere: the rest is for bursts.
const BUSY_TARGET_PERMILLE: u32 = 600;
/// Shards whose load differs by less are told apart by their participants: load is measured, and so it wavers.
const BUSY_STEP_PERMILLE: u32 = 50;

/// How loaded a shard is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    /// The part of the last moments that its thread worked, in thousandths.
    pub(super) busy_permille: u32,
    /// Whether its thread runs.
    pub(super) is_alive: bool,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Placement {
    peers_max: usize,
    /// Connections of each room by shard; a room without any is forgotten.
    rooms: HashMap<RoomId, BTreeMap<usize, usize>>,
    /// Connections of each shard.
    connections: Vec<usize>,
}

impl Placement {
    pub(super) fn new(shards: usize, peers_max: usize) -> Self {
        Self { peers_max, rooms: HashMap::new(), connections: vec![0; shards] }
    }

    /// The shard for one more connection to this room, which counts until [`Self::leave`]. `led` is where a resume
    /// token leads: the seat is nowhere else.
    pub(super) fn join(&mut self, room: &RoomId, led: Option<usize>, loads: &[Load]) -> usize {
        let led = led.filter(|shard| loads.get(*shard).is_some_and(|load| load.is_alive));
        let shard = led.unwrap_or_else(|| self.choose(room, loads));
        *self.rooms.entry(room.clone()).or_default().entry(shard).or_default() += 1;
        self.connections[shard] += 1;
        shard
    }

    /// One connection of this room on this shard has ended.
    pub(super) fn leave(&mut self, room: &RoomId, shard: usize) {
        self.connections[shard] = self.connections[shard].saturating_sub(1);
        let Some(shards) = self.rooms.get_mut(room) else { return };
        if let Some(count) = shards.get_mut(&shard) {
            *count -= 1;
        }
        shards.retain(|_, count| *count > 0);
        if shards.is_empty() {
            self.rooms.remove(room);
        }
    }

    fn choose(&self, room: &RoomId, loads: &[Load]) -> usize {
        let here = self.rooms.get(room);
        let count = |shard: usize| here.and_then(|shards| shards.get(&shard)).copied().unwrap_or(0);
        let has_seats = |shard: usize| self.connections[shard] < self.peers_max;
        let is_open = |shard: usize| has_seats(shard) && loads[shard].busy_permille < BUSY_TARGET_PERMILLE;
        let load =
            |shard: usize| (loads[shard].busy_permille / BUSY_STEP_PERMILLE, self.connections[shard], shard);
        let alive = || (0..self.connections.len()).filter(|shard| loads[*shard].is_alive);
        // Most of the room first, so that few streams cross.
        let fullest = alive().filter(|shard| count(*shard) > 0 && is_open(*shard));
        fullest
            .max_by_key(|shard| (count(*shard), std::cmp::Reverse(*shard)))
            .or_else(|| alive().filter(|shard| is_open(*shard)).min_by_key(|shard| load(*shard)))
            .or_else(|| alive().filter(|shard| has_seats(*shard)).min_by_key(|shard| load(*shard)))
            .or_else(|| alive().min_by_key(|shard| load(*shard)))
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str) -> RoomId {
        RoomId::new(name).unwrap()
    }

    fn loads<const N: usize>(busy_permille: [u32; N]) -> [Load; N] {
        busy_permille.map(|busy_permille| Load { busy_permille, is_alive: true })
    }

    #[test]
    fn new_rooms_are_spread_and_a_room_stays_together() {
        let mut placement = Placement::new(2, 100);
        let idle = loads([0, 0]);
        let mut join = |name| placement.join(&room(name), None, &idle);
        assert_eq!(["red", "red", "blue", "blue", "red"].map(&mut join), [0, 0, 1, 1, 0]);
    }

    #[test]
    fn a_busy_shard_gets_no_new_room() {
        let mut placement = Placement::new(3, 100);
        assert_eq!(placement.join(&room("red"), None, &loads([300, 100, 200])), 1);
        assert_eq!(placement.join(&room("blue"), None, &loads([300, 330, 200])), 2);
    }

    #[test]
    fn a_room_grows_onto_another_shard_at_the_target_load() {
        let mut placement = Placement::new(2, 100);
        let red = room("red");
        assert_eq!(placement.join(&red, None, &loads([0, 0])), 0);
        assert_eq!(placement.join(&red, None, &loads([599, 0])), 0);
        assert_eq!(placement.join(&red, None, &loads([600, 0])), 1);
        assert_eq!(placement.join(&red, None, &loads([400, 0])), 0, "back where most of it is");
    }

    #[test]
    fn a_room_grows_when_the_seats_of_its_shard_are_taken() {
        let mut placement = Placement::new(2, 2);
        let red = room("red");
        let mut join = || placement.join(&red, None, &loads([0, 0]));
        assert_eq!([join(), join(), join(), join()], [0, 0, 1, 1]);
        assert_eq!(join(), 0, "all are full: the shard refuses");
        for shard in [1, 1, 0, 0, 0] {
            placement.leave(&red, shard);
        }
        assert!(placement.rooms.is_empty());
        assert_eq!(placement.connections, [0, 0]);
    }

    #[test]
    fn a_token_leads_back_while_its_shard_lives() {
        let mut placement = Placement::new(2, 1);
        let red = room("red");
        assert_eq!(placement.join(&red, Some(1), &loads([0, 900])), 1);
        assert_eq!(placement.join(&red, Some(1), &loads([0, 900])), 1, "even when it is full");
        assert_eq!(placement.join(&red, Some(7), &loads([0, 0])), 0, "no such shard any more");
        let mut dead = loads([0, 0]);
        dead[1].is_alive = false;
        assert_eq!(placement.join(&room("blue"), Some(1), &dead), 0);
    }

    #[test]
    fn when_all_are_busy_the_least_busy_takes_it() {
        let mut placement = Placement::new(2, 10);
        assert_eq!(placement.join(&room("red"), None, &loads([900, 700])), 1);
    }
}
