//! The codecs that are forwarded, and which offered payload types mean them.

use super::offer::{Feedback, MediaKind, OfferedCodec, OfferedSection};
use crate::rtp::ExtensionKind;

/// A codec that is forwarded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Codec {
    /// Opus, 48 kHz, in two channels as SDP always writes it (RFC 7587).
    Opus,
    /// VP8 (RFC 7741).
    Vp8,
    /// VP9, profile 0: 8 bits, 4:2:0 (RFC 9628).
    Vp9,
    /// H264, baseline, with packetization mode 1 (RFC 6184).
    H264,
    /// AV1, main profile (RTP payload format for AV1).
    Av1,
}

impl Codec {
    /// All for video, in the order in which they are chosen when nothing else is configured: VP8 everybody has, and it
    /// is the cheapest to encode in several sizes.
    pub const VIDEO: [Self; 4] = [Self::Vp8, Self::Vp9, Self::H264, Self::Av1];

    /// The codec with this name in configuration: `vp8`, `vp9`, `h264` or `av1`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::VIDEO.into_iter().find(|codec| codec.name() == name)
    }

    /// Its name in configuration and protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Vp8 => "vp8",
            Self::Vp9 => "vp9",
            Self::H264 => "h264",
            Self::Av1 => "av1",
        }
    }

    /// Whether its packets bring a dependency descriptor when one is negotiated. VP8 and VP9 say the same in their payload
    /// descriptors, which every browser reads.
    #[must_use]
    pub const fn uses_dependency_descriptor(self) -> bool {
        matches!(self, Self::Av1 | Self::H264)
    }

    /// The encoding as `a=rtpmap` writes it (RFC 8866 section 6.6).
    pub(super) const fn encoding(self) -> &'static str {
        match self {
            Self::Opus => "opus/48000/2",
            Self::Vp8 => "VP8/90000",
            Self::Vp9 => "VP9/90000",
            Self::H264 => "H264/90000",
            Self::Av1 => "AV1/90000",
        }
    }

    /// How well an offered payload type is this codec: lower is better, nothing when it is another.
    fn rank(self, offered: &OfferedCodec) -> Option<u8> {
        let (name, clock_rate, channels) = match self {
            Self::Opus => ("opus", 48_000, 2),
            Self::Vp8 => ("VP8", 90_000, 1),
            Self::Vp9 => ("VP9", 90_000, 1),
            Self::H264 => ("H264", 90_000, 1),
            Self::Av1 => ("AV1", 90_000, 1),
        };
        let is_named = offered.name.eq_ignore_ascii_case(name)
            && offered.clock_rate == clock_rate
            && offered.channels == channels;
        let is_default = |key, default| offered.parameter(key).is_none_or(|value| value == default);
        let matching = match self {
            Self::Opus | Self::Vp8 => true,
            Self::Vp9 => is_default("profile-id", "0"),
            Self::Av1 => is_default("profile", "0"),
            Self::H264 => return h264_rank(offered).filter(|_| is_named),
        };
        (is_named && matching).then_some(0)
    }

    /// The client's best payload type for this codec; of equals its most preferred.
    pub(super) fn find(self, offered: &OfferedSection) -> Option<&OfferedCodec> {
        let ranked = offered.codecs.iter().filter_map(|codec| Some((self.rank(codec)?, codec)));
        ranked.min_by_key(|(rank, _)| *rank).map(|(_, codec)| codec)
    }

    /// The feedback we act on, in the order it is written.
    pub(super) const fn feedback(self) -> &'static [Feedback] {
        match self {
            Self::Opus => &[Feedback::TransportCc],
            Self::Vp8 | Self::Vp9 | Self::H264 | Self::Av1 => {
                &[Feedback::TransportCc, Feedback::CcmFir, Feedback::Nack, Feedback::NackPli]
            }
        }
    }

    /// What `a=fmtp` says of a video codec, given what was offered; empty for nothing.
    pub(super) fn video_parameters(self, offered: &OfferedCodec) -> String {
        match self {
            Self::Opus | Self::Vp8 => String::new(),
            Self::Vp9 => "profile-id=0".to_owned(),
            Self::Av1 => {
                let level = offered.parameter("level-idx").filter(|level| is_number(level));
                level.map_or_else(String::new, |level| format!("level-idx={level};profile=0;tier=0"))
            }
            Self::H264 => {
                let profile = offered.parameter("profile-level-id").filter(|id| is_profile_level(id));
                let profile = profile.unwrap_or(CONSTRAINED_BASELINE);
                format!("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}")
            }
        }
    }
}

/// Constrained baseline, level 3.1 (RFC 7742 section 6.2).
const CONSTRAINED_BASELINE: &str = "42e01f";

fn h264_rank(offered: &OfferedCodec) -> Option<u8> {
    let profile =
        offered.parameter("profile-level-id").filter(|id| is_profile_level(id))?.to_ascii_lowercase();
    if offered.parameter("packetization-mode") != Some("1") {
        return None;
    }
    // Every baseline decoder reads constrained baseline, and browsers' encoders make nothing else.
    match &profile[..4] {
        "42e0" => Some(0),
        "4200" => Some(1),
        _ => None,
    }
}

fn is_profile_level(id: &str) -> bool {
    id.len() == 6 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_number(text: &str) -> bool {
    (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The codecs for sections of this kind.
pub(super) const fn codecs_of(kind: MediaKind, video: &[Codec]) -> &[Codec] {
    match kind {
        MediaKind::Audio => &[Codec::Opus],
        MediaKind::Video => video,
        MediaKind::Application | MediaKind::Other => &[],
    }
}

/// Whether this extension means something in a section with this codec alone.
pub(super) fn is_of_use(kind: ExtensionKind, codec: Codec) -> bool {
    kind != ExtensionKind::DependencyDescriptor || codec.uses_dependency_descriptor()
}
