use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::RoomId;

use super::ended::Ended;
use super::loading::{Loading, Unloaded};
use super::lobby::Lobby;
use super::meeting::{MeetingView, meeting_view};
use crate::session::{self, Embedding, EndReason, LocalMedia, Network, NotArrived, Place, Start, Timer};

/// How long the lobby is shown before the meeting is loaded that nobody has asked for yet.
const LOAD_AFTER: Duration = Duration::from_millis(250);

/// Where in a room's page somebody is.
#[derive(Clone)]
enum Stage {
    Lobby,
    Meeting(Start),
    Ended(EndReason),
}

/// Lobby, meeting and its end, at one address.
#[component]
pub(crate) fn Room(room: RoomId) -> impl IntoView {
    session::take_token_of_link(&room);
    let media = LocalMedia::new();
    let embedding = expect_context::<Embedding>();
    let stage = RwSignal::new(first_stage(&room, media, embedding));
    let place = Signal::derive(move || match stage.get() {
        Stage::Lobby => Place::Lobby,
        Stage::Meeting(_) => Place::Meeting,
        Stage::Ended(reason) => Place::Ended(reason),
    });
    let at = room.clone();
    embedding.follow(&room, media, place, move |name| {
        stage.set(Stage::Meeting(Start { room: at.clone(), name, media: media.state(), resume: None }));
    });
    let arrived = load(stage);
    let join = move |start: Start| stage.set(Stage::Meeting(start));
    let this_room = room.clone();
    let end = move |reason: EndReason| {
        if matches!(reason, EndReason::TokenRefused { .. }) {
            session::forget_token(&this_room);
        }
        stage.try_set(Stage::Ended(reason));
    };
    let rejoin = move || stage.set(Stage::Lobby);
    move || match stage.get() {
        Stage::Lobby => view! { <Lobby room=room.clone() media=media join=join /> }.into_any(),
        Stage::Meeting(start) => {
            let ended = end.clone();
            (move || match arrived.get() {
                None => view! { <Loading /> }.into_any(),
                Some(Err(NotArrived)) => view! { <Unloaded /> }.into_any(),
                Some(Ok(show)) => show(start.clone(), media, Box::new(ended.clone())),
            })
            .into_any()
        }
        Stage::Ended(reason) => view! { <Ended reason=reason rejoin=rejoin /> }.into_any(),
    }
}

/// Loads the meeting: at once where it is to be shown, otherwise a little later than the lobby, so that what the lobby has asked
/// for comes first. What does not arrive is asked for again when it is needed, and when there is a network again.
fn load(stage: RwSignal<Stage>) -> RwSignal<Option<Result<MeetingView, NotArrived>>> {
    let arrived = RwSignal::new(None);
    let network = expect_context::<Network>();
    let is_wanted = Memo::new(move |_| stage.with(|stage| matches!(stage, Stage::Meeting(_))));
    let load = move || {
        spawn_local(async move {
            let view = meeting_view().await;
            let is_there = arrived.try_with_untracked(|before| matches!(before, Some(Ok(_))));
            let is_missed = || is_wanted.get_untracked() && network.online.get_untracked();
            if is_there == Some(false) && (view.is_ok() || is_missed()) {
                arrived.set(Some(view));
            }
        });
    };
    Effect::new(move |_| {
        if network.online.get() && is_wanted.get() {
            load();
        }
    });
    StoredValue::new_local(Timer::once(LOAD_AFTER, load));
    arrived
}

/// A reloaded page goes on where it was; the page around a frame may go straight in; everybody else comes through the lobby.
fn first_stage(room: &RoomId, media: LocalMedia, embedding: Embedding) -> Stage {
    let name = embedding.display_name().or_else(session::recent_name);
    let (name, wanted, resume) = match (session::take_seat(room), name, embedding.skips_lobby()) {
        (Some(seat), Some(name), _) => (name, seat.media, Some(seat.token)),
        (_, _, Some(name)) => (name, embedding.first_media(), None),
        (_, _, None) => return Stage::Lobby,
    };
    media.start(wanted);
    Stage::Meeting(Start { room: room.clone(), name, media: wanted, resume })
}
