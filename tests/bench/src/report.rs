//! A result, for programs as JSON and for people as a table.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use crate::measure::{Machine, Spread};

/// One benchmark's result. The JSON has exactly these fields.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    name: String,
    machine: String,
    commit: String,
    pub(crate) rows: Vec<Row>,
}

/// One metric of one contender, over all runs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) who: String,
    pub(crate) metric: String,
    pub(crate) unit: String,
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) runs: usize,
    pub(crate) note: String,
}

impl Row {
    pub(crate) fn new(who: &str, metric: &str, unit: &str, spread: Spread, note: &str) -> Self {
        let Spread { median, min, max, runs } = spread;
        Self {
            who: who.to_owned(),
            metric: metric.to_owned(),
            unit: unit.to_owned(),
            median: rounded(median),
            min: rounded(min),
            max: rounded(max),
            runs,
            note: note.to_owned(),
        }
    }
}

impl Report {
    pub(crate) fn new(name: &str, machine: Machine, rows: Vec<Row>) -> Self {
        let Machine { description, commit } = machine;
        Self { name: name.to_owned(), machine: description, commit, rows }
    }

    /// One object and a line end.
    pub(crate) fn json(&self) -> Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }

    /// Metric after metric; the ratio is to the first contender, which is ours when it takes part.
    pub(crate) fn table(&self, title: &str) -> String {
        let mut text = format!("{title}\n{}; commit {}\n\n", self.machine, self.commit);
        let who_width = self.rows.iter().map(|row| row.who.len()).max().unwrap_or(0);
        let metric_width = self.rows.iter().map(|row| row.metric.len()).max().unwrap_or(0);
        let mut line = |who: &str, metric: &str, numbers: [String; 4]| {
            let [median, min, max, ratio] = numbers;
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{metric:metric_width$}  {who:who_width$}  {median:>10}  {min:>10}  {max:>10}  {ratio:>6}"
            );
        };
        line("who", "metric", ["median", "min", "max", "ratio"].map(str::to_owned));
        for metric in metrics(&self.rows) {
            let of_metric = || self.rows.iter().filter(|row| row.metric == metric);
            let first = of_metric().next().map_or(0.0, |row| row.median);
            for row in of_metric() {
                let numbers = [row.median, row.min, row.max].map(|value| format!("{value:.2}"));
                let [median, min, max] = numbers;
                line(&row.who, metric, [median, min, max, ratio(row.median, first)]);
            }
        }
        for (who, note) in notes(&self.rows) {
            let _ = write!(text, "\n{who}: {note}");
        }
        text.push('\n');
        text
    }
}

/// Three decimals: more is noise.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn ratio(value: f64, first: f64) -> String {
    if first > 0.0 { format!("{:.2}", value / first) } else { "–".to_owned() }
}

/// The metrics in the order of their first row.
fn metrics(rows: &[Row]) -> Vec<&str> {
    let mut metrics: Vec<&str> = Vec::new();
    for row in rows {
        if !metrics.contains(&row.metric.as_str()) {
            metrics.push(&row.metric);
        }
    }
    metrics
}

fn notes(rows: &[Row]) -> Vec<(&str, &str)> {
    let mut notes: Vec<(&str, &str)> = Vec::new();
    for row in rows.iter().filter(|row| !row.note.is_empty()) {
        let note = (row.who.as_str(), row.note.as_str());
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let machine = Machine { description: "a machine".to_owned(), commit: "abc".to_owned() };
        let spread = |median| Spread { median, min: median - 1.0, max: median + 1.0, runs: 3 };
        let rows = vec![
            Row::new("visavis", "cpu_us_per_forward", "us", spread(4.0), "ours"),
            Row::new("visavis", "lost", "packets", spread(1.0), "ours"),
            Row::new("other 1.0", "cpu_us_per_forward", "us", spread(10.00049), ""),
        ];
        Report::new("forward", machine, rows)
    }

    #[test]
    fn the_json_has_the_agreed_fields_on_one_line() {
        let text = report().json().unwrap();
        assert_eq!(text.lines().count(), 1);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let expected = serde_json::json!({
            "who": "other 1.0", "metric": "cpu_us_per_forward", "unit": "us",
            "median": 10.0, "min": 9.0, "max": 11.0, "runs": 3, "note": "",
        });
        assert_eq!(value["rows"][2], expected);
        assert_eq!((&value["name"], &value["machine"]), (&"forward".into(), &"a machine".into()));
        assert_eq!(value["commit"], "abc");
        assert_eq!(value.as_object().unwrap().len(), 4);
    }

    #[test]
    fn the_table_compares_with_the_first() {
        let table = report().table("A load");
        let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(lines.contains(&vec!["cpu_us_per_forward", "visavis", "4.00", "3.00", "5.00", "1.00"]));
        assert!(lines.contains(&vec![
            "cpu_us_per_forward",
            "other",
            "1.0",
            "10.00",
            "9.00",
            "11.00",
            "2.50"
        ]));
        assert!(table.contains("\nvisavis: ours\n"));
        assert_eq!(table.matches("ours").count(), 1);
    }

    #[test]
    fn nothing_has_no_ratio_to_nothing() {
        assert_eq!(ratio(5.0, 0.0), "–");
    }
}
