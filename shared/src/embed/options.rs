//! How a page wants the meeting, handed over with the connection.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{HiddenPart, LayoutName, Theme, ToolbarButton};
use crate::identity::DisplayName;

/// Options of `createFrame` and `wrap`; attributes of `<visavis-meeting>` in kebab-case.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Options {
    /// The join token, if the room wants one. It never stands in an address that a server sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(length(max = 8192)))]
    pub token: Option<String>,
    /// What the lobby begins with, and what `join` uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>", length(max = 64)))]
    pub display_name: Option<DisplayName>,
    /// The page's own name for the person; comes back in the events about them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(length(max = 128)))]
    pub external_id: Option<String>,
    /// Any text, for example JSON; comes back in the events about the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(length(max = 4096)))]
    pub metadata: Option<String>,
    /// Whether the microphone is on at the start; absent: yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<bool>,
    /// Whether the camera is on at the start; absent: yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<bool>,
    /// Goes straight into the meeting. Needs a name, of the options or used before.
    #[serde(skip_serializing_if = "is_false")]
    pub skip_lobby: bool,
    /// What is behind the person; absent: what they chose last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(length(max = 32)))]
    pub background: Option<String>,
    /// How the pictures are laid out at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<LayoutName>,
    /// The language; absent: that of the browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(length(max = 35)))]
    pub language: Option<String>,
    /// Colours and corners. As an attribute: `light`, `dark`, `auto`, or JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<Theme>,
    /// What is left out. As an attribute: names with spaces between them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hide: Vec<HiddenPart>,
    /// Buttons of the page's own. As an attribute: JSON.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(length(max = 8)))]
    pub toolbar_buttons: Vec<ToolbarButton>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl fmt::Debug for Options {
    /// Says what is given, and nothing of the person or the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("token", &self.token.is_some())
            .field("skip_lobby", &self.skip_lobby)
            .field("theme", &self.theme)
            .field("hide", &self.hide)
            .finish_non_exhaustive()
    }
}
