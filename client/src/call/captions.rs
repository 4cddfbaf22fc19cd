//! What is said, in writing, as it is shown: the last words of the last speakers, for a moment.

use std::collections::VecDeque;
use std::time::Duration;

use engine::Moment;
use shared::PeerId;
use shared::caption::{Caption, CaptionCue, LanguageTag};

/// The words of one speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Who speaks; nothing: nobody knows.
    pub(crate) name: Option<String>,
    /// What is spoken, as a tag of BCP 47.
    pub(crate) language: Option<String>,
    /// The last of what they say.
    pub(crate) text: String,
}

/// What the area shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Whether captions are on.
    pub(crate) is_on: bool,
    /// The area has its place on the stage: something is in it, or will be again.
    pub(crate) has_place: bool,
    /// It says that nobody writes captions.
    pub(crate) says_nobody: bool,
    /// Oldest first, at most [`LINES_MAX`].
    pub(crate) lines: Vec<Line>,
}

/// See the [module](self).
#[derive(Debug, Clone, Default)]
pub(crate) struct Captions {
    is_on: bool,
    /// Some have come in this meeting.
    is_fed: bool,
    hint: Hint,
    /// Oldest first; at most [`PIECES_MAX`], of which the oldest make room.
    pieces: VecDeque<Piece>,
}

/// Whether the person was told that nobody writes captions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Hint {
    /// There is no reason to.
    #[default]
    None,
    /// They will be, unless a caption comes before.
    Due(Moment),
    /// They are being told, until then.
    Given(Moment),
    /// They were told.
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    feeder: u32,
    segment: u32,
    speaker: Speaker,
    language: Option<LanguageTag>,
    text: String,
    until: Moment,
}

/// Whose words follow each other in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Speaker {
    peer: Option<PeerId>,
    name: Option<String>,
    /// Two feeders write of two speakers, when neither knows who speaks.
    feeder: u32,
}

impl Captions {
    /// Switched on or off.
    pub(crate) fn switch(&mut self, is_on: bool) {
        if self.is_on != is_on {
            *self = Self { is_on, is_fed: self.is_fed, ..Self::default() };
        }
    }

    /// Whether they are on.
    pub(crate) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Somebody says something. What was said of the same piece before is replaced where it stands.
    pub(crate) fn hear(&mut self, now: Moment, caption: Caption) {
        if !self.is_on {
            return;
        }
        self.is_fed = true;
        self.hint = Hint::None;
        let Caption { feeder, cue: CaptionCue { segment, speaker, name, language, text, is_final: _ } } =
            caption;
        let name = name.map(|name| name.as_str().to_owned());
        let speaker = Speaker { peer: speaker, name, feeder };
        let text = text.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
        let piece = Piece { feeder, segment, speaker, language, text, until: now + SHOWN_FOR };
        let is_same = |known: &Piece| known.feeder == feeder && known.segment == segment;
        if let Some(known) = self.pieces.iter_mut().find(|known| is_same(known)) {
            *known = piece;
            return;
        }
        if self.pieces.len() >= PIECES_MAX {
            self.pieces.pop_front();
        }
        self.pieces.push_back(piece);
    }

    /// Lets time pass; says whether that changes what is shown. Nobody waits for captions before they are in the meeting.
    pub(crate) fn pass(&mut self, now: Moment, is_inside: bool) -> bool {
        let before = self.pieces.len();
        self.pieces.retain(|piece| piece.until > now);
        let (hint, has_changed) = match self.hint {
            Hint::None if self.is_on && !self.is_fed && is_inside => (Hint::Due(now + HINT_AFTER), false),
            Hint::Due(at) if at <= now => (Hint::Given(now + HINT_FOR), true),
            Hint::Given(until) if until <= now => (Hint::Over, true),
            hint @ (Hint::None | Hint::Due(_) | Hint::Given(_) | Hint::Over) => (hint, false),
        };
        self.hint = hint;
        has_changed || before != self.pieces.len()
    }

