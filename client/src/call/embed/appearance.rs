//! A page's colours and corners as the properties of `tokens.css`.

use shared::embed::{Color, Theme};

/// Every custom property that a theme gives, with its value. What belongs to a given colour follows from it: it is never
/// left to chance whether a text can be read.
pub(crate) fn properties(theme: &Theme) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if let Some(accent) = theme.accent {
        let text = text_on(accent);
        all.extend([
            ("--accent", accent.to_string()),
            ("--accent-hover", mixed(accent, 86, text)),
            ("--accent-press", mixed(accent, 74, text)),
            ("--accent-soft", format!("color-mix(in srgb, {accent} 18%, var(--surface))")),
            ("--on-accent", text.to_owned()),
            ("--focus", accent.to_string()),
        ]);
    }
    if let Some(danger) = theme.danger {
        let text = text_on(danger);
        all.extend([
            ("--danger", danger.to_string()),
            ("--danger-hover", mixed(danger, 86, text)),
            ("--danger-soft", format!("color-mix(in srgb, {danger} 18%, var(--surface))")),
            ("--on-danger", text.to_owned()),
        ]);
    }
    if let Some(ink) = theme.ink {
        all.extend([
            ("--ink", ink.to_string()),
            ("--ink-soft", format!("color-mix(in srgb, {ink} 80%, var(--surface))")),
            ("--ink-faint", format!("color-mix(in srgb, {ink} 68%, var(--surface))")),
            ("--line", format!("color-mix(in srgb, {ink} 18%, var(--surface))")),
            ("--line-strong", format!("color-mix(in srgb, {ink} 50%, var(--surface))")),
        ]);
    }
    if let Some(surface) = theme.surface {
        all.extend([("--surface", surface.to_string()), ("--surface-raised", surface.to_string())]);
    }
    all.extend(theme.ground.map(|ground| ("--ground", ground.to_string())));
    all.extend(theme.stage.map(|stage| ("--stage", stage.to_string())));
    if let Some(radius) = theme.radius {
        let radius = f64::from(radius);
        // In the proportions of `tokens.css`.
        all.extend([
            ("--radius", format!("{radius}px")),
            ("--radius-small", format!("{}px", radius / 1.5)),
            ("--radius-large", format!("{}px", radius / 0.6)),
        ]);
    }
    all
}

/// Black or white, whichever has the stronger contrast (WCAG 2.2: the ratio of the luminances, each plus 0.05).
fn text_on(color: Color) -> &'static str {
    let luminance = color.luminance() + 0.05;
    if 1.05 / luminance >= luminance / 0.05 { "#ffffff" } else { "#000000" }
}

/// Away from the text that stands on it, so that the contrast grows.
fn mixed(color: Color, percent: u8, text: &str) -> String {
    let other = if text == "#ffffff" { "black" } else { "white" };
    format!("color-mix(in srgb, {color} {percent}%, {other})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(theme: &Theme, name: &str) -> Option<String> {
        properties(theme).into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    #[test]
    fn a_theme_without_colours_changes_nothing() {
        assert_eq!(properties(&Theme::default()), []);
    }

    #[test]
    fn the_text_on_an_accent_has_a_contrast_of_at_least_four_and_a_half() {
        for color in ["#0c6b5c", "#ffff00", "#777777", "#7a3cff", "#ff0000", "#000000", "#ffffff", "#00a0ff"]
        {
            let accent: Color = color.parse().unwrap();
            let theme = Theme { accent: Some(accent), ..Theme::default() };
            let text: Color = property(&theme, "--on-accent").unwrap().parse().unwrap();
            let (light, dark) =
                (accent.luminance().max(text.luminance()), accent.luminance().min(text.luminance()));
            assert!((light + 0.05) / (dark + 0.05) >= 4.5, "{color}");
        }
    }

    #[test]
    fn corners_keep_their_proportions() {
        let theme = Theme { radius: Some(12), ..Theme::default() };
        assert_eq!(property(&theme, "--radius").as_deref(), Some("12px"));
        assert_eq!(property(&theme, "--radius-small").as_deref(), Some("8px"));
        assert_eq!(property(&theme, "--radius-large").as_deref(), Some("20px"));
        let none = Theme { radius: Some(0), ..Theme::default() };
        assert_eq!(property(&none, "--radius-large").as_deref(), Some("0px"));
    }
}
