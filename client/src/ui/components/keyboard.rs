use leptos::prelude::*;

use super::control_bar::{OpenParts, Panel};
use crate::call::capture_problem::Device;
use crate::call::shortcut::{KeyPress, Shortcut, Talk, shortcut, talk};
use crate::session::{self, Act, LocalMedia, MeetingHandle};

/// Lets keys act as long as the reactive owner lives in which it is called.
pub(crate) fn listen_to_keys(meeting: MeetingHandle, media: LocalMedia, open: OpenParts) {
    let talking = StoredValue::new(false);
    let stop_talking = move || {
        if talking.try_get_value() == Some(true) {
            talking.set_value(false);
            media.set(Device::Microphone, false);
        }
    };
    let keys = session::on_key(move |press| {
        // What lies over everything takes all keys; the browser closes it on Escape.
        if open.help.get_untracked() {
            return close_help(press, open);
        }
        match talk(press, talking.get_value(), media.microphone.get_untracked().on) {
            Some(Talk::Begins) => {
                talking.set_value(true);
                media.set(Device::Microphone, true);
                true
            }
            Some(Talk::GoesOn) => true,
            Some(Talk::Ends) => {
                stop_talking();
                true
            }
            None => shortcut(press).is_some_and(|shortcut| act(shortcut, meeting, media, open)),
        }
    });
    // The key may come up over another window, which nobody tells us.
    let blur = session::on_blur(stop_talking);
    StoredValue::new_local((keys, blur));
}

fn close_help(press: KeyPress<'_>, open: OpenParts) -> bool {
    let is_help = shortcut(press) == Some(Shortcut::Help);
    if is_help {
        open.help.set(false);
    }
    is_help
}

/// Whether the browser shall do nothing with the key.
fn act(shortcut: Shortcut, meeting: MeetingHandle, media: LocalMedia, open: OpenParts) -> bool {
    let stage = meeting.signals.stage;
    let talk = meeting.signals.talk;
    let (is_offered, is_hand_raised) =
        talk.gathering.with_untracked(|gathering| (gathering.is_offered, gathering.is_hand_raised));
    match shortcut {
        Shortcut::Chat if is_offered => open.toggle(Panel::Chat),
        Shortcut::Reactions if is_offered => open.reactions.update(|is_open| *is_open = !*is_open),
        Shortcut::Hand if is_offered => meeting.act(Act::RaiseHand(!is_hand_raised)),
        Shortcut::Chat | Shortcut::Reactions | Shortcut::Hand => return false,
        Shortcut::Microphone => media.toggle(Device::Microphone),
        Shortcut::Camera => media.toggle(Device::Camera),
        // Who is heard anyway presses the key for nothing.
        Shortcut::Talk => return false,
        Shortcut::People => open.toggle(Panel::People),
        Shortcut::Captions => meeting.toggle_captions(),
        Shortcut::Share if session::can_share() => media.screen.toggle(),
        Shortcut::Layout => open.layout.update(|is_open| *is_open = !*is_open),
        Shortcut::PreviousPage => stage.turn_page(false),
        Shortcut::NextPage => stage.turn_page(true),
        Shortcut::FullScreen if session::can_fill_screen() => session::toggle_full_screen(),
        Shortcut::Float if session::can_float() => stage.toggle_floating(),
        Shortcut::Share | Shortcut::FullScreen | Shortcut::Float => return false,
        Shortcut::Help => open.help.set(true),
        Shortcut::Close => open.close_all(),
    }
    true
}
