//! What was written: kept for who comes later, bounded, and private where it was meant to be.

use std::collections::VecDeque;

use shared::PeerId;
use shared::limits::CHAT_HISTORY_MAX;
use shared::meeting::ChatMessage;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct History {
    /// Oldest first; the oldest go when there are too many. Each with its author's number.
    lines: VecDeque<ChatMessage>,
    /// Of the newest line ever.
    last_id: u32,
}

impl History {
    /// What was kept elsewhere. Lines beyond the bound, and all that is not in order, are left out.
    pub(super) fn restored(lines: Vec<ChatMessage>) -> Self {
        let mut history = Self::default();
        for line in lines {
            if line.id > history.last_id && line.to.is_none() {
                history.last_id = line.id;
                history.keep(line);
            }
        }
        history
    }

    /// Gives a line the next id and keeps it.
    pub(super) fn add(&mut self, mut line: ChatMessage) -> ChatMessage {
        self.last_id = self.last_id.wrapping_add(1);
        line.id = self.last_id;
        self.keep(line.clone());
        line
    }

    fn keep(&mut self, line: ChatMessage) {
        if self.lines.len() >= CHAT_HISTORY_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The line that this author sent under this number, while it is kept.
    pub(super) fn find(&self, author: PeerId, number: u32) -> Option<&ChatMessage> {
        self.lines.iter().rev().find(|line| line.from == author && line.number == Some(number))
    }

    /// What this participant may read, oldest first.
    pub(super) fn readable_by(&self, peer: PeerId) -> impl Iterator<Item = ChatMessage> + '_ {
        self.lines.iter().filter(move |line| may_read(line, peer)).map(move |line| for_reader(line, peer))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }
}

/// Whether a line is for this participant.
pub(super) fn may_read(line: &ChatMessage, peer: PeerId) -> bool {
    line.to.as_ref().is_none_or(|to| to.peer == peer) || line.from == peer
}

/// The line as this reader gets it: the number is the author's own.
pub(super) fn for_reader(line: &ChatMessage, peer: PeerId) -> ChatMessage {
    let number = line.number.filter(|_| line.from == peer);
    ChatMessage { number, ..line.clone() }
}

#[cfg(test)]
mod tests {
    use shared::DisplayName;
    use shared::meeting::ChatRecipient;

    use super::*;

    const ADA: PeerId = PeerId::new(1);
    const BO: PeerId = PeerId::new(2);
    const CY: PeerId = PeerId::new(3);

    fn line(to: Option<PeerId>, number: u32) -> ChatMessage {
        let name = DisplayName::new("Ada").unwrap();
        let to = to.map(|peer| ChatRecipient { peer, name: name.clone() });
        ChatMessage { id: 0, at_s: 1, from: ADA, name, to, text: "Hello".to_owned(), number: Some(number) }
    }

    #[test]
    fn a_private_line_is_for_two_and_the_number_for_its_author() {
        let mut history = History::default();
        history.add(line(Some(BO), 1));
        history.add(line(None, 2));
        let ids = |peer| history.readable_by(peer).map(|line| (line.id, line.number)).collect::<Vec<_>>();
        assert_eq!(ids(ADA), [(1, Some(1)), (2, Some(2))]);
        assert_eq!(ids(BO), [(1, None), (2, None)]);
        assert_eq!(ids(CY), [(2, None)]);
        assert_eq!(history.find(ADA, 1).map(|line| line.id), Some(1));
        assert_eq!(history.find(BO, 1), None);
    }

    #[test]
    fn the_oldest_lines_are_forgotten_first_and_ids_go_on() {
        let mut history = History::default();
        for number in 0..CHAT_HISTORY_MAX as u32 + 10 {
            history.add(line(None, number));
        }
        assert_eq!(history.len(), CHAT_HISTORY_MAX);
        assert_eq!(history.readable_by(BO).next().map(|line| line.id), Some(11));
        let again = History::restored(history.readable_by(BO).collect());
        assert_eq!((again.len(), again.last_id), (CHAT_HISTORY_MAX, history.last_id));
    }

    #[test]
    fn what_was_stored_out_of_order_is_left_out() {
        let stored = [3, 2, 5].map(|id| ChatMessage { id, ..line(None, 1) });
        let history = History::restored(stored.into());
        assert_eq!(history.readable_by(BO).map(|line| line.id).collect::<Vec<_>>(), [3, 5]);
    }
}
