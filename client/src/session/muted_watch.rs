//! Listens to the silenced microphone, on this device only, to tell somebody who speaks that nobody hears them.

use leptos::prelude::*;

use super::LocalMedia;
use crate::call::level::lit_bars;
use crate::call::muted_speech::{LOOK_INTERVAL, MutedSpeech};
use crate::platform::capture::Track;
use crate::platform::clock::{self, Timer};
use crate::platform::level_meter::LevelMeter;

/// The ear of a microphone that is off: a track of its own, because the one that is sent gives silence. Dropping it stops.
struct Ear {
    track: Track,
    meter: LevelMeter,
}

impl Ear {
    fn of(microphone: &Track) -> Option<Self> {
        let track = microphone.duplicate();
        track.set_enabled(true);
        match LevelMeter::new(&track) {
            Some(meter) => Some(Self { track, meter }),
            None => {
                track.stop();
                None
            }
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.track.stop();
    }
}

/// Calls `tell` when somebody speaks while their microphone is off. Lives as long as the reactive owner it is called in.
pub(super) fn watch(local: LocalMedia, tell: impl Fn() + Clone + 'static) {
    let speech = StoredValue::new(MutedSpeech::default());
    let timer = StoredValue::new_local(None::<Timer>);
    let is_on = Memo::new(move |_| local.microphone.with(|state| state.on));
    Effect::new(move |_| {
        let microphone = local.microphone_track.get().filter(|track| !is_on.get() && track.is_live());
        let ear = microphone.as_ref().and_then(Ear::of);
        let tell = tell.clone();
        timer.set_value(ear.map(|mut ear| {
            Timer::every(LOOK_INTERVAL, move || {
                let bars = lit_bars(ear.meter.samples());
                let is_speech = speech.try_update_value(|speech| speech.is_to_be_told(clock::now(), bars));
                if is_speech == Some(true) {
                    tell();
                }
            })
        }));
    });
}
