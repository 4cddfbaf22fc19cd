//! RTP header extensions (RFC 8285): which ids mean what, and reading their values.

use super::{Header, RtpError};

/// Profile of the one-byte form (RFC 8285 §4.2).
pub(super) const ONE_BYTE: u16 = 0xbede;
/// Profile of the two-byte form (RFC 8285 §4.3); its low four bits are free for the application.
pub(super) const TWO_BYTE: u16 = 0x1000;

/// The longest `mid`, `rid` or repaired `rid` that is accepted, in bytes: what fits one one-byte extension.
pub const MAX_SDES_LEN: usize = 16;

/// A header extension that Visavis understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ExtensionKind {
    /// Media identification: the m-section (RFC 9143 §15).
    Mid,
    /// The simulcast layer (RFC 8852).
    Rid,
    /// The simulcast layer that a retransmission repairs (RFC 8852).
    RepairedRid,
    /// When the packet left, 24 bits of 6.18 seconds.
    AbsSendTime,
    /// Transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    TransportCc,
    /// Client-to-mixer audio level (RFC 6464).
    AudioLevel,
    /// When the media was captured, on the capturer's clock.
    AbsCaptureTime,
    /// Least and most playout delay asked of the receiver.
    PlayoutDelay,
    /// Coordination of video orientation (3GPP TS 26.114 §7.4.5).
    VideoOrientation,
    /// Camera or screen.
    VideoContentType,
    /// Layers and references of a frame, readable without the payload (AV1 RTP specification, appendix A).
    DependencyDescriptor,
}

impl ExtensionKind {
    /// Every kind, in the order of their discriminants.
    pub const ALL: [Self; 11] = [
        Self::Mid,
        Self::Rid,
        Self::RepairedRid,
        Self::AbsSendTime,
        Self::TransportCc,
        Self::AudioLevel,
        Self::AbsCaptureTime,
        Self::PlayoutDelay,
        Self::VideoOrientation,
        Self::VideoContentType,
        Self::DependencyDescriptor,
    ];

    /// The URI that names this extension in `a=extmap`.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Mid => "urn:ietf:params:rtp-hdrext:sdes:mid",
            Self::Rid => "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            Self::RepairedRid => "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
            Self::AbsSendTime => "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            Self::TransportCc => "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
            Self::AudioLevel => "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            Self::AbsCaptureTime => "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
            Self::PlayoutDelay => "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
            Self::VideoOrientation => "urn:3gpp:video-orientation",
            Self::VideoContentType => "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
            Self::DependencyDescriptor => {
                "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
            }
        }
    }

    /// The extension named by `uri`, if it is one of ours.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.uri() == uri)
    }

    /// The kind with discriminant `value`.
    #[inline]
    pub(super) fn from_u8(value: u8) -> Option<Self> {
        Self::ALL.get(usize::from(value)).copied()
    }

    /// Whether the value travels unchanged from publisher to subscriber (see [`super::Carried`]).
    #[inline]
    #[must_use]
    pub const fn is_carried(self) -> bool {
        match self {
            Self::Mid | Self::Rid | Self::RepairedRid | Self::AbsSendTime | Self::TransportCc => false,
            Self::AudioLevel
            | Self::AbsCaptureTime
            | Self::PlayoutDelay
            | Self::VideoOrientation
            | Self::VideoContentType
            | Self::DependencyDescriptor => true,
        }
    }
}

/// Which id stands for which extension in one m-section of one peer. Ids differ per browser and m-section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtensionMap {
    /// Indexed by kind; 0 means not negotiated.
    ids: [u8; ExtensionKind::ALL.len()],
}

impl ExtensionMap {
    /// A map without extensions.
    #[must_use]
    pub const fn new() -> Self {
        Self { ids: [0; ExtensionKind::ALL.len()] }
    }

    /// Gives `id` to `kind`, replacing the kind's former id.
    ///
    /// # Errors
    /// [`RtpError::ExtensionId`] for 0 and 15 (RFC 8285 reserves them) and for an id that another kind has.
    pub fn insert(&mut self, id: u8, kind: ExtensionKind) -> Result<(), RtpError> {
        let taken = self.kind(id).is_some_and(|other| other != kind);
        if id == 0 || id == 15 || taken {
            return Err(RtpError::ExtensionId(id));
        }
        self.ids[kind as usize] = id;
        Ok(())
    }

    /// The id of `kind`.
    #[inline]
    #[must_use]
    pub fn id(&self, kind: ExtensionKind) -> Option<u8> {
        let id = self.ids[kind as usize];
        (id != 0).then_some(id)
    }

