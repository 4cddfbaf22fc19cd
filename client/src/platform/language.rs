//! What the browser knows about languages, and where the locale files come from.

use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use gloo_net::http::Request;
use js_sys::{Array, Intl, Object, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};

use super::clock::Timer;
use super::page::window;
use crate::strings::{Direction, Language};

/// The tags of the languages that the person reads, the best first (`navigator.languages`).
pub(crate) fn preferred() -> Vec<String> {
    window().navigator().languages().iter().filter_map(|tag| tag.as_string()).collect()
}

/// The language that the address asks for: `?lang=de`.
pub(crate) fn asked_for() -> Option<String> {
    let search = window().location().search().ok()?;
    web_sys::UrlSearchParams::new_with_str(&search).ok()?.get(PARAMETER)
}

/// Takes the wish for a language out of the address: a reload must not bring it back.
pub(crate) fn forget_asked_for() {
    let address = window().location().href().ok().and_then(|address| web_sys::Url::new(&address).ok());
    let Some(address) = address.filter(|address| address.search_params().has(PARAMETER)) else { return };
    address.search_params().delete(PARAMETER);
    if let Ok(history) = window().history() {
        history.replace_state_with_url(&JsValue::NULL, "", Some(&address.href())).ok();
    }
}

/// The content of a language's file. Nothing when it does not come within the time.
pub(crate) async fn fetch(language: Language, patience: Duration) -> Option<String> {
    let (expire, expired) = oneshot::channel::<()>();
    let mut expire = Some(expire);
    let _timer = Timer::once(patience, move || {
        if let Some(expire) = expire.take() {
            expire.send(()).ok();
        }
    });
    let fetched = Box::pin(async move {
        let response = Request::get(&format!("/locales/{}.json", language.tag())).send().await.ok()?;
        if response.ok() { response.text().await.ok() } else { None }
    });
    match select(fetched, expired).await {
        Either::Left((file, _)) => file,
        Either::Right(_) => None,
    }
}

/// Says of the whole page which language it is in: fonts, hyphens, voices and the direction follow.
pub(crate) fn label_page(language: Language, direction: Direction) {
    let root = window().document().and_then(|document| document.document_element());
    if let Some(root) = root {
        root.set_attribute("lang", language.tag()).ok();
        root.set_attribute("dir", direction.name()).ok();
    }
}

/// A number as it is written in the language.
pub(crate) fn format_number(language: Language, value: f64, decimals: usize) -> String {
    let options = Object::new();
    for bound in ["minimumFractionDigits", "maximumFractionDigits"] {
        Reflect::set(&options, &bound.into(), &JsValue::from(u32::try_from(decimals).unwrap_or(0))).ok();
    }
    let format = Intl::NumberFormat::new(&Array::of1(&language.tag().into()), options.unchecked_ref());
    let written = format.format().call1(&JsValue::NULL, &value.into());
    written.ok().and_then(|text| text.as_string()).unwrap_or_else(|| format!("{value:.decimals$}"))
}

const PARAMETER: &str = "lang";
