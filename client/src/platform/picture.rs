//! A stream that can be shown.

use web_sys::{HtmlVideoElement, MediaStream, MediaStreamTrack};

use super::frame_times;
use crate::call::latency::FrameTimes;

/// Moving pictures for a video element; cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture(MediaStream);

impl Picture {
    /// A picture of one track.
    pub(super) fn of_track(track: &MediaStreamTrack) -> Option<Self> {
        let tracks = js_sys::Array::of1(track);
        MediaStream::new_with_tracks(&tracks).ok().map(Self)
    }

    /// The times of its next frame, where it is shown.
    pub(crate) async fn frame_times(&self) -> Option<FrameTimes> {
        frame_times::next(&self.0).await
    }

    /// Shows it in an element, unless it is there already.
    pub(crate) fn show_in(&self, element: &HtmlVideoElement) {
        if element.src_object().as_ref() == Some(&self.0) {
            return;
        }
        element.set_src_object(Some(&self.0));
        // Muted pictures may always play; `autoplay` does it, this is for browsers that forget it.
        if let Ok(playing) = element.play() {
            wasm_bindgen_futures::spawn_local(async move {
                wasm_bindgen_futures::JsFuture::from(playing).await.ok();
            });
        }
    }
}

/// Shows nothing any more.
pub(crate) fn clear(element: &HtmlVideoElement) {
    element.set_src_object(None);
}
