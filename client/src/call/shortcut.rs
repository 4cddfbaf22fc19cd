//! Keys that act in a meeting.

use crate::strings::Key;

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shortcut {
    /// Microphone on or off.
    Microphone,
    /// Camera on or off.
    Camera,
    /// The microphone is on while the key is held.
    Talk,
    /// The list of people, open or closed.
    People,
    /// The chat, open or closed.
    Chat,
    /// The bar of reactions, open or closed.
    Reactions,
    /// The own hand, up or down.
    Hand,
    /// Captions are shown, or not any more.
    Captions,
    /// Sharing the screen begins or ends.
    Share,
    /// The menu of arrangements, open or closed.
    Layout,
    /// The page before the one that is shown.
    PreviousPage,
    /// The page after it.
    NextPage,
    /// The page fills the screen, or does not any more.
    FullScreen,
    /// The small window over all others, open or closed.
    Float,
    /// The list of these keys, open or closed.
    Help,
    /// Closes what lies open.
    Close,
}

/// A key, without the browser's types.
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
    /// Whether a control was reached with the keyboard: then the space bar is for it.
    pub(crate) on_control: bool,
    /// What happens to the key.
    pub(crate) phase: Phase,
}

/// What happens to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It goes down.
    Pressed,
    /// It stays down.
    Held,
    /// It comes up.
    Released,
}

/// A line of the list of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    /// What is done.
    pub(crate) shortcut: Shortcut,
    /// What to read.
    pub(crate) text: Key,
    /// The keys that do it, each as it is written on them: letters, or a name.
    pub(crate) keys: &'static [&'static str],
}

/// All keys, in the order of the list.
pub(crate) const LINES: [Line; 16] = [
    line(Shortcut::Microphone, Key::ShortcutMicrophone, &["M", "Ctrl D"]),
    line(Shortcut::Talk, Key::ShortcutTalk, &["Space"]),
    line(Shortcut::Camera, Key::ShortcutCamera, &["E", "Ctrl E"]),
    line(Shortcut::Share, Key::ShortcutShare, &["S"]),
    line(Shortcut::People, Key::ShortcutPeople, &["P"]),
    line(Shortcut::Chat, Key::ShortcutChat, &["C"]),
    line(Shortcut::Reactions, Key::ShortcutReactions, &["R"]),
    line(Shortcut::Hand, Key::ShortcutHand, &["H"]),
    line(Shortcut::Captions, Key::ShortcutCaptions, &["T"]),
    line(Shortcut::Layout, Key::ShortcutLayout, &["L"]),
    line(Shortcut::PreviousPage, Key::PreviousPage, &["Page Up"]),
    line(Shortcut::NextPage, Key::NextPage, &["Page Down"]),
    line(Shortcut::Float, Key::ShortcutFloat, &["I"]),
    line(Shortcut::FullScreen, Key::ShortcutFullScreen, &["F"]),
    line(Shortcut::Help, Key::ShortcutHelp, &["?"]),
    line(Shortcut::Close, Key::ShortcutClose, &["Esc"]),
];

const fn line(shortcut: Shortcut, text: Key, keys: &'static [&'static str]) -> Line {
    Line { shortcut, text, keys }
}

/// What a pressed key does. Letters and the space bar act unless they are for something else, combinations always.
pub(crate) fn shortcut(press: KeyPress<'_>) -> Option<Shortcut> {
    if press.alt || press.phase != Phase::Pressed {
        return None;
    }
    match (press.key, press.command) {
        ("Escape", false) => Some(Shortcut::Close),
        ("d" | "D", true) => Some(Shortcut::Microphone),
        ("e" | "E", true) => Some(Shortcut::Camera),
        (" ", false) if !press.writing && !press.on_control => Some(Shortcut::Talk),
        (key, false) if !press.writing => letter(key),
        _ => None,
    }
}

