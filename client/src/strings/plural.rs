//! Which form of a text goes with a number of things: the cardinal rules of Unicode CLDR 47 (UTS #35 part 3,
//! section 5) for whole numbers, for the languages that are spoken here.

use super::Language;

/// A form of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plural {
    Zero,
    One,
    Two,
    Few,
    Many,
    Other,
}

impl Plural {
    /// All forms, in the order of CLDR.
    pub(super) const ALL: [Self; 6] = [Self::Zero, Self::One, Self::Two, Self::Few, Self::Many, Self::Other];

    /// What the form is called in CLDR and in the locale files.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::One => "one",
            Self::Two => "two",
            Self::Few => "few",
            Self::Many => "many",
            Self::Other => "other",
        }
    }
}

/// The form for so many.
pub(super) const fn plural(language: Language, count: u64) -> Plural {
    match language {
        Language::English | Language::German => match count {
            1 => Plural::One,
            _ => Plural::Other,
        },
        Language::French => match count {
            0 | 1 => Plural::One,
            _ if count.is_multiple_of(1_000_000) => Plural::Many,
            _ => Plural::Other,
        },
        Language::Japanese => Plural::Other,
        Language::Arabic => match (count, count % 100) {
            (0, _) => Plural::Zero,
            (1, _) => Plural::One,
            (2, _) => Plural::Two,
            (_, 3..=10) => Plural::Few,
            (_, 11..=99) => Plural::Many,
            _ => Plural::Other,
        },
    }
}

/// The forms that a language has.
#[cfg(test)]
pub(super) const fn plurals(language: Language) -> &'static [Plural] {
    match language {
        Language::English | Language::German => &[Plural::One, Plural::Other],
        Language::French => &[Plural::One, Plural::Many, Plural::Other],
        Language::Japanese => &[Plural::Other],
        Language::Arabic => &Plural::ALL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_counts_in_its_own_way() {
        let forms = |language, counts: &[u64]| -> Vec<&str> {
            counts.iter().map(|count| plural(language, *count).name()).collect()
        };
        assert_eq!(forms(Language::English, &[0, 1, 2, 21]), ["other", "one", "other", "other"]);
        assert_eq!(forms(Language::German, &[0, 1, 2, 21]), ["other", "one", "other", "other"]);
        assert_eq!(forms(Language::French, &[0, 1, 2, 1_000_000]), ["one", "one", "other", "many"]);
        assert_eq!(forms(Language::Japanese, &[0, 1, 2]), ["other", "other", "other"]);
        assert_eq!(
            forms(Language::Arabic, &[0, 1, 2, 3, 10, 11, 99, 100, 102, 103, 111, 200]),
            ["zero", "one", "two", "few", "few", "many", "many", "other", "other", "few", "many", "other"]
        );
    }

    #[test]
    fn a_language_has_every_form_that_it_counts_with_and_no_other() {
        for language in Language::ALL {
            let counts = (0..=200).chain([1_000_000]);
            let used: Vec<Plural> = counts.map(|count| plural(language, count)).collect();
            for form in Plural::ALL {
                assert_eq!(used.contains(&form), plurals(language).contains(&form), "{language:?} {form:?}");
            }
        }
    }
}
