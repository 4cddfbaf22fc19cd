//! Taking noise out of a microphone's sound before it is sent: the worklet, how sound gets there and back, and how it sounds with
//! and without.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, ArrayBuffer, Float32Array, Object, Reflect, WebAssembly};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AudioBufferSourceNode, AudioContext, AudioContextState, AudioWorkletNode, AudioWorkletNodeOptions,
    GainNode, MediaStream, MediaStreamAudioDestinationNode, MediaStreamAudioSourceNode, MessageChannel,
    MessageEvent, MessagePort, Response, Worker,
};

use super::camera_effects::{describe, object, post};
use super::capture::Track;
use super::events::Listener;
use super::page::window;

/// The module that cuts the sound into frames, and has the small network.
const MODULE: &str = "/effects/denoise.wasm";
/// What the worker of the larger network is started from, and what it loads.
const WORKER: &str = "/effects/deep_filter_worker.js";
const WORKER_MODULE: &str = "/effects/deep_filter.wasm";
const WORKER_WEIGHTS: &str = "/effects/deep_filter.weights";
/// Samples of a piece (Web Audio §1.1, render quantum).
const PIECE: u32 = 128;

/// Which network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// RNNoise, in the worklet itself.
    Small,
    /// `DeepFilterNet3`, in a worker.
    Large,
}

impl Network {
    /// The script of its worklet, and the name under which that registers.
    const fn worklet(self) -> (&'static str, &'static str) {
        match self {
            Self::Small => ("/effects/denoise.js", "visavis-noise-suppression"),
            Self::Large => ("/effects/deep_filter.js", "visavis-deep-filter"),
        }
    }
}

/// What there is to tell.
#[derive(Debug)]
pub(crate) enum SuppressionEvent {
    /// Sound comes out from now on, or does not any more: [`Suppression::is_running`].
    Changed,
    /// It does not work, or no longer.
    Failed(String),
    /// So many frames came back too late since the beginning, and are heard with their noise.
    Late(u32),
    /// What was to be recorded.
    Recorded(Recording),
}

/// The same sound twice, at the same time.
#[derive(Debug)]
pub(crate) struct Recording {
    before: Vec<f32>,
    after: Vec<f32>,
}

/// The worklet, with the way to it and back. Dropping it ends both.
pub(crate) struct Suppression {
    context: AudioContext,
    node: AudioWorkletNode,
    destination: MediaStreamAudioDestinationNode,
    source: RefCell<Option<MediaStreamAudioSourceNode>>,
    output: Track,
    /// By how many samples it is late, once it works.
    delay: Rc<Cell<Option<usize>>>,
    worker: Option<NetworkWorker>,
    _listeners: [Listener; 3],
}

impl Suppression {
    /// Starts the worklet. `tell` hears of it until this is dropped.
    ///
    /// # Errors
    /// The browser has nothing of what it takes; the text is for the console.
    pub(crate) async fn start(
        network: Network,
        tell: impl Fn(SuppressionEvent) + 'static,
    ) -> Result<Self, String> {
        // Without a wish for a rate: Firefox refuses microphones of another than the context's.
        let context = AudioContext::new().map_err(|error| describe(&error))?;
        let opened = Self::open(&context, network, Rc::new(tell)).await;
        opened.map_err(|error| {
            context.close().map(drop).ok();
            describe(&error)
        })
    }

