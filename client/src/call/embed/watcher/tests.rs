use shared::embed::{ConnectionStatus, NetworkQuality, WaitingPerson};

use super::*;

fn person(id: &str, is_local: bool) -> Participant {
    Participant {
        participant_id: id.to_owned(),
        display_name: format!("Name of {id}"),
        is_local,
        audio: true,
        video: true,
        screen_share: false,
        reconnecting: false,
        hand_raised: false,
        host: false,
        external_id: None,
        metadata: None,
    }
}

/// In the meeting, microphone on, camera off, with these others.
fn meeting(others: &[&str]) -> Observation {
    Observation {
        stage: Stage::Joined,
        room: "abc-defg-hjk".to_owned(),
        me: Some(person("me", true)),
        others: others.iter().map(|id| person(id, false)).collect(),
        audio: SourceState::succeeded(true),
        connection: ConnectionStatus::Connected,
        quality: NetworkQuality::Good,
        ..Observation::default()
    }
}

fn watching(first: Observation) -> Watcher {
    let mut watcher = Watcher::default();
    watcher.observe(first, &Identity::default());
    watcher
}

fn next(watcher: &mut Watcher, now: Observation) -> Vec<Event> {
    watcher.observe(now, &Identity::default())
}

fn muted(mut observation: Observation) -> Observation {
    observation.audio = SourceState::succeeded(false);
    observation
}

fn audio(active: bool, origin: Origin) -> Vec<Event> {
    vec![Event::MediaAudioStatusChanged { active, origin }]
}

