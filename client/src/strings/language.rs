//! The languages that Visavis speaks, and which one a person gets.

/// A language with a file in `client/locales`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    German,
    French,
    Japanese,
    Arabic,
}

/// Which way a line of text runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    LeftToRight,
    RightToLeft,
}

impl Language {
    /// All of them, in the order of the switch.
    pub(crate) const ALL: [Self; 5] =
        [Self::English, Self::German, Self::French, Self::Japanese, Self::Arabic];

    /// The language tag (BCP 47). It names the locale file, too.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Japanese => "ja",
            Self::Arabic => "ar",
        }
    }

    /// As those who speak it call it: nobody should have to look for it in a foreign language.
    pub(crate) const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
            Self::French => "Français",
            Self::Japanese => "日本語",
            Self::Arabic => "العربية",
        }
    }

    /// Which way it is written.
    pub(crate) const fn direction(self) -> Direction {
        match self {
            Self::Arabic => Direction::RightToLeft,
            Self::English | Self::German | Self::French | Self::Japanese => Direction::LeftToRight,
        }
    }

    /// The language of a tag, whatever its region or script: `de-AT` is German.
    pub(crate) fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }
}

impl Direction {
    /// The value of the attribute `dir`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LeftToRight => "ltr",
            Self::RightToLeft => "rtl",
        }
    }
}

/// The language to begin with: the one that was asked for or chosen, in this order, else the first of the
/// browser's that is spoken here, else English. Tags that mean nothing here are passed over.
pub(crate) fn first_language<'a>(
    wishes: impl IntoIterator<Item = Option<&'a str>>,
    preferred: &'a [String],
) -> Language {
    let mut tags = wishes.into_iter().flatten().chain(preferred.iter().map(String::as_str));
    tags.find_map(Language::from_tag).unwrap_or(Language::English)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_whatever_its_region() {
        for (tag, language) in [
            ("de", Some(Language::German)),
            ("de-AT", Some(Language::German)),
            ("FR-ca", Some(Language::French)),
            ("ar_EG", Some(Language::Arabic)),
            ("ja-Jpan-JP", Some(Language::Japanese)),
            ("nl", None),
            ("des", None),
            ("", None),
        ] {
            assert_eq!(Language::from_tag(tag), language, "{tag}");
        }
    }

    #[test]
    fn a_wish_wins_over_the_browser_s_languages() {
        let browser = ["nl-NL".to_owned(), "fr-FR".to_owned(), "en".to_owned()];
        assert_eq!(first_language([None, None], &browser), Language::French);
        assert_eq!(first_language([None, Some("ja")], &browser), Language::Japanese);
        assert_eq!(first_language([Some("ar"), Some("ja")], &browser), Language::Arabic);
        assert_eq!(first_language([Some("tlh"), Some("ja")], &browser), Language::Japanese);
        assert_eq!(first_language([None, None], &["nl".to_owned()]), Language::English);
    }
}
