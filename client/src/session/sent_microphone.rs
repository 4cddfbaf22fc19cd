//! What is sent of the microphone: its own sound, or what the noise suppression makes of it.
//!
//! Whatever happens to the suppression, people are heard: until it runs, and from the moment on that it does not, sound is sent as
//! it is.

use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::call::noise_suppression::{
    Comeback, Lateness, Listening, NoiseSuppression, SuppressionState, Watchdog,
};
use crate::platform::capture::Track;
use crate::platform::clock::{self, Timer};
use crate::platform::debug;
use crate::platform::noise_suppression::{Comparison, Network, Recording, Suppression, SuppressionEvent};
use crate::platform::storage::{self, Setting};

/// How often it is looked whether the suppression keeps up.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// So much is recorded for hearing the difference: a sentence.
const RECORDED_SECONDS: f64 = 4.0;
const TOO_LATE: &str = "the larger network answers too late";

/// A handle; all copies mean the same microphone.
#[derive(Clone, Copy)]
pub(crate) struct SentMicrophone {
    /// What is chosen.
    pub(crate) suppression: RwSignal<NoiseSuppression>,
    /// How it is doing.
    pub(crate) state: RwSignal<SuppressionState>,
    /// The larger network was wanted, and is too much for this device: the smaller one does it.
    pub(crate) is_lowered: RwSignal<bool>,
    /// Whether the person is hearing the difference.
    pub(crate) listening: RwSignal<Listening>,
    /// What is sent; nothing without a microphone.
    pub(crate) track: RwSignal<Option<Track>, LocalStorage>,
    microphone: StoredValue<Option<Track>, LocalStorage>,
    running: StoredValue<Option<Rc<Suppression>>, LocalStorage>,
    playing: StoredValue<Option<Comparison>, LocalStorage>,
    watchdog: StoredValue<Watchdog>,
    lateness: StoredValue<Lateness>,
    timer: StoredValue<Option<Timer>, LocalStorage>,
    /// The number of the last attempt to run one: each has its own, so that something late is recognised.
    attempts: StoredValue<u32>,
    /// The attempt that runs, or is to run as soon as it is loaded.
    attempt: StoredValue<Option<u32>>,
    comeback: StoredValue<Comeback>,
    /// The attempt to run the larger network again, beside the smaller one: it takes over when it runs.
    trial: StoredValue<Option<u32>>,
    /// What that has loaded.
    tried: StoredValue<Option<Rc<Suppression>>, LocalStorage>,
}

impl SentMicrophone {
    /// No microphone yet; the suppression that was chosen last.
    pub(crate) fn new() -> Self {
        let remembered = storage::setting(Setting::NoiseSuppression);
        let suppression =
            remembered.map_or_else(NoiseSuppression::default, |name| NoiseSuppression::remembered(&name));
        Self {
            suppression: RwSignal::new(suppression),
            state: RwSignal::default(),
            is_lowered: RwSignal::default(),
            listening: RwSignal::default(),
            track: RwSignal::new_local(None),
            microphone: StoredValue::new_local(None),
            running: StoredValue::new_local(None),
            playing: StoredValue::new_local(None),
            watchdog: StoredValue::default(),
            lateness: StoredValue::default(),
            timer: StoredValue::new_local(None),
            attempts: StoredValue::default(),
            attempt: StoredValue::default(),
            comeback: StoredValue::default(),
            trial: StoredValue::default(),
            tried: StoredValue::new_local(None),
        }
    }

    /// Whether the browser is to leave the noise to us: not before ours runs, so that there is always one of the two.
    pub(crate) fn wants_raw(self) -> bool {
        self.state.get() == SuppressionState::Running
    }

    /// Sends another microphone, or none. Giving the one before back is the caller's.
    pub(crate) fn set_microphone(self, microphone: Option<Track>) {
        self.microphone.try_set_value(microphone);
        self.renew();
    }

    /// Another suppression from now on; it is remembered.
    pub(crate) fn choose(self, suppression: NoiseSuppression) {
        storage::keep_setting(Setting::NoiseSuppression, suppression.name());
        self.suppression.set(suppression);
        self.is_lowered.set(false);
        self.comeback.set_value(Comeback::default());
        self.restart();
    }

    /// Whether the larger network is to be used.
    fn network(self) -> Network {
        let wants_large = self.suppression.get_untracked() == NoiseSuppression::High;
        if wants_large && !self.is_lowered.get_untracked() { Network::Large } else { Network::Small }
    }

