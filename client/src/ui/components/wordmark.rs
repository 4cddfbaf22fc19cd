use leptos::prelude::*;

use crate::app::Navigation;
use crate::route::Route;
use crate::strings::{Key, text};

/// Two halves that face each other.
#[component]
pub(crate) fn Mark(#[prop(optional)] class: &'static str) -> impl IntoView {
    view! {
        <svg class=class viewBox="0 0 48 48" aria-hidden="true">
            <path class="mark-left" d="M8 12h2.5a12 12 0 0 1 0 24H8z" />
            <path class="mark-right" d="M40 12h-2.5a12 12 0 0 0 0 24H40z" />
        </svg>
    }
}

/// The mark and the name; leads home.
#[component]
pub(crate) fn Wordmark() -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let go_home = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        navigation.go(Route::Home);
    };
    view! {
        <a class="wordmark" href="/" on:click=go_home>
            <Mark />
            {move || text(Key::Product)}
        </a>
    }
}
