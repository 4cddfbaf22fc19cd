//! Which page is shown.

use leptos::prelude::*;

use crate::route::Route;
use crate::session;
use crate::ui::pages::{Home, NotFound, Room};

/// Changes the page; from the context.
#[derive(Clone, Copy)]
pub(crate) struct Navigation {
    route: RwSignal<Route>,
}

impl Navigation {
    /// Goes to another page; the browser's way back stays.
    pub(crate) fn go(self, route: Route) {
        session::push_path(&route.path());
        self.route.set(route);
    }
}

/// The whole site.
#[component]
pub(crate) fn App() -> impl IntoView {
    let route = RwSignal::new(Route::from_path(&session::path()));
    provide_context(Navigation { route });
    let listeners = [
        session::on_navigation(move || route.set(Route::from_path(&session::path()))),
        session::reload_when_restored(),
    ];
    // They live as long as the page.
    StoredValue::new_local(listeners);
    move || match route.get() {
        Route::Home => view! { <Home /> }.into_any(),
        Route::Room(room) => view! { <Room room=room /> }.into_any(),
        Route::Unknown => view! { <NotFound /> }.into_any(),
    }
}
