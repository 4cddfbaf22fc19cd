//! The own microphone and camera, from the lobby to the end of the meeting.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::MediaState;

use super::sent_camera::SentCamera;
use super::sent_microphone::SentMicrophone;
use super::shared_screen::SharedScreen;
use crate::call::capture_problem::{CaptureProblem, Device};
use crate::call::devices_view_model::{DeviceKind, DeviceNews, Devices};
use crate::call::source_state::SourceState;
use crate::platform::capture::{self, Request, Track};
use crate::platform::devices;
use crate::platform::events::Listener;
use crate::platform::storage::{self, Setting};

/// A handle; all copies mean the same devices.
///
/// Switching the microphone off silences its track: on again is instant. Switching the camera off gives the
/// device back, so that its light goes off.
#[derive(Clone, Copy)]
pub(crate) struct LocalMedia {
    /// The microphone's state.
    pub(crate) microphone: RwSignal<SourceState>,
    /// The camera's state.
    pub(crate) camera: RwSignal<SourceState>,
    /// Its own sound; also while it is silenced.
    pub(crate) microphone_track: RwSignal<Option<Track>, LocalStorage>,
    /// Its sound, as it is sent.
    pub(crate) sent_microphone: SentMicrophone,
    /// Its pictures, as they are sent.
    pub(crate) sent_camera: SentCamera,
    /// The screen, while it is shared.
    pub(crate) screen: SharedScreen,
    /// What can be chosen.
    pub(crate) devices: RwSignal<Devices>,
    /// What became of them, until it is told; at most [`NEWS_MAX`], the oldest are forgotten.
    pub(crate) news: RwSignal<Vec<DeviceNews>>,
    /// Numbers the requests, so that a late answer to an earlier one is recognised.
    requests: StoredValue<[u32; 2]>,
    _listener: StoredValue<Option<Listener>, LocalStorage>,
}

impl LocalMedia {
    /// Everything off. Lives as long as the reactive owner it is created in, then gives the devices back.
    pub(crate) fn new() -> Self {
        let mut known = Devices::default();
        known.choose(DeviceKind::Microphone, storage::setting(Setting::Microphone));
        known.choose(DeviceKind::Camera, storage::setting(Setting::Camera));
        known.choose(DeviceKind::Speaker, storage::setting(Setting::Speaker));
        let media = Self {
            microphone: RwSignal::default(),
            camera: RwSignal::default(),
            microphone_track: RwSignal::new_local(None),
            sent_microphone: SentMicrophone::new(),
            sent_camera: SentCamera::new(),
            screen: SharedScreen::new(),
            devices: RwSignal::new(known),
            news: RwSignal::default(),
            requests: StoredValue::default(),
            _listener: StoredValue::new_local(None),
        };
        media._listener.set_value(devices::on_change(move || media.refresh_devices()));
        media.refresh_devices();
        Effect::new(move |_| {
            if let Some(problem) = media.sent_camera.problem.get() {
                media.next_request(Device::Camera);
                media.put(Device::Camera, None);
                media.camera.set(SourceState::failed(problem));
            }
        });
        Effect::new(move |before: Option<bool>| {
            let wants_raw = media.sent_microphone.wants_raw();
            if before.is_some_and(|before| before != wants_raw) && media.held(Device::Microphone).is_some() {
                media.renew_microphone();
            }
            wants_raw
        });
        on_cleanup(move || media.stop());
        media
    }

    /// What is on.
    pub(crate) fn state(self) -> MediaState {
        MediaState {
            microphone: self.microphone.with_untracked(|state| state.on),
            camera: self.camera.with_untracked(|state| state.on),
            screen: false,
        }
    }

    /// Switches on what is wanted; the person is asked once for both.
    pub(crate) fn start(self, wanted: MediaState) {
        match (wanted.microphone, wanted.camera) {
            (true, true) => self.take_both(),
            (true, false) => self.take(Device::Microphone),
            (false, true) => self.take(Device::Camera),
            (false, false) => {}
        }
    }

    /// Tries again what failed.
    pub(crate) fn retry(self) {
        let failed = |state: RwSignal<SourceState>| state.with_untracked(|state| state.problem.is_some());
        self.start(MediaState {
            microphone: failed(self.microphone),
            camera: failed(self.camera),
            screen: false,
        });
    }

