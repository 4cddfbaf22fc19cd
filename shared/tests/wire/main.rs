//! The wire: what every message looks like, what is accepted, what is refused, and that the prose says so.

mod bounds;
mod evolution;
mod examples;
mod names;
mod prose;
mod roundtrip;
mod snapshots;
