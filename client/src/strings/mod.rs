//! Every text that a person reads, by key. Views hold no text of their own.
//!
//! The texts lie in `client/locales`, one file a language. The English ones are compiled in; the others are fetched
//! when somebody wants them, and whatever one of them lacks is said in English. [`text`] and its siblings are
//! reactive: a closure that calls them runs again when the language changes, so views write
//! `{move || text(Key::Join)}`.

mod key;
mod language;
mod plural;
mod table;
#[cfg(test)]
mod translations;

use std::sync::{LazyLock, OnceLock};

use leptos::prelude::*;
use leptos::reactive::graph::Observer;

pub(crate) use key::Key;
pub(crate) use language::{Direction, Language, first_language};
use plural::{Plural, plural};
use table::Table;

/// What is spoken now.
#[derive(Debug, Clone, Copy)]
struct Spoken {
    language: Language,
    table: &'static Table,
}

static ENGLISH: LazyLock<Table> = LazyLock::new(|| {
    Table::read(include_str!("../../locales/en.json")).expect("the unit tests have read this very file")
});
static SPOKEN: LazyLock<ArcRwSignal<Spoken>> =
    LazyLock::new(|| ArcRwSignal::new(Spoken { language: Language::English, table: &ENGLISH }));
/// The other languages, once they have been fetched: each at most once.
static FETCHED: [OnceLock<Table>; Language::ALL.len()] = [const { OnceLock::new() }; Language::ALL.len()];
static NUMBERS: OnceLock<FormatNumber> = OnceLock::new();

/// Writes a number as a language does, with so many digits behind the point.
pub(crate) type FormatNumber = fn(Language, f64, usize) -> String;

/// The language in use. Reactive.
pub(crate) fn language() -> Language {
    spoken().language
}

/// Whether the texts of a language are here already.
pub(crate) fn is_fetched(language: Language) -> bool {
    language == Language::English || FETCHED[language as usize].get().is_some()
}

/// Takes the content of a language's file; says whether it can be read.
pub(crate) fn put(language: Language, file: &str) -> bool {
    is_fetched(language)
        || Table::read(file).is_some_and(|table| FETCHED[language as usize].set(table).is_ok())
}

/// Speaks a language from now on. One that is not here yet is not spoken: put its file first.
pub(crate) fn speak(language: Language) {
    let table =
        if language == Language::English { Some(&*ENGLISH) } else { FETCHED[language as usize].get() };
    if let Some(table) = table {
        SPOKEN.set(Spoken { language, table });
    }
}

/// Has numbers written by this function, from the first call on.
pub(crate) fn format_numbers_with(format: FormatNumber) {
    NUMBERS.set(format).ok();
}

/// The text of a key. Reactive.
pub(crate) fn text(key: Key) -> &'static str {
    spoken().table.text(key).or_else(|| ENGLISH.text(key)).unwrap_or(key.name())
}

/// The text of a key with its `{placeholders}` filled in. What is filled in is not looked into again. Reactive.
pub(crate) fn text_with(key: Key, values: &[(&str, &str)]) -> String {
    fill(language().direction(), text(key), values)
}

/// The text of a key in the form for so many, with `{count}` and the other placeholders filled in. Reactive.
pub(crate) fn text_counted(key: Key, count: u64, values: &[(&str, &str)]) -> String {
    let Spoken { language, table } = spoken();
    let own = table.form(key, plural(language, count));
    let pattern = own.or_else(|| ENGLISH.form(key, plural(Language::English, count))).unwrap_or(key.name());
    let number = whole_number(count);
    let values: Vec<(&str, &str)> =
        [("count", number.as_str())].into_iter().chain(values.iter().copied()).collect();
    fill(language.direction(), pattern, &values)
}

/// A number as the language writes it, with so many digits behind the point. Reactive.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    let language = language();
    NUMBERS.get().map_or_else(|| format!("{value:.decimals$}"), |format| format(language, value, decimals))
}

/// A whole number as the language writes it. Reactive.
#[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^53 here")]
pub(crate) fn whole_number(value: u64) -> String {
    number(value as f64, 0)
}

/// What is spoken now; remembered as a dependency where something can react to it.
fn spoken() -> Spoken {
    if Observer::get().is_some() { SPOKEN.get() } else { SPOKEN.get_untracked() }
}

/// In a text that runs from right to left, what is filled in is isolated: a name in Latin letters must not drag the
/// words around it to its own direction (Unicode UAX #9, section 2.7).
fn fill(direction: Direction, pattern: &str, values: &[(&str, &str)]) -> String {
    let (begin, end) = match direction {
        Direction::LeftToRight => ("", ""),
        Direction::RightToLeft => ("\u{2068}", "\u{2069}"),
    };
    let mut filled = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            filled.extend([begin, value, end]);
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in_once() {
        assert_eq!(text_with(Key::Arrived, &[("name", "{name} <b>")]), "{name} <b> joined");
        assert_eq!(text_with(Key::Arrived, &[]), " joined");
        assert_eq!(text_with(Key::Leave, &[("name", "x")]), text(Key::Leave));
    }

    #[test]
    fn what_is_filled_into_a_text_from_right_to_left_keeps_its_own_direction() {
        let filled = fill(Direction::RightToLeft, "انضم {name}", &[("name", "Ada")]);
        assert_eq!(filled, "انضم \u{2068}Ada\u{2069}");
    }

    #[test]
    fn a_counted_text_has_the_form_for_its_number() {
        assert!(text_counted(Key::ReconnectingIn, 1, &[]).ends_with("in 1 second"));
        assert!(text_counted(Key::ReconnectingIn, 5, &[]).ends_with("in 5 seconds"));
        assert_eq!(text_counted(Key::Leave, 5, &[]), text(Key::Leave));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_spoken() {
        assert!(!put(Language::Japanese, "<!doctype html>"));
        assert!(!put(Language::Japanese, "[]"));
        assert!(!is_fetched(Language::Japanese));
        speak(Language::Japanese);
        assert_eq!(language(), Language::English);
    }

    #[test]
    fn what_a_file_lacks_is_missing_and_what_it_has_too_much_is_passed_over() {
        let table =
            Table::read(r#"{"Join": "入る", "Leave": 7, "Unheard": "x", "Arrived": {"one": 1}}"#).unwrap();
        assert_eq!(table.text(Key::Join), Some("入る"));
        for key in [Key::Leave, Key::Arrived, Key::HomeTitle] {
            assert_eq!(table.text(key), None, "{key:?}");
        }
    }

    #[test]
    fn numbers_are_written_plainly_without_a_browser() {
        assert_eq!((number(1234.56, 1), whole_number(42)), ("1234.6".to_owned(), "42".to_owned()));
    }
}
