//! Making join tokens, and taking them back.

#![expect(unused_qualifications, reason = "utoipa's macros write the paths of parameters in full")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use shared::DisplayName;
use utoipa::{IntoParams, ToSchema};

use super::super::caller;
use super::super::problem::Problem;
use super::body::{Body, InPath};
use super::responses::{Authorized, Once, WithBody};
use crate::access::{
    ExternalId, Grants, LIFETIME_MAX_S, Metadata, PublishKinds, RoomScope, TokenError, TokenId, UnixSeconds,
    revocation, sign, whole_number,
};
use crate::app::App;
use crate::control::Commit;

/// Two hours: a meeting.
const TTL_DEFAULT_S: u64 = 2 * 3600;

/// What can be published.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PublishKind {
    /// A voice.
    Microphone,
    /// A face.
    Camera,
    /// A screen, with its sound.
    Screen,
}

impl PublishKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Microphone => "microphone",
            Self::Camera => "camera",
            Self::Screen => "screen",
        }
    }
}

/// What stands in a token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// The room that it opens, or `*` for every room.
    #[schema(pattern = "^([a-z0-9-]{3,64}|\\*)$", example = "standup")]
    room: String,
    /// The name that the others read; absent: the participant chooses.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$")]
    name: Option<DisplayName>,
    /// May moderate.
    #[serde(default)]
    host: bool,
    /// May record.
    #[serde(default)]
    record: bool,
    /// May feed captions into the meeting.
    #[serde(default)]
    caption: bool,
    /// Is not shown to the others.
    #[serde(default)]
    hidden: bool,
    /// What may be published; absent: everything.
    publish: Option<Vec<PublishKind>>,
    /// Most participants for the holder to come in.
    #[schema(minimum = 1, maximum = 1000)]
    #[serde(default, deserialize_with = "whole_number")]
    participants_max: Option<u16>,
    /// The same person in every meeting; at most 64 bytes.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    subject: Option<ExternalId>,
    /// Who it is in your own system; told in events and webhooks. At most 64 bytes.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    external_id: Option<ExternalId>,
    /// Any JSON of at most 256 bytes; told in events and webhooks.
    metadata: Option<serde_json::Value>,
    /// For how many seconds it opens the door; two hours when nobody says, 30 days at most.
    #[schema(minimum = 1, maximum = 2_592_000)]
    #[serde(default, deserialize_with = "whole_number")]
    ttl_s: Option<u64>,
}

impl NewToken {
    fn grants(self, now: UnixSeconds) -> Result<Grants, Problem> {
        let wrong =
            |name: &str, error: &dyn std::fmt::Display| Problem::unprocessable(format!("{name}: {error}."));
        let rooms = self.room.parse::<RoomScope>().map_err(|error| wrong("room", &error))?;
        let publish = match &self.publish {
            Some(kinds) => PublishKinds::from_names(kinds.iter().map(|kind| kind.name()))
                .map_err(|error| wrong("publish", &error))?,
            None => PublishKinds::ALL,
        };
        let max = shared::limits::PARTICIPANTS_MAX;
        if self.participants_max.is_some_and(|wanted| wanted == 0 || usize::from(wanted) > max) {
            return Err(wrong("participants_max", &format!("it must be from 1 to {max}")));
        }
        let ttl_s = self.ttl_s.unwrap_or(TTL_DEFAULT_S);
        if !(1..=LIFETIME_MAX_S).contains(&ttl_s) {
            return Err(wrong("ttl_s", &format!("it must be from 1 to {LIFETIME_MAX_S}")));
        }
        let metadata = self.metadata.filter(|value| !value.is_null()).map(Metadata::new).transpose();
        Ok(Grants {
            publish,
            host: self.host,
            record: self.record,
            caption: self.caption,
            hidden: self.hidden,
            participants_max: self.participants_max,
            name: self.name,
            external_id: self.external_id,
            metadata: metadata.map_err(|error| wrong("metadata", &error))?,
            subject: self.subject,
            token_id: Some(TokenId::from_random(rand::random())),
            expires_at: Some(now.plus(ttl_s)),
            ..Grants::participant(rooms)
        })
    }
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CreatedToken {
    /// The token, for the `#token=` of a link or the embedding page.
    token: String,
    /// Its `jti`, by which it is taken back.
    token_id: String,
    /// Until when it opens the door, in seconds since 1970.
    expires_at: u64,
    /// A link into the room; null when the token is for every room.
    link: Option<String>,
}

/// Makes a token that lets somebody into a meeting.
#[utoipa::path(
    post,
    path = "/tokens",
    tag = "tokens",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless.", min_length = 1, max_length = 255)),
    request_body = NewToken,
    responses(
        (status = 201, description = "The token.", body = CreatedToken),
        (status = 501, description = "The server has no key that signs.", body = Problem, content_type = "application/problem+json"),
        Authorized,
        WithBody,
        Once,
    ),
)]
pub(super) async fn create_token(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Problem> {
    let now = UnixSeconds::of(SystemTime::now());
    let grants = new.grants(now)?;
    let no_key = || {
        Problem::not_implemented("This server has public keys only: sign tokens where the private one is.")
    };
    let key = app.gate.keys().newest().ok_or_else(no_key)?;
    let token = sign(&grants, key, app.gate.parties(), now).map_err(|error: TokenError| {
        tracing::warn!(%error, "a token cannot be signed");
        Problem::unprocessable(format!("No token can be made of this: {error}."))
    })?;
    let link = match &grants.rooms {
        RoomScope::One(room) => {
            let base = caller::base(peer, &headers, &app.config).unwrap_or_default();
            Some(format!("{base}/r/{room}#token={token}"))
        }
        RoomScope::Any => None,
    };
    let token_id = grants.token_id.map(String::from).unwrap_or_default();
    let expires_at = grants.expires_at.map_or(0, |at| at.0);
    Ok((StatusCode::CREATED, Json(CreatedToken { token, token_id, expires_at, link })))
}

/// A token in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct TokenPath {
    /// The token's `jti`.
    #[param(value_type = String, pattern = "^[!-.0-~]{1,64}$")]
    token: TokenId,
}

/// Takes a token back: it lets nobody in any more. Who came in with it stays; remove them from the room.
#[utoipa::path(
    delete,
    path = "/tokens/{token}",
    tag = "tokens",
    params(TokenPath),
    responses(
        (status = 204, description = "It opens nothing any more. Also when it never existed."),
        (status = 404, description = "This is no token's id.", body = Problem, content_type = "application/problem+json"),
        Authorized,
    ),
)]
pub(super) async fn revoke_token(
    State(app): State<Arc<App>>,
    InPath(TokenPath { token }): InPath<TokenPath>,
) -> Result<StatusCode, Problem> {
    let now = UnixSeconds::of(SystemTime::now());
    // Nobody knows when it ends, but no token lives longer.
    let ends = now.plus(LIFETIME_MAX_S);
    app.store.commit(Commit::of(vec![revocation::write(&token, ends)]), now).await?;
    app.gate.revoke(token.clone(), ends, now);
    revocation::tell(&*app.bus, &token, ends).await;
    Ok(StatusCode::NO_CONTENT)
}
