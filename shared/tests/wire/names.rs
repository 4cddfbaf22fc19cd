//! Identifiers and names: what is accepted, and that logs cannot leak them.

use proptest::prelude::*;
use shared::caption::{CaptionError, CaptionText, LanguageTag};
use shared::identity::IdentityError;
use shared::limits::{
    CAPTION_TEXT_CHARS_MAX, DISPLAY_NAME_CHARS_MAX, LANGUAGE_TAG_BYTES_MAX, ROOM_ID_CHARS_MAX,
    ROOM_ID_CHARS_MIN,
};
use shared::{DisplayName, PeerId, ResumeToken, RoomId};

#[test]
fn room_ids_have_three_to_64_of_their_letters() {
    for text in ["abc", "a-1", "---", "000", &"x".repeat(ROOM_ID_CHARS_MAX)] {
        assert_eq!(RoomId::new(text).unwrap().as_str(), text);
    }
    for got in [0, ROOM_ID_CHARS_MIN - 1, ROOM_ID_CHARS_MAX + 1] {
        assert_eq!(RoomId::new(&"x".repeat(got)), Err(IdentityError::RoomIdLength { got }));
    }
    for (text, found) in
        [("ABC", 'A'), ("ab c", ' '), ("a/b", '/'), ("tür", 'ü'), ("ab\0", '\0'), ("a_b", '_')]
    {
        assert_eq!(RoomId::new(text), Err(IdentityError::RoomIdCharacter { found }));
    }
}

#[test]
fn random_room_ids_are_valid_and_readable() {
    let id = RoomId::from_random([0, 1, 2, 3, 4, 5, 6, 7, 8, 255]);
    // 255 mod 24 is 15: the 16th letter of an alphabet without `l` and `o`.
    assert_eq!(id.as_str(), "abc-defg-hir");
    assert_eq!(RoomId::new(id.as_str()), Ok(id));
}

#[test]
fn display_names_are_trimmed_and_bounded() {
    let longest = "é".repeat(DISPLAY_NAME_CHARS_MAX);
    for (text, shown) in
        [("  Ada ", "Ada"), ("Ada  L.", "Ada  L."), ("李", "李"), ("👩‍💻", "👩‍💻"), (&longest, &longest)]
    {
        assert_eq!(DisplayName::new(text).unwrap().as_str(), shown);
    }
    for blank in ["", " ", "\t\n", "\u{3000}"] {
        assert_eq!(DisplayName::new(blank), Err(IdentityError::NameEmpty));
    }
    let got = DISPLAY_NAME_CHARS_MAX + 1;
    assert_eq!(DisplayName::new(&"é".repeat(got)), Err(IdentityError::NameLength { got }));
    for text in ["A\nB", "A\u{0}B", "A\u{7f}B", "A\u{85}B"] {
        assert_eq!(DisplayName::new(text), Err(IdentityError::NameControlCharacter));
    }
}

#[test]
fn captions_are_trimmed_bounded_text_that_can_be_read() {
    let longest = "é".repeat(CAPTION_TEXT_CHARS_MAX);
    for (text, shown) in [(" Good\n\tmorning ", "Good\n\tmorning"), (&longest, &longest)] {
        assert_eq!(CaptionText::new(text).unwrap().as_str(), shown);
    }
    assert_eq!(CaptionText::new(" \n"), Err(CaptionError::TextBlank));
    let got = CAPTION_TEXT_CHARS_MAX + 1;
    assert_eq!(CaptionText::new(&"é".repeat(got)), Err(CaptionError::TextLength { got }));
    for text in ["A\u{7}B", "A\u{1b}[2J", "A\u{85}B"] {
        assert_eq!(CaptionText::new(text), Err(CaptionError::TextControlCharacter));
    }
    assert!(
        !format!("{:?}", CaptionText::new("SECRET").unwrap()).contains("SECRET"),
        "what is said is no log's"
    );
}

#[test]
fn languages_are_named_by_tags() {
    let longest = format!("{}-{}-{}-{}", "a".repeat(8), "b".repeat(8), "c".repeat(8), "d".repeat(8));
    assert_eq!(longest.len(), LANGUAGE_TAG_BYTES_MAX);
    for text in ["en", "pt-BR", "zh-Hant-TW", "x-klingon", "sl-1994", &longest] {
        assert_eq!(LanguageTag::new(text).unwrap().as_str(), text);
    }
    let too_long = format!("{longest}-e");
    for text in ["", "-", "e2", "en-", "en--US", "en_US", "en US", "é", "abcdefghi", "\" onload=", &too_long]
    {
        assert_eq!(LanguageTag::new(text), Err(CaptionError::Language), "{text}");
    }
}

#[test]
fn hexadecimal_identifiers_have_exactly_their_digits() {
    assert_eq!("00000000000000ff".parse(), Ok(PeerId::new(255)));
    for text in [
        "",
        "ff",
        "00000000000000FF",
        "00000000000000fg",
        "00000000000000ff0",
        "+0000000000000ff",
        "ü00000000000000",
    ] {
        assert!(text.parse::<PeerId>().is_err(), "{text}");
        assert!(text.parse::<ResumeToken>().is_err(), "{text}");
    }
}

#[test]
fn tokens_are_equal_only_when_every_byte_is() {
    let token = ResumeToken::new([3; 16]);
    assert_eq!(token, ResumeToken::new([3; 16]));
    for index in 0..16 {
        let mut bytes = [3; 16];
        bytes[index] = 131;
        assert_ne!(token, ResumeToken::new(bytes), "byte {index}");
    }
}

#[test]
fn debug_output_leaks_nothing() {
    let token = ResumeToken::new(*b"0123456789abcdef");
    let shown = format!(
        "{:?} {:?} {:?} {:?}",
        RoomId::new("secret-room-name").unwrap(),
        PeerId::new(0x0123_4567_89ab_cdef),
        token,
        DisplayName::new("Ada").unwrap()
    );
    for leak in ["secret-room", "89abcdef", &token.reveal(), "Ada"] {
        assert!(!shown.contains(leak), "{shown}");
    }
}

proptest! {
    #[test]
    fn identifiers_come_back_from_their_text(number in any::<u64>(), bytes in any::<[u8; 16]>(), random in any::<[u8; 10]>()) {
        prop_assert_eq!(PeerId::new(number).to_string().parse(), Ok(PeerId::new(number)));
        let token = ResumeToken::new(bytes);
        prop_assert_eq!(token.reveal().parse(), Ok(token));
        let room = RoomId::from_random(random);
        prop_assert_eq!(room.to_string().parse(), Ok(room));
    }

    #[test]
    fn an_accepted_name_is_accepted_again_unchanged(text in any::<String>()) {
        if let Ok(name) = DisplayName::new(&text) {
            prop_assert_eq!(DisplayName::new(name.as_str()), Ok(name));
        }
    }
}
