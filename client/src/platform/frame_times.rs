//! When the next frame of a picture was where (`HTMLVideoElement.requestVideoFrameCallback`).

use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use js_sys::{Function, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{HtmlVideoElement, MediaStream};

use super::clock;
use super::page::window;
use crate::call::latency::FrameTimes;

/// A picture that moves at all has a frame within this time.
const PATIENCE: Duration = Duration::from_millis(900);

/// The times of the next frame of this stream in the element that shows it. Nothing when none does, no frame comes, or the browser
/// does not tell.
pub(super) async fn next(stream: &MediaStream) -> Option<FrameTimes> {
    let element = element_of(stream)?;
    let ask = method(&element, "requestVideoFrameCallback")?;
    let (sender, told) = oneshot::channel();
    let mut sender = Some(sender);
    let callback = Closure::<dyn FnMut(JsValue, JsValue)>::new(move |_, frame: JsValue| {
        let time = |name: &str| Reflect::get(&frame, &name.into()).ok()?.as_f64();
        if let Some(sender) = sender.take() {
            // Who asked may have stopped waiting.
            let _ = sender.send(FrameTimes {
                captured: time("captureTime"),
                presented: time("presentationTime"),
                displayed: time("expectedDisplayTime"),
            });
        }
    });
    let request = ask.call1(&element, callback.as_ref()).ok()?;
    match select(told, std::pin::pin!(clock::sleep(PATIENCE))).await {
        Either::Left((times, _)) => times.ok(),
        Either::Right(_) => {
            // The callback is dropped with this function: it must not be called any more.
            if let Some(cancel) = method(&element, "cancelVideoFrameCallback") {
                cancel.call1(&element, &request).ok();
            }
            None
        }
    }
}

fn element_of(stream: &MediaStream) -> Option<HtmlVideoElement> {
    let elements = window().document()?.query_selector_all("video").ok()?;
    let mut videos = (0..elements.length()).filter_map(|index| elements.get(index)?.dyn_into().ok());
    videos.find(|video: &HtmlVideoElement| video.src_object().as_ref() == Some(stream))
}

fn method(element: &HtmlVideoElement, name: &str) -> Option<Function> {
    Reflect::get(element, &name.into()).ok()?.dyn_into().ok()
}
