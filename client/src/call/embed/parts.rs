//! What of the news belongs to a part that the page leaves out.

use engine::Notice;
use shared::embed::HiddenPart;

/// Whether the page has hidden what this is about: it shows that itself, or does not want it shown.
pub(crate) fn is_hidden(notice: &Notice, hidden: &[HiddenPart]) -> bool {
    let part = match notice {
        Notice::Written(_) => HiddenPart::Chat,
        Notice::HandRaised { .. } => HiddenPart::RaiseHand,
        Notice::Knocked(_) => HiddenPart::HostControls,
        Notice::Arrived { .. }
        | Notice::Departed { .. }
        | Notice::SeatLost
        | Notice::Reconnected
        | Notice::Silenced { .. }
        | Notice::NotAllowed { .. }
        | Notice::BecameHost
        | Notice::NoLongerHost
        | Notice::NotConnected
        | Notice::Problem(_) => return false,
    };
    hidden.contains(&part)
}

#[cfg(test)]
mod tests {
    use shared::{DisplayName, PeerId, SourceKind};

    use super::*;

    #[test]
    fn news_of_a_hidden_part_is_not_shown_and_what_concerns_the_person_always_is() {
        let hand = Notice::HandRaised { peer: PeerId::new(1), name: DisplayName::new("Bo").unwrap() };
        assert!(is_hidden(&hand, &[HiddenPart::Chat, HiddenPart::RaiseHand]));
        assert!(!is_hidden(&hand, &[HiddenPart::Chat]));
        let silenced = Notice::Silenced { kind: SourceKind::Microphone, by: None };
        assert!(!is_hidden(&silenced, &[HiddenPart::HostControls, HiddenPart::ControlBar]));
    }
}
