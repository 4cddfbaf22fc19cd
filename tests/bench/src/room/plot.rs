//! The cost curve: packets, processor time and memory over the number of viewers, with the knee.

use std::fmt::Write as _;

use super::fan_out::{Curve, Point};

const WIDTH: f64 = 720.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 88.0;
const PANEL: f64 = 170.0;
const GAP: f64 = 58.0;
const STROKES: [&str; 3] = ["ours", "peer", "second"];

/// One panel's name and what it shows of a point.
type Panel = (&'static str, fn(&Point) -> f64);

const PANELS: [Panel; 3] = [
    ("packets/s that arrive", |point| point.stretch.received_per_second),
    ("processor time of the server (cores)", |point| point.stretch.cores),
    ("memory beyond the empty server (MB)", |point| point.grown_kb / 1024.0),
];

/// Both axes are logarithmic: what is linear in the load is a line of slope one, and what bends up is not.
pub(super) fn draw(curves: &[Curve], rate: f64) -> String {
    let height = TOP + (PANEL + GAP) * PANELS.len() as f64 + 44.0;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Cost of a large room">
<style>text{{font:13px system-ui,sans-serif;fill:#1f2328}}.title{{font-weight:600;font-size:16px}}path{{fill:none;stroke-width:1.8}}.axis{{stroke:#9aa4b2;stroke-width:0.6}}.ours{{stroke:#2563eb}}.peer{{stroke:#d97706}}.second{{stroke:#059669}}circle{{fill:none;stroke-width:2.2}}@media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}.ours{{stroke:#60a5fa}}.peer{{stroke:#fbbf24}}}}</style>
<text class="title" x="0" y="20">One publisher of {rate:.0} packets/s, over the number of its viewers</text>
"#
    );
    for (number, curve) in curves.iter().enumerate() {
        let (x, class) = (230.0 * number as f64, stroke(number));
        // Writing to a String cannot fail.
        let _ = writeln!(
            svg,
            r#"<path class="{class}" d="M{x} 39h24"/><text x="{at}" y="44">{name}</text>"#,
            at = x + 30.0,
            name = curve.name()
        );
    }
    for (number, panel) in PANELS.iter().enumerate() {
        draw_panel(&mut svg, curves, *panel, TOP + (PANEL + GAP) * number as f64);
    }
    for (number, curve) in curves.iter().enumerate() {
        let knee = curve.knee().map_or_else(
            || format!("{}: no knee", curve.name()),
            |(viewers, why)| format!("{}: knee at {viewers} viewers, {why}", curve.name()),
        );
        let y = height - 24.0 + 18.0 * number as f64;
        let _ = writeln!(svg, r#"<text x="0" y="{y}">{}</text>"#, escaped(&knee));
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_panel(svg: &mut String, curves: &[Curve], (name, value): Panel, top: f64) {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let most = points().map(value).fold(f64::MIN_POSITIVE, f64::max);
    let least = points().map(value).filter(|value| *value > 0.0).fold(most, f64::min);
    let widest = points().map(|point| point.viewers as f64).fold(1.0, f64::max);
    let (low, high) = (least.log10().floor(), most.log10().ceil().max(least.log10().floor() + 1.0));
    let at = |point: &Point| {
        let across = (point.viewers as f64).log10() / widest.log10().max(1.0);
        let up = (value(point).max(least).log10() - low) / (high - low);
        (LEFT + across * (WIDTH - LEFT - 20.0), top + PANEL * (1.0 - up))
    };
    let _ = writeln!(svg, r#"<text x="0" y="{y}">{name}</text>"#, y = top - 14.0);
    let mut power = low;
    while power <= high {
        let y = top + PANEL * (1.0 - (power - low) / (high - low));
        let label = 10_f64.powf(power);
        let _ = writeln!(
            svg,
            r#"<path class="axis" d="M{LEFT} {y:.1}H{WIDTH}"/><text x="0" y="{below:.1}">{label}</text>"#,
            below = y + 5.0
        );
        power += 1.0;
    }
    for point in curves.iter().max_by_key(|curve| curve.points.len()).map_or(&[][..], |curve| &curve.points) {
        let (x, _) = at(point);
        let _ = writeln!(
            svg,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="middle">{viewers}</text>"#,
            y = top + PANEL + 16.0,
            viewers = point.viewers
        );
    }
    for (number, curve) in curves.iter().enumerate() {
        let mut path = String::new();
        for point in &curve.points {
            let (x, y) = at(point);
            let _ = write!(path, "{}{x:.1} {y:.1}", if path.is_empty() { 'M' } else { 'L' });
        }
        let class = stroke(number);
        let _ = writeln!(svg, r#"<path class="{class}" d="{path}"/>"#);
        let knee =
            curve.knee().and_then(|(viewers, _)| curve.points.iter().find(|one| one.viewers == viewers));
        if let Some((x, y)) = knee.map(at) {
            let _ = writeln!(
                svg,
                r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="6"/><text x="{label:.1}" y="{above:.1}" text-anchor="end">knee</text>"#,
                label = x - 10.0,
                // Curves meet there: the next label stands on the other side.
                above = y - 8.0 + 30.0 * number as f64
            );
        }
    }
}

fn stroke(number: usize) -> &'static str {
    STROKES[number % STROKES.len()]
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_points_there_is_still_a_drawing() {
        let svg = draw(&[Curve { shards: 1, points: Vec::new(), allocations: 0.0 }], 125.0);
        assert!(svg.ends_with("</svg>\n"));
        assert!(svg.contains("1 shard: no knee"));
        assert_eq!(svg.matches('<').count(), svg.matches('>').count());
    }
}
