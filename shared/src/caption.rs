//! Captions: what is said, in writing, for who cannot hear it. Whoever has the right feeds them cue by cue; a cue that is
//! not final yet is replaced by the next one of the same segment.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::{DisplayName, PeerId};
use crate::limits::{CAPTION_TEXT_CHARS_MAX, LANGUAGE_TAG_BYTES_MAX};

/// Why something is no part of a caption.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptionError {
    /// Nothing is to be read in it.
    #[error("caption text is blank")]
    TextBlank,
    /// The text is too long.
    #[error("caption text has {got} characters; at most {CAPTION_TEXT_CHARS_MAX} are allowed")]
    TextLength {
        /// Characters found.
        got: usize,
    },
    /// The text has a control character that is neither a line break nor a tab.
    #[error("caption text contains a control character")]
    TextControlCharacter,
    /// The language is not named by a tag.
    #[error(
        "language must be a tag of BCP 47 such as en or pt-BR, with at most {LANGUAGE_TAG_BYTES_MAX} characters"
    )]
    Language,
}

/// What is said: 1 to 500 characters without white space around them, and no control characters but line breaks and tabs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CaptionText(String);

impl CaptionText {
    /// Takes white space from both ends.
    ///
    /// # Errors
    /// [`CaptionError`] of the text.
    pub fn new(text: &str) -> Result<Self, CaptionError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(CaptionError::TextBlank);
        }
        let got = text.chars().count();
        if got > CAPTION_TEXT_CHARS_MAX {
            return Err(CaptionError::TextLength { got });
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return Err(CaptionError::TextControlCharacter);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CaptionText {
    /// Without what was said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CaptionText(…)")
    }
}

impl TryFrom<String> for CaptionText {
    type Error = CaptionError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<CaptionText> for String {
    fn from(text: CaptionText) -> Self {
        text.0
    }
}

/// A language tag (BCP 47): one to eight letters, then parts of one to eight letters and digits, behind hyphens. Whether
/// the language exists is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LanguageTag(String);

impl LanguageTag {
    /// Accepts what is well formed; nothing is silently corrected.
    ///
    /// # Errors
    /// [`CaptionError::Language`].
    pub fn new(text: &str) -> Result<Self, CaptionError> {
        let mut parts = text.split('-');
        let is_part = |part: &str| (1..=8).contains(&part.len());
        let first = parts.next().unwrap_or_default();
        let is_language = is_part(first) && first.chars().all(|c| c.is_ascii_alphabetic());
        let mut rest = parts;
        let is_well_formed = is_language
            && rest.all(|part| is_part(part) && part.chars().all(|c| c.is_ascii_alphanumeric()))
            && text.len() <= LANGUAGE_TAG_BYTES_MAX;
        if is_well_formed { Ok(Self(text.to_owned())) } else { Err(CaptionError::Language) }
    }

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LanguageTag {
    type Error = CaptionError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<LanguageTag> for String {
    fn from(tag: LanguageTag) -> Self {
        tag.0
    }
}

/// What a feeder says of one piece of speech.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptionCue {
    /// Names the piece among those of its feeder: a cue with the same number replaces the earlier one.
    pub segment: u32,
    /// Who speaks, when it is somebody in the meeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<PeerId>,
    /// What the speaker is called. Somebody in the meeting is called as they were then, whatever the feeder says; of
    /// others it may be unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// What is spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<LanguageTag>,
    /// What is said.
    pub text: CaptionText,
    /// No other cue of this segment is expected.
    pub is_final: bool,
}

/// A cue as everybody who wants captions gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caption {
    /// Tells the feeders of a meeting apart: segments are numbered by each of them.
    pub feeder: u32,
    /// What is said.
    #[serde(flatten)]
    pub cue: CaptionCue,
}
