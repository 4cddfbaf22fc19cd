//! Taking a picture of the screen, a window or a tab, and its sound (W3C Screen Capture).

use std::future::Future;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DomException, MediaStream};

use super::capture::Track;
use super::devices::media_devices;
use crate::call::screen_share::ScreenProblem;

/// What the person chose to share.
#[derive(Debug)]
pub(crate) struct SharedCapture {
    /// Its pictures.
    pub(crate) picture: Track,
    /// Its sound, where the browser and the person give it.
    pub(crate) sound: Option<Track>,
}

/// Whether this browser can share anything: those of phones cannot.
pub(crate) fn can_share() -> bool {
    method().is_some()
}

/// Asks the person what to share. The browser is asked within the call, because only a click allows it.
pub(crate) fn take() -> impl Future<Output = Result<SharedCapture, ScreenProblem>> {
    let asked = ask();
    async move {
        let stream = JsFuture::from(asked?).await.map_err(|error| problem(&error))?;
        let stream: MediaStream = stream.dyn_into().map_err(|_| ScreenProblem::Failed)?;
        let first = |tracks: js_sys::Array| tracks.get(0).dyn_into().map(Track::of).ok();
        let picture = first(stream.get_video_tracks()).ok_or(ScreenProblem::Failed)?;
        Ok(SharedCapture { picture, sound: first(stream.get_audio_tracks()) })
    }
}

fn ask() -> Result<Promise, ScreenProblem> {
    let (devices, method) = method().ok_or(ScreenProblem::Failed)?;
    let asked = method.call1(&devices, &options()).map_err(|error| problem(&error))?;
    asked.dyn_into().map_err(|_| ScreenProblem::Failed)
}

fn method() -> Option<(JsValue, Function)> {
    let devices: JsValue = media_devices()?.into();
    let method = Reflect::get(&devices, &"getDisplayMedia".into()).ok()?.dyn_into().ok()?;
    Some((devices, method))
}

/// As many pictures as a film has, at most 4K; sound as it is, without what is done to voices. What a browser does not know, it
/// passes over.
fn options() -> JsValue {
    let most = |number: i32| JsValue::from(dictionary(&[("max", number.into())]));
    let video = dictionary(&[("width", most(3840)), ("height", most(2160)), ("frameRate", most(30))]);
    let audio = dictionary(&[
        ("echoCancellation", false.into()),
        ("noiseSuppression", false.into()),
        ("autoGainControl", false.into()),
    ]);
    dictionary(&[
        ("video", video.into()),
        ("audio", audio.into()),
        ("systemAudio", "include".into()),
        ("surfaceSwitching", "include".into()),
        // A meeting that shows itself is a hall of mirrors.
        ("selfBrowserSurface", "exclude".into()),
    ])
    .into()
}

fn dictionary(fields: &[(&str, JsValue)]) -> Object {
    let dictionary = Object::new();
    for (name, value) in fields {
        // Fails on frozen objects only.
        Reflect::set(&dictionary, &(*name).into(), value).ok();
    }
    dictionary
}

fn problem(error: &JsValue) -> ScreenProblem {
    let Some(error) = error.dyn_ref::<DomException>() else { return ScreenProblem::Failed };
    ScreenProblem::from_exception(&error.name(), &error.message())
}
