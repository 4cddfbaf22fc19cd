//! Join tokens and API bearers: JSON Web Tokens (RFC 7519) in the compact form of RFC 7515, told the time.
//!
//! Four rules of RFC 8725 are kept by construction: the algorithm is the key's and never the token's; a join token and
//! a bearer have different audiences, so that neither passes for the other; every token ends, soon; and what is not
//! understood and marked critical is refused.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::grants::{ExternalId, Grants, GrantsError, Metadata, PublishKinds, RoomScope};
use super::key::{Key, KeyId, Keyring};
use shared::DisplayName;
use shared::limits::PARTICIPANTS_MAX;

/// Longest token in bytes.
pub const TOKEN_BYTES_MAX: usize = 4096;
/// How far the clocks of who signs and who verifies may be apart.
pub const CLOCK_SKEW_S: u64 = 30;
/// Longest life of a token, from `iat` to `exp`: links go out weeks before a meeting.
pub const LIFETIME_MAX_S: u64 = 30 * 24 * 3600;
/// Longest life of an API bearer: it is made for each use.
pub(super) const BEARER_LIFETIME_MAX_S: u64 = 3600;
/// Longest token id in bytes.
pub(super) const TOKEN_ID_BYTES_MAX: usize = 64;

/// Whole seconds since 1970, as tokens count them (RFC 7519 §2, NumericDate).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    /// A clock's time; what lies before 1970 is 1970.
    #[must_use]
    pub fn of(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// Later by this much.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

/// Why a token opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`TOKEN_BYTES_MAX`].
    #[error("the token has {got} bytes; at most {TOKEN_BYTES_MAX} are read")]
    TooLong {
        /// Bytes found.
        got: usize,
    },
    /// It is no JWT in compact form.
    #[error("the token is no signed JSON Web Token: {0}")]
    Malformed(&'static str),
    /// Its header asks for something that is not understood.
    #[error("the token's header names critical extensions, and none is known here")]
    Critical,
    /// It names a key that is not configured.
    #[error("the token was signed with a key that this server does not have")]
    UnknownKey,
    /// It names no key, and there are several.
    #[error("the token names no key: put the key's id into the header's `kid`")]
    KeyNotNamed,
    /// The algorithm is not its key's.
    #[error("the token's algorithm is not its key's, which is {expected}")]
    Algorithm {
        /// The key's own.
        expected: &'static str,
    },
    /// The key did not sign this.
    #[error("the token's signature is wrong")]
    Signature,
    /// A claim is not there.
    #[error("the token has no claim `{0}`")]
    Missing(&'static str),
    /// A claim has a value that it cannot have.
    #[error("the token's claim `{claim}` is wrong: {reason}")]
    Claim {
        /// Which.
        claim: &'static str,
        /// Why.
        reason: String,
    },
    /// It is for somebody else.
    #[error("the token's claim `aud` does not name this use of this server")]
    Audience,
    /// Somebody else made it.
    #[error("the token's claim `iss` is not the one that this server expects")]
    Issuer,
    /// It has ended.
    #[error("the token ended {ago_s} s ago")]
    Expired {
        /// How long ago.
        ago_s: u64,
    },
    /// It has not begun, or the clocks are apart.
    #[error("the token begins in {in_s} s; if it was just made, compare the clocks of both machines")]
    NotYet {
        /// How long until then.
        in_s: u64,
    },
    /// It would live too long.
    #[error("the token lives {got_s} s from `iat` to `exp`; at most {max_s} are allowed")]
    Lifetime {
        /// How long it would.
        got_s: u64,
        /// How long it may.
        max_s: u64,
    },
    /// The key can only verify.
    #[error("no key here can sign: only public ones are configured")]
    CannotSign,
}

/// The `jti` of a token: 1 to 64 printable ASCII characters without `/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId(String);

impl TokenId {
    /// A token id, when it has the form of one.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_allowed = |c: char| c.is_ascii_graphic() && c != '/';
        let is_valid = (1..=TOKEN_ID_BYTES_MAX).contains(&text.len()) && text.chars().all(is_allowed);
        is_valid.then(|| Self(text.to_owned()))
    }

    /// The id with this number; the caller draws it at random.
    #[must_use]
    pub fn from_random(random: u128) -> Self {
        Self(format!("{random:032x}"))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TokenId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text).ok_or_else(|| "1 to 64 printable characters without a slash".to_owned())
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.0
    }
}

