//! Which devices there are and which of them are used.

use super::capture_problem::Device;
use crate::strings::{Key, text_with, whole_number};

/// What a device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum DeviceKind {
    /// Hears.
    Microphone,
    /// Sees.
    Camera,
    /// Sounds.
    Speaker,
}

/// A device as the browser lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceInfo {
    /// What it is for.
    pub(crate) kind: DeviceKind,
    /// The browser's id; differs from site to site, and is empty before the person has allowed anything.
    pub(crate) id: String,
    /// Its name; empty before the person has allowed anything.
    pub(crate) label: String,
    /// What the parts of one device have in common, such as the microphone and the speaker of a headset.
    pub(crate) group: String,
}

/// What became of the devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeviceNews {
    /// A device was plugged in, and can be used.
    Plugged {
        /// Its name.
        name: String,
        /// Its parts.
        parts: Vec<(DeviceKind, String)>,
    },
    /// A device that was in use is gone.
    Gone {
        /// Its name.
        name: String,
        /// What is used in its place; nothing when that has no name.
        instead: Option<String>,
    },
}

/// One line of a picker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceOption {
    /// The browser's id.
    pub(crate) id: String,
    /// What to show.
    pub(crate) label: String,
}

/// All devices and what was chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Devices {
    listed: Vec<DeviceInfo>,
    microphone: Option<String>,
    camera: Option<String>,
    speaker: Option<String>,
}

impl From<Device> for DeviceKind {
    fn from(device: Device) -> Self {
        match device {
            Device::Microphone => Self::Microphone,
            Device::Camera => Self::Camera,
        }
    }
}

impl Devices {
    /// Replaces the list; choices stay, so that a device that is plugged in again is used again. Says what is to be told:
    /// microphones and cameras that are gone tell it themselves.
    pub(crate) fn list(&mut self, devices: Vec<DeviceInfo>) -> Vec<DeviceNews> {
        let before = std::mem::replace(&mut self.listed, devices);
        let speaker = before.iter().find(|device| is_chosen(device, self.speaker.as_deref()));
        let gone = speaker.filter(|_| !self.is_plugged(DeviceKind::Speaker)).map(|device| DeviceNews::Gone {
            name: without_usb_ids(&device.label).to_owned(),
            instead: self.selected(DeviceKind::Speaker).map(|option| option.label),
        });
        gone.into_iter().chain(self.plugged(&before)).collect()
    }

    /// Whether the chosen device is there; also while there is none to choose.
    pub(crate) fn is_plugged(&self, kind: DeviceKind) -> bool {
        let choice = self.choice(kind);
        let options = self.options(kind);
        options.is_empty() || options.iter().any(|option| Some(option.id.as_str()) == choice)
    }

    /// A named device that was not there before, with all its parts. Before the person has allowed anything, all are nameless.
    fn plugged(&self, before: &[DeviceInfo]) -> Option<DeviceNews> {
        let is_new = |device: &&DeviceInfo| {
            let is_real = !["", "default", "communications"].contains(&device.id.as_str());
            let is_known = before.iter().any(|known| (known.kind, &known.id) == (device.kind, &device.id));
            is_real && !device.label.is_empty() && !is_known
        };
        // Names appear with the permission, and nothing was plugged in then.
        if before.iter().all(|known| known.label.is_empty()) {
            return None;
        }
        let first = self.listed.iter().find(is_new)?;
        let is_part = |device: &&DeviceInfo| {
            device.id == first.id || (!first.group.is_empty() && device.group == first.group)
        };
        let mut parts: Vec<(DeviceKind, String)> = Vec::new();
        for device in self.listed.iter().filter(is_new).filter(is_part) {
            if parts.iter().all(|(kind, _)| *kind != device.kind) {
                parts.push((device.kind, device.id.clone()));
            }
        }
        Some(DeviceNews::Plugged { name: without_usb_ids(&first.label).to_owned(), parts })
    }

    /// Remembers a choice.
    pub(crate) fn choose(&mut self, kind: DeviceKind, id: Option<String>) {
        *self.choice_mut(kind) = id;
    }

    /// The chosen id, whether or not it is plugged in.
    pub(crate) fn choice(&self, kind: DeviceKind) -> Option<&str> {
        match kind {
            DeviceKind::Microphone => self.microphone.as_deref(),
            DeviceKind::Camera => self.camera.as_deref(),
            DeviceKind::Speaker => self.speaker.as_deref(),
        }
    }

    /// The lines of a picker. Empty when there is nothing to choose: no device, or none may be named yet.
    pub(crate) fn options(&self, kind: DeviceKind) -> Vec<DeviceOption> {
        let nameable = self.of(kind).filter(|device| !device.id.is_empty());
        let line = |(index, device): (usize, &DeviceInfo)| {
            let label = if device.label.is_empty() {
                text_with(unnamed(kind), &[("number", &whole_number(index as u64 + 1))])
            } else {
                without_usb_ids(&device.label).to_owned()
            };
            DeviceOption { id: device.id.clone(), label }
        };
        nameable.enumerate().map(line).collect()
    }

    /// The line that is used: the chosen device, else the browser's default, which comes first.
    pub(crate) fn selected(&self, kind: DeviceKind) -> Option<DeviceOption> {
        let options = self.options(kind);
        let chosen = options.iter().find(|option| Some(option.id.as_str()) == self.choice(kind));
        chosen.or(options.first()).cloned()
    }

