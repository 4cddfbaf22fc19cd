use leptos::prelude::*;

use crate::app::Navigation;
use crate::route::Route;
use crate::session;
use crate::strings::{Key, text};
use crate::ui::components::Mark;

/// An address that leads nowhere.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    session::set_title(text(Key::Product));
    let navigation = expect_context::<Navigation>();
    view! {
        <div class="page" data-testid="not-found">
            <main class="plain-main">
                <Mark class="plain-mark" />
                <h1>{move || text(Key::NotFoundTitle)}</h1>
                <p>{move || text(Key::NotFoundText)}</p>
                <div class="actions">
                    <button type="button" class="button primary" on:click=move |_| navigation.go(Route::Home)>
                        {move || text(Key::GoHome)}
                    </button>
                </div>
            </main>
        </div>
    }
}
