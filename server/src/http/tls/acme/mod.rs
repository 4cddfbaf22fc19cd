//! Certificates from an authority (RFC 8555), validated on the port of the site itself (TLS-ALPN-01, RFC 8737).
//!
//! `schedule` decides when (pure), `order` gets one certificate, `transport` carries its requests, `storage` keeps what
//! must outlive a restart. Whatever fails, what is shown stays.

mod order;
mod schedule;
mod storage;
mod transport;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use self::order::{Issued, OrderError, account, order};
use self::schedule::Validity;
pub(crate) use self::storage::Storage as AcmeStorage;
use self::storage::Storage;
use self::transport::Transport;
use super::certificate::{Certificate, Facts};
use super::resolver::Resolver;
use super::{TlsError, pause};
use crate::access::UnixSeconds;
use crate::app::describe;
use crate::config::AcmeSettings;

/// The clock is looked at at least so often: it may be set, and the machine may have slept.
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// Gets certificates, and renews them.
#[derive(Debug)]
pub(crate) struct Acme {
    settings: AcmeSettings,
    storage: Storage,
    transport: Transport,
    resolver: Arc<Resolver>,
}

impl Acme {
    /// Makes the folder and shows the certificate that is kept there, if it can still be shown.
    pub(super) fn open(
        settings: AcmeSettings,
        data_dir: &Path,
        resolver: &Arc<Resolver>,
        now: UnixSeconds,
    ) -> Result<Self, TlsError> {
        let storage = Storage::of(data_dir, settings.directory.as_str());
        storage.prepare().map_err(|source| TlsError::Folder { path: storage.folder().to_owned(), source })?;
        let transport = Transport::new(settings.root.as_deref())?;
        if let Some(pem) = storage.certificate() {
            match Certificate::read(&pem, &pem, now) {
                Ok(certificate) => resolver.show(certificate),
                Err(error) => tracing::warn!(%error, "the certificate that was kept cannot be shown"),
            }
        }
        Ok(Self { settings, storage, transport, resolver: Arc::clone(resolver) })
    }

    /// Gets and renews until the server stops.
    pub(super) async fn run(self, mut shutdown: watch::Receiver<bool>) {
        let (mut failures, mut ordered_at) = (0, None);
        loop {
            let at = schedule::next(self.held(), failures, ordered_at, rand::random());
            while let Some(left) = at.0.checked_sub(now().0).filter(|left| *left > 0) {
                if !pause(Duration::from_secs(left).min(PAUSE_MAX), &mut shutdown).await {
                    return;
                }
            }
            let result = tokio::select! {
                result = self.renew() => result,
                () = crate::app::stopping(&mut shutdown) => return,
            };
            self.resolver.forget_challenges();
            ordered_at = Some(now());
            match result {
                Ok(facts) => {
                    failures = 0;
                    tracing::info!(names = ?facts.names, until = facts.not_after.0, "there is a new certificate");
                }
                Err(error) => {
                    failures += 1;
                    if error.is_of_account() {
                        self.storage.forget_account();
                    }
                    tracing::error!(error = %describe(&error), failures, "no new certificate; it is tried again");
                }
            }
        }
    }

    /// How long the present certificate holds, if it is for all names that are wanted.
    fn held(&self) -> Option<Validity> {
        let current = self.resolver.current()?;
        let is_complete = self.settings.domains.iter().all(|name| current.facts.covers(name.as_str()));
        let Facts { not_before, not_after, .. } = current.facts;
        is_complete.then_some(Validity { not_before, not_after })
    }

    async fn renew(&self) -> Result<Facts, OrderError> {
        let account = account(&self.settings, &self.transport, &self.storage).await?;
        let Issued { chain, key } = order(&account, &self.settings.domains, &self.resolver).await?;
        let certificate = Certificate::read(chain.as_bytes(), key.as_bytes(), now())
            .map_err(|error| OrderError::Issued(error.to_string()))?;
        let facts = certificate.facts.clone();
        if let Some(missing) = self.settings.domains.iter().find(|name| !facts.covers(name.as_str())) {
            return Err(OrderError::Issued(format!("it is not for {missing}")));
        }
        // A certificate that cannot be kept is shown all the same.
        self.resolver.show(certificate);
        self.storage.keep_certificate(&key, &chain).map_err(OrderError::Keep)?;
        Ok(facts)
    }
}

fn now() -> UnixSeconds {
    UnixSeconds::of(SystemTime::now())
}