    /// Starts what is wanted now, in place of what was.
    fn restart(self) {
        self.send(self.microphone.try_get_value().flatten());
        self.end();
        self.state.set(SuppressionState::Idle);
        self.renew();
    }

    /// Records a sentence and plays it, with its noise and without. Meanwhile the others hear nothing.
    pub(crate) fn listen(self) {
        let Some(running) = self.running.get_value().filter(|running| running.is_running()) else { return };
        self.stop_listening();
        self.listening.set(Listening::Recording);
        running.output().set_enabled(false);
        running.record(RECORDED_SECONDS);
    }

    /// Lets the recording be heard with its noise, or without.
    pub(crate) fn hear(self, is_after: bool) {
        if self.playing.with_value(|playing| playing.as_ref().map(|playing| playing.hear(is_after))).is_some()
        {
            self.listening.set(Listening::Playing { is_after });
        }
    }

    /// The others hear the person again.
    pub(crate) fn stop_listening(self) {
        self.playing.try_set_value(None);
        if let Some(running) = self.running.try_get_value().flatten() {
            running.record(0.0);
            running.output().set_enabled(true);
        }
        self.listening.try_set(Listening::Idle);
    }

    /// Sends what is to be sent now.
    fn renew(self) {
        self.end_trial();
        let Some(microphone) = self.microphone.try_get_value().flatten() else {
            self.end();
            return self.send(None);
        };
        if !self.is_wanted() {
            self.send(Some(microphone));
            return self.end();
        }
        let Some(running) = self.running.get_value() else {
            self.send(Some(microphone));
            return self.start();
        };
        match running.take(&microphone) {
            Ok(()) => self.follow(),
            Err(reason) => self.fail(&reason),
        }
    }

    fn is_wanted(self) -> bool {
        self.suppression.get_untracked() != NoiseSuppression::Browser
            && self.state.get_untracked() != SuppressionState::Failed
    }

    fn start(self) {
        if self.state.get_untracked() == SuppressionState::Starting {
            return;
        }
        let (attempt, network) = (self.next_attempt(), self.network());
        self.attempt.set_value(Some(attempt));
        self.lateness.set_value(Lateness::default());
        self.state.set(SuppressionState::Starting);
        spawn_local(async move {
            let started = Suppression::start(network, move |event| self.hear_of(attempt, event)).await;
            if !self.is(self.attempt, attempt) {
                return;
            }
            match started {
                Ok(running) => {
                    self.run(Rc::new(running));
                    self.renew();
                }
                Err(reason) => self.fail(&reason),
            }
        });
    }

    fn is(self, one: StoredValue<Option<u32>>, attempt: u32) -> bool {
        one.try_get_value().flatten() == Some(attempt)
    }

    /// Uses this one, and looks after it.
    fn run(self, running: Rc<Suppression>) {
        self.running.set_value(Some(running));
        self.watchdog.update_value(Watchdog::restart);
        self.timer.set_value(Some(Timer::every(LOOK_INTERVAL, move || self.look())));
    }

    fn hear_of(self, attempt: u32, event: SuppressionEvent) {
        if self.is(self.trial, attempt) {
            return self.hear_of_trial(event);
        }
        if !self.is(self.attempt, attempt) {
            return;
        }
        match event {
            SuppressionEvent::Changed => self.follow(),
            SuppressionEvent::Failed(reason) => self.fail(&reason),
            SuppressionEvent::Late(frames) if self.is_too_late(frames) => self.fail(TOO_LATE),
            SuppressionEvent::Late(_) => {}
            SuppressionEvent::Recorded(recording) => self.play(&recording),
        }
    }

    /// So many frames of the larger network were late since it began, whether it is in use or on trial.
    fn is_too_late(self, frames: u32) -> bool {
        self.lateness.try_update_value(|late| late.is_too_much(clock::now(), frames)) == Some(true)
    }

    /// Loads the larger network once more, while the smaller one goes on.
    fn try_large(self) {
        let trial = self.next_attempt();
        self.trial.set_value(Some(trial));
        self.lateness.set_value(Lateness::default());
        spawn_local(async move {
            let started = Suppression::start(Network::Large, move |event| self.hear_of(trial, event)).await;
            if !self.is(self.trial, trial) {
                return;
            }
            let microphone = self.microphone.try_get_value().flatten();
            let taken = started.and_then(|tried| match microphone {
                Some(microphone) => tried.take(&microphone).map(|()| tried),
                None => Err("there is no microphone".to_owned()),
            });
            match taken {
                Ok(tried) => {
                    self.tried.set_value(Some(Rc::new(tried)));
                    self.hear_of_trial(SuppressionEvent::Changed);
                }
                Err(reason) => self.fail_trial(&reason),
            }
        });
    }

