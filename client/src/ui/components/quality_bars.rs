use leptos::prelude::*;
use shared::PeerId;

use crate::call::call_view_model::Signal as Bars;
use crate::session::MeetingSignals;
use crate::strings::{Key, text};

/// How well somebody is received, in three bars; nothing while that cannot be said.
#[component]
pub(crate) fn QualityBars(peer: PeerId, signals: MeetingSignals) -> impl IntoView {
    let bars = Memo::new(move |_| {
        let reception = signals.talk.reception;
        let (is_self, is_away) = signals
            .view
            .with(|view| view.tile(peer).map_or((false, false), |tile| (tile.is_self, tile.reconnecting)));
        if is_self {
            Some(reception.with(|reception| reception.own(signals.view.with(|view| view.quality))))
        } else if is_away {
            Some(Bars::None)
        } else {
            reception.with(|reception| reception.of(peer))
        }
    });
    move || {
        let (count, key) = describe(bars.get()?);
        Some(view! {
            <span
                class="signal-bars"
                role="img"
                aria-label=move || text(key)
                title=move || text(key)
                data-testid="person-quality"
                data-state=count
            >
                <i data-lit=(count >= 1).to_string()></i>
                <i data-lit=(count >= 2).to_string()></i>
                <i data-lit=(count >= 3).to_string()></i>
            </span>
        })
    }
}

const fn describe(bars: Bars) -> (u8, Key) {
    match bars {
        Bars::None => (0, Key::SignalNone),
        Bars::Weak => (1, Key::SignalWeak),
        Bars::Medium => (2, Key::SignalMedium),
        Bars::Strong => (3, Key::SignalStrong),
    }
}
