//! Numbers as JSON has them: `5.0` is the whole number 5 (JSON Schema 2020-12, Core §6.2), however a program writes it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A whole number, or nothing for `null`; for `#[serde(deserialize_with)]`.
///
/// # Errors
/// For what has a fraction or does not fit.
pub(crate) fn whole_number<'de, D: Deserializer<'de>, N: TryFrom<u64>>(
    deserializer: D,
) -> Result<Option<N>, D::Error> {
    /// What a double still counts exactly.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else { return Ok(None) };
    let whole = number.as_u64().or_else(|| {
        let value =
            number.as_f64().filter(|value| (0.0..EXACT_MAX).contains(value) && value.fract() == 0.0)?;
        // Whole and within the bound above, so nothing is lost.
        Some(value as u64)
    });
    let fits = whole.and_then(|whole| N::try_from(whole).ok());
    fits.map(Some).ok_or_else(|| D::Error::custom(format!("{number} is no whole number that fits here")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Holder {
        #[serde(default, deserialize_with = "whole_number")]
        most: Option<u16>,
    }

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        let check = |text: &str, expected: Option<Option<u16>>| {
            let read = serde_json::from_str::<Holder>(&format!("{{{text}}}")).ok();
            assert_eq!(read.map(|holder| holder.most), expected, "{text}");
        };
        check("", Some(None));
        check("\"most\": null", Some(None));
        check("\"most\": 5", Some(Some(5)));
        check("\"most\": 5.0", Some(Some(5)));
        for wrong in ["5.5", "-1", "-1.0", "70000", "1e300", "\"5\""] {
            check(&format!("\"most\": {wrong}"), None);
        }
    }
}
