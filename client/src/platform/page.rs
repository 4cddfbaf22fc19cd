//! The page itself: its address, the network, leaving it.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, KeyboardEvent, Node, PageTransitionEvent, ResizeObserver, Window};

use super::events::Listener;
use crate::call::layout::Size;
use crate::call::shortcut::{KeyPress, Phase};

pub(super) fn window() -> Window {
    web_sys::window().expect("the program runs in a page, never in a worker")
}

/// Runs a task before anything is mounted; the one of Leptos is there only from then on.
pub(crate) fn spawn_before_mounting(task: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(task);
}

/// The path of the address, for example `/r/abc-defg-hjk`.
pub(crate) fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// The fragment of the address, with its `#`; empty when there is none.
pub(crate) fn fragment() -> String {
    window().location().hash().unwrap_or_default()
}

/// Takes the fragment out of the address bar and out of the history: it held a secret.
pub(crate) fn remove_fragment() {
    let location = window().location();
    let query = location.search().unwrap_or_default();
    if let (Ok(path), Ok(history)) = (location.pathname(), window().history()) {
        history.replace_state_with_url(&JsValue::NULL, "", Some(&format!("{path}{query}"))).ok();
    }
}

/// How far an element is scrolled before its end, in CSS pixels.
pub(crate) fn before_end(element: &Element) -> i32 {
    element.scroll_height() - element.scroll_top() - element.client_height()
}

/// Scrolls an element to its end.
pub(crate) fn scroll_to_end(element: &Element) {
    element.set_scroll_top(element.scroll_height());
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

/// Sets an attribute of the whole page, or takes it away.
pub(crate) fn set_attribute(name: &str, value: Option<&str>) {
    let Some(root) = root() else { return };
    // Both fail only for a name that is none.
    match value {
        Some(value) => root.set_attribute(name, value).ok(),
        None => root.remove_attribute(name).ok(),
    };
}

/// Replaces the custom properties that were given to the whole page before.
pub(crate) fn set_properties(before: &[&str], now: &[(&str, String)]) {
    let Some(root) = root() else { return };
    for name in before {
        root.style().remove_property(name).ok();
    }
    for (name, value) in now {
        root.style().set_property(name, value).ok();
    }
}

fn root() -> Option<web_sys::HtmlElement> {
    window().document()?.document_element()?.dyn_into().ok()
}

/// Names the tab.
pub(crate) fn set_title(title: &str) {
    if let Some(document) = window().document() {
        document.set_title(title);
    }
}

/// Takes away what is shown while the program is loaded, and when it cannot be.
pub(crate) fn remove_splash() {
    let Some(document) = window().document() else { return };
    for id in ["splash", "start-problem"] {
        if let Some(element) = document.get_element_by_id(id) {
            element.remove();
        }
    }
}

/// Whether the page has found already that this browser lacks what a meeting needs, and says so.
pub(crate) fn is_given_up() -> bool {
    let root = window().document().and_then(|document| document.document_element());
    root.is_some_and(|root| root.has_attribute("data-start-problem"))
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

/// Calls `react` when the page comes into view (true) or nobody sees it any more.
pub(crate) fn on_visibility(react: impl Fn(bool) + 'static) -> Option<Listener> {
    let document = window().document()?;
    let watched = document.clone();
    Some(Listener::new(&document, "visibilitychange", move |_| react(!watched.hidden())))
}

/// Calls `react` when the window loses the keyboard to another.
pub(crate) fn on_blur(mut react: impl FnMut() + 'static) -> Listener {
    Listener::new(&window(), "blur", move |_| react())
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

/// Calls `react` with every key that is pressed, held or let go; when it answers true, the browser does nothing with it.
pub(crate) fn on_key(react: impl Fn(KeyPress<'_>) -> bool + Clone + 'static) -> [Listener; 3] {
    let clicked = Rc::new(RefCell::new(None::<Node>));
    let (pointed, released, react_to_release) = (Rc::clone(&clicked), Rc::clone(&clicked), react.clone());
    [
        Listener::new(&window(), "pointerdown", move |event| {
            *pointed.borrow_mut() = event.target().and_then(|target| target.dyn_into().ok());
        }),
        key_listener("keydown", Phase::Pressed, clicked, react),
        key_listener("keyup", Phase::Released, released, react_to_release),
    ]
}

fn key_listener(
    event: &'static str,
    phase: Phase,
    clicked: Rc<RefCell<Option<Node>>>,
    react: impl Fn(KeyPress<'_>) -> bool + 'static,
) -> Listener {
    Listener::new(&window(), event, move |event| {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
        if event.key() == "Tab" {
            clicked.take();
        }
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let press = KeyPress {
            key: &event.key(),
            command: event.ctrl_key() || event.meta_key(),
            alt: event.alt_key(),
            writing: target.as_ref().is_some_and(takes_text),
            on_control: target.is_some_and(|element| takes_space(&element, clicked.borrow().as_ref())),
            phase: if event.repeat() { Phase::Held } else { phase },
        };
        if react(press) {
            event.prevent_default();
        }
    })
}

/// Whether the space bar means something to this element: a control that was reached with the keyboard. The one that was clicked
/// last has the focus, too, but nobody expects it to be pressed again. (`:focus-visible` does not tell them apart: it matches
/// either from the first key on.)
fn takes_space(element: &Element, clicked: Option<&Node>) -> bool {
    !matches!(element.tag_name().as_str(), "BODY" | "HTML")
        && clicked.is_none_or(|clicked| !element.contains(Some(clicked)))
}

/// Whether letters end up in this element. In a switch or among radio buttons they do not.
fn takes_text(element: &Element) -> bool {
    let kind = element.get_attribute("type").unwrap_or_default();
    match element.tag_name().as_str() {
        "INPUT" => !matches!(kind.as_str(), "checkbox" | "radio" | "range" | "file"),
        name => name == "TEXTAREA",
    }
}
