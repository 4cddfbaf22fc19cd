//! Offer and answer: one offer in flight, slots that only grow, and starting over when media fails.

use std::time::Duration;

use shared::limits::{AUDIO_SLOTS, MID_BYTES_MAX, SDP_BYTES_MAX, SOURCES_MAX, VIDEO_SLOTS_MAX};
use shared::protocol::{Offer, PauseReason, PublishedMid};
use shared::{MediaState, SourceKind, SourceRef};

use crate::input::{CreatedOffer, MediaConnection};
use crate::moment::Moment;
use crate::output::OfferRequest;
use crate::publishing::VideoCodec;

/// One `RTCPeerConnection`. The engine numbers them, so that a late event of an old one is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaId(pub u32);

/// A receiving m-line and what flows in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The m-line's `a=mid`.
    pub mid: String,
    /// Sound or picture.
    pub medium: SlotMedium,
    /// Whose; nothing when the slot is empty.
    pub source: Option<SourceRef>,
    /// Why nothing flows although something is assigned.
    pub paused: Option<PauseReason>,
}

/// What a slot carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotMedium {
    /// One of the loudest voices.
    Audio,
    /// A wanted picture.
    Video,
}

/// What the platform shall do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NegotiationStep {
    Reset(MediaId),
    Create(OfferRequest),
}

#[derive(Debug)]
pub(crate) struct Negotiation {
    media: Option<MediaId>,
    resets: u32,
    offers: u32,
    exchange: Option<Exchange>,
    desired: Plan,
    /// What the last applied answer agreed on.
    agreed: Option<Plan>,
    slots: SlotMids,
    video_codecs: Vec<VideoCodec>,
    /// Slots for which the offer becomes too large are not asked for again.
    video_slots_max: u8,
    connection: MediaConnection,
    connected_since: Option<Moment>,
    /// When to give up waiting for the connection, or for its return.
    patience: Option<Patience>,
    restart_wanted: bool,
    reset_wanted: bool,
    /// In a row.
    failures: u32,
    not_before: Moment,
}

/// What the `RTCPeerConnection` must have. Within one of them it only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    video_slots: u8,
    publish: Publish,
}

/// Which sources have a sending m-line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Publish {
    microphone: bool,
    camera: bool,
    screen: bool,
}

/// The mids of the receiving m-lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct SlotMids {
    audio: Vec<String>,
    video: Vec<String>,
}

/// The one offer in flight.
#[derive(Debug)]
struct Exchange {
    negotiation: u32,
    plan: Plan,
    stage: Stage,
    deadline: Moment,
}

/// Whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// The platform creates the offer.
    Creating,
    /// The server has the offer with these slots.
    Offered(SlotMids),
    /// The platform applies the answer.
    Applying(SlotMids),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// Offered and answered, but not connected.
    Connect(Moment),
    /// Disconnected: restart ICE at this time.
    Restart(Moment),
    /// ICE was restarted: a new `RTCPeerConnection` at this time.
    Reset(Moment),
}

impl Negotiation {
    pub(crate) fn new(media: MediaState) -> Self {
        let mut publish = Publish::default();
        publish.include(media);
        Self {
            media: None,
            resets: 0,
            offers: 0,
            exchange: None,
            desired: Plan { video_slots: VIDEO_SLOT_STEPS[0], publish },
            agreed: None,
            slots: SlotMids::default(),
            video_codecs: Vec::new(),
            video_slots_max: VIDEO_SLOT_STEPS[VIDEO_SLOT_STEPS.len() - 1],
            connection: MediaConnection::New,
            connected_since: None,
            patience: None,
            restart_wanted: false,
            reset_wanted: false,
            failures: 0,
            not_before: Moment::START,
        }
    }

    pub(crate) const fn connection(&self) -> MediaConnection {
        self.connection
    }

    pub(crate) fn video_mids(&self) -> &[String] {
        &self.slots.video
    }

