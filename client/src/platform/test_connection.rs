//! A connection that is made only to see how well one works: it sends a picture that nobody looks at, or receives one.

use std::time::Duration;

use js_sys::{Array, Function, Math, Reflect};
use shared::SourceKind;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    CanvasRenderingContext2d, HtmlCanvasElement, MediaStream, MediaStreamTrack, RtcBundlePolicy,
    RtcConfiguration, RtcPeerConnection, RtcPeerConnectionState, RtcRtpTransceiver,
    RtcRtpTransceiverDirection, RtcRtpTransceiverInit, RtcSdpType, RtcSessionDescriptionInit,
};

use super::clock::{self, Timer};
use super::page::window;
use super::peer_connection::PlatformError;
use super::{codecs, outbound};
use crate::call::check_up::Protocol;

/// The picture that is sent: large enough for all sizes of a camera, small enough for a slow device.
const WIDTH: u32 = 640;
const HEIGHT: u32 = 360;
const FRAMES_PER_SECOND: u32 = 20;
/// Squares that are painted anew in each frame: so many changes take all the bits that an encoder may use.
const SQUARES: u32 = 400;
const SQUARE: f64 = 16.0;
/// How often it is looked whether the connection is there.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A connection with a single picture. Dropping it closes it.
pub(crate) struct TestConnection {
    connection: RtcPeerConnection,
    transceiver: RtcRtpTransceiver,
    /// What is sent, painted as long as this lives.
    picture: Option<TestPicture>,
}

impl TestConnection {
    /// A connection that sends, in the sizes that a camera has in a call; nothing before [`Self::send_picture`].
    ///
    /// # Errors
    /// The browser cannot.
    pub(crate) fn sending() -> Result<Self, PlatformError> {
        let init = RtcRtpTransceiverInit::new();
        init.set_direction(RtcRtpTransceiverDirection::Sendonly);
        let plan = codecs::plan(SourceKind::Camera, &[]);
        init.set_send_encodings(&codecs::send_encodings(plan.encodings));
        let connection = open()?;
        let transceiver = connection.add_transceiver_with_str_and_init("video", &init);
        codecs::offer_for_sending(&transceiver, &plan.codecs);
        Ok(Self { connection, transceiver, picture: None })
    }

    /// A connection that receives.
    ///
    /// # Errors
    /// The browser cannot.
    pub(crate) fn receiving() -> Result<Self, PlatformError> {
        let init = RtcRtpTransceiverInit::new();
        init.set_direction(RtcRtpTransceiverDirection::Recvonly);
        let connection = open()?;
        let transceiver = connection.add_transceiver_with_str_and_init("video", &init);
        Ok(Self { connection, transceiver, picture: None })
    }

    /// The offer, and the mid of its only m-line.
    ///
    /// # Errors
    /// What the browser says.
    pub(crate) async fn offer(&self) -> Result<(String, String), PlatformError> {
        let offer = JsFuture::from(self.connection.create_offer()).await?;
        JsFuture::from(self.connection.set_local_description(offer.unchecked_ref())).await?;
        let described = self.connection.local_description().map(|described| described.sdp());
        let mid = self.transceiver.mid();
        described.zip(mid).ok_or_else(|| PlatformError("no offer".into()))
    }

    /// Connects over one protocol only. False when the server has no address for it.
    ///
    /// # Errors
    /// What the browser says.
    pub(crate) async fn connect(&self, answer: &str, over: Protocol) -> Result<bool, PlatformError> {
        let Some(answer) = over.only(answer) else { return Ok(false) };
        let description = RtcSessionDescriptionInit::new(RtcSdpType::Answer);
        description.set_sdp(&answer);
        JsFuture::from(self.connection.set_remote_description(&description)).await?;
        Ok(true)
    }

    /// Ends when it is connected. Where it never is, it does not end: give it a deadline.
    pub(crate) async fn connected(&self) {
        while self.connection.connection_state() != RtcPeerConnectionState::Connected {
            clock::sleep(LOOK_EVERY).await;
        }
    }

    /// Sends a picture from now on.
    ///
    /// # Errors
    /// The browser has no pictures of canvases.
    pub(crate) async fn send_picture(&mut self) -> Result<(), PlatformError> {
        let picture = self.picture.insert(TestPicture::new()?);
        JsFuture::from(self.transceiver.sender().replace_track(Some(&picture.track))).await?;
        Ok(())
    }

    /// Everything that is counted, as a JSON array.
    pub(crate) async fn report(&self) -> Option<String> {
        outbound::report(&self.connection).await
    }
}

impl Drop for TestConnection {
    fn drop(&mut self) {
        self.connection.close();
    }
}

fn open() -> Result<RtcPeerConnection, PlatformError> {
    let configuration = RtcConfiguration::new();
    configuration.set_bundle_policy(RtcBundlePolicy::MaxBundle);
    Ok(RtcPeerConnection::new_with_configuration(&configuration)?)
}

/// Squares of all colours, everywhere and never the same. Dropping it stops it.
struct TestPicture {
    track: MediaStreamTrack,
    _painter: Timer,
}

impl TestPicture {
    fn new() -> Result<Self, PlatformError> {
        let missing = || PlatformError("no canvas".into());
        let document = window().document().ok_or_else(missing)?;
        let canvas: HtmlCanvasElement =
            document.create_element("canvas")?.dyn_into().map_err(|_| missing())?;
        canvas.set_width(WIDTH);
        canvas.set_height(HEIGHT);
        let context: CanvasRenderingContext2d =
            canvas.get_context("2d")?.ok_or_else(missing)?.dyn_into().map_err(|_| missing())?;
        let capture: Function = Reflect::get(&canvas, &"captureStream".into())?.dyn_into()?;
        let stream: MediaStream = capture.call1(&canvas, &FRAMES_PER_SECOND.into())?.dyn_into()?;
        let track = first_track(&stream.get_video_tracks()).ok_or_else(missing)?;
        let interval = Duration::from_secs(1) / FRAMES_PER_SECOND;
        Ok(Self { track, _painter: Timer::every(interval, move || paint(&context)) })
    }
}

impl Drop for TestPicture {
    fn drop(&mut self) {
        self.track.stop();
    }
}

fn first_track(tracks: &Array) -> Option<MediaStreamTrack> {
    tracks.get(0).dyn_into().ok()
}

fn paint(context: &CanvasRenderingContext2d) {
    for _ in 0..SQUARES {
        let hue = Math::floor(Math::random() * 360.0);
        let colour: JsValue = format!("hsl({hue} 80% 50%)").into();
        Reflect::set(context, &"fillStyle".into(), &colour).ok();
        let place = |length: u32| Math::random() * f64::from(length);
        context.fill_rect(place(WIDTH), place(HEIGHT), SQUARE, SQUARE);
    }
}
