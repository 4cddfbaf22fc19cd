//! What is said, in writing: who may feed it, who gets it, and what is kept for a moment.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sfu::ConnectionId;
use shared::PeerId;
use shared::caption::{Caption, CaptionCue};

use super::output::{Output, Refusal, Told};
use super::state::{Meeting, Now};
use super::window::Window;

/// Captions of one feeder within [`SPAN`]. One too many is refused and not put off: nobody has use for captions that
/// come late, and a feeder that goes on says the same piece again anyway.
const CAPTIONS_MAX: usize = 40;
const SPAN: Duration = Duration::from_secs(2);
/// Feeders of one meeting that are known; the one that has said nothing for longest is forgotten first, and is another
/// one when it comes back.
const FEEDERS_MAX: usize = 32;
/// Final captions that are kept for who switches captions on, and for how long; the oldest are forgotten first.
const KEPT_MAX: usize = 5;
const KEPT_FOR: Duration = Duration::from_secs(30);

/// Who feeds captions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Feeder {
    /// Somebody in the meeting, whose token lets them.
    Seat(PeerId),
    /// A program of the operator, by the id of its key.
    Key(Arc<str>),
}

/// Why a caption was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CaptionRefusal {
    /// The speaker is not in the meeting, or not shown to the others.
    #[error("the speaker is not in the meeting")]
    NoSuchSpeaker,
    /// Too much in too short a time.
    #[error("too many captions in too short a time")]
    TooFast,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Captions {
    /// Who said something last is the last; at most [`FEEDERS_MAX`].
    feeders: VecDeque<Fed>,
    /// Of the newest feeder ever.
    last_number: u32,
    /// Final ones, oldest first; at most [`KEPT_MAX`].
    kept: VecDeque<(Instant, Caption)>,
}

#[derive(Debug)]
struct Fed {
    feeder: Feeder,
    number: u32,
    window: Window,
}

impl Captions {
    /// One more of this feeder: the caption as everybody gets it, or nothing when it is one too many.
    fn add(&mut self, now: Instant, feeder: Feeder, cue: CaptionCue) -> Option<Caption> {
        let mut fed = self.take_out(feeder);
        let is_allowed = fed.window.take(now);
        let caption = Caption { feeder: fed.number, cue };
        self.feeders.push_back(fed);
        if !is_allowed {
            return None;
        }
        if caption.cue.is_final {
            self.keep(now, caption.clone());
        }
        Some(caption)
    }

    fn take_out(&mut self, feeder: Feeder) -> Fed {
        let known = self.feeders.iter().position(|fed| fed.feeder == feeder);
        if let Some(fed) = known.and_then(|at| self.feeders.remove(at)) {
            return fed;
        }
        if self.feeders.len() >= FEEDERS_MAX {
            self.feeders.pop_front();
        }
        self.last_number = self.last_number.wrapping_add(1);
        Fed { feeder, number: self.last_number, window: Window::new(CAPTIONS_MAX, SPAN) }
    }

    /// What is said again is put right where it stands.
    fn keep(&mut self, now: Instant, caption: Caption) {
        self.forget_old(now);
        let is_same =
            |kept: &Caption| kept.feeder == caption.feeder && kept.cue.segment == caption.cue.segment;
        if let Some((_, kept)) = self.kept.iter_mut().find(|(_, kept)| is_same(kept)) {
            *kept = caption;
            return;
        }
        if self.kept.len() >= KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back((now, caption));
    }

    fn forget_old(&mut self, now: Instant) {
        while self.kept.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > KEPT_FOR) {
            self.kept.pop_front();
        }
    }

    /// What was said last, oldest first.
    fn recent(&mut self, now: Instant) -> impl Iterator<Item = Caption> + '_ {
        self.forget_old(now);
        self.kept.iter().map(|(_, caption)| caption.clone())
    }
}

impl Meeting {
    /// Somebody in the meeting writes down what is said.
    pub(crate) fn caption(&mut self, now: Now, connection: ConnectionId, cue: CaptionCue) {
        let request = "caption";
        let Some((peer, seat)) = self.seat_of(connection) else { return };
        if !seat.may_caption {
            let reason = "Your invitation does not let you write captions.";
            return self.refuse(connection, Refusal::NotPossible { request, reason });
        }
        match self.feed_caption(now, Feeder::Seat(peer), cue) {
            Ok(()) => {}
            Err(CaptionRefusal::NoSuchSpeaker) => {
                let reason = "The speaker of this caption is not in the meeting.";
                self.refuse(connection, Refusal::NotPossible { request, reason });
            }
            Err(CaptionRefusal::TooFast) => self.refuse(connection, Refusal::TooFast { request }),
        }
    }

