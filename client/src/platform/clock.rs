//! Time and timers.

use std::time::Duration;

use engine::Moment;
use futures_channel::oneshot;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;

use super::page::window;

/// Now, counted from when the page was opened; never goes back.
pub(crate) fn now() -> Moment {
    let milliseconds = window().performance().map_or(0.0, |performance| performance.now());
    Moment::after_start(Duration::from_secs_f64((milliseconds / 1000.0).max(0.0)))
}

/// Milliseconds since the epoch by this device's clock, which may be set back.
pub(crate) fn epoch_ms() -> f64 {
    js_sys::Date::now()
}

/// Ends after this time; dropping it stops the timer.
pub(crate) async fn sleep(time: Duration) {
    let (sender, fired) = oneshot::channel();
    let mut sender = Some(sender);
    let timer = Timer::once(time, move || drop(sender.take()));
    // The sender is dropped rather than used: that wakes all the same.
    fired.await.unwrap_or(());
    drop(timer);
}

/// The time of day of a moment, as people here write it; with the day when that is not today.
pub(crate) fn time_of_day(at_s: u32) -> String {
    let moment = js_sys::Date::new(&(f64::from(at_s) * 1000.0).into());
    let is_today = moment.to_date_string() == js_sys::Date::new_0().to_date_string();
    let options = js_sys::Object::new();
    let set = |name: &str, value: &str| js_sys::Reflect::set(&options, &name.into(), &value.into()).ok();
    set("hour", "numeric");
    set("minute", "2-digit");
    if !is_today {
        set("day", "numeric");
        set("month", "short");
    }
    // No locale: the browser's own.
    let format = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &options).format();
    format
        .call1(&wasm_bindgen::JsValue::UNDEFINED, &moment)
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}

/// A timer; dropping it stops it.
pub(crate) struct Timer {
    handle: i32,
    repeats: bool,
    _callback: Closure<dyn FnMut()>,
}

impl Timer {
    /// Calls `react` once.
    pub(crate) fn once(after: Duration, react: impl FnMut() + 'static) -> Self {
        let callback = Closure::<dyn FnMut()>::new(react);
        let function = callback.as_ref().unchecked_ref();
        let handle = window()
            .set_timeout_with_callback_and_timeout_and_arguments_0(function, whole_milliseconds(after))
            .unwrap_or_default();
        Self { handle, repeats: false, _callback: callback }
    }

    /// Calls `react` again and again.
    pub(crate) fn every(interval: Duration, react: impl FnMut() + 'static) -> Self {
        let callback = Closure::<dyn FnMut()>::new(react);
        let function = callback.as_ref().unchecked_ref();
        let handle = window()
            .set_interval_with_callback_and_timeout_and_arguments_0(function, whole_milliseconds(interval))
            .unwrap_or_default();
        Self { handle, repeats: true, _callback: callback }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if self.repeats {
            window().clear_interval_with_handle(self.handle);
        } else {
            window().clear_timeout_with_handle(self.handle);
        }
    }
}

/// Rounded up: a timer that fires a fraction too early would only be armed again.
fn whole_milliseconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
}
