use leptos::prelude::*;
use shared::embed::ToolbarButton;

use crate::session::Embedding;

/// The buttons of the page around the frame, in the bar. A press is told to the page.
#[component]
pub(crate) fn PageButtons() -> impl IntoView {
    let embedding = use_context::<Embedding>();
    let buttons = move || embedding.map(|embedding| embedding.buttons.get()).unwrap_or_default();
    let button = move |ToolbarButton { id, label, icon, pressed }: ToolbarButton| {
        let test_id = format!("page-button-{id}");
        let press = move |_| {
            if let Some(embedding) = embedding {
                embedding.press(id.clone());
            }
        };
        // The label is the name in any case; a picture alone has it as a tip.
        let has_icon = icon.is_some();
        let content = match icon {
            Some(address) => view! { <img src=address alt="" /> }.into_any(),
            None => view! { <span>{label.clone()}</span> }.into_any(),
        };
        view! {
            <button
                type="button"
                class=if has_icon { "round-button page-button" } else { "button quiet page-button" }
                aria-label=label.clone()
                aria-pressed=pressed.map(|pressed| pressed.to_string())
                data-tip=has_icon.then_some(label)
                data-testid=test_id
                on:click=press
            >
                {content}
            </button>
        }
    };
    move || buttons().into_iter().map(button).collect_view()
}
