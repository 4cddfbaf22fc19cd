//! The `RTCPeerConnection`: always the offerer, one transport for everything, slots found by `a=mid`.

use std::cell::RefCell;
use std::rc::Rc;

use engine::{CreatedOffer, Encodings, MediaConnection, OfferRequest, VideoCodec};
use shared::SourceKind;
use shared::protocol::{PublishedMid, RequestedLayers};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    MediaStream, RtcBundlePolicy, RtcConfiguration, RtcOfferOptions, RtcPeerConnection,
    RtcPeerConnectionState, RtcRtpSender, RtcRtpTransceiver, RtcRtpTransceiverDirection,
    RtcRtpTransceiverInit, RtcSdpType, RtcSessionDescriptionInit,
};

use super::capture::Track;
use super::codecs;
use super::debug;
use super::events::Listener;
use super::inbound;
use super::outbound;
use super::picture::Picture;
use super::playout::Playout;
use super::suspension::Suspension;
use crate::call::encoder::Reading;
use crate::call::reception::ReceptionReading;

/// What the browser says when something fails; for the log only.
#[derive(Debug)]
pub(crate) struct PlatformError(pub(crate) String);

impl From<JsValue> for PlatformError {
    fn from(error: JsValue) -> Self {
        let text = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.to_string()));
        Self(text.unwrap_or_else(|| format!("{error:?}")))
    }
}

/// One `RTCPeerConnection`; dropping it closes it.
pub(crate) struct PeerConnection {
    connection: RtcPeerConnection,
    /// What is sent, one per kind.
    published: RefCell<Vec<Published>>,
    audio_slots: RefCell<Vec<RtcRtpTransceiver>>,
    /// Oldest first.
    video_slots: RefCell<Vec<RtcRtpTransceiver>>,
    /// What shows the video slots, by mid.
    pictures: RefCell<Vec<(String, Picture)>>,
    /// The mids whose sound already plays.
    playing: RefCell<Vec<String>>,
    suspension: Suspension,
    _state: Listener,
}

/// A sending transceiver.
struct Published {
    kind: SourceKind,
    transceiver: RtcRtpTransceiver,
    /// How its pictures are sent; nothing for sound.
    encodings: Option<Encodings>,
}

/// What the senders carry at the moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnTracks {
    /// The microphone.
    pub(crate) microphone: Option<Track>,
    /// The camera.
    pub(crate) camera: Option<Track>,
    /// The shared screen.
    pub(crate) screen: Option<Track>,
    /// Its sound.
    pub(crate) screen_audio: Option<Track>,
}

impl OwnTracks {
    /// What there can be.
    pub(crate) const KINDS: [SourceKind; 4] =
        [SourceKind::Microphone, SourceKind::Camera, SourceKind::Screen, SourceKind::ScreenAudio];

    /// One of them.
    pub(crate) const fn of(&self, kind: SourceKind) -> Option<&Track> {
        match kind {
            SourceKind::Microphone => self.microphone.as_ref(),
            SourceKind::Camera => self.camera.as_ref(),
            SourceKind::Screen => self.screen.as_ref(),
            SourceKind::ScreenAudio => self.screen_audio.as_ref(),
        }
    }
}

impl PeerConnection {
    /// Creates one and tells how its connection is.
    pub(crate) fn new(tell: impl Fn(MediaConnection) + 'static) -> Result<Rc<Self>, PlatformError> {
        let configuration = RtcConfiguration::new();
        configuration.set_bundle_policy(RtcBundlePolicy::MaxBundle);
        let connection = RtcPeerConnection::new_with_configuration(&configuration)?;
        let watched = connection.clone();
        let state = Listener::new(&connection, "connectionstatechange", move |_| {
            tell(media_connection(watched.connection_state()));
        });
        let exposed = connection.clone();
        debug::expose(move || exposed.clone().into());
        Ok(Rc::new(Self {
            connection,
            published: RefCell::default(),
            audio_slots: RefCell::default(),
            video_slots: RefCell::default(),
            pictures: RefCell::default(),
            playing: RefCell::default(),
            suspension: Suspension::default(),
            _state: state,
        }))
    }

