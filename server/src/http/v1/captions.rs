//! Captions that a program of the operator feeds into a live room.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer};
use shared::caption::{CaptionCue, CaptionText, LanguageTag};
use shared::{DisplayName, PeerId};
use utoipa::ToSchema;

use super::super::problem::Problem;
use super::body::{Body, InPath, RoomPath};
use super::responses::{Authorized, OfLiveRooms, Once, WithBody};
use crate::access::{ApiBearer, whole_number};
use crate::app::App;

/// What somebody says, in writing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCaption {
    /// Names the piece of speech among those of this key: a caption with the same number replaces the earlier one.
    #[schema(minimum = 0, maximum = 4_294_967_295_i64)]
    #[serde(deserialize_with = "segment")]
    segment: u32,
    /// The seat of the participant who speaks; absent: nobody in the meeting.
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{16}$", example = "00c0ffee00c0ffee")]
    speaker: Option<PeerId>,
    /// What a speaker is called who is not in the meeting; absent: nobody knows.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$")]
    name: Option<DisplayName>,
    /// What is spoken: a tag of BCP 47.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 35, pattern = "^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$", example = "en")]
    language: Option<LanguageTag>,
    /// What is said.
    #[schema(value_type = String, min_length = 1, max_length = 500, pattern = "^[^\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]*$")]
    text: CaptionText,
    /// Nothing else is expected of this piece of speech. Absent: true.
    #[serde(default = "yes")]
    is_final: bool,
}

const fn yes() -> bool {
    true
}

fn segment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    whole_number(deserializer)?.ok_or_else(|| serde::de::Error::custom("segment must be a number"))
}

/// Shows what is said to everybody in a room who wants captions. A key feeds at most 40 into one room in two seconds.
#[utoipa::path(
    post,
    path = "/rooms/{room}/captions",
    tag = "captions",
    params(
        RoomPath,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless.", min_length = 1, max_length = 255),
    ),
    request_body = NewCaption,
    responses(
        (status = 204, description = "Whoever wants captions got it."),
        Authorized,
        WithBody,
        Once,
        OfLiveRooms,
    ),
)]
pub(super) async fn feed_caption(
    State(app): State<Arc<App>>,
    Extension(bearer): Extension<ApiBearer>,
    InPath(RoomPath { room }): InPath<RoomPath>,
    Body(new): Body<NewCaption>,
) -> Result<StatusCode, Problem> {
    let NewCaption { segment, speaker, name, language, text, is_final } = new;
    let cue = CaptionCue { segment, speaker, name, language, text, is_final };
    app.room_control.caption(&room, &bearer.key, cue).await?;
    Ok(StatusCode::NO_CONTENT)
}
