//! `visavis keys`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::CommandError;
use crate::access::{KeyId, Material};

/// What to do with keys.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct KeysArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
enum Action {
    /// Make a key and print its block for the settings file
    New(NewKey),
}

/// A key to make.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct NewKey {
    /// Its name, which tokens carry [default: a random one]
    #[arg(long)]
    pub id: Option<String>,
    /// A key pair (Ed25519) in two files instead of a secret: who has the public one verifies and cannot sign
    #[arg(long)]
    pub eddsa: bool,
    /// Where the files of --eddsa are written
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
}

impl KeysArguments {
    pub(super) fn run(&self, random: [u8; 32]) -> Result<String, CommandError> {
        let Action::New(new) = &self.action;
        let id = new.id.clone().unwrap_or_else(|| format!("key-{:08x}", rand::random::<u32>()));
        let id = KeyId::new(&id)?;
        let source = if new.eddsa { pair(&new.folder, &id, random)? } else { secret(random)? };
        Ok(format!(
            "# Put the newest key last: it signs, and all of them verify.\n[[keys]]\nid = \"{id}\"\n{source}api = true"
        ))
    }
}

fn secret(random: [u8; 32]) -> Result<String, CommandError> {
    let secret = BASE64_URL_SAFE_NO_PAD.encode(random);
    Material::secret(&secret)?;
    Ok(format!("secret = \"{secret}\"\n"))
}

/// Writes both halves and names the private one.
fn pair(folder: &Path, id: &KeyId, random: [u8; 32]) -> Result<String, CommandError> {
    let material = Material::from_seed(random)?;
    let (private, public) = material.to_pem().ok_or(crate::access::KeyError::Pem("private"))?;
    let private_path = folder.join(format!("{id}.private.pem"));
    write(&private_path, &private, 0o600)?;
    write(&folder.join(format!("{id}.public.pem")), &public, 0o644)?;
    let path = std::path::absolute(&private_path)
        .map_err(|source| CommandError::File { path: private_path.clone(), source })?;
    Ok(format!("private_key_file = {}\n", toml::Value::String(path.display().to_string())))
}

/// Never over another file: it may be a key that is in use.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), CommandError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| CommandError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn new(id: &str, eddsa: bool, folder: &Path) -> Result<String, CommandError> {
        let new = NewKey { id: Some(id.to_owned()), eddsa, folder: folder.to_owned() };
        KeysArguments { action: Action::New(new) }.run([7; 32])
    }

    /// The settings with this block in their file.
    fn load(block: &str, folder: &Path) -> Config {
        let path = folder.join("visavis.toml");
        std::fs::write(&path, block).unwrap();
        let arguments = ["visavis".into(), "--config".into(), path.into()];
        Config::load(arguments, []).unwrap().config
    }

    #[test]
    fn what_is_printed_is_a_block_for_the_settings() {
        let folder = tempfile::tempdir().unwrap();
        for eddsa in [false, true] {
            let config = load(&new("a", eddsa, folder.path()).unwrap(), folder.path());
            let key = config.keys.find("a").unwrap();
            assert!(key.api && matches!(key.material, Material::Private { .. }) == eddsa);
        }
    }

    #[test]
    fn a_key_pair_is_never_written_over_another_and_the_private_half_is_its_owner_s() {
        let folder = tempfile::tempdir().unwrap();
        new("a", true, folder.path()).unwrap();
        assert!(matches!(new("a", true, folder.path()), Err(CommandError::File { .. })));
        assert!(
            Material::public_pem(&std::fs::read_to_string(folder.path().join("a.public.pem")).unwrap())
                .is_ok()
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let metadata = std::fs::metadata(folder.path().join("a.private.pem")).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_strange_id_makes_no_key() {
        assert!(new("a/b", false, Path::new(".")).is_err());
    }
}
