//! Listening to events for as long as a value lives.

use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, EventTarget};

/// An event listener; dropping it stops listening.
pub(crate) struct Listener {
    target: EventTarget,
    event: &'static str,
    callback: Closure<dyn FnMut(Event)>,
}

impl Listener {
    /// Calls `react` on every such event of the target.
    pub(crate) fn new(target: &EventTarget, event: &'static str, react: impl FnMut(Event) + 'static) -> Self {
        let callback = Closure::new(react);
        // Fails only for a listener that is not a function.
        target.add_event_listener_with_callback(event, callback.as_ref().unchecked_ref()).ok();
        Self { target: target.clone(), event, callback }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let callback = self.callback.as_ref().unchecked_ref();
        self.target.remove_event_listener_with_callback(self.event, callback).ok();
    }
}
