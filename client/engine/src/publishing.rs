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

/// How the one stream of a picture is sent (W3C WebRTC §5.2, `RTCRtpEncodingParameters`; W3C WebRTC-SVC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scaling {
    /// `scaleResolutionDownBy`: 1, 2 or 4.
    pub down_by: u8,
    /// `scalabilityMode`, where the stream has one.
    pub mode: Option<&'static str>,
    /// `maxBitrate`, of all layers together, in bits a second.
    pub max_bps: u32,
}

impl Encodings {
    /// How one stream is sent when no viewer shows it with more lines than `max_height`; nothing for several streams, of which
    /// each has its size. It still has as many lines where those of the capture suffice; while they are not known it is not
    /// scaled. Layers keep their size: what is scaled to half has no largest layer any more, and the others are as before.
    #[must_use]
    pub fn scaling(self, capture_height: Option<u32>, max_height: Option<u16>) -> Option<Scaling> {
        let Self::One(mode) = self else { return None };
        let suffices = |down_by: u8| match (capture_height, max_height) {
            (Some(capture), Some(wanted)) => capture / u32::from(down_by) >= u32::from(wanted),
            _ => false,
        };
        let halvings = [2, 1].into_iter().find(|halvings| suffices(1 << halvings)).unwrap_or(0);
        let mode = mode.map(|mode| match (mode, halvings) {
            ("L3T3_KEY", 1) => "L2T3_KEY",
            ("L3T3_KEY", 2) => "L1T3",
            _ => mode,
        });
        Some(Scaling { down_by: 1 << halvings, mode, max_bps: ONE_STREAM_BPS[halvings] })
    }
}

/// Most bits a second of all layers inside one stream together: in full size, half and a quarter of its lines.
const ONE_STREAM_BPS: [u32; 3] = [2_000_000, 650_000, 150_000];

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

    fn scaling(capture_height: Option<u32>, max_height: Option<u16>) -> (u8, &'static str, u32) {
        let scaling = Encodings::One(Some("L3T3_KEY")).scaling(capture_height, max_height).unwrap();
        (scaling.down_by, scaling.mode.unwrap(), scaling.max_bps)
    }

    #[test]
    fn one_stream_is_no_larger_than_anybody_shows_it() {
        assert_eq!(scaling(Some(720), None), (1, "L3T3_KEY", 2_000_000));
        assert_eq!(scaling(Some(720), Some(360)), (2, "L2T3_KEY", 650_000));
        assert_eq!(scaling(Some(720), Some(180)), (4, "L1T3", 150_000));
        assert_eq!(scaling(Some(1080), Some(360)), (2, "L2T3_KEY", 650_000));
        assert_eq!(scaling(Some(1080), Some(180)), (4, "L1T3", 150_000));
    }

    #[test]
    fn one_stream_is_never_smaller_than_it_is_shown_where_the_capture_suffices() {
        assert_eq!(scaling(Some(480), Some(180)), (2, "L2T3_KEY", 650_000));
        assert_eq!(scaling(Some(480), Some(360)), (1, "L3T3_KEY", 2_000_000));
        assert_eq!(scaling(Some(120), Some(180)), (1, "L3T3_KEY", 2_000_000), "it does not suffice");
        assert_eq!(scaling(None, Some(180)), (1, "L3T3_KEY", 2_000_000), "it is not known");
        assert_eq!(scaling(Some(u32::MAX), Some(u16::MAX)).0, 4);
        assert_eq!(scaling(Some(0), Some(1)).0, 1);
    }

    #[test]
    fn what_has_layers_of_one_size_keeps_them_all_and_what_has_none_is_scaled_too() {
        let av1 = Encodings::One(Some("L1T3")).scaling(Some(720), Some(180));
        assert_eq!(av1, Some(Scaling { down_by: 4, mode: Some("L1T3"), max_bps: 150_000 }));
        let bare = Encodings::One(None).scaling(Some(720), Some(360));
        assert_eq!(bare, Some(Scaling { down_by: 2, mode: None, max_bps: 650_000 }));
        assert_eq!(Encodings::Simulcast.scaling(Some(720), Some(180)), None);
    }

    #[test]
    fn codecs_of_newer_servers_and_repetitions_are_passed_over() {
        let names = ["h266", "av1", "vp8", "av1"].map(str::to_owned);
        assert_eq!(VideoCodec::known(&names), [Av1, Vp8]);
    }
}
