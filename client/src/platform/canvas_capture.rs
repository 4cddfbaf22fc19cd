//! The way to the worker of the effects and back in browsers without streams of tracks: each picture is fetched from a video
//! element, and what comes back is drawn on a canvas that is captured.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Function, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{HtmlCanvasElement, HtmlVideoElement, MediaStreamTrack, Worker};

use super::camera_effects::{object, post};
use super::capture::Track;
use super::events::Listener;
use super::page::window;
use super::picture::Picture;

/// How often the worker wakes a page that nobody looks at: its own timers and pictures stop then.
const WAKE_MS: u32 = 50;
/// An answer of the worker that takes longer than this many wakes is not waited for any more.
const PATIENCE: u32 = 20;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = VideoFrame)]
    type VideoFrame;
    #[wasm_bindgen(constructor, catch, js_class = "VideoFrame")]
    fn new(image: &HtmlVideoElement, init: &JsValue) -> Result<VideoFrame, JsValue>;
    #[wasm_bindgen(method)]
    fn close(this: &VideoFrame);
    #[wasm_bindgen(method, getter, js_name = displayWidth)]
    fn display_width(this: &VideoFrame) -> u32;
    #[wasm_bindgen(method, getter, js_name = displayHeight)]
    fn display_height(this: &VideoFrame) -> u32;

    #[wasm_bindgen(js_name = CanvasRenderingContext2D)]
    type Context;
    #[wasm_bindgen(method, catch, js_name = drawImage)]
    fn draw_frame(this: &Context, frame: &VideoFrame, x: f64, y: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(extends = HtmlVideoElement, js_name = HTMLVideoElement)]
    type Video;
    #[wasm_bindgen(method, js_name = requestVideoFrameCallback)]
    fn request_video_frame_callback(this: &Video, callback: &Function) -> u32;
    #[wasm_bindgen(method, js_name = cancelVideoFrameCallback)]
    fn cancel_video_frame_callback(this: &Video, id: u32);

    #[wasm_bindgen(extends = HtmlCanvasElement, js_name = HTMLCanvasElement)]
    type Canvas;
    #[wasm_bindgen(method, catch, js_name = captureStream)]
    fn capture_stream(this: &Canvas) -> Result<web_sys::MediaStream, JsValue>;
}

/// See the [module](self). Dropping it stops it.
pub(super) struct CanvasCapture {
    state: Rc<State>,
    _seen: Listener,
}

/// Hears of a picture: when it was shown, and what the browser tells of it.
type Arrived = Closure<dyn FnMut(f64, JsValue)>;

struct State {
    worker: Worker,
    video: Video,
    canvas: Canvas,
    context: Context,
    /// Called by the browser for each new picture, while somebody looks at the page.
    arrived: RefCell<Option<Arrived>>,
    requested: Cell<Option<u32>>,
    /// The worker has a picture. For how many wakes already.
    is_busy: Cell<Option<u32>>,
    is_over: Cell<bool>,
    /// Pictures that the video element has shown, as it counts them, and how many of them were not fetched.
    presented: Cell<Option<u32>>,
    missed: Cell<u32>,
}

impl CanvasCapture {
    /// The capture, and the track of what is drawn.
    pub(super) fn open(worker: &Worker) -> Result<(Self, MediaStreamTrack), JsValue> {
        let document = window().document().ok_or("no document")?;
        let video: Video = document.create_element("video")?.unchecked_into();
        video.set_muted(true);
        video.set_autoplay(true);
        let canvas: Canvas = document.create_element("canvas")?.unchecked_into();
        let context = canvas.get_context("2d")?.ok_or("no canvas")?.unchecked_into();
        let track = canvas.capture_stream()?.get_video_tracks().get(0).dyn_into()?;
        let state = Rc::new(State {
            worker: worker.clone(),
            video,
            canvas,
            context,
            arrived: RefCell::default(),
            requested: Cell::default(),
            is_busy: Cell::default(),
            is_over: Cell::default(),
            presented: Cell::default(),
            missed: Cell::default(),
        });
        let weak = Rc::downgrade(&state);
        *state.arrived.borrow_mut() = Some(Closure::new(move |_now, metadata: JsValue| {
            if let Some(state) = weak.upgrade() {
                state.requested.take();
                state.count(&metadata);
                state.fetch();
                state.request();
            }
        }));
        let weak = Rc::downgrade(&state);
        let seen = Listener::new(&document, "visibilitychange", move |_| {
            if let Some(state) = weak.upgrade() {
                state.follow_visibility();
            }
        });
        post(worker, "sink", &[("page", true.into())], &[]);
        state.follow_visibility();
        Ok((Self { state, _seen: seen }, track))
    }

