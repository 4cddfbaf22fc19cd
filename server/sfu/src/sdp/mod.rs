//! Session descriptions: reading a client's offer and writing our answer.
//!
//! The client is always the offerer (JSEP, RFC 9429), so this is not a general SDP library. [`Offer::parse`]
//! reads what a media server needs out of foreign text, under bounds that are checked before anything is
//! stored; attributes it does not know are ignored. [`answer`] is a pure function from an offer to the answer's
//! text and to the same facts as values ([`NegotiatedSection`]), which is what the forward path uses.
//!
//! Sections are identified by `mid`, never by their index: a stopped section's place is reused by a later
//! one with a new `mid`. What has to survive a renegotiation (the SSRCs of a slot) is the caller's, keyed by
//! `mid`, and handed in through a closure.
//!
//! ```text
//! offer text ─ Offer::parse ─▶ Offer ─ answer(parameters, ssrcs of a slot) ─▶ Answer { sdp, sections }
//! ```

mod answer;
mod codec;
mod error;
mod offer;
mod parse;
mod transport;

#[cfg(test)]
mod tests;

pub use crate::fingerprint::Fingerprint;
pub use answer::{
    Answer, AnswerParameters, NegotiatedSection, PayloadMap, Publication, Role, SlotSsrcs, answer,
};
pub use codec::Codec;
pub use error::SdpError;
pub use offer::{
    Direction, Feedback, MediaKind, Msid, Offer, OfferedCodec, OfferedRid, OfferedSection, RidDirection,
    SimulcastAlternative,
};
pub use transport::{CandidateTransport, HostCandidate, IceCredentials, Setup};