/// A verified bearer of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiBearer {
    /// The key that it was made with.
    pub key: KeyId,
}

/// Who tokens are for and from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parties {
    /// What `aud` of join tokens must be or contain.
    pub audience: String,
    /// What `iss` must be, when the operator cares.
    pub issuer: Option<String>,
}

impl Parties {
    /// What `aud` of API bearers must be or contain.
    #[must_use]
    pub fn api_audience(&self) -> String {
        format!("{}:api", self.audience)
    }
}

/// Verifies a join token.
///
/// # Errors
/// [`TokenError`], which names what is wrong.
pub fn verify(
    token: &str,
    keys: &Keyring,
    parties: &Parties,
    now: UnixSeconds,
) -> Result<Grants, TokenError> {
    let (key, claims) = authenticate(token, keys)?;
    check_parties(&claims, &parties.audience, parties.issuer.as_deref())?;
    let expires_at = check_time(&claims, now, LIFETIME_MAX_S)?;
    Ok(Grants { key: Some(key.id.clone()), expires_at: Some(expires_at), ..grants(&claims)? })
}

/// Verifies a bearer of the HTTP API: a token of the audience `…:api`, made by a key that may use the API.
///
/// # Errors
/// [`TokenError`]; [`TokenError::UnknownKey`] also for a key that may not.
pub(super) fn verify_bearer(
    token: &str,
    keys: &Keyring,
    parties: &Parties,
    now: UnixSeconds,
) -> Result<ApiBearer, TokenError> {
    let (key, claims) = authenticate(token, keys)?;
    check_parties(&claims, &parties.api_audience(), parties.issuer.as_deref())?;
    check_time(&claims, now, BEARER_LIFETIME_MAX_S)?;
    if !key.api {
        return Err(TokenError::UnknownKey);
    }
    Ok(ApiBearer { key: key.id.clone() })
}

/// Signs a join token with these grants, valid from `now` until `grants.expires_at`.
///
/// # Errors
/// [`TokenError::CannotSign`], [`TokenError::Missing`] without an end, [`TokenError::Lifetime`], and
/// [`TokenError::TooLong`] when it would not be read.
pub fn sign(grants: &Grants, key: &Key, parties: &Parties, now: UnixSeconds) -> Result<String, TokenError> {
    let expires_at = grants.expires_at.ok_or(TokenError::Missing("exp"))?;
    check_lifetime(now, expires_at, LIFETIME_MAX_S)?;
    let mut claims = claims_of(grants);
    claims.insert("aud".to_owned(), json!(parties.audience));
    finish(claims, key, parties, now, expires_at)
}

/// Signs a bearer of the HTTP API.
///
/// # Errors
/// As [`sign`].
pub fn sign_bearer(
    key: &Key,
    parties: &Parties,
    now: UnixSeconds,
    expires_at: UnixSeconds,
) -> Result<String, TokenError> {
    check_lifetime(now, expires_at, BEARER_LIFETIME_MAX_S)?;
    let claims = Map::from_iter([("aud".to_owned(), json!(parties.api_audience()))]);
    finish(claims, key, parties, now, expires_at)
}

