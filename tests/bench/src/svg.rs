//! A small writer of bar charts, readable on light and dark pages.

use std::fmt::Write as _;

use crate::report::Row;

const WIDTH: f64 = 720.0;
const LABEL_WIDTH: f64 = 150.0;
const VALUE_WIDTH: f64 = 90.0;
const TITLE_HEIGHT: f64 = 44.0;
const ROW_HEIGHT: f64 = 36.0;
const BAR_HEIGHT: f64 = 20.0;

/// One horizontal bar a contender: the median of `metric`, with a line from the least to the greatest run.
pub(crate) fn bars(rows: &[Row], metric: &str, title: &str) -> String {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.metric == metric).collect();
    let unit = rows.first().map_or("", |row| row.unit.as_str());
    let greatest = rows.iter().map(|row| row.max).fold(f64::MIN_POSITIVE, f64::max);
    let scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / greatest;
    let height = ROW_HEIGHT.mul_add(rows.len() as f64, TITLE_HEIGHT) + 8.0;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">
<style>text{{font:14px system-ui,sans-serif;fill:#1f2328}}.title{{font-weight:600;font-size:16px}}.bar{{fill:#9aa4b2}}.ours{{fill:#2563eb}}.spread{{stroke:#1f2328;stroke-width:1.5}}@media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}.bar{{fill:#6b7686}}.ours{{fill:#60a5fa}}.spread{{stroke:#e6edf3}}}}</style>
<text class="title" x="0" y="20">{label} ({unit})</text>
"#,
        label = escaped(title),
        unit = escaped(if unit == "us" { "µs" } else { unit }),
    );
    for (at, row) in rows.iter().enumerate() {
        bar(&mut svg, row, TITLE_HEIGHT + ROW_HEIGHT * at as f64, scale, at == 0);
    }
    svg.push_str("</svg>\n");
    svg
}

fn bar(svg: &mut String, row: &Row, top: f64, scale: f64, is_first: bool) {
    let middle = top + BAR_HEIGHT / 2.0;
    let (from, to) = (row.min.mul_add(scale, LABEL_WIDTH), row.max.mul_add(scale, LABEL_WIDTH));
    // Writing to a String cannot fail.
    let _ = writeln!(
        svg,
        r#"<text x="0" y="{baseline:.1}">{who}</text><rect class="{class}" x="{LABEL_WIDTH}" y="{top:.1}" width="{width:.1}" height="{BAR_HEIGHT}" rx="3"/><path class="spread" d="M{from:.1} {middle:.1}H{to:.1}"/><text x="{value_at:.1}" y="{baseline:.1}">{median:.1}</text>"#,
        baseline = middle + 5.0,
        who = escaped(&row.who),
        class = if is_first { "bar ours" } else { "bar" },
        width = row.median * scale,
        value_at = to + 10.0,
        median = row.median,
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Spread;

    fn row(who: &str, metric: &str, median: f64) -> Row {
        Row::new(who, metric, "us", Spread { median, min: median - 1.0, max: median + 1.0, runs: 3 }, "")
    }

    #[test]
    fn bars_are_in_proportion_and_stay_within_the_drawing() {
        let rows = [row("visavis", "cpu", 4.0), row("visavis", "lost", 9.0), row("other", "cpu", 8.0)];
        let svg = bars(&rows, "cpu", "Cost");
        let widths: Vec<f64> = svg
            .split(" width=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(widths.len(), 2);
        assert!((widths[1] / widths[0] - 2.0).abs() < 0.01);
        assert!(LABEL_WIDTH + widths[1] <= WIDTH - VALUE_WIDTH);
        assert_eq!(svg.matches("bar ours").count(), 1);
    }

    #[test]
    fn names_cannot_break_the_drawing() {
        let svg = bars(&[row("<a&\"b\">", "cpu", 4.0)], "cpu", "A < B");
        assert!(svg.contains("&lt;a&amp;&quot;b&quot;&gt;"));
        assert!(!svg.contains("<a&"));
        assert_eq!(svg.matches('<').count(), svg.matches('>').count());
    }

    #[test]
    fn without_rows_there_is_still_a_drawing() {
        assert!(bars(&[], "cpu", "Cost").ends_with("</svg>\n"));
    }
}
