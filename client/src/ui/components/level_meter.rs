use std::time::Duration;

use leptos::prelude::*;

use crate::call::level::{BARS, lit_bars};
use crate::session::{LevelMeter, LocalMedia};
use crate::strings::{Key, text};

/// Shows how loud the microphone is; dark while it is off.
#[component]
pub(crate) fn LevelMeterView(media: LocalMedia) -> impl IntoView {
    let lit = RwSignal::new(0);
    let meter = StoredValue::new_local(None::<LevelMeter>);
    Effect::new(move |_| {
        let track = media.microphone_track.get();
        meter.set_value(track.as_ref().and_then(LevelMeter::new));
    });
    let measure = move || {
        let is_on = media.microphone.get_untracked().on;
        let bars = meter.try_update_value(|meter| meter.as_mut().map(|meter| lit_bars(meter.samples())));
        let bars = bars.flatten().filter(|_| is_on).unwrap_or(0);
        if lit.get_untracked() != bars {
            lit.set(bars);
        }
    };
    if let Ok(interval) = set_interval_with_handle(measure, METER_INTERVAL) {
        on_cleanup(move || interval.clear());
    }
    view! {
        <div
            class="meter"
            role="meter"
            aria-label=move || text(Key::MicrophoneLevel)
            aria-valuemin="0"
            aria-valuemax=BARS
            aria-valuenow=move || lit.get()
            data-testid="microphone-level"
        >
            {(0..BARS)
                .map(|bar| view! { <span data-lit=move || (bar < lit.get()).to_string()></span> })
                .collect_view()}
        </div>
    }
}

/// Twelve times a second looks alive and costs nothing.
const METER_INTERVAL: Duration = Duration::from_millis(80);
