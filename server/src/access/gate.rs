//! The door of every room: which grants a participant comes in with.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use shared::RoomId;

use super::grants::{Grants, RoomScope};
use super::key::Keyring;
use super::token::{self, ApiBearer, CLOCK_SKEW_S, Parties, TokenError, TokenId, UnixSeconds};

/// Most revoked tokens that are remembered until they end by themselves; the one that would end first gives way.
const REVOKED_MAX: usize = 100_000;

/// Who is let in where there are no keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// There are keys: tokens decide.
    Keys,
    /// No keys: people on this very machine.
    ThisMachine,
    /// No keys, and the operator asked for it: everybody who can reach the port.
    Everybody,
}

/// Where a request comes from, as far as it matters for [`Openness::ThisMachine`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locality {
    /// From this machine, to a name of this machine, through no proxy.
    ThisMachine,
    /// From somewhere else, or it cannot be told.
    Elsewhere,
}

impl Locality {
    /// `host` is what the request asked for: a page of another name that resolves to this machine (DNS rebinding) is
    /// not from here, and neither is what a proxy passes on.
    #[must_use]
    pub fn of(address: IpAddr, host: Option<&str>, is_forwarded: bool) -> Self {
        let origin = host.and_then(|host| format!("http://{host}").parse::<crate::config::Origin>().ok());
        let is_own_name = origin.is_some_and(|origin| origin.is_loopback());
        if address.to_canonical().is_loopback() && is_own_name && !is_forwarded {
            Self::ThisMachine
        } else {
            Self::Elsewhere
        }
    }
}

/// Why somebody does not come in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no key, and the caller is not on this machine.
    #[error(
        "This server has no keys and therefore lets in people on its own machine only. Its operator can configure \
         keys, or start it with --open."
    )]
    NotFromHere,
    /// Tokens are needed, and there is none.
    #[error(
        "This meeting is entered with a link that carries a token. Ask whoever invited you for such a link."
    )]
    TokenMissing,
    /// The token opens nothing.
    #[error("The link's token is not valid: {0}.")]
    Token(#[from] TokenError),
    /// The token opens another room.
    #[error("The link's token is for another room.")]
    OtherRoom,
    /// The operator has taken it back.
    #[error("The link's token has been revoked.")]
    Revoked,
}

impl Refusal {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFromHere => "not_from_here",
            Self::TokenMissing => "token_missing",
            Self::Token(TokenError::Expired { .. }) => "token_expired",
            Self::Token(_) => "token_invalid",
            Self::OtherRoom => "token_for_another_room",
            Self::Revoked => "token_revoked",
        }
    }
}

/// See the module. One for the whole server.
#[derive(Debug)]
pub struct Gate {
    keys: Keyring,
    parties: Parties,
    openness: Openness,
    /// Where there are keys: who has no token comes in as a participant like any other.
    has_guests: bool,
    /// By token id, with when each would have ended anyway.
    revoked: Mutex<HashMap<TokenId, UnixSeconds>>,
}

impl Gate {
    /// A gate with these keys. `is_open_to_all` counts only when there are none.
    #[must_use]
    pub fn new(keys: Keyring, parties: Parties, is_open_to_all: bool) -> Self {
        let openness = match (keys.is_empty(), is_open_to_all) {
            (false, _) => Openness::Keys,
            (true, false) => Openness::ThisMachine,
            (true, true) => Openness::Everybody,
        };
        Self { keys, parties, openness, has_guests: false, revoked: Mutex::default() }
    }

    /// With `has_guests`, people without a token are let in where there are keys: as guests, who lead nothing. A token
    /// that opens nothing makes nobody a guest.
    #[must_use]
    pub fn with_guests(self, has_guests: bool) -> Self {
        Self { has_guests, ..self }
    }

    /// Whether people without a token are let in although there are keys.
    #[must_use]
    pub fn has_guests(&self) -> bool {
        self.has_guests && self.openness == Openness::Keys
    }

    /// Who is let in without a token.
    #[must_use]
    pub const fn openness(&self) -> Openness {
        self.openness
    }

    /// The keys.
    #[must_use]
    pub const fn keys(&self) -> &Keyring {
        &self.keys
    }

    /// Who tokens are for and from.
    #[must_use]
    pub const fn parties(&self) -> &Parties {
        &self.parties
    }

