//! Drawing on the camera's pictures before they are sent: the worker of the effects, and how pictures get there and back.
//!
//! Three ways, whichever the browser has. Chromium makes streams of tracks and tracks of streams in the page, and lets both be
//! handed to a worker (W3C MediaStreamTrack Insertable Media Processing using Streams, as it was). Safari does the same inside
//! the worker, as the specification is now. Elsewhere the page fetches each picture from a video element, and draws what the worker
//! made of it on a canvas that is captured.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{MediaStreamTrack, MessageEvent, Worker};

use super::canvas_capture::CanvasCapture;
use super::capture::Track;
use super::events::Listener;
use super::pixels::Pixels;
use super::pressure::Pressure;
use crate::call::governor::Second;

/// Where the worker, the module and the model lie in the site.
const WORKER: &str = "/effects/worker.js";
const MODULE: &str = "/effects/simd128.wasm";
const MODULE_RELAXED: &str = "/effects/relaxed.wasm";
const MODEL: &str = "/effects/selfie_segmentation_landscape.tflite";

/// A function that multiplies and adds four numbers in one instruction of relaxed SIMD, and nothing else: browsers without
/// find this module invalid.
const RELAXED_PROBE: [u8; 36] = [
    0, b'a', b's', b'm', 1, 0, 0, 0, // magic, version
    1, 7, 1, 0x60, 2, 0x7b, 0x7b, 1, 0x7b, // a type: (v128, v128) -> v128
    3, 2, 1, 0, // a function of it
    10, 13, 1, 11, 0, // its body, without locals
    0x20, 0, 0x20, 1, 0x20, 0, 0xfd, 0x85, 2, 0x0b, // f32x4.relaxed_madd of its arguments
];

#[wasm_bindgen]
extern "C" {
    #[derive(Debug, Clone)]
    type MediaStreamTrackProcessor;
    #[wasm_bindgen(constructor, catch)]
    fn new(init: &JsValue) -> Result<MediaStreamTrackProcessor, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn readable(this: &MediaStreamTrackProcessor) -> JsValue;

    #[wasm_bindgen(extends = MediaStreamTrack)]
    #[derive(Debug, Clone)]
    type MediaStreamTrackGenerator;
    #[wasm_bindgen(constructor, catch)]
    fn new(init: &JsValue) -> Result<MediaStreamTrackGenerator, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn writable(this: &MediaStreamTrackGenerator) -> JsValue;
}

/// What is drawn.
#[derive(Debug, Clone)]
pub(crate) enum Drawing {
    /// The background blurred, from 0 to 1.
    Blur(f64),
    /// A picture in its place.
    Picture(Pixels),
}

/// What the worker has to tell.
#[derive(Debug, Clone)]
pub(crate) enum EffectsEvent {
    /// How the last second went.
    Second(Second),
    /// Nothing will come out any more.
    Failed(String),
}

/// Who waits for the track of the worker, or for hearing that it makes none.
type Made = futures_channel::oneshot::Sender<Option<MediaStreamTrack>>;

/// The worker, with the way to it and back. Dropping it ends both.
pub(crate) struct CameraEffects {
    worker: Worker,
    way: Way,
    output: Track,
    pressure: Option<Pressure>,
    _messages: Listener,
    _errors: Listener,
}

enum Way {
    /// The page makes the streams.
    Streams,
    /// The worker does.
    Inside,
    /// There are none.
    Canvas(Rc<CanvasCapture>),
}

impl CameraEffects {
    /// Starts the worker, which loads what it needs. `tell` hears of it until this is dropped.
    ///
    /// # Errors
    /// The browser has nothing of what it takes; the text is for the console.
    pub(crate) async fn start(tell: impl Fn(EffectsEvent) + 'static) -> Result<Self, String> {
        let worker = Worker::new(WORKER).map_err(|error| describe(&error))?;
        let made = Rc::new(RefCell::new(None::<Made>));
        let capture = Rc::new(RefCell::new(None::<Rc<CanvasCapture>>));
        let tell = Rc::new(tell);
        let messages = {
            let (made, capture, tell) = (Rc::clone(&made), Rc::clone(&capture), Rc::clone(&tell));
            Listener::new(&worker, "message", move |event| {
                let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
                hear(&event.data(), &made, &capture, &*tell);
            })
        };
        let errors = Listener::new(&worker, "error", move |_| {
            tell(EffectsEvent::Failed("the worker cannot be loaded".to_owned()));
        });
        let module = if has_relaxed_simd() { MODULE_RELAXED } else { MODULE };
        post(&worker, "load", &[("module", module.into()), ("model", MODEL.into())], &[]);
        let (way, output) = Self::open(&worker, &made, &capture).await.map_err(|error| describe(&error))?;
        let (output, pressure) = (Track::of(output), Pressure::watch());
        Ok(Self { worker, way, output, pressure, _messages: messages, _errors: errors })
    }

