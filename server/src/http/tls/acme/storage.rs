//! The account and the certificate of one authority, in files that only the server's user can read.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

const ACCOUNT: &str = "account.json";
const CERTIFICATE: &str = "certificate.pem";

/// The folder of one authority: another directory is another account, and a certificate for tests is not shown once a
/// real one is wanted.
#[derive(Debug)]
pub(crate) struct Storage {
    folder: PathBuf,
}

impl Storage {
    pub(crate) fn of(data_dir: &Path, directory: &str) -> Self {
        let hash = Sha256::digest(directory);
        let name: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { folder: data_dir.join("acme").join(name) }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder.
    pub(super) fn prepare(&self) -> io::Result<()> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.folder)
    }

    /// The credentials of the account.
    pub(super) fn account(&self) -> Option<Vec<u8>> {
        std::fs::read(self.folder.join(ACCOUNT)).ok()
    }

    pub(super) fn keep_account(&self, credentials: &[u8]) -> io::Result<()> {
        self.replace(ACCOUNT, credentials)
    }

    /// The next order makes another one.
    pub(super) fn forget_account(&self) {
        // When it stays, the next order fails as this one has, and says so.
        let _ = std::fs::remove_file(self.folder.join(ACCOUNT));
    }

    /// Key and chain.
    pub(super) fn certificate(&self) -> Option<Vec<u8>> {
        std::fs::read(self.certificate_path()).ok()
    }

    /// Where key and chain are kept.
    pub(crate) fn certificate_path(&self) -> PathBuf {
        self.folder.join(CERTIFICATE)
    }

    /// One file for both, so that they always belong together.
    pub(super) fn keep_certificate(&self, key: &str, chain: &str) -> io::Result<()> {
        self.replace(CERTIFICATE, format!("{key}{chain}").as_bytes())
    }

    /// Whatever happens in between, the file has either its old or its new contents.
    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = self.folder.join(format!("{name}.new"));
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, self.folder.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_its_owner_s_alone_and_belongs_to_one_authority() {
        let data_dir = tempfile::tempdir().unwrap();
        let storage = Storage::of(data_dir.path(), "https://a.example.org/dir");
        storage.prepare().unwrap();
        assert_eq!((storage.account(), storage.certificate()), (None, None));
        for (account, key) in [("1", "k1"), ("2", "k2")] {
            storage.keep_account(account.as_bytes()).unwrap();
            storage.keep_certificate(key, "chain").unwrap();
            assert_eq!(storage.account().unwrap(), account.as_bytes());
            assert_eq!(storage.certificate().unwrap(), format!("{key}chain").as_bytes());
        }
        let other = Storage::of(data_dir.path(), "https://b.example.org/dir");
        other.prepare().unwrap();
        assert_eq!(other.account(), None);
        #[cfg(unix)]
        for (name, mode) in [(ACCOUNT, 0o600), (CERTIFICATE, 0o600), ("", 0o700)] {
            use std::os::unix::fs::PermissionsExt as _;
            let metadata = std::fs::metadata(storage.folder().join(name)).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o777, mode, "{name}");
        }
    }

    #[test]
    fn a_file_that_was_left_half_written_is_no_hindrance() {
        let data_dir = tempfile::tempdir().unwrap();
        let storage = Storage::of(data_dir.path(), "https://a.example.org/dir");
        storage.prepare().unwrap();
        std::fs::write(storage.folder().join("account.json.new"), "half").unwrap();
        storage.keep_account(b"whole").unwrap();
        assert_eq!(storage.account().unwrap(), b"whole");
    }
}
