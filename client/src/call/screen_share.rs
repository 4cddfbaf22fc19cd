//! Sharing the screen: what matters about it, and why it did not begin.

use crate::strings::Key;

/// What of a shared screen suffers last when the connection is weak (W3C MediaStreamTrack Content Hints).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ContentHint {
    /// Sharp letters, with fewer pictures a second.
    #[default]
    Detail,
    /// Many pictures a second, each less sharp.
    Motion,
}

impl ContentHint {
    /// Both, in the order of the choice.
    pub(crate) const ALL: [Self; 2] = [Self::Detail, Self::Motion];

    /// `MediaStreamTrack.contentHint`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Detail => "detail",
            Self::Motion => "motion",
        }
    }
}

/// Why a screen is not shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScreenProblem {
    /// The person chose nothing.
    Refused,
    /// The system lets the browser see no screen.
    Blocked,
    /// Something else.
    Failed,
}

impl ScreenProblem {
    /// From the exception that `getDisplayMedia` fails with (W3C Screen Capture §5.1). Only the message tells a person's refusal
    /// from the system's.
    pub(crate) fn from_exception(name: &str, message: &str) -> Self {
        match name {
            "NotAllowedError" if message.contains("system") => Self::Blocked,
            "NotAllowedError" => Self::Refused,
            _ => Self::Failed,
        }
    }

    /// What to tell; nothing to somebody who changed their mind.
    pub(crate) const fn text(self) -> Option<Key> {
        match self {
            Self::Refused => None,
            Self::Blocked => Some(Key::ScreenBlocked),
            Self::Failed => Some(Key::ScreenFailed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_changes_their_mind_is_told_nothing_and_a_block_is_explained() {
        let of = |name, message| ScreenProblem::from_exception(name, message);
        assert_eq!(of("NotAllowedError", "Permission denied").text(), None);
        assert_eq!(of("NotAllowedError", "Permission denied by system"), ScreenProblem::Blocked);
        assert_eq!(of("NotReadableError", "Could not start video source"), ScreenProblem::Failed);
        assert!(ScreenProblem::Blocked.text().is_some() && ScreenProblem::Failed.text().is_some());
    }
}
