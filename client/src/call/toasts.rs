//! Short messages that come and go by themselves, and are read aloud by screen readers.

use std::collections::VecDeque;
use std::time::Duration;

use engine::{Moment, Notice};
use shared::meeting::ChatMessage;
use shared::protocol::Departure;
use shared::{DisplayName, SourceKind};

use super::devices_view_model::{DeviceKind, DeviceNews};
use super::problem;
use crate::strings::{Key, text, text_with};

/// A message on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toast {
    /// Tells it from the others.
    pub(crate) number: u32,
    /// What it says.
    pub(crate) sentence: String,
    /// Whether it is good news, a warning, or neither.
    pub(crate) tone: Tone,
    /// What can be done about it with one click.
    pub(crate) action: Option<ToastAction>,
    until: Moment,
}

/// What the button of a message does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToastAction {
    /// Uses these devices.
    UseDevices(Vec<(DeviceKind, String)>),
    /// Switches the microphone on.
    Unmute,
}

impl ToastAction {
    /// What the button says.
    pub(crate) const fn text(&self) -> Key {
        match self {
            Self::UseDevices(_) => Key::UseDevice,
            Self::Unmute => Key::UnmuteMicrophone,
        }
    }
}

/// The colour of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// By the way.
    Neutral,
    /// Something is well again.
    Good,
    /// Something is not.
    Warning,
}

impl Tone {
    /// For `data-tone`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Good => "good",
            Self::Warning => "warning",
        }
    }
}

/// The messages that are shown, oldest first: at most [`SHOWN_MAX`], older ones make room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Toasts {
    shown: VecDeque<Toast>,
    last_number: u32,
}

impl Toasts {
    /// Shows what the engine has to tell.
    pub(crate) fn tell(&mut self, now: Moment, notice: &Notice) {
        let (sentence, tone) = sentence(notice);
        self.show(now, sentence, tone);
    }

    /// Shows what became of the devices.
    pub(crate) fn tell_devices(&mut self, now: Moment, news: DeviceNews) {
        match news {
            DeviceNews::Plugged { name, parts } => {
                let sentence = text_with(Key::DevicePlugged, &[("name", &name)]);
                self.offer(now, sentence, ToastAction::UseDevices(parts));
            }
            DeviceNews::Gone { name, instead: Some(instead) } => {
                let values = [("name", name.as_str()), ("instead", instead.as_str())];
                self.show(now, text_with(Key::DeviceGone, &values), Tone::Warning);
            }
            DeviceNews::Gone { name, instead: None } => {
                self.show(now, text_with(Key::DeviceGoneDefault, &[("name", &name)]), Tone::Warning);
            }
        }
    }

    /// Tells somebody who speaks that nobody hears them.
    pub(crate) fn tell_muted(&mut self, now: Moment) {
        self.forget_muted();
        self.offer(now, text(Key::YouAreMuted).to_owned(), ToastAction::Unmute);
    }

    /// They are heard again.
    pub(crate) fn forget_muted(&mut self) {
        self.shown.retain(|toast| toast.action != Some(ToastAction::Unmute));
    }

    /// Takes one away: its button was pressed.
    pub(crate) fn dismiss(&mut self, number: u32) {
        self.shown.retain(|toast| toast.number != number);
    }

    /// Shows a sentence for a while.
    pub(crate) fn show(&mut self, now: Moment, sentence: String, tone: Tone) {
        self.push(sentence, tone, None, now + SHOWN_FOR);
    }

    fn offer(&mut self, now: Moment, sentence: String, action: ToastAction) {
        self.push(sentence, Tone::Neutral, Some(action), now + OFFERED_FOR);
    }

    fn push(&mut self, sentence: String, tone: Tone, action: Option<ToastAction>, until: Moment) {
        while self.shown.len() >= SHOWN_MAX {
            self.shown.pop_front();
        }
        self.last_number = self.last_number.wrapping_add(1);
        self.shown.push_back(Toast { number: self.last_number, sentence, tone, action, until });
    }

    /// Takes away what was shown long enough; says whether anything was.
    pub(crate) fn expire(&mut self, now: Moment) -> bool {
        let before = self.shown.len();
        self.shown.retain(|toast| toast.until > now);
        self.shown.len() != before
    }

    /// What is shown, oldest first.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &Toast> {
        self.shown.iter()
    }
}