    /// Fetches the pictures of this camera from now on.
    pub(super) fn watch(&self, camera: &Track) {
        post(&self.state.worker, "changed", &[], &[]);
        if let Some(picture) = Picture::of_track(camera.track()) {
            picture.show_in(&self.state.video);
        }
        self.state.request();
    }

    /// The worker finished a picture: it is sent.
    pub(super) fn drawn(&self, frame: JsValue) {
        self.state.is_busy.set(None);
        let frame: VideoFrame = frame.unchecked_into();
        let (width, height) = (frame.display_width(), frame.display_height());
        let canvas = &self.state.canvas;
        if (canvas.width(), canvas.height()) != (width, height) {
            canvas.set_width(width);
            canvas.set_height(height);
        }
        self.state.context.draw_frame(&frame, 0.0, 0.0).ok();
        frame.close();
    }

    /// The worker could not use a picture.
    pub(super) fn dropped(&self) {
        self.state.is_busy.set(None);
    }

    /// Pictures that were not fetched since the last call: the page or the worker was still busy with another.
    pub(super) fn take_missed(&self) -> u32 {
        self.state.missed.take()
    }

    /// It is time for a picture, though nobody looks.
    pub(super) fn woken(&self) {
        self.state.fetch();
    }
}

impl State {
    fn request(&self) {
        if self.is_over.get() || self.requested.get().is_some() {
            return;
        }
        if let Some(arrived) = &*self.arrived.borrow() {
            let id = self.video.request_video_frame_callback(arrived.as_ref().unchecked_ref());
            self.requested.set(Some(id));
        }
    }

    /// What the browser tells of a picture (HTMLVideoElement.requestVideoFrameCallback, `presentedFrames`).
    fn count(&self, metadata: &JsValue) {
        let presented =
            Reflect::get(metadata, &"presentedFrames".into()).ok().and_then(|count| count.as_f64());
        // The cast keeps within bounds.
        let presented = presented.unwrap_or_default() as u32;
        if let Some(before) = self.presented.replace(Some(presented)) {
            let missed = presented.saturating_sub(before).saturating_sub(1);
            self.missed.set(self.missed.get().saturating_add(missed));
        }
    }

    /// Hands the worker the picture that is shown now, unless it still has one.
    fn fetch(&self) {
        match self.is_busy.get() {
            Some(wakes) if wakes < PATIENCE => {
                self.missed.set(self.missed.get().saturating_add(1));
                return self.is_busy.set(Some(wakes + 1));
            }
            _ => {}
        }
        let now_us = window().performance().map_or(0.0, |clock| clock.now() * 1000.0);
        let Ok(frame) = VideoFrame::new(&self.video, &object(&[("timestamp", now_us.round().into())])) else {
            // No picture yet.
            return;
        };
        self.is_busy.set(Some(0));
        let frame: JsValue = frame.into();
        post(&self.worker, "frame", &[("frame", frame.clone())], &[frame]);
    }

    fn follow_visibility(&self) {
        let is_hidden = window().document().is_some_and(|document| document.hidden());
        post(&self.worker, "wake", &[("ms", (if is_hidden { WAKE_MS } else { 0 }).into())], &[]);
    }
}

impl Drop for CanvasCapture {
    fn drop(&mut self) {
        let state = &self.state;
        state.is_over.set(true);
        if let Some(id) = state.requested.take() {
            state.video.cancel_video_frame_callback(id);
        }
        state.video.set_src_object(None);
    }
}
