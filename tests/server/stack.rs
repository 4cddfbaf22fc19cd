//! The `webrtc` crate on loopback.

use std::sync::Arc;
use std::time::Duration;

use rtc::interceptor::Registry;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use tests::stack::{Source, media_engine};
use webrtc::media_stream::track_local::TrackLocal as _;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, SettingEngineBuilder,
};

/// A connection on loopback.
pub(crate) async fn peer_connection(handler: Arc<dyn PeerConnectionEventHandler>) -> Arc<dyn PeerConnection> {
    let mut engine = media_engine();
    let interceptors = register_default_interceptors(Registry::new(), &mut engine).expect("interceptors");
    let connection = PeerConnectionBuilder::new()
        .with_media_engine(engine)
        .with_setting_engine(SettingEngineBuilder::new().with_include_loopback_candidate(true).build())
        .with_interceptor_registry(interceptors)
        .with_handler(handler)
        .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
        .build()
        .await;
    Arc::new(connection.expect("a peer connection"))
}

/// A source and the track it sends on.
pub(crate) struct Sender {
    pub(crate) track: Arc<TrackLocalStaticRTP>,
    source: Source,
}

impl Sender {
    pub(crate) fn new(publisher: u16, audio: bool) -> Self {
        let source = Source::new(publisher, audio);
        Self { track: Arc::new(TrackLocalStaticRTP::new(source.track())), source }
    }

    /// Sends the next frame.
    pub(crate) async fn send(&mut self, elapsed: Duration) {
        for packet in self.source.frame(elapsed) {
            // A connection that is going down takes nothing any more.
            let _ = self.track.write_rtp(packet).await;
        }
    }
}