    /// Adds the transceivers that are missing, creates an offer and sets it as local description.
    pub(crate) async fn create_offer(
        &self,
        request: &OfferRequest,
        tracks: &OwnTracks,
    ) -> Result<CreatedOffer, PlatformError> {
        for kind in &request.publish {
            self.publish(*kind, tracks.of(*kind), &request.video_codecs).await?;
        }
        self.add_slots("audio", &self.audio_slots, request.audio_slots, &[]);
        self.add_slots("video", &self.video_slots, request.video_slots, &request.video_codecs);
        let options = RtcOfferOptions::new();
        options.set_ice_restart(request.restart);
        let offer = JsFuture::from(self.connection.create_offer_with_rtc_offer_options(&options)).await?;
        let offer: RtcSessionDescriptionInit = offer.unchecked_into();
        JsFuture::from(self.connection.set_local_description(&offer)).await?;
        self.describe(request.negotiation)
    }

    /// Sets the server's answer as remote description.
    pub(crate) async fn apply_answer(&self, sdp: &str) -> Result<(), PlatformError> {
        let answer = RtcSessionDescriptionInit::new(RtcSdpType::Answer);
        answer.set_sdp(sdp);
        JsFuture::from(self.connection.set_remote_description(&answer)).await?;
        Ok(())
    }

    /// Sends another track, or nothing, from now on. Negotiates nothing.
    pub(crate) async fn replace_track(&self, kind: SourceKind, track: Option<&Track>) {
        if let Some(sender) = self.sender(kind) {
            // Fails only when the connection is closed; then nothing is sent anyway.
            JsFuture::from(sender.replace_track(track.map(Track::track))).await.ok();
            self.suspension.renew(pictures(&self.published.borrow()));
        }
    }

    /// The counters of what is sent of one kind.
    pub(crate) async fn readings(&self, kind: SourceKind) -> Vec<Reading> {
        match self.sender(kind) {
            Some(sender) => outbound::readings(&sender).await,
            None => Vec::new(),
        }
    }

    /// Everything that is counted, as a JSON array.
    pub(crate) async fn report(&self) -> Option<String> {
        outbound::report(&self.connection).await
    }

    /// The counters of what is received, and of how what is sent arrives.
    pub(crate) async fn reception(&self) -> Option<ReceptionReading> {
        inbound::reading(&self.connection).await
    }

    fn sender(&self, kind: SourceKind) -> Option<RtcRtpSender> {
        let published = self.published.borrow();
        published.iter().find(|one| one.kind == kind).map(|one| one.transceiver.sender())
    }

    /// Sends only these layers of what is named, and all of everything else.
    pub(crate) fn set_layers(&self, publications: Vec<RequestedLayers>) {
        self.suspension.set(pictures(&self.published.borrow()), publications);
    }

    /// What shows each video slot.
    pub(crate) fn pictures(&self) -> Vec<(String, Picture)> {
        self.pictures.borrow().clone()
    }

    /// Lets every audio slot be heard that is not heard yet.
    pub(crate) fn play_audio(&self, playout: &Playout) {
        for slot in self.audio_slots.borrow().iter() {
            let Some(mid) = slot.mid() else { continue };
            let tracks = js_sys::Array::of1(&slot.receiver().track());
            let Ok(stream) = MediaStream::new_with_tracks(&tracks) else { continue };
            if !self.playing.borrow().contains(&mid) {
                playout.play(&mid, &stream);
                self.playing.borrow_mut().push(mid);
            }
        }
    }