    /// The kind of `id`.
    #[inline]
    #[must_use]
    pub fn kind(&self, id: u8) -> Option<ExtensionKind> {
        if id == 0 {
            return None;
        }
        self.ids.iter().position(|&known| known == id).and_then(|at| ExtensionKind::ALL.get(at).copied())
    }

    /// The same without one kind.
    #[inline]
    #[must_use]
    pub const fn without(mut self, kind: ExtensionKind) -> Self {
        self.ids[kind as usize] = 0;
        self
    }

    /// All ids with their kinds, in the order of [`ExtensionKind::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (u8, ExtensionKind)> + '_ {
        self.ids.iter().zip(ExtensionKind::ALL).filter(|(id, _)| **id != 0).map(|(id, kind)| (*id, kind))
    }
}

/// The extensions of one packet: id and value, in wire order. Ends early at the first malformed element (RFC 8285 §4.1.2).
#[derive(Clone, Debug)]
pub struct Extensions<'a> {
    rest: &'a [u8],
    two_byte: bool,
}

impl<'a> Extensions<'a> {
    /// The extensions of `packet`, from which `header` was parsed. Empty for unknown profiles.
    #[inline]
    #[must_use]
    pub fn of(header: &Header, packet: &'a [u8]) -> Self {
        match header.extension_block(packet) {
            Some((ONE_BYTE, rest)) => Self { rest, two_byte: false },
            Some((profile, rest)) if profile & 0xfff0 == TWO_BYTE => Self { rest, two_byte: true },
            _ => Self { rest: &[], two_byte: false },
        }
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            if first == 0 {
                self.rest = rest;
                continue;
            }
            let (id, len, rest) = if self.two_byte {
                let (&len, rest) = rest.split_first()?;
                (first, usize::from(len), rest)
            } else {
                (first >> 4, usize::from(first & 0x0f) + 1, rest)
            };
            // Id 15 ends a one-byte list; id 0 with a length is not padding but nonsense.
            let ends = !self.two_byte && (id == 15 || id == 0);
            let Some((value, rest)) = rest.split_at_checked(len).filter(|_| !ends) else {
                self.rest = &[];
                return None;
            };
            self.rest = rest;
            return Some((id, value));
        }
    }
}

/// How loud a packet is (RFC 6464).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioLevel {
    /// Loudness below the loudest possible, in dB: 0 is loudest, 127 is silence.
    pub below_full_scale_db: u8,
    /// The sender's voice detector heard speech.
    pub voice: bool,
}

/// The values that the server itself acts on, read in one pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownExtensions<'a> {
    /// The m-section.
    pub mid: Option<&'a str>,
    /// The simulcast layer.
    pub rid: Option<&'a str>,
    /// The simulcast layer that this retransmission repairs.
    pub repaired_rid: Option<&'a str>,
    /// The transport-wide sequence number.
    pub transport_cc: Option<u16>,
    /// The send time, 24 bits of 6.18 seconds.
    pub abs_send_time: Option<u32>,
    /// The audio level.
    pub audio_level: Option<AudioLevel>,
    /// The dependency descriptor.
    pub dependency_descriptor: Option<&'a [u8]>,
}

impl<'a> KnownExtensions<'a> {
    /// Reads the extensions of `packet`, from which `header` was parsed. A value of the wrong shape counts as absent.
    #[inline]
    #[must_use]
    pub fn read(header: &Header, packet: &'a [u8], map: &ExtensionMap) -> Self {
        let mut known = Self::default();
        for (id, value) in Extensions::of(header, packet) {
            let Some(kind) = map.kind(id) else { continue };
            match (kind, value) {
                (ExtensionKind::Mid, _) => known.mid = sdes(value),
                (ExtensionKind::Rid, _) => known.rid = sdes(value),
                (ExtensionKind::RepairedRid, _) => known.repaired_rid = sdes(value),
                (ExtensionKind::TransportCc, &[a, b]) => {
                    known.transport_cc = Some(u16::from_be_bytes([a, b]))
                }
                (ExtensionKind::AbsSendTime, &[a, b, c]) => {
                    known.abs_send_time = Some(u32::from_be_bytes([0, a, b, c]));
                }
                (ExtensionKind::AudioLevel, &[level, ..]) => {
                    let (below_full_scale_db, voice) = (level & 0x7f, level & 0x80 != 0);
                    known.audio_level = Some(AudioLevel { below_full_scale_db, voice });
                }
                (ExtensionKind::DependencyDescriptor, _) => known.dependency_descriptor = Some(value),
                _ => {}
            }
        }
        known
    }
}

/// A non-empty token of printable ASCII within [`MAX_SDES_LEN`].
#[inline]
fn sdes(value: &[u8]) -> Option<&str> {
    if value.is_empty() || value.len() > MAX_SDES_LEN || !value.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    str::from_utf8(value).ok()
}
