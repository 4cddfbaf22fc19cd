use leptos::prelude::*;
use shared::RoomId;

use super::ended::Ended;
use super::lobby::Lobby;
use super::meeting::Meeting;
use crate::session::{self, Embedding, EndReason, LocalMedia, Place, Start};

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
        Stage::Meeting(start) => view! { <Meeting start=start media=media ended=end.clone() /> }.into_any(),
        Stage::Ended(reason) => view! { <Ended reason=reason rejoin=rejoin /> }.into_any(),
    }
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