#[test]
fn entering_is_told_once_with_everybody_who_is_there() {
    let mut watcher = Watcher::default();
    let joining = Observation { stage: Stage::Joining, ..Observation::default() };
    assert_eq!(next(&mut watcher, joining), []);
    let events = next(&mut watcher, meeting(&["ada"]));
    let Event::MeetingJoined { participant, others, .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!((participant.participant_id.as_str(), others[0].participant_id.as_str()), ("me", "ada"));
    assert_eq!(next(&mut watcher, meeting(&["ada"])), []);
    assert_eq!(watcher.catch_up(), events[..1]);
    let knocks = vec![WaitingPerson { knock: 7, display_name: "Cy".to_owned() }];
    next(&mut watcher, Observation { knocks, ..meeting(&["ada"]) });
    let came = Event::KnockReceived { knock: 7, display_name: "Cy".to_owned() };
    assert_eq!(watcher.catch_up(), [events[0].clone(), came]);
}

#[test]
fn another_seat_after_a_lost_connection_is_another_entry() {
    let mut watcher = watching(meeting(&[]));
    let mut anew = meeting(&[]);
    anew.me = Some(person("me-again", true));
    assert!(matches!(next(&mut watcher, anew)[..], [Event::MeetingJoined { .. }]));
}

#[test]
fn a_switch_of_the_person_and_one_of_the_page_are_told_apart() {
    let mut watcher = watching(meeting(&[]));
    assert_eq!(next(&mut watcher, muted(meeting(&[]))), audio(false, Origin::Participant));
    watcher.expect(Expected::Audio(true), Origin::Page);
    assert_eq!(next(&mut watcher, meeting(&[])), audio(true, Origin::Page));
    assert_eq!(next(&mut watcher, muted(meeting(&[]))), audio(false, Origin::Participant));
}

#[test]
fn a_command_that_changes_nothing_is_not_blamed_for_what_comes_later() {
    let mut watcher = watching(meeting(&[]));
    watcher.expect(Expected::Audio(true), Origin::Page);
    assert_eq!(next(&mut watcher, muted(meeting(&[]))), audio(false, Origin::Participant));
    assert_eq!(next(&mut watcher, meeting(&[])), audio(true, Origin::Participant));
}

#[test]
fn the_latest_command_counts() {
    let mut watcher = watching(muted(meeting(&[])));
    watcher.expect(Expected::Audio(true), Origin::Page);
    watcher.expect(Expected::Audio(false), Origin::Page);
    // The person switches it on themselves.
    assert_eq!(next(&mut watcher, meeting(&[])), audio(true, Origin::Participant));
}

#[test]
fn before_the_meeting_switching_is_no_event_and_uses_the_expectation_up() {
    let mut watcher = Watcher::default();
    watcher.expect(Expected::Audio(true), Origin::Page);
    let lobby = Observation { audio: SourceState::succeeded(true), ..Observation::default() };
    assert_eq!(next(&mut watcher, lobby), []);
    next(&mut watcher, meeting(&[]));
    next(&mut watcher, muted(meeting(&[])));
    assert_eq!(next(&mut watcher, meeting(&[])), audio(true, Origin::Participant));
}

#[test]
fn a_device_that_fails_is_an_error_and_the_system_s_doing() {
    let mut watcher = watching(meeting(&[]));
    let mut failed = meeting(&[]);
    failed.audio = SourceState::failed(CaptureProblem::NotFound);
    let events = next(&mut watcher, failed.clone());
    assert!(
        matches!(events[0], Event::ErrorOccurred { code: ProblemCode::MicrophoneFailed, .. }),
        "{events:?}"
    );
    assert_eq!(events[1..], audio(false, Origin::System));
    assert_eq!(next(&mut watcher, failed), []);
    let refused = SourceState::failed(CaptureProblem::Refused);
    let event = problem(Device::Camera, SourceState::default(), refused);
    assert!(matches!(event, Some(Event::ErrorOccurred { code: ProblemCode::CameraRefused, .. })));
}

#[test]
fn a_screen_and_a_layout_are_told_with_their_origin() {
    let shown = |screen, layout| Observation { screen, layout: Some(layout), ..meeting(&[]) };
    let mut watcher = watching(shown(false, LayoutName::Auto));
    watcher.expect(Expected::Layout(LayoutName::Speaker), Origin::Page);
    assert_eq!(
        next(&mut watcher, shown(true, LayoutName::Speaker)),
        [
            Event::ScreenShareStatusChanged { active: true, origin: Origin::Participant },
            Event::LayoutChanged { layout: LayoutName::Speaker, origin: Origin::Page },
        ]
    );
    // The page that is left shows nothing any more: that is no other layout.
    assert_eq!(next(&mut watcher, meeting(&[])).len(), 1);
}

#[test]
fn who_comes_changes_and_goes_is_told_with_the_reason() {
    let mut watcher = watching(meeting(&["ada"]));
    let events = next(&mut watcher, meeting(&["ada", "bob"]));
    assert!(
        matches!(&events[..], [Event::ParticipantJoined { participant }] if participant.participant_id == "bob")
    );
    let mut changed = meeting(&["ada", "bob"]);
    changed.others[0].audio = false;
    let events = next(&mut watcher, changed);
    assert!(matches!(&events[..], [Event::ParticipantUpdated { participant }] if !participant.audio));
    watcher.departs("ada".to_owned(), ParticipantLeaveReason::TimedOut);
    let left = |event: Event| {
        let Event::ParticipantLeft { participant, reason } = event else { panic!("{event:?}") };
        (participant.participant_id, reason)
    };
    let reasons: Vec<_> = next(&mut watcher, meeting(&[])).into_iter().map(left).collect();
    let expected = [("ada", ParticipantLeaveReason::TimedOut), ("bob", ParticipantLeaveReason::Unknown)];
    assert_eq!(reasons, expected.map(|(id, reason)| (id.to_owned(), reason)));
}

#[test]
fn a_new_name_is_told_as_such() {
    let mut watcher = watching(meeting(&["ada"]));
    let mut renamed = meeting(&["ada"]);
    renamed.others[0].display_name = "Ada L.".to_owned();
    watcher.expect(Expected::Name("Me".to_owned()), Origin::Page);
    renamed.me.as_mut().unwrap().display_name = "Me".to_owned();
    let changed = |event: Event| {
        let Event::DisplayNameChanged { display_name, origin, .. } = event else { panic!("{event:?}") };
        (display_name, origin)
    };
    let names: Vec<_> = next(&mut watcher, renamed).into_iter().map(changed).collect();
    assert_eq!(names, [("Ada L.".to_owned(), Origin::Participant), ("Me".to_owned(), Origin::Page)]);
}

#[test]
fn whoever_speaks_keeps_the_word_until_they_stop() {
    let mut watcher = watching(meeting(&["ada", "bob"]));
    let speaking = |ids: &[&str]| Observation {
        speaking: ids.iter().map(|id| (*id).to_owned()).collect(),
        ..meeting(&["ada", "bob"])
    };
    let speaker =
        |id: Option<&str>| vec![Event::ActiveSpeakerChanged { participant_id: id.map(str::to_owned) }];
    assert_eq!(next(&mut watcher, speaking(&["bob"])), speaker(Some("bob")));
    assert_eq!(next(&mut watcher, speaking(&["ada", "bob"])), []);
    assert_eq!(next(&mut watcher, speaking(&["ada"])), speaker(Some("ada")));
    assert_eq!(next(&mut watcher, speaking(&[])), speaker(None));
}

#[test]
fn the_connection_is_told_while_there_is_one() {
    let mut watcher = watching(meeting(&[]));
    let lost = Observation {
        connection: ConnectionStatus::Reconnecting,
        quality: NetworkQuality::Lost,
        ..meeting(&[])
    };
    assert_eq!(
        next(&mut watcher, lost),
        [
            Event::ConnectionStatusChanged { status: ConnectionStatus::Reconnecting },
            Event::NetworkQualityChanged { quality: NetworkQuality::Lost },
        ]
    );
    assert_eq!(next(&mut watcher, Observation::default()), []);
}

#[test]
fn the_end_says_who_wanted_it_and_gives_back_what_the_page_gave() {
    let end = |reason| Observation {
        stage: Stage::Ended,
        end: Some(End { reason, sentence: "Over.".to_owned() }),
        ..Observation::default()
    };
    let identity = Identity { external_id: Some("u-7".to_owned()), metadata: Some("{}".to_owned()) };
    let check = |reason, page_asked: bool, wanted: Origin| {
        let mut watcher = watching(meeting(&["ada"]));
        if page_asked {
            watcher.expect(Expected::Leave, Origin::Page);
        }
        let events = watcher.observe(end(reason), &identity);
        let [Event::MeetingLeft { origin, external_id, metadata, .. }] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!(*origin, wanted, "{reason:?}");
        assert_eq!((external_id, metadata), (&identity.external_id, &identity.metadata));
        assert_eq!(watcher.observe(end(reason), &identity), []);
    };
    check(LeaveReason::Left, false, Origin::Participant);
    check(LeaveReason::Left, true, Origin::Page);
    check(LeaveReason::Refused, true, Origin::System);
    check(LeaveReason::Removed, false, Origin::Moderator);
}

#[test]
fn departures_that_are_never_seen_do_not_pile_up() {
    let mut watcher = watching(meeting(&[]));
    for number in 0..1000 {
        watcher.departs(number.to_string(), ParticipantLeaveReason::Left);
    }
    assert_eq!(watcher.departures.len(), DEPARTURES_MAX);
}

#[test]
fn a_share_of_the_page_that_the_person_cancels_is_not_blamed_for_the_next_one() {
    let shown = |screen, screen_answers| Observation { screen, screen_answers, ..meeting(&[]) };
    let share = |origin| vec![Event::ScreenShareStatusChanged { active: true, origin }];
    let mut watcher = watching(shown(false, 0));
    watcher.expect(Expected::Screen(true), Origin::Page);
    assert_eq!(next(&mut watcher, shown(false, 0)), []);
    // The person closes the picker, and later shares by themselves.
    assert_eq!(next(&mut watcher, shown(false, 1)), []);
    assert_eq!(next(&mut watcher, shown(true, 2)), share(Origin::Participant));
    next(&mut watcher, shown(false, 2));
    watcher.expect(Expected::Screen(true), Origin::Page);
    assert_eq!(next(&mut watcher, shown(true, 3)), share(Origin::Page));
}

#[test]
fn a_share_that_a_host_ends_is_the_host_s_doing() {
    let shown = |screen| Observation { screen, ..meeting(&[]) };
    let mut watcher = watching(shown(true));
    watcher.expect(Expected::Screen(false), Origin::Moderator);
    assert_eq!(
        next(&mut watcher, shown(false)),
        [Event::ScreenShareStatusChanged { active: false, origin: Origin::Moderator }]
    );
}

#[test]
fn whoever_shows_captions_is_told() {
    let mut watcher = watching(meeting(&[]));
    let shown = |captions| Observation { captions, ..meeting(&[]) };
    let told = |visible, origin| vec![Event::CaptionsVisibilityChanged { visible, origin }];
    assert_eq!(next(&mut watcher, shown(true)), told(true, Origin::Participant));
    watcher.expect(Expected::Captions(false), Origin::Page);
    assert_eq!(next(&mut watcher, shown(false)), told(false, Origin::Page));
    watcher.expect(Expected::Captions(false), Origin::Page);
    assert_eq!(next(&mut watcher, shown(true)), told(true, Origin::Participant), "it was so already");
    assert!(watcher.last().state(None).captions_visible);
}
