//! The list of people: in which order, and found by a part of the name.

use shared::protocol::Moderation;
use shared::{PeerId, SourceKind};

use super::gathering::Gathering;
use super::tiles::TileView;
use crate::strings::Key;

/// What can be done about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PersonAction {
    /// Writes to them alone.
    Write,
    /// Silences their microphone.
    Mute,
    /// Asks them to switch it on.
    AskToUnmute,
    /// Switches their camera off.
    StopCamera,
    /// Asks them to switch it on.
    AskToStartCamera,
    /// Takes their hand down.
    LowerHand,
    /// Lets them lead the meeting, too.
    MakeHost,
    /// Lets them lead no longer.
    MakeGuest,
    /// Sends them out, after a question.
    Remove,
    /// Sends them out and keeps them out, after a question.
    Ban,
}

impl PersonAction {
    /// What to read.
    pub(crate) const fn text(self) -> Key {
        match self {
            Self::Write => Key::WritePrivately,
            Self::Mute => Key::MutePerson,
            Self::AskToUnmute => Key::AskToUnmutePerson,
            Self::StopCamera => Key::StopCameraOf,
            Self::AskToStartCamera => Key::AskToStartCamera,
            Self::LowerHand => Key::LowerHandOf,
            Self::MakeHost => Key::MakeHost,
            Self::MakeGuest => Key::MakeGuest,
            Self::Remove => Key::RemovePerson,
            Self::Ban => Key::BanPerson,
        }
    }

    /// For `data-testid`: stable, tests depend on it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Write => "write-privately",
            Self::Mute => "mute-person",
            Self::AskToUnmute => "ask-to-unmute",
            Self::StopCamera => "stop-camera",
            Self::AskToStartCamera => "ask-to-start-camera",
            Self::LowerHand => "lower-hand-of",
            Self::MakeHost => "make-host",
            Self::MakeGuest => "make-guest",
            Self::Remove => "remove-person",
            Self::Ban => "ban-person",
        }
    }

    /// What the server is told; nothing for what is none of its business.
    pub(crate) const fn moderation(self, peer: PeerId) -> Option<Moderation> {
        let (microphone, camera) = (SourceKind::Microphone, SourceKind::Camera);
        Some(match self {
            Self::Write => return None,
            Self::Mute => Moderation::Mute { peer, kind: microphone },
            Self::AskToUnmute => Moderation::AskToUnmute { peer, kind: microphone },
            Self::StopCamera => Moderation::Mute { peer, kind: camera },
            Self::AskToStartCamera => Moderation::AskToUnmute { peer, kind: camera },
            Self::LowerHand => Moderation::LowerHand { peer },
            Self::MakeHost => Moderation::SetHost { peer, host: true },
            Self::MakeGuest => Moderation::SetHost { peer, host: false },
            Self::Remove => Moderation::Remove { peer, ban: false },
            Self::Ban => Moderation::Remove { peer, ban: true },
        })
    }
}

/// What the person can do about somebody now, in the order of the menu. Nothing about oneself.
pub(crate) fn actions(tile: &TileView, gathering: &Gathering) -> Vec<PersonAction> {
    if tile.is_self || !gathering.is_offered {
        return Vec::new();
    }
    let mut actions = Vec::new();
    let mut add = |action, is_possible: bool| {
        if is_possible {
            actions.push(action);
        }
    };
    add(PersonAction::Write, gathering.may_write_to(tile.peer));
    if gathering.is_host {
        let leads = gathering.leads(tile.peer);
        add(PersonAction::Mute, tile.microphone);
        add(PersonAction::AskToUnmute, !tile.microphone);
        add(PersonAction::StopCamera, tile.camera);
        add(PersonAction::AskToStartCamera, !tile.camera);
        add(PersonAction::LowerHand, gathering.hand(tile.peer).is_some());
        add(PersonAction::MakeHost, !leads);
        add(PersonAction::MakeGuest, leads);
        add(PersonAction::Remove, true);
        add(PersonAction::Ban, true);
    }
    actions
}

/// Who is listed: raised hands first, the longest raised at the top; then oneself, hosts and the others, each in order of
/// arrival. With a search, only those whose name contains all of its words.
pub(crate) fn listed(tiles: &[TileView], gathering: &Gathering, search: &str) -> Vec<TileView> {
    let words: Vec<String> = search.split_whitespace().map(fold).collect();
    let is_found = |tile: &&TileView| {
        let name = fold(&tile.name);
        words.iter().all(|word| name.contains(word))
    };
    let mut found: Vec<TileView> = tiles.iter().filter(is_found).cloned().collect();
    // Stable: within a group, the order of arrival stays.
    found.sort_by_key(|tile| match gathering.hand(tile.peer) {
        Some(place) => (0, place),
        None if tile.is_self => (1, 0),
        None if gathering.leads(tile.peer) => (2, 0),
        None => (3, 0),
    });
    found
}

