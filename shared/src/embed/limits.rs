//! Every bound between a meeting in a frame and the page around it. What is beyond one is refused whole.

/// Longest message in either direction, in UTF-16 units as the browser counts them.
pub const MESSAGE_CHARS_MAX: usize = 64 * 1024;
/// Most commands that may wait for their answer; the next one is refused with `busy`.
pub const PENDING_COMMANDS_MAX: usize = 64;
/// Longest join token in characters.
pub const TOKEN_CHARS_MAX: usize = 8 * 1024;
/// Longest external id in characters.
pub const EXTERNAL_ID_CHARS_MAX: usize = 128;
/// Longest metadata in characters.
pub const METADATA_CHARS_MAX: usize = 4 * 1024;
/// Longest tag of a language in characters (RFC 5646 section 4.4.1).
pub const LANGUAGE_CHARS_MAX: usize = 35;
/// Longest name of a background in characters.
pub const BACKGROUND_CHARS_MAX: usize = 32;
/// Longest message of a chat in characters.
pub const CHAT_CHARS_MAX: usize = 2000;
/// Longest reaction in characters: one emoji of several code points.
pub const REACTION_CHARS_MAX: usize = 16;
/// Longest identifier of a device in characters.
pub const DEVICE_ID_CHARS_MAX: usize = 256;
/// Longest identifier of a participant in characters: 16 hexadecimal digits.
pub const PARTICIPANT_ID_CHARS_MAX: usize = 16;
/// Most buttons that a page may add.
pub const TOOLBAR_BUTTONS_MAX: usize = 8;
/// Longest identifier of a button in characters.
pub const BUTTON_ID_CHARS_MAX: usize = 64;
/// Longest text of a button in characters.
pub const BUTTON_LABEL_CHARS_MAX: usize = 64;
/// Longest `data:` address of a button's picture in characters.
pub const BUTTON_ICON_CHARS_MAX: usize = 8 * 1024;
/// Roundest corner in CSS pixels.
pub const RADIUS_PX_MAX: u8 = 48;
/// Longest sentence of an error in characters.
pub const SENTENCE_CHARS_MAX: usize = 300;
/// Longest sentence for somebody who is not let in, in bytes: that of the protocol.
pub const DENIAL_BYTES_MAX: usize = crate::limits::DENIAL_BYTES_MAX;
/// Longest passcode in bytes: that of the protocol.
pub const PASSCODE_BYTES_MAX: usize = crate::limits::PASSCODE_BYTES_MAX;
