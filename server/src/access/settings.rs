//! What operators set for a room before anybody is in it. Kept until it is set anew or forgotten.

use serde::{Deserialize, Serialize};
use shared::RoomId;

use super::key::KeyId;
use super::room_control::Policy;
use super::token::UnixSeconds;
use crate::control::{ControlStore, KeyName, Space, StoreError, Write};

/// See the [module](self).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSettings {
    /// The rules that a meeting begins with.
    pub policy: Policy,
    /// When they were first set.
    pub created_at: UnixSeconds,
    /// The key that they count for; absent: they were set before keys were counted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
}

impl RoomSettings {
    /// From the store's bytes; nothing when they are not settings.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }

    /// The change that keeps them.
    #[must_use]
    pub fn write(&self, room: &RoomId) -> Write {
        let value = serde_json::to_vec(self).expect("numbers and words are always JSON");
        Write::Put { key: key(room), value, until: None }
    }
}

/// Where a room's settings are.
#[must_use]
pub fn key(room: &RoomId) -> KeyName {
    KeyName::of(Space::Settings, room.as_str())
}

/// A room's settings, if an operator set any.
///
/// # Errors
/// As [`ControlStore::get`]; [`StoreError::Down`] also when what is there cannot be read.
pub async fn load(
    store: &dyn ControlStore,
    room: &RoomId,
    now: UnixSeconds,
) -> Result<Option<RoomSettings>, StoreError> {
    let Some(entry) = store.get(key(room), now).await? else { return Ok(None) };
    let unreadable = || StoreError::Down("the settings of a room cannot be read".to_owned());
    RoomSettings::read(&entry.value).map(Some).ok_or_else(unreadable)
}
