//! The chat as it is read: lines with their authors, own ones that are on their way, and what was not read yet.

use engine::{Delivery, Engine, OwnLine};
use shared::PeerId;
use shared::limits::CHAT_TEXT_BYTES_MAX;
use shared::meeting::ChatMessage;

use super::links::{Piece, pieces};
use super::problem;
use crate::strings::{Key, text_counted, text_with};

/// All of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ChatView {
    /// What everybody may see, oldest first.
    pub(crate) lines: Vec<LineView>,
    /// What is on its way, or failed.
    pub(crate) own: Vec<OwnLineView>,
}

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LineView {
    /// Names it.
    pub(crate) id: u32,
    /// Seconds since the Unix epoch.
    pub(crate) at_s: u32,
    /// Its author.
    pub(crate) peer: PeerId,
    /// As the author was called.
    pub(crate) author: String,
    /// Whether the reader wrote it.
    pub(crate) is_own: bool,
    /// The number that the reader wrote it under, while that is known.
    pub(crate) number: Option<u32>,
    /// Whether the author need not be said again.
    pub(crate) continues: bool,
    /// Who else reads it, where not everybody does: the name of the other one.
    pub(crate) private_with: Option<String>,
    /// What it says.
    pub(crate) pieces: Vec<Piece>,
}

/// An own line that is not among the others yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnLineView {
    /// Names it.
    pub(crate) number: u32,
    /// What it says.
    pub(crate) text: String,
    /// Why it was not taken; nothing while it is on its way.
    pub(crate) problem: Option<String>,
}

impl ChatView {
    /// Reads the engine.
    pub(crate) fn read(engine: &Engine) -> Self {
        let mut lines: Vec<LineView> = Vec::with_capacity(engine.lines().len());
        for line in engine.lines() {
            let mut view = line_view(line, engine.me());
            view.continues = lines.last().is_some_and(|last| continues(last, &view));
            lines.push(view);
        }
        Self { lines, own: engine.own_lines().iter().map(own_line_view).collect() }
    }

    /// The number of the newest line; 0 when there is none.
    pub(crate) fn newest(&self) -> u32 {
        self.lines.last().map_or(0, |line| line.id)
    }

    /// How many lines of others came after the one that was read last.
    pub(crate) fn unread(&self, read: u32) -> usize {
        self.lines.iter().rev().take_while(|line| line.id > read).filter(|line| !line.is_own).count()
    }
}

fn line_view(line: &ChatMessage, me: Option<PeerId>) -> LineView {
    let is_own = me == Some(line.from);
    let private_with = line.to.as_ref().map(|to| if is_own { &to.name } else { &line.name });
    LineView {
        id: line.id,
        at_s: line.at_s,
        peer: line.from,
        author: line.name.as_str().to_owned(),
        is_own,
        number: line.number.filter(|_| is_own),
        continues: false,
        private_with: private_with.map(|name| name.as_str().to_owned()),
        pieces: pieces(&line.text),
    }
}

fn continues(last: &LineView, next: &LineView) -> bool {
    let apart_s = next.at_s.saturating_sub(last.at_s);
    last.peer == next.peer
        && last.author == next.author
        && last.private_with == next.private_with
        && apart_s < GROUP_SECONDS
}

fn own_line_view(line: &OwnLine) -> OwnLineView {
    let problem = match &line.delivery {
        Delivery::Underway => None,
        Delivery::Failed(problem) => Some(problem::sentence(problem)),
    };
    OwnLineView { number: line.number, text: line.text.clone(), problem }
}

/// What is to be said about a text that is being written: that it is too long, or nothing.
pub(crate) fn length_problem(written: &str) -> Option<String> {
    let surplus = written.trim().len().checked_sub(CHAT_TEXT_BYTES_MAX + 1)?;
    Some(text_counted(Key::LineTooLong, surplus as u64 + 1, &[]))
}

/// Who has just written, for screen readers: the newest line of somebody else.
pub(crate) fn announcement(chat: &ChatView) -> String {
    let Some(line) = chat.lines.last().filter(|line| !line.is_own) else { return String::new() };
    let words = |piece: &Piece| match piece {
        Piece::Words(text) | Piece::Link(text) => text.clone(),
    };
    let said: String = line.pieces.iter().map(words).collect();
    let key = if line.private_with.is_some() { Key::WrotePrivately } else { Key::Wrote };
    text_with(key, &[("name", &line.author), ("text", &said)])
}

/// Lines of one author within this time stand together.
const GROUP_SECONDS: u32 = 120;

#[cfg(test)]
mod tests {
    use shared::DisplayName;
    use shared::meeting::ChatRecipient;

    use super::*;

    const ME: PeerId = PeerId::new(1);
    const BO: PeerId = PeerId::new(2);

    fn line(id: u32, from: PeerId, at_s: u32) -> ChatMessage {
        let name = DisplayName::new(if from == ME { "Ada" } else { "Bo" }).unwrap();
        ChatMessage { id, at_s, from, name, to: None, text: "x".to_owned(), number: None }
    }

    fn view(lines: &[ChatMessage]) -> ChatView {
        let lines = lines.iter().map(|line| line_view(line, Some(ME))).collect();
        ChatView { lines, own: Vec::new() }
    }

    #[test]
    fn only_what_others_wrote_since_is_unread() {
        let chat = view(&[line(1, BO, 0), line(2, ME, 1), line(3, BO, 2)]);
        assert_eq!((chat.unread(0), chat.unread(1), chat.unread(3)), (2, 1, 0));
        assert_eq!((chat.newest(), ChatView::default().newest()), (3, 0));
    }

    #[test]
    fn lines_of_one_author_stand_together_for_a_while() {
        let [one, two, late] =
            [line(1, BO, 0), line(2, BO, 119), line(3, BO, 300)].map(|line| line_view(&line, Some(ME)));
        assert!(continues(&one, &two) && !continues(&two, &late));
        let other = line_view(&line(4, ME, 300), Some(ME));
        assert!(!continues(&late, &other));
        let private = LineView { private_with: Some("Bo".to_owned()), ..two };
        assert!(!continues(&one, &private));
    }

    #[test]
    fn a_private_line_names_the_other_one_to_both() {
        let to = |peer, name| Some(ChatRecipient { peer, name: DisplayName::new(name).unwrap() });
        let sent = line_view(&ChatMessage { to: to(BO, "Bo"), ..line(1, ME, 0) }, Some(ME));
        let received = line_view(&ChatMessage { to: to(ME, "Ada"), ..line(2, BO, 0) }, Some(ME));
        assert_eq!(
            (sent.private_with.as_deref(), received.private_with.as_deref()),
            (Some("Bo"), Some("Bo"))
        );
        assert!(sent.is_own && !received.is_own);
    }

    #[test]
    fn a_text_that_is_too_long_says_by_how_much() {
        assert_eq!(length_problem(&"x".repeat(CHAT_TEXT_BYTES_MAX)), None);
        assert!(length_problem(&"x".repeat(CHAT_TEXT_BYTES_MAX + 3)).unwrap().contains('3'));
    }

    #[test]
    fn own_lines_are_not_read_out() {
        assert_eq!(announcement(&view(&[line(1, BO, 0), line(2, ME, 0)])), "");
        assert!(announcement(&view(&[line(1, BO, 0)])).contains("Bo"));
    }
}