fn finish(
    mut claims: Map<String, Value>,
    key: &Key,
    parties: &Parties,
    now: UnixSeconds,
    expires_at: UnixSeconds,
) -> Result<String, TokenError> {
    if let Some(issuer) = &parties.issuer {
        claims.insert("iss".to_owned(), json!(issuer));
    }
    claims.insert("iat".to_owned(), json!(now.0));
    claims.insert("exp".to_owned(), json!(expires_at.0));
    let header = json!({"alg": key.material.algorithm(), "kid": key.id.as_str(), "typ": "JWT"});
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let mut token = format!("{}.{}", encode(&header), encode(&Value::Object(claims)));
    let signature = key.material.sign(token.as_bytes()).ok_or(TokenError::CannotSign)?;
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    if token.len() > TOKEN_BYTES_MAX { Err(TokenError::TooLong { got: token.len() }) } else { Ok(token) }
}

/// What the header of a token is asked for.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// Checks the signature; only then are the claims looked at.
fn authenticate<'a>(token: &str, keys: &'a Keyring) -> Result<(&'a Key, Map<String, Value>), TokenError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::TooLong { got: token.len() });
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed("it has no signature"))?;
    let (header, claims) =
        signed.split_once('.').ok_or(TokenError::Malformed("it has fewer than three parts"))?;
    let decode = |part: &str| {
        BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed("it is not base64url"))
    };
    let header: Header = serde_json::from_slice(&decode(header)?)
        .map_err(|_| TokenError::Malformed("its header is no JSON object with `alg`"))?;
    if header.crit.is_some() {
        return Err(TokenError::Critical);
    }
    let key = match (header.kid, keys.keys()) {
        (Some(id), _) => keys.find(&id).ok_or(TokenError::UnknownKey)?,
        (None, [only]) => only,
        (None, []) => return Err(TokenError::UnknownKey),
        (None, [..]) => return Err(TokenError::KeyNotNamed),
    };
    if header.alg != key.material.algorithm() {
        return Err(TokenError::Algorithm { expected: key.material.algorithm() });
    }
    if !key.material.verify(signed.as_bytes(), &decode(signature)?) {
        return Err(TokenError::Signature);
    }
    let claims = serde_json::from_slice(&decode(claims)?)
        .map_err(|_| TokenError::Malformed("its claims are no JSON object"))?;
    Ok((key, claims))
}

fn check_parties(
    claims: &Map<String, Value>,
    audience: &str,
    issuer: Option<&str>,
) -> Result<(), TokenError> {
    let is_for_us = match claims.get("aud") {
        Some(Value::String(only)) => only == audience,
        Some(Value::Array(several)) => several.iter().any(|one| one == audience),
        Some(_) => false,
        None => return Err(TokenError::Missing("aud")),
    };
    if !is_for_us {
        return Err(TokenError::Audience);
    }
    match issuer {
        Some(expected) if claims.get("iss").and_then(Value::as_str) != Some(expected) => {
            Err(TokenError::Issuer)
        }
        _ => Ok(()),
    }
}

/// Returns when it ends.
fn check_time(claims: &Map<String, Value>, now: UnixSeconds, max_s: u64) -> Result<UnixSeconds, TokenError> {
    let expires_at = date(claims, "exp")?.ok_or(TokenError::Missing("exp"))?;
    let issued_at = date(claims, "iat")?.ok_or(TokenError::Missing("iat"))?;
    let begins_at = date(claims, "nbf")?.unwrap_or(issued_at).max(issued_at);
    if now >= expires_at.plus(CLOCK_SKEW_S) {
        return Err(TokenError::Expired { ago_s: now.0 - expires_at.0 });
    }
    if begins_at > now.plus(CLOCK_SKEW_S) {
        return Err(TokenError::NotYet { in_s: begins_at.0 - now.0 });
    }
    check_lifetime(issued_at, expires_at, max_s)?;
    Ok(expires_at)
}

const fn check_lifetime(from: UnixSeconds, until: UnixSeconds, max_s: u64) -> Result<(), TokenError> {
    let got_s = until.0.saturating_sub(from.0);
    if got_s > max_s { Err(TokenError::Lifetime { got_s, max_s }) } else { Ok(()) }
}

