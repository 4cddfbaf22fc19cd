//! A network that runs elsewhere: frames go out with a number, and what comes back is played a fixed time later.
//!
//! What has not come back by then is replaced by the sound as it was, with the same delay, so that nothing jumps: the difference to
//! what was played before fades away over a frame, and what comes back after a gap fades in over one.

use crate::framing::{FRAME, Framing, RateError};

/// By how many frames what comes back is late in itself.
pub const LOOKAHEAD: u32 = 3;
/// The longest time that answers may take, in frames.
pub const WAIT_MAX: u32 = 16;
/// Numbers of frames start again here: every one is exact in single precision.
pub const NUMBERS: u32 = 1 << 16;
/// After so many frames in a row that did not come back in time, none will: a second.
const LATE_MAX: u32 = 100;
/// The frames that a piece may fill, at the lowest rate, stay until they are sent, those that are played late until then.
const HEARD: u32 = 64;
/// The answers that may wait.
const ANSWERS: u32 = 32;

/// Cuts and resamples sound for a network that runs elsewhere, and plays what comes back, or the sound as it was.
#[derive(Debug)]
pub struct Relay {
    framing: Framing,
    exchange: Exchange,
}

#[derive(Debug)]
struct Exchange {
    /// How many frames an answer may take.
    wait: u32,
    /// Frames that were heard.
    heard: Box<[[f32; FRAME]; HEARD as usize]>,
    /// The number of the next that is heard.
    next: u32,
    /// The number of the next that is to be sent.
    unsent: u32,
    /// The first that was sent; none while nobody answers.
    first: Option<u32>,
    answers: Box<[Answer; ANSWERS as usize]>,
    /// Whether answers are played.
    is_on: bool,
    was_answer: bool,
    /// What was played last, less the sound as it was.
    difference: f32,
    late: u32,
    late_in_a_row: u32,
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    number: Option<u32>,
    samples: [f32; FRAME],
}

impl Relay {
    /// For pieces of at most `piece` samples at `rate` samples a second, with answers that take at most `wait` frames.
    ///
    /// # Errors
    ///
    /// [`RateError`] for a rate beyond the bounds.
    ///
    /// # Panics
    ///
    /// When `piece` is 0 or more than [`PIECE_MAX`](crate::PIECE_MAX), or `wait` more than [`WAIT_MAX`].
    pub fn new(rate: u32, piece: usize, wait: u32) -> Result<Self, RateError> {
        assert!(wait <= WAIT_MAX, "answers after {wait} frames");
        let exchange = Exchange {
            wait,
            heard: Box::new([[0.0; FRAME]; HEARD as usize]),
            next: 0,
            unsent: 0,
            first: None,
            answers: Box::new([Answer { number: None, samples: [0.0; FRAME] }; ANSWERS as usize]),
            is_on: true,
            was_answer: false,
            difference: 0.0,
            late: 0,
            late_in_a_row: 0,
        };
        Ok(Self { framing: Framing::new(rate, piece)?, exchange })
    }

    /// By how many samples what comes out is later than what went in.
    #[must_use]
    pub const fn delay(&self) -> usize {
        self.framing.delay((self.exchange.wait + LOOKAHEAD) as usize * FRAME)
    }

    /// From now on, somebody answers, or nobody does any more.
    pub fn connect(&mut self, is_connected: bool) {
        let exchange = &mut self.exchange;
        exchange.first = is_connected.then_some(exchange.next);
        exchange.unsent = exchange.next;
        exchange.late_in_a_row = 0;
    }

    /// Whether answers are played, or the sound as it was.
    pub const fn set_on(&mut self, is_on: bool) {
        self.exchange.is_on = is_on;
    }

    /// Puts the next samples through, from −1 to 1, in place. What is no number counts as silence.
    pub fn process(&mut self, samples: &mut [f32]) {
        let Self { framing, exchange } = self;
        framing.process(samples, |frame, result| exchange.advance(frame, result));
    }

    /// The next frame that is to be sent, with its number, which is below [`NUMBERS`].
    pub fn outgoing(&mut self) -> Option<(u32, &[f32; FRAME])> {
        let exchange = &mut self.exchange;
        if exchange.first.is_none() || exchange.unsent == exchange.next {
            return None;
        }
        // What was not fetched in time is gone.
        let waiting = exchange.next.wrapping_sub(exchange.unsent).min(HEARD);
        let number = exchange.next.wrapping_sub(waiting);
        exchange.unsent = number.wrapping_add(1);
        Some((number % NUMBERS, &exchange.heard[(number % HEARD) as usize]))
    }

