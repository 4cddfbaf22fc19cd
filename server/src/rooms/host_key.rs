//! The server's own key, for where the operator has configured none: whoever makes a room gets a token that says that
//! they lead it. It is kept, so that a restart takes nobody's role away.

use std::sync::Arc;

use shared::RoomId;

use crate::access::{
    Gate, Grants, Key, KeyId, Keyring, LIFETIME_MAX_S, Locality, Material, Parties, Refusal, RoomScope,
    TokenError, UnixSeconds, sign,
};
use crate::control::{Commit, Condition, ControlStore, KeyName, Space, Write};

/// Its name in tokens and in the store.
const NAME: &str = "host";
/// Its tokens are for nothing else.
const AUDIENCE: &str = "visavis:host";

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct HostKey {
    key: Key,
    gate: Gate,
}

impl HostKey {
    /// A key from a seed, which the caller draws from a cryptographic source.
    fn from_seed(seed: [u8; 32]) -> Option<Self> {
        let (id, material) = (KeyId::new(NAME).ok()?, Material::from_seed(seed).ok()?);
        let key = Key { id, material, api: false, frame_ancestors: Vec::new() };
        let keys = Keyring::new(vec![key.clone()]).ok()?;
        let parties = Parties { audience: AUDIENCE.to_owned(), issuer: None };
        Some(Self { key, gate: Gate::new(keys, parties, false) })
    }

    /// The key that is kept, or `fresh` from now on. When the store is down it lasts until the next start.
    pub(crate) async fn load(
        store: &Arc<dyn ControlStore>,
        fresh: [u8; 32],
        now: UnixSeconds,
    ) -> Option<Self> {
        let name = KeyName::of(Space::HostKey, NAME);
        let kept = match store.get(name.clone(), now).await {
            Ok(Some(entry)) => <[u8; 32]>::try_from(entry.value.as_slice()).ok(),
            Ok(None) => {
                let conditions = vec![Condition::Absent(name.clone())];
                let writes = vec![Write::Put { key: name, value: fresh.to_vec(), until: None }];
                if let Err(error) = store.commit(Commit { conditions, writes }, now).await {
                    tracing::warn!(%error, "the key of those who make rooms is not kept: their role ends with this start");
                }
                None
            }
            Err(error) => {
                tracing::warn!(%error, "the key of those who make rooms cannot be read: their links have lost their role");
                None
            }
        };
        Self::from_seed(kept.unwrap_or(fresh))
    }

    /// A token with which somebody leads this room.
    pub(crate) fn token(&self, room: &RoomId, now: UnixSeconds) -> Result<String, TokenError> {
        let mut grants = Grants::participant(RoomScope::One(room.clone()));
        grants.host = true;
        grants.expires_at = Some(now.plus(LIFETIME_MAX_S));
        sign(&grants, &self.key, self.gate.parties(), now)
    }

    /// What a token of this key says about this room.
    pub(super) fn admit(&self, token: &str, room: &RoomId, now: UnixSeconds) -> Result<Grants, Refusal> {
        self.gate.admit(Some(token), room, Locality::Elsewhere, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::MemoryStore;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    #[tokio::test]
    async fn a_token_outlives_the_server_and_opens_one_room() {
        let store: Arc<dyn ControlStore> = Arc::new(MemoryStore::default());
        let (red, blue) = (RoomId::new("red").unwrap(), RoomId::new("blue").unwrap());
        let token = HostKey::load(&store, [1; 32], NOW).await.unwrap().token(&red, NOW).unwrap();
        let again = HostKey::load(&store, [2; 32], NOW).await.unwrap();
        assert!(again.admit(&token, &red, NOW).unwrap().host);
        assert_eq!(again.admit(&token, &blue, NOW), Err(Refusal::OtherRoom));
        let late = NOW.plus(LIFETIME_MAX_S + 60);
        assert!(matches!(again.admit(&token, &red, late), Err(Refusal::Token(TokenError::Expired { .. }))));
        let other = HostKey::from_seed([3; 32]).unwrap();
        assert_eq!(other.admit(&token, &red, NOW), Err(Refusal::Token(TokenError::Signature)));
    }
}