    /// Which kind of slot a mid names, when it was negotiated.
    pub(crate) fn medium(&self, mid: &str) -> Option<SlotMedium> {
        if self.slots.audio.iter().any(|known| known == mid) {
            Some(SlotMedium::Audio)
        } else if self.slots.video.iter().any(|known| known == mid) {
            Some(SlotMedium::Video)
        } else {
            None
        }
    }

    /// Sources that are on get an m-line; it stays when they are muted.
    pub(crate) const fn publish(&mut self, media: MediaState) {
        self.desired.publish.include(media);
    }

    /// What the server deals in. Holds from the next m-line on: what is agreed on goes on.
    pub(crate) fn prefer_codecs(&mut self, codecs: Vec<VideoCodec>) {
        self.video_codecs = codecs;
    }

    /// A layout needs this many video slots.
    pub(crate) fn need_slots(&mut self, needed: usize) {
        let step = VIDEO_SLOT_STEPS.into_iter().find(|step| usize::from(*step) >= needed);
        let wanted = step.unwrap_or(self.video_slots_max).min(self.video_slots_max);
        self.desired.video_slots = self.desired.video_slots.max(wanted);
    }

    /// In the room: `media_kept` when the server still has our media transport.
    pub(crate) fn joined(&mut self, now: Moment, media_kept: bool) {
        if self.media.is_none() || !media_kept || self.connection == MediaConnection::Failed {
            self.reset_wanted = true;
            // A server that is back is a reason to try at once.
            self.not_before = now;
        }
    }

    /// The signaling connection is gone, and with it an offer that was not answered.
    pub(crate) fn signaling_lost(&mut self) {
        let lost = |exchange: &mut Exchange| !matches!(exchange.stage, Stage::Applying(_));
        if self.exchange.take_if(lost).is_some() {
            self.agreed = None;
        }
    }

    /// The shell lost track: start over.
    pub(crate) fn abandon(&mut self) {
        self.exchange = None;
        self.reset_wanted = true;
    }

    /// Whether there is a transport and no offer under way.
    pub(crate) const fn is_at_rest(&self) -> bool {
        self.media.is_some() && self.exchange.is_none() && !self.reset_wanted
    }

    /// What to do next, given that the server can be reached; to be called until it returns nothing.
    pub(crate) fn next_step(&mut self, now: Moment) -> Option<NegotiationStep> {
        if now < self.not_before {
            return None;
        }
        if self.reset_wanted {
            return Some(NegotiationStep::Reset(self.reset()));
        }
        self.media?;
        let satisfied = self.agreed == Some(self.desired) && !self.restart_wanted;
        if satisfied || self.exchange.is_some() {
            return None;
        }
        self.offers = self.offers.wrapping_add(1);
        let negotiation = self.offers;
        let plan = self.desired;
        let deadline = now + STEP_TIMEOUT;
        self.exchange = Some(Exchange { negotiation, plan, stage: Stage::Creating, deadline });
        Some(NegotiationStep::Create(OfferRequest {
            negotiation,
            audio_slots: AUDIO_SLOT_COUNT,
            video_slots: plan.video_slots,
            publish: plan.publish.kinds(),
            video_codecs: self.video_codecs.clone(),
            restart: std::mem::take(&mut self.restart_wanted),
        }))
    }

    /// The platform made the offer: returns it for the server, unless it is outdated or too large.
    pub(crate) fn offer_created(&mut self, now: Moment, created: CreatedOffer) -> Option<Offer> {
        let exchange = self.exchange.as_mut()?;
        let negotiation = exchange.negotiation;
        if created.negotiation != negotiation || exchange.stage != Stage::Creating {
            return None;
        }
        if created.sdp.len() > SDP_BYTES_MAX {
            self.offer_too_large(now);
            return None;
        }
        exchange.deadline = now + STEP_TIMEOUT;
        exchange.stage = Stage::Offered(SlotMids {
            audio: bounded_mids(created.audio_slots, AUDIO_SLOTS),
            video: bounded_mids(created.video_slots, VIDEO_SLOTS_MAX),
        });
        Some(Offer { negotiation, sdp: created.sdp, sources: bounded_sources(created.sources) })
    }

