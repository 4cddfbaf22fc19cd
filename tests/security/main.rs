//! The real server on loopback, and clients that mean harm. Each test asserts the refusal, and that nothing changed for
//! those who are inside. Long deadlines pass in virtual time: the runtime's clock jumps when every task waits.

#![expect(clippy::unwrap_used, reason = "what fails here fails its test")]
#![expect(clippy::print_stdout, reason = "figures beside the tests that they are of")]

mod doors;
mod flood;
mod http;
mod origins;
mod raw;
mod slow;
#[expect(dead_code, reason = "the suite beside it uses the rest")]
#[path = "../server/socket.rs"]
mod socket;
mod tokens;
mod websocket;
mod world;
