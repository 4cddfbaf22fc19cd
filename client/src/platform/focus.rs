//! Takes the keyboard along: into a panel, dialog or page that opens, and back to where it was when that closes
//! (WAI-ARIA Authoring Practices, "Dialog").
//!
//! It watches the document rather than being called by every view: what opens only has to be marked, as a panel by its
//! class or as a dialog by its role.

use std::cell::RefCell;

use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{Document, Element, HtmlElement, MutationObserver, MutationObserverInit, MutationRecord, Node};

use super::page::window;

/// Watches for as long as it lives.
pub(crate) struct FocusKeeper {
    observer: Option<MutationObserver>,
    _callback: Closure<dyn FnMut(js_sys::Array)>,
}

impl FocusKeeper {
    /// Begins to watch. The page that is there already does not take the focus: it was just loaded.
    pub(crate) fn new() -> Self {
        let opened = RefCell::new(Vec::<Opened>::new());
        let callback = Closure::<dyn FnMut(js_sys::Array)>::new(move |records: js_sys::Array| {
            let Some(document) = window().document() else { return };
            return_focus(&document, &mut opened.borrow_mut());
            for record in records.iter().filter_map(|record| record.dyn_into::<MutationRecord>().ok()) {
                let added = record.added_nodes();
                for node in (0..added.length()).filter_map(|index| added.get(index)) {
                    take_focus(&document, &node, &mut opened.borrow_mut());
                }
            }
        });
        let observer = MutationObserver::new(callback.as_ref().unchecked_ref()).ok();
        let options = MutationObserverInit::new();
        options.set_child_list(true);
        options.set_subtree(true);
        let body = window().document().and_then(|document| document.body());
        if let (Some(observer), Some(body)) = (&observer, body) {
            observer.observe_with_options(&body, &options).ok();
        }
        Self { observer, _callback: callback }
    }
}

impl Drop for FocusKeeper {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.disconnect();
        }
    }
}

/// Something that took the focus, and who had it before.
struct Opened {
    region: Element,
    before: Option<HtmlElement>,
}

/// Gives the focus back of what was closed, if it went away with it.
fn return_focus(document: &Document, opened: &mut Vec<Opened>) {
    while let Some(at) = opened.iter().rposition(|opened| !opened.region.is_connected()) {
        let closed = opened.remove(at);
        if let Some(before) = closed.before.filter(|before| before.is_connected())
            && focused(document).is_none()
        {
            before.focus().ok();
        }
    }
}

/// Moves the focus into what was opened, unless it is there already.
fn take_focus(document: &Document, node: &Node, opened: &mut Vec<Opened>) {
    let Some(element) = node.dyn_ref::<Element>().filter(|element| element.is_connected()) else { return };
    if let Some(region) = itself_or_below(element, REGIONS) {
        let before = focused(document);
        if before.as_ref().is_some_and(|focused| region.contains(Some(focused))) {
            return;
        }
        let target = itself_or_below(&region, "[data-focus]").or_else(|| itself_or_below(&region, FOCUSABLE));
        focus(target);
        if opened.len() < OPENED_MAX {
            opened.push(Opened { region, before });
        }
    } else if focused(document).is_none()
        && let Some(page) = itself_or_below(element, PAGES)
    {
        let heading = itself_or_below(&page, "h1");
        if let Some(heading) = &heading {
            heading.set_attribute("tabindex", "-1").ok();
        }
        focus(heading);
    }
}

fn focus(target: Option<Element>) {
    if let Some(target) = target.and_then(|target| target.dyn_into::<HtmlElement>().ok()) {
        target.focus().ok();
    }
}

/// Who has the focus; nothing when it is the document as a whole.
fn focused(document: &Document) -> Option<HtmlElement> {
    let element = document.active_element()?.dyn_into::<HtmlElement>().ok()?;
    (element.tag_name() != "BODY").then_some(element)
}

fn itself_or_below(element: &Element, selector: &str) -> Option<Element> {
    if element.matches(selector).unwrap_or(false) {
        return Some(element.clone());
    }
    element.query_selector(selector).ok().flatten()
}

/// What opens above or beside a page.
const REGIONS: &str = ".panel, [role='dialog']";
const PAGES: &str = ".page, .meeting";
const FOCUSABLE: &str = "button:not(:disabled), input:not(:disabled), select:not(:disabled), \
    textarea:not(:disabled), a[href], [tabindex]";
/// More than can be open at a time.
const OPENED_MAX: usize = 16;
