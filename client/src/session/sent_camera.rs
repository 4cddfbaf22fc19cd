//! What is sent of the camera: its own pictures, or what the background effects make of them.
//!
//! From the moment on that a background is chosen, no picture leaves that did not go through the effects: what was sent before
//! is stopped at once, and until the first new picture is ready nothing is sent at all.

use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::call::background::{Background, Scene, Strength};
use crate::call::capture_problem::CaptureProblem;
use crate::call::encoder::Encoded;
use crate::call::governor::{Asked, Effort, Governor, Second, Step};
use crate::call::statistics::Statistics;
use crate::platform::camera_effects::{CameraEffects, Drawing, EffectsEvent};
use crate::platform::capture::Track;
use crate::platform::clock;
use crate::platform::debug;
use crate::platform::picture::Picture;
use crate::platform::pixels::{self, ChosenFile};
use crate::platform::storage::{self, Setting};

/// Lines that are asked of the camera when all of its are too many.
const FEWER_LINES: i32 = 360;

/// How the effects are doing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) enum EffectsState {
    /// There are none.
    #[default]
    None,
    /// They are being loaded.
    Loading,
    /// They draw, with this effort; and how the last second went.
    Drawing(Effort, Second),
}

/// A handle; all copies mean the same camera.
#[derive(Clone, Copy)]
pub(crate) struct SentCamera {
    /// What is chosen.
    pub(crate) background: RwSignal<Background>,
    /// How strong a blur is. Belongs to the background: a strong one is [`Background::StrongBlur`].
    pub(crate) strength: RwSignal<Strength>,
    /// The person's own picture, as an address.
    pub(crate) own: RwSignal<Option<String>>,
    /// What is sent; nothing while the camera is off, or its effects are not ready.
    pub(crate) track: RwSignal<Option<Track>, LocalStorage>,
    /// What shows it.
    pub(crate) picture: RwSignal<Option<Picture>, LocalStorage>,
    /// How the effects are doing.
    pub(crate) effects: RwSignal<EffectsState>,
    /// Why nothing can be sent.
    pub(crate) problem: RwSignal<Option<CaptureProblem>>,
    /// What became of the pictures, from the lobby on.
    pub(crate) statistics: RwSignal<Statistics>,
    /// The last second of the encoder that the governor has not heard of.
    encoded: StoredValue<Option<Encoded>>,
    camera: StoredValue<Option<Track>, LocalStorage>,
    running: StoredValue<Option<Rc<CameraEffects>>, LocalStorage>,
    governor: StoredValue<Governor>,
    /// Numbers what is being loaded, so that something late is recognised.
    attempt: StoredValue<u32>,
    /// Numbers what is drawn: a picture that was loaded for something else comes too late.
    drawing: StoredValue<u32>,
}

impl SentCamera {
    /// No camera yet; the background that was chosen last.
    pub(crate) fn new() -> Self {
        let remembered = storage::setting(Setting::Background);
        let own = storage::setting(Setting::OwnBackground);
        let background = remembered.map_or(Background::Real, |name| Background::remembered(&name));
        let is_there = background != Background::Own || own.is_some();
        let background = if is_there { background } else { Background::StrongBlur };
        let strength = storage::setting(Setting::BlurStrength).map(|text| Strength::read(&text));
        // The background is what was chosen; a strength that does not belong to it is of another version.
        let strength = strength
            .filter(|strength| background.preset().is_none_or(|_| strength.background() == background));
        Self {
            background: RwSignal::new(background),
            strength: RwSignal::new(strength.or(background.preset()).unwrap_or(Strength::STRONG)),
            own: RwSignal::new(own),
            track: RwSignal::new_local(None),
            picture: RwSignal::new_local(None),
            effects: RwSignal::default(),
            problem: RwSignal::default(),
            statistics: RwSignal::default(),
            encoded: StoredValue::default(),
            camera: StoredValue::new_local(None),
            running: StoredValue::new_local(None),
            governor: StoredValue::default(),
            attempt: StoredValue::default(),
            drawing: StoredValue::default(),
        }
    }

    /// The camera itself.
    pub(crate) fn camera(self) -> Option<Track> {
        self.camera.try_get_value().flatten()
    }

