use leptos::prelude::*;
use shared::RoomId;
use shared::embed::PanelName;

use super::CaptureNotices;
use super::copy_link::CopyLink;
use super::device_picker::{DevicePickers, Opens};
use super::icon::{Icon, IconView};
use super::language_switch::LanguageSwitch;
use super::layout_menu::LayoutMenu;
use super::leave_button::LeaveButton;
use super::more_buttons::MoreButtons;
use super::noise_control::NoiseControl;
use super::page_buttons::PageButtons;
use super::reactions::{HandButton, ReactionButton};
use super::round_button::RoundButton;
use super::share_button::ShareButton;
use super::source_button::SourceButton;
use super::wordmark::Mark;
use crate::call::call_view_model::Signal as Bars;
use crate::call::captions::Captions;
use crate::call::capture_problem::Device;
use crate::session::{LocalMedia, MeetingHandle};
use crate::strings::{Key, text, text_counted, text_with};

/// What can lie beside the stage, one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Panel {
    /// The list of people.
    People,
    /// What is written.
    Chat,
    /// The choice of backgrounds.
    Backgrounds,
    /// What the call does, in numbers.
    Statistics,
}

impl Panel {
    /// What the page around the frame calls it; nothing for one that is not there.
    pub(crate) const fn of(name: PanelName) -> Option<Self> {
        match name {
            PanelName::People => Some(Self::People),
            PanelName::Backgrounds => Some(Self::Backgrounds),
            PanelName::Statistics => Some(Self::Statistics),
            PanelName::Chat => Some(Self::Chat),
        }
    }
}

/// What lies open beside or above the stage.
#[derive(Clone, Copy)]
pub(crate) struct OpenParts {
    /// What lies beside the stage.
    pub(crate) panel: RwSignal<Option<Panel>>,
    /// The choice of devices.
    pub(crate) devices: RwSignal<bool>,
    /// The choice of arrangements.
    pub(crate) layout: RwSignal<bool>,
    /// The list of keys.
    pub(crate) help: RwSignal<bool>,
    /// What has no room in the bar of a phone.
    pub(crate) more: RwSignal<bool>,
    /// The bar of reactions.
    pub(crate) reactions: RwSignal<bool>,
}

impl OpenParts {
    /// Nothing.
    pub(crate) fn nothing() -> Self {
        let closed = || RwSignal::new(false);
        Self {
            panel: RwSignal::new(None),
            devices: closed(),
            layout: closed(),
            help: closed(),
            more: closed(),
            reactions: closed(),
        }
    }