    /// Switches one on or off.
    pub(crate) fn set(self, device: Device, on: bool) {
        let track = self.held(device);
        match (device, track) {
            (Device::Microphone, Some(track)) if track.is_live() => {
                self.next_request(device);
                self.sent_microphone.stop_listening();
                track.set_enabled(on);
                self.state_of(device).set(SourceState::succeeded(on));
            }
            (Device::Camera, Some(track)) if on && track.is_live() => {}
            _ if on => self.take(device),
            _ => {
                self.next_request(device);
                self.put(device, None);
                self.state_of(device).set(SourceState::switched_off());
            }
        }
    }

    /// Switches one on if it is off, and off if it is on.
    pub(crate) fn toggle(self, device: Device) {
        let state = self.state_of(device).get_untracked();
        self.set(device, !(state.on || state.starting));
    }

    /// Uses another device from now on, and remembers it.
    pub(crate) fn choose(self, kind: DeviceKind, id: String) {
        let setting = match kind {
            DeviceKind::Microphone => Setting::Microphone,
            DeviceKind::Camera => Setting::Camera,
            DeviceKind::Speaker => Setting::Speaker,
        };
        storage::keep_setting(setting, &id);
        self.devices.update(|devices| devices.choose(kind, Some(id)));
        let device = match kind {
            DeviceKind::Microphone => Device::Microphone,
            DeviceKind::Camera => Device::Camera,
            DeviceKind::Speaker => return,
        };
        let has_track = self.held(device).is_some();
        let state = self.state_of(device).get_untracked();
        if has_track || state.problem.is_some() {
            self.take(device);
        }
    }

    /// Gives all devices back.
    pub(crate) fn stop(self) {
        self.screen.stop();
        for device in [Device::Microphone, Device::Camera] {
            self.next_request(device);
            self.put(device, None);
            self.state_of(device).try_set(SourceState::switched_off());
        }
    }

    fn take_both(self) {
        let tickets = [Device::Microphone, Device::Camera].map(|device| self.begin(device));
        let [microphone, camera] = [DeviceKind::Microphone, DeviceKind::Camera].map(|kind| self.chosen(kind));
        spawn_local(async move {
            let requests = [
                self.request(Device::Microphone, microphone.as_deref()),
                self.request(Device::Camera, camera.as_deref()),
            ];
            match capture::take(&requests).await {
                Ok(tracks) => {
                    for (request, (ticket, track)) in requests.iter().zip(tickets.into_iter().zip(tracks)) {
                        self.finish(request.device, ticket, Ok(track));
                    }
                }
                Err(problem @ (CaptureProblem::Refused | CaptureProblem::Insecure)) => {
                    self.finish(Device::Microphone, tickets[0], Err(problem));
                    self.finish(Device::Camera, tickets[1], Err(problem));
                }
                // One of the two may still work alone.
                Err(_) => {
                    for (request, ticket) in requests.iter().zip(tickets) {
                        let taken = capture::take(&[*request]).await;
                        self.finish(request.device, ticket, taken.and_then(only));
                    }
                }
            }
            self.refresh_devices();
        });
    }

    fn take(self, device: Device) {
        let ticket = self.begin(device);
        let id = self.chosen(device.into());
        spawn_local(async move {
            let taken = capture::take(&[self.request(device, id.as_deref())]).await;
            self.finish(device, ticket, taken.and_then(only));
            self.refresh_devices();
        });
    }

    /// Takes the microphone once more, as it is wanted now: browsers change nothing about one that is in use. The one that is in
    /// use goes on until then, and for good when there is no other to be had.
    fn renew_microphone(self) {
        let ticket = self.next_request(Device::Microphone);
        let id = self.chosen(DeviceKind::Microphone);
        spawn_local(async move {
            let taken = capture::take(&[self.request(Device::Microphone, id.as_deref())]).await;
            if let Ok(track) = taken.and_then(only) {
                self.finish(Device::Microphone, ticket, Ok(track));
            }
        });
    }