    async fn open(
        worker: &Worker,
        made: &RefCell<Option<Made>>,
        capture: &RefCell<Option<Rc<CanvasCapture>>>,
    ) -> Result<(Way, MediaStreamTrack), JsValue> {
        if has("MediaStreamTrackGenerator") && has("MediaStreamTrackProcessor") {
            let generator = MediaStreamTrackGenerator::new(&object(&[("kind", "video".into())]))?;
            let writable = generator.writable();
            post(worker, "sink", &[("writable", writable.clone())], &[writable]);
            return Ok((Way::Streams, generator.into()));
        }
        let (send, receive) = futures_channel::oneshot::channel();
        *made.borrow_mut() = Some(send);
        post(worker, "sink", &[("generate", true.into())], &[]);
        if let Ok(Some(track)) = receive.await {
            return Ok((Way::Inside, track));
        }
        let (canvas, track) = CanvasCapture::open(worker)?;
        let canvas = Rc::new(canvas);
        *capture.borrow_mut() = Some(Rc::clone(&canvas));
        Ok((Way::Canvas(canvas), track))
    }

    /// What is sent. Nothing has been on it yet that did not go through the worker.
    pub(crate) fn output(&self) -> Track {
        self.output.clone()
    }

    /// From now on these pictures go in, and none of the camera before.
    pub(crate) fn take(&self, camera: &Track) {
        match &self.way {
            Way::Streams => {
                let Ok(processor) =
                    MediaStreamTrackProcessor::new(&object(&[("track", camera.track().into())]))
                else {
                    return;
                };
                let readable = processor.readable();
                post(&self.worker, "camera", &[("readable", readable.clone())], &[readable]);
            }
            Way::Inside => {
                // The page keeps its own: what is handed over is gone.
                let track: JsValue = camera.duplicate().track().into();
                post(&self.worker, "camera", &[("track", track.clone())], &[track]);
            }
            Way::Canvas(capture) => capture.watch(camera),
        }
    }

    /// Draws this from the next picture on.
    pub(crate) fn draw(&self, drawing: &Drawing) {
        match drawing {
            Drawing::Blur(strength) => post(&self.worker, "blur", &[("strength", (*strength).into())], &[]),
            Drawing::Picture(pixels) => {
                let bytes = Uint8Array::from(pixels.rgba.as_slice());
                let buffer: JsValue = bytes.buffer().into();
                let (width, height) = (pixels.width.into(), pixels.height.into());
                let fields = [("pixels", bytes.into()), ("width", width), ("height", height)];
                post(&self.worker, "picture", &fields, &[buffer]);
            }
        }
    }

    /// Whether the device says that it has too much to do.
    pub(crate) fn is_pressed(&self) -> bool {
        self.pressure.as_ref().is_some_and(Pressure::is_high)
    }

    /// Looks for the person in every so many pictures.
    pub(crate) fn look_every(&self, pictures: u32) {
        post(&self.worker, "spacing", &[("pictures", pictures.into())], &[]);
    }

    /// Halves what the camera gives in 720 lines or more.
    pub(crate) fn halve(&self, is_wanted: bool) {
        post(&self.worker, "halving", &[("isHalving", is_wanted.into())], &[]);
    }
}

impl Drop for CameraEffects {
    fn drop(&mut self) {
        self.output.stop();
        self.worker.terminate();
    }
}

fn hear(
    message: &JsValue,
    made: &RefCell<Option<Made>>,
    capture: &RefCell<Option<Rc<CanvasCapture>>>,
    tell: &dyn Fn(EffectsEvent),
) {
    let field = |name: &str| Reflect::get(message, &name.into()).unwrap_or(JsValue::UNDEFINED);
    let number = |name: &str| field(name).as_f64().unwrap_or_default();
    match field("type").as_string().as_deref() {
        Some("report") => tell(EffectsEvent::Second(Second {
            finished: number("processed") as u32,
            dropped: number("dropped") as u32
                + capture.borrow().as_ref().map_or(0, |capture| capture.take_missed()),
            median_ms: number("medianMs"),
            ..Second::default()
        })),
        Some("failed") => tell(EffectsEvent::Failed(field("reason").as_string().unwrap_or_default())),
        Some("track") => {
            if let Some(made) = made.borrow_mut().take() {
                made.send(field("track").dyn_into().ok()).ok();
            }
        }
        Some(about @ ("drawn" | "dropped" | "woken")) => {
            let capture = capture.borrow().clone();
            match (capture, about) {
                (Some(capture), "drawn") => capture.drawn(field("frame")),
                (Some(capture), "dropped") => capture.dropped(),
                (Some(capture), _) => capture.woken(),
                (None, _) => {}
            }
        }
        _ => {}
    }
}

/// Sends the worker a message of this type; what is in `transferred` is handed over for good.
pub(super) fn post(worker: &Worker, kind: &str, fields: &[(&str, JsValue)], transferred: &[JsValue]) {
    let message = object(fields);
    Reflect::set(&message, &"type".into(), &kind.into()).ok();
    let transferred: Array = transferred.iter().collect();
    // Fails only for what cannot be cloned, which all of this can.
    worker.post_message_with_transfer(&message, &transferred).ok();
}

pub(super) fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value).ok();
    }
    object.into()
}

fn has(class: &str) -> bool {
    Reflect::has(&js_sys::global(), &class.into()).unwrap_or(false)
}

fn has_relaxed_simd() -> bool {
    let probe = Uint8Array::from(RELAXED_PROBE.as_slice());
    js_sys::WebAssembly::validate(&probe.into()).unwrap_or(false)
}

pub(super) fn describe(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{error:?}"), |error| error.message().into())
}
