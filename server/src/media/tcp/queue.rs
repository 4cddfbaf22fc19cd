//! What waits to be sent over one TCP connection, and what is given up when it does not drain.
//!
//! TCP delivers everything in order, so whatever is queued delays all that follows. The queue is therefore short,
//! and each kind of datagram has its own mark: video is refused first, then audio, and the answers that keep the
//! connection alive last.

use std::collections::VecDeque;

use sfu::ice::framing;

/// Video is refused beyond this many waiting bytes: a third of a second of 1 Mbit/s.
const VIDEO_MAX: usize = 40 * 1024;
/// Audio is refused beyond this: some further seconds of speech.
const AUDIO_MAX: usize = 60 * 1024;
/// Nothing is queued beyond this.
const BYTES_MAX: usize = 80 * 1024;

/// How soon a datagram is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// STUN, DTLS, RTCP.
    Control,
    /// RTP that was marked as audio.
    Audio,
    /// All other RTP: video, its repair and probes.
    Video,
}

impl Kind {
    /// By the first octets (RFC 7983 section 7, RFC 5761 section 4).
    pub(super) const fn of(datagram: &[u8], is_audio: bool) -> Self {
        match datagram {
            [128..=191, 192..=223, ..] => Self::Control,
            [128..=191, ..] if is_audio => Self::Audio,
            [128..=191, ..] => Self::Video,
            _ => Self::Control,
        }
    }

    const fn limit(self) -> usize {
        match self {
            Self::Control => BYTES_MAX,
            Self::Audio => AUDIO_MAX,
            Self::Video => VIDEO_MAX,
        }
    }
}

/// Framed octets in order. At most [`BYTES_MAX`].
#[derive(Debug, Default)]
pub(super) struct SendQueue {
    octets: VecDeque<u8>,
}

impl SendQueue {
    /// Adds a datagram with its frame header; false when it was given up.
    pub(super) fn push(&mut self, datagram: &[u8], kind: Kind) -> bool {
        let Some(header) = framing::header(datagram.len()) else { return false };
        if self.octets.len() + header.len() + datagram.len() > kind.limit() {
            return false;
        }
        self.octets.extend(header);
        self.octets.extend(datagram);
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// Hands what waits to `write`, which returns how much it took, until it takes no more.
    ///
    /// # Errors
    /// What `write` fails with.
    pub(super) fn drain<E>(&mut self, mut write: impl FnMut(&[u8]) -> Result<usize, E>) -> Result<(), E> {
        while !self.octets.is_empty() {
            let taken = write(self.octets.as_slices().0)?;
            if taken == 0 {
                break;
            }
            self.octets.drain(..taken);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const VIDEO: [u8; 1000] = [0x80; 1000];
    const AUDIO: [u8; 100] = [0x90; 100];
    const CHECK: [u8; 100] = [0; 100];

    fn fill(queue: &mut SendQueue, datagram: &[u8], kind: Kind) -> usize {
        (0..10_000).take_while(|_| queue.push(datagram, kind)).count()
    }

    #[test]
    fn a_connection_that_does_not_drain_gives_up_video_then_audio_then_control() {
        let mut queue = SendQueue::default();
        let video = fill(&mut queue, &VIDEO, Kind::Video);
        assert_eq!(video, VIDEO_MAX / 1002);
        assert!(fill(&mut queue, &AUDIO, Kind::Audio) > 100, "audio still fits");
        assert!(!queue.push(&VIDEO, Kind::Video));
        assert!(fill(&mut queue, &CHECK, Kind::Control) > 100, "checks and feedback still fit");
        assert!(!queue.push(&AUDIO, Kind::Audio));
        assert!(!queue.push(&CHECK, Kind::Control));
        assert!(queue.octets.len() <= BYTES_MAX);
    }

    #[test]
    fn what_is_given_up_leaves_no_half_frame() {
        let mut queue = SendQueue::default();
        let sent = fill(&mut queue, &VIDEO, Kind::Video);
        let mut stream = Vec::new();
        // The other end takes 7 octets at a time.
        let result: Result<(), Infallible> = queue.drain(|octets| {
            let taken = octets.len().min(7);
            stream.extend_from_slice(&octets[..taken]);
            Ok(taken)
        });
        assert_eq!(result, Ok(()));
        let mut frames = 0;
        framing::Deframer::default()
            .push(&mut stream, |datagram| {
                assert_eq!(datagram, VIDEO);
                frames += 1;
            })
            .unwrap();
        assert_eq!(frames, sent);
        assert!(queue.is_empty() && queue.push(&VIDEO, Kind::Video));
    }

    #[test]
    fn the_kind_is_seen_in_the_first_octets() {
        assert_eq!(Kind::of(&[0, 1], false), Kind::Control);
        assert_eq!(Kind::of(&[22, 254], false), Kind::Control);
        assert_eq!(Kind::of(&[0x80, 200], true), Kind::Control);
        assert_eq!(Kind::of(&[0x80, 96], false), Kind::Video);
        assert_eq!(Kind::of(&[0x90, 111], true), Kind::Audio);
        assert_eq!(Kind::of(&[], false), Kind::Control);
    }
}
