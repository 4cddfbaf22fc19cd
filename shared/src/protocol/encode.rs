//! Message to text.

use serde::Serialize;

use super::{ClientMessage, ServerMessage};

impl ClientMessage {
    /// The JSON text to send. Not checked against `limits::MESSAGE_BYTES_MAX`.
    #[must_use]
    pub fn encode(&self) -> String {
        encode(self)
    }
}

impl ServerMessage {
    /// The JSON text to send. Not checked against `limits::MESSAGE_BYTES_MAX`.
    #[must_use]
    pub fn encode(&self) -> String {
        encode(self)
    }
}

fn encode<M: Serialize>(message: &M) -> String {
    serde_json::to_string(message).expect("messages have string keys only and no failing serializer")
}
