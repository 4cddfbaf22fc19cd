//! Text that no browser wrote.

use proptest::prelude::*;

use super::super::Offer;
use super::{CHROMIUM_OFFER, FIREFOX_OFFER, answer_of};

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn arbitrary_lines_never_panic(lines in prop::collection::vec("[vmaos]=[a-z-]{0,12}:?[ -~]{0,40}", 0..60)) {
        check(&format!("v=0\r\n{}", lines.join("\r\n")));
    }

    #[test]
    fn damaged_offers_never_panic(
        firefox in any::<bool>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..40, "[ -~\r\n]{0,20}"), 1..8),
    ) {
        let mut text = if firefox { FIREFOX_OFFER } else { CHROMIUM_OFFER }.to_owned();
        for (at, length, replacement) in cuts {
            let start = at.index(text.len());
            let end = (start + length).min(text.len());
            text.replace_range(start..end, &replacement);
            prop_assume!(!text.is_empty());
        }
        check(&text);
    }

    #[test]
    fn reordered_and_repeated_lines_never_panic(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..400),
    ) {
        let lines: Vec<&str> = FIREFOX_OFFER.lines().chain(CHROMIUM_OFFER.lines()).collect();
        let picked: Vec<&str> = picks.iter().map(|pick| lines[pick.index(lines.len())]).collect();
        check(&format!("v=0\r\n{}\r\n", picked.join("\r\n")));
    }
}

/// Whatever is accepted can be answered, section by section.
fn check(text: &str) {
    let Ok(offer) = Offer::parse(text) else { return };
    let answer = answer_of(&offer);
    assert_eq!(answer.sections.len(), offer.sections.len());
    let sections = answer.sdp.lines().filter(|line| line.starts_with("m=")).count();
    assert_eq!(sections, offer.sections.len(), "nothing that was echoed may start a line of its own");
}
