//! What stands for a person without a picture: initials on a colour that stays theirs.

/// Up to two letters: of the first and the last word.
pub(crate) fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    let last = words.next_back();
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

/// A hue in degrees; the same name has the same everywhere.
pub(crate) fn hue(name: &str) -> u16 {
    // FNV-1a: short, and its low bits are well mixed for short texts.
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    // Twelve hues that are easily told apart; neighbours on the circle are not.
    (hash % 12) as u16 * 30 + 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        for (name, expected) in [
            ("Ada Lovelace", "AL"),
            ("ada", "A"),
            ("Jean-Luc de la Tour", "JT"),
            ("  (Grace)  Hopper ", "GH"),
            ("élodie ß", "ÉSS"),
            ("李 小龍", "李小"),
            ("🙂", ""),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }

    #[test]
    fn the_hue_is_a_function_of_the_name() {
        assert_eq!(hue("Ada"), hue("Ada"));
        let different: std::collections::BTreeSet<u16> =
            ["Ada", "Grace", "Edsger", "Barbara", "Alan", "Donald"].map(hue).into();
        assert!(different.len() >= 4, "{different:?}");
        assert!(different.iter().all(|hue| *hue < 360));
    }
}