    /// What somebody with this token may do in this room.
    ///
    /// # Errors
    /// [`Refusal`], which can be shown to the person.
    pub fn admit(
        &self,
        token: Option<&str>,
        room: &RoomId,
        from: Locality,
        now: UnixSeconds,
    ) -> Result<Grants, Refusal> {
        match (self.openness, from) {
            (Openness::ThisMachine, Locality::Elsewhere) => return Err(Refusal::NotFromHere),
            (Openness::ThisMachine, Locality::ThisMachine) | (Openness::Everybody, _) => {
                return Ok(Grants::open());
            }
            (Openness::Keys, _) => {}
        }
        let Some(token) = token else {
            let guest = Grants::participant(RoomScope::Any);
            return if self.has_guests { Ok(guest) } else { Err(Refusal::TokenMissing) };
        };
        let grants = token::verify(token, &self.keys, &self.parties, now)?;
        if !grants.rooms.covers(room) {
            return Err(Refusal::OtherRoom);
        }
        if grants.token_id.as_ref().is_some_and(|id| self.is_revoked(id)) {
            return Err(Refusal::Revoked);
        }
        Ok(grants)
    }

    /// Whether this bearer may use the HTTP API: `id:secret`, or a short-lived token.
    ///
    /// # Errors
    /// [`TokenError`]; [`TokenError::UnknownKey`] for a wrong pair of id and secret.
    pub fn api(&self, bearer: &str, now: UnixSeconds) -> Result<ApiBearer, TokenError> {
        match bearer.split_once(':') {
            Some((id, secret)) => {
                let key = self.keys.with_secret(id, secret).ok_or(TokenError::UnknownKey)?;
                Ok(ApiBearer { key: key.id.clone() })
            }
            None => token::verify_bearer(bearer, &self.keys, &self.parties, now),
        }
    }

    /// Lets this token in no more. `expires_at` is when it ends anyway and may be forgotten.
    pub fn revoke(&self, id: TokenId, expires_at: UnixSeconds, now: UnixSeconds) {
        let mut revoked = self.revoked();
        revoked.retain(|_, ends| now < ends.plus(CLOCK_SKEW_S));
        if revoked.len() >= REVOKED_MAX
            && let Some(first) = revoked.iter().min_by_key(|(_, ends)| **ends).map(|(id, _)| id.clone())
        {
            revoked.remove(&first);
        }
        revoked.insert(id, expires_at);
    }

    /// Whether this token lets nobody in any more.
    #[must_use]
    pub fn is_revoked(&self, id: &TokenId) -> bool {
        self.revoked().contains_key(id)
    }

    fn revoked(&self) -> std::sync::MutexGuard<'_, HashMap<TokenId, UnixSeconds>> {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Key, KeyId, Material};

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn parties() -> Parties {
        Parties { audience: "visavis".to_owned(), issuer: None }
    }

    fn key() -> Key {
        let material = Material::secret(&"k".repeat(40)).unwrap();
        Key { id: KeyId::new("a").unwrap(), material, api: true, frame_ancestors: Vec::new() }
    }

    fn token(room: &str, id: &str) -> String {
        let mut grants = Grants::participant(room.parse::<RoomScope>().unwrap());
        grants.expires_at = Some(NOW.plus(60));
        grants.token_id = TokenId::new(id);
        token::sign(&grants, &key(), &parties(), NOW).unwrap()
    }

    fn room(name: &str) -> RoomId {
        RoomId::new(name).unwrap()
    }

    #[test]
    fn without_keys_this_machine_comes_in_and_others_only_when_asked_for() {
        let check = |is_open_to_all, from, expected: bool| {
            let gate = Gate::new(Keyring::default(), parties(), is_open_to_all);
            assert_eq!(gate.admit(None, &room("standup"), from, NOW).is_ok(), expected);
        };
        check(false, Locality::ThisMachine, true);
        check(false, Locality::Elsewhere, false);
        check(true, Locality::Elsewhere, true);
    }

