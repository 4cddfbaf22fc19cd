//! What one peer publishes: its sources, the RTP streams that carry them, and the feedback they need.

use std::time::{Duration, Instant};

use shared::SourceKind;

use crate::drop_reason::DropReason;
use crate::dynacast::{Dynacast, LayerSet};
use crate::frame_reader::FrameReader;
use crate::key_frame::KeyFrameRequests;
use crate::nack::{Arrival, Generator};
use crate::onset::Onset;
use crate::rate::RateMeter;
use crate::reception::Reception;
use crate::relay::ShardId;
use crate::relay::{StreamRelay, next_token as token_after};
use crate::ring::{self, PacketRing, Push, RingPacket};
use crate::rtp::frame::{Layers, Numbers};
use crate::rtp::identifier::{Mid, Rid};
use crate::rtp::picture::Resolution;
use crate::rtp::{self, CarriedBuffer, ExtensionKind, ExtensionMap, Header, KnownExtensions, rtx};
use crate::sdp::{Codec, PayloadMap};
use crate::sent_layers::{SentLayers, Step};
use crate::srtp::{Opener, RTP_OVERHEAD_MAX, ReplayWindow};
use crate::subscription::{StreamKey, Watcher};
use crate::twcc;

mod feedback;
mod recovery;
mod relayed;

pub(crate) use feedback::FeedbackCounts;

/// Most SSRCs of one peer: four sources, three layers each, with retransmissions.
const SSRCS_MAX: usize = 24;
/// A stream without packets for this long is not being sent: its layer is paused or its source is off.
const LIVE: Duration = Duration::from_millis(1200);
/// Time between two receiver reports.
const REPORT_SPACING: Duration = Duration::from_secs(1);
/// Assumed until a round trip has been measured.
const RTT_DEFAULT: Duration = Duration::from_millis(50);

/// One source, as negotiated.
#[derive(Debug, Clone)]
pub(crate) struct Publication {
    pub(crate) mid: Mid,
    pub(crate) kind: SourceKind,
    /// Simulcast layers in the order offered: smallest first. Empty without simulcast.
    pub(crate) layers: Vec<Rid>,
    pub(crate) payload: PayloadMap,
    pub(crate) ssrcs: Vec<u32>,
    pub(crate) repair: Vec<(u32, u32)>,
    pub(crate) key_frames: KeyFrameRequests,
    /// Which of the layers the client shall send.
    pub(crate) dynacast: Dynacast,
    /// What viewers at other SFUs could use. For a member that lives elsewhere: what its home was told of ours.
    pub(crate) elsewhere: Vec<(ShardId, LayerSet)>,
}

/// One RTP stream: a source, or one layer of it.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) mid: Mid,
    pub(crate) kind: SourceKind,
    /// Position among the publication's layers, 0 without simulcast.
    pub(crate) layer: usize,
    /// Names the stream within the whole SFU; never reused.
    pub(crate) token: u32,
    pub(crate) ssrc: u32,
    pub(crate) ring: PacketRing,
    /// Of the smallest picture in it.
    pub(crate) resolution: Option<Resolution>,
    pub(crate) codec: Codec,
    /// Reads its frames, and knows the sizes of its layers.
    pub(crate) frames: FrameReader,
    /// What each layer takes.
    pub(crate) sent: SentLayers,
    pub(crate) last_packet: Instant,
    pub(crate) rate: RateMeter,
    /// Whether packets came lately, as of the last review.
    was_live: bool,
    /// Slots that show it or wait for its key frame.
    pub(crate) watchers: Vec<Watcher>,
    /// The same for other SFUs.
    pub(crate) relay: StreamRelay,
    /// Which of the last packets may go out later than they came.
    pub(crate) onset: Onset,
    replay: ReplayWindow,
    nack: Generator,
    reception: Reception,
}

