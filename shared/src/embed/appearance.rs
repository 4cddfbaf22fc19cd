//! How the meeting looks inside another page.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Light, dark, or as the person's system has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ThemeMode {
    /// As the person's system has it.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// The page's own colours and corners. What is left out stays as Visavis has it; colours that belong to a given one, such as
/// the text on a button, follow from it so that they can be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Theme {
    /// Light, dark, or as the system has it.
    pub mode: ThemeMode,
    /// Buttons and what is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accent: Option<Color>,
    /// Behind the pages before and after the meeting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ground: Option<Color>,
    /// Behind the pictures of the meeting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Color>,
    /// Bars, panels and cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surface: Option<Color>,
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ink: Option<Color>,
    /// Leaving, and what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub danger: Option<Color>,
    /// How round corners are, in CSS pixels, at most 48.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(range(max = 48)))]
    pub radius: Option<u8>,
}

/// A colour without transparency.
///
/// On the wire: `#rrggbb` in hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("pattern" = "^#[0-9a-fA-F]{6}$")))]
pub struct Color {
    /// Red, green and blue.
    pub channels: [u8; 3],
}

/// The text is no colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a colour is written #rrggbb")]
pub struct ColorError;

impl Color {
    /// Relative luminance from 0 (black) to 1 (white), as WCAG 2.2 defines it.
    #[must_use]
    pub fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.channels.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl FromStr for Color {
    type Err = ColorError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(ColorError)?;
        let mut channels = [0; 3];
        for (channel, pair) in channels.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            *channel = digit(pair[0]).ok_or(ColorError)? << 4 | digit(pair[1]).ok_or(ColorError)?;
        }
        Ok(Self { channels })
    }
}

impl TryFrom<String> for Color {
    type Error = ColorError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Color> for String {
    fn from(color: Color) -> Self {
        color.to_string()
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.channels;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// A part of the meeting that a page can leave out. Hiding takes a control away, not a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum HiddenPart {
    /// The whole bar below the pictures.
    ControlBar,
    /// The button for the microphone.
    Microphone,
    /// The button for the camera.
    Camera,
    /// The choice of devices.
    Devices,
    /// The choice of backgrounds.
    Backgrounds,
    /// The list of people.
    People,
    /// The chat.
    Chat,
    /// Sharing a screen.
    ScreenShare,
    /// Raising a hand.
    RaiseHand,
    /// Reactions.
    Reactions,
    /// Captions: the button and the area. They are told all the same, for a page that shows them itself.
    Captions,
    /// What hosts set and do for everybody at once, and the list of who waits.
    HostControls,
    /// The choice of layouts.
    Layouts,
    /// Copying the link, and the invitation while nobody else is there.
    Invitation,
    /// The code of the room.
    RoomCode,
    /// The quality of the connection, and the numbers behind it.
    Statistics,
    /// Leaving.
    Leave,
    /// The product's mark and name.
    Mark,
}

impl HiddenPart {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ControlBar => "control-bar",
            Self::Microphone => "microphone",
            Self::Camera => "camera",
            Self::Devices => "devices",
            Self::Backgrounds => "backgrounds",
            Self::People => "people",
            Self::Chat => "chat",
            Self::ScreenShare => "screen-share",
            Self::RaiseHand => "raise-hand",
            Self::Reactions => "reactions",
            Self::Captions => "captions",
            Self::HostControls => "host-controls",
            Self::Layouts => "layouts",
            Self::Invitation => "invitation",
            Self::RoomCode => "room-code",
            Self::Statistics => "statistics",
            Self::Leave => "leave",
            Self::Mark => "mark",
        }
    }
}

/// How the pictures are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum LayoutName {
    /// As fits what is shown.
    Auto,
    /// Everybody in the same size.
    Grid,
    /// Whoever speaks, as large as possible.
    Speaker,
    /// Whoever speaks large, the others at the side.
    Sidebar,
}

/// What can lie open beside the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum PanelName {
    /// The list of people.
    People,
    /// The chat.
    Chat,
    /// The choice of backgrounds.
    Backgrounds,
    /// What the call does, in numbers.
    Statistics,
}

/// A button of the page's own in the bar of the meeting. A press comes back as `toolbarButtonClicked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ToolbarButton {
    /// Names the button in `toolbarButtonClicked`.
    #[cfg_attr(test, schemars(length(min = 1, max = 64)))]
    pub id: String,
    /// What it is called; shown as a tip and read by screen readers.
    #[cfg_attr(test, schemars(length(min = 1, max = 64)))]
    pub label: String,
    /// A picture as a `data:image/…` address, at most 8,192 characters; without one the label is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(length(max = 8192)))]
    pub icon: Option<String>,
    /// Whether it is shown as switched on; nothing for a button without a state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressed: Option<bool>,
}

#[cfg(test)]
mod color_tests {
    use super::*;

    #[test]
    fn a_colour_is_written_as_it_is_read() {
        assert_eq!("#0C6b5c".parse::<Color>().unwrap().to_string(), "#0c6b5c");
        for text in ["", "#", "0c6b5c", "#0c6b5", "#0c6b5g", "#0c6b5c7f", "red", "#ééé", "#+1+1+1"] {
            assert_eq!(text.parse::<Color>(), Err(ColorError), "{text}");
        }
    }

    #[test]
    fn luminance_goes_from_black_to_white() {
        let of = |text: &str| text.parse::<Color>().unwrap().luminance();
        assert!(of("#000000").abs() < 1e-9);
        assert!((of("#ffffff") - 1.0).abs() < 1e-9);
        assert!(of("#ffff00") > of("#ff0000") && of("#ff0000") > of("#0000ff"));
    }

    #[test]
    fn a_part_has_the_name_that_stands_on_the_wire() {
        for part in [HiddenPart::ControlBar, HiddenPart::RaiseHand, HiddenPart::Mark] {
            assert_eq!(serde_json::to_value(part).unwrap(), part.name());
        }
    }
}
