//! Whole calls in virtual time: engine, signaling and SFU over a simulated network, in one thread, from a seed.
//!
//! A failing seed is printed with the command that replays it: `cargo xtask sim --seed N`.

#![expect(clippy::unwrap_used, reason = "what fails in the simulation fails its test")]

mod bandwidth;
mod calls;
mod checker;
mod client;
mod congestion;
mod connection;
mod crowd;
mod description;
mod faults;
mod heavy_loss;
mod impairment;
mod link;
mod loss;
mod media;
mod membership;
mod one_stream;
mod overload;
mod publishing;
mod repair;
mod replicas;
mod shards;
mod stack;
mod storm;
mod suspension;
mod watching;
mod world;
