use leptos::html;
use leptos::prelude::*;

use super::icon::Icon;
use super::round_button::RoundButton;
use crate::call::shortcut::{LINES, Line};
use crate::strings::{Key, text};

/// The list of keys, over everything else: the browser keeps the focus in it and gives it back afterwards.
#[component]
pub(crate) fn HelpSheet(open: RwSignal<bool>) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = element.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => dialog.show_modal().unwrap_or_default(),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    let keys = |keys: &'static [&'static str]| {
        let parts = |keys: &'static str| keys.split(' ').map(|key| view! { <kbd>{key}</kbd> }).collect_view();
        // "Page Up" is one key.
        let of = |name: &'static str| match name.strip_prefix("Ctrl ") {
            Some(_) => parts(name).into_any(),
            None => view! { <kbd>{name}</kbd> }.into_any(),
        };
        keys.iter().map(|name| view! { <span class="keys">{of(name)}</span> }).collect_view()
    };
    let line = move |line: &Line| {
        let what = line.text;
        view! {
            <div class="shortcut" data-testid="shortcut">
                <dt>{move || text(what)}</dt>
                <dd>{keys(line.keys)}</dd>
            </div>
        }
    };
    view! {
        <dialog
            class="sheet"
            node_ref=element
            aria-labelledby="shortcuts-title"
            data-testid="help"
            on:close=move |_| open.set(false)
        >
            <div class="panel-head">
                <h2 id="shortcuts-title">{move || text(Key::Shortcuts)}</h2>
                <RoundButton
                    icon=Icon::Close
                    label=Signal::derive(move || text(Key::ClosePanel).to_owned())
                    test_id="close-help"
                    press=move || open.set(false)
                />
            </div>
            <dl class="shortcuts">{LINES.iter().map(line).collect_view()}</dl>
        </dialog>
    }
}
