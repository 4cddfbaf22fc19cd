//! Who sits where: an order of the others in which nobody moves without a reason.
//!
//! Newcomers sit down at the end. Who speaks beyond the first page changes places with whoever of the first page has been
//! silent for longest: two tiles change, all others stay. Further pages stand still, so that they can be looked through.

use shared::PeerId;

use super::arrangement::Person;

/// The others in their places, and who spoke when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seating {
    /// As many as there are people; the roster is bounded.
    seats: Vec<Seat>,
    /// Who shares their screen, the latest last.
    screens: Vec<PeerId>,
    /// Who is shown large where only one is.
    speaker: Option<PeerId>,
    /// Counts on with every change of who speaks.
    turn: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seat {
    peer: PeerId,
    speaks: bool,
    /// The turn in which they spoke last; 0: not yet.
    spoke: u64,
}

impl Seating {
    /// Takes note of who came, left, speaks and shares now.
    pub(crate) fn follow(&mut self, people: &[Person]) {
        let others = || people.iter().filter(|person| !person.is_self);
        self.seats.retain(|seat| others().any(|person| person.peer == seat.peer));
        self.turn += 1;
        for person in others() {
            let spoke = if person.speaking { self.turn } else { 0 };
            match self.seats.iter_mut().find(|seat| seat.peer == person.peer) {
                Some(seat) => {
                    seat.speaks = person.speaking;
                    seat.spoke = seat.spoke.max(spoke);
                }
                None => self.seats.push(Seat { peer: person.peer, speaks: person.speaking, spoke }),
            }
        }
        self.screens.retain(|peer| others().any(|person| person.peer == *peer && person.screen));
        for person in others().filter(|person| person.screen) {
            if !self.screens.contains(&person.peer) {
                self.screens.push(person.peer);
            }
        }
        self.follow_speaker();
    }

    /// Whoever is shown large stays so while they speak, and after that until somebody else does.
    fn follow_speaker(&mut self) {
        let current = self.seats.iter().find(|seat| Some(seat.peer) == self.speaker);
        if current.is_some_and(|seat| seat.speaks) {
            return;
        }
        let next = self.seats.iter().find(|seat| seat.speaks).or(current).or(self.seats.first());
        self.speaker = next.map(|seat| seat.peer);
    }

    /// Gives everybody who speaks one of the first `count` places. `except` has a place elsewhere and is not counted.
    pub(crate) fn bring_speakers(&mut self, count: usize, except: Option<PeerId>) {
        let places: Vec<usize> =
            (0..self.seats.len()).filter(|at| Some(self.seats[*at].peer) != except).collect();
        let (first, later) = places.split_at(count.min(places.len()));
        for from in later.iter().copied().filter(|at| self.seats[*at].speaks).collect::<Vec<_>>() {
            let silent = first.iter().copied().filter(|at| !self.seats[*at].speaks);
            // Of those who never spoke, the one who sits farthest back.
            let Some(to) = silent.min_by_key(|at| (self.seats[*at].spoke, std::cmp::Reverse(*at))) else {
                return;
            };
            self.seats.swap(from, to);
        }
    }

    /// The others, from the first place on.
    pub(crate) fn others(&self) -> impl Iterator<Item = PeerId> {
        self.seats.iter().map(|seat| seat.peer)
    }

    /// Whose screens are shared, the latest last.
    pub(crate) fn screens(&self) -> &[PeerId] {
        &self.screens
    }

    /// Who speaks, or spoke last; at first whoever came first.
    pub(crate) const fn speaker(&self) -> Option<PeerId> {
        self.speaker
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(speaking: &[u64]) -> Vec<Person> {
        let person = |number: u64| Person {
            peer: PeerId::new(number),
            is_self: number == 9,
            screen: false,
            speaking: speaking.contains(&number),
        };
        [1, 2, 3, 4, 5, 9].map(person).into()
    }

    fn order(seating: &Seating) -> Vec<u64> {
        seating.others().map(PeerId::number).collect()
    }

    fn heard(seating: &mut Seating, speaking: &[u64]) {
        seating.follow(&people(speaking));
        seating.bring_speakers(3, None);
    }

    #[test]
    fn nobody_moves_without_a_reason() {
        let mut seating = Seating::default();
        for speaking in [&[][..], &[1], &[2, 3], &[9], &[]] {
            heard(&mut seating, speaking);
            assert_eq!(order(&seating), [1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn a_speaker_takes_the_place_of_whoever_was_silent_for_longest() {
        let mut seating = Seating::default();
        heard(&mut seating, &[1]);
        heard(&mut seating, &[3]);
        heard(&mut seating, &[2]);
        heard(&mut seating, &[5]);
        assert_eq!(order(&seating), [5, 2, 3, 4, 1]);
        heard(&mut seating, &[4, 5]);
        assert_eq!(order(&seating), [5, 2, 4, 3, 1]);
    }

    #[test]
    fn who_speaks_is_not_driven_out_by_another_speaker() {
        let mut seating = Seating::default();
        heard(&mut seating, &[1, 2, 3, 4]);
        assert_eq!(order(&seating), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn who_is_shown_large_stays_until_somebody_else_speaks() {
        let mut seating = Seating::default();
        let mut large = |speaking: &[u64]| {
            seating.follow(&people(speaking));
            seating.speaker().map(PeerId::number)
        };
        assert_eq!(large(&[]), Some(1));
        assert_eq!(large(&[3]), Some(3));
        assert_eq!(large(&[2, 3]), Some(3));
        assert_eq!(large(&[]), Some(3));
        assert_eq!(large(&[9]), Some(3), "one's own voice does not count");
        assert_eq!(large(&[2]), Some(2));
    }

    #[test]
    fn who_leaves_leaves_no_trace_and_a_newcomer_sits_down_at_the_end() {
        let mut seating = Seating::default();
        heard(&mut seating, &[5]);
        let gone: Vec<Person> = people(&[]).into_iter().filter(|person| person.peer.number() != 5).collect();
        seating.follow(&gone);
        assert_eq!(order(&seating), [1, 2, 4, 3]);
        assert_eq!(seating.speaker().map(PeerId::number), Some(1));
        heard(&mut seating, &[]);
        assert_eq!(order(&seating), [1, 2, 4, 3, 5]);
    }

    #[test]
    fn the_latest_screen_is_the_last() {
        let mut seating = Seating::default();
        let mut all = people(&[]);
        for number in [4, 2] {
            all[number - 1].screen = true;
            seating.follow(&all);
        }
        assert_eq!(seating.screens(), [PeerId::new(4), PeerId::new(2)]);
        all[1].screen = false;
        seating.follow(&all);
        assert_eq!(seating.screens(), [PeerId::new(4)]);
    }
}
