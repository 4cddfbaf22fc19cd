//! Reading requests: what does not fit is a problem with a sentence, never the framework's own text.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::{PeerId, RoomId};
use utoipa::{IntoParams, ToSchema};

use super::super::problem::Problem;
use super::{PAGE_DEFAULT, PAGE_MAX};
use crate::access::PageRequest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// A JSON body.
#[derive(Debug, FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub(super) struct Body<T>(pub(super) T);

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        // What is JSON but not what is asked for, and what is no JSON at all, are the same to who has to mend it.
        Self::unreadable_request(rejection.status(), sentence(&rejection.body_text()))
    }
}

/// The parameters in a path.
#[derive(Debug, FromRequestParts)]
#[from_request(via(Path), rejection(Problem))]
pub(super) struct InPath<T>(pub(super) T);

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        // There is nothing under a name that cannot be one.
        Self::unreadable_request(StatusCode::NOT_FOUND, sentence(&rejection.body_text()))
    }
}

/// The parameters behind the `?`.
#[derive(Debug, FromRequestParts)]
#[from_request(via(Query), rejection(Problem))]
pub(super) struct InQuery<T>(pub(super) T);

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::unreadable_request(rejection.status(), sentence(&rejection.body_text()))
    }
}

fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

/// A room in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct RoomPath {
    /// The room.
    #[param(value_type = String, pattern = "^[a-z0-9-]{3,64}$", example = "standup")]
    pub(super) room: RoomId,
}

/// A participant in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ParticipantPath {
    /// The room.
    #[param(value_type = String, pattern = "^[a-z0-9-]{3,64}$", example = "standup")]
    pub(super) room: RoomId,
    /// The participant's seat.
    #[param(value_type = String, pattern = "^[0-9a-f]{16}$", example = "00c0ffee00c0ffee")]
    pub(super) participant: PeerId,
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Where the page before said that the next begins; absent for the first.
    #[param(pattern = "^[A-Za-z0-9_-]{0,200}$")]
    cursor: Option<String>,
    /// Most items; 50 when nobody says.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

impl PageQuery {
    pub(super) fn request(self) -> Result<PageRequest, Problem> {
        let limit = self.limit.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(Problem::bad_request(format!("limit must be from 1 to {PAGE_MAX}.")));
        }
        let after = self.cursor.filter(|cursor| !cursor.is_empty()).map(|cursor| {
            let key =
                BASE64_URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            key.ok_or_else(|| Problem::bad_request("cursor must be what the page before gave as `next`."))
        });
        Ok(PageRequest { after: after.transpose()?, limit })
    }
}

/// A key as a cursor, which nobody is to make by hand.
pub(super) fn cursor(key: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(key)
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T> {
    /// In order.
    pub(super) items: Vec<T>,
    /// The `cursor` of the next page; null: this was the last.
    pub(super) next: Option<String>,
}