/// A NumericDate, which may have a fraction (RFC 7519 §2).
fn date(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<UnixSeconds>, TokenError> {
    /// What a double still counts exactly: far beyond every date.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let seconds = value.as_u64().or_else(|| {
        let seconds = value.as_f64().filter(|seconds| (0.0..EXACT_MAX).contains(seconds))?;
        // Within the bound above, so nothing is lost but the fraction.
        Some(seconds as u64)
    });
    let wrong =
        || TokenError::Claim { claim, reason: "it must be a number of seconds since 1970".to_owned() };
    seconds.map(|seconds| Some(UnixSeconds(seconds))).ok_or_else(wrong)
}

/// The claims that are grants. Unknown ones are ignored (RFC 7519 §4), known ones with wrong values are refused.
fn grants(claims: &Map<String, Value>) -> Result<Grants, TokenError> {
    let wrong =
        |claim: &'static str, error: GrantsError| TokenError::Claim { claim, reason: error.to_string() };
    let scope: String = typed(claims, "room")?.ok_or(TokenError::Missing("room"))?;
    let rooms = scope
        .parse::<RoomScope>()
        .map_err(|error| TokenError::Claim { claim: "room", reason: error.to_string() })?;
    let publish = match typed::<Vec<String>>(claims, "publish")? {
        Some(names) => PublishKinds::from_names(names.iter().map(String::as_str))
            .map_err(|error| wrong("publish", error))?,
        None => PublishKinds::ALL,
    };
    let participants_max: Option<u16> = typed(claims, "participants_max")?;
    if participants_max.is_some_and(|max| max == 0 || usize::from(max) > PARTICIPANTS_MAX) {
        return Err(wrong("participants_max", GrantsError::ParticipantsMax));
    }
    let metadata = claims.get("metadata").filter(|value| !value.is_null()).cloned();
    Ok(Grants {
        publish,
        host: typed(claims, "host")?.unwrap_or_default(),
        record: typed(claims, "record")?.unwrap_or_default(),
        caption: typed(claims, "caption")?.unwrap_or_default(),
        hidden: typed(claims, "hidden")?.unwrap_or_default(),
        participants_max,
        name: typed::<DisplayName>(claims, "name")?,
        external_id: typed::<ExternalId>(claims, "external_id")?,
        metadata: metadata.map(Metadata::new).transpose().map_err(|error| wrong("metadata", error))?,
        subject: typed::<ExternalId>(claims, "sub")?,
        token_id: typed::<TokenId>(claims, "jti")?,
        ..Grants::participant(rooms)
    })
}

/// A claim of this type; `null` counts as absent.
fn typed<T: DeserializeOwned>(
    claims: &Map<String, Value>,
    claim: &'static str,
) -> Result<Option<T>, TokenError> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    serde_json::from_value(value.clone())
        .map_err(|error| TokenError::Claim { claim, reason: error.to_string() })
}

/// The inverse of [`grants`]. What is as if it were absent is left out.
fn claims_of(grants: &Grants) -> Map<String, Value> {
    let mut claims = Map::new();
    let mut insert = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    insert("room", json!(grants.rooms.as_str()));
    if grants.publish != PublishKinds::ALL {
        insert("publish", grants.publish.names().collect());
    }
    let granted = [
        ("host", grants.host),
        ("record", grants.record),
        ("caption", grants.caption),
        ("hidden", grants.hidden),
    ];
    for (name, is_granted) in granted {
        if is_granted {
            insert(name, json!(true));
        }
    }
    if let Some(max) = grants.participants_max {
        insert("participants_max", json!(max));
    }
    if let Some(name) = &grants.name {
        insert("name", json!(name));
    }
    if let Some(id) = &grants.external_id {
        insert("external_id", json!(id));
    }
    if let Some(metadata) = &grants.metadata {
        insert("metadata", metadata.value().clone());
    }
    if let Some(subject) = &grants.subject {
        insert("sub", json!(subject));
    }
    if let Some(id) = &grants.token_id {
        insert("jti", json!(id));
    }
    claims
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
