//! A locale file, read: a text for each key.

use std::collections::BTreeMap;

use super::{Key, Plural};

/// The texts of one language. A file may lack keys, and have some that this version does not know: it may be
/// older or newer than the program.
#[derive(Debug)]
pub(super) struct Table {
    /// By the number of the key.
    entries: Vec<Option<Entry>>,
}

/// What a locale file says for a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// One text.
    Text(String),
    /// One text for each form of counting that the language has.
    Plural([Option<String>; Plural::ALL.len()]),
}

impl Table {
    /// Reads a locale file: a JSON object with a text for each key, or an object with a text for each plural form.
    /// What is neither counts as missing. Nothing when it is no JSON object at all.
    pub(super) fn read(json: &str) -> Option<Self> {
        let file: BTreeMap<String, serde_json::Value> = serde_json::from_str(json).ok()?;
        let entries = Key::ALL.iter().map(|key| Entry::read(file.get(key.name())?));
        Some(Self { entries: entries.collect() })
    }

    /// What it says for a key.
    pub(super) fn entry(&self, key: Key) -> Option<&Entry> {
        self.entries.get(key as usize)?.as_ref()
    }

    /// The text of a key; of one with plural forms, the form for any number.
    pub(super) fn text(&self, key: Key) -> Option<&str> {
        self.entry(key)?.form(Plural::Other)
    }

    /// The text of a key in a plural form.
    pub(super) fn form(&self, key: Key, plural: Plural) -> Option<&str> {
        self.entry(key)?.form(plural)
    }
}

impl Entry {
    fn read(value: &serde_json::Value) -> Option<Self> {
        if let Some(text) = value.as_str() {
            return Some(Self::Text(text.to_owned()));
        }
        let forms = value.as_object()?;
        Some(Self::Plural(Plural::ALL.map(|form| Some(forms.get(form.name())?.as_str()?.to_owned()))))
    }

    /// The text in a form; where it lacks, the one for any number.
    fn form(&self, plural: Plural) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Plural(forms) => {
                forms[plural as usize].as_deref().or(forms[Plural::Other as usize].as_deref())
            }
        }
    }
}
