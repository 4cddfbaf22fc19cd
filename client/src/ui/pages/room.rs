use leptos::prelude::*;
use shared::RoomId;

use super::ended::Ended;
use super::lobby::Lobby;
use super::meeting::Meeting;
use crate::session::{self, EndReason, LocalMedia, Start};

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
    let media = LocalMedia::new();
    let stage = RwSignal::new(first_stage(&room, media));
    let join = move |start: Start| stage.set(Stage::Meeting(start));
    let end = move |reason: EndReason| {
        stage.try_set(Stage::Ended(reason));
    };
    let rejoin = move || stage.set(Stage::Lobby);
    move || match stage.get() {
        Stage::Lobby => view! { <Lobby room=room.clone() media=media join=join /> }.into_any(),
        Stage::Meeting(start) => view! { <Meeting start=start media=media ended=end /> }.into_any(),
        Stage::Ended(reason) => view! { <Ended reason=reason rejoin=rejoin /> }.into_any(),
    }
}

/// A reloaded page goes on where it was; everybody else comes through the lobby.
fn first_stage(room: &RoomId, media: LocalMedia) -> Stage {
    let (Some(seat), Some(name)) = (session::take_seat(room), session::recent_name()) else {
        return Stage::Lobby;
    };
    media.start(seat.media);
    Stage::Meeting(Start { room: room.clone(), name, media: seat.media, resume: Some(seat.token) })
}
