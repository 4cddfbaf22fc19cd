//! Holds the locale files against each other: what one of them lost is a failing test, not an empty button.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::plural::plurals;
use super::{Key, Language};

type File = BTreeMap<String, Value>;

fn source(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../../locales/en.json"),
        Language::German => include_str!("../../locales/de.json"),
        Language::French => include_str!("../../locales/fr.json"),
        Language::Japanese => include_str!("../../locales/ja.json"),
        Language::Arabic => include_str!("../../locales/ar.json"),
    }
}

fn file(language: Language) -> File {
    serde_json::from_str(source(language)).unwrap_or_else(|error| panic!("{language:?}: {error}"))
}

/// The texts of an entry with the names of their forms; of a plain one, a single text without one.
fn texts(value: &Value) -> Vec<(Option<&str>, &str)> {
    if let Some(text) = value.as_str() {
        return vec![(None, text)];
    }
    let forms = value.as_object().unwrap_or_else(|| panic!("neither a text nor plural forms: {value}"));
    assert!(forms.values().all(Value::is_string), "a form that is no text: {value}");
    forms.iter().filter_map(|(form, text)| Some((Some(form.as_str()), text.as_str()?))).collect()
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    let names = text.split('{').skip(1).map(|rest| rest.split_once('}').map(|(name, _)| name));
    names.map(|name| name.unwrap_or_else(|| panic!("a placeholder without an end: {text}"))).collect()
}

#[test]
fn english_has_a_text_for_every_key() {
    let english = file(Language::English);
    let missing: Vec<&str> =
        Key::ALL.iter().map(|key| key.name()).filter(|name| !english.contains_key(*name)).collect();
    assert!(missing.is_empty(), "put into client/locales/en.json: {missing:?}");
}

#[test]
fn every_language_has_a_text_for_every_key() {
    for language in Language::ALL {
        let file = file(language);
        let missing: Vec<&str> =
            Key::ALL.iter().map(|key| key.name()).filter(|name| !file.contains_key(*name)).collect();
        assert!(missing.is_empty(), "{language:?} lacks {missing:?}");
    }
}

#[test]
fn no_language_has_a_text_without_a_key_or_one_twice() {
    for language in Language::ALL {
        let names: Vec<&str> = Key::ALL.iter().map(|key| key.name()).collect();
        let unknown: Vec<String> =
            file(language).into_keys().filter(|name| !names.contains(&name.as_str())).collect();
        assert!(unknown.is_empty(), "{language:?} has texts that nothing asks for: {unknown:?}");
        for name in names {
            let times = source(language).matches(&format!("\n  \"{name}\":")).count();
            assert!(times <= 1, "{language:?} says {name} twice");
        }
    }
}

#[test]
fn every_text_has_the_placeholders_of_the_english_one() {
    let english = file(Language::English);
    for language in Language::ALL {
        for (name, value) in &file(language) {
            let expected: BTreeSet<&str> =
                texts(&english[name]).into_iter().flat_map(|(_, text)| placeholders(text)).collect();
            for (form, text) in texts(value) {
                // One, two and none can be said without the numeral.
                let may_lack_count = matches!(form, Some("zero" | "one" | "two"));
                let mut found = placeholders(text);
                if may_lack_count && expected.contains("count") {
                    found.insert("count");
                }
                assert_eq!(found, expected, "{language:?} {name}: {text}");
            }
        }
    }
}

#[test]
fn every_language_has_the_plural_forms_that_it_counts_with() {
    let english = file(Language::English);
    for language in Language::ALL {
        let expected: BTreeSet<&str> = plurals(language).iter().map(|form| form.name()).collect();
        for (name, value) in &file(language) {
            assert_eq!(value.is_object(), english[name].is_object(), "{language:?} {name}");
            if value.is_object() {
                let found: BTreeSet<&str> = texts(value).into_iter().filter_map(|(form, _)| form).collect();
                assert_eq!(found, expected, "{language:?} {name}");
            }
        }
    }
}

#[test]
fn no_text_is_empty_or_has_space_around_it() {
    for language in Language::ALL {
        for (name, value) in &file(language) {
            for (_, text) in texts(value) {
                assert!(!text.is_empty() && text.trim() == text, "{language:?} {name}: {text:?}");
            }
        }
    }
}

/// What the page says before the program runs stands in the page itself, in English, and is translated by its script.
#[test]
fn the_page_without_the_program_says_what_the_locale_file_says() {
    let page = include_str!("../../index.html");
    let english = file(Language::English);
    let said: Vec<(&str, &str)> = page
        .split("data-text=\"")
        .skip(1)
        .filter_map(|rest| {
            let (name, rest) = rest.split_once('"')?;
            let (text, _) = rest.split_once('>')?.1.split_once('<')?;
            Some((name, text))
        })
        .collect();
    assert_eq!(said.len(), 5);
    for (name, text) in said {
        assert_eq!(english[name], text, "{name}");
    }
    let tags = Language::ALL.map(|language| format!("'{}'", language.tag())).join(", ");
    assert!(page.contains(&format!("var languages = [{tags}];")), "the page's script knows other languages");
}

/// A text that is not in a closure keeps the old language when the person chooses another.
#[test]
fn the_texts_of_views_follow_a_change_of_language() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/ui"))];
    let mut looked_at = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let code = std::fs::read_to_string(&path).unwrap();
            for (number, line) in code.lines().enumerate() {
                let place = || format!("{}:{}", path.display(), number + 1);
                for fixed in
                    ["{text(", "=text(", "{text_with(", "=text_with(", "{text_counted(", "=text_counted("]
                {
                    assert!(!line.contains(fixed), "{}: write `move || text(…)`", place());
                }
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 10);
}
