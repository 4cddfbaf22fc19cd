//! A handle for tests and support: `visavisDebug.peerConnection()` gives the `RTCPeerConnection`, or `null`.
//! It gives nothing that the page's own scripts could not get otherwise.

use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;

use super::page::window;

/// Tells whoever looks into the browser's console.
pub(crate) fn warn(text: &str) {
    web_sys::console::warn_1(&text.into());
}

/// Puts the handle on the window. `connection` is asked at every call.
pub(super) fn expose(connection: impl Fn() -> JsValue + 'static) {
    let handle = js_sys::Object::new();
    let getter = Closure::<dyn Fn() -> JsValue>::new(connection).into_js_value();
    js_sys::Reflect::set(&handle, &"peerConnection".into(), &getter).ok();
    js_sys::Reflect::set(&window(), &"visavisDebug".into(), &handle).ok();
}
