use leptos::prelude::*;
use shared::RoomId;

use super::CaptureNotices;
use super::copy_link::CopyLink;
use super::device_picker::{DevicePickers, Opens};
use super::icon::Icon;
use super::round_button::RoundButton;
use super::source_button::SourceButton;
use super::wordmark::Mark;
use crate::call::call_view_model::Signal as Bars;
use crate::call::capture_problem::Device;
use crate::session::{LocalMedia, MeetingHandle};
use crate::strings::{Key, text, text_with};

/// What can lie beside the stage, one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Panel {
    /// The list of people.
    People,
    /// The choice of backgrounds.
    Backgrounds,
}

/// What lies open beside or above the stage.
#[derive(Clone, Copy)]
pub(crate) struct OpenParts {
    /// What lies beside the stage.
    pub(crate) panel: RwSignal<Option<Panel>>,
    /// The choice of devices.
    pub(crate) devices: RwSignal<bool>,
}

impl OpenParts {
    /// Opens a panel in place of the one that is open, or closes it.
    pub(crate) fn toggle(self, panel: Panel) {
        self.panel.update(|open| *open = if *open == Some(panel) { None } else { Some(panel) });
    }
}

/// The bar below the stage.
#[component]
pub(crate) fn ControlBar(
    room: RoomId,
    meeting: MeetingHandle,
    media: LocalMedia,
    link: CopyLink,
    open: OpenParts,
) -> impl IntoView {
    let signals = meeting.signals;
    let count = Memo::new(move |_| signals.view.with(|view| view.tiles.len()));
    let state = |signal: RwSignal<bool>| Signal::derive(move || if signal.get() { "open" } else { "closed" });
    let panel_state = move |panel: Panel| {
        Signal::derive(move || if open.panel.get() == Some(panel) { "open" } else { "closed" })
    };
    let people_label = move || text_with(Key::PeopleCount, &[("count", &count.get().to_string())]);
    let copy_label = move || match link.outcome() {
        None => text(Key::CopyLink).to_owned(),
        Some(true) => text(Key::LinkCopied).to_owned(),
        Some(false) => text(Key::CopyFailed).to_owned(),
    };
    let copy_icon = move || if link.outcome() == Some(true) { Icon::Check } else { Icon::Link };
    view! {
        <div class="control-bar" role="toolbar" aria-label=text(Key::Controls)>
            <div class="bar-place">
                <Mark />
                <span class="room-code" data-testid="room-code">
                    {room.to_string()}
                </span>
                <SignalBars bars=Signal::derive(move || signals.view.with(|view| view.quality)) />
            </div>
            <div class="bar-controls">
                <SourceButton device=Device::Microphone media=media />
                <SourceButton device=Device::Camera media=media />
                <div class="menu-anchor">
                    <RoundButton
                        icon=Icon::Devices
                        label=text(Key::DeviceSettings).to_owned()
                        state=state(open.devices)
                        test_id="devices"
                        press=move || open.devices.update(|is_open| *is_open = !*is_open)
                    />
                    <Show when=move || open.devices.get()>
                        <div class="backdrop" on:click=move |_| open.devices.set(false)></div>
                        <div class="popover" role="dialog" aria-label=text(Key::DeviceSettings)>
                            <h3>{text(Key::DeviceSettings)}</h3>
                            <DevicePickers media=media opens=Opens::Up />
                            <CaptureNotices media=media />
                        </div>
                    </Show>
                </div>
                <RoundButton
                    icon=Icon::Leave
                    label=text(Key::Leave).to_owned()
                    test_id="leave"
                    class="danger"
                    press=move || meeting.leave()
                />
            </div>
            <div class="bar-extras">
                <RoundButton
                    icon=Signal::derive(copy_icon)
                    label=Signal::derive(copy_label)
                    test_id="copy-link"
                    press=move || link.copy()
                />
                <RoundButton
                    icon=Icon::Backgrounds
                    label=text(Key::Backgrounds).to_owned()
                    state=panel_state(Panel::Backgrounds)
                    test_id="toggle-backgrounds"
                    press=move || open.toggle(Panel::Backgrounds)
                />
                <RoundButton
                    icon=Icon::People
                    label=Signal::derive(people_label)
                    state=panel_state(Panel::People)
                    test_id="toggle-people"
                    press=move || open.toggle(Panel::People)
                >
                    <span class="badge" data-testid="people-count" aria-hidden="true">
                        {move || count.get()}
                    </span>
                </RoundButton>
            </div>
        </div>
    }
}

/// The quality of the own connection as three bars.
#[component]
fn SignalBars(#[prop(into)] bars: Signal<Bars>) -> impl IntoView {
    let describe = move || match bars.get() {
        Bars::None => (0, Key::SignalNone),
        Bars::Weak => (1, Key::SignalWeak),
        Bars::Medium => (2, Key::SignalMedium),
        Bars::Strong => (3, Key::SignalStrong),
    };
    let lit = move |bar: usize| (bar <= describe().0).to_string();
    view! {
        <div
            class="signal-bars"
            role="img"
            aria-label=move || text(describe().1)
            data-tip=move || text(describe().1)
            data-testid="quality"
            data-state=move || describe().0
        >
            <i data-lit=move || lit(1)></i>
            <i data-lit=move || lit(2)></i>
            <i data-lit=move || lit(3)></i>
        </div>
    }
}
