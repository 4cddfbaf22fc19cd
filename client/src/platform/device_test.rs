//! Whether a camera gives pictures, and a sound for the speaker.

use std::time::Duration;

use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AudioContext, HtmlAudioElement, HtmlVideoElement, OscillatorNode};

use super::clock;
use super::page::window;
use super::picture::Picture;
use super::playout::send_to;

/// How often it is looked whether a picture is there.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Two notes, a fifth apart, and how loud they are.
const NOTES_HZ: [f32; 2] = [440.0, 660.0];
const NOTE: Duration = Duration::from_millis(600);
const LOUDNESS: f32 = 0.25;

/// Width and height of the first picture. Where none comes it does not end: give it a deadline.
pub(crate) async fn first_picture(picture: &Picture) -> Option<(u32, u32)> {
    let document = window().document()?;
    let element: HtmlVideoElement = document.create_element("video").ok()?.dyn_into().ok()?;
    element.set_muted(true);
    picture.show_in(&element);
    let shown = Shown(element);
    loop {
        let (width, height) = (shown.0.video_width(), shown.0.video_height());
        if width > 0 && height > 0 {
            return Some((width, height));
        }
        clock::sleep(LOOK_EVERY).await;
    }
}

/// An element that nobody sees; it lets go of its picture when it is dropped.
struct Shown(HtmlVideoElement);

impl Drop for Shown {
    fn drop(&mut self) {
        super::picture::clear(&self.0);
    }
}

/// Plays two notes on a speaker, or on the usual one. False when the browser does not.
pub(crate) async fn play_sound(speaker: Option<&str>) -> bool {
    let Some(sound) = Sound::new(speaker) else { return false };
    let Ok(playing) = sound.element.play() else { return false };
    if JsFuture::from(playing).await.is_err() {
        return false;
    }
    for note in NOTES_HZ {
        sound.oscillator.frequency().set_value(note);
        clock::sleep(NOTE).await;
    }
    true
}

/// What makes the notes, and the element that plays them: only elements can be sent to a speaker. Dropping it silences it.
struct Sound {
    context: AudioContext,
    oscillator: OscillatorNode,
    element: HtmlAudioElement,
}

impl Sound {
    fn new(speaker: Option<&str>) -> Option<Self> {
        let context = AudioContext::new().ok()?;
        let element = HtmlAudioElement::new().ok()?;
        let oscillator = context.create_oscillator().ok()?;
        let sound = Self { context, oscillator, element };
        let destination = sound.context.create_media_stream_destination().ok()?;
        let volume = sound.context.create_gain().ok()?;
        volume.gain().set_value(LOUDNESS);
        sound.oscillator.connect_with_audio_node(&volume).ok()?;
        volume.connect_with_audio_node(&destination).ok()?;
        sound.element.set_src_object(Some(&destination.stream()));
        if let Some(speaker) = speaker {
            send_to(&sound.element, speaker);
        }
        sound.oscillator.start().ok()?;
        sound.context.resume().map(drop).ok();
        Some(sound)
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        self.element.set_src_object(None);
        self.context.close().map(drop).ok();
    }
}
