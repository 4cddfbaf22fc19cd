//! Which devices there are and which of them are used.

use super::capture_problem::Device;
use crate::strings::{Key, text_with};

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
    /// Replaces the list; choices stay, so that a device that is plugged in again is used again.
    pub(crate) fn list(&mut self, devices: Vec<DeviceInfo>) {
        self.listed = devices;
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
                text_with(unnamed(kind), &[("number", &(index + 1).to_string())])
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
        DeviceInfo { kind, id: id.to_owned(), label: label.to_owned() }
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
}
