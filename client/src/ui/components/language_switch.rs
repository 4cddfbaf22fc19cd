use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Icon, IconView};
use crate::session;
use crate::strings::{Key, Language, language, text};

/// Chooses the language of the page; it changes at once.
#[component]
pub(crate) fn LanguageSwitch() -> impl IntoView {
    let failed = RwSignal::new(false);
    let select = NodeRef::<leptos::html::Select>::new();
    let choose = move |event: leptos::ev::Event| {
        let Some(wanted) = Language::from_tag(&event_target_value(&event)) else { return };
        failed.set(false);
        spawn_local(async move {
            if !session::choose_language(wanted).await {
                failed.try_set(true);
                if let Some(select) = select.get_untracked() {
                    select.set_value(untrack(language).tag());
                }
            }
        });
    };
    let option = |offered: Language| {
        view! {
            <option value=offered.tag() lang=offered.tag() selected=move || language() == offered>
                {offered.own_name()}
            </option>
        }
    };
    view! {
        <div class="language">
            <label class="language-switch">
                <IconView icon=Icon::Language />
                <span class="only-spoken">{move || text(Key::Language)}</span>
                <select node_ref=select data-testid="language" on:change=choose>
                    {Language::ALL.map(option).collect_view()}
                </select>
                <IconView icon=Icon::Chevron class="chevron" />
            </label>
            <p class="language-failed" role="alert" hidden=move || !failed.get()>
                {move || failed.get().then(|| text(Key::LanguageFailed))}
            </p>
        </div>
    }
}
