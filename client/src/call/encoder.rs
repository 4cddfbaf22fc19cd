//! What the encoder made of the camera's pictures, from two readings of the connection's counters.

use std::time::Duration;

/// Why an encoder sends less than it was asked to (W3C WebRTC Statistics, `RTCQualityLimitationReason`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Limitation {
    /// It sends all.
    #[default]
    None,
    /// The browser does not say more.
    Other,
    /// The network carries no more.
    Bandwidth,
    /// The device computes no more.
    Processor,
}

impl Limitation {
    /// What the browser's word means; browsers that do not tell say nothing.
    pub(crate) fn of(word: Option<&str>) -> Self {
        match word {
            Some("cpu") => Self::Processor,
            Some("bandwidth") => Self::Bandwidth,
            Some("other") => Self::Other,
            _ => Self::None,
        }
    }
}

/// The counters of one encoding since the connection began (W3C WebRTC Statistics, `RTCOutboundRtpStreamStats`).
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Reading {
    /// The browser's id of it.
    pub(crate) id: String,
    /// Frames that were encoded.
    pub(crate) frames: f64,
    /// Bytes that were sent, without headers.
    pub(crate) bytes: f64,
    /// Lines of its pictures.
    pub(crate) height: u32,
    /// Why it is not more.
    pub(crate) limitation: Limitation,
}

/// A second, or about one, of the encoder.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Encoded {
    /// Frames a second of the encoding that had most: each picture goes into all that are sent.
    pub(crate) frames_per_second: f64,
    /// Bits a second of all encodings.
    pub(crate) bits_per_second: f64,
    /// Lines of the largest that had any.
    pub(crate) height: u32,
    /// The worst that limits one that had any.
    pub(crate) limitation: Limitation,
}

impl Encoded {
    /// What happened from one reading to the next, `elapsed` later. Nothing when nothing can be said: no time went by, or no
    /// encoding is in both, as after a change of connection.
    pub(crate) fn between(before: &[Reading], now: &[Reading], elapsed: Duration) -> Option<Self> {
        let seconds = elapsed.as_secs_f64();
        if seconds <= 0.0 {
            return None;
        }
        let mut encoded = None;
        for reading in now {
            let Some(earlier) = before.iter().find(|earlier| earlier.id == reading.id) else { continue };
            let sum: &mut Self = encoded.get_or_insert_default();
            // A counter that went back counts something else.
            let frames = (reading.frames - earlier.frames).max(0.0) / seconds;
            sum.frames_per_second = sum.frames_per_second.max(frames);
            sum.bits_per_second += (reading.bytes - earlier.bytes).max(0.0) * 8.0 / seconds;
            if frames > 0.0 {
                sum.height = sum.height.max(reading.height);
                sum.limitation = sum.limitation.max(reading.limitation);
            }
        }
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(id: &str, frames: f64, bytes: f64, height: u32, limitation: Limitation) -> Reading {
        Reading { id: id.to_owned(), frames, bytes, height, limitation }
    }

    #[test]
    fn the_encoding_with_most_frames_and_the_bits_of_all_count() {
        let before = [
            reading("q", 100.0, 1000.0, 180, Limitation::None),
            reading("f", 50.0, 9000.0, 720, Limitation::None),
        ];
        let now = [
            reading("q", 130.0, 2000.0, 180, Limitation::None),
            reading("f", 58.0, 10_000.0, 720, Limitation::Processor),
        ];
        let encoded = Encoded::between(&before, &now, Duration::from_secs(2)).unwrap();
        let expected = Encoded {
            frames_per_second: 15.0,
            bits_per_second: 8000.0,
            height: 720,
            limitation: Limitation::Processor,
        };
        assert_eq!(encoded, expected);
    }

    #[test]
    fn an_encoding_that_is_paused_says_nothing_about_the_others() {
        let before = [
            reading("q", 0.0, 0.0, 180, Limitation::None),
            reading("f", 50.0, 0.0, 720, Limitation::Processor),
        ];
        let now = [
            reading("q", 20.0, 0.0, 180, Limitation::None),
            reading("f", 50.0, 0.0, 720, Limitation::Processor),
        ];
        let encoded = Encoded::between(&before, &now, Duration::from_secs(1)).unwrap();
        assert_eq!((encoded.height, encoded.limitation), (180, Limitation::None));
    }

    #[test]
    fn another_connection_is_not_compared_with_the_one_before() {
        let before = [reading("a", 50.0, 9000.0, 720, Limitation::None)];
        let now = [reading("b", 5.0, 900.0, 720, Limitation::None)];
        assert_eq!(Encoded::between(&before, &now, Duration::from_secs(1)), None);
        assert_eq!(Encoded::between(&before, &before, Duration::ZERO), None);
        let reset = [reading("a", 5.0, 100.0, 720, Limitation::None)];
        let encoded = Encoded::between(&before, &reset, Duration::from_secs(1)).unwrap();
        assert_eq!((encoded.frames_per_second, encoded.bits_per_second), (0.0, 0.0));
    }

    #[test]
    fn what_a_browser_does_not_tell_limits_nothing() {
        let words = [Some("cpu"), Some("bandwidth"), Some("other"), Some("none"), Some("new word"), None];
        let meant = words.map(Limitation::of);
        let none = Limitation::None;
        assert_eq!(
            meant,
            [Limitation::Processor, Limitation::Bandwidth, Limitation::Other, none, none, none]
        );
    }
}
