use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::session::{self, LocalMedia, NotArrived};
use crate::strings::{Key, text};

/// Shows a part of a page whose code arrives late.
pub(crate) type LateView = fn(LocalMedia) -> AnyView;

/// Shown in a page as soon as its code has arrived.
#[component]
pub(crate) fn Late<F>(view: F, media: LocalMedia) -> impl IntoView
where
    F: Future<Output = Result<LateView, NotArrived>> + 'static,
{
    let arrived = RwSignal::new(None);
    spawn_local(async move {
        let view = view.await;
        arrived.try_set(Some(view));
    });
    move || match arrived.get() {
        None => view! { <div class="spinner" role="status" aria-label=move || text(Key::OneMoment)></div> }
            .into_any(),
        Some(Err(NotArrived)) => view! {
            <div role="alert" data-testid="part-unloaded">
                <p class="hint">{move || text(Key::UnloadedText)}</p>
                <button type="button" class="button plain" on:click=move |_| session::reload()>
                    {move || text(Key::Reload)}
                </button>
            </div>
        }
        .into_any(),
        Some(Ok(show)) => show(media),
    }
}