impl Stream {
    /// Whether packets came lately.
    pub(crate) fn is_live(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last_packet) < LIVE
    }

    /// The ways to show it, cheapest first; one while nothing is known of its layers.
    pub(crate) fn ladder(&self, now: Instant) -> Vec<Step> {
        let steps = if self.kind.is_audio() { Vec::new() } else { self.sent.ladder(now) };
        if !steps.is_empty() {
            return steps;
        }
        if !self.relay.told.is_empty() {
            return self.relay.told.iter().map(|told| told.step).collect();
        }
        vec![Step { layers: Layers::ALL, rank: 0, bps: self.rate.bps(), frame_rate_percent: 100 }]
    }

    /// Height of the picture at this spatial layer, in pixels.
    pub(crate) fn height(&self, spatial: u8) -> Option<u16> {
        let known = self.frames.resolution(spatial).or(self.resolution.filter(|_| spatial == 0));
        known.map(|resolution| resolution.height).or_else(|| self.told_height(spatial))
    }

    /// Its packets have not come for a while, and now they will: numbers may have gone round since.
    pub(crate) fn begin_anew(&mut self) {
        self.ring.clear();
        self.nack = Generator::new();
        self.replay = ReplayWindow::new();
    }
}

/// A retransmission stream (RFC 4588).
#[derive(Debug)]
struct Repair {
    ssrc: u32,
    of_ssrc: Option<u32>,
    mid: Mid,
    layer: usize,
    replay: ReplayWindow,
}

/// A packet that is stored in its stream's ring and shall be forwarded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrived {
    pub(crate) stream: u8,
    pub(crate) sequence: u16,
    /// It starts a key frame: slots that wait for this stream can switch.
    pub(crate) key_frame: bool,
    /// RFC 6464 level below full scale and the voice bit, for audio.
    pub(crate) level: Option<rtp::AudioLevel>,
    /// The stream was not known, or not live, before this packet.
    pub(crate) appeared: bool,
    /// Which lost packets before it came with it: see [`crate::redundancy::recovered`].
    pub(crate) recovered: u8,
}

/// What an RTP datagram was.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Received {
    /// Media to forward.
    Media(Arrived),
    /// Padding only: watchers close the gap in their numbers.
    Padding {
        /// Of which stream.
        stream: u8,
        /// Its number.
        sequence: u16,
    },
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Uplink {
    pub(crate) publications: Vec<Publication>,
    pub(crate) streams: Vec<Stream>,
    repairs: Vec<Repair>,
    extensions: ExtensionMap,
    recorder: twcc::Recorder,
    carried: CarriedBuffer,
    feedback_due: Instant,
    report_due: Instant,
    rtt: Duration,
    our_ssrc: u32,
}

impl Uplink {
    pub(crate) fn new(our_ssrc: u32, now: Instant) -> Self {
        Self {
            publications: Vec::new(),
            streams: Vec::new(),
            repairs: Vec::new(),
            extensions: ExtensionMap::new(),
            recorder: twcc::Recorder::new(our_ssrc, now),
            carried: CarriedBuffer::default(),
            feedback_due: now,
            report_due: now + REPORT_SPACING,
            rtt: RTT_DEFAULT,
            our_ssrc,
        }
    }

    /// Takes over what was negotiated. Streams of sections that are gone end; all others go on, and so do the
    /// requests for their key frames.
    pub(crate) fn negotiate(&mut self, mut publications: Vec<Publication>, extensions: ExtensionMap) {
        for new in &mut publications {
            let same = |old: &&mut Publication| old.mid == new.mid && old.kind == new.kind;
            if let Some(old) = self.publications.iter_mut().find(same) {
                new.key_frames = std::mem::take(&mut old.key_frames);
                if new.layers == old.layers {
                    new.dynacast = std::mem::take(&mut old.dynacast);
                }
                new.elsewhere = std::mem::take(&mut old.elsewhere);
            }
        }
        let kept =
            |mid: Mid, kind: SourceKind| publications.iter().any(|new| new.mid == mid && new.kind == kind);
        self.streams.retain(|stream| kept(stream.mid, stream.kind));
        self.repairs.retain(|repair| publications.iter().any(|new| new.mid == repair.mid));
        self.publications = publications;
        self.extensions = extensions;
    }

