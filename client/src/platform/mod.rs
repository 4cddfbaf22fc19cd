//! The browser: the only place that names `web_sys`, `js_sys` and `wasm_bindgen`. It executes and reports,
//! it decides nothing.

pub(crate) mod camera_effects;
mod canvas_capture;
pub(crate) mod capture;
pub(crate) mod clock;
mod codecs;
pub(crate) mod debug;
pub(crate) mod devices;
pub(crate) mod events;
pub(crate) mod level_meter;
pub(crate) mod page;
pub(crate) mod peer_connection;
pub(crate) mod picture;
pub(crate) mod pixels;
pub(crate) mod playout;
mod pressure;
pub(crate) mod rooms;
pub(crate) mod socket;
pub(crate) mod storage;
mod suspension;
