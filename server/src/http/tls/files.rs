//! A certificate in files that somebody else renews: they are looked at again and again, because that works with every
//! file system and every way of replacing a file.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::certificate::Certificate;
use super::resolver::Resolver;
use super::{TlsError, pause, read};
use crate::access::UnixSeconds;
use crate::config::CertificateFiles;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(5);
/// From when on it is said that a certificate is about to end, and how often.
const WARN_BEFORE_S: u64 = 7 * 24 * 3600;
const WARN_EVERY_S: u64 = 24 * 3600;

/// The files, and what was last found in them.
#[derive(Debug)]
pub(crate) struct Watched {
    paths: CertificateFiles,
    resolver: Arc<Resolver>,
    /// What was read last, whether it could be used or not.
    contents: Option<(Vec<u8>, Vec<u8>)>,
    warned_at: UnixSeconds,
}

impl Watched {
    /// Reads the files and shows the certificate.
    pub(super) fn open(
        paths: CertificateFiles,
        resolver: &Arc<Resolver>,
        now: UnixSeconds,
    ) -> Result<Self, TlsError> {
        let mut watched =
            Self { paths, resolver: Arc::clone(resolver), contents: None, warned_at: UnixSeconds(0) };
        watched.look(now)?;
        Ok(watched)
    }

    /// Looks at the files until the server stops.
    pub(super) async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut was_readable = true;
        while pause(INTERVAL, &mut shutdown).await {
            let looked = tokio::task::spawn_blocking(move || {
                let result = self.look(UnixSeconds::of(SystemTime::now()));
                (self, result)
            });
            let Ok((watched, result)) = looked.await else { return };
            self = watched;
            match result {
                Ok(true) => tracing::info!(names = ?self.resolver.names(), "the certificate was read again"),
                Ok(false) => self.warn_of_end(UnixSeconds::of(SystemTime::now())),
                // A file is away for a moment while it is replaced; only what stays so is said, and once.
                Err(error) if was_readable || !matches!(error, TlsError::Unreadable { .. }) => {
                    tracing::error!(error = %crate::app::describe(&error), "the earlier certificate is kept");
                }
                Err(_) => {}
            }
            was_readable = self.contents.is_some();
        }
    }

    /// Shows what is in the files when it has changed. An error leaves what is shown as it is, and is told once.
    fn look(&mut self, now: UnixSeconds) -> Result<bool, TlsError> {
        let contents = read(&self.paths.certificate).and_then(|chain| Ok((chain, read(&self.paths.key)?)));
        let (chain, key) = contents.inspect_err(|_| self.contents = None)?;
        if self.contents.as_ref().is_some_and(|known| known.0 == chain && known.1 == key) {
            return Ok(false);
        }
        let read = Certificate::read(&chain, &key, now);
        self.contents = Some((chain, key));
        let certificate = read.map_err(|error| TlsError::Certificate {
            certificate: self.paths.certificate.clone(),
            key: self.paths.key.clone(),
            reason: error.to_string(),
        })?;
        self.resolver.show(certificate);
        Ok(true)
    }

    fn warn_of_end(&mut self, now: UnixSeconds) {
        let Some(current) = self.resolver.current() else { return };
        let left_s = current.facts.not_after.0.saturating_sub(now.0);
        if left_s < WARN_BEFORE_S && now >= self.warned_at.plus(WARN_EVERY_S) {
            self.warned_at = now;
            tracing::warn!(
                hours = left_s / 3600,
                file = %self.paths.certificate.display(),
                "the certificate is about to end: renew it"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn write(folder: &std::path::Path, name: &str) -> CertificateFiles {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2028, 1, 1);
        let paths = CertificateFiles { certificate: folder.join("a.pem"), key: folder.join("b.pem") };
        std::fs::write(&paths.certificate, params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(&paths.key, key.serialize_pem()).unwrap();
        paths
    }

    #[test]
    fn what_changes_is_shown_and_what_is_wrong_leaves_the_earlier_one() {
        const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
        let (folder, resolver) = (tempfile::tempdir().unwrap(), Arc::new(Resolver::default()));
        let paths = write(folder.path(), "a.org");
        let mut watched = Watched::open(paths.clone(), &resolver, NOW).unwrap();
        assert_eq!(resolver.names().unwrap(), ["a.org"]);
        assert!(!watched.look(NOW).unwrap(), "nothing has changed");
        write(folder.path(), "b.org");
        assert!(watched.look(NOW).unwrap());
        assert_eq!(resolver.names().unwrap(), ["b.org"]);
        let key = std::fs::read(&paths.key).unwrap();
        std::fs::write(&paths.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        let error = watched.look(NOW).unwrap_err().to_string();
        assert!(error.contains("a.pem") && error.contains("b.pem") && error.contains("another"), "{error}");
        assert!(!watched.look(NOW).unwrap(), "it is said once");
        std::fs::remove_file(&paths.key).unwrap();
        assert!(matches!(watched.look(NOW), Err(TlsError::Unreadable { .. })));
        assert_eq!(resolver.names().unwrap(), ["b.org"]);
        std::fs::write(&paths.key, key).unwrap();
        assert!(watched.look(NOW).unwrap(), "what is right again is shown again");
    }
}