    /// Whoever has the right writes down what is said: everybody who wants captions gets it.
    ///
    /// # Errors
    /// [`CaptionRefusal`]; then nobody got it.
    pub(crate) fn feed_caption(
        &mut self,
        now: Now,
        feeder: Feeder,
        cue: CaptionCue,
    ) -> Result<(), CaptionRefusal> {
        let name = match cue.speaker {
            Some(peer) => {
                let speaker = self.seats.get(&peer).filter(|seat| !seat.is_hidden);
                Some(speaker.ok_or(CaptionRefusal::NoSuchSpeaker)?.name.clone())
            }
            None => cue.name,
        };
        let cue = CaptionCue { name, ..cue };
        let caption = self.captions.add(now.instant, feeder, cue).ok_or(CaptionRefusal::TooFast)?;
        for seat in self.seats.values().filter(|seat| seat.wants_captions) {
            if let Some(connection) = seat.connection {
                let told = Told::Caption(caption.clone());
                self.outputs.push_back(Output::Tell { connection, told });
            }
        }
        Ok(())
    }

    /// Somebody shows captions, or not any more.
    pub(crate) fn want_captions(&mut self, now: Now, connection: ConnectionId, wanted: bool) {
        let Some((_, seat)) = self.seat_of(connection) else { return };
        let is_new = wanted && !seat.wants_captions;
        seat.wants_captions = wanted;
        if is_new {
            for caption in self.captions.recent(now.instant) {
                self.outputs.push_back(Output::Tell { connection, told: Told::Caption(caption) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::caption::CaptionText;

    use super::*;

    fn cue(segment: u32, text: &str) -> CaptionCue {
        let text = CaptionText::new(text).unwrap();
        CaptionCue { segment, speaker: None, name: None, language: None, text, is_final: true }
    }

    fn key(number: usize) -> Feeder {
        Feeder::Key(format!("key-{number}").into())
    }

    fn texts(captions: &mut Captions, now: Instant) -> Vec<String> {
        captions.recent(now).map(|caption| caption.cue.text.as_str().to_owned()).collect()
    }

    #[test]
    fn the_last_final_captions_are_kept_for_a_while_and_put_right() {
        let (mut captions, start) = (Captions::default(), Instant::now());
        for segment in 0..7 {
            captions.add(start, key(1), cue(segment, &format!("{segment}"))).unwrap();
        }
        captions.add(start, key(1), CaptionCue { is_final: false, ..cue(9, "perhaps") }).unwrap();
        captions.add(start, key(1), cue(4, "four")).unwrap();
        assert_eq!(texts(&mut captions, start + KEPT_FOR), ["2", "3", "four", "5", "6"]);
        assert!(texts(&mut captions, start + KEPT_FOR + Duration::from_millis(1)).is_empty());
    }

    #[test]
    fn each_feeder_has_its_number_and_its_own_bound() {
        let (mut captions, start) = (Captions::default(), Instant::now());
        for segment in 0..CAPTIONS_MAX as u32 {
            assert_eq!(captions.add(start, key(1), cue(segment, "x")).unwrap().feeder, 1);
        }
        assert_eq!(captions.add(start, key(1), cue(99, "x")), None);
        assert_eq!(captions.add(start, Feeder::Seat(PeerId::new(1)), cue(99, "x")).unwrap().feeder, 2);
        assert_eq!(captions.add(start + SPAN, key(1), cue(99, "x")).unwrap().feeder, 1);
    }

    #[test]
    fn the_quietest_of_too_many_feeders_is_forgotten_first() {
        let (mut captions, now) = (Captions::default(), Instant::now());
        for number in 0..FEEDERS_MAX {
            captions.add(now, key(number), cue(1, "x")).unwrap();
        }
        assert_eq!(captions.add(now, key(0), cue(1, "x")).unwrap().feeder, 1);
        let next = FEEDERS_MAX as u32 + 1;
        assert_eq!(captions.add(now, key(FEEDERS_MAX), cue(1, "x")).unwrap().feeder, next);
        assert_eq!(captions.feeders.len(), FEEDERS_MAX);
        assert_eq!(captions.add(now, key(0), cue(1, "x")).unwrap().feeder, 1, "it spoke again in between");
        assert_eq!(captions.add(now, key(1), cue(1, "x")).unwrap().feeder, next + 1);
    }
}
