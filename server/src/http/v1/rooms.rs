//! Rooms: what operators set for them, and which are live.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use shared::RoomId;
use utoipa::ToSchema;

use super::super::caller;
use super::super::problem::Problem;
use super::body::{Body, InPath, InQuery, List, PageQuery, RoomPath, cursor};
use super::kept_rooms::{self, Kept};
use super::responses::{Authorized, Counted, OfLiveRooms, Once, WithBody};
use crate::access::{
    ApiBearer, ControlError, EndReason, Page, PageRequest, Policy, RoomSettings, RoomSummary, UnixSeconds,
    settings,
};
use crate::app::App;
use crate::control::{Entry, KeyName, Prefix, Range, Space};

/// A room to be set up before anybody is in it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NewRoom {
    /// Its name; absent: a random one.
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9-]{3,64}$")]
    room: Option<RoomId>,
    /// Its rules.
    policy: Policy,
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Room {
    /// Its name.
    #[schema(value_type = String)]
    room: RoomId,
    /// Its link, without a token.
    link: String,
    /// The rules that an operator set; those of a room that nobody set up let everybody do everything.
    policy: Policy,
    /// When an operator set it up, in seconds since 1970; null: nobody did.
    created_at: Option<u64>,
    /// Who meets in it; null: nobody.
    live: Option<Live>,
}

/// A meeting that goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Live {
    /// How many are in it, without hidden ones.
    participants: usize,
    /// Since when, in seconds since 1970.
    started_at: u64,
}

impl From<RoomSummary> for Live {
    fn from(summary: RoomSummary) -> Self {
        Self { participants: summary.participants, started_at: summary.started_at.0 }
    }
}

impl Room {
    fn of(room: RoomId, settings: Option<&RoomSettings>, live: Option<Live>, base: &str) -> Self {
        Self {
            link: format!("{base}/r/{room}"),
            room,
            policy: settings.map(|settings| settings.policy).unwrap_or_default(),
            created_at: settings.map(|settings| settings.created_at.0),
            live,
        }
    }
}

fn now() -> UnixSeconds {
    UnixSeconds::of(SystemTime::now())
}

fn check(policy: &Policy) -> Result<(), Problem> {
    let max = shared::limits::PARTICIPANTS_MAX;
    if policy.participants_max.is_some_and(|wanted| wanted == 0 || usize::from(wanted) > max) {
        return Err(Problem::unprocessable(format!("participants_max: it must be from 1 to {max}.")));
    }
    Ok(())
}

/// The meeting in a room, if there is one and it can be told.
async fn live(app: &App, room: &RoomId) -> Result<Option<Live>, Problem> {
    match app.room_control.room(room).await {
        Ok(summary) => Ok(Some(summary.into())),
        Err(ControlError::NoSuchRoom | ControlError::Detached) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn base(app: &App, peer: SocketAddr, headers: &HeaderMap) -> String {
    caller::base(peer, headers, &app.config).unwrap_or_default()
}

/// Lists the rooms that were set up or in which somebody is, by name.
#[utoipa::path(
    get,
    path = "/rooms",
    tag = "rooms",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of rooms.", body = List<Room>),
        (status = 400, description = "A parameter does not fit.", body = Problem, content_type = "application/problem+json"),
        Authorized,
    ),
)]
pub(super) async fn list_rooms(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    InQuery(page): InQuery<PageQuery>,
) -> Result<Json<List<Room>>, Problem> {
    let request = page.request()?;
    let after = request.after.as_deref().map(|room| KeyName::of(Space::Settings, room));
    // One more than asked for, to know whether there is a next page.
    let range = Range { prefix: Prefix::all(Space::Settings), after, limit: request.limit + 1 };
    let set_up = app.store.list(range, now()).await?;
    let wider = PageRequest { limit: request.limit + 1, ..request.clone() };
    let meeting = match app.room_control.list_rooms(wider).await {
        Ok(page) => page.items,
        Err(ControlError::Detached | ControlError::NoSuchRoom) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let base = base(&app, peer, &headers);
    let page = merged(set_up, meeting, &request, &base);
    Ok(Json(List { items: page.items, next: page.next.as_deref().map(cursor) }))
}

/// One page of rooms that were set up and of rooms that are live, each room once.
fn merged(set_up: Vec<Entry>, meeting: Vec<RoomSummary>, request: &PageRequest, base: &str) -> Page<Room> {
    let mut rooms: Vec<Room> = Vec::new();
    for entry in set_up {
        let (Ok(room), Some(settings)) =
            (RoomId::new(&entry.key.last_part()), RoomSettings::read(&entry.value))
        else {
            tracing::error!("the settings of a room cannot be read and are left out");
            continue;
        };
        rooms.push(Room::of(room, Some(&settings), None, base));
    }
    for summary in meeting {
        match rooms.iter_mut().find(|room| room.room == summary.room) {
            Some(room) => room.live = Some(summary.into()),
            None => rooms.push(Room::of(summary.room.clone(), None, Some(summary.into()), base)),
        }
    }
    Page::of(rooms, request, |room| room.room.to_string())
}

/// Sets a room up before anybody is in it. Nothing is needed for a room without rules: it exists while somebody is in it.
#[utoipa::path(
    post,
    path = "/rooms",
    tag = "rooms",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless.", min_length = 1, max_length = 255)),
    request_body = NewRoom,
    responses(
        (status = 201, description = "The room.", body = Room),
        Authorized,
        Counted,
        WithBody,
        Once,
    ),
)]
pub(super) async fn create_room(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(bearer): Extension<ApiBearer>,
    headers: HeaderMap,
    Body(new): Body<NewRoom>,
) -> Result<(StatusCode, Json<Room>), Problem> {
    check(&new.policy)?;
    let room = new.room.unwrap_or_else(|| RoomId::from_random(rand::random()));
    let settings = RoomSettings { policy: new.policy, created_at: now(), key: Some(bearer.key) };
    kept_rooms::change(&app, &room, |kept| match kept {
        Some(_) => Err(Problem::conflict("A room of this name was set up before. Set its policy instead.")),
        None => Ok(Some(settings.clone())),
    })
    .await?;
    apply(&app, &room, settings.policy).await?;
    let live = live(&app, &room).await?;
    let base = base(&app, peer, &headers);
    Ok((StatusCode::CREATED, Json(Room::of(room, Some(&settings), live, &base))))
}