    /// The server answered: says whether the platform shall apply it.
    pub(crate) fn answered(&mut self, now: Moment, negotiation: u32) -> bool {
        let Some(exchange) = self.exchange.as_mut().filter(|exchange| exchange.negotiation == negotiation)
        else {
            return false;
        };
        let Stage::Offered(slots) = &mut exchange.stage else { return false };
        exchange.stage = Stage::Applying(std::mem::take(slots));
        exchange.deadline = now + STEP_TIMEOUT;
        true
    }

    /// The platform applied the answer: the new slots can be used.
    pub(crate) fn answer_applied(&mut self, now: Moment, negotiation: u32) -> bool {
        let applied = |exchange: &mut Exchange| {
            exchange.negotiation == negotiation && matches!(exchange.stage, Stage::Applying(_))
        };
        let Some(Exchange { plan, stage: Stage::Applying(slots), .. }) = self.exchange.take_if(applied)
        else {
            return false;
        };
        self.agreed = Some(plan);
        self.slots = slots;
        if self.connection != MediaConnection::Connected && self.patience.is_none() {
            self.patience = Some(Patience::Connect(now + CONNECT_TIMEOUT));
        }
        true
    }

    /// The platform could not do its part.
    pub(crate) fn platform_failed(&mut self, now: Moment, negotiation: u32) {
        let current = self.exchange.as_ref().is_some_and(|exchange| {
            exchange.negotiation == negotiation && !matches!(exchange.stage, Stage::Offered(_))
        });
        if current {
            self.failed(now);
        }
    }

    /// The server did not take the offer.
    pub(crate) fn offer_refused(&mut self, now: Moment) {
        if self.exchange.as_ref().is_some_and(|exchange| matches!(exchange.stage, Stage::Offered(_))) {
            self.failed(now);
        }
    }

    /// The server gave the transport up: nothing is gained by waiting until the browser finds out.
    pub(crate) fn transport_failed(&mut self, now: Moment) {
        if self.media.is_some() && self.connection != MediaConnection::Connected {
            self.failed(now);
        }
    }

    /// The transport's state changed.
    pub(crate) fn connection_changed(&mut self, now: Moment, media: MediaId, state: MediaConnection) -> bool {
        if self.media != Some(media) || self.connection == state {
            return false;
        }
        self.connection = state;
        match state {
            MediaConnection::Connected => {
                self.connected_since.get_or_insert(now);
                self.patience = None;
                self.restart_wanted = false;
            }
            MediaConnection::Disconnected => self.patience = Some(Patience::Restart(now + DISCONNECT_GRACE)),
            MediaConnection::Failed | MediaConnection::Closed => self.failed(now),
            // A working transport that starts again must arrive, too.
            MediaConnection::New | MediaConnection::Connecting if self.agreed.is_some() => {
                self.patience.get_or_insert(Patience::Connect(now + CONNECT_TIMEOUT));
            }
            MediaConnection::New | MediaConnection::Connecting => {}
        }
        true
    }

    /// The network came back: what is disconnected need not wait any longer.
    pub(crate) fn network_returned(&mut self, now: Moment) {
        self.not_before = self.not_before.min(now);
        if matches!(self.patience, Some(Patience::Restart(_))) {
            self.patience = Some(Patience::Restart(now));
        }
    }

    /// Gives up on what took too long.
    pub(crate) fn handle_timeout(&mut self, now: Moment) {
        if self.exchange.as_ref().is_some_and(|exchange| exchange.deadline <= now) {
            self.failed(now);
        }
        match self.patience {
            Some(Patience::Restart(at)) if at <= now => {
                self.restart_wanted = true;
                self.patience = Some(Patience::Reset(now + RESTART_TIMEOUT));
            }
            Some(Patience::Connect(at) | Patience::Reset(at)) if at <= now => self.failed(now),
            Some(Patience::Connect(_) | Patience::Restart(_) | Patience::Reset(_)) | None => {}
        }
    }

