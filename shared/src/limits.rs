//! Every bound on the wire, in one place. Both sides check them: the client so that a user sees a clear
//! message before anything is sent, the server because it trusts nobody.

/// Longest message of a client in bytes. An offer with 25 slots is about 53 kB.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Longest message of the server in bytes: a snapshot of [`PARTICIPANTS_MAX`] people with the longest names and metadata.
pub const SERVER_MESSAGE_BYTES_MAX: usize = 1536 * 1024;
/// Longest session description in bytes inside a message.
pub const SDP_BYTES_MAX: usize = 60 * 1024;
/// Messages a client may send per second on average; beyond [`MESSAGE_BURST_MAX`] it gets `rate_limited`.
pub const MESSAGES_PER_SECOND_MAX: u32 = 30;
/// Messages a client may send at once after a quiet time.
pub const MESSAGE_BURST_MAX: u32 = 120;

/// Shortest room id in characters.
pub const ROOM_ID_CHARS_MIN: usize = 3;
/// Longest room id in characters.
pub const ROOM_ID_CHARS_MAX: usize = 64;
/// Longest display name in characters (Unicode scalar values).
pub const DISPLAY_NAME_CHARS_MAX: usize = 64;
/// Longest m-line identification tag (RFC 5888) in bytes.
pub const MID_BYTES_MAX: usize = 16;

/// Most capabilities in a hello; each at most [`CAPABILITY_BYTES_MAX`] bytes.
pub const CAPABILITIES_MAX: usize = 32;
/// Longest capability name in bytes.
pub const CAPABILITY_BYTES_MAX: usize = 32;

/// Audio slots of every client: the loudest speakers are heard (DESIGN: three).
pub const AUDIO_SLOTS: usize = 3;
/// Most video slots of one client: a 5 × 5 grid.
pub const VIDEO_SLOTS_MAX: usize = 25;
/// Most wants in one message: one for each video slot.
pub const WANTS_MAX: usize = VIDEO_SLOTS_MAX;
/// Most sources one client publishes: microphone, camera, screen, screen audio.
pub const SOURCES_MAX: usize = 4;
/// Most participants in one room where the operator has said nothing; the next one is refused with `room_full`.
pub const PARTICIPANTS_DEFAULT: usize = 100;
/// Most participants in one room that an operator can allow.
pub const PARTICIPANTS_MAX: usize = 1000;
/// Most changes in one delta; a larger change is sent as a snapshot.
pub const CHANGES_MAX: usize = 64;
/// Tallest picture a want can ask for, in pixels.
pub const WANT_HEIGHT_MAX: u16 = 4320;

/// Longest join token in bytes.
pub const TOKEN_BYTES_MAX: usize = 4096;
/// Longest passcode of a meeting in bytes.
pub const PASSCODE_BYTES_MAX: usize = 64;
/// Longest identity that an embedding page gives a participant, in bytes.
pub const EXTERNAL_ID_BYTES_MAX: usize = 64;
/// Longest text that an embedding page attaches to a participant, in bytes.
pub const METADATA_BYTES_MAX: usize = 256;
/// Longest line of the chat in bytes.
pub const CHAT_TEXT_BYTES_MAX: usize = 4000;
/// Most lines of the chat in one message.
pub const CHAT_LINES_MAX: usize = 50;
/// Lines of the chat that are kept for who comes later; the oldest are forgotten first.
pub const CHAT_HISTORY_MAX: usize = 500;
/// Longest text of one caption in characters (Unicode scalar values): a long sentence, in any script.
pub const CAPTION_TEXT_CHARS_MAX: usize = 500;
/// Longest language tag in bytes, as RFC 5646 section 4.4.1 says.
pub const LANGUAGE_TAG_BYTES_MAX: usize = 35;
/// Most people in the waiting room of a meeting; who comes later is told that it is full.
pub const KNOCKS_MAX: usize = 100;
/// Longest sentence to somebody who is not let in, in bytes.
pub const DENIAL_BYTES_MAX: usize = 280;
