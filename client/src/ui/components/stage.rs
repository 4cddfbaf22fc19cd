use leptos::html;
use leptos::prelude::*;

use super::tile::Tile;
use crate::call::layout::{Size, layout};
use crate::session::{LocalMedia, MeetingSignals, SizeObserver};
use crate::strings::{Key, text};

/// All tiles, as large as they fit.
#[component]
pub(crate) fn Stage(signals: MeetingSignals, media: LocalMedia) -> impl IntoView {
    let element = NodeRef::<html::Ul>::new();
    let size = RwSignal::new(Size::default());
    let observer = StoredValue::new_local(None::<SizeObserver>);
    Effect::new(move |_| {
        observer.set_value(element.get().map(|element| {
            SizeObserver::new(&element, move |measured| {
                size.try_set(measured);
            })
        }));
    });
    let peers = Memo::new(move |_| {
        signals.view.with(|view| view.tiles.iter().map(|tile| tile.peer).collect::<Vec<_>>())
    });
    let arranged = Memo::new(move |_| layout(size.get(), peers.with(Vec::len)));
    Effect::new(move |_| signals.layout.set((size.get().height > 0.0).then(|| arranged.get())));
    let style = move || {
        let arranged = arranged.get();
        format!(
            "--tile-width: {}px; --tile-height: {}px; --tile-gap: {}px",
            arranged.tile.width, arranged.tile.height, arranged.gap
        )
    };
    view! {
        <ul class="tiles" node_ref=element style=style aria-label=text(Key::Meeting)>
            <For each=move || peers.get() key=|peer| *peer let:peer>
                <Tile peer=peer signals=signals media=media />
            </For>
        </ul>
    }
}
