//! What the person at the terminal sees. The only file that prints.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "telling a person what happens is this file's job"
)]

use std::fmt::Display;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;

/// A numbered sequence of steps: each is announced, timed, and closed with a sentence. Two may be under way at once.
#[derive(Debug)]
pub(crate) struct Steps {
    begun: AtomicUsize,
    total: usize,
}

impl Steps {
    /// A sequence of `total` steps.
    pub(crate) const fn new(total: usize) -> Self {
        Self { begun: AtomicUsize::new(0), total }
    }

    /// Announces `title`, does `work`, and prints the sentence it returns with the elapsed time.
    pub(crate) fn step(&self, title: &str, work: impl FnOnce() -> Result<String>) -> Result<()> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        println!("[{number}/{}] {title}", self.total);
        let started = Instant::now();
        let outcome = work();
        let elapsed = seconds(started.elapsed());
        match outcome {
            Ok(sentence) => {
                println!("      {title}: {sentence} ({elapsed})");
                Ok(())
            }
            Err(error) => {
                println!("      {title}: failed ({elapsed})");
                Err(error)
            }
        }
    }
}

/// One plain line.
pub(crate) fn line(text: impl Display) {
    println!("{text}");
}

/// The link, so that nobody has to look for it.
pub(crate) fn link(address: &str) {
    println!(
        "\n    Visavis is running. Open this link in two browsers:\n\n        {address}\n\n    Ctrl-C stops it.\n"
    );
}

/// An error with its causes, on standard error.
pub(crate) fn failure(error: &anyhow::Error) {
    eprintln!("\nerror: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}

/// `0.4 s`, `12 s`, `3 min 05 s`.
pub(crate) fn seconds(elapsed: Duration) -> String {
    let whole = elapsed.as_secs();
    match whole {
        0..10 => format!("{:.1} s", elapsed.as_secs_f64()),
        10..60 => format!("{whole} s"),
        _ => format!("{} min {:02} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_time_is_as_fine_as_a_person_needs() {
        assert_eq!(seconds(Duration::from_millis(420)), "0.4 s");
        assert_eq!(seconds(Duration::from_secs(12)), "12 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 05 s");
    }
}
