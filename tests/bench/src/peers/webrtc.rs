//! A forwarder on the async `webrtc` crate: a task a track reads packets and writes them to every subscriber's
//! local track, as its own examples do.

use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context as _, Result};
use rtc::peer_connection::transport::RTCDtlsRole;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCSessionDescription, SettingEngineBuilder,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};

use super::Server;
use crate::load::{default_interceptors, gcm_only, track, vp8_engine};

/// Threads of the runtime: the cores of the machine that the targets were set on.
const WORKER_THREADS: usize = 2;
/// The first subscriber's SSRC.
const FIRST_SSRC: u32 = 20_000;

/// The tracks to forward to. Replaced as a whole when a subscriber is added, so that forwarding holds no lock.
type Subscribers = Arc<RwLock<Arc<Vec<(u32, Arc<TrackLocalStaticRTP>)>>>>;

/// See the [module](self).
pub(super) struct Forwarder {
    runtime: Runtime,
    subscribers: Subscribers,
    connections: Vec<Arc<dyn PeerConnection>>,
}

/// Starts the runtime.
pub(super) fn start() -> Result<Forwarder> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    Ok(Forwarder { runtime, subscribers: Subscribers::default(), connections: Vec::new() })
}

impl Server for Forwarder {
    fn answer(&mut self, publishes: bool, offer: &str) -> Result<String> {
        let ssrc = FIRST_SSRC + self.connections.len() as u32;
        let subscribers = Arc::clone(&self.subscribers);
        let accepted = accept(publishes, offer, ssrc, subscribers);
        let (connection, answer) = self.runtime.block_on(accepted)?;
        self.connections.push(connection);
        Ok(answer)
    }
}

async fn accept(
    publishes: bool,
    offer: &str,
    ssrc: u32,
    subscribers: Subscribers,
) -> Result<(Arc<dyn PeerConnection>, String)> {
    let mut engine = vp8_engine()?;
    let interceptors = default_interceptors(&mut engine)?;
    let settings = SettingEngineBuilder::new()
        .with_srtp_protection_profiles(gcm_only())
        .with_answering_dtls_role(RTCDtlsRole::Server)
        .with_include_loopback_candidate(true);
    let gathered = Arc::new(Notify::new());
    let handler = Handler { subscribers: Arc::clone(&subscribers), gathered: Arc::clone(&gathered) };
    let connection = PeerConnectionBuilder::new()
        .with_media_engine(engine)
        .with_setting_engine(settings.build())
        .with_interceptor_registry(interceptors)
        .with_handler(Arc::new(handler))
        .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
        .build()
        .await?;
    let connection: Arc<dyn PeerConnection> = Arc::new(connection);
    if publishes {
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Recvonly,
            ..RTCRtpTransceiverInit::default()
        };
        connection.add_transceiver_from_kind(RtpCodecKind::Video, Some(init)).await?;
    } else {
        let local = Arc::new(TrackLocalStaticRTP::new(track(ssrc)));
        connection.add_track(Arc::clone(&local) as Arc<dyn TrackLocal>).await?;
        let mut list = subscribers.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut list).push((ssrc, local));
    }
    connection.set_remote_description(RTCSessionDescription::offer(offer.to_owned())?).await?;
    let answer = connection.create_answer(None).await?;
    connection.set_local_description(answer).await?;
    gathered.notified().await;
    let answer = connection.local_description().await.context("an answer was just made")?.sdp;
    Ok((connection, answer))
}

struct Handler {
    subscribers: Subscribers,
    gathered: Arc<Notify>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.notify_one();
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        tokio::spawn(forward(track, Arc::clone(&self.subscribers)));
    }
}

async fn forward(track: Arc<dyn TrackRemote>, subscribers: Subscribers) {
    while let Some(event) = track.poll().await {
        let TrackRemoteEvent::OnRtpPacket(packet) = event else { continue };
        let list = Arc::clone(&subscribers.read().unwrap_or_else(PoisonError::into_inner));
        for (ssrc, local) in list.iter() {
            let mut copy = packet.clone();
            copy.header.ssrc = *ssrc;
            copy.header.extension = false;
            copy.header.extensions.clear();
            // A subscriber that cannot be written to misses the packet, and that is counted where it is missed.
            let _ = local.write_rtp(copy).await;
        }
    }
}
