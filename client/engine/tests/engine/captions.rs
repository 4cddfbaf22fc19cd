//! Captions: asked for when they are shown, and only then.

use engine::{Input, Output};
use shared::caption::{Caption, CaptionCue, CaptionText};
use shared::protocol::{ClientMessage, ErrorCode, ServerMessage, Version, Welcome};

use crate::world::{SECOND, World};

pub(crate) fn caption(segment: u32, text: &str) -> Caption {
    let text = CaptionText::new(text).unwrap();
    let cue = CaptionCue { segment, speaker: None, name: None, language: None, text, is_final: true };
    Caption { feeder: 1, cue }
}

fn wishes(world: &World) -> Vec<bool> {
    let wish = |message: &ClientMessage| {
        if let ClientMessage::WantCaptions { wanted } = message { Some(*wanted) } else { None }
    };
    world.said.iter().filter_map(wish).collect()
}

fn shown(world: &World) -> usize {
    world.count(|output| matches!(output, Output::Caption(_)))
}

#[test]
fn nothing_is_said_of_captions_that_nobody_wants() {
    let mut world = World::joined(1);
    world.give(Input::WantCaptions(false));
    world.pass(60 * SECOND);
    world.cut();
    world.pass(10 * SECOND);
    assert!(wishes(&world).is_empty());
}

#[test]
fn captions_are_asked_for_once_and_on_every_connection_anew() {
    let mut world = World::joined(1);
    world.give(Input::WantCaptions(true));
    world.give(Input::WantCaptions(true));
    world.pass(10 * SECOND);
    assert_eq!(wishes(&world), [true]);
    world.forget();
    world.cut();
    world.pass(10 * SECOND);
    assert_eq!(wishes(&world), [true]);
    world.give(Input::WantCaptions(false));
    world.pass(SECOND);
    assert_eq!(wishes(&world), [true, false]);
}

#[test]
fn a_flickering_finger_says_little() {
    let mut world = World::joined(1);
    for number in 0..100 {
        world.give(Input::WantCaptions(number % 2 == 0));
    }
    world.give(Input::WantCaptions(true));
    world.pass(SECOND);
    assert!(wishes(&world).len() <= 3 && wishes(&world).last() == Some(&true), "{:?}", wishes(&world));
}

#[test]
fn a_caption_is_shown_while_captions_are_wanted() {
    let mut world = World::joined(1);
    world.serve(ServerMessage::Caption(caption(1, "Hello")));
    assert_eq!(shown(&world), 0);
    world.give(Input::WantCaptions(true));
    world.serve(ServerMessage::Caption(caption(1, "Hello")));
    assert_eq!(shown(&world), 1);
    world.give(Input::WantCaptions(false));
    world.serve(ServerMessage::Caption(caption(1, "Hello")));
    assert_eq!(shown(&world), 1, "it was on its way");
}

#[test]
fn an_older_server_is_not_asked_for_what_it_does_not_know() {
    let mut world = World::new();
    world.mute.hello = true;
    world.give(Input::WantCaptions(true));
    let ServerMessage::Welcome(welcome) = world.welcome() else { panic!("not a welcome") };
    let version = Version { major: 1, minor: 1 };
    world.serve(ServerMessage::Welcome(Welcome { version, ..welcome }));
    world.pass(10 * SECOND);
    assert!(wishes(&world).is_empty());
}

#[test]
fn a_wish_that_was_not_heard_is_said_again() {
    let mut world = World::joined(1);
    world.give(Input::WantCaptions(true));
    world.fault(ErrorCode::RateLimited, "want_captions");
    world.pass(5 * SECOND);
    assert_eq!(wishes(&world), [true, true]);
}

#[test]
fn what_a_new_connection_brings_again_is_no_news() {
    let mut world = World::joined(1);
    world.give(Input::WantCaptions(true));
    world.serve(ServerMessage::Caption(caption(1, "Hello")));
    world.cut();
    world.pass(10 * SECOND);
    for _ in 0..2 {
        world.serve(ServerMessage::Caption(caption(1, "Hello")));
        world.serve(ServerMessage::Caption(caption(2, "How are you?")));
    }
    assert_eq!(shown(&world), 2);
    world.serve(ServerMessage::Caption(caption(2, "Who are you?")));
    assert_eq!(shown(&world), 3, "it was put right");
    world.give(Input::WantCaptions(false));
    world.give(Input::WantCaptions(true));
    world.serve(ServerMessage::Caption(caption(2, "Who are you?")));
    assert_eq!(shown(&world), 4, "they were switched on anew");
}
