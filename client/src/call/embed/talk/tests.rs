use shared::DisplayName;
use shared::embed::{Command, Origin, Participant, decode_command};

use super::super::{Identity, Situation, Watcher, decide};
use super::*;
use crate::call::background::Background;
use crate::call::devices_view_model::Devices;
use crate::call::gathering::KnockView;

const BO: &str = "0000000000000002";
const PEER: PeerId = PeerId::new(2);

fn bo() -> Participant {
    Participant {
        participant_id: BO.to_owned(),
        display_name: "Bo".to_owned(),
        is_local: false,
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

fn meeting() -> Observation {
    Observation {
        stage: Stage::Joined,
        connection: ConnectionStatus::Connected,
        others: vec![bo()],
        ..Observation::default()
    }
}

fn host() -> Gathering {
    let knocks = vec![KnockView { knock: 7, name: "Cy".to_owned() }];
    Gathering { is_offered: true, is_host: true, may_chat: true, knocks, ..Gathering::default() }
}

fn guest() -> Gathering {
    Gathering { is_offered: true, may_chat: true, ..Gathering::default() }
}

fn decided(seen: Observation, gathering: &Gathering, name: &str, data: &str) -> Result<Act, ErrorCode> {
    let mut watcher = Watcher::default();
    watcher.observe(seen, &Identity::default());
    decided_by(&watcher, gathering, name, data)
}

fn decided_by(watcher: &Watcher, gathering: &Gathering, name: &str, data: &str) -> Result<Act, ErrorCode> {
    let ada = DisplayName::new("Ada").unwrap();
    let situation = Situation {
        watcher,
        devices: &Devices::default(),
        background: Background::Real,
        background_origin: Origin::Participant,
        name: Some(&ada),
        gathering,
    };
    let text = format!(r#"{{"v":1,"id":1,"kind":"command","name":"{name}","data":{data}}}"#);
    match decide(decode_command(&text).unwrap().command, situation) {
        Ok(Action::Act(act)) => Ok(act),
        Ok(other) => panic!("{other:?}"),
        Err(failure) => Err(failure.code),
    }
}

/// Every command for hosts, and what it asks of the server.
fn of_hosts() -> Vec<(&'static str, String, Moderation)> {
    let about = |more: &str| format!(r#"{{"participantId":"{BO}"{more}}}"#);
    let (peer, microphone, camera) = (PEER, SourceKind::Microphone, SourceKind::Camera);
    let locked = Policy { locked: true, ..Policy::default() };
    let strict = Policy { waiting_room: true, chat: Audience::Hosts, ..Policy::default() };
    let passcode = Some("open sesame".to_owned());
    let message = Some("At ten.".to_owned());
    vec![
        ("muteParticipant", about(""), Moderation::Mute { peer, kind: microphone }),
        ("muteAll", "null".to_owned(), Moderation::MuteAll),
        ("askToUnmute", about(""), Moderation::AskToUnmute { peer, kind: microphone }),
        ("stopParticipantVideo", about(""), Moderation::Mute { peer, kind: camera }),
        ("askToStartVideo", about(""), Moderation::AskToUnmute { peer, kind: camera }),
        ("stopParticipantScreenShare", about(""), Moderation::Mute { peer, kind: SourceKind::Screen }),
        ("lowerHand", about(""), Moderation::LowerHand { peer }),
        ("lowerHand", "{}".to_owned(), Moderation::LowerAllHands),
        ("removeParticipant", about(""), Moderation::Remove { peer, ban: false }),
        ("removeParticipant", about(r#","ban":true"#), Moderation::Remove { peer, ban: true }),
        ("setHost", about(r#","host":true"#), Moderation::SetHost { peer, host: true }),
        ("admit", r#"{"knock":7}"#.to_owned(), Moderation::Admit { knock: 7 }),
        ("admit", "{}".to_owned(), Moderation::AdmitAll),
        ("deny", r#"{"knock":7,"message":"At ten."}"#.to_owned(), Moderation::Deny { knock: 7, message }),
        ("setLocked", r#"{"locked":true}"#.to_owned(), Moderation::SetPolicy { policy: locked }),
        (
            "setPolicy",
            r#"{"policy":{"waitingRoom":true,"chat":"hosts"}}"#.to_owned(),
            Moderation::SetPolicy { policy: strict },
        ),
        ("setPasscode", r#"{"passcode":"open sesame"}"#.to_owned(), Moderation::SetPasscode { passcode }),
        ("endMeeting", "null".to_owned(), Moderation::End),
    ]
}

#[test]
fn a_host_s_page_does_what_the_host_can_do() {
    for (name, data, moderation) in of_hosts() {
        assert_eq!(decided(meeting(), &host(), name, &data), Ok(Act::Moderate(moderation)), "{name} {data}");
    }
}

#[test]
fn a_page_of_somebody_who_does_not_lead_is_told_so() {
    for (name, data, _) in of_hosts() {
        assert!(Command::NAMES.contains(&name));
        assert_eq!(decided(meeting(), &guest(), name, &data), Err(ErrorCode::NotAllowed), "{name}");
        let lobby = Observation::default();
        assert_eq!(decided(lobby, &host(), name, &data), Err(ErrorCode::WrongStage), "{name}");
        let offline = Observation { connection: ConnectionStatus::Offline, ..meeting() };
        assert_eq!(decided(offline, &host(), name, &data), Err(ErrorCode::WrongStage), "{name}");
        let old = Gathering::default();
        assert_eq!(decided(meeting(), &old, name, &data), Err(ErrorCode::Unsupported), "{name}");
    }
}

#[test]
fn who_is_not_there_cannot_be_named() {
    let stranger = r#"{"participantId":"000000000000000f"}"#;
    for name in ["muteParticipant", "removeParticipant", "lowerHand"] {
        assert_eq!(decided(meeting(), &host(), name, stranger), Err(ErrorCode::NotFound), "{name}");
    }
    for name in ["admit", "deny"] {
        assert_eq!(decided(meeting(), &host(), name, r#"{"knock":8}"#), Err(ErrorCode::NotFound), "{name}");
    }
    let private = r#"{"text":"Psst","participantId":"000000000000000f"}"#;
    assert_eq!(decided(meeting(), &guest(), "sendChat", private), Err(ErrorCode::NotFound));
}

#[test]
fn a_line_goes_to_everybody_or_to_one_as_far_as_the_person_may() {
    let (to_all, to_bo) = (r#"{"text":"Hi"}"#, format!(r#"{{"text":"Hi","participantId":"{BO}"}}"#));
    let write = |to| Ok(Act::Write { to, text: "Hi".to_owned() });
    assert_eq!(decided(meeting(), &guest(), "sendChat", to_all), write(None));
    assert_eq!(decided(meeting(), &guest(), "sendChat", &to_bo), write(Some(PEER)));
    let silent = Gathering { may_chat: false, ..guest() };
    assert_eq!(decided(meeting(), &silent, "sendChat", to_all), Err(ErrorCode::NotAllowed));
    assert_eq!(decided(meeting(), &silent, "sendChat", &to_bo), Err(ErrorCode::NotAllowed));
    let under_bo = Gathering { hosts: vec![PEER], ..silent };
    assert_eq!(decided(meeting(), &under_bo, "sendChat", &to_bo), write(Some(PEER)));
    // What is written without a connection waits for one.
    let offline = Observation { connection: ConnectionStatus::Reconnecting, ..meeting() };
    assert_eq!(decided(offline, &guest(), "sendChat", to_all), write(None));
}

#[test]
fn reactions_are_known_with_and_without_the_mark_for_colours() {
    for (text, reaction) in [("👍", Reaction::ThumbsUp), ("❤️", Reaction::Heart), ("❤", Reaction::Heart)]
    {
        let data = format!(r#"{{"reaction":"{text}"}}"#);
        assert_eq!(decided(meeting(), &guest(), "sendReaction", &data), Ok(Act::React(reaction)), "{text}");
    }
    assert_eq!(
        decided(meeting(), &guest(), "sendReaction", r#"{"reaction":"🦀"}"#),
        Err(ErrorCode::NotFound)
    );
    let hand = decided(meeting(), &guest(), "setHandRaised", r#"{"raised":true}"#);
    assert_eq!(hand, Ok(Act::RaiseHand(true)));
}

#[test]
fn a_change_of_rules_builds_on_the_one_before_it() {
    // Whoever made it, the page or the person at the switches: it has not come back yet.
    let locked = Policy { locked: true, ..Policy::default() };
    let gathering = Gathering { wanted_policy: locked, ..host() };
    let policy = Policy { waiting_room: true, ..locked };
    let decided = decided(meeting(), &gathering, "setPolicy", r#"{"policy":{"waitingRoom":true}}"#);
    assert_eq!(decided, Ok(Act::Moderate(Moderation::SetPolicy { policy })));
}
