//! Tokens that were taken back: kept in the store, told over the bus, looked up in the gate.

use std::sync::Arc;

use super::gate::Gate;
use super::token::{TokenId, UnixSeconds};
use crate::control::{Bus, ControlStore, KeyName, PAGE_MAX, Prefix, Range, Space, StoreError, Write};

/// Every server hears it and closes its own gate.
const TOPIC: &str = "token-revoked";

/// The change that keeps a revocation until the token would have ended.
#[must_use]
pub fn write(token: &TokenId, ends: UnixSeconds) -> Write {
    let value = ends.0.to_be_bytes().to_vec();
    Write::Put { key: KeyName::of(Space::RevokedToken, token.as_str()), value, until: Some(ends) }
}

/// Tells every server that listens. A failure is logged: those that start later read the store.
pub async fn tell(bus: &dyn Bus, token: &TokenId, ends: UnixSeconds) {
    let message = [&ends.0.to_be_bytes()[..], token.as_str().as_bytes()].concat();
    if let Err(error) = bus.publish(TOPIC, message).await {
        tracing::error!(%error, "other servers were not told of a revoked token");
    }
}

/// Closes the gate to all tokens that the store has.
///
/// # Errors
/// As [`ControlStore::list`].
pub async fn restore(store: &dyn ControlStore, gate: &Gate, now: UnixSeconds) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let range = Range { prefix: Prefix::all(Space::RevokedToken), after, limit: PAGE_MAX };
        let entries = store.list(range, now).await?;
        for entry in &entries {
            // Until when may be lost; that it was taken back is not.
            let ends = entry.value.as_slice().try_into().map_or(u64::MAX, u64::from_be_bytes);
            if let Some(token) = TokenId::new(&entry.key.last_part()) {
                gate.revoke(token, UnixSeconds(ends), now);
            }
        }
        let Some(last) = entries.last() else { return Ok(()) };
        after = Some(last.key.clone());
    }
}

/// Closes the gate to what other servers tell, until the bus ends.
pub async fn follow(bus: Arc<dyn Bus>, gate: Arc<Gate>, now: impl Fn() -> UnixSeconds) {
    let Ok(mut told) = bus.subscribe(TOPIC).await else {
        tracing::error!("revoked tokens cannot be heard of from other servers");
        return;
    };
    loop {
        match told.next().await {
            Ok(Some(message)) => {
                if let Some((token, ends)) = parse(&message) {
                    gate.revoke(token, ends, now());
                }
            }
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "revoked tokens were missed; they still open until a restart")
            }
        }
    }
}

fn parse(message: &[u8]) -> Option<(TokenId, UnixSeconds)> {
    let (ends, token) = message.split_first_chunk::<8>()?;
    let token = TokenId::new(std::str::from_utf8(token).ok()?)?;
    Some((token, UnixSeconds(u64::from_be_bytes(*ends))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Commit, MemoryStore};

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    #[tokio::test]
    async fn a_revoked_token_is_known_after_a_restart() {
        let store = MemoryStore::default();
        let ids: Vec<TokenId> = (0..PAGE_MAX as u128 + 3).map(TokenId::from_random).collect();
        for id in &ids {
            store.commit(Commit::of(vec![write(id, NOW.plus(60))]), NOW).await.unwrap();
        }
        let gate = Gate::new(crate::access::Keyring::default(), crate::Config::default().parties, false);
        restore(&store, &gate, NOW).await.unwrap();
        assert!(ids.iter().all(|id| gate.is_revoked(id)));
        assert!(!gate.is_revoked(&TokenId::from_random(u128::MAX)));
    }

    #[test]
    fn what_is_told_is_read_and_nonsense_is_not() {
        let token = TokenId::new("t-1").unwrap();
        let message = [&NOW.0.to_be_bytes()[..], b"t-1"].concat();
        assert_eq!(parse(&message), Some((token, NOW)));
        assert!(parse(b"short").is_none() && parse(&[0; 8]).is_none());
    }
}