    fn request(self, device: Device, id: Option<&str>) -> Request<'_> {
        Request { device, id, is_raw: untrack(|| self.sent_microphone.wants_raw()) }
    }

    fn begin(self, device: Device) -> u32 {
        self.state_of(device).update(|state| *state = state.started());
        self.next_request(device)
    }

    fn finish(self, device: Device, ticket: u32, taken: Result<Track, CaptureProblem>) {
        if self.ticket(device) != Some(ticket) {
            // The person has changed their mind, or left, in the meantime.
            if let Ok(track) = taken {
                track.stop();
            }
            return;
        }
        match taken {
            Ok(track) => {
                self.watch(device, &track);
                let before = self.state_of(device).get_untracked();
                let was_muted = self.held(device).is_some() && !before.on;
                let on = device == Device::Camera || !was_muted;
                track.set_enabled(on);
                self.put(device, Some(track));
                self.state_of(device).set(SourceState::succeeded(on));
            }
            Err(problem) => {
                self.put(device, None);
                self.state_of(device).set(SourceState::failed(problem));
            }
        }
    }

    /// A device that is unplugged is replaced by the one that the browser prefers now.
    fn watch(self, device: Device, track: &Track) {
        let watched = track.clone();
        track.on_ended(move || {
            if self.held(device).as_ref() == Some(&watched) {
                self.replace(device, watched.label());
            }
        });
    }

    /// Another device in place of the one that is gone. Without any, it is off, and says why.
    fn replace(self, device: Device, gone: String) {
        let ticket = self.next_request(device);
        spawn_local(async move {
            let taken = capture::take(&[self.request(device, None)]).await.and_then(only);
            let is_current = self.ticket(device) == Some(ticket);
            if let (Ok(track), true) = (&taken, is_current) {
                let instead = Some(track.label()).filter(|label| !label.is_empty());
                self.tell(vec![DeviceNews::Gone { name: gone, instead }]);
            }
            let taken = taken.map_err(|problem| {
                if problem == CaptureProblem::Refused { problem } else { CaptureProblem::NotFound }
            });
            self.finish(device, ticket, taken);
            self.refresh_devices();
        });
    }

    fn tell(self, news: Vec<DeviceNews>) {
        if !news.is_empty() {
            self.news.try_update(|all| {
                all.extend(news);
                let excess = all.len().saturating_sub(NEWS_MAX);
                all.drain(..excess);
            });
        }
    }

    /// Replaces a track and gives the old one's device back.
    fn put(self, device: Device, track: Option<Track>) {
        if let Some(id) = track.as_ref().and_then(Track::device_id) {
            // What the browser gave is what is shown as chosen; it is not remembered as the person's choice.
            self.devices.update(|devices| devices.choose(device.into(), Some(id)));
        }
        let old = self.held(device);
        match device {
            Device::Camera if old.is_some() || track.is_some() => self.sent_camera.set_camera(track),
            Device::Microphone if old.is_some() || track.is_some() => {
                self.microphone_track.try_set(track.clone());
                self.sent_microphone.set_microphone(track);
                if let Some(old) = old {
                    old.stop();
                }
            }
            Device::Camera | Device::Microphone => {}
        }
    }

    fn refresh_devices(self) {
        spawn_local(async move {
            let listed = devices::list().await;
            let news = self.devices.try_update(|devices| devices.list(listed));
            self.tell(news.unwrap_or_default());
        });
    }

    fn chosen(self, kind: DeviceKind) -> Option<String> {
        self.devices.with_untracked(|devices| devices.choice(kind).map(str::to_owned))
    }

    /// The request that counts.
    fn ticket(self, device: Device) -> Option<u32> {
        self.requests.try_get_value().map(|numbers| numbers[index(device)])
    }

    fn next_request(self, device: Device) -> u32 {
        self.requests
            .try_update_value(|numbers| {
                let number = &mut numbers[index(device)];
                *number = number.wrapping_add(1);
                *number
            })
            .unwrap_or_default()
    }

    const fn state_of(self, device: Device) -> RwSignal<SourceState> {
        match device {
            Device::Microphone => self.microphone,
            Device::Camera => self.camera,
        }
    }

    /// The device that is in use.
    fn held(self, device: Device) -> Option<Track> {
        match device {
            Device::Microphone => self.microphone_track.try_get_untracked().flatten(),
            Device::Camera => self.sent_camera.camera(),
        }
    }
}

/// More than one person plugs in and out between two looks at the page.
const NEWS_MAX: usize = 4;

const fn index(device: Device) -> usize {
    match device {
        Device::Microphone => 0,
        Device::Camera => 1,
    }
}

fn only(mut tracks: Vec<Track>) -> Result<Track, CaptureProblem> {
    tracks.pop().ok_or(CaptureProblem::Unknown)
}
