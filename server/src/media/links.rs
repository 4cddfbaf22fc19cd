//! The links between shards: one bounded ring for each ordered pair, and the policy when a ring is full.
//!
//! No lock: the standard library's bounded channel is an array of slots with atomic stamps. Media that finds no room
//! is dropped and counted; control waits in a backlog, in order, and when even that is full the link is emptied and
//! everything is told again ([`sfu::Sfu::resync_relay`]).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Instant;

use sfu::{RelayMessage, Sfu, ShardId};

use super::socket::Waker;

/// Messages on the way into one shard, about 100 bytes each: a tenth of a second of 60,000 packets a second. Shared out
/// among the shards that send to it.
const RING_TOTAL: usize = 8192;
const RING_MIN: usize = 256;
/// Control messages that wait for one shard. A shard that takes nothing for so long is stuck.
const BACKLOG_MAX: usize = 16_384;
/// Messages taken from one link in a turn.
const TAKEN_A_TURN: usize = 256;

/// One shard's ends of all its links.
#[derive(Debug, Default)]
pub(super) struct Links {
    outgoing: Vec<Outgoing>,
    incoming: Vec<(ShardId, Receiver<RelayMessage>)>,
    /// Media packets that found no room.
    pub(super) dropped: u64,
}

#[derive(Debug)]
struct Outgoing {
    to: ShardId,
    ring: SyncSender<RelayMessage>,
    waker: Arc<Waker>,
    backlog: VecDeque<RelayMessage>,
    has_news: bool,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Control was lost: told anew once the other side takes messages again.
    Lossy,
    /// The other side has ended.
    Closed,
    /// And its people are gone.
    Forgotten,
}

/// The links of as many shards as there are wakers.
pub(super) fn between(wakers: &[Arc<Waker>]) -> Vec<Links> {
    let mut all: Vec<Links> = wakers.iter().map(|_| Links::default()).collect();
    let capacity = (RING_TOTAL / wakers.len().max(2).saturating_sub(1)).max(RING_MIN);
    for from in 0..wakers.len() {
        for (to, waker) in wakers.iter().enumerate().filter(|(to, _)| *to != from) {
            let (ring, receiver) = sync_channel(capacity);
            all[from].outgoing.push(Outgoing {
                to: shard_id(to),
                ring,
                waker: Arc::clone(waker),
                backlog: VecDeque::new(),
                has_news: false,
                state: State::Open,
            });
            all[to].incoming.push((shard_id(from), receiver));
        }
    }
    all
}

/// The name of the shard with this index; the configuration allows no more than there are names.
pub(super) fn shard_id(index: usize) -> ShardId {
    ShardId(u8::try_from(index).unwrap_or(u8::MAX))
}

impl Links {
    /// Hands over what other shards have sent. Returns whether more is waiting.
    pub(super) fn receive(&self, now: Instant, sfu: &mut Sfu) -> bool {
        let mut is_more = false;
        for (from, ring) in &self.incoming {
            let mut taken = 0;
            for message in ring.try_iter().take(TAKEN_A_TURN) {
                sfu.handle_relay(now, *from, message);
                taken += 1;
            }
            is_more |= taken == TAKEN_A_TURN;
        }
        is_more
    }

    /// Sends what the SFU has for other shards, and wakes them. Returns whether the SFU has more to say now.
    pub(super) fn send(&mut self, now: Instant, sfu: &mut Sfu) -> bool {
        while let Some((to, message)) = sfu.poll_relay() {
            if let Some(link) = self.outgoing.iter_mut().find(|link| link.to == to) {
                self.dropped += u64::from(!link.send(message));
            }
        }
        let mut has_more = false;
        for link in &mut self.outgoing {
            link.work_off();
            has_more |= link.mend(now, sfu);
            if std::mem::take(&mut link.has_news) {
                link.waker.wake();
            }
        }
        has_more
    }
}

impl Outgoing {
    /// Returns false when a media packet was dropped.
    fn send(&mut self, message: RelayMessage) -> bool {
        match self.state {
            // What is lost is told again; what was dropped before a resync would come out of order after it.
            State::Lossy | State::Closed | State::Forgotten => return !message.is_media(),
            State::Open => {}
        }
        if !self.backlog.is_empty() {
            return self.put_off(message);
        }
        match self.ring.try_send(message) {
            Ok(()) => {
                self.has_news = true;
                true
            }
            Err(TrySendError::Full(message)) => self.put_off(message),
            Err(TrySendError::Disconnected(_)) => {
                self.close();
                true
            }
        }
    }

