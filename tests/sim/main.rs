//! Whole calls in virtual time: engine, signaling and SFU over a simulated network, in one thread, from a seed.
//!
//! A failing seed is printed; `VISAVIS_SIM_SEED=N cargo test -p tests --test sim` replays it.

#![expect(clippy::unwrap_used, reason = "what fails in the simulation fails its test")]

mod bandwidth;
mod calls;
mod checker;
mod client;
mod congestion;
mod connection;
mod description;
mod impairment;
mod link;
mod loss;
mod media;
mod membership;
mod publishing;
mod replicas;
mod shards;
mod stack;
mod storm;
mod suspension;
mod watching;
mod world;
