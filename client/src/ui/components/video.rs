use leptos::html;
use leptos::prelude::*;

use crate::session::{Picture, clear};

/// Moving pictures; invisible until the first one has arrived, so that no stale or black frame is seen.
#[component]
pub(crate) fn Video(
    /// What to show.
    #[prop(into)]
    picture: Signal<Option<Picture>, LocalStorage>,
    /// One's own picture is shown as in a mirror.
    mirrored: bool,
    /// Hears the shape of the picture: width by height.
    #[prop(optional)]
    shape: Option<RwSignal<f64>>,
) -> impl IntoView {
    let element = NodeRef::<html::Video>::new();
    let ready = RwSignal::new(false);
    Effect::new(move |_| {
        let Some(video) = element.get() else { return };
        // It would sound twice otherwise; the attribute alone does not mute elements made by programs.
        video.set_muted(true);
        match picture.get() {
            Some(picture) => picture.show_in(&video),
            None => clear(&video),
        }
    });
    let measure = move || {
        if let (Some(video), Some(shape)) = (element.get_untracked(), shape)
            && video.video_height() > 0
        {
            shape.set(f64::from(video.video_width()) / f64::from(video.video_height()));
        }
    };
    let arrived = move || {
        ready.set(true);
        measure();
    };
    view! {
        <video
            node_ref=element
            class:mirrored=mirrored
            autoplay
            playsinline
            muted
            data-ready=move || ready.get().to_string()
            on:loadeddata=move |_| arrived()
            on:playing=move |_| arrived()
            on:emptied=move |_| ready.set(false)
            on:resize=move |_| measure()
        ></video>
    }
}