    /// Sends another camera, or none. Gives the one before back.
    pub(crate) fn set_camera(self, camera: Option<Track>) {
        let before = self.camera.try_update_value(|held| std::mem::replace(held, camera)).flatten();
        self.renew();
        if let Some(before) = before {
            before.stop();
        }
    }

    /// Another background from now on; it is remembered. A blur begins with its own strength.
    pub(crate) fn choose(self, background: Background) {
        if let Some(strength) = background.preset() {
            self.remember_strength(strength);
        }
        self.remember(background);
        self.governor.update_value(Governor::restart);
        self.renew();
    }

    /// Another background from now on, which is not remembered: the person has not chosen it.
    pub(crate) fn choose_for_now(self, background: Background) {
        if let Some(strength) = background.preset() {
            self.strength.set(strength);
        }
        self.background.set(background);
        self.governor.update_value(Governor::restart);
        self.renew();
    }

    /// Blurs so much from now on; it is remembered. Nothing starts anew.
    pub(crate) fn choose_strength(self, strength: Strength) {
        self.remember_strength(strength);
        self.remember(strength.background());
        // Where a picture stands in for the blur it goes on doing so.
        if self.blur().is_some() {
            self.draw();
        }
    }

    /// How much is blurred now; nothing when something else is drawn.
    fn blur(self) -> Option<Strength> {
        self.governor.with_value(|governor| governor.strength(self.asked()))
    }

    fn remember(self, background: Background) {
        storage::keep_setting(Setting::Background, background.name());
        self.background.set(background);
    }

    fn remember_strength(self, strength: Strength) {
        storage::keep_setting(Setting::BlurStrength, &strength.percent().to_string());
        self.strength.set(strength);
    }

    /// Uses a picture of the person's own, and tells whether the browser could keep it.
    ///
    /// # Errors
    /// It is no picture.
    pub(crate) async fn choose_own(self, file: ChosenFile) -> Result<bool, ()> {
        let reduced = file.reduce().await.ok_or(())?;
        storage::keep_setting(Setting::OwnBackground, &reduced);
        let is_kept = storage::setting(Setting::OwnBackground).as_ref() == Some(&reduced);
        self.own.set(Some(reduced));
        self.choose(Background::Own);
        Ok(is_kept)
    }

    /// The connection's encoder did this in the last second.
    pub(crate) fn hear_encoder(self, encoded: Encoded) {
        self.encoded.try_set_value(Some(encoded));
        self.statistics.try_update(|statistics| statistics.encoded(clock::now(), encoded));
    }

    /// Sends what is to be sent now.
    fn renew(self) {
        let Some(camera) = self.camera() else { return self.end() };
        let Some(background) = self.background.try_get_untracked() else { return self.end() };
        if background == Background::Real {
            self.end_effects();
            let duplicate = camera.duplicate();
            // It has the constraints of its original, which may not have been lifted yet.
            duplicate.limit_lines(None);
            return self.send(Some(duplicate));
        }
        match self.running.try_get_value().flatten() {
            Some(running) => {
                running.take(&camera);
                self.send(Some(running.output()));
                self.draw();
            }
            None => self.start(),
        }
    }

    fn start(self) {
        self.send(None);
        let attempt = next(self.attempt);
        self.problem.set(None);
        self.effects.set(EffectsState::Loading);
        let tell = move |event| {
            if self.attempt.try_get_value() == Some(attempt) {
                self.hear(event);
            }
        };
        spawn_local(async move {
            let started = CameraEffects::start(tell).await;
            if self.attempt.try_get_value() != Some(attempt) {
                return;
            }
            match started {
                Ok(effects) => {
                    self.running.set_value(Some(Rc::new(effects)));
                    self.governor.set_value(Governor::default());
                    self.renew();
                }
                Err(reason) => self.fail(&reason, CaptureProblem::NoEffects),
            }
        });
    }

    fn hear(self, event: EffectsEvent) {
        match event {
            EffectsEvent::Second(second) => self.govern(second),
            EffectsEvent::Failed(reason) => self.fail(&reason, CaptureProblem::NoEffects),
        }
    }

