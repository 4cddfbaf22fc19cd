//! What can be published and watched.

use serde::{Deserialize, Serialize};

use crate::identity::PeerId;

/// One thing a participant can publish. At most one of each per participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Voice.
    Microphone,
    /// The person's picture, usually simulcast.
    Camera,
    /// A shared screen, window or tab.
    Screen,
    /// The sound of what is shared.
    ScreenAudio,
}

impl SourceKind {
    /// Whether it is heard rather than seen.
    #[must_use]
    pub const fn is_audio(self) -> bool {
        matches!(self, Self::Microphone | Self::ScreenAudio)
    }
}

/// A participant's source: what a slot shows, and what a want asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceRef {
    /// Whose.
    pub peer: PeerId,
    /// Which of theirs.
    pub kind: SourceKind,
}

/// Which sources are live (not muted).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MediaState {
    /// The microphone is on.
    pub microphone: bool,
    /// The camera is on.
    pub camera: bool,
    /// A screen is shared.
    pub screen: bool,
}