    async fn open(
        context: &AudioContext,
        network: Network,
        tell: Rc<dyn Fn(SuppressionEvent)>,
    ) -> Result<Self, JsValue> {
        let (script, processor) = network.worklet();
        JsFuture::from(context.audio_worklet()?.add_module(script)?).await?;
        let response: Response = JsFuture::from(window().fetch_with_str(MODULE)).await?.dyn_into()?;
        let bytes: ArrayBuffer = JsFuture::from(response.array_buffer()?).await?.dyn_into()?;
        let module = JsFuture::from(WebAssembly::compile(&bytes)).await?;
        let node = AudioWorkletNode::new_with_options(context, processor, &options(&module)?)?;
        let destination = context.create_media_stream_destination()?;
        destination.set_channel_count(1);
        node.connect_with_audio_node(&destination)?;
        let output = destination.stream().get_audio_tracks().get(0).dyn_into()?;
        let delay = Rc::new(Cell::new(None));
        let (hears, told) = (Rc::clone(&delay), Rc::clone(&tell));
        let messages = Listener::new(&node.port()?.into(), "message", move |event| {
            if let Some(event) = event.dyn_ref::<MessageEvent>().and_then(|event| hear(&event.data(), &hears))
            {
                told(event);
            }
        });
        node.port()?.start();
        let told = Rc::clone(&tell);
        let errors = Listener::new(&node, "processorerror", move |_| {
            told(SuppressionEvent::Failed("the worklet ended".to_owned()));
        });
        let told = Rc::clone(&tell);
        let states = Listener::new(context, "statechange", move |_| told(SuppressionEvent::Changed));
        let worker = match network {
            Network::Small => None,
            Network::Large => Some(NetworkWorker::start(node.port()?, tell)?),
        };
        Ok(Self {
            context: context.clone(),
            node,
            destination,
            source: RefCell::default(),
            output: Track::of(output),
            delay,
            worker,
            _listeners: [messages, errors, states],
        })
    }

    /// From now on this sound goes in, and none of the microphone before.
    ///
    /// # Errors
    /// The browser refuses; the text is for the console.
    pub(crate) fn take(&self, microphone: &Track) -> Result<(), String> {
        let connect = || -> Result<MediaStreamAudioSourceNode, JsValue> {
            let stream = MediaStream::new_with_tracks(&Array::of1(microphone.track()))?;
            let source = self.context.create_media_stream_source(&stream)?;
            source.connect_with_audio_node(&self.node)?;
            Ok(source)
        };
        let source = connect().map_err(|error| describe(&error))?;
        if let Some(before) = self.source.replace(Some(source)) {
            before.disconnect().ok();
        }
        Ok(())
    }

    /// Whether sound comes out.
    pub(crate) fn is_running(&self) -> bool {
        let is_ready = self.worker.as_ref().is_none_or(|worker| worker.is_connected.get());
        is_ready && self.delay.get().is_some() && self.context.state() == AudioContextState::Running
    }

    /// Asks the browser to let it run: before the first click, and during a telephone call, it may not.
    pub(crate) fn resume(&self) {
        if self.context.state() != AudioContextState::Running {
            self.context.resume().map(drop).ok();
        }
    }

    /// Seconds of sound that were processed.
    pub(crate) fn processed(&self) -> f64 {
        self.context.current_time()
    }

    /// What is sent.
    pub(crate) fn output(&self) -> Track {
        self.output.clone()
    }

    /// Keeps so many seconds of what goes in and comes out from now on; the recording is told. 0 ends it without one.
    pub(crate) fn record(&self, seconds: f64) {
        let samples = (seconds * f64::from(self.context.sample_rate())).round();
        if let Ok(port) = self.node.port() {
            port.post_message(&object(&[("record", samples.into())])).ok();
        }
    }

    /// Plays a recording again and again, until what is returned is dropped.
    ///
    /// # Errors
    /// The browser refuses; the text is for the console.
    pub(crate) fn play(&self, recording: &Recording) -> Result<Comparison, String> {
        let start = || -> Result<Comparison, JsValue> {
            Ok(Comparison { before: self.one(&recording.before)?, after: self.one(&recording.after)? })
        };
        start().map_err(|error| describe(&error))
    }

    fn one(&self, samples: &[f32]) -> Result<Voice, JsValue> {
        let length = u32::try_from(samples.len()).unwrap_or(u32::MAX);
        let buffer = self.context.create_buffer(1, length, self.context.sample_rate())?;
        buffer.copy_to_channel(samples, 0)?;
        let source = self.context.create_buffer_source()?;
        source.set_buffer(Some(&buffer));
        source.set_loop(true);
        let gain = self.context.create_gain()?;
        gain.gain().set_value(0.0);
        source.connect_with_audio_node(&gain)?;
        gain.connect_with_audio_node(&self.context.destination())?;
        source.start()?;
        Ok(Voice { source, gain })
    }
}

impl Drop for Suppression {
    fn drop(&mut self) {
        self.output.stop();
        self.destination.disconnect().ok();
        self.context.close().map(drop).ok();
    }
}

