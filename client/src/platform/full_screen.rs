//! The page on the whole screen (WHATWG Fullscreen), and in a small window over all others (WICG Document
//! Picture-in-Picture).

use std::future::Future;
use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, Element, Window};

use super::events::Listener;
use super::page::window;
use crate::call::layout::Size;

/// Whether this browser lets pages fill the screen.
pub(crate) fn can_fill_screen() -> bool {
    window().document().is_some_and(|document| document.fullscreen_enabled())
}

/// Fills the screen, or goes back; to be called from a click or a key.
pub(crate) fn toggle_full_screen() {
    let Some(document) = window().document() else { return };
    if document.fullscreen_element().is_some() {
        document.exit_fullscreen();
    } else if let Some(root) = document.document_element() {
        root.request_fullscreen().ok();
    }
}

/// Whether the page fills the screen; `react` hears whenever that changes.
pub(crate) fn on_full_screen(react: impl Fn(bool) + 'static) -> Option<Listener> {
    let document = window().document()?;
    let watched = document.clone();
    Some(Listener::new(&document, "fullscreenchange", move |_| {
        react(watched.fullscreen_element().is_some());
    }))
}

/// Whether this browser has small windows that stay over all others.
pub(crate) fn can_float() -> bool {
    opener().is_some()
}

/// A small window over all others; dropping the last copy closes it.
#[derive(Clone)]
pub(crate) struct FloatingWindow(Rc<Opened>);

struct Opened {
    window: Window,
    body: Element,
    _closed: Listener,
}

impl FloatingWindow {
    /// Opens one, with the styles of the page; to be called from a click or a key. `closed` hears when the person closes it.
    pub(crate) fn open(size: Size, closed: impl FnMut() + 'static) -> impl Future<Output = Option<Self>> {
        let asked = ask(size);
        async move {
            let opened: Window = JsFuture::from(asked?).await.ok()?.unchecked_into();
            let document = opened.document()?;
            dress(&document)?;
            let mut closed = closed;
            let listener = Listener::new(&opened, "pagehide", move |_| closed());
            let body = document.body()?.into();
            Some(Self(Rc::new(Opened { window: opened, body, _closed: listener })))
        }
    }

    /// Where to put something.
    pub(crate) fn body(&self) -> Element {
        self.0.body.clone()
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.window.close().ok();
    }
}

fn opener() -> Option<(JsValue, Function)> {
    let opener = Reflect::get(&window(), &"documentPictureInPicture".into()).ok()?;
    let open = Reflect::get(&opener, &"requestWindow".into()).ok()?.dyn_into().ok()?;
    Some((opener, open))
}

fn ask(size: Size) -> Option<Promise> {
    let (opener, open) = opener()?;
    let options = Object::new();
    Reflect::set(&options, &"width".into(), &size.width.into()).ok()?;
    Reflect::set(&options, &"height".into(), &size.height.into()).ok()?;
    open.call1(&opener, &options).ok()?.dyn_into().ok()
}

/// The window is an empty document: it gets the page's style sheets, language, direction and theme.
fn dress(document: &Document) -> Option<()> {
    let page = window().document()?;
    let sheets = page.query_selector_all("link[rel=stylesheet], style").ok()?;
    let head = document.head()?;
    for sheet in (0..sheets.length()).filter_map(|at| sheets.get(at)) {
        head.append_child(&sheet.clone_node_with_deep(true).ok()?).ok()?;
    }
    let (from, to) = (page.document_element()?, document.document_element()?);
    for name in ["lang", "dir", "data-theme"] {
        if let Some(value) = from.get_attribute(name) {
            to.set_attribute(name, &value).ok();
        }
    }
    document.set_title(&page.title());
    Some(())
}