    /// Decrypts one SRTP datagram in place, files it, and says what to do with it.
    ///
    /// # Errors
    /// Why it goes no further.
    #[inline]
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        opener: &Opener,
        datagram: &mut [u8],
        next_token: &mut u32,
    ) -> Result<Received, DropReason> {
        let header = Header::parse(datagram).map_err(|_| DropReason::MalformedRtp)?;
        let known = KnownExtensions::read(&header, datagram, &self.extensions);
        let transport_cc = known.transport_cc;
        let level = known.audio_level;
        let place = match self.find(header.ssrc) {
            Some(place) => place,
            None => self.identify(&header, &known)?,
        };
        let (index, plain_len) = self.open(opener, &header, datagram, &place)?;
        let place = self.file(now, place, &header, index, next_token);
        if let Some(number) = transport_cc {
            self.recorder.record(number, now);
        }
        let packet = &datagram[..plain_len];
        match place {
            Place::Stream(at) => self.receive_media(now, at, &header, packet, index, level),
            Place::Repair(at) => self.receive_repair(now, at, &header, packet),
            Place::NewStream { .. } | Place::NewRepair { .. } => {
                unreachable!("file() gave the stream a place")
            }
        }
    }

    /// Whether this is one of the client's streams.
    pub(crate) fn has(&self, ssrc: u32) -> bool {
        self.find(ssrc).is_some()
    }

    #[inline]
    fn find(&self, ssrc: u32) -> Option<Place> {
        if let Some(at) = self.streams.iter().position(|stream| stream.ssrc == ssrc) {
            return Some(Place::Stream(at));
        }
        self.repairs.iter().position(|repair| repair.ssrc == ssrc).map(Place::Repair)
    }

    /// Explains an SSRC not seen before by its extensions, else by what the offer announced, else by a payload type that only
    /// one section has (RFC 8843 §9.2). Nothing is remembered until the packet is authenticated.
    #[cold]
    fn identify(&self, header: &Header, known: &KnownExtensions<'_>) -> Result<Place, DropReason> {
        if self.streams.len() + self.repairs.len() >= SSRCS_MAX {
            return Err(DropReason::TooManyStreams);
        }
        let announced = |publication: &Publication| {
            publication.ssrcs.contains(&header.ssrc)
                || publication.repair.iter().any(|pair| pair.1 == header.ssrc)
        };
        let by_mid =
            |mid: &str| self.publications.iter().position(|publication| publication.mid.as_str() == mid);
        let by_payload_type = || {
            let mut all = self.publications.iter();
            let at = all.position(|publication| publication.payload.has(header.payload_type))?;
            all.all(|publication| !publication.payload.has(header.payload_type)).then_some(at)
        };
        let at = known
            .mid
            .and_then(by_mid)
            .or_else(|| self.publications.iter().position(announced))
            .or_else(|| known.mid.is_none().then(by_payload_type).flatten())
            .ok_or(DropReason::UnknownStream)?;
        let publication = &self.publications[at];
        let layer_of = |rid: &str| publication.layers.iter().position(|layer| layer.as_str() == rid);
        let of_ssrc = publication.repair.iter().find(|pair| pair.1 == header.ssrc).map(|pair| pair.0);
        let is_repair = known.repaired_rid.is_some()
            || of_ssrc.is_some()
            || publication.payload.rtx_payload_type == Some(header.payload_type);
        let rid = if is_repair { known.repaired_rid } else { known.rid };
        let layer = match rid {
            Some(rid) => layer_of(rid).ok_or(DropReason::UnknownStream)?,
            // A simulcast stream is known by its rid alone.
            None if publication.layers.is_empty() => 0,
            None => return Err(DropReason::UnknownStream),
        };
        if is_repair {
            return Ok(Place::NewRepair { publication: at, layer, of_ssrc });
        }
        let PayloadMap { payload_type, red_payload_type, .. } = publication.payload;
        if header.payload_type != payload_type && Some(header.payload_type) != red_payload_type {
            return Err(DropReason::UnknownStream);
        }
        Ok(Place::NewStream { publication: at, layer })
    }

    #[inline]
    fn open(
        &self,
        opener: &Opener,
        header: &Header,
        datagram: &mut [u8],
        place: &Place,
    ) -> Result<(u64, usize), DropReason> {
        let fresh = ReplayWindow::new();
        let replay = match place {
            Place::Stream(at) => &self.streams[*at].replay,
            Place::Repair(at) => &self.repairs[*at].replay,
            Place::NewStream { .. } | Place::NewRepair { .. } => &fresh,
        };
        let index = replay.estimate(header.sequence);
        replay.check(index).map_err(|_| DropReason::Replay)?;
        let plain_len = opener
            .open_rtp(datagram, header.header_len(), header.ssrc, index)
            .map_err(|_| DropReason::Authentication)?;
        Ok((index, plain_len))
    }

    /// Notes an authenticated packet, and makes a place for its stream when it is the first.
    #[inline]
    fn file(
        &mut self,
        now: Instant,
        place: Place,
        header: &Header,
        index: u64,
        next_token: &mut u32,
    ) -> Place {
        let place = match place {
            Place::Stream(_) | Place::Repair(_) => place,
            Place::NewStream { publication, layer } => {
                self.add_stream(now, publication, layer, header.ssrc, next_token)
            }
            Place::NewRepair { publication, layer, of_ssrc } => {
                let mid = self.publications[publication].mid;
                self.repairs.push(Repair {
                    ssrc: header.ssrc,
                    of_ssrc,
                    mid,
                    layer,
                    replay: ReplayWindow::new(),
                });
                Place::Repair(self.repairs.len() - 1)
            }
        };
        match place {
            Place::Stream(at) => self.streams[at].replay.commit(index),
            Place::Repair(at) => self.repairs[at].replay.commit(index),
            Place::NewStream { .. } | Place::NewRepair { .. } => {}
        }
        place
    }

    /// Which id stands for which extension in the packets of this peer.
    pub(crate) const fn extensions(&self) -> &ExtensionMap {
        &self.extensions
    }

    #[cold]
    fn add_stream(
        &mut self,
        now: Instant,
        publication: usize,
        layer: usize,
        ssrc: u32,
        next_token: &mut u32,
    ) -> Place {
        let publication = &self.publications[publication];
        let ring = if publication.kind.is_audio() { ring::Config::AUDIO } else { ring::Config::VIDEO };
        let stream = Stream {
            mid: publication.mid,
            kind: publication.kind,
            layer,
            token: *next_token,
            ssrc,
            ring: PacketRing::new(ring),
            resolution: None,
            codec: publication.payload.codec,
            frames: FrameReader::default(),
            sent: SentLayers::new(now),
            last_packet: now.checked_sub(LIVE).unwrap_or(now),
            rate: RateMeter::new(now),
            was_live: false,
            watchers: Vec::new(),
            relay: StreamRelay::default(),
            onset: Onset::default(),
            replay: ReplayWindow::new(),
            nack: Generator::new(),
            reception: Reception::new(publication.payload.clock_rate, now),
        };
        *next_token = token_after(*next_token);
        // A publisher that changes its SSRC replaces the stream of the same layer: its ring and watchers are of no use.
        let same = |old: &Stream| old.mid == stream.mid && old.layer == stream.layer;
        match self.streams.iter().position(same) {
            Some(at) => {
                self.streams[at] = stream;
                Place::Stream(at)
            }
            None => {
                self.streams.push(stream);
                Place::Stream(self.streams.len() - 1)
            }
        }
    }

    #[inline]
    fn receive_media(
        &mut self,
        now: Instant,
        at: usize,
        header: &Header,
        packet: &[u8],
        index: u64,
        level: Option<rtp::AudioLevel>,
    ) -> Result<Received, DropReason> {
        let stream = &mut self.streams[at];
        let payload = header.payload(packet).map_err(|_| DropReason::MalformedRtp)?;
        stream.reception.packet(index, header.timestamp, now);
        if !stream.kind.is_audio() && stream.nack.handle(header.sequence, now) == Arrival::Known {
            return Err(DropReason::Replay);
        }
        if payload.is_empty() {
            return Ok(Received::Padding { stream: at as u8, sequence: header.sequence });
        }
        let (payload, recovered) = self.recover(now, at, header, payload)?;
        let received = self.store(now, at, header, packet, header.sequence, payload, level)?;
        Ok(match received {
            Received::Media(arrived) => Received::Media(Arrived { recovered, ..arrived }),
            Received::Padding { .. } => received,
        })
    }

    #[inline]
    fn receive_repair(
        &mut self,
        now: Instant,
        at: usize,
        header: &Header,
        packet: &[u8],
    ) -> Result<Received, DropReason> {
        let payload = header.payload(packet).map_err(|_| DropReason::MalformedRtp)?;
        let (sequence, original) = rtx::unwrap(payload).ok_or(DropReason::Probe)?;
        let repair = &self.repairs[at];
        let of = |stream: &Stream| match repair.of_ssrc {
            Some(ssrc) => stream.ssrc == ssrc,
            None => stream.mid == repair.mid && stream.layer == repair.layer,
        };
        // Chrome probes with retransmissions before there is media; they must not create a stream.
        let at = self.streams.iter().position(of).ok_or(DropReason::Probe)?;
        if self.streams[at].nack.handle(sequence, now) != Arrival::Recovered {
            return Err(DropReason::Probe);
        }
        self.store(now, at, header, packet, sequence, original, None)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a packet's parts, borrowed one by one from a datagram that is not kept"
    )]
    #[inline]
    fn store(
        &mut self,
        now: Instant,
        at: usize,
        header: &Header,
        packet: &[u8],
        sequence: u16,
        payload: &[u8],
        level: Option<rtp::AudioLevel>,
    ) -> Result<Received, DropReason> {
        let stream = &mut self.streams[at];
        let publication = self.publications.iter_mut().find(|publication| publication.mid == stream.mid);
        let publication = publication.ok_or(DropReason::UnknownStream)?;
        let codec = publication.payload.codec;
        let descriptor = codec
            .uses_dependency_descriptor()
            .then(|| KnownExtensions::read(header, packet, &self.extensions).dependency_descriptor)
            .flatten();
        let read = stream.frames.read(codec, header.marker, payload, descriptor);
        let (frame, numbers) = read.map_err(|_| DropReason::MalformedRtp)?;
        let key_frame = frame.key;
        if key_frame {
            stream.resolution = stream.frames.resolution(0).or(stream.resolution);
            if let Some(count) = stream.frames.spatial_layers() {
                stream.sent.announce(now, count);
            }
            publication.key_frames.served();
        }
        // What would not be renumbered must not be passed on.
        let extensions = match numbers {
            Numbers::Descriptor(_) => self.extensions,
            Numbers::None | Numbers::Vp8(_) | Numbers::Vp9(_) => {
                self.extensions.without(ExtensionKind::DependencyDescriptor)
            }
        };
        let stored = stream.ring.push(
            now,
            &RingPacket {
                sequence,
                timestamp: header.timestamp,
                marker: header.marker,
                payload_type: publication.payload.payload_type,
                frame,
                numbers,
                carried: self.carried.collect(header, packet, &extensions),
                payload,
            },
        );
        match stored {
            Push::Stored => {}
            Push::Duplicate => return Err(DropReason::Replay),
            Push::TooOld | Push::TooLarge => return Err(DropReason::Unstorable),
        }
        let appeared = !stream.is_live(now);
        if appeared {
            stream.rate.resume(now);
        }
        stream.last_packet = now;
        // As it leaves again: with a header and a tag.
        let bytes = packet.len() + RTP_OVERHEAD_MAX;
        stream.rate.add(now, bytes);
        stream.sent.add(now, frame.layers, bytes);
        let stream = at as u8;
        Ok(Received::Media(Arrived { stream, sequence, key_frame, level, appeared, recovered: 0 }))
    }

    /// A sender report of the publisher.
    pub(crate) fn sender_report(&mut self, ssrc: u32, ntp: u64, now: Instant) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == ssrc) {
            stream.reception.sender_report(ntp, now);
        }
    }

    /// Whether a stream has started or stopped being sent since the last time this was asked.
    pub(crate) fn liveness_changed(&mut self, now: Instant) -> bool {
        self.streams.iter_mut().fold(false, |changed, stream| {
            let is_live = stream.is_live(now);
            std::mem::replace(&mut stream.was_live, is_live) != is_live || changed
        })
    }

    /// Whether the client shall be asked for other layers now.
    pub(crate) fn is_suspension_due(&self, now: Instant) -> bool {
        self.publications.iter().any(|publication| publication.dynacast.is_due(now))
    }

    /// Somebody needs a key frame of this source.
    pub(crate) fn ask_key_frame(&mut self, mid: Mid) {
        if let Some(publication) = self.publications.iter_mut().find(|publication| publication.mid == mid) {
            publication.key_frames.ask();
        }
    }

    /// The round-trip time to the publisher, from its own reports on what we send it.
    pub(crate) const fn set_rtt(&mut self, rtt: Duration) {
        self.rtt = rtt;
    }

    /// The stream with this key, when it is still the same one.
    #[inline]
    pub(crate) fn stream(&self, key: StreamKey) -> Option<&Stream> {
        self.streams.get(usize::from(key.stream)).filter(|stream| stream.token == key.token)
    }

    /// The same, to change it.
    pub(crate) fn stream_mut(&mut self, key: StreamKey) -> Option<&mut Stream> {
        self.streams.get_mut(usize::from(key.stream)).filter(|stream| stream.token == key.token)
    }
}

/// Where a packet belongs.
#[derive(Debug, Clone, Copy)]
enum Place {
    Stream(usize),
    Repair(usize),
    NewStream { publication: usize, layer: usize },
    NewRepair { publication: usize, layer: usize, of_ssrc: Option<u32> },
}
