//! Which page is shown.

use leptos::prelude::*;

use crate::route::Route;
use crate::session::{self, Bond, Embedding};
use crate::ui::pages::{Home, NotFound, Refused, Room, Unloaded, Waiting};

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
    provide_context(session::Network::new());
    let embedding = Embedding::start();
    provide_context(embedding);
    let bond = Memo::new(move |_| match embedding.bond.get() {
        // Connecting later, or not at all, changes nothing about the page that is shown.
        Bond::Connected | Bond::Alone => Bond::Alone,
        Bond::Awaited => Bond::Awaited,
        Bond::Refused => Bond::Refused,
        Bond::Broken => Bond::Broken,
    });
    let listeners = [
        session::on_navigation(move || route.set(Route::from_path(&session::path()))),
        session::reload_when_restored(),
    ];
    Effect::new(|_| StoredValue::new_local(session::FocusKeeper::new()));
    // They live as long as the page.
    StoredValue::new_local(listeners);
    move || match (bond.get(), route.get()) {
        (Bond::Awaited, _) => view! { <Waiting /> }.into_any(),
        (Bond::Refused, _) => view! { <Refused /> }.into_any(),
        (Bond::Broken, _) => view! { <Unloaded /> }.into_any(),
        (_, Route::Home) => view! { <Home /> }.into_any(),
        (_, Route::Room(room)) => view! { <Room room=room /> }.into_any(),
        (_, Route::Unknown) => view! { <NotFound /> }.into_any(),
    }
}