    #[test]
    fn with_keys_a_token_opens_its_room_and_no_other() {
        let gate = Gate::new(Keyring::new(vec![key()]).unwrap(), parties(), true);
        let enter = |token: Option<&str>, name| gate.admit(token, &room(name), Locality::ThisMachine, NOW);
        assert_eq!(enter(None, "standup"), Err(Refusal::TokenMissing), "an open server is one without keys");
        assert!(enter(Some(&token("standup", "1")), "standup").is_ok());
        assert_eq!(enter(Some(&token("standup", "1")), "board"), Err(Refusal::OtherRoom));
        assert!(enter(Some(&token("*", "1")), "board").is_ok());
    }

    #[test]
    fn where_guests_are_welcome_no_token_makes_a_guest_and_a_wrong_one_nothing() {
        let gate = Gate::new(Keyring::new(vec![key()]).unwrap(), parties(), false).with_guests(true);
        let enter = |token: Option<&str>, name| gate.admit(token, &room(name), Locality::Elsewhere, NOW);
        let guest = enter(None, "standup").unwrap();
        assert!(!guest.host && !guest.hidden && !guest.record && guest.token_id.is_none());
        assert_eq!(enter(Some(&token("standup", "1")), "board"), Err(Refusal::OtherRoom));
        assert!(enter(Some("nonsense"), "standup").is_err());
        gate.revoke(TokenId::new("1").unwrap(), NOW.plus(60), NOW);
        assert_eq!(enter(Some(&token("standup", "1")), "standup"), Err(Refusal::Revoked));
        let closed = Gate::new(Keyring::default(), parties(), false).with_guests(true);
        let entered = closed.admit(None, &room("standup"), Locality::Elsewhere, NOW);
        assert_eq!(entered, Err(Refusal::NotFromHere), "without keys there are no guests");
        assert!(gate.has_guests() && !closed.has_guests());
    }

    #[test]
    fn a_revoked_token_opens_nothing_and_is_forgotten_when_it_has_ended() {
        let gate = Gate::new(Keyring::new(vec![key()]).unwrap(), parties(), false);
        let enter = |id| gate.admit(Some(&token("*", id)), &room("standup"), Locality::Elsewhere, NOW);
        gate.revoke(TokenId::new("1").unwrap(), NOW.plus(60), NOW);
        assert_eq!(enter("1"), Err(Refusal::Revoked));
        assert!(enter("2").is_ok());
        let later = NOW.plus(60 + CLOCK_SKEW_S);
        gate.revoke(TokenId::new("2").unwrap(), later, later);
        assert_eq!(gate.revoked().len(), 1);
    }

    #[test]
    fn a_request_is_from_here_only_under_a_name_of_this_machine_and_through_no_proxy() {
        let check = |address: &str, host: Option<&str>, is_forwarded, expected| {
            assert_eq!(
                Locality::of(address.parse().unwrap(), host, is_forwarded),
                expected,
                "{address} {host:?}"
            );
        };
        check("127.0.0.1", Some("localhost:8080"), false, Locality::ThisMachine);
        check("::1", Some("[::1]:8080"), false, Locality::ThisMachine);
        check("::ffff:127.0.0.1", Some("127.0.0.1"), false, Locality::ThisMachine);
        check("127.0.0.1", Some("localhost:8080"), true, Locality::Elsewhere);
        check("127.0.0.1", Some("evil.example:8080"), false, Locality::Elsewhere);
        check("127.0.0.1", None, false, Locality::Elsewhere);
        check("192.0.2.1", Some("localhost:8080"), false, Locality::Elsewhere);
    }

    #[test]
    fn the_api_takes_a_pair_of_id_and_secret_or_a_bearer_token() {
        let gate = Gate::new(Keyring::new(vec![key()]).unwrap(), parties(), false);
        assert!(gate.api(&format!("a:{}", "k".repeat(40)), NOW).is_ok());
        assert_eq!(gate.api("a:wrong", NOW), Err(TokenError::UnknownKey));
        let bearer = token::sign_bearer(&key(), &parties(), NOW, NOW.plus(60)).unwrap();
        assert_eq!(gate.api(&bearer, NOW).unwrap().key.as_str(), "a");
        assert_eq!(gate.api(&token("*", "1"), NOW), Err(TokenError::Audience), "a join token is no bearer");
        let entered = gate.admit(Some(&bearer), &room("standup"), Locality::Elsewhere, NOW);
        assert_eq!(entered, Err(Refusal::Token(TokenError::Audience)), "a bearer is no join token");
    }
}
