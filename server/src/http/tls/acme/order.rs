//! One certificate, from the account to the chain.

use std::time::Duration;

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order,
    OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::sign::CertifiedKey;

use super::super::resolver::Resolver;
use super::storage::Storage;
use super::transport::Transport;
use crate::config::{AcmeSettings, DomainName, MailContact};

/// How long the authority may take to validate, and to issue.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why there is no new certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum OrderError {
    #[error("the authority was not reached, or refuses")]
    Acme(#[from] instant_acme::Error),
    #[error("the authority does not validate {0} by TLS-ALPN-01")]
    NoChallenge(String),
    #[error("the authority could not validate the names on port 443: {0}")]
    Invalid(String),
    #[error("a key or a request for a certificate cannot be made")]
    Request(#[from] rcgen::Error),
    #[error("the library refuses a key that was just made")]
    Library(#[from] tokio_rustls::rustls::Error),
    #[error("what the authority issued cannot be used: {0}")]
    Issued(String),
    #[error("the account or the certificate cannot be kept")]
    Keep(#[source] std::io::Error),
    #[error("the account cannot be written down")]
    Account(#[from] serde_json::Error),
}

impl OrderError {
    /// Whether the authority no longer knows the account: the next order makes another one.
    pub(super) fn is_of_account(&self) -> bool {
        let Self::Acme(instant_acme::Error::Api(problem)) = self else { return false };
        problem.r#type.as_deref() == Some("urn:ietf:params:acme:error:accountDoesNotExist")
    }
}

/// What was issued, both in PEM.
pub(super) struct Issued {
    pub(super) chain: String,
    pub(super) key: String,
}

/// The account that is kept, or a new one.
pub(super) async fn account(
    settings: &AcmeSettings,
    transport: &Transport,
    storage: &Storage,
) -> Result<Account, OrderError> {
    let builder = || Account::builder_with_http(Box::new(transport.clone()));
    if let Some(kept) = storage.account() {
        match serde_json::from_slice::<AccountCredentials>(&kept) {
            Ok(credentials) => return Ok(builder().from_credentials(credentials).await?),
            Err(error) => {
                tracing::warn!(%error, "the account that was kept cannot be read; there is a new one")
            }
        }
    }
    let contact: Vec<&str> = settings.contact.iter().map(MailContact::as_url).collect();
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) = builder().create(&new, settings.directory.as_str().to_owned(), None).await?;
    storage.keep_account(&serde_json::to_vec(&credentials)?).map_err(OrderError::Keep)?;
    Ok(account)
}

/// Has the names validated and a certificate issued.
pub(super) async fn order(
    account: &Account,
    domains: &[DomainName],
    resolver: &Resolver,
) -> Result<Issued, OrderError> {
    let identifiers: Vec<Identifier> =
        domains.iter().map(|name| Identifier::Dns(name.as_str().to_owned())).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    prove(&mut order, resolver).await?;
    let patience = RetryPolicy::default().timeout(PATIENCE);
    let result = order.poll_ready(&patience).await;
    match result {
        Ok(OrderStatus::Ready) => {}
        Ok(OrderStatus::Invalid | OrderStatus::Pending | OrderStatus::Processing | OrderStatus::Valid)
        | Err(instant_acme::Error::Api(_)) => return Err(OrderError::Invalid(reasons(&mut order).await)),
        Err(error) => return Err(error.into()),
    }
    let key = KeyPair::generate()?;
    let names: Vec<String> = domains.iter().map(|name| name.as_str().to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    order.finalize_csr(params.serialize_request(&key)?.der()).await?;
    let chain = order.poll_certificate(&patience).await?;
    Ok(Issued { chain, key: key.serialize_pem() })
}

/// Shows the proof for every name that wants one, and says so.
async fn prove(order: &mut Order, resolver: &Resolver) -> Result<(), OrderError> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        match authorization.status {
            AuthorizationStatus::Pending => {}
            // It was validated before; the order says so if any is lost.
            AuthorizationStatus::Valid
            | AuthorizationStatus::Invalid
            | AuthorizationStatus::Revoked
            | AuthorizationStatus::Expired
            | AuthorizationStatus::Deactivated => continue,
        }
        let name = authorization.identifier().to_string();
        let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01) else {
            return Err(OrderError::NoChallenge(name));
        };
        let proof = proof(&name, challenge.key_authorization().digest().as_ref())?;
        resolver.add_challenge(&name, proof);
        challenge.set_ready().await?;
    }
    Ok(())
}

/// RFC 8737 section 3: a certificate for this one name that carries the digest, signed by its own key.
fn proof(name: &str, digest: &[u8]) -> Result<CertifiedKey, OrderError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let signing = aws_lc_rs::sign::any_supported_type(&key)?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], signing))
}

/// What the authority says of the names that it could not validate.
async fn reasons(order: &mut Order) -> String {
    let mut reasons = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        let Ok(state) = authorization.refresh().await else { continue };
        let problems = state.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        reasons.extend(problems.map(|problem| format!("{name}: {problem}")));
    }
    if reasons.is_empty() { "it does not say why".to_owned() } else { reasons.join("; ") }
}
