//! The tokens that make this browser's person the host of meetings they created: kept, so that they are it after a reload.

use serde_json::{Value, json};
use shared::RoomId;
use shared::limits::TOKEN_BYTES_MAX;

/// Rooms and their tokens, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HostTokens(Vec<(String, String)>);

impl HostTokens {
    /// Reads what was kept; what is not to be read was not kept.
    pub(crate) fn read(text: &str) -> Self {
        let stored: Value = serde_json::from_str(text).unwrap_or_default();
        let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()));
        let pairs: Vec<_> = stored.as_array().into_iter().flatten().filter_map(pair).collect();
        Self(pairs.into_iter().take(ROOMS_MAX).collect())
    }

    /// As text for the local storage.
    pub(crate) fn write(&self) -> String {
        json!(self.0).to_string()
    }

    /// The token for a room.
    pub(crate) fn of(&self, room: &RoomId) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == room.as_str()).map(|(_, token)| token.as_str())
    }

    /// Keeps a token; the oldest of [`ROOMS_MAX`] is forgotten for it.
    pub(crate) fn keep(&mut self, room: &RoomId, token: &str) {
        self.forget(room);
        if is_plausible(token) {
            self.0.push((room.as_str().to_owned(), token.to_owned()));
        }
        let surplus = self.0.len().saturating_sub(ROOMS_MAX);
        self.0.drain(..surplus);
    }

    /// The token is not accepted any more.
    pub(crate) fn forget(&mut self, room: &RoomId) {
        self.0.retain(|(known, _)| known != room.as_str());
    }
}

/// The token in the fragment of a link, `#token=…`.
pub(crate) fn token_of_fragment(fragment: &str) -> Option<&str> {
    let parts = fragment.trim_start_matches('#').split('&');
    parts.filter_map(|part| part.strip_prefix("token=")).find(|token| is_plausible(token))
}

/// A JSON Web Token (RFC 7519) in its compact form has no other characters. The server decides whether it is good.
fn is_plausible(token: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !token.is_empty() && token.len() <= TOKEN_BYTES_MAX && token.chars().all(allowed)
}

/// Meetings whose host this browser remembers to be.
const ROOMS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn room(number: usize) -> RoomId {
        RoomId::new(&format!("room-{number}")).unwrap()
    }

    #[test]
    fn a_host_stays_host_and_old_meetings_are_forgotten() {
        let mut tokens = HostTokens::default();
        for number in 0..ROOMS_MAX + 2 {
            tokens.keep(&room(number), "a.b.c");
        }
        tokens.keep(&room(5), "d.e.f");
        let tokens = HostTokens::read(&tokens.write());
        assert_eq!(tokens.of(&room(5)), Some("d.e.f"));
        assert_eq!(tokens.of(&room(1)), None);
        assert_eq!(tokens.0.len(), ROOMS_MAX);
    }

    #[test]
    fn a_strange_storage_holds_no_tokens() {
        for text in ["", "{}", "[1]", "[[\"room-1\"]]"] {
            assert_eq!(HostTokens::read(text), HostTokens::default(), "{text}");
        }
    }

    #[test]
    fn the_token_of_a_link_is_found() {
        assert_eq!(token_of_fragment("#token=aB-_.c.d"), Some("aB-_.c.d"));
        assert_eq!(token_of_fragment("#lang=de&token=a.b.c"), Some("a.b.c"));
        for fragment in ["", "#", "#token=", "#token=a b", "#mytoken=a.b.c"] {
            assert_eq!(token_of_fragment(fragment), None, "{fragment}");
        }
        let long = format!("#token={}", "x".repeat(TOKEN_BYTES_MAX + 1));
        assert_eq!(token_of_fragment(&long), None);
    }
}
