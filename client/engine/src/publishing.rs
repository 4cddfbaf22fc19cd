//! How pictures are sent: in which codec and which layers, given what the server prefers and what the browser can do.

use shared::SourceKind;

/// A video codec that a server may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VideoCodec {
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9,
    /// RFC 6184.
    H264,
    /// RTP payload format for AV1.
    Av1,
}

impl VideoCodec {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Vp8, Self::Vp9, Self::H264, Self::Av1];

    /// As in the welcome: `vp8`, `vp9`, `h264` or `av1`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vp8 => "vp8",
            Self::Vp9 => "vp9",
            Self::H264 => "h264",
            Self::Av1 => "av1",
        }
    }

    /// What a server names, in its order; codecs of newer servers are left out.
    pub(crate) fn known(names: &[String]) -> Vec<Self> {
        let mut known = Vec::new();
        for codec in names.iter().filter_map(|name| Self::ALL.into_iter().find(|codec| codec.name() == name))
        {
            if !known.contains(&codec) {
                known.push(codec);
            }
        }
        known
    }

    /// The scalability mode (W3C WebRTC-SVC) in which a camera is sent in one stream; nothing: it is sent in several.
    const fn camera_mode(self) -> Option<&'static str> {
        match self {
            Self::Vp9 => Some("L3T3_KEY"),
            // Several sizes are told apart by the dependency descriptor alone, and not every browser reads it: to those
            // that do not, only the smallest could be shown.
            Self::Av1 => Some("L1T3"),
            Self::Vp8 | Self::H264 => None,
        }
    }
}

/// How a picture is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendPlan {
    /// What is offered, best first; empty: everything that the browser has.
    pub codecs: Vec<VideoCodec>,
    /// What is encoded.
    pub encodings: Encodings,
}

/// What is encoded of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encodings {
    /// Three sizes, each a stream of its own.
    Simulcast,
    /// One stream, with layers inside where a scalability mode is given.
    One(Option<&'static str>),
}

impl SendPlan {
    /// Decides for a camera or a screen. `preferred` is the server's choice, best first, empty when it did not say;
    /// `can_send` and `can_scale` ask the browser for a codec and a scalability mode.
    ///
    /// A codec in which the browser cannot send layers inside a stream is sent in several streams, and then rather one that
    /// all browsers encode so.
    #[must_use]
    pub fn new(
        kind: SourceKind,
        preferred: &[VideoCodec],
        can_send: impl Fn(VideoCodec) -> bool,
        can_scale: impl Fn(&str) -> bool,
    ) -> Self {
        let codecs: Vec<VideoCodec> = preferred.iter().copied().filter(|codec| can_send(*codec)).collect();
        if kind == SourceKind::Screen {
            // One size: text must stay sharp. Fewer pictures are the way to save.
            let mode = Some("L1T3").filter(|mode| can_scale(mode));
            return Self { codecs, encodings: Encodings::One(mode) };
        }
        let mode = codecs.first().and_then(|first| first.camera_mode()).filter(|mode| can_scale(mode));
        if mode.is_some() {
            return Self { codecs, encodings: Encodings::One(mode) };
        }
        let in_streams: Vec<_> =
            codecs.iter().copied().filter(|codec| codec.camera_mode().is_none()).collect();
        let codecs = if in_streams.is_empty() { codecs } else { in_streams };
        Self { codecs, encodings: Encodings::Simulcast }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use VideoCodec::{Av1, H264, Vp8, Vp9};

    fn camera(preferred: &[VideoCodec], sends: &[VideoCodec], scales: bool) -> SendPlan {
        SendPlan::new(SourceKind::Camera, preferred, |codec| sends.contains(&codec), |_| scales)
    }

    #[test]
    fn the_preferred_codec_decides_how_the_camera_is_sent() {
        let all = VideoCodec::ALL;
        let cases = [
            (&[Vp8, Vp9, H264, Av1][..], Encodings::Simulcast, &[Vp8, H264][..]),
            (&[H264, Vp8], Encodings::Simulcast, &[H264, Vp8]),
            (&[Vp9, Vp8], Encodings::One(Some("L3T3_KEY")), &[Vp9, Vp8]),
            (&[Av1, Vp9], Encodings::One(Some("L1T3")), &[Av1, Vp9]),
            (&[], Encodings::Simulcast, &[]),
        ];
        for (preferred, encodings, codecs) in cases {
            assert_eq!(camera(preferred, &all, true), SendPlan { codecs: codecs.to_vec(), encodings });
        }
    }

    #[test]
    fn a_browser_without_layers_inside_streams_sends_several() {
        let plan = camera(&[Vp9, Av1, Vp8], &[Vp8, Vp9], false);
        assert_eq!(plan, SendPlan { codecs: vec![Vp8], encodings: Encodings::Simulcast });
        let plan = camera(&[Vp9], &[Vp8, Vp9], false);
        assert_eq!(
            plan,
            SendPlan { codecs: vec![Vp9], encodings: Encodings::Simulcast },
            "nothing else is wanted"
        );
        let plan = camera(&[Av1, Vp9], &[Vp8, Vp9], true);
        assert_eq!(plan.encodings, Encodings::One(Some("L3T3_KEY")), "what it cannot encode is passed over");
    }

    #[test]
    fn a_screen_is_one_stream_of_one_size() {
        for (scales, mode) in [(true, Some("L1T3")), (false, None)] {
            let plan = SendPlan::new(SourceKind::Screen, &[Vp9, Vp8], |_| true, |_| scales);
            assert_eq!(plan, SendPlan { codecs: vec![Vp9, Vp8], encodings: Encodings::One(mode) });
        }
    }

    #[test]
    fn codecs_of_newer_servers_and_repetitions_are_passed_over() {
        let names = ["h266", "av1", "vp8", "av1"].map(str::to_owned);
        assert_eq!(VideoCodec::known(&names), [Av1, Vp8]);
    }
}
