//! Who may feed captions, and who gets them.

use shared::caption::{Caption, CaptionCue, CaptionText};

use super::*;

fn cue(segment: u32, speaker: Option<PeerId>, text: &str) -> CaptionCue {
    let text = CaptionText::new(text).unwrap();
    let name = DisplayName::new("Mallory").ok();
    CaptionCue { segment, speaker, name, language: None, text, is_final: true }
}

fn captions(outputs: &[Output], to: ConnectionId) -> Vec<Caption> {
    let told = told(outputs, to).into_iter();
    told.filter_map(|told| if let Told::Caption(caption) = told { Some(caption) } else { None }).collect()
}

impl World {
    /// Somebody who writes captions and whom nobody sees.
    fn captioner(&mut self) -> (PeerId, ConnectionId) {
        let visitor = Visitor { may_caption: true, is_hidden: true, ..self.visitor() };
        self.join_as(visitor)
    }

    fn caption(&mut self, by: ConnectionId, cue: CaptionCue) -> Vec<Output> {
        self.meeting.caption(self.now, by, cue);
        self.outputs()
    }

    fn want(&mut self, who: ConnectionId, wanted: bool) -> Vec<Output> {
        self.meeting.want_captions(self.now, who, wanted);
        self.outputs()
    }
}

#[test]
fn captions_go_to_those_who_want_them_under_the_speakers_own_name() {
    let mut world = World::new();
    let (ada, reader) = world.guest();
    let (_, other) = world.guest();
    let (_, captioner) = world.captioner();
    world.want(reader, true);
    let outputs = world.caption(captioner, cue(1, Some(ada), "Good morning"));
    let [caption] = &captions(&outputs, reader)[..] else { panic!("{outputs:?}") };
    assert_eq!(caption.cue.name.as_ref().map(DisplayName::as_str), Some("Ada"), "whatever the feeder says");
    assert_eq!((outputs.len(), captions(&outputs, other).len()), (1, 0));
    let outputs = world.caption(captioner, cue(2, None, "Good morning"));
    assert_eq!(
        captions(&outputs, reader)[0].cue.name.as_ref().map(DisplayName::as_str),
        Some("Mallory"),
        "of whom nobody knows, what the feeder says"
    );
    world.want(reader, false);
    assert!(world.caption(captioner, cue(3, None, "Good morning")).is_empty());
}

#[test]
fn whose_token_does_not_say_so_feeds_nothing_and_neither_do_hosts() {
    let mut world = World::new();
    let (_, host) = world.host();
    let (_, guest) = world.guest();
    for cheat in [host, guest] {
        world.want(cheat, true);
        let outputs = world.caption(cheat, cue(1, None, "I never said that"));
        assert_eq!(outputs.len(), 1, "{outputs:?}");
        assert!(matches!(refusals(&outputs)[..], [Refusal::NotPossible { request: "caption", .. }]));
    }
}

#[test]
fn nobody_speaks_who_is_not_there_to_be_seen() {
    let mut world = World::new();
    let (_, reader) = world.guest();
    let (hidden, captioner) = world.captioner();
    world.want(reader, true);
    for stranger in [PeerId::new(4711), hidden] {
        let outputs = world.caption(captioner, cue(1, Some(stranger), "Hello"));
        assert!(matches!(refusals(&outputs)[..], [Refusal::NotPossible { request: "caption", .. }]));
        assert!(captions(&outputs, reader).is_empty());
    }
    let key = Feeder::Key("ops".into());
    let fed = world.meeting.feed_caption(world.now, key, cue(1, Some(hidden), "Hello"));
    assert_eq!(fed, Err(CaptionRefusal::NoSuchSpeaker));
}

#[test]
fn a_flood_reaches_nobody_and_another_feeder_is_heard() {
    let mut world = World::new();
    let (_, reader) = world.guest();
    let (_, captioner) = world.captioner();
    world.want(reader, true);
    let mut passed = 0;
    for segment in 0..1000 {
        passed += captions(&world.caption(captioner, cue(segment, None, "x")), reader).len();
    }
    assert_eq!(passed, 40);
    assert_eq!(
        refusals(&world.caption(captioner, cue(1, None, "x"))),
        [Refusal::TooFast { request: "caption" }]
    );
    let key = Feeder::Key("ops".into());
    assert_eq!(world.meeting.feed_caption(world.now, key, cue(1, None, "x")), Ok(()));
    world.pass(2);
    assert!(refusals(&world.caption(captioner, cue(1, None, "x"))).is_empty());
}

#[test]
fn who_switches_them_on_late_gets_the_last_and_a_new_connection_asks_again() {
    let mut world = World::new();
    let (ada, reader) = world.guest();
    let (_, captioner) = world.captioner();
    for segment in 0..9 {
        world.caption(captioner, cue(segment, Some(ada), &format!("{segment}")));
    }
    let texts = |outputs: &[Output], to| {
        let captions = captions(outputs, to).into_iter();
        captions.map(|caption| caption.cue.text.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(texts(&world.want(reader, true), reader), ["4", "5", "6", "7", "8"]);
    assert!(world.want(reader, true).is_empty(), "they are on already");
    let back = Visitor { resume: Some(resume(ada)), ..world.visitor() };
    let connection = back.connection;
    world.enter(back);
    world.meeting.joined(world.now, connection, ada, resume(ada));
    world.outputs();
    assert!(world.caption(captioner, cue(9, None, "9")).is_empty(), "nobody has asked on this connection");
    world.pass(31);
    assert!(world.want(connection, true).is_empty(), "what is old is gone");
}

#[test]
fn captions_are_gone_with_their_meeting() {
    let mut world = World::new();
    let (_, host) = world.host();
    let (_, captioner) = world.captioner();
    world.caption(captioner, cue(1, None, "Goodbye"));
    assert!(!serde_json::to_string(&world.meeting.saved()).unwrap().contains("Goodbye"), "nothing is kept");
    world.moderate(host, Moderation::End);
    let (_, reader) = world.guest();
    assert!(world.want(reader, true).is_empty());
}
