use leptos::html;
use leptos::prelude::*;

/// A question that has to be answered before anything else: the browser keeps the focus in it and gives it back.
#[component]
pub(crate) fn Dialog(
    #[prop(into)] label: Signal<String>,
    test_id: &'static str,
    close: impl Fn() + Copy + 'static,
    children: Children,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = element.get()
            && !dialog.open()
        {
            // Fails only for a dialog that is not in the page any more.
            dialog.show_modal().ok();
        }
    });
    view! {
        <dialog
            class="dialog"
            node_ref=element
            aria-label=move || label.get()
            data-testid=test_id
            on:cancel=move |event: leptos::ev::Event| {
                event.prevent_default();
                close();
            }
        >
            <h2>{move || label.get()}</h2>
            {children()}
        </dialog>
    }
}
