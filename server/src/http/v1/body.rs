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
    #[param(pattern = "^([2-7][0-9a-f]){0,64}$")]
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
            key_of(&cursor)
                .ok_or_else(|| Problem::bad_request("cursor must be what the page before gave as `next`."))
        });
        Ok(PageRequest { after: after.transpose()?, limit })
    }
}

/// A key as a cursor, which nobody is to make by hand: its ASCII characters in hexadecimal, so that the description can
/// say exactly which cursors there are.
pub(super) fn cursor(key: &str) -> String {
    key.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The inverse of [`cursor`].
fn key_of(cursor: &str) -> Option<String> {
    /// Keys are names of rooms and of seats, which are no longer.
    const KEY_BYTES_MAX: usize = 64;
    let (pairs, []) = cursor.as_bytes().as_chunks::<2>() else { return None };
    if pairs.len() > KEY_BYTES_MAX {
        return None;
    }
    let character = |[high, low]: &[u8; 2]| match (high, low) {
        (b'2'..=b'7', b'0'..=b'9') => Some(char::from((high - b'0') << 4 | (low - b'0'))),
        (b'2'..=b'7', b'a'..=b'f') => Some(char::from((high - b'0') << 4 | (low - b'a' + 10))),
        _ => None,
    };
    pairs.iter().map(character).collect()
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T> {
    /// In order.
    pub(super) items: Vec<T>,
    /// The `cursor` of the next page; null: this was the last.
    pub(super) next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nonsense_is_not() {
        for key in ["standup", "00c0ffee00c0ffee", "a-9", ""] {
            assert_eq!(key_of(&cursor(key)).as_deref(), Some(key));
        }
        for wrong in ["7", "7g", "1f", "80", "++", "6A", "é0"] {
            assert_eq!(key_of(wrong), None, "{wrong}");
        }
        assert!(key_of(&"61".repeat(64)).is_some() && key_of(&"61".repeat(65)).is_none());
    }
}
