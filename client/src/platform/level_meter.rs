//! How loud a microphone is.

use web_sys::{AnalyserNode, AudioContext, AudioContextState, MediaStream};

use super::capture::Track;

/// Listens to a track; dropping it stops.
pub(crate) struct LevelMeter {
    context: AudioContext,
    analyser: AnalyserNode,
    samples: Vec<f32>,
}

/// About 43 ms at 48 kHz: a syllable is longer.
const SAMPLES: u32 = 2048;

impl LevelMeter {
    /// Nothing when the browser has no Web Audio.
    pub(crate) fn new(track: &Track) -> Option<Self> {
        let stream = MediaStream::new_with_tracks(&js_sys::Array::of1(track.track())).ok()?;
        let context = AudioContext::new().ok()?;
        let analyser = context.create_analyser().ok()?;
        analyser.set_fft_size(SAMPLES);
        context.create_media_stream_source(&stream).ok()?.connect_with_audio_node(&analyser).ok()?;
        Some(Self { context, analyser, samples: vec![0.0; SAMPLES as usize] })
    }

    /// The latest samples, between -1 and 1. Silence until the browser lets the meter run.
    pub(crate) fn samples(&mut self) -> &[f32] {
        if self.context.state() == AudioContextState::Suspended {
            // Allowed from the first click on; asking again costs nothing.
            self.context.resume().map(drop).ok();
        }
        self.analyser.get_float_time_domain_data(&mut self.samples);
        &self.samples
    }
}

impl Drop for LevelMeter {
    fn drop(&mut self) {
        self.context.close().map(drop).ok();
    }
}
