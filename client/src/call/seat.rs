//! The seat in a room, kept over a reload of the page.
//!
//! It is written when the page is left and taken out when it is back: a duplicated tab, which gets a copy
//! of the session storage, thus finds no seat to take over.

use shared::{MediaState, ResumeToken};

/// What a reloaded page needs to go on without asking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct StoredSeat {
    /// Gives the seat back.
    pub(crate) token: ResumeToken,
    /// What was on.
    pub(crate) media: MediaState,
    /// When it was written: milliseconds since the epoch by this device's clock.
    pub(crate) stored_at_ms: f64,
}

/// Longer than this after leaving the page, somebody who comes back is asked first. The server holds seats
/// for two minutes.
const SEAT_AGE_MS_MAX: f64 = 120_000.0;

impl StoredSeat {
    /// As text for the session storage.
    pub(crate) fn write(&self) -> String {
        let MediaState { microphone, camera, .. } = self.media;
        format!("{} {} {} {}", self.token.reveal(), u8::from(microphone), u8::from(camera), self.stored_at_ms)
    }

    /// The seat, when the text is one and still fresh.
    pub(crate) fn read(text: &str, now_ms: f64) -> Option<Self> {
        let mut words = text.split(' ');
        let token = words.next()?.parse().ok()?;
        let mut flag = || words.next().map(|word| word == "1");
        let media = MediaState { microphone: flag()?, camera: flag()?, screen: false };
        let stored_at_ms = words.next()?.parse::<f64>().ok()?;
        let age = now_ms - stored_at_ms;
        // A clock that was set back makes the age negative: then it is unknown, and the person is asked.
        (0.0..=SEAT_AGE_MS_MAX).contains(&age).then_some(Self { token, media, stored_at_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat() -> StoredSeat {
        let media = MediaState { microphone: true, camera: false, screen: false };
        StoredSeat { token: ResumeToken::new([7; 16]), media, stored_at_ms: 1_795_000_000_000.0 }
    }

    #[test]
    fn a_seat_survives_storage() {
        let now = seat().stored_at_ms + 800.0;
        assert_eq!(StoredSeat::read(&seat().write(), now), Some(seat()));
    }

    #[test]
    fn an_old_or_future_seat_is_not_taken() {
        let stored = seat().stored_at_ms;
        assert_eq!(StoredSeat::read(&seat().write(), stored + 121_000.0), None);
        assert_eq!(StoredSeat::read(&seat().write(), stored - 1.0), None);
    }

    #[test]
    fn anything_else_in_the_storage_is_no_seat() {
        for text in ["", "x", "07070707070707070707070707070707", "07070707070707070707070707070707 1 1 soon"]
        {
            assert_eq!(StoredSeat::read(text, 0.0), None, "{text}");
        }
    }
}
