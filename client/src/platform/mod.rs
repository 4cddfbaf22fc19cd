//! The browser: the only place that names `web_sys`, `js_sys` and `wasm_bindgen`. It executes and reports,
//! it decides nothing.

pub(crate) mod camera_effects;
mod canvas_capture;
pub(crate) mod capture;
pub(crate) mod clock;
mod codecs;
pub(crate) mod debug;
pub(crate) mod device_test;
pub(crate) mod devices;
pub(crate) mod events;
pub(crate) mod focus;
mod frame_times;
pub(crate) mod full_screen;
mod inbound;
pub(crate) mod language;
pub(crate) mod level_meter;
pub(crate) mod noise_suppression;
mod outbound;
pub(crate) mod page;
pub(crate) mod parent_page;
pub(crate) mod peer_connection;
pub(crate) mod picture;
pub(crate) mod pixels;
pub(crate) mod playout;
mod pressure;
pub(crate) mod rooms;
pub(crate) mod screen_capture;
pub(crate) mod socket;
pub(crate) mod storage;
mod suspension;
pub(crate) mod test_connection;
