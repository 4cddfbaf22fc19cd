use super::*;
use crate::call::chat::{LineView, OwnLineView};
use crate::call::links::pieces;

fn identity() -> Identity {
    Identity { external_id: Some("u-7".to_owned()), metadata: Some("{}".to_owned()) }
}

fn line(id: u32, number: Option<u32>, text: &str) -> LineView {
    LineView {
        id,
        at_s: 0,
        peer: PeerId::new(1),
        author: "Ada".to_owned(),
        is_own: number.is_some(),
        number,
        continues: false,
        private_with: None,
        pieces: pieces(text),
    }
}

fn own(number: u32, text: &str) -> OwnLineView {
    OwnLineView { number, text: text.to_owned(), problem: None }
}

fn texts(events: Vec<Event>) -> Vec<String> {
    let text = |event| {
        let Event::ChatMessageReceived { text, external_id, .. } = event else { panic!("{event:?}") };
        assert_eq!(external_id.as_deref(), Some("u-7"));
        text
    };
    events.into_iter().map(text).collect()
}

#[test]
fn an_own_line_is_told_once_when_it_has_arrived() {
    let mut lines = OwnLines::default();
    // From before a reload: history, no news.
    let history = line(1, Some(1), "before");
    let mut next = |lines_now: &[LineView], own_now: &[OwnLineView]| {
        let chat = ChatView { lines: lines_now.to_vec(), own: own_now.to_vec() };
        texts(lines.arrived(&chat, &identity()))
    };
    assert!(next(std::slice::from_ref(&history), &[]).is_empty());
    assert!(next(std::slice::from_ref(&history), &[own(2, "Hello"), own(3, "lost")]).is_empty());
    let arrived = [history, line(2, Some(2), "Hello")];
    assert_eq!(next(&arrived, &[own(3, "lost")]), ["Hello"]);
    // The other one was withdrawn.
    assert!(next(&arrived, &[]).is_empty());
}

fn person(id: &str, is_local: bool) -> Participant {
    Participant {
        participant_id: id.to_owned(),
        display_name: id.to_owned(),
        is_local,
        audio: true,
        video: true,
        screen_share: false,
        reconnecting: false,
        hand_raised: false,
        host: false,
        external_id: is_local.then(|| "u-7".to_owned()),
        metadata: None,
    }
}

#[test]
fn hands_and_hosts_are_told_with_what_the_page_gave_for_the_person() {
    let before = Observation {
        me: Some(person("me", true)),
        others: vec![person("bo", false)],
        ..Observation::default()
    };
    assert_eq!(roles(&before, &before), []);
    let mut now = before.clone();
    now.me.as_mut().unwrap().hand_raised = true;
    now.others[0].host = true;
    // Who has just come is told by that.
    now.others.push(Participant { host: true, ..person("cy", false) });
    let host =
        Event::HostChanged { participant_id: "bo".to_owned(), host: true, external_id: None, metadata: None };
    let hand = Event::HandRaiseChanged {
        participant_id: "me".to_owned(),
        raised: true,
        external_id: Some("u-7".to_owned()),
        metadata: None,
    };
    assert_eq!(roles(&before, &now), [host, hand]);
    let reaction = reacted(PeerId::new(3), Reaction::Clap, &now);
    assert!(
        matches!(&reaction, Event::ReactionReceived { reaction, external_id: None, .. } if reaction == "👏")
    );
}

#[test]
fn who_begins_to_wait_and_who_stops_is_told() {
    let waiting = |knock| WaitingPerson { knock, display_name: format!("Guest {knock}") };
    let came = Event::KnockReceived { knock: 2, display_name: "Guest 2".to_owned() };
    assert_eq!(knocks(&[waiting(1)], &[waiting(2)]), [came, Event::KnockEnded { knock: 1 }]);
    assert_eq!(knocks(&[waiting(1)], &[waiting(1)]), []);
}

#[test]
fn other_rules_are_told_and_the_first_ones_are_not() {
    let (open, locked) = (Policy::default(), Policy { locked: true, ..Policy::default() });
    assert_eq!(policy(None, Some(open)), None);
    assert_eq!(policy(Some(open), Some(open)), None);
    assert_eq!(policy(Some(open), Some(locked)), Some(Event::PolicyChanged { policy: told(&locked) }));
}

#[test]
fn what_a_host_does_names_the_host_where_they_are_known() {
    let bo = DisplayName::new("Bo").unwrap();
    let Event::Moderated { action, by, external_id, .. } =
        silenced(SourceKind::Camera, Some(&bo), &identity())
    else {
        panic!()
    };
    assert_eq!(
        (action, by.as_deref(), external_id.as_deref()),
        (ModerationAction::VideoStopped, Some("Bo"), Some("u-7"))
    );
    let question = asked(SourceKind::Microphone, None, &Identity::default());
    assert!(matches!(question, Event::Moderated { action: ModerationAction::AskedToUnmute, by: None, .. }));
}

#[test]
fn what_is_said_is_told_once_it_is_final() {
    use shared::caption::{CaptionCue, CaptionText, LanguageTag};
    let said = |is_final| Caption {
        feeder: 1,
        cue: CaptionCue {
            segment: 1,
            speaker: Some(PeerId::new(2)),
            name: DisplayName::new("Bo").ok(),
            language: LanguageTag::new("en").ok(),
            text: CaptionText::new("Good morning").unwrap(),
            is_final,
        },
    };
    assert_eq!(captioned(&said(false)), None);
    let told = Event::CaptionReceived {
        participant_id: Some("0000000000000002".to_owned()),
        display_name: Some("Bo".to_owned()),
        text: "Good morning".to_owned(),
        language: Some("en".to_owned()),
    };
    assert_eq!(captioned(&said(true)), Some(told));
}
