//! One participant: the seat that the others see, and the media behind it.

use std::time::{Duration, Instant};

use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId, SourceKind};

use crate::bandwidth::Algorithm;
use crate::command::{Admission, ConnectionId, Identity};
use crate::downlink::{Downlink, Path};
use crate::event::{RequestedLayers, Seat, SlotState};
use crate::outbox::Outbox;
use crate::replica::Home;
use crate::rtcp::{SenderInfo, Writer};
use crate::srtp::RTCP_OVERHEAD_MAX;
use crate::transport::{RTCP_BYTES_MAX, Transport};
use crate::uplink::{Arrived, FeedbackCounts, Uplink};

/// Time between two sender reports.
const REPORT_SPACING: Duration = Duration::from_secs(1);
/// Seconds from 1900 (NTP) to 1970 (Unix): RFC 868.
const NTP_UNIX_OFFSET: u64 = 2_208_988_800;
/// The name under which we send in RTCP: one for all peers, it identifies nobody.
pub(crate) const CNAME: &str = "visavis";

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) resume: ResumeToken,
    pub(crate) room: RoomId,
    pub(crate) name: DisplayName,
    /// What is live: what the client says, as far as it was allowed when it said so.
    media: MediaState,
    /// What may be.
    pub(crate) allowed: MediaState,
    /// The others are not told of it.
    pub(crate) is_hidden: bool,
    pub(crate) identity: Identity,
    /// Where it lives, when not here: then it has neither connection nor transport.
    pub(crate) home: Option<Home>,
    /// The signaling connection; nothing while it is lost.
    pub(crate) connection: Option<ConnectionId>,
    /// Since when there is no signaling connection.
    pub(crate) lost_at: Option<Instant>,
    pub(crate) transport: Option<Transport>,
    pub(crate) uplink: Uplink,
    pub(crate) downlink: Downlink,
    /// The `o=` line's numbers.
    pub(crate) session_id: u64,
    pub(crate) session_version: u64,
    /// The slot map the client knows.
    pub(crate) told_slots: Vec<SlotState>,
    /// Whether the client can be told which layers to send.
    pub(crate) suspends_layers: bool,
    /// What the client was told to send; empty: everything, as it does by itself.
    pub(crate) told_layers: Vec<RequestedLayers>,
    /// Whether it is on the list of peers with packets to send.
    pub(crate) is_busy: bool,
    pub(crate) report_due: Instant,
    pub(crate) our_ssrc: u32,
}

impl Peer {
    /// A seat that was just taken, without connection and media.
    #[expect(clippy::too_many_arguments, reason = "the fields of a new seat, each named by the caller")]
    pub(crate) fn new(
        now: Instant,
        id: PeerId,
        resume: ResumeToken,
        room: RoomId,
        name: DisplayName,
        media: MediaState,
        our_ssrc: u32,
        session_id: u64,
    ) -> Self {
        Self {
            id,
            resume,
            room,
            name,
            media,
            allowed: Admission::default().allowed,
            is_hidden: false,
            identity: Identity::default(),
            home: None,
            connection: None,
            lost_at: None,
            transport: None,
            uplink: Uplink::new(our_ssrc, now),
            // The transport brings its own, with the estimator that is configured.
            downlink: Downlink::new(now, Algorithm::default()),
            session_id,
            session_version: 0,
            told_slots: Vec::new(),
            suspends_layers: false,
            told_layers: Vec::new(),
            is_busy: false,
            report_due: now,
            our_ssrc,
        }
    }

    /// As the others see it.
    pub(crate) fn seat(&self) -> Seat {
        Seat {
            peer: self.id,
            name: self.name.clone(),
            media: self.live(),
            connected: self.home.map_or(self.connection.is_some(), |home| home.connected),
            identity: self.identity.clone(),
        }
    }

    /// Takes over what whoever let it in allows.
    pub(crate) fn admit(&mut self, admission: &Admission) {
        self.is_hidden = admission.is_hidden;
        self.identity = admission.identity.clone();
        self.set_allowed(admission.allowed);
    }

    /// What is live for the others.
    pub(crate) const fn live(&self) -> MediaState {
        self.media
    }

    /// Whether this source may be passed on.
    #[inline]
    pub(crate) const fn is_live(&self, kind: SourceKind) -> bool {
        match kind {
            SourceKind::Microphone => self.media.microphone,
            SourceKind::Camera => self.media.camera,
            SourceKind::Screen | SourceKind::ScreenAudio => self.media.screen,
        }
    }

    /// Notes whether the packet came while its source was live: what came while muted must never go on.
    #[inline]
    pub(crate) fn note_arrival(&mut self, arrived: &Arrived) {
        let Some(kind) = self.uplink.streams.get(usize::from(arrived.stream)).map(|stream| stream.kind)
        else {
            return;
        };
        let is_live = self.is_live(kind);
        self.uplink.streams[usize::from(arrived.stream)].onset.note(arrived.sequence, is_live);
    }