    /// Closes everything.
    pub(crate) fn close_all(self) {
        self.panel.set(None);
        for open in [self.devices, self.layout, self.help, self.more, self.reactions] {
            open.set(false);
        }
    }

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
    let talk = signals.talk;
    let is_offered = Memo::new(move |_| talk.gathering.with(|gathering| gathering.is_offered));
    let unread = Memo::new(move |_| talk.chat.with(|chat| chat.unread(talk.read.get())));
    let waiting = Memo::new(move |_| talk.gathering.with(|gathering| gathering.knocks.len()));
    let chat_label = move || match unread.get() {
        0 => text(Key::Chat).to_owned(),
        unread => text_counted(Key::ChatUnread, unread as u64, &[]),
    };
    let people_label = move || text_with(Key::PeopleCount, &[("count", &count.get().to_string())]);
    let captions_on = Signal::derive(move || signals.captions.with(Captions::is_on));
    let copy_label = move || match link.outcome() {
        None => text(Key::CopyLink).to_owned(),
        Some(true) => text(Key::LinkCopied).to_owned(),
        Some(false) => text(Key::CopyFailed).to_owned(),
    };
    let copy_icon = move || if link.outcome() == Some(true) { Icon::Check } else { Icon::Link };
    view! {
        <div class="control-bar" role="region" aria-label=move || text(Key::Controls)>
            <div class="bar-place">
                <Mark />
                <span class="room-code" data-testid="room-code">
                    {room.to_string()}
                </span>
                <SignalBars
                    bars=Signal::derive(move || signals.view.with(|view| view.quality))
                    state=panel_state(Panel::Statistics)
                    press=move || open.toggle(Panel::Statistics)
                />
            </div>
            <div class="bar-controls">
                <SourceButton device=Device::Microphone media=media />
                <SourceButton device=Device::Camera media=media />
                <ShareButton media=media />
                <LayoutMenu stage=signals.stage open=open />
                <div class="menu-anchor in-sheet">
                    <RoundButton
                        icon=Icon::Devices
                        label=Signal::derive(move || text(Key::DeviceSettings).to_owned())
                        state=state(open.devices)
                        test_id="devices"
                        press=move || open.devices.update(|is_open| *is_open = !*is_open)
                    />
                    <Show when=move || open.devices.get()>
                        <div class="backdrop" on:click=move |_| open.devices.set(false)></div>
                        <div class="popover" role="dialog" aria-label=move || text(Key::DeviceSettings)>
                            <h2>{move || text(Key::DeviceSettings)}</h2>
                            <DevicePickers media=media opens=Opens::Up />
                            <NoiseControl media=media />
                            <CaptureNotices media=media />
                            <LanguageSwitch />
                            <button
                                type="button"
                                class="button quiet wide"
                                data-testid="open-statistics"
                                data-part="open-statistics"
                                on:click=move |_| {
                                    open.devices.set(false);
                                    open.panel.set(Some(Panel::Statistics));
                                }
                            >
                                <IconView icon=Icon::Statistics />
                                {move || text(Key::CallStatistics)}
                            </button>
                        </div>
                    </Show>
                </div>
                <Show when=move || is_offered.get()>
                    <ReactionButton meeting=meeting is_open=open.reactions />
                    <HandButton meeting=meeting />
                </Show>
                <RoundButton
                    icon=Icon::Dots
                    label=Signal::derive(move || text(Key::More).to_owned())
                    state=state(open.more)
                    test_id="more"
                    class="for-phones"
                    press=move || open.more.update(|is_open| *is_open = !*is_open)
                />
                <LeaveButton meeting=meeting />
            </div>
            <Show when=move || open.more.get()>
                <div class="backdrop for-phones" on:click=move |_| open.more.set(false)></div>
            </Show>
            // A sheet on phones; whatever is chosen there closes it.
            <div
                class="bar-extras"
                data-state=move || state(open.more).get()
                on:click=move |_| open.more.set(false)
            >
                <PageButtons />
                <MoreButtons media=media open=open />
                <RoundButton
                    icon=Signal::derive(copy_icon)
                    label=Signal::derive(copy_label)
                    test_id="copy-link"
                    press=move || link.copy()
                />
                <RoundButton
                    icon=Icon::Backgrounds
                    label=Signal::derive(move || text(Key::Backgrounds).to_owned())
                    state=panel_state(Panel::Backgrounds)
                    test_id="toggle-backgrounds"
                    press=move || open.toggle(Panel::Backgrounds)
                />
                <RoundButton
                    icon=Icon::Captions
                    label=Signal::derive(move || text(Key::Captions).to_owned())
                    pressed=captions_on
                    state=Signal::derive(move || if captions_on.get() { "shown" } else { "hidden" })
                    test_id="toggle-captions"
                    press=move || meeting.toggle_captions()
                />
                <Show when=move || is_offered.get()>
                    <RoundButton
                        icon=Icon::Chat
                        label=Signal::derive(chat_label)
                        state=panel_state(Panel::Chat)
                        test_id="toggle-chat"
                        press=move || open.toggle(Panel::Chat)
                    >
                        <Show when=move || { unread.get() > 0 }>
                            <span class="badge unread" data-testid="unread" aria-hidden="true">
                                {move || unread.get().min(UNREAD_SHOWN_MAX)}
                            </span>
                        </Show>
                    </RoundButton>
                </Show>
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
                    <Show when=move || { waiting.get() > 0 }>
                        <span class="warning-dot" aria-hidden="true">
                            "!"
                        </span>
                    </Show>
                </RoundButton>
            </div>
        </div>
    }
}

/// The quality of the own connection as three bars, and the way to the numbers behind it.
#[component]
fn SignalBars(
    #[prop(into)] bars: Signal<Bars>,
    #[prop(into)] state: Signal<&'static str>,
    press: impl Fn() + 'static,
) -> impl IntoView {
    let describe = move || match bars.get() {
        Bars::None => (0, Key::SignalNone),
        Bars::Weak => (1, Key::SignalWeak),
        Bars::Medium => (2, Key::SignalMedium),
        Bars::Strong => (3, Key::SignalStrong),
    };
    let lit = move |bar: usize| (bar <= describe().0).to_string();
    let label = move || format!("{} · {}", text(describe().1), text(Key::CallStatistics));
    view! {
        <button
            type="button"
            class="signal-button"
            aria-label=label
            aria-expanded=move || (state.get() == "open").to_string()
            data-tip=label
            data-testid="toggle-statistics"
            on:click=move |_| press()
        >
            <span class="signal-bars" data-testid="quality" data-state=move || describe().0>
                <i data-lit=move || lit(1)></i>
                <i data-lit=move || lit(2)></i>
                <i data-lit=move || lit(3)></i>
            </span>
        </button>
    }
}

/// More would not fit into the badge.
const UNREAD_SHOWN_MAX: usize = 99;