fn letter(key: &str) -> Option<Shortcut> {
    match key {
        "m" | "M" => Some(Shortcut::Microphone),
        "e" | "E" => Some(Shortcut::Camera),
        "p" | "P" => Some(Shortcut::People),
        "s" | "S" => Some(Shortcut::Share),
        "c" | "C" => Some(Shortcut::Chat),
        "r" | "R" => Some(Shortcut::Reactions),
        "h" | "H" => Some(Shortcut::Hand),
        "t" | "T" => Some(Shortcut::Captions),
        "l" | "L" => Some(Shortcut::Layout),
        "f" | "F" => Some(Shortcut::FullScreen),
        "i" | "I" => Some(Shortcut::Float),
        "PageUp" => Some(Shortcut::PreviousPage),
        "PageDown" => Some(Shortcut::NextPage),
        "?" => Some(Shortcut::Help),
        _ => None,
    }
}

/// What becomes of the microphone while the space bar is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    /// It goes on.
    Begins,
    /// It stays on: the key is for nothing else until it comes up.
    GoesOn,
    /// It goes off again.
    Ends,
}

/// Push to talk: what a key does to a microphone that is off, or that is on only because of it.
pub(crate) fn talk(press: KeyPress<'_>, is_talking: bool, is_microphone_on: bool) -> Option<Talk> {
    if press.key == " " && is_talking {
        return Some(if press.phase == Phase::Released { Talk::Ends } else { Talk::GoesOn });
    }
    let begins = shortcut(press) == Some(Shortcut::Talk) && !is_talking && !is_microphone_on;
    begins.then_some(Talk::Begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(key: &str) -> KeyPress<'_> {
        let phase = Phase::Pressed;
        KeyPress { key, command: false, alt: false, writing: false, on_control: false, phase }
    }

    #[test]
    fn letters_act_unless_a_text_is_being_written() {
        assert_eq!(shortcut(press("m")), Some(Shortcut::Microphone));
        assert_eq!(shortcut(press("e")), Some(Shortcut::Camera));
        assert_eq!(shortcut(press("h")), Some(Shortcut::Hand));
        assert_eq!(shortcut(press("c")), Some(Shortcut::Chat));
        assert_eq!(shortcut(KeyPress { writing: true, ..press("m") }), None);
        assert_eq!(shortcut(KeyPress { writing: true, ..press("PageDown") }), None);
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
        assert_eq!(shortcut(KeyPress { command: true, ..press("s") }), None, "the browser saves the page");
        assert_eq!(shortcut(KeyPress { alt: true, ..press("m") }), None);
    }

    #[test]
    fn a_key_that_is_held_acts_once() {
        assert_eq!(shortcut(KeyPress { phase: Phase::Held, ..press("m") }), None);
        assert_eq!(shortcut(KeyPress { phase: Phase::Released, ..press("m") }), None);
    }

    #[test]
    fn every_line_of_the_list_does_what_it_says() {
        for Line { shortcut: expected, keys, .. } in LINES {
            for name in keys {
                let (command, name) = name.strip_prefix("Ctrl ").map_or((false, *name), |name| (true, name));
                let key = match name {
                    "Space" => " ".to_owned(),
                    "Esc" => "Escape".to_owned(),
                    name => name.replace(' ', ""),
                };
                for key in [key.clone(), key.to_lowercase()] {
                    if key.len() == 1 || key.starts_with(char::is_uppercase) {
                        assert_eq!(shortcut(KeyPress { command, ..press(&key) }), Some(expected), "{key}");
                    }
                }
            }
        }
    }

    #[test]
    fn one_talks_while_the_space_bar_is_held() {
        let held = KeyPress { phase: Phase::Held, ..press(" ") };
        let released = KeyPress { phase: Phase::Released, ..press(" ") };
        assert_eq!(talk(press(" "), false, false), Some(Talk::Begins));
        assert_eq!(talk(held, true, true), Some(Talk::GoesOn));
        assert_eq!(talk(KeyPress { writing: true, ..released }, true, true), Some(Talk::Ends));
        assert_eq!(talk(press(" "), false, true), None, "who is heard has nothing to switch on");
        assert_eq!(talk(released, false, false), None);
        assert_eq!(talk(held, false, false), None, "it was pressed for something else");
        assert_eq!(talk(press("m"), true, true), None);
    }

    #[test]
    fn the_space_bar_is_for_the_control_that_was_reached_with_the_keyboard() {
        assert_eq!(talk(KeyPress { on_control: true, ..press(" ") }, false, false), None);
        assert_eq!(talk(KeyPress { writing: true, ..press(" ") }, false, false), None);
    }
}
