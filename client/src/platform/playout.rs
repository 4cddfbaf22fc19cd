//! Letting the others be heard: one hidden audio element for each audio slot.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{HtmlAudioElement, MediaStream};

use super::page::window;

/// The audio elements; dropping it silences and removes them.
pub(crate) struct Playout {
    elements: RefCell<Vec<(String, HtmlAudioElement)>>,
    speaker: RefCell<Option<String>>,
    tell_blocked: Rc<dyn Fn(bool)>,
}

impl Playout {
    /// `tell_blocked` hears whether the browser holds the sound back until a click.
    pub(crate) fn new(speaker: Option<String>, tell_blocked: impl Fn(bool) + 'static) -> Self {
        Self {
            elements: RefCell::default(),
            speaker: RefCell::new(speaker),
            tell_blocked: Rc::new(tell_blocked),
        }
    }

    /// Plays a slot.
    pub(super) fn play(&self, mid: &str, stream: &MediaStream) {
        let known = self.elements.borrow().iter().find(|(known, _)| known == mid).map(|(_, e)| e.clone());
        let Some(element) = known.or_else(|| self.create(mid)) else { return };
        element.set_src_object(Some(stream));
        self.start(&element);
    }

    /// Tries again what the browser held back; to be called from a click.
    pub(crate) fn resume(&self) {
        for (_, element) in self.elements.borrow().iter() {
            self.start(element);
        }
    }

    /// Plays through another speaker, where the browser can.
    pub(crate) fn set_speaker(&self, id: &str) {
        *self.speaker.borrow_mut() = Some(id.to_owned());
        for (_, element) in self.elements.borrow().iter() {
            send_to(element, id);
        }
    }

    /// Silences and removes all slots.
    pub(crate) fn clear(&self) {
        for (_, element) in self.elements.take() {
            element.set_src_object(None);
            element.remove();
        }
    }

    fn create(&self, mid: &str) -> Option<HtmlAudioElement> {
        let document = window().document()?;
        let element: HtmlAudioElement = document.create_element("audio").ok()?.dyn_into().ok()?;
        element.set_autoplay(true);
        element.set_hidden(true);
        element.set_attribute("data-slot", mid).ok();
        // Some browsers play only what is part of the page.
        document.body()?.append_child(&element).ok()?;
        if let Some(id) = self.speaker.borrow().as_deref() {
            send_to(&element, id);
        }
        self.elements.borrow_mut().push((mid.to_owned(), element.clone()));
        Some(element)
    }

    fn start(&self, element: &HtmlAudioElement) {
        let Ok(playing) = element.play() else { return };
        let tell_blocked = Rc::clone(&self.tell_blocked);
        spawn_local(async move {
            match JsFuture::from(playing).await {
                Ok(_) => tell_blocked(false),
                // Other failures, for example a newer stream in the same element, are no policy.
                Err(error) if is_refusal(&error) => tell_blocked(true),
                Err(_) => {}
            }
        });
    }
}

impl Drop for Playout {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Whether this browser lets pages choose the speaker.
pub(crate) fn can_choose_speaker() -> bool {
    let element = js_sys::Reflect::get(&window(), &"HTMLMediaElement".into());
    let prototype = element.and_then(|class| js_sys::Reflect::get(&class, &"prototype".into()));
    prototype.and_then(|prototype| js_sys::Reflect::has(&prototype, &"setSinkId".into())).unwrap_or(false)
}

/// `setSinkId`, which `web_sys` does not have. A speaker that is gone leaves the sound where it is.
pub(super) fn send_to(element: &HtmlAudioElement, id: &str) {
    let method = js_sys::Reflect::get(element, &"setSinkId".into()).unwrap_or(JsValue::UNDEFINED);
    let Ok(method) = method.dyn_into::<js_sys::Function>() else { return };
    if let Ok(promise) = method.call1(element, &id.into()).and_then(JsCast::dyn_into::<js_sys::Promise>) {
        spawn_local(async move {
            JsFuture::from(promise).await.ok();
        });
    }
}

fn is_refusal(error: &JsValue) -> bool {
    error.dyn_ref::<web_sys::DomException>().is_some_and(|error| error.name() == "NotAllowedError")
}
