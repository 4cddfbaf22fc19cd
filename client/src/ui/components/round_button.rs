use leptos::prelude::*;

use super::icon::{Icon, IconView};

/// A round button with an icon; its name is told as a tip and to screen readers.
#[component]
pub(crate) fn RoundButton(
    #[prop(into)] icon: Signal<Icon>,
    #[prop(into)] label: Signal<String>,
    /// `on`, `off`, `open`, `closed`; nothing for buttons without a state.
    #[prop(into, optional)]
    state: Signal<&'static str>,
    test_id: &'static str,
    /// It does nothing now; its name says why.
    #[prop(into, optional)]
    blocked: Signal<bool>,
    /// Whether it is on, for a button that switches and is always called the same.
    #[prop(into, optional)]
    pressed: Option<Signal<bool>>,
    #[prop(optional)] class: &'static str,
    press: impl Fn() + 'static,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let expanded = move || match state.get() {
        "open" => Some("true"),
        "closed" => Some("false"),
        _ => None,
    };
    view! {
        <button
            type="button"
            class=format!("round-button {class}")
            aria-label=move || label.get()
            aria-expanded=expanded
            aria-pressed=move || pressed.map(|pressed| pressed.get().to_string())
            data-tip=move || label.get()
            data-state=move || state.get()
            aria-disabled=move || blocked.get().then_some("true")
            data-testid=test_id
            data-part=test_id
            on:click=move |_| {
                if !blocked.get_untracked() {
                    press();
                }
            }
        >
            <IconView icon=icon />
            {children.map(|children| children())}
        </button>
    }
}
