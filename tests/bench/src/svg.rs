//! A small writer of bar charts and curves, readable on light and dark pages.

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

const PLOT_HEIGHT: f64 = 260.0;
const PLOT_LEFT: f64 = 44.0;
const PLOT_BOTTOM: f64 = 48.0;
/// Ours, the peers in turn; the last curve is what they are measured against.
const STROKES: [&str; 4] = ["ours", "peer", "second", "reference"];

/// Curves over a common axis from zero: the first is ours, the last the reference.
pub(crate) fn lines(curves: &[(&str, Vec<(f64, f64)>)], title: &str, x_unit: &str, y_unit: &str) -> String {
    let points = || curves.iter().flat_map(|(_, points)| points);
    let x_most = points().map(|point| point.0).fold(f64::MIN_POSITIVE, f64::max);
    let y_most = points().map(|point| point.1).fold(f64::MIN_POSITIVE, f64::max).ceil();
    let height = TITLE_HEIGHT + PLOT_HEIGHT + PLOT_BOTTOM;
    let at = |(x, y): (f64, f64)| {
        let across = PLOT_LEFT + x / x_most * (WIDTH - PLOT_LEFT - 10.0);
        (across, TITLE_HEIGHT + PLOT_HEIGHT * (1.0 - y / y_most))
    };
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">
<style>text{{font:14px system-ui,sans-serif;fill:#1f2328}}.title{{font-weight:600;font-size:16px}}path{{fill:none;stroke-width:1.8}}.axis{{stroke:#9aa4b2;stroke-width:0.6}}.ours{{stroke:#2563eb}}.peer{{stroke:#d97706}}.second{{stroke:#059669}}.reference{{stroke:#6b7686;stroke-dasharray:5 4}}@media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}.ours{{stroke:#60a5fa}}.peer{{stroke:#fbbf24}}.reference{{stroke:#9aa4b2}}}}</style>
<text class="title" x="0" y="20">{label} ({y_unit} over {x_unit})</text>
"#,
        label = escaped(title),
    );
    for step in 0..=5 {
        let (x, y) = (x_most * f64::from(step) / 5.0, y_most * f64::from(step) / 5.0);
        let ((across, base), (_, up)) = (at((x, 0.0)), at((0.0, y)));
        // Writing to a String cannot fail.
        let _ = writeln!(
            svg,
            r#"<path class="axis" d="M{PLOT_LEFT} {up:.1}H{WIDTH}"/><text x="0" y="{label_y:.1}">{y:.1}</text><text x="{across:.1}" y="{below:.1}" text-anchor="middle">{x:.0}</text>"#,
            label_y = up + 5.0,
            below = base + 18.0,
        );
    }
    let key_width = (WIDTH - PLOT_LEFT) / curves.len().max(3) as f64;
    for (number, (name, points)) in curves.iter().enumerate() {
        let last = curves.len() - 1;
        let class = STROKES[if number == last { STROKES.len() - 1 } else { number.min(STROKES.len() - 2) }];
        let mut path = String::new();
        for (index, point) in points.iter().enumerate() {
            let (x, y) = at(*point);
            let _ = write!(path, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' });
        }
        let (key, below) = (PLOT_LEFT + key_width * number as f64, height - 6.0);
        let _ = writeln!(
            svg,
            r#"<path class="{class}" d="{path}"/><path class="{class}" d="M{key} {line:.1}h24"/><text x="{text:.1}" y="{below:.1}">{name}</text>"#,
            line = below - 5.0,
            text = key + 30.0,
            name = escaped(name),
        );
    }
    svg.push_str("</svg>\n");
    svg
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
    fn curves_stay_within_the_drawing_and_have_a_key() {
        let curves =
            [("visavis", vec![(0.0, 0.3), (50.0, 2.0)]), ("capacity", vec![(0.0, 1.0), (100.0, 1.0)])];
        let svg = lines(&curves, "Rates", "s", "Mbit/s");
        assert_eq!(svg.matches(r#"class="ours""#).count(), 2);
        assert_eq!(svg.matches(r#"class="reference""#).count(), 2);
        for path in svg.split(" d=\"M").skip(1) {
            let x: f64 = path.split(' ').next().unwrap().parse().unwrap();
            assert!((0.0..=WIDTH).contains(&x), "{path}");
        }
        assert!(lines(&[], "Rates", "s", "Mbit/s").ends_with("</svg>\n"));
    }

    #[test]
    fn the_keys_of_four_curves_stay_within_the_drawing() {
        let names = ["visavis, random", "visavis, bursts", "janus 1.1.2, random", "janus 1.1.2, bursts"];
        let svg = lines(&names.map(|name| (name, vec![(0.0, 1.0), (30.0, 1.0)])), "Voice", "s", "MOS");
        for name in names {
            let before = svg.split(&format!("\">{name}<")).next().unwrap();
            let from = before.rsplit("x=\"").next().unwrap().split('"').next().unwrap();
            let end = from.parse::<f64>().unwrap() + 7.0 * name.len() as f64;
            assert!(end <= WIDTH, "{name} ends at {end}");
        }
    }

    #[test]
    fn without_rows_there_is_still_a_drawing() {
        assert!(bars(&[], "cpu", "Cost").ends_with("</svg>\n"));
    }
}
