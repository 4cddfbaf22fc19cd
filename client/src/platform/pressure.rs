//! Whether the device has too much to do, as far as the browser tells (W3C Compute Pressure Level 1; Chromium).

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::camera_effects::object;

const SAMPLE_INTERVAL_MS: u32 = 1000;

/// Watches the processor; dropping it stops.
pub(super) struct Pressure {
    is_high: Rc<Cell<bool>>,
    observer: JsValue,
    _callback: Closure<dyn FnMut(Array)>,
}

impl Pressure {
    /// Nothing where the browser does not tell.
    pub(super) fn watch() -> Option<Self> {
        let class: Function =
            Reflect::get(&js_sys::global(), &"PressureObserver".into()).ok()?.dyn_into().ok()?;
        let is_high = Rc::new(Cell::new(false));
        let seen = Rc::clone(&is_high);
        let callback = Closure::<dyn FnMut(Array)>::new(move |records: Array| {
            let newest = records.get(records.length().saturating_sub(1));
            let state = Reflect::get(&newest, &"state".into()).ok().and_then(|state| state.as_string());
            seen.set(matches!(state.as_deref(), Some("serious" | "critical")));
        });
        let observer = Reflect::construct(&class, &Array::of1(callback.as_ref())).ok()?;
        let observe: Function = Reflect::get(&observer, &"observe".into()).ok()?.dyn_into().ok()?;
        let options = object(&[("sampleInterval", SAMPLE_INTERVAL_MS.into())]);
        let started: Promise = observe.call2(&observer, &"cpu".into(), &options).ok()?.dyn_into().ok()?;
        spawn_local(async move {
            // Refused by a policy: then it says nothing, as elsewhere.
            JsFuture::from(started).await.ok();
        });
        Some(Self { is_high, observer, _callback: callback })
    }

    /// `serious` or `critical`.
    pub(super) fn is_high(&self) -> bool {
        self.is_high.get()
    }
}

impl Drop for Pressure {
    fn drop(&mut self) {
        let disconnect =
            Reflect::get(&self.observer, &"disconnect".into()).and_then(JsValue::dyn_into::<Function>);
        if let Ok(disconnect) = disconnect {
            disconnect.call0(&self.observer).ok();
        }
    }
}