    fn of(&self, kind: DeviceKind) -> impl Iterator<Item = &DeviceInfo> {
        self.listed.iter().filter(move |device| device.kind == kind)
    }

    fn choice_mut(&mut self, kind: DeviceKind) -> &mut Option<String> {
        match kind {
            DeviceKind::Microphone => &mut self.microphone,
            DeviceKind::Camera => &mut self.camera,
            DeviceKind::Speaker => &mut self.speaker,
        }
    }
}

fn is_chosen(device: &DeviceInfo, speaker: Option<&str>) -> bool {
    device.kind == DeviceKind::Speaker && Some(device.id.as_str()) == speaker
}

const fn unnamed(kind: DeviceKind) -> Key {
    match kind {
        DeviceKind::Microphone => Key::MicrophoneNumber,
        DeviceKind::Camera => Key::CameraNumber,
        DeviceKind::Speaker => Key::SpeakerNumber,
    }
}

/// Chromium ends labels with the USB vendor and product, as in `HD Webcam (046d:0825)`.
fn without_usb_ids(label: &str) -> &str {
    let Some((name, rest)) = label.rsplit_once(" (") else { return label };
    let is_ids = rest.strip_suffix(')').is_some_and(|ids| {
        ids.len() == 9
            && ids.char_indices().all(|(at, c)| if at == 4 { c == ':' } else { c.is_ascii_hexdigit() })
    });
    if is_ids { name } else { label }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(kind: DeviceKind, id: &str, label: &str) -> DeviceInfo {
        let group = label.split(' ').next().unwrap_or_default().to_owned();
        DeviceInfo { kind, id: id.to_owned(), label: label.to_owned(), group }
    }

    fn two_cameras() -> Devices {
        let mut devices = Devices::default();
        devices.list(vec![
            device(DeviceKind::Camera, "a", "HD Webcam (046d:0825)"),
            device(DeviceKind::Microphone, "m", "Microphone (built in)"),
            device(DeviceKind::Camera, "b", ""),
        ]);
        devices
    }

    #[test]
    fn a_picker_lists_its_kind_with_readable_names() {
        let labels = |kind| -> Vec<String> {
            two_cameras().options(kind).into_iter().map(|option| option.label).collect()
        };
        assert_eq!(labels(DeviceKind::Camera), ["HD Webcam", "Camera 2"]);
        assert_eq!(labels(DeviceKind::Microphone), ["Microphone (built in)"]);
        assert!(labels(DeviceKind::Speaker).is_empty());
    }

    #[test]
    fn the_choice_is_used_while_it_is_plugged_in_and_remembered_while_it_is_not() {
        let mut devices = two_cameras();
        devices.choose(DeviceKind::Camera, Some("b".to_owned()));
        let selected = |devices: &Devices| devices.selected(DeviceKind::Camera).map(|option| option.id);
        assert_eq!(selected(&devices).as_deref(), Some("b"));
        devices.list(vec![device(DeviceKind::Camera, "a", "HD Webcam")]);
        assert_eq!(selected(&devices).as_deref(), Some("a"));
        assert_eq!(devices.choice(DeviceKind::Camera), Some("b"));
    }

    #[test]
    fn devices_that_may_not_be_named_yet_are_no_choice() {
        let mut devices = Devices::default();
        devices.list(vec![device(DeviceKind::Camera, "", "")]);
        assert!(devices.options(DeviceKind::Camera).is_empty());
        assert_eq!(devices.selected(DeviceKind::Camera), None);
    }

    #[test]
    fn a_headset_that_is_plugged_in_is_offered_whole() {
        let mut devices = two_cameras();
        let mut plugged = devices.listed.clone();
        plugged.push(device(DeviceKind::Speaker, "default", "Headset by default"));
        plugged.push(device(DeviceKind::Microphone, "h1", "Headset microphone (046d:0a44)"));
        plugged.push(device(DeviceKind::Speaker, "h2", "Headset speaker"));
        let news = devices.list(plugged.clone());
        let parts = vec![(DeviceKind::Microphone, "h1".to_owned()), (DeviceKind::Speaker, "h2".to_owned())];
        assert_eq!(news, [DeviceNews::Plugged { name: "Headset microphone".to_owned(), parts }]);
        assert_eq!(devices.list(plugged), [], "it is told once");
    }

    #[test]
    fn names_that_appear_with_the_permission_are_no_news() {
        let mut devices = Devices::default();
        assert_eq!(devices.list(vec![device(DeviceKind::Camera, "", "")]), []);
        assert_eq!(devices.list(vec![device(DeviceKind::Camera, "a", "HD Webcam")]), []);
    }

    #[test]
    fn a_speaker_that_is_gone_is_told_with_what_sounds_instead() {
        let mut devices = Devices::default();
        devices.choose(DeviceKind::Speaker, Some("h".to_owned()));
        let built_in = device(DeviceKind::Speaker, "b", "Speaker (built in)");
        devices.list(vec![built_in.clone(), device(DeviceKind::Speaker, "h", "Headset")]);
        assert!(devices.is_plugged(DeviceKind::Speaker));
        let gone =
            DeviceNews::Gone { name: "Headset".to_owned(), instead: Some("Speaker (built in)".to_owned()) };
        assert_eq!(devices.list(vec![built_in]), [gone]);
        assert!(!devices.is_plugged(DeviceKind::Speaker));
        assert!(devices.is_plugged(DeviceKind::Camera), "there is none to choose");
    }
}
