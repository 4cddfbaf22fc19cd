//! Pictures as numbers: what is shown behind a person is handed to the worker as pixels.

use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::{CanvasRenderingContext2d, Event, HtmlCanvasElement, HtmlImageElement, HtmlInputElement, Url};

use super::page::window;

/// Larger pictures gain nothing: this is what cameras give.
const WIDTH_MAX: u32 = 1280;
const HEIGHT_MAX: u32 = 720;
/// However long a panorama is, no side is longer.
const SIDE_MAX: f64 = 4096.0;

/// Red, green, blue and opacity, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pixels {
    /// Four bytes a pixel.
    pub(crate) rgba: Vec<u8>,
    /// Pixels across.
    pub(crate) width: u32,
    /// Pixels down.
    pub(crate) height: u32,
}

/// The picture at an address of the site, or in a `data:` address. Nothing when it is no picture.
pub(crate) async fn load(address: &str) -> Option<Pixels> {
    let (canvas, context) = drawn(address).await?;
    let (width, height) = (canvas.width(), canvas.height());
    let data = context.get_image_data(0.0, 0.0, f64::from(width), f64::from(height)).ok()?;
    Some(Pixels { rgba: data.data().0, width, height })
}

/// A file that was chosen, under an address that is given back when this is dropped: until then the browser keeps the file.
#[derive(Debug)]
pub(crate) struct ChosenFile {
    address: String,
}

impl ChosenFile {
    /// The file that was chosen in the field that this happened to.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        let field: HtmlInputElement = event.target()?.dyn_into().ok()?;
        let file = field.files()?.get(0)?;
        // The same file can be chosen again.
        field.set_value("");
        let address = Url::create_object_url_with_blob(&file).ok()?;
        Some(Self { address })
    }

    /// The same picture, not larger than needed, as a JPEG in a `data:` address: small enough to be kept. Nothing when it is
    /// no picture.
    pub(crate) async fn reduce(self) -> Option<String> {
        let (canvas, _) = drawn(&self.address).await?;
        canvas.to_data_url_with_type_and_encoder_options("image/jpeg", &0.85.into()).ok()
    }
}

impl Drop for ChosenFile {
    fn drop(&mut self) {
        Url::revoke_object_url(&self.address).ok();
    }
}

async fn drawn(address: &str) -> Option<(HtmlCanvasElement, CanvasRenderingContext2d)> {
    let image = HtmlImageElement::new().ok()?;
    image.set_src(address);
    JsFuture::from(image.decode()).await.ok()?;
    let (width, height) = (f64::from(image.natural_width()), f64::from(image.natural_height()));
    if width < 1.0 || height < 1.0 {
        return None;
    }
    // As large as covers what is sent.
    let scale = (f64::from(WIDTH_MAX) / width).max(f64::from(HEIGHT_MAX) / height);
    let scale = scale.min(1.0).min(SIDE_MAX / width.max(height));
    let canvas: HtmlCanvasElement = window().document()?.create_element("canvas").ok()?.dyn_into().ok()?;
    canvas.set_width((width * scale).round() as u32);
    canvas.set_height((height * scale).round() as u32);
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    let size = (f64::from(canvas.width()), f64::from(canvas.height()));
    context.draw_image_with_html_image_element_and_dw_and_dh(&image, 0.0, 0.0, size.0, size.1).ok()?;
    Some((canvas, context))
}