fn sentence(notice: &Notice) -> (String, Tone) {
    let about = |key, name: &DisplayName| text_with(key, &[("name", name.as_str())]);
    match notice {
        Notice::Arrived { name, .. } => (about(Key::Arrived, name), Tone::Neutral),
        Notice::Departed { name, departure: Departure::Left | Departure::Unknown, .. } => {
            (about(Key::Departed, name), Tone::Neutral)
        }
        Notice::Departed { name, departure: Departure::TimedOut, .. } => {
            (about(Key::TimedOut, name), Tone::Neutral)
        }
        Notice::Departed { name, departure: Departure::Removed, .. } => {
            (about(Key::Removed, name), Tone::Neutral)
        }
        Notice::Written(line) => (wrote(line), Tone::Neutral),
        Notice::Knocked(knock) => (about(Key::Knocked, &knock.name), Tone::Neutral),
        Notice::HandRaised { name, .. } => (about(Key::HandRaised, name), Tone::Neutral),
        Notice::Silenced { kind, by } => (silenced(*kind, by.as_ref()), Tone::Warning),
        Notice::NotAllowed { kind } => (text(not_allowed(*kind)).to_owned(), Tone::Warning),
        Notice::BecameHost => (text(Key::BecameHost).to_owned(), Tone::Good),
        Notice::NoLongerHost => (text(Key::NoLongerHost).to_owned(), Tone::Neutral),
        Notice::NotConnected => (text(Key::NotSent).to_owned(), Tone::Warning),
        Notice::SeatLost => (text(Key::SeatLost).to_owned(), Tone::Neutral),
        Notice::Reconnected => (text(Key::Reconnected).to_owned(), Tone::Good),
        Notice::Problem(problem) => (problem::sentence(problem), Tone::Warning),
    }
}

/// Author and beginning of a line, on one line.
fn wrote(line: &ChatMessage) -> String {
    let mut words: String =
        line.text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(WORDS_CHARS_MAX).collect();
    if words.chars().count() == WORDS_CHARS_MAX {
        words.push('…');
    }
    text_with(Key::Wrote, &[("name", line.name.as_str()), ("text", &words)])
}

fn silenced(kind: SourceKind, by: Option<&DisplayName>) -> String {
    let (with_name, without) = match kind {
        SourceKind::Microphone => (Key::MutedBy, Key::MutedByHost),
        SourceKind::Camera => (Key::CameraStoppedBy, Key::CameraStoppedByHost),
        SourceKind::Screen | SourceKind::ScreenAudio => (Key::ScreenStoppedBy, Key::ScreenStoppedByHost),
    };
    by.map_or_else(|| text(without).to_owned(), |name| text_with(with_name, &[("name", name.as_str())]))
}

/// Why a source cannot be switched on.
pub(crate) const fn not_allowed(kind: SourceKind) -> Key {
    match kind {
        SourceKind::Microphone => Key::MicrophoneNotAllowed,
        SourceKind::Camera => Key::CameraNotAllowed,
        SourceKind::Screen | SourceKind::ScreenAudio => Key::ScreenNotAllowed,
    }
}

/// As much of a line as is read at a glance.
const WORDS_CHARS_MAX: usize = 90;
const SHOWN_MAX: usize = 3;
/// A sentence of ten words is read in about three seconds.
const SHOWN_FOR: Duration = Duration::from_secs(4);
/// A button has to be reached, too.
const OFFERED_FOR: Duration = Duration::from_secs(12);

#[cfg(test)]
mod tests {
    use shared::{DisplayName, PeerId};

    use super::*;

    fn arrived(name: &str) -> Notice {
        Notice::Arrived { peer: PeerId::new(1), name: DisplayName::new(name).unwrap() }
    }

    #[test]
    fn a_message_goes_by_itself() {
        let mut toasts = Toasts::default();
        toasts.tell(Moment::START, &arrived("Ada"));
        assert!(toasts.shown().next().unwrap().sentence.contains("Ada"));
        assert!(!toasts.expire(Moment::from_millis(3_999)));
        assert!(toasts.expire(Moment::from_millis(4_000)));
        assert_eq!(toasts.shown().count(), 0);
    }

    #[test]
    fn a_crowd_does_not_fill_the_page() {
        let mut toasts = Toasts::default();
        for number in 0..50 {
            toasts.tell(Moment::START, &arrived(&format!("Guest {number}")));
        }
        let shown: Vec<&str> = toasts.shown().map(|toast| toast.sentence.as_str()).collect();
        assert_eq!(shown.len(), SHOWN_MAX);
        assert!(shown[2].contains("Guest 49"));
    }

    #[test]
    fn an_offer_stays_until_it_is_taken_or_its_time_is_over() {
        let mut toasts = Toasts::default();
        let parts = vec![(DeviceKind::Microphone, "h".to_owned())];
        toasts.tell_devices(Moment::START, DeviceNews::Plugged { name: "Headset".to_owned(), parts });
        assert!(!toasts.expire(Moment::from_millis(11_999)));
        let number = toasts.shown().next().unwrap().number;
        toasts.dismiss(number);
        assert_eq!(toasts.shown().count(), 0);
    }

    #[test]
    fn who_is_muted_is_told_once_and_not_any_more_when_they_are_heard() {
        let mut toasts = Toasts::default();
        toasts.tell(Moment::START, &arrived("Ada"));
        toasts.tell_muted(Moment::START);
        toasts.tell_muted(Moment::from_millis(100));
        assert_eq!(toasts.shown().count(), 2);
        toasts.forget_muted();
        assert_eq!(toasts.shown().count(), 1);
    }
}