    fn put_off(&mut self, message: RelayMessage) -> bool {
        if message.is_media() {
            return false;
        }
        if self.backlog.len() >= BACKLOG_MAX {
            self.backlog.clear();
            self.state = State::Lossy;
        } else {
            self.backlog.push_back(message);
        }
        true
    }

    /// Moves what waits into the ring, as far as there is room.
    fn work_off(&mut self) {
        while let Some(message) = self.backlog.pop_front() {
            match self.ring.try_send(message) {
                Ok(()) => self.has_news = true,
                Err(TrySendError::Full(message)) => {
                    self.backlog.push_front(message);
                    return;
                }
                Err(TrySendError::Disconnected(_)) => return self.close(),
            }
        }
    }

    fn close(&mut self) {
        self.backlog.clear();
        self.state = State::Closed;
        self.has_news = false;
    }

    /// Tells the SFU what became of the link, once. Returns whether that gave it something to say.
    fn mend(&mut self, now: Instant, sfu: &mut Sfu) -> bool {
        match self.state {
            State::Open | State::Forgotten => false,
            State::Lossy => {
                // One message finds out whether the other side takes any again.
                if self.ring.try_send(RelayMessage::Streams(Vec::new())).is_err() {
                    return false;
                }
                self.state = State::Open;
                tracing::warn!(to = self.to.0, "a media thread was stuck; it is told everything anew");
                sfu.resync_relay(now, self.to);
                true
            }
            State::Closed => {
                self.state = State::Forgotten;
                sfu.close_relay(now, self.to);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::RoomId;

    use super::*;

    fn control(number: usize) -> RelayMessage {
        RelayMessage::Gone { room: RoomId::new(&format!("room-{number}")).unwrap() }
    }

    fn two() -> (Links, Links) {
        let wakers: Vec<Arc<Waker>> = (0..2).map(|_| Arc::new(Waker::new().unwrap())).collect();
        let mut links = between(&wakers).into_iter();
        (links.next().unwrap(), links.next().unwrap())
    }

    #[test]
    fn every_shard_has_a_link_to_and_from_every_other() {
        let wakers: Vec<Arc<Waker>> = (0..4).map(|_| Arc::new(Waker::new().unwrap())).collect();
        for (index, links) in between(&wakers).iter().enumerate() {
            let to: Vec<ShardId> = links.outgoing.iter().map(|link| link.to).collect();
            let from: Vec<ShardId> = links.incoming.iter().map(|(from, _)| *from).collect();
            let others: Vec<ShardId> = (0..4).filter(|other| *other != index).map(shard_id).collect();
            assert_eq!((to, from), (others.clone(), others));
        }
    }

    #[test]
    fn control_waits_in_order_when_the_ring_is_full() {
        let (mut one, other) = two();
        let link = &mut one.outgoing[0];
        for number in 0..RING_TOTAL + 100 {
            assert!(link.send(control(number)));
        }
        assert_eq!(link.backlog.len(), 100);
        let mut received = Vec::new();
        for _ in 0..2 {
            received.extend(other.incoming[0].1.try_iter());
            link.work_off();
        }
        received.extend(other.incoming[0].1.try_iter());
        let rooms = received.into_iter().map(|message| {
            let RelayMessage::Gone { room } = message else { panic!("{message:?}") };
            room.as_str().to_owned()
        });
        let expected: Vec<String> = (0..RING_TOTAL + 100).map(|number| format!("room-{number}")).collect();
        assert_eq!(rooms.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_stuck_shard_is_told_everything_anew_once_it_moves() {
        let (mut one, other) = two();
        let now = Instant::now();
        let mut sfu = crate::media::tests::bare_sfu(now);
        for number in 0..RING_TOTAL + BACKLOG_MAX + 1 {
            one.outgoing[0].send(control(number));
        }
        assert_eq!(one.outgoing[0].state, State::Lossy);
        assert!(!one.send(now, &mut sfu), "it is still stuck");
        assert_eq!(other.incoming[0].1.try_iter().count(), RING_TOTAL);
        assert!(one.send(now, &mut sfu));
        assert!(!one.send(now, &mut sfu));
        let told: Vec<RelayMessage> = other.incoming[0].1.try_iter().collect();
        assert!(matches!(told[..], [RelayMessage::Streams(_), RelayMessage::Rooms(_)]), "{told:?}");
    }

    #[test]
    fn the_end_of_a_shard_is_noticed() {
        let (mut one, other) = two();
        drop(other);
        assert!(one.outgoing[0].send(control(1)));
        assert_eq!(one.outgoing[0].state, State::Closed);
    }
}
