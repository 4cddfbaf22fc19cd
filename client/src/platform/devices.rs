//! Which devices there are.

use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MediaDeviceInfo, MediaDeviceKind, MediaDevices};

use super::events::Listener;
use super::page::window;
use crate::call::devices_view_model::{DeviceInfo, DeviceKind};

/// `navigator.mediaDevices`; absent on pages that were not opened securely.
pub(super) fn media_devices() -> Option<MediaDevices> {
    let navigator: JsValue = window().navigator().into();
    js_sys::Reflect::get(&navigator, &"mediaDevices".into()).ok()?.dyn_into().ok()
}

/// Lists all devices; ids and labels are empty before the person has allowed anything.
pub(crate) async fn list() -> Vec<DeviceInfo> {
    let Some(promise) = media_devices().and_then(|devices| devices.enumerate_devices().ok()) else {
        return Vec::new();
    };
    let Ok(listed) = JsFuture::from(promise).await else { return Vec::new() };
    js_sys::Array::from(&listed)
        .iter()
        .filter_map(|entry| entry.dyn_into().ok())
        .filter_map(describe)
        .collect()
}

/// Calls `react` when a device is plugged in or out.
pub(crate) fn on_change(mut react: impl FnMut() + 'static) -> Option<Listener> {
    let devices = media_devices()?;
    Some(Listener::new(&devices, "devicechange", move |_| react()))
}

fn describe(device: MediaDeviceInfo) -> Option<DeviceInfo> {
    let kind = match device.kind() {
        MediaDeviceKind::Audioinput => DeviceKind::Microphone,
        MediaDeviceKind::Videoinput => DeviceKind::Camera,
        MediaDeviceKind::Audiooutput => DeviceKind::Speaker,
        _ => return None,
    };
    Some(DeviceInfo { kind, id: device.device_id(), label: device.label(), group: device.group_id() })
}
