//! The endpoints of webhooks as they stand in the settings.

use serde::Deserialize;

use super::ConfigError;
use crate::access::KeyId;
use crate::webhooks::{ENDPOINTS_MAX, Endpoint, EventKind, Secret};

/// One `[[webhooks]]` of the file.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookEntry {
    id: String,
    url: String,
    secret: String,
    #[serde(default)]
    events: Vec<EventKind>,
    #[serde(default)]
    allow_private: bool,
}

impl std::fmt::Debug for WebhookEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WebhookEntry({:?})", self.id)
    }
}

/// Checks everything. No error shows a secret.
pub(super) fn endpoints(entries: Vec<WebhookEntry>) -> Result<Vec<Endpoint>, ConfigError> {
    let wrong = |id: &str, reason: &dyn std::fmt::Display| ConfigError::Key {
        id: format!("webhooks[{id}]"),
        reason: reason.to_string(),
    };
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for entry in entries {
        let id = KeyId::new(&entry.id).map_err(|error| wrong(&entry.id, &error))?;
        if endpoints.iter().any(|endpoint| endpoint.id == id) || endpoints.len() >= ENDPOINTS_MAX {
            return Err(wrong(&entry.id, &format!("ids must differ, and there are {ENDPOINTS_MAX} at most")));
        }
        let secret = Secret::new(&entry.secret).map_err(|error| wrong(&entry.id, &error))?;
        let endpoint = Endpoint::new(id, &entry.url, secret, entry.events, entry.allow_private);
        endpoints.push(endpoint.map_err(|error| wrong(&entry.id, &error))?);
    }
    Ok(endpoints)
}