    fn govern(self, second: Second) {
        let running = self.running.try_get_value().flatten();
        let is_pressed = running.is_some_and(|running| running.is_pressed());
        // Each second of the encoder is heard once: when it is not asked any more, it has nothing to say.
        let encoded = self.encoded.try_update_value(Option::take).flatten();
        let second = Second { is_pressed, encoded, ..second };
        let (now, before) = (clock::now(), self.governor.with_value(Governor::effort));
        let step =
            self.governor.try_update_value(|governor| governor.observe(second, self.asked())).flatten();
        self.statistics.update(|statistics| {
            statistics.drew(now, second, before);
            if let Some(step) = step {
                statistics.stepped(now, step);
            }
        });
        self.effects.set(EffectsState::Drawing(step.map_or(before, |step| step.to), second));
        if let Some(Step { to, .. }) = step {
            self.apply(to);
        }
    }

    fn asked(self) -> Asked {
        Asked { background: self.background.get_untracked(), strength: self.strength.get_untracked() }
    }

    fn apply(self, effort: Effort) {
        if effort == Effort::Off {
            return self.fail("the device is too slow", CaptureProblem::TooSlow);
        }
        if let Some(running) = self.running.get_value() {
            running.look_every(if effort == Effort::Full { 1 } else { 2 });
            // Chromium's streams have the camera's pictures, whatever the track was asked for.
            running.halve(effort >= Effort::Small);
        }
        if let Some(camera) = self.camera() {
            camera.limit_lines((effort >= Effort::Small).then_some(FEWER_LINES));
        }
        self.draw();
    }

    /// Tells the effects what to draw, as far as the effort allows.
    fn draw(self) {
        let Some(running) = self.running.try_get_value().flatten() else { return };
        let number = next(self.drawing);
        if let Some(strength) = self.blur() {
            return running.draw(&Drawing::Blur(strength.share()));
        }
        // Until the picture has been loaded, nothing can be recognised.
        running.draw(&Drawing::Blur(1.0));
        let address = match self.background.get_untracked() {
            Background::Own => self.own.get_untracked().unwrap_or_default(),
            Background::Scene(scene) => scene_address(scene),
            Background::Real | Background::LightBlur | Background::StrongBlur => scene_address(Scene::Wall),
        };
        spawn_local(async move {
            let loaded = pixels::load(&address).await;
            let is_wanted = self.drawing.try_get_value() == Some(number);
            if let (true, Some(pixels)) = (is_wanted, loaded) {
                running.draw(&Drawing::Picture(pixels));
            }
        });
    }

    /// Nothing is sent, and the person is told why: what they wanted hidden stays hidden.
    fn fail(self, reason: &str, problem: CaptureProblem) {
        debug::warn(reason);
        self.end();
        self.problem.set(Some(problem));
    }

    fn end(self) {
        self.send(None);
        self.end_effects();
    }

    fn end_effects(self) {
        next(self.attempt);
        next(self.drawing);
        self.running.try_set_value(None);
        self.effects.try_set(EffectsState::None);
        let effort = self.governor.try_update_value(|governor| std::mem::take(governor).effort());
        if let Some(camera) = self.camera().filter(|_| effort >= Some(Effort::Small)) {
            camera.limit_lines(None);
        }
    }

    /// Replaces what is sent. What was sent before ends here and now, not when the connection gets to it, unless it goes on.
    fn send(self, track: Option<Track>) {
        let before = self.track.try_get_untracked().flatten();
        if before == track {
            return;
        }
        let is_of_effects = |track: &Track| {
            self.running.try_get_value().flatten().is_some_and(|running| running.output() == *track)
        };
        if let Some(before) = before.filter(|before| !is_of_effects(before)) {
            before.stop();
        }
        self.picture.try_set(track.as_ref().and_then(Track::picture));
        self.track.try_set(track);
    }
}

/// Counts on, and gives the new number.
fn next(counter: StoredValue<u32>) -> u32 {
    counter
        .try_update_value(|number| {
            *number = number.wrapping_add(1);
            *number
        })
        .unwrap_or_default()
}

/// Where a scene lies in the site.
pub(crate) fn scene_address(scene: Scene) -> String {
    format!("/effects/{}.svg", scene.name())
}