/// Tells a meeting its rules, if there is one.
async fn apply(app: &App, room: &RoomId, policy: Policy) -> Result<(), Problem> {
    match app.room_control.set_policy(room, policy).await {
        Ok(()) | Err(ControlError::NoSuchRoom | ControlError::Detached) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Tells what is set for a room and who meets in it.
#[utoipa::path(
    get,
    path = "/rooms/{room}",
    tag = "rooms",
    params(RoomPath),
    responses(
        (status = 200, description = "The room.", body = Room),
        (status = 404, description = "Nobody set it up, and nobody is in it.", body = Problem, content_type = "application/problem+json"),
        Authorized,
    ),
)]
pub(super) async fn read_room(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    InPath(RoomPath { room }): InPath<RoomPath>,
) -> Result<Json<Room>, Problem> {
    let settings = settings::load(&*app.store, &room, now()).await?;
    let live = live(&app, &room).await?;
    if settings.is_none() && live.is_none() {
        return Err(Problem::not_found("Nobody set this room up, and nobody is in it."));
    }
    let base = base(&app, peer, &headers);
    Ok(Json(Room::of(room, settings.as_ref(), live, &base)))
}

/// Forgets what is set for a room: it is as one that nobody set up. A meeting that goes on keeps its rules.
#[utoipa::path(
    delete,
    path = "/rooms/{room}",
    tag = "rooms",
    params(RoomPath),
    responses(
        (status = 204, description = "Nothing is set for it. Also when nothing ever was."),
        (status = 404, description = "This is no room's name.", body = Problem, content_type = "application/problem+json"),
        Authorized,
    ),
)]
pub(super) async fn forget_room(
    State(app): State<Arc<App>>,
    InPath(RoomPath { room }): InPath<RoomPath>,
) -> Result<StatusCode, Problem> {
    kept_rooms::change(&app, &room, |_| Ok(None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets all the rules of a room, for the meeting that goes on and for later ones.
#[utoipa::path(
    put,
    path = "/rooms/{room}/policy",
    tag = "rooms",
    params(RoomPath),
    request_body = Policy,
    responses(
        (status = 200, description = "The rules.", body = Policy),
        (status = 404, description = "This is no room's name.", body = Problem, content_type = "application/problem+json"),
        Authorized,
        Counted,
        WithBody,
    ),
)]
pub(super) async fn set_policy(
    State(app): State<Arc<App>>,
    Extension(bearer): Extension<ApiBearer>,
    InPath(RoomPath { room }): InPath<RoomPath>,
    Body(policy): Body<Policy>,
) -> Result<Json<Policy>, Problem> {
    check(&policy)?;
    kept_rooms::change(&app, &room, |kept| {
        let (created_at, key) = match kept {
            Some(Kept { settings: Some(before), .. }) => (before.created_at, before.key.clone()),
            // Rules that cannot be read keep everybody out; new ones take their place.
            Some(Kept { settings: None, .. }) => (now(), None),
            None => (now(), Some(bearer.key.clone())),
        };
        Ok(Some(RoomSettings { policy, created_at, key }))
    })
    .await?;
    apply(&app, &room, policy).await?;
    Ok(Json(policy))
}

/// Ends the meeting in a room: everybody is sent out. What is set for the room stays.
#[utoipa::path(
    post,
    path = "/rooms/{room}/end",
    tag = "rooms",
    params(
        RoomPath,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless.", min_length = 1, max_length = 255),
    ),
    responses(
        (status = 204, description = "It is over."),
        Authorized,
        Once,
        OfLiveRooms,
    ),
)]
pub(super) async fn end_room(
    State(app): State<Arc<App>>,
    InPath(RoomPath { room }): InPath<RoomPath>,
) -> Result<StatusCode, Problem> {
    app.room_control.end(&room, EndReason::Operator).await?;
    Ok(StatusCode::NO_CONTENT)
}