    fn hear_of_trial(self, event: SuppressionEvent) {
        match event {
            SuppressionEvent::Changed => self.take_over(),
            SuppressionEvent::Failed(reason) => self.fail_trial(&reason),
            SuppressionEvent::Late(frames) if self.is_too_late(frames) => self.fail_trial(TOO_LATE),
            SuppressionEvent::Late(_) | SuppressionEvent::Recorded(_) => {}
        }
    }

    /// The larger network in place of the smaller one, once it runs and nobody is listening to the difference.
    fn take_over(self) {
        let tried = self.tried.try_get_value().flatten().filter(|tried| tried.is_running());
        let (Some(tried), Listening::Idle) = (tried, self.listening.get_untracked()) else { return };
        self.attempt.set_value(self.trial.get_value());
        self.end_trial();
        self.is_lowered.set(false);
        let smaller = self.running.get_value();
        self.run(tried);
        self.follow();
        // Not before the other is sent.
        drop(smaller);
    }

    fn fail_trial(self, reason: &str) {
        debug::warn(reason);
        self.end_trial();
        self.comeback.update_value(|comeback| comeback.gave_up(clock::now()));
    }

    fn end_trial(self) {
        self.trial.try_set_value(None);
        self.tried.try_set_value(None);
    }

    fn play(self, recording: &Recording) {
        let Some(running) = self.running.get_value() else { return };
        if self.listening.get_untracked() != Listening::Recording {
            return;
        }
        match running.play(recording) {
            Ok(comparison) => {
                self.playing.set_value(Some(comparison));
                self.hear(false);
            }
            Err(reason) => {
                debug::warn(&reason);
                self.stop_listening();
            }
        }
    }

    /// Sends what comes out while something does, and the microphone's own sound while nothing does.
    fn follow(self) {
        let (Some(running), Some(microphone)) =
            (self.running.try_get_value().flatten(), self.microphone.try_get_value().flatten())
        else {
            return;
        };
        if running.is_running() {
            if self.network() == Network::Large {
                self.comeback.update_value(|comeback| comeback.began(clock::now()));
            }
            self.state.set(SuppressionState::Running);
            self.send(Some(running.output()));
        } else {
            self.stop_listening();
            self.watchdog.update_value(Watchdog::restart);
            self.state.set(SuppressionState::Starting);
            self.send(Some(microphone));
        }
    }

    fn look(self) {
        let Some(running) = self.running.try_get_value().flatten() else { return };
        if !running.is_running() {
            return running.resume();
        }
        let is_in_trouble = self
            .watchdog
            .try_update_value(|watchdog| watchdog.is_in_trouble(clock::now(), running.processed()));
        if is_in_trouble == Some(true) {
            return self.fail("the audio thread does not keep up");
        }
        self.look_at_trial();
    }

    fn look_at_trial(self) {
        match self.tried.get_value() {
            Some(tried) => {
                tried.resume();
                self.take_over();
            }
            None if self.trial.get_value().is_none()
                && self.comeback.with_value(|comeback| comeback.is_due(clock::now())) =>
            {
                self.try_large();
            }
            None => {}
        }
    }

    /// The smaller network instead of the larger, and the browser's suppression instead of the smaller.
    fn fail(self, reason: &str) {
        debug::warn(reason);
        if self.network() == Network::Large {
            self.is_lowered.set(true);
            self.comeback.update_value(|comeback| comeback.gave_up(clock::now()));
            return self.restart();
        }
        self.send(self.microphone.get_value());
        self.end();
        self.state.set(SuppressionState::Failed);
    }

    fn end(self) {
        self.attempt.try_set_value(None);
        self.end_trial();
        self.stop_listening();
        self.timer.try_set_value(None);
        self.running.try_set_value(None);
        if self.state.try_get_untracked().is_some_and(|state| state != SuppressionState::Failed) {
            self.state.set(SuppressionState::Idle);
        }
    }

    fn send(self, track: Option<Track>) {
        if self.track.try_get_untracked().is_some_and(|sent| sent != track) {
            self.track.set(track);
        }
    }

    fn next_attempt(self) -> u32 {
        self.attempts
            .try_update_value(|number| {
                *number = number.wrapping_add(1);
                *number
            })
            .unwrap_or_default()
    }
}