    /// What came back for a frame. Of a frame that is not waited for it is left aside.
    pub fn answer(&mut self, number: u32, samples: &[f32; FRAME]) {
        let exchange = &mut self.exchange;
        let back = exchange.next.wrapping_sub(1).wrapping_sub(number) % NUMBERS;
        // The frame that is played next is the oldest that counts.
        if number >= NUMBERS || back >= exchange.wait.max(1) {
            return;
        }
        let number = exchange.next.wrapping_sub(1).wrapping_sub(back);
        let answer = &mut exchange.answers[(number % ANSWERS) as usize];
        answer.number = Some(number);
        for (sample, came) in answer.samples.iter_mut().zip(samples) {
            *sample = if came.is_finite() { came.clamp(-1.0, 1.0) } else { 0.0 };
        }
    }

    /// How many frames did not come back in time, since the beginning.
    #[must_use]
    pub const fn late(&self) -> u32 {
        self.exchange.late
    }

    /// Whether none comes back any more.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.exchange.late_in_a_row >= LATE_MAX
    }
}

impl Exchange {
    /// Takes a frame that was heard, and gives the one that is played now.
    fn advance(&mut self, frame: &[f32; FRAME], result: &mut [f32; FRAME]) {
        self.heard[(self.next % HEARD) as usize] = *frame;
        let played = self.next.wrapping_sub(self.wait);
        self.next = self.next.wrapping_add(1);
        // The sound that the answer is about.
        let before = &self.heard[(played.wrapping_sub(LOOKAHEAD) % HEARD) as usize];
        let answer = &self.answers[(played % ANSWERS) as usize];
        let has_come = answer.number == Some(played);
        // Frames before the first are not waited for.
        let is_expected = self.first.is_some_and(|first| played.wrapping_sub(first) < u32::MAX / 2);
        if is_expected {
            self.late += u32::from(!has_come);
            self.late_in_a_row = if has_come { 0 } else { self.late_in_a_row + 1 };
        }
        let is_answer = has_come && is_expected && self.is_on;
        for (at, (result, before)) in result.iter_mut().zip(before).enumerate() {
            let part = (at + 1) as f32 / FRAME as f32;
            *result = match (self.was_answer, is_answer) {
                (true, true) => answer.samples[at],
                (false, true) => before + (answer.samples[at] - before) * part,
                (true, false) if has_come => answer.samples[at] + (before - answer.samples[at]) * part,
                // Nothing came that could fade: what would click is only the step.
                (true, false) => before + self.difference * (1.0 - part),
                (false, false) => *before,
            };
        }
        self.was_answer = is_answer;
        self.difference = result[FRAME - 1] - before[FRAME - 1];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: u32 = 2;

    /// A voice-like tone.
    fn tone(at: usize) -> f32 {
        0.5 * (at as f32 * 0.02).sin()
    }

    /// What a worker does: half as loud, as late as the network is. Answers with a number that `is_answered` refuses never come.
    struct Worker {
        past: Vec<[f32; FRAME]>,
    }

    impl Worker {
        fn answer(&mut self, relay: &mut Relay, is_answered: impl Fn(u32) -> bool) {
            let mut waiting = Vec::new();
            while let Some((number, frame)) = relay.outgoing() {
                self.past.push(*frame);
                let late = self.past.len().checked_sub(1 + LOOKAHEAD as usize);
                let half = late.map_or([0.0; FRAME], |at| self.past[at].map(|sample| sample / 2.0));
                waiting.push((number, half));
            }
            for (number, frame) in waiting {
                if is_answered(number) {
                    relay.answer(number, &frame);
                }
            }
        }
    }

    /// What comes out of so many pieces, and the relay.
    fn run(rate: u32, pieces: usize, is_answered: impl Fn(u32) -> bool) -> (Vec<f32>, Relay) {
        let mut relay = Relay::new(rate, 128, WAIT).unwrap();
        relay.connect(true);
        let mut worker = Worker { past: Vec::new() };
        let mut sound: Vec<f32> = (0..128 * pieces).map(tone).collect();
        for piece in sound.chunks_mut(128) {
            relay.process(piece);
            worker.answer(&mut relay, &is_answered);
        }
        (sound, relay)
    }

    #[test]
    fn what_comes_back_is_played_as_late_as_it_is_said() {
        let (sound, relay) = run(48_000, 200, |_| true);
        assert_eq!(relay.delay(), 448 + 5 * FRAME);
        for (at, sample) in sound.iter().enumerate().skip(relay.delay() + 2 * FRAME) {
            assert!((sample - tone(at - relay.delay()) / 2.0).abs() < 1e-6, "{at}");
        }
        assert_eq!(relay.late(), 0);
    }

    #[test]
    fn without_anybody_the_sound_is_as_it_was_and_as_late() {
        let mut relay = Relay::new(48_000, 128, WAIT).unwrap();
        let mut sound: Vec<f32> = (0..20_000).map(tone).collect();
        sound.chunks_mut(128).for_each(|piece| relay.process(piece));
        assert!(relay.outgoing().is_none() && relay.late() == 0);
        for (at, sample) in sound.iter().enumerate().skip(relay.delay()) {
            assert_eq!(*sample, tone(at - relay.delay()), "{at}");
        }
    }

    #[test]
    fn what_does_not_come_is_the_sound_as_it_was_without_a_step() {
        let (sound, relay) = run(48_000, 400, |number| !(40..43).contains(&number));
        assert_eq!(relay.late(), 3);
        // The middle of the gap: number 41 is about what was heard three frames before.
        let middle = 448 + (41 + WAIT as usize) * FRAME;
        for (at, sample) in sound.iter().enumerate().skip(middle).take(FRAME) {
            assert_eq!(*sample, tone(at - relay.delay()), "{at}");
        }
        let steps = sound.windows(2).skip(relay.delay()).map(|pair| (pair[1] - pair[0]).abs());
        // The tone's own largest step, and that of a fade.
        let largest = steps.fold(0.0, f32::max);
        assert!(largest < 0.5 * 0.02 + 0.25 / FRAME as f32 + 1e-4, "{largest}");
    }

    #[test]
    fn after_a_second_without_answers_it_is_lost_and_not_before() {
        let (_, relay) = run(48_000, 300, |number| number % 50 == 0);
        assert!(!relay.is_lost() && relay.late() > 50);
        let (_, relay) = run(48_000, 99 * 480 / 128, |_| false);
        assert!(!relay.is_lost());
        let (_, mut relay) = run(48_000, 105 * 480 / 128, |_| false);
        assert!(relay.is_lost());
        relay.connect(true);
        assert!(!relay.is_lost());
    }

    #[test]
    fn answers_for_other_frames_are_left_aside() {
        let mut relay = Relay::new(48_000, 128, WAIT).unwrap();
        relay.connect(true);
        let mut sound: Vec<f32> = vec![0.25; 48_000];
        for piece in sound.chunks_mut(128) {
            relay.process(piece);
            let next = relay.exchange.next;
            for number in [next, next + 1, next.wrapping_sub(3), next.wrapping_sub(40), NUMBERS, u32::MAX] {
                relay.answer(number, &[f32::NAN; FRAME]);
            }
        }
        assert!(sound[relay.delay()..].iter().all(|sample| (sample - 0.25).abs() < 1e-6));
    }

    #[test]
    fn switched_off_the_sound_is_as_it_was_and_frames_still_go_out() {
        let mut relay = Relay::new(48_000, 128, WAIT).unwrap();
        relay.connect(true);
        relay.set_on(false);
        let mut worker = Worker { past: Vec::new() };
        let mut sound: Vec<f32> = (0..40_000).map(tone).collect();
        for piece in sound.chunks_mut(128) {
            relay.process(piece);
            worker.answer(&mut relay, |_| true);
        }
        assert!(worker.past.len() > 80 && relay.late() == 0);
        for (at, sample) in sound.iter().enumerate().skip(relay.delay()) {
            assert_eq!(*sample, tone(at - relay.delay()), "{at}");
        }
    }

    #[test]
    fn numbers_start_again_and_answers_are_found_all_the_same() {
        let mut relay = Relay::new(48_000, 480, WAIT).unwrap();
        for exchange in [NUMBERS - 5, u32::MAX - 5] {
            relay.exchange.next = exchange;
            relay.connect(true);
            let mut worker = Worker { past: Vec::new() };
            for _ in 0..20 {
                relay.process(&mut [0.5; 480]);
                worker.answer(&mut relay, |_| true);
            }
        }
        assert_eq!(relay.late(), 0);
        let mut last = [0.5; 480];
        relay.process(&mut last);
        assert!(last.iter().all(|sample| (sample - 0.25).abs() < 1e-6));
    }

    #[test]
    fn at_other_rates_too_all_frames_go_out_and_come_back() {
        for rate in [8000, 16_000, 44_100, 96_000, 192_000] {
            let (sound, relay) = run(rate, rate as usize / 128, |_| true);
            assert_eq!(relay.late(), 0, "{rate} Hz");
            let end = &sound[sound.len() / 2..];
            let level = (end.iter().map(|sample| sample * sample).sum::<f32>() / end.len() as f32).sqrt();
            // Half of the tone's, where the tone lies below half of the rate.
            assert!((level - 0.25 / 2.0_f32.sqrt()).abs() < 0.01, "{rate} Hz: {level}");
        }
    }
}