/// A text as it is compared: small letters, without accents.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            // Combining marks (Unicode blocks "Combining Diacritical Marks" and their supplement).
            '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' => {}
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            other => folded.push(base(other)),
        }
    }
    folded
}

/// The letter without its accent, for the Latin letters of Europe and Vietnam; other scripts are compared as they are.
fn base(letter: char) -> char {
    match letter {
        'à'..='å'
        | 'ā'
        | 'ă'
        | 'ą'
        | 'ǎ'
        | 'ạ'
        | 'ả'
        | 'ấ'
        | 'ầ'
        | 'ẩ'
        | 'ẫ'
        | 'ậ'
        | 'ắ'
        | 'ằ'
        | 'ẳ'
        | 'ẵ'
        | 'ặ' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẹ' | 'ẻ' | 'ẽ' | 'ế' | 'ề' | 'ể' | 'ễ' | 'ệ' => {
            'e'
        }
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' | 'ħ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ỉ' | 'ị' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö'
        | 'ø'
        | 'ō'
        | 'ŏ'
        | 'ő'
        | 'ơ'
        | 'ọ'
        | 'ỏ'
        | 'ố'
        | 'ồ'
        | 'ổ'
        | 'ỗ'
        | 'ộ'
        | 'ớ'
        | 'ờ'
        | 'ở'
        | 'ỡ'
        | 'ợ' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ŧ' | 'ț' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | 'ụ' | 'ủ' | 'ứ' | 'ừ' | 'ử' | 'ữ' | 'ự' => {
            'u'
        }
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' | 'ỳ' | 'ỵ' | 'ỷ' | 'ỹ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use shared::PeerId;

    use super::*;

    fn tile(number: u64, name: &str, is_self: bool) -> TileView {
        TileView {
            peer: PeerId::new(number),
            name: name.to_owned(),
            is_self,
            microphone: true,
            camera: true,
            speaking: false,
            reconnecting: false,
            slot: None,
            screen: None,
            pause: None,
        }
    }

    fn names(tiles: &[TileView], gathering: &Gathering, search: &str) -> Vec<String> {
        listed(tiles, gathering, search).into_iter().map(|tile| tile.name).collect()
    }

    #[test]
    fn raised_hands_come_first_in_their_order() {
        let tiles = [tile(1, "Bo", false), tile(2, "Cy", false), tile(3, "Di", false), tile(4, "Ada", true)];
        let gathering = Gathering {
            hosts: vec![PeerId::new(2)],
            hands: vec![PeerId::new(3), PeerId::new(1)],
            ..Gathering::default()
        };
        assert_eq!(names(&tiles, &gathering, ""), ["Di", "Bo", "Ada", "Cy"]);
        assert_eq!(names(&tiles, &Gathering::default(), ""), ["Ada", "Bo", "Cy", "Di"]);
    }

    #[test]
    fn guests_can_write_and_hosts_can_do_what_makes_sense_now() {
        let muted = TileView { microphone: false, ..tile(1, "Bo", false) };
        let guest = Gathering { is_offered: true, may_chat: true, ..Gathering::default() };
        assert_eq!(actions(&muted, &guest), [PersonAction::Write]);
        let host = Gathering { is_host: true, hands: vec![PeerId::new(1)], ..guest };
        let possible = actions(&muted, &host);
        for (action, is_possible) in [
            (PersonAction::Mute, false),
            (PersonAction::AskToUnmute, true),
            (PersonAction::StopCamera, true),
            (PersonAction::LowerHand, true),
            (PersonAction::MakeHost, true),
            (PersonAction::MakeGuest, false),
            (PersonAction::Ban, true),
        ] {
            assert_eq!(possible.contains(&action), is_possible, "{action:?}");
        }
        assert_eq!(actions(&tile(4, "Ada", true), &host), []);
        assert_eq!(actions(&muted, &Gathering::default()), [], "an old server knows none of it");
    }

    #[test]
    fn people_are_found_without_their_accents() {
        let tiles = [tile(1, "Zoë Müller", false), tile(2, "Łukasz Straße", false), tile(3, "佐藤", false)];
        let found = |search| names(&tiles, &Gathering::default(), search);
        assert_eq!(found("zoe"), ["Zoë Müller"]);
        assert_eq!(found("mull ZOE"), ["Zoë Müller"]);
        assert_eq!(found("lukasz strasse"), ["Łukasz Straße"]);
        assert_eq!(found("zoe\u{308}"), ["Zoë Müller"]);
        assert_eq!(found("佐"), ["佐藤"]);
        assert_eq!(found("bob"), Vec::<String>::new());
    }
}
