//! The operator's keys as they stand in the settings.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ConfigError, Origin, invalid};
use crate::access::{Key, KeyId, Keyring, Material};

/// One `[[keys]]` of the file: exactly one of the four that hold a key.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyEntry {
    id: String,
    secret: Option<String>,
    secret_file: Option<PathBuf>,
    private_key_file: Option<PathBuf>,
    public_key_file: Option<PathBuf>,
    #[serde(default)]
    api: bool,
    #[serde(default)]
    frame_ancestors: Vec<Origin>,
}

impl KeyEntry {
    /// The file with what must stay secret.
    pub(super) fn secret_file(&self) -> Option<PathBuf> {
        self.secret_file.clone().or_else(|| self.private_key_file.clone())
    }
}

impl std::fmt::Debug for KeyEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyEntry({:?})", self.id)
    }
}

impl std::str::FromStr for KeyEntry {
    type Err = ();
    /// `id:secret`, as in the environment; such a key opens the API too.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (id, secret) = text.split_once(':').ok_or(())?;
        Ok(Self {
            id: id.to_owned(),
            secret: Some(secret.to_owned()),
            secret_file: None,
            private_key_file: None,
            public_key_file: None,
            api: true,
            frame_ancestors: Vec::new(),
        })
    }
}

/// Reads the files that are named and checks everything. No error shows a secret.
pub(super) fn keyring(entries: Vec<KeyEntry>) -> Result<Keyring, ConfigError> {
    let keys: Result<Vec<Key>, ConfigError> = entries.into_iter().map(key).collect();
    Keyring::new(keys?)
        .map_err(|error| invalid("keys", "these keys", &format!("fewer or other ones: {error}")))
}

fn key(entry: KeyEntry) -> Result<Key, ConfigError> {
    let name = format!("keys[{}]", entry.id);
    let wrong =
        |error: crate::access::KeyError| ConfigError::Key { id: name.clone(), reason: error.to_string() };
    let id = KeyId::new(&entry.id).map_err(wrong)?;
    let material = match (entry.secret, entry.secret_file, entry.private_key_file, entry.public_key_file) {
        (Some(secret), None, None, None) => Material::secret(&secret),
        (None, Some(file), None, None) => Material::secret(read(&file)?.trim()),
        (None, None, Some(file), None) => Material::private_pem(&read(&file)?),
        (None, None, None, Some(file)) => Material::public_pem(&read(&file)?),
        _ => {
            let reason = "it needs exactly one of secret, secret_file, private_key_file and public_key_file";
            return Err(ConfigError::Key { id: name, reason: reason.to_owned() });
        }
    };
    Ok(Key { id, material: material.map_err(wrong)?, api: entry.api, frame_ancestors: entry.frame_ancestors })
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })
}
