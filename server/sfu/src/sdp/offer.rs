//! The client's offer as values. The text is read in `parse`.

use super::error::SdpError;
use super::parse;
use super::transport::{IceCredentials, Setup};
use crate::fingerprint::Fingerprint;
use crate::rtp::ExtensionMap;
use crate::rtp::identifier::{Mid, Rid};

/// A client's offer (RFC 8866, RFC 9429): one bundled transport and its media sections.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// The client's ICE credentials, the same in every section.
    pub ice: IceCredentials,
    /// The digest of the certificate that the client will present in DTLS.
    pub fingerprint: Fingerprint,
    /// Which DTLS role the client leaves to us.
    pub setup: Setup,
    /// The client may learn further candidates of its own later. Nothing follows from it: we never send checks.
    pub trickle: bool,
    /// The sections that share the transport, in the order of `a=group:BUNDLE` (RFC 9143).
    pub bundle: Vec<Mid>,
    /// `a=extmap-allow-mixed` for the whole session (RFC 8285 section 4.1.2): the client writes the two-byte form when a value is
    /// longer than 16 bytes, as the structures of dependency descriptors are. Without our consent it leaves those out.
    pub mixed_extensions: bool,
    /// Every section, in order; the answer keeps it.
    pub sections: Vec<OfferedSection>,
}

impl Offer {
    /// Longest offer, in bytes. A browser's video section lists every codec and has up to 6 kB.
    pub const LENGTH_MAX: usize = 64 * 1024;
    /// Most media sections.
    pub const SECTIONS_MAX: usize = 64;

    /// Reads an offer. Line ends may be CRLF or LF; attributes that are not known are ignored.
    ///
    /// # Errors
    /// [`SdpError`] says which field is above its bound, malformed, missing, contradictory or unsupported. A
    /// section that is merely of no use here is no error: the answer rejects it.
    pub fn parse(text: &str) -> Result<Self, SdpError> {
        parse::offer(text)
    }

    /// Whether this offer restarts ICE with regard to an earlier one (RFC 8839 section 4.4.1.1.1).
    #[must_use]
    pub fn restarts_ice(&self, previous: &Self) -> bool {
        self.ice != previous.ice
    }
}

/// One `m=` section of an offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OfferedSection {
    /// What the section carries.
    pub kind: MediaKind,
    /// The section's name.
    pub mid: Mid,
    /// What the client wants to do in it.
    pub direction: Direction,
    /// The client stopped the section: port 0, and not merely `a=bundle-only`. Nothing below is read then.
    pub rejected: bool,
    /// The client can receive RTCP on the port of RTP, as every browser does.
    pub rtcp_mux: bool,
    /// The RTP codecs, most preferred first; only those with an `a=rtpmap`.
    pub codecs: Vec<OfferedCodec>,
    /// The known header extensions that have an identifier of the one-byte form (RFC 8285 section 4.2).
    pub extensions: ExtensionMap,
    /// The RTP stream identifiers (RFC 8851).
    pub rids: Vec<OfferedRid>,
    /// The simulcast streams the client can send (RFC 8853), each with its alternatives, best first.
    pub simulcast_send: Vec<Vec<SimulcastAlternative>>,
    /// The announced SSRCs (RFC 5576). With `rid`s there need not be any.
    pub ssrcs: Vec<u32>,
    /// Announced retransmission pairs: (media SSRC, repair SSRC), from `a=ssrc-group:FID`.
    pub repair: Vec<(u32, u32)>,
    /// The first media stream the section's track belongs to (RFC 8830).
    pub msid: Option<Msid>,
    /// The `m=` line's own words, which the answer echoes.
    pub(super) media_line: MediaLine,
}

/// The parts of an `m=` line that an answer has to echo (RFC 8866 section 5.14).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct MediaLine {
    pub(super) media: String,
    pub(super) protocol: String,
    pub(super) first_format: String,
}

/// What a section carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MediaKind {
    /// `m=audio`.
    Audio,
    /// `m=video`.
    Video,
    /// `m=application`: data channels.
    Application,
    /// Any other media type.
    Other,
}

/// The direction of a section, as seen by its writer (RFC 8866 section 6.7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// Sends and receives.
    SendRecv,
    /// Sends only.
    SendOnly,
    /// Receives only.
    RecvOnly,
    /// Neither, but the section stays.
    Inactive,
}

/// One payload type of an offered section.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OfferedCodec {
    /// The RTP payload type, 0 to 127.
    pub payload_type: u8,
    /// The encoding name as offered; compare it without case.
    pub name: String,
    /// The RTP clock, in Hz.
    pub clock_rate: u32,
    /// Audio channels; 1 where none are given.
    pub channels: u8,
    /// The value of `a=fmtp`, empty where there is none.
    pub parameters: String,
    /// The known feedback messages, in the order offered.
    pub feedback: Vec<Feedback>,
}

impl OfferedCodec {
    /// The value of one `key=value` format parameter.
    #[must_use]
    pub fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.trim().split_once('=')?;
            name.eq_ignore_ascii_case(key).then_some(value)
        })
    }

    /// The payload type that this one retransmits (`apt`, RFC 4588 section 8.1); `None` unless it is `rtx`.
    #[must_use]
    pub fn associated_payload_type(&self) -> Option<u8> {
        if !self.name.eq_ignore_ascii_case("rtx") {
            return None;
        }
        self.parameter("apt")?.parse().ok()
    }

    /// Whether this is the repair of video that libwebrtc speaks (draft-ietf-payload-flexible-fec-scheme-03).
    #[must_use]
    pub fn is_flexfec(&self) -> bool {
        self.name.eq_ignore_ascii_case("flexfec-03") && self.clock_rate == 90_000
    }

    /// Whether this is redundant audio (RFC 2198 section 5) of nothing but that codec, as `red/48000/2` with `111/111` is.
    #[must_use]
    pub fn repeats(&self, media: &Self) -> bool {
        let is_media = |format: &str| format.trim().parse() == Ok(media.payload_type);
        self.name.eq_ignore_ascii_case("red")
            && (self.clock_rate, self.channels) == (media.clock_rate, media.channels)
            && !media.name.eq_ignore_ascii_case("red")
            && self.parameters.split('/').all(is_media)
    }
}

/// The RTCP feedback messages that matter to this server (RFC 4585, RFC 5104, transport-wide congestion control).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Feedback {
    /// `transport-cc`.
    TransportCc,
    /// `ccm fir`.
    CcmFir,
    /// `nack`.
    Nack,
    /// `nack pli`.
    NackPli,
}

/// One `a=rid` line (RFC 8851). Its restrictions are not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OfferedRid {
    /// The stream's name.
    pub rid: Rid,
    /// Who sends it, seen from the client.
    pub direction: RidDirection,
}

/// The direction of an `a=rid` line.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RidDirection {
    /// The client sends the stream.
    Send,
    /// The client receives the stream.
    Recv,
}

/// One way to send a simulcast stream (RFC 8853).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SimulcastAlternative {
    /// The stream's name.
    pub rid: Rid,
    /// The stream starts paused (`~`).
    pub paused: bool,
}

/// A media stream identification (RFC 8830).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Msid {
    /// The stream, `-` for none.
    pub stream: String,
    /// The track; Chromium and Firefox give one, newer descriptions may not.
    pub track: Option<String>,
}
