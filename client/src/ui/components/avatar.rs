use leptos::prelude::*;

use crate::call::portrait::{hue, initials};

/// Initials on the colour of the name. Decoration: the name stands beside it.
#[component]
pub(crate) fn Avatar(#[prop(into)] name: Signal<String>) -> impl IntoView {
    view! {
        <div class="avatar" aria-hidden="true" style=move || format!("--hue: {}", hue(&name.read()))>
            {move || initials(&name.read())}
        </div>
    }
}