    /// When to look again; `reachable` when the server can be told.
    pub(crate) fn poll_timeout(&self, reachable: bool) -> Option<Moment> {
        let exchange = self.exchange.as_ref().map(|exchange| exchange.deadline);
        let patience = self.patience.map(|patience| match patience {
            Patience::Connect(at) | Patience::Restart(at) | Patience::Reset(at) => at,
        });
        let open = self.reset_wanted
            || (self.media.is_some()
                && self.exchange.is_none()
                && (self.agreed != Some(self.desired) || self.restart_wanted));
        let retry = (reachable && open).then_some(self.not_before);
        [exchange, patience, retry].into_iter().flatten().min()
    }

    /// A new `RTCPeerConnection`: nothing of the old one holds.
    fn reset(&mut self) -> MediaId {
        self.resets = self.resets.wrapping_add(1);
        let media = MediaId(self.resets);
        self.media = Some(media);
        self.exchange = None;
        self.agreed = None;
        self.slots = SlotMids::default();
        self.connection = MediaConnection::New;
        self.connected_since = None;
        self.patience = None;
        self.restart_wanted = false;
        self.reset_wanted = false;
        media
    }

    /// Starts over: at once after a connection that held, else later each time.
    fn failed(&mut self, now: Moment) {
        if self.connected_since.is_some_and(|since| now.since(since) >= STABLE) {
            self.failures = 0;
        }
        let delay = match self.failures {
            0 => Duration::ZERO,
            failures => RETRY_FIRST * 2u32.pow((failures - 1).min(RETRY_DOUBLINGS_MAX)),
        };
        self.failures = self.failures.saturating_add(1);
        self.not_before = now + delay;
        self.exchange = None;
        self.connected_since = None;
        self.patience = None;
        self.reset_wanted = true;
    }

    /// The offer does not fit into a message: one step fewer slots from now on.
    pub(crate) fn offer_too_large(&mut self, now: Moment) {
        let smaller = VIDEO_SLOT_STEPS.into_iter().rfind(|step| *step < self.desired.video_slots);
        self.video_slots_max = smaller.unwrap_or(VIDEO_SLOT_STEPS[0]);
        self.desired.video_slots = self.video_slots_max;
        self.failed(now);
    }
}

impl Publish {
    const fn include(&mut self, media: MediaState) {
        self.microphone |= media.microphone;
        self.camera |= media.camera;
        self.screen |= media.screen;
    }

    fn kinds(self) -> Vec<SourceKind> {
        let pairs = [
            (self.microphone, SourceKind::Microphone),
            (self.camera, SourceKind::Camera),
            (self.screen, SourceKind::Screen),
            (self.screen, SourceKind::ScreenAudio),
        ];
        pairs.into_iter().filter_map(|(on, kind)| on.then_some(kind)).collect()
    }
}

fn bounded_mids(mids: Vec<String>, most: usize) -> Vec<String> {
    mids.into_iter().filter(|mid| mid.len() <= MID_BYTES_MAX).take(most).collect()
}

fn bounded_sources(sources: Vec<PublishedMid>) -> Vec<PublishedMid> {
    sources.into_iter().filter(|source| source.mid.len() <= MID_BYTES_MAX).take(SOURCES_MAX).collect()
}

/// Numbers of video slots: square grids, each step one offer.
pub(crate) const VIDEO_SLOT_STEPS: [u8; 4] = [4, 9, 16, 25];
const AUDIO_SLOT_COUNT: u8 = 3;
const _: () =
    assert!(AUDIO_SLOT_COUNT as usize == AUDIO_SLOTS && VIDEO_SLOT_STEPS[3] as usize == VIDEO_SLOTS_MAX);

/// Creating an offer with 25 slots took 560 ms on a loaded machine; ten seconds mean that it hangs.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// From the answer to `connected`: ICE checks and a DTLS handshake with losses fit into this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// `disconnected` often heals by itself within this time.
const DISCONNECT_GRACE: Duration = Duration::from_secs(2);
/// From the wish to restart ICE to `connected`.
const RESTART_TIMEOUT: Duration = Duration::from_secs(6);
/// A connection that held this long was a good one.
const STABLE: Duration = Duration::from_secs(5);
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// 500 ms · 2⁵ = 16 s is the longest wait.
const RETRY_DOUBLINGS_MAX: u32 = 5;
