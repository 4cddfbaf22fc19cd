//! Every text that a person reads, by key. Views hold no text of their own.
//!
//! A new language is a module like [`english`]: a `match` over all keys, so that the compiler names what is
//! not translated yet, and a variant of [`Language`].

mod english;
mod key;

pub(crate) use key::Key;

/// A language that Visavis speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    English,
}

/// The one in use. With a second one, this becomes the choice of the browser or the person.
const LANGUAGE: Language = Language::English;

/// The text of a key.
pub(crate) const fn text(key: Key) -> &'static str {
    match LANGUAGE {
        Language::English => english::text(key),
    }
}

/// The text of a key with its `{placeholders}` filled in. What is filled in is not looked into again.
pub(crate) fn text_with(key: Key, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = text(key);
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
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
}
