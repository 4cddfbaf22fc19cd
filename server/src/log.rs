//! Structured logs. Above DEBUG they hold no names and no addresses; spans name room and peer by the redacted
//! beginning of their ids.

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, layer::SubscriberExt as _};

use crate::config::{LogFormat, LogLevel};

/// What a server with these settings logs with; `writer` is standard error, or a buffer in tests.
pub fn subscriber<W>(level: LogLevel, format: LogFormat, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    Registry::default().with(lines.with_filter(filter(level)))
}

/// Other crates speak from one level less: what they tell at INFO is for their developers.
fn filter(level: LogLevel) -> EnvFilter {
    let (ours, theirs) = match level {
        LogLevel::Error => ("error", "error"),
        LogLevel::Warn => ("warn", "warn"),
        LogLevel::Info => ("info", "warn"),
        LogLevel::Debug => ("debug", "info"),
        LogLevel::Trace => ("trace", "debug"),
    };
    EnvFilter::new(format!("{theirs},visavis={ours},server={ours},sfu={ours},shared={ours}"))
}
