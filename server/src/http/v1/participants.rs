//! Who is in a live room.

#![expect(unused_qualifications, reason = "utoipa's macros write the paths of parameters in full")]

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::{DisplayName, PeerId};
use utoipa::{IntoParams, ToSchema};

use super::super::problem::Problem;
use super::body::{Body, InPath, InQuery, List, PageQuery, ParticipantPath, RoomPath, cursor};
use super::responses::{Authorized, OfLiveRooms, Once, WithBody};
use crate::access::{ExternalId, MuteKinds, Participant};
use crate::app::App;

/// Somebody in a room.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Seated {
    /// The seat.
    #[schema(value_type = String)]
    participant: PeerId,
    /// What the others read.
    #[schema(value_type = String)]
    name: DisplayName,
    /// May moderate.
    host: bool,
    /// Is not shown to the others.
    hidden: bool,
    /// The microphone is on.
    microphone: bool,
    /// The camera is on.
    camera: bool,
    /// A screen is shared.
    screen: bool,
    /// Since when, in seconds since 1970.
    joined_at: u64,
    /// As the token said.
    #[schema(value_type = Option<String>)]
    external_id: Option<ExternalId>,
    /// As the token said.
    metadata: Option<serde_json::Value>,
}

impl From<Participant> for Seated {
    fn from(participant: Participant) -> Self {
        Self {
            participant: participant.peer,
            name: participant.name,
            host: participant.host,
            hidden: participant.hidden,
            microphone: participant.media.microphone,
            camera: participant.media.camera,
            screen: participant.media.screen,
            joined_at: participant.joined_at.0,
            external_id: participant.external_id,
            metadata: participant.metadata.map(|metadata| metadata.value().clone()),
        }
    }
}

/// Lists who is in a room, by seat.
#[utoipa::path(
    get,
    path = "/rooms/{room}/participants",
    tag = "participants",
    params(RoomPath, PageQuery),
    responses(
        (status = 200, description = "A page of participants.", body = List<Seated>),
        (status = 400, description = "A parameter does not fit.", body = Problem, content_type = "application/problem+json"),
        Authorized,
        OfLiveRooms,
    ),
)]
pub(super) async fn list_participants(
    State(app): State<Arc<App>>,
    InPath(RoomPath { room }): InPath<RoomPath>,
    InQuery(page): InQuery<PageQuery>,
) -> Result<Json<List<Seated>>, Problem> {
    let page = app.room_control.participants(&room, page.request()?).await?;
    let items = page.items.into_iter().map(Seated::from).collect();
    Ok(Json(List { items, next: page.next.as_deref().map(cursor) }))
}

/// How somebody is removed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Removal {
    /// Keeps them out until the meeting is over.
    #[serde(default)]
    #[param(required = false)]
    ban: bool,
}

/// Takes somebody out of a room.
#[utoipa::path(
    delete,
    path = "/rooms/{room}/participants/{participant}",
    tag = "participants",
    params(ParticipantPath, Removal),
    responses(
        (status = 204, description = "They are out."),
        (status = 400, description = "A parameter does not fit.", body = Problem, content_type = "application/problem+json"),
        Authorized,
        OfLiveRooms,
    ),
)]
pub(super) async fn remove_participant(
    State(app): State<Arc<App>>,
    InPath(ParticipantPath { room, participant }): InPath<ParticipantPath>,
    InQuery(Removal { ban }): InQuery<Removal>,
) -> Result<StatusCode, Problem> {
    app.room_control.remove(&room, participant, ban).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is to be switched off. Nothing can be switched on from afar.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Mute {
    /// The voice.
    microphone: bool,
    /// The camera.
    camera: bool,
    /// The screen.
    screen: bool,
}

/// Switches off what somebody sends.
#[utoipa::path(
    post,
    path = "/rooms/{room}/participants/{participant}/mute",
    tag = "participants",
    params(
        ParticipantPath,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless.", min_length = 1, max_length = 255),
    ),
    request_body = Mute,
    responses(
        (status = 204, description = "It is off."),
        Authorized,
        WithBody,
        Once,
        OfLiveRooms,
    ),
)]
pub(super) async fn mute_participant(
    State(app): State<Arc<App>>,
    InPath(ParticipantPath { room, participant }): InPath<ParticipantPath>,
    Body(mute): Body<Mute>,
) -> Result<StatusCode, Problem> {
    let kinds = MuteKinds { microphone: mute.microphone, camera: mute.camera, screen: mute.screen };
    app.room_control.mute(&room, participant, kinds).await?;
    Ok(StatusCode::NO_CONTENT)
}