    async fn publish(
        &self,
        kind: SourceKind,
        track: Option<&Track>,
        preferred: &[VideoCodec],
    ) -> Result<(), PlatformError> {
        if self.published.borrow().iter().any(|one| one.kind == kind) {
            return Ok(());
        }
        let init = RtcRtpTransceiverInit::new();
        init.set_direction(RtcRtpTransceiverDirection::Sendonly);
        let medium = if kind.is_audio() { "audio" } else { "video" };
        let plan = (!kind.is_audio()).then(|| codecs::plan(kind, preferred));
        if let Some(plan) = &plan {
            init.set_send_encodings(&codecs::send_encodings(plan.encodings));
        }
        let encodings = plan.as_ref().map(|plan| plan.encodings);
        let transceiver = self.connection.add_transceiver_with_str_and_init(medium, &init);
        match (kind, plan) {
            (_, Some(plan)) => codecs::offer_for_sending(&transceiver, &plan.codecs),
            // Every packet repeats the one before it (RFC 2198): a single loss is not heard.
            (SourceKind::Microphone, None) => codecs::prefer(&transceiver, "audio", "audio/red"),
            (SourceKind::Camera | SourceKind::Screen | SourceKind::ScreenAudio, None) => {}
        }
        let sender: RtcRtpSender = transceiver.sender();
        self.published.borrow_mut().push(Published { kind, transceiver, encodings });
        if let Some(track) = track {
            JsFuture::from(sender.replace_track(Some(track.track()))).await?;
        }
        Ok(())
    }

    fn add_slots(
        &self,
        medium: &str,
        slots: &RefCell<Vec<RtcRtpTransceiver>>,
        wanted: u8,
        flowing: &[VideoCodec],
    ) {
        let mut slots = slots.borrow_mut();
        while slots.len() < usize::from(wanted) {
            let init = RtcRtpTransceiverInit::new();
            init.set_direction(RtcRtpTransceiverDirection::Recvonly);
            let slot = self.connection.add_transceiver_with_str_and_init(medium, &init);
            codecs::offer_for_receiving(&slot, flowing);
            if flowing.contains(&VideoCodec::Av1) {
                codecs::ask_for_descriptors(&slot);
            }
            // Each slot plays as soon as it can: sound and picture of one person are not in one stream.
            slots.push(slot);
        }
    }

    /// Reads the offer back: only now the transceivers have their mids.
    fn describe(&self, negotiation: u32) -> Result<CreatedOffer, PlatformError> {
        let described = self.connection.local_description();
        let sdp =
            described.map(|described| described.sdp()).ok_or_else(|| PlatformError("no offer".into()))?;
        let mids = |slots: &RefCell<Vec<RtcRtpTransceiver>>| -> Vec<String> {
            slots.borrow().iter().filter_map(RtcRtpTransceiver::mid).collect()
        };
        let published = self.published.borrow();
        let source = |one: &Published| Some(PublishedMid { mid: one.transceiver.mid()?, kind: one.kind });
        for slot in self.video_slots.borrow().iter() {
            let Some(mid) = slot.mid() else { continue };
            let mut pictures = self.pictures.borrow_mut();
            if !pictures.iter().any(|(known, _)| *known == mid) {
                pictures.extend(Picture::of_track(&slot.receiver().track()).map(|picture| (mid, picture)));
            }
        }
        Ok(CreatedOffer {
            negotiation,
            sdp,
            sources: published.iter().filter_map(source).collect(),
            audio_slots: mids(&self.audio_slots),
            video_slots: mids(&self.video_slots),
        })
    }
}

impl Drop for PeerConnection {
    fn drop(&mut self) {
        self.connection.close();
    }
}

/// The senders of pictures, and how each sends.
fn pictures(published: &[Published]) -> impl Iterator<Item = (&RtcRtpTransceiver, Encodings)> {
    published.iter().filter_map(|one| Some((&one.transceiver, one.encodings?)))
}

fn media_connection(state: RtcPeerConnectionState) -> MediaConnection {
    match state {
        RtcPeerConnectionState::Connecting => MediaConnection::Connecting,
        RtcPeerConnectionState::Connected => MediaConnection::Connected,
        RtcPeerConnectionState::Disconnected => MediaConnection::Disconnected,
        RtcPeerConnectionState::Failed => MediaConnection::Failed,
        RtcPeerConnectionState::Closed => MediaConnection::Closed,
        // What browsers may invent is treated as not started.
        RtcPeerConnectionState::New | _ => MediaConnection::New,
    }
}
