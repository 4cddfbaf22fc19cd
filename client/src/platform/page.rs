//! The page itself: its address, the network, leaving it.

use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, KeyboardEvent, PageTransitionEvent, ResizeObserver, Window};

use super::events::Listener;
use crate::call::layout::Size;
use crate::call::shortcut::KeyPress;

pub(super) fn window() -> Window {
    web_sys::window().expect("the program runs in a page, never in a worker")
}

/// The path of the address, for example `/r/abc-defg-hjk`.
pub(crate) fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// Host and port of the address.
pub(crate) fn host() -> String {
    window().location().host().unwrap_or_default()
}

/// Scheme, host and port: what links of this server begin with.
pub(crate) fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// The address of the signaling WebSocket: same host, same security as the page.
pub(crate) fn socket_address() -> String {
    let scheme = if window().location().protocol().is_ok_and(|name| name == "https:") { "wss" } else { "ws" };
    format!("{scheme}://{}/ws", host())
}

/// Changes the address without loading anything; the way back stays.
pub(crate) fn push_path(path: &str) {
    if let Ok(history) = window().history() {
        history.push_state_with_url(&JsValue::NULL, "", Some(path)).ok();
    }
}

/// Calls `react` when the person goes back or forward.
pub(crate) fn on_navigation(mut react: impl FnMut() + 'static) -> Listener {
    Listener::new(&window(), "popstate", move |_| react())
}

/// Loads the page anew.
pub(crate) fn reload() {
    window().location().reload().ok();
}

/// Names the tab.
pub(crate) fn set_title(title: &str) {
    if let Some(document) = window().document() {
        document.set_title(title);
    }
}

/// Takes away what is shown while the program is loaded.
pub(crate) fn remove_splash() {
    if let Some(splash) = window().document().and_then(|document| document.get_element_by_id("splash")) {
        splash.remove();
    }
}

/// Whether the device has a network, as far as the browser knows.
pub(crate) fn is_online() -> bool {
    window().navigator().on_line()
}

/// Calls `react` when the network comes or goes.
pub(crate) fn on_network(react: impl Fn(bool) + Clone + 'static) -> [Listener; 2] {
    let gone = react.clone();
    [
        Listener::new(&window(), "online", move |_| react(true)),
        Listener::new(&window(), "offline", move |_| gone(false)),
    ]
}

/// Calls `react` when the page is left or reloaded.
pub(crate) fn on_leave(mut react: impl FnMut() + 'static) -> Listener {
    Listener::new(&window(), "pagehide", move |_| react())
}

/// A page that the browser kept and shows again has dead connections: load it anew.
pub(crate) fn reload_when_restored() -> Listener {
    Listener::new(&window(), "pageshow", |event| {
        if event.dyn_ref::<PageTransitionEvent>().is_some_and(PageTransitionEvent::persisted) {
            reload();
        }
    })
}

/// Calls `react` on every click or key, until dropped. Browsers start held-back sound only then.
pub(crate) fn on_gesture(react: impl Fn() + Clone + 'static) -> [Listener; 2] {
    let pressed = react.clone();
    [
        Listener::new(&window(), "pointerdown", move |_| react()),
        Listener::new(&window(), "keydown", move |_| pressed()),
    ]
}

/// What the browser calls itself.
pub(crate) fn user_agent() -> String {
    window().navigator().user_agent().unwrap_or_default()
}

/// Device pixels per CSS pixel.
pub(crate) fn pixel_ratio() -> f64 {
    window().device_pixel_ratio()
}

/// A random number from the browser's cryptographic source.
pub(crate) fn random_seed() -> u64 {
    let mut bytes = [0; 8];
    if let Ok(crypto) = window().crypto() {
        crypto.get_random_values_with_u8_array(&mut bytes).ok();
    }
    u64::from_le_bytes(bytes)
}

/// Puts a text into the clipboard; says whether the browser let us.
pub(crate) async fn copy(text: &str) -> bool {
    let navigator: JsValue = window().navigator().into();
    // Absent on pages that were not opened securely.
    let clipboard = js_sys::Reflect::get(&navigator, &"clipboard".into()).unwrap_or(JsValue::UNDEFINED);
    let Ok(clipboard) = clipboard.dyn_into::<web_sys::Clipboard>() else { return false };
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}

/// Watches the size of an element; dropping it stops.
pub(crate) struct SizeObserver {
    observer: Option<ResizeObserver>,
    _callback: wasm_bindgen::closure::Closure<dyn FnMut()>,
}

impl SizeObserver {
    /// Calls `react` now and whenever the element's size changes.
    pub(crate) fn new(element: &Element, react: impl Fn(Size) + 'static) -> Self {
        let watched = element.clone();
        let measure = move || {
            let rectangle = watched.get_bounding_client_rect();
            react(Size { width: rectangle.width(), height: rectangle.height() });
        };
        measure();
        let callback = wasm_bindgen::closure::Closure::<dyn FnMut()>::new(measure);
        let observer = ResizeObserver::new(callback.as_ref().unchecked_ref()).ok();
        if let Some(observer) = &observer {
            observer.observe(element);
        }
        Self { observer, _callback: callback }
    }
}

impl Drop for SizeObserver {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.disconnect();
        }
    }
}

/// Calls `react` with every pressed key; when it answers true, the browser does nothing with it.
pub(crate) fn on_key(react: impl Fn(KeyPress<'_>) -> bool + 'static) -> Listener {
    Listener::new(&window(), "keydown", move |event| {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
        if event.repeat() {
            return;
        }
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let press = KeyPress {
            key: &event.key(),
            command: event.ctrl_key() || event.meta_key(),
            alt: event.alt_key(),
            writing: target.is_some_and(|element| element.tag_name() == "INPUT"),
        };
        if react(press) {
            event.prevent_default();
        }
    })
}
