//! Taking the microphone and the camera.

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DomException, MediaStream, MediaStreamConstraints, MediaStreamTrack, MediaStreamTrackState,
    MediaTrackConstraints,
};

use super::devices::media_devices;
use super::picture::Picture;
use crate::call::capture_problem::{CaptureProblem, Device};

/// Sound or pictures of a device; cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Track(MediaStreamTrack);

impl Track {
    /// Lets sound or pictures through, or silence and black; the device stays in use.
    pub(crate) fn set_enabled(&self, enabled: bool) {
        self.0.set_enabled(enabled);
    }

    /// Gives the device back: its light goes off.
    pub(crate) fn stop(&self) {
        self.0.stop();
    }

    /// What matters about it when the connection is weak (W3C MediaStreamTrack Content Hints).
    pub(crate) fn set_content_hint(&self, hint: &str) {
        // Fails on frozen objects only; browsers without it encode as they think best.
        js_sys::Reflect::set(&self.0, &"contentHint".into(), &hint.into()).ok();
    }

    /// What the device calls itself.
    pub(crate) fn label(&self) -> String {
        self.0.label()
    }

    /// The device's id.
    pub(crate) fn device_id(&self) -> Option<String> {
        self.0.get_settings().get_device_id()
    }

    /// What shows it.
    pub(crate) fn picture(&self) -> Option<Picture> {
        Picture::of_track(&self.0)
    }

    /// Calls `react` when the device is gone, for example unplugged. Not called after [`Track::stop`].
    pub(crate) fn on_ended(&self, react: impl FnOnce() + 'static) {
        self.0.set_onended(Some(Closure::once_into_js(react).unchecked_ref()));
    }

    /// Whether the device still gives anything.
    pub(crate) fn is_live(&self) -> bool {
        self.0.ready_state() == MediaStreamTrackState::Live
    }

    /// The same device once more, to be stopped by itself.
    pub(crate) fn duplicate(&self) -> Self {
        // The track's own method, which makes another; `Clone` would only be another handle.
        Self(MediaStreamTrack::clone(&self.0))
    }

    /// Asks the camera for pictures of so many lines from now on; without, for as many as at the start.
    pub(crate) fn limit_lines(&self, lines: Option<i32>) {
        let constraints = camera_size(lines.unwrap_or(LINES));
        // A camera that cannot goes on as it is.
        if let Ok(applied) = self.0.apply_constraints_with_constraints(&constraints) {
            wasm_bindgen_futures::spawn_local(async move {
                JsFuture::from(applied).await.ok();
            });
        }
    }

    pub(super) const fn of(track: MediaStreamTrack) -> Self {
        Self(track)
    }

    pub(super) const fn track(&self) -> &MediaStreamTrack {
        &self.0
    }
}

/// Which device to take: this one if it is there, else any.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// Microphone or camera.
    pub(crate) device: Device,
    /// The browser's id.
    pub(crate) id: Option<&'a str>,
    /// The noise is taken out by us: the browser is to leave the microphone's sound as it is but for echoes and loudness.
    pub(crate) is_raw: bool,
}

/// Takes devices; the person is asked once for all of them. The tracks are in the order of the requests.
///
/// # Errors
/// All or nothing: when one cannot be had, none is taken.
pub(crate) async fn take(requests: &[Request<'_>]) -> Result<Vec<Track>, CaptureProblem> {
    let devices = media_devices().ok_or(CaptureProblem::Insecure)?;
    let constraints = MediaStreamConstraints::new();
    for request in requests {
        match request.device {
            Device::Microphone => constraints.set_audio(&microphone_constraints(request.id, request.is_raw)),
            Device::Camera => constraints.set_video(&camera_constraints(request.id)),
        }
    }
    let asked = devices.get_user_media_with_constraints(&constraints).map_err(|error| problem(&error))?;
    let stream = JsFuture::from(asked).await.map_err(|error| problem(&error))?;
    let stream: MediaStream = stream.dyn_into().map_err(|_| CaptureProblem::Unknown)?;
    let first = |tracks: js_sys::Array| tracks.get(0).dyn_into().map(Track).ok();
    let track = |request: &Request<'_>| match request.device {
        Device::Microphone => first(stream.get_audio_tracks()),
        Device::Camera => first(stream.get_video_tracks()),
    };
    requests.iter().map(track).collect::<Option<Vec<_>>>().ok_or(CaptureProblem::Unknown)
}

fn microphone_constraints(id: Option<&str>, is_raw: bool) -> JsValue {
    let constraints = MediaTrackConstraints::new();
    constraints.set_echo_cancellation_bool(true);
    constraints.set_noise_suppression_bool(!is_raw);
    constraints.set_auto_gain_control_bool(true);
    if let Some(id) = id {
        constraints.set_device_id_str(id);
    }
    constraints.into()
}

/// Lines of a picture: three simulcast layers from it are 180, 360 and 720 lines.
const LINES: i32 = 720;

/// Pictures of so many lines, 30 a second.
fn camera_size(lines: i32) -> MediaTrackConstraints {
    let constraints = MediaTrackConstraints::new();
    constraints.set_width_i32(lines * 16 / 9);
    constraints.set_height_i32(lines);
    constraints.set_frame_rate_f64(30.0);
    constraints
}

fn camera_constraints(id: Option<&str>) -> JsValue {
    let constraints = camera_size(LINES);
    if let Some(id) = id {
        constraints.set_device_id_str(id);
    }
    constraints.into()
}

fn problem(error: &JsValue) -> CaptureProblem {
    let name = error.dyn_ref::<DomException>().map(DomException::name).unwrap_or_default();
    CaptureProblem::from_exception_name(&name)
}