    /// What to show.
    pub(crate) fn shown(&self) -> Shown {
        let says_nobody = matches!(self.hint, Hint::Given(_));
        let mut lines: Vec<(&Speaker, Line)> = Vec::new();
        for piece in &self.pieces {
            let language = piece.language.as_ref().map(|tag| tag.as_str().to_owned());
            match lines.last_mut() {
                Some((speaker, line)) if **speaker == piece.speaker && line.language == language => {
                    line.text.push(' ');
                    line.text.push_str(&piece.text);
                }
                Some(_) | None => {
                    let line = Line { name: piece.speaker.name.clone(), language, text: piece.text.clone() };
                    lines.push((&piece.speaker, line));
                }
            }
        }
        let superfluous = lines.len().saturating_sub(LINES_MAX);
        let lines =
            lines.into_iter().skip(superfluous).map(|(_, line)| Line { text: end_of(line.text), ..line });
        Shown {
            is_on: self.is_on,
            has_place: self.is_on && (self.is_fed || says_nobody),
            says_nobody,
            lines: lines.collect(),
        }
    }
}

/// The last words, as many as there is room for.
fn end_of(text: String) -> String {
    let count = text.chars().count();
    if count <= LINE_CHARS_MAX {
        return text;
    }
    let end: String = text.chars().skip(count - LINE_CHARS_MAX).collect();
    // What was cut may be the end of a word. Some scripts have no spaces.
    let words = end.split_once(' ').map_or(end.as_str(), |(_, words)| words);
    format!("… {words}")
}

/// Speakers that are shown at a time.
const LINES_MAX: usize = 2;
/// Characters of one speaker: three rows of a phone.
const LINE_CHARS_MAX: usize = 140;
/// Long enough to be read, short enough not to be taken for what is said now.
const SHOWN_FOR: Duration = Duration::from_secs(8);
/// Pieces of speech that are kept; more would be over before they are read.
const PIECES_MAX: usize = 16;
/// When there are captions, some of the last half minute come at once.
const HINT_AFTER: Duration = Duration::from_secs(3);
const HINT_FOR: Duration = Duration::from_secs(6);

#[cfg(test)]
mod tests {
    use shared::DisplayName;
    use shared::caption::CaptionText;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn on() -> Captions {
        let mut captions = Captions::default();
        captions.switch(true);
        captions
    }

    fn said(name: &str, segment: u32, text: &str) -> Caption {
        let (name, text) = (DisplayName::new(name).ok(), CaptionText::new(text).unwrap());
        let cue = CaptionCue { segment, speaker: None, name, language: None, text, is_final: true };
        Caption { feeder: 1, cue }
    }

    fn lines(captions: &Captions) -> Vec<(String, String)> {
        let lines = captions.shown().lines.into_iter();
        lines.map(|line| (line.name.unwrap_or_default(), line.text)).collect()
    }

