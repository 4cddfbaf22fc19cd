//! How well each person reaches this one, by what is received of them (W3C WebRTC Statistics, `RTCInboundRtpStreamStats`),
//! and how well this one is received.

use std::time::Duration;

use engine::Engine;
use shared::PeerId;

use super::call_view_model::Signal;

/// The counters of one slot at one time.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct SlotReading {
    /// The slot (`a=mid`).
    pub(crate) mid: String,
    /// `packetsReceived`.
    pub(crate) received: f64,
    /// `packetsLost`: never came, not even when asked for again.
    pub(crate) lost: f64,
    /// `totalFreezesDuration` in seconds; 0 where the browser does not say.
    pub(crate) frozen_s: f64,
}

/// What the other side says of what this one sends (`RTCRemoteInboundRtpStreamStats`).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct UplinkReading {
    /// `fractionLost`, the worst of all streams.
    pub(crate) fraction_lost: f64,
    /// `roundTripTime` in seconds, the worst of all streams.
    pub(crate) round_trip_s: f64,
}

/// Everything that was asked for at once, and whose each slot was then.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ReceptionReading {
    /// What is received.
    pub(crate) slots: Vec<SlotReading>,
    /// What is sent; nothing while nobody has said.
    pub(crate) uplink: Option<UplinkReading>,
}

/// The quality of each person. Who is not named is not judged: nothing came of them that could be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Reception {
    people: Vec<(PeerId, Signal)>,
    uplink: Option<Signal>,
}

/// Whose the slots are.
pub(crate) fn owners(engine: &Engine) -> Vec<(String, PeerId)> {
    let owner = |slot: &engine::Slot| Some((slot.mid.clone(), slot.source?.peer));
    engine.slots().iter().filter_map(owner).collect()
}

impl Reception {
    /// Judges by two readings, `interval` apart. Only slots that belonged to the same person at both count.
    pub(crate) fn between(
        before: (&ReceptionReading, &[(String, PeerId)]),
        now: (&ReceptionReading, &[(String, PeerId)]),
        interval: Duration,
    ) -> Self {
        let mut people: Vec<(PeerId, Signal)> = Vec::new();
        for reading in &now.0.slots {
            let owner = |owners: &[(String, PeerId)]| {
                owners.iter().find(|(mid, _)| *mid == reading.mid).map(|(_, peer)| *peer)
            };
            let Some(peer) = owner(now.1).filter(|peer| owner(before.1) == Some(*peer)) else { continue };
            let Some(earlier) = before.0.slots.iter().find(|earlier| earlier.mid == reading.mid) else {
                continue;
            };
            let Some(signal) = judge_slot(earlier, reading, interval) else { continue };
            match people.iter_mut().find(|(known, _)| *known == peer) {
                Some((_, worst)) => *worst = worse(*worst, signal),
                None => people.push((peer, signal)),
            }
        }
        Self { people, uplink: now.0.uplink.map(judge_uplink) }
    }

    /// Of one of the others.
    pub(crate) fn of(&self, peer: PeerId) -> Option<Signal> {
        self.people.iter().find(|(known, _)| *known == peer).map(|(_, signal)| *signal)
    }

    /// Of oneself: what arrives, as the engine judges it, or what the others get, whichever is worse.
    pub(crate) fn own(&self, downlink: Signal) -> Signal {
        self.uplink.map_or(downlink, |uplink| worse(uplink, downlink))
    }
}

fn judge_slot(before: &SlotReading, now: &SlotReading, interval: Duration) -> Option<Signal> {
    let (received, lost) = (now.received - before.received, (now.lost - before.lost).max(0.0));
    // Counters that went back are those of another connection; a handful of packets says nothing.
    if received < 0.0 || received + lost < PACKETS_MIN {
        return None;
    }
    let frozen = (now.frozen_s - before.frozen_s).max(0.0) / interval.as_secs_f64().max(0.1);
    Some(grade(lost / (received + lost), LOSS_FAIR, LOSS_POOR))
        .map(|by_loss| worse(by_loss, grade(frozen, 0.05, 0.25)))
}

fn judge_uplink(uplink: UplinkReading) -> Signal {
    worse(grade(uplink.fraction_lost, LOSS_FAIR, LOSS_POOR), grade(uplink.round_trip_s, 0.3, 0.8))
}

fn grade(value: f64, fair: f64, poor: f64) -> Signal {
    if value > poor {
        Signal::Weak
    } else if value > fair {
        Signal::Medium
    } else {
        Signal::Strong
    }
}

fn worse(one: Signal, other: Signal) -> Signal {
    let rank = |signal: Signal| match signal {
        Signal::None => 0,
        Signal::Weak => 1,
        Signal::Medium => 2,
        Signal::Strong => 3,
    };
    if rank(one) <= rank(other) { one } else { other }
}

/// From here on repaired audio begins to be noticed …
const LOSS_FAIR: f64 = 0.03;
/// … and from here on nobody can overhear it.
const LOSS_POOR: f64 = 0.10;
/// Fewer packets than this between two readings are no sample.
const PACKETS_MIN: f64 = 20.0;

#[cfg(test)]
mod tests {
    use super::*;

    const BO: PeerId = PeerId::new(2);
    const SECONDS: Duration = Duration::from_secs(3);

    fn reading(received: f64, lost: f64, frozen_s: f64) -> ReceptionReading {
        let slot = SlotReading { mid: "v0".to_owned(), received, lost, frozen_s };
        ReceptionReading { slots: vec![slot], uplink: None }
    }

    fn judged(now: &ReceptionReading, owner: PeerId) -> Option<Signal> {
        let before = reading(1_000.0, 10.0, 1.0);
        let [then, owners] = [BO, owner].map(|peer| [("v0".to_owned(), peer)]);
        Reception::between((&before, &then), (now, &owners), SECONDS).of(BO)
    }

    #[test]
    fn loss_and_freezes_take_bars_away() {
        assert_eq!(judged(&reading(1_300.0, 10.0, 1.0), BO), Some(Signal::Strong));
        assert_eq!(judged(&reading(1_285.0, 25.0, 1.0), BO), Some(Signal::Medium));
        assert_eq!(judged(&reading(1_200.0, 110.0, 1.0), BO), Some(Signal::Weak));
        assert_eq!(judged(&reading(1_300.0, 10.0, 2.0), BO), Some(Signal::Weak));
    }

    #[test]
    fn what_says_nothing_is_not_judged() {
        assert_eq!(judged(&reading(1_005.0, 10.0, 1.0), BO), None, "hardly anything came");
        assert_eq!(judged(&reading(5.0, 0.0, 0.0), BO), None, "another connection");
        assert_eq!(
            judged(&reading(1_300.0, 10.0, 1.0), PeerId::new(3)),
            None,
            "the slot was somebody else's"
        );
    }

    #[test]
    fn the_own_quality_is_the_worse_of_both_ways() {
        let uplink = |fraction_lost, round_trip_s| Reception {
            people: Vec::new(),
            uplink: Some(judge_uplink(UplinkReading { fraction_lost, round_trip_s })),
        };
        assert_eq!(uplink(0.0, 0.05).own(Signal::Strong), Signal::Strong);
        assert_eq!(uplink(0.2, 0.05).own(Signal::Strong), Signal::Weak);
        assert_eq!(uplink(0.0, 0.5).own(Signal::Strong), Signal::Medium);
        assert_eq!(uplink(0.0, 0.05).own(Signal::None), Signal::None);
        assert_eq!(Reception::default().own(Signal::Medium), Signal::Medium);
    }
}
