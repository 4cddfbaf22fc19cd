//! What is sent of the camera: its own pictures, or what the background effects make of them.
//!
//! From the moment on that a background is chosen, no picture leaves that did not go through the effects: what was sent before
//! is stopped at once, and until the first new picture is ready nothing is sent at all.

use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::call::background::{Background, Scene};
use crate::call::capture_problem::CaptureProblem;
use crate::call::governor::{Effort, Governor, Second};
use crate::platform::camera_effects::{CameraEffects, Drawing, EffectsEvent};
use crate::platform::capture::Track;
use crate::platform::debug;
use crate::platform::picture::Picture;
use crate::platform::pixels;
use crate::platform::storage::{self, Setting};

/// How much a light and a strong blur take away, from 0 to 1.
const LIGHT: f64 = 0.35;
const STRONG: f64 = 0.85;
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
    camera: StoredValue<Option<Track>, LocalStorage>,
    running: StoredValue<Option<Rc<CameraEffects>>, LocalStorage>,
    governor: StoredValue<Governor>,
    /// Numbers what is being loaded, so that something late is recognised.
    attempt: StoredValue<u32>,
}

impl SentCamera {
    /// No camera yet; the background that was chosen last.
    pub(crate) fn new() -> Self {
        let remembered = storage::setting(Setting::Background);
        let own = storage::setting(Setting::OwnBackground);
        let background = remembered.map_or(Background::Real, |name| Background::remembered(&name));
        let is_there = background != Background::Own || own.is_some();
        let background = if is_there { background } else { Background::StrongBlur };
        Self {
            background: RwSignal::new(background),
            own: RwSignal::new(own),
            track: RwSignal::new_local(None),
            picture: RwSignal::new_local(None),
            effects: RwSignal::default(),
            problem: RwSignal::default(),
            camera: StoredValue::new_local(None),
            running: StoredValue::new_local(None),
            governor: StoredValue::default(),
            attempt: StoredValue::default(),
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

    /// Another background from now on; it is remembered.
    pub(crate) fn choose(self, background: Background) {
        storage::keep_setting(Setting::Background, background.name());
        self.background.set(background);
        self.governor.update_value(Governor::restart);
        self.renew();
    }

    /// Uses a picture of the person's own. `keep` says whether the browser could keep it.
    pub(crate) async fn choose_own(self, address: String) -> Result<bool, ()> {
        let reduced = pixels::reduce(&address).await.ok_or(())?;
        storage::keep_setting(Setting::OwnBackground, &reduced);
        let is_kept = storage::setting(Setting::OwnBackground).as_ref() == Some(&reduced);
        self.own.set(Some(reduced));
        self.choose(Background::Own);
        Ok(is_kept)
    }

    /// Sends what is to be sent now.
    fn renew(self) {
        let Some(camera) = self.camera() else { return self.end() };
        let Some(background) = self.background.try_get_untracked() else { return self.end() };
        if background == Background::Real {
            self.end_effects();
            return self.send(Some(camera.duplicate()));
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
        let attempt = self.next_attempt();
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
            EffectsEvent::Second(second) => {
                let running = self.running.try_get_value().flatten();
                let is_pressed = running.is_some_and(|running| running.is_pressed());
                let second = Second { is_pressed, ..second };
                let background = self.background.get_untracked();
                let changed = self.governor.try_update_value(|governor| governor.observe(second, background));
                let effort = self.governor.with_value(Governor::effort);
                self.effects.set(EffectsState::Drawing(effort, second));
                if changed.flatten().is_some() {
                    self.apply(effort);
                }
            }
            EffectsEvent::Failed(reason) => self.fail(&reason, CaptureProblem::NoEffects),
        }
    }

    fn apply(self, effort: Effort) {
        if effort == Effort::Off {
            return self.fail("the device is too slow", CaptureProblem::TooSlow);
        }
        if let Some(running) = self.running.get_value() {
            running.look_every(if effort == Effort::Full { 1 } else { 2 });
        }
        if let Some(camera) = self.camera() {
            camera.limit_lines((effort >= Effort::Small).then_some(FEWER_LINES));
        }
        self.draw();
    }

    /// Tells the effects what to draw, as far as the effort allows.
    fn draw(self) {
        let effort = self.governor.with_value(Governor::effort);
        let blur = |strength| Some(Drawing::Blur(strength));
        let drawing = match (self.background.get_untracked(), effort) {
            (Background::LightBlur | Background::StrongBlur, Effort::Picture) => None,
            (Background::StrongBlur, Effort::LightBlur) | (Background::LightBlur, _) => blur(LIGHT),
            (Background::StrongBlur, _) => blur(STRONG),
            (Background::Real | Background::Scene(_) | Background::Own, _) => None,
        };
        let Some(running) = self.running.get_value() else { return };
        if let Some(drawing) = drawing {
            return running.draw(&drawing);
        }
        // Until the picture has been loaded, nothing can be recognised.
        running.draw(&Drawing::Blur(1.0));
        let (background, attempt) = (self.background.get_untracked(), self.attempt.get_value());
        let address = match background {
            Background::Own => self.own.get_untracked().unwrap_or_default(),
            Background::Scene(scene) => scene_address(scene),
            Background::Real | Background::LightBlur | Background::StrongBlur => scene_address(Scene::Wall),
        };
        spawn_local(async move {
            let loaded = pixels::load(&address).await;
            let is_wanted = self.attempt.try_get_value() == Some(attempt)
                && self.background.try_get_untracked() == Some(background);
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
        self.next_attempt();
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

    fn next_attempt(self) -> u32 {
        self.attempt
            .try_update_value(|number| {
                *number = number.wrapping_add(1);
                *number
            })
            .unwrap_or_default()
    }
}

/// Where a scene lies in the site.
pub(crate) fn scene_address(scene: Scene) -> String {
    format!("/effects/{}.svg", scene.name())
}