/// The larger network. Dropping it ends it.
struct NetworkWorker {
    worker: Worker,
    /// It has loaded, and the worklet sends it frames.
    is_connected: Rc<Cell<bool>>,
    _messages: Listener,
    _errors: Listener,
}

impl NetworkWorker {
    /// Loads it, then gives it and the worklet behind `node` a way to each other.
    fn start(node: MessagePort, tell: Rc<dyn Fn(SuppressionEvent)>) -> Result<Self, JsValue> {
        let worker = Worker::new(WORKER)?;
        let is_connected = Rc::new(Cell::new(false));
        let (connected, connecting, told) = (Rc::clone(&is_connected), worker.clone(), Rc::clone(&tell));
        let messages = Listener::new(&worker, "message", move |event| {
            let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
            let text = |name: &str| Reflect::get(&event.data(), &name.into()).ok()?.as_string();
            match text("type").as_deref() {
                Some("loaded") => match connect(&connecting, &node) {
                    Ok(()) => {
                        connected.set(true);
                        told(SuppressionEvent::Changed);
                    }
                    Err(error) => told(SuppressionEvent::Failed(describe(&error))),
                },
                Some("failed") => {
                    told(SuppressionEvent::Failed(text("reason").unwrap_or_default()));
                }
                _ => {}
            }
        });
        let errors = Listener::new(&worker, "error", move |_| {
            tell(SuppressionEvent::Failed(format!("{WORKER} cannot be run")));
        });
        let files = [("module", WORKER_MODULE.into()), ("weights", WORKER_WEIGHTS.into())];
        post(&worker, "load", &files, &[]);
        Ok(Self { worker, is_connected, _messages: messages, _errors: errors })
    }
}

impl Drop for NetworkWorker {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

fn connect(worker: &Worker, node: &MessagePort) -> Result<(), JsValue> {
    let channel = MessageChannel::new()?;
    let (one, other) = (JsValue::from(channel.port1()), JsValue::from(channel.port2()));
    post(worker, "port", &[("port", one.clone())], &[one]);
    node.post_message_with_transferable(&object(&[("port", other.clone())]), &Array::of1(&other))
}

/// A recording that is being played, with or without its noise.
pub(crate) struct Comparison {
    before: Voice,
    after: Voice,
}

impl Comparison {
    /// Lets only one of the two be heard.
    pub(crate) fn hear(&self, is_after: bool) {
        self.before.gain.gain().set_value(if is_after { 0.0 } else { 1.0 });
        self.after.gain.gain().set_value(if is_after { 1.0 } else { 0.0 });
    }
}

struct Voice {
    source: AudioBufferSourceNode,
    gain: GainNode,
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.source.disconnect().ok();
        self.gain.disconnect().ok();
    }
}

fn options(module: &JsValue) -> Result<AudioWorkletNodeOptions, JsValue> {
    let options = AudioWorkletNodeOptions::new();
    let processor: Object = object(&[("module", module.clone()), ("piece", PIECE.into())]).dyn_into()?;
    options.set_processor_options(Some(&processor));
    options.set_channel_count(1);
    // Microphones may have two; the network hears one.
    Reflect::set(&options, &"channelCountMode".into(), &"explicit".into())?;
    options.set_output_channel_count(&Array::of1(&1.into()));
    Ok(options)
}

fn hear(message: &JsValue, delay: &Cell<Option<usize>>) -> Option<SuppressionEvent> {
    let field = |name: &str| Reflect::get(message, &name.into()).unwrap_or_default();
    match field("type").as_string().as_deref() {
        Some("ready") => {
            delay.set(field("delay").as_f64().map(|samples| samples as usize));
            Some(SuppressionEvent::Changed)
        }
        Some("failed") => {
            delay.set(None);
            Some(SuppressionEvent::Failed(field("reason").as_string().unwrap_or_default()))
        }
        Some("late") => field("frames").as_f64().map(|frames| SuppressionEvent::Late(frames as u32)),
        Some("recorded") => {
            let samples = |name: &str| field(name).dyn_into::<Float32Array>().map(|array| array.to_vec());
            let (mut before, mut after) = (samples("before").ok()?, samples("after").ok()?);
            after.drain(..delay.get()?.min(after.len()));
            before.truncate(after.len());
            Some(SuppressionEvent::Recorded(Recording { before, after }))
        }
        _ => None,
    }
}
