use leptos::prelude::*;

use super::control_bar::OpenParts;
use super::icon::{Icon, IconView};
use super::round_button::RoundButton;
use crate::call::arrangement::Mode;
use crate::session::{StageHandle, can_fill_screen, can_float, toggle_full_screen};
use crate::strings::{Key, text};

/// The button and the menu of what can be done with the stage.
#[component]
pub(super) fn LayoutMenu(stage: StageHandle, open: OpenParts) -> impl IntoView {
    let state = Signal::derive(move || if open.layout.get() { "open" } else { "closed" });
    view! {
        <div class="menu-anchor in-sheet">
            <RoundButton
                icon=Icon::Layout
                label=Signal::derive(move || text(Key::Layout).to_owned())
                state=state
                test_id="layout"
                press=move || open.layout.update(|is_open| *is_open = !*is_open)
            />
            <Show when=move || open.layout.get()>
                <div class="backdrop" on:click=move |_| open.layout.set(false)></div>
                <div
                    class="popover"
                    role="dialog"
                    aria-label=move || text(Key::Layout)
                    data-testid="layout-menu"
                >
                    <fieldset class="layouts">
                        <legend>{move || text(Key::Layout)}</legend>
                        {Mode::ALL.into_iter().map(|mode| view! { <LayoutChoice mode=mode stage=stage /> }).collect_view()}
                    </fieldset>
                    <label class="switch-line">
                        <span class="switch-name">{move || text(Key::HideSelf)}</span>
                        <input
                            type="checkbox"
                            role="switch"
                            class="switch"
                            data-testid="hide-own-tile"
                            prop:checked=move || stage.choice.with(|choice| choice.hides_self)
                            on:change=move |_| stage.toggle_self()
                        />
                    </label>
                    <Windows stage=stage open=open />
                </div>
            </Show>
        </div>
    }
}

#[component]
fn LayoutChoice(mode: Mode, stage: StageHandle) -> impl IntoView {
    let (icon, key) = match mode {
        Mode::Auto => (Icon::Layout, Key::LayoutAuto),
        Mode::Grid => (Icon::LayoutGrid, Key::LayoutGrid),
        Mode::Speaker => (Icon::LayoutSpeaker, Key::LayoutSpeaker),
        Mode::Sidebar => (Icon::LayoutSidebar, Key::LayoutSidebar),
    };
    view! {
        <label class="layout-choice">
            <input
                type="radio"
                name="layout"
                value=mode.name()
                data-testid=format!("layout-{}", mode.name())
                prop:checked=move || stage.choice.with(|choice| choice.mode == mode)
                on:change=move |_| stage.choose(mode)
            />
            <IconView icon=icon />
            <span>{move || text(key)}</span>
        </label>
    }
}

/// What has to do with windows rather than with tiles, as far as this browser can do it.
#[component]
fn Windows(stage: StageHandle, open: OpenParts) -> impl IntoView {
    let float_label = move || {
        text(if stage.floating.with(Option::is_some) { Key::CloseFloating } else { Key::OpenFloating })
    };
    let full_screen_label =
        move || text(if stage.is_full_screen.get() { Key::LeaveFullScreen } else { Key::EnterFullScreen });
    let item = move |icon, label: Signal<&'static str>, test_id, press: fn(StageHandle, OpenParts)| {
        view! {
            <button
                type="button"
                class="menu-item"
                data-testid=test_id
                on:click=move |_| {
                    open.layout.set(false);
                    press(stage, open);
                }
            >
                <IconView icon=icon />
                {move || label.get()}
            </button>
        }
    };
    view! {
        <div class="menu-items">
            {can_float()
                .then(|| {
                    item(Icon::Float, Signal::derive(float_label), "float", |stage, _| stage.toggle_floating())
                })}
            {can_fill_screen()
                .then(|| {
                    item(
                        Icon::FullScreen,
                        Signal::derive(full_screen_label),
                        "full-screen",
                        |_, _| toggle_full_screen(),
                    )
                })}
            {item(
                Icon::Keyboard,
                Signal::derive(|| text(Key::Shortcuts)),
                "open-help",
                |_, open| open.help.set(true),
            )}
        </div>
    }
}