    /// What the client says is live now; what is not allowed is not. What came before a mute is not sent after it.
    pub(crate) fn set_media(&mut self, media: MediaState) {
        let allowed = self.allowed;
        self.media = MediaState {
            microphone: media.microphone && allowed.microphone,
            camera: media.camera && allowed.camera,
            screen: media.screen && allowed.screen,
        };
        self.mute_what_is_not_live();
    }

    /// What may be live from now on. What is not any more stays silent until the client says again that it is live.
    pub(crate) fn set_allowed(&mut self, allowed: MediaState) {
        let nothing = MediaState::default();
        self.allowed = if self.is_hidden { nothing } else { allowed };
        self.set_media(self.media);
    }

    fn mute_what_is_not_live(&mut self) {
        for at in 0..self.uplink.streams.len() {
            if !self.is_live(self.uplink.streams[at].kind) {
                self.uplink.streams[at].onset.mute();
            }
        }
    }

    /// Sends the RTCP that is due: feedback on what the client publishes, reports on what it watches.
    pub(crate) fn send_reports(
        &mut self,
        now: Instant,
        since_unix_epoch: Duration,
        outbox: &mut Outbox,
    ) -> FeedbackCounts {
        let Some(transport) = self.transport.as_mut().filter(|transport| transport.is_ready()) else {
            return FeedbackCounts::default();
        };
        let counts = self.uplink.poll_feedback(now, |packet, len| transport.send_rtcp(packet, len, outbox));
        if now >= self.report_due {
            self.report_due = now + REPORT_SPACING;
            self.send_sender_reports(now, since_unix_epoch, outbox);
        }
        counts
    }

    fn send_sender_reports(&mut self, now: Instant, since_unix_epoch: Duration, outbox: &mut Outbox) {
        let Some(transport) = &mut self.transport else { return };
        let mut packet = [0; RTCP_BYTES_MAX + RTCP_OVERHEAD_MAX];
        for slot in self.downlink.slots.iter().filter(|slot| slot.current.is_some()) {
            let Some(rtp_timestamp) = Downlink::timestamp_at(slot, now) else { continue };
            let info = SenderInfo {
                ssrc: slot.ssrcs.ssrc,
                ntp: ntp(since_unix_epoch),
                rtp_timestamp,
                packet_count: slot.packets as u32,
                octet_count: slot.octets as u32,
            };
            let mut writer = Writer::new(&mut packet[..RTCP_BYTES_MAX]);
            if writer.sender_report(&info, &[]).is_ok() && writer.source_description(info.ssrc, CNAME).is_ok()
            {
                let len = writer.len();
                transport.send_rtcp(&mut packet, len, outbox);
            }
        }
    }

    /// Lets time pass for the estimate of the client's connection; returns whether a probe is to be sent.
    pub(crate) fn time_passes(&mut self, now: Instant) -> bool {
        let is_ready = self.transport.as_ref().is_some_and(Transport::is_ready);
        let can_probe = is_ready && self.downlink.can_probe();
        self.downlink.congestion.handle_timeout(now, can_probe)
    }

    /// A report of the client on one of our streams: its losses, and the round trip (RFC 3550 §6.4.1).
    pub(crate) fn report_block(
        &mut self,
        now: Instant,
        block: &crate::rtcp::ReportBlock,
        since_unix_epoch: Duration,
    ) {
        if self.downlink.slot_of_ssrc(block.ssrc).is_none() {
            return;
        }
        self.downlink.report(now, block.ssrc, block.highest_sequence, block.fraction_lost);
        if block.last_sender_report == 0 {
            return;
        }
        let now = (ntp(since_unix_epoch) >> 16) as u32;
        let ticks = now.wrapping_sub(block.last_sender_report).wrapping_sub(block.delay_since_last);
        // A negative or absurd result comes from a client that lies or from clock noise: keep the old one.
        if ticks < 10 * 65536 {
            let rtt = Duration::from_micros(u64::from(ticks) * 1_000_000 / 65536);
            self.downlink.rtt = Some(rtt);
            self.downlink.congestion.round_trip(rtt);
            self.uplink.set_rtt(rtt);
        }
    }
}

/// Borrowed parts that sending needs side by side.
pub(crate) fn split(peer: &mut Peer, since_unix_epoch: Duration) -> Option<(&mut Downlink, Path<'_>)> {
    let transport = peer.transport.as_ref()?;
    let path = Path { to: transport.path()?, sealer: transport.sealer()?, since_unix_epoch };
    Some((&mut peer.downlink, path))
}

/// NTP time: seconds since 1900 in the high half, their fraction in the low half.
fn ntp(since_unix_epoch: Duration) -> u64 {
    let seconds = since_unix_epoch.as_secs() + NTP_UNIX_OFFSET;
    let fraction = (u64::from(since_unix_epoch.subsec_nanos()) << 32) / 1_000_000_000;
    seconds << 32 | fraction
}
