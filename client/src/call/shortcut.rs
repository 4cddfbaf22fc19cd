//! Keys that act in a meeting.

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shortcut {
    /// Microphone on or off.
    Microphone,
    /// Camera on or off.
    Camera,
    /// The list of people, open or closed.
    People,
    /// Closes what lies open.
    Close,
}

/// A pressed key, without the browser's types.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyPress<'a> {
    /// The key's value, as in `KeyboardEvent.key`.
    pub(crate) key: &'a str,
    /// Ctrl, or Command on a Mac.
    pub(crate) command: bool,
    /// Alt.
    pub(crate) alt: bool,
    /// Whether a text is being written: then letters are letters.
    pub(crate) writing: bool,
}

/// `m` or Ctrl+D: microphone. `e` or Ctrl+E: camera. `p`: people. Escape closes.
pub(crate) fn shortcut(press: KeyPress<'_>) -> Option<Shortcut> {
    if press.alt {
        return None;
    }
    match (press.key, press.command) {
        ("Escape", false) => Some(Shortcut::Close),
        ("d" | "D", true) => Some(Shortcut::Microphone),
        ("e" | "E", true) => Some(Shortcut::Camera),
        ("m" | "M", false) if !press.writing => Some(Shortcut::Microphone),
        ("e" | "E", false) if !press.writing => Some(Shortcut::Camera),
        ("p" | "P", false) if !press.writing => Some(Shortcut::People),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(key: &str) -> KeyPress<'_> {
        KeyPress { key, command: false, alt: false, writing: false }
    }

    #[test]
    fn letters_act_unless_a_text_is_being_written() {
        assert_eq!(shortcut(press("m")), Some(Shortcut::Microphone));
        assert_eq!(shortcut(press("e")), Some(Shortcut::Camera));
        assert_eq!(shortcut(KeyPress { writing: true, ..press("m") }), None);
        assert_eq!(shortcut(KeyPress { writing: true, ..press("Escape") }), Some(Shortcut::Close));
    }

    #[test]
    fn combinations_act_even_while_writing_and_leave_the_others_to_the_browser() {
        assert_eq!(
            shortcut(KeyPress { command: true, writing: true, ..press("d") }),
            Some(Shortcut::Microphone)
        );
        assert_eq!(shortcut(KeyPress { command: true, ..press("e") }), Some(Shortcut::Camera));
        assert_eq!(shortcut(KeyPress { command: true, ..press("m") }), None);
        assert_eq!(shortcut(KeyPress { alt: true, ..press("m") }), None);
    }
}