    fn pair(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn what_is_heard_better_replaces_what_was_heard_first() {
        let (mut captions, now) = (on(), Moment::START);
        captions.hear(now, said("Ada", 1, "Good mor"));
        captions.hear(now, said("Ada", 2, "How"));
        captions.hear(now, said("Ada", 1, "Good morning."));
        assert_eq!(lines(&captions), [pair("Ada", "Good morning. How")]);
        let other = Caption { feeder: 2, ..said("Bo", 1, "Hello") };
        captions.hear(now, other);
        assert_eq!(
            lines(&captions),
            [pair("Ada", "Good morning. How"), pair("Bo", "Hello")],
            "of another feeder"
        );
    }

    #[test]
    fn words_of_one_speaker_stand_together_and_only_the_last_speakers_are_shown() {
        let (mut captions, now) = (on(), Moment::START);
        for (segment, name, text) in
            [(1, "Ada", "One."), (2, "Bo", "Two."), (3, "Bo", "Three."), (4, "Ada", "Four.")]
        {
            captions.hear(now, said(name, segment, text));
        }
        assert_eq!(lines(&captions), [pair("Bo", "Two. Three."), pair("Ada", "Four.")]);
    }

    #[test]
    fn words_of_another_language_are_a_line_of_their_own() {
        let (mut captions, now) = (on(), Moment::START);
        captions.hear(now, said("Ada", 1, "Good morning."));
        let mut french = said("Ada", 2, "Bonjour.");
        french.cue.language = LanguageTag::new("fr").ok();
        captions.hear(now, french);
        let languages: Vec<_> = captions.shown().lines.into_iter().map(|line| line.language).collect();
        assert_eq!(languages, [None, Some("fr".to_owned())]);
    }

    #[test]
    fn the_end_of_a_long_speech_is_shown_from_a_word_on() {
        let (mut captions, now) = (on(), Moment::START);
        let words = ["word"; 40].join(" \n");
        captions.hear(now, said("Ada", 1, &format!("{words} end")));
        let (_, text) = lines(&captions).remove(0);
        assert!(text.starts_with("… word word") && text.ends_with("word end"), "{text}");
        assert!(text.chars().count() <= LINE_CHARS_MAX + 2);
        captions.hear(now, said("Bo", 2, &"字".repeat(300)));
        let (_, text) = lines(&captions).remove(1);
        assert_eq!(text.chars().filter(|c| *c == '字').count(), LINE_CHARS_MAX, "a script without spaces");
    }

    #[test]
    fn words_vanish_when_they_could_be_read() {
        let (mut captions, start) = (on(), Moment::START);
        captions.hear(start, said("Ada", 1, "One."));
        captions.hear(start + 5 * SECOND, said("Ada", 2, "Two."));
        assert!(!captions.pass(start + 7 * SECOND, true));
        assert!(captions.pass(start + 8 * SECOND, true));
        assert_eq!(lines(&captions), [pair("Ada", "Two.")]);
        captions.hear(start + 12 * SECOND, said("Ada", 2, "Two and a half."));
        assert!(!captions.pass(start + 19 * SECOND, true), "what is still being said stays");
        assert!(captions.pass(start + 20 * SECOND, true));
        let shown = captions.shown();
        assert!(shown.lines.is_empty() && shown.has_place, "the pictures do not jump at every silence");
    }

    #[test]
    fn a_flood_does_not_pile_up() {
        let (mut captions, now) = (on(), Moment::START);
        for segment in 0..1000 {
            captions.hear(now, said(if segment % 2 == 0 { "Ada" } else { "Bo" }, segment, "word"));
        }
        assert_eq!(captions.pieces.len(), PIECES_MAX);
        assert_eq!(captions.shown().lines.len(), LINES_MAX);
    }

    #[test]
    fn who_sees_no_captions_is_told_once_that_nobody_writes_any() {
        let (mut captions, start) = (on(), Moment::START);
        assert!(!captions.pass(start, false) && !captions.pass(start + 10 * SECOND, true));
        assert!(!captions.pass(start + 12 * SECOND, true) && !captions.shown().has_place);
        assert!(captions.pass(start + 13 * SECOND, true) && captions.shown().says_nobody);
        assert!(!captions.pass(start + 18 * SECOND, true));
        assert!(captions.pass(start + 19 * SECOND, true) && !captions.shown().has_place);
        assert!(!captions.pass(start + 100 * SECOND, true), "once");
        captions.switch(false);
        captions.switch(true);
        captions.pass(start + 100 * SECOND, true);
        assert!(
            captions.pass(start + 103 * SECOND, true) && captions.shown().says_nobody,
            "again when asked for again"
        );
        captions.hear(start + 104 * SECOND, said("Ada", 1, "One."));
        assert!(!captions.shown().says_nobody);
        captions.switch(false);
        captions.switch(true);
        captions.pass(start + 105 * SECOND, true);
        assert!(!captions.pass(start + 120 * SECOND, true), "somebody does");
    }

    #[test]
    fn nothing_is_shown_while_they_are_off() {
        let (mut captions, now) = (on(), Moment::START);
        captions.hear(now, said("Ada", 1, "One."));
        captions.switch(false);
        captions.hear(now, said("Ada", 2, "Two."));
        assert_eq!(captions.shown(), Shown::default());
    }
}
