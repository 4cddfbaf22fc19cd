use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::icon::{Icon, IconView};
use crate::call::devices_view_model::{DeviceKind, DeviceOption};
use crate::call::list_navigation::{ListStep, list_step};
use crate::session::{LocalMedia, can_choose_speaker};
use crate::strings::{Key, text};

/// Where there is room for the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opens {
    /// Above the button.
    Up,
    /// Below it.
    Down,
}

/// A button that opens the list of devices of one kind.
#[component]
pub(crate) fn DevicePicker(kind: DeviceKind, media: LocalMedia, opens: Opens) -> impl IntoView {
    let (icon, label, test_id) = describe(kind);
    let open = RwSignal::new(false);
    let marked = RwSignal::new(0_usize);
    let options = Memo::new(move |_| media.devices.with(|devices| devices.options(kind)));
    let selected = Memo::new(move |_| media.devices.with(|devices| devices.selected(kind)));
    let value = move || {
        selected.get().map_or_else(|| text(Key::NoDevice).to_owned(), |option: DeviceOption| option.label)
    };
    let show = move |wanted: bool| {
        if wanted && !open.get_untracked() {
            let current = selected.get_untracked().map(|option| option.id);
            let at = options
                .with_untracked(|all| all.iter().position(|option| Some(&option.id) == current.as_ref()));
            marked.set(at.unwrap_or(0));
        }
        open.set(wanted);
    };
    let choose = move |index: usize| {
        if let Some(option) = options.with_untracked(|all| all.get(index).cloned()) {
            media.choose(kind, option.id);
        }
        open.set(false);
    };
    let pressed = move |event: KeyboardEvent| {
        let count = options.with_untracked(Vec::len);
        let is_open = open.get_untracked();
        let Some(step) = list_step(&event.key(), is_open, marked.get_untracked(), count) else { return };
        match step {
            ListStep::Move(_) if !is_open => show(true),
            ListStep::Move(line) => marked.set(line),
            ListStep::Choose => choose(marked.get_untracked()),
            ListStep::Close => open.set(false),
        }
        if event.key() != "Tab" {
            event.prevent_default();
            event.stop_propagation();
        }
    };
    let line_id = move |index: usize| format!("{test_id}-{index}");
    let line = move |(index, option): (usize, DeviceOption)| {
        let is_selected =
            move || selected.with(|chosen| chosen.as_ref().map(|chosen| &chosen.id) == Some(&option.id));
        view! {
            <li
                class="picker-option"
                role="option"
                id=line_id(index)
                aria-selected=move || is_selected().to_string()
                data-active=move || (marked.get() == index).to_string()
                // Keeps the focus on the button.
                on:mousedown=|event| event.prevent_default()
                on:click=move |_| choose(index)
            >
                <IconView icon=Icon::Check />
                <span>{option.label}</span>
            </li>
        }
    };
    view! {
        <div class="picker" data-opens=if opens == Opens::Up { "up" } else { "down" }>
            <button
                type="button"
                class="picker-button"
                role="combobox"
                aria-label=move || text(label)
                aria-haspopup="listbox"
                aria-expanded=move || open.get().to_string()
                aria-controls=move || open.get().then(|| format!("{test_id}-list"))
                aria-activedescendant=move || open.get().then(|| line_id(marked.get()))
                data-testid=test_id
                disabled=move || options.with(Vec::is_empty)
                on:click=move |_| show(!open.get_untracked())
                on:keydown=pressed
                on:blur=move |_| open.set(false)
            >
                <IconView icon=icon />
                <span class="picker-value">{value}</span>
                <IconView icon=Icon::Chevron class="chevron" />
            </button>
            <Show when=move || open.get()>
                <ul class="picker-list" role="listbox" id=format!("{test_id}-list") aria-label=move || text(label)>
                    {move || options.get().into_iter().enumerate().map(line).collect_view()}
                </ul>
            </Show>
        </div>
    }
}

/// A picker for each kind of device that this browser lets pages choose.
#[component]
pub(crate) fn DevicePickers(media: LocalMedia, opens: Opens) -> impl IntoView {
    // Firefox names speakers only after a choice of its own: without names there is nothing to pick.
    let speakers = move || {
        can_choose_speaker() && !media.devices.with(|devices| devices.options(DeviceKind::Speaker).is_empty())
    };
    view! {
        <DevicePicker kind=DeviceKind::Microphone media=media opens=opens />
        <DevicePicker kind=DeviceKind::Camera media=media opens=opens />
        <Show when=speakers>
            <DevicePicker kind=DeviceKind::Speaker media=media opens=opens />
        </Show>
    }
}

const fn describe(kind: DeviceKind) -> (Icon, Key, &'static str) {
    match kind {
        DeviceKind::Microphone => (Icon::Microphone, Key::Microphone, "pick-microphone"),
        DeviceKind::Camera => (Icon::Camera, Key::Camera, "pick-camera"),
        DeviceKind::Speaker => (Icon::Speaker, Key::Speaker, "pick-speaker"),
    }
}
