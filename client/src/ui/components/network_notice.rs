use leptos::prelude::*;

use super::icon::{Icon, IconView};
use crate::session::Network;
use crate::strings::{Key, text};

/// Says on pages outside a meeting that there is no network, before somebody tries in vain.
#[component]
pub(crate) fn NetworkNotice() -> impl IntoView {
    let network = expect_context::<Network>();
    view! {
        <div role="status" data-testid="network-notice">
            <Show when=move || !network.online.get()>
                <div class="notice">
                    <IconView icon=Icon::Warning />
                    <strong>{move || text(Key::NoNetwork)}</strong>
                    <p>{move || text(Key::AdviceNoNetwork)}</p>
                </div>
            </Show>
        </div>
    }
}
