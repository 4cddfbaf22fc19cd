//! The wire: what every message looks like, what is accepted, what is refused, and that the prose says so.

#![expect(clippy::unwrap_used, reason = "tests; Clippy's exception for tests ends at their helpers")]

mod bounds;
mod evolution;
mod examples;
mod names;
mod prose;
mod roundtrip;
mod snapshots;
