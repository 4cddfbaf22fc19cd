//! Why a microphone or camera cannot be had, and what to tell the person.

use crate::strings::Key;

/// Why capturing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CaptureProblem {
    /// The person, or a rule of the browser or system, said no.
    Refused,
    /// No such device.
    NotFound,
    /// The device is there, but another program has it or it failed.
    Busy,
    /// The page was not loaded securely, so the browser offers no devices at all.
    Insecure,
    /// The background was to be hidden, and what hides it does not work here. Nothing else is sent in its place.
    NoEffects,
    /// The background was to be hidden, and this device is too slow for it.
    TooSlow,
    /// Something else.
    Unknown,
}

impl CaptureProblem {
    /// From the name of the exception that `getUserMedia` fails with (Media Capture and Streams §10.2).
    pub(crate) fn from_exception_name(name: &str) -> Self {
        match name {
            "NotAllowedError" | "SecurityError" => Self::Refused,
            "NotFoundError" | "OverconstrainedError" => Self::NotFound,
            "NotReadableError" | "AbortError" => Self::Busy,
            _ => Self::Unknown,
        }
    }
}

/// Whose instructions fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Browser {
    /// Chrome, Edge, Opera and others made from Chromium.
    Chromium,
    /// Firefox.
    Firefox,
    /// Safari, and every browser on an iPhone or iPad.
    Safari,
    /// Any other.
    Other,
}

impl Browser {
    /// From `navigator.userAgent`. Only for instructions, never to decide what works.
    pub(crate) fn from_user_agent(user_agent: &str) -> Self {
        let has = |mark: &str| user_agent.contains(mark);
        if has("Firefox/") {
            Self::Firefox
        } else if has("Chrome/") || has("Chromium/") {
            Self::Chromium
        } else if has("Safari/") {
            Self::Safari
        } else {
            Self::Other
        }
    }
}

/// Which of the two devices it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Device {
    /// The microphone.
    Microphone,
    /// The camera.
    Camera,
}

/// What to tell: a heading, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CaptureHelp {
    /// What is the matter.
    pub(crate) heading: Key,
    /// What to do about it.
    pub(crate) advice: Key,
    /// Whether trying again at once can help.
    pub(crate) retry: bool,
}

/// The help for one or two problems. A refusal or an insecure page concerns both devices and is told once.
pub(crate) fn capture_help(
    microphone: Option<CaptureProblem>,
    camera: Option<CaptureProblem>,
    browser: Browser,
) -> Vec<CaptureHelp> {
    if let (Some(first), Some(second)) = (microphone, camera)
        && first == second
    {
        return vec![help_for_both(first, browser)];
    }
    let of = |device, problem: Option<CaptureProblem>| problem.map(|problem| help(device, problem, browser));
    of(Device::Microphone, microphone).into_iter().chain(of(Device::Camera, camera)).collect()
}

fn help_for_both(problem: CaptureProblem, browser: Browser) -> CaptureHelp {
    let heading = match problem {
        CaptureProblem::Refused => Key::BothRefused,
        CaptureProblem::NotFound => Key::BothNotFound,
        CaptureProblem::Busy => Key::BothBusy,
        CaptureProblem::Insecure => Key::Insecure,
        // Only a camera has a background.
        CaptureProblem::NoEffects | CaptureProblem::TooSlow | CaptureProblem::Unknown => Key::BothFailed,
    };
    CaptureHelp { heading, advice: advice(problem, browser), retry: retry_helps(problem) }
}

fn help(device: Device, problem: CaptureProblem, browser: Browser) -> CaptureHelp {
    let heading = match (problem, device) {
        (CaptureProblem::Refused, Device::Microphone) => Key::MicrophoneRefused,
        (CaptureProblem::Refused, Device::Camera) => Key::CameraRefused,
        (CaptureProblem::NotFound, Device::Microphone) => Key::MicrophoneNotFound,
        (CaptureProblem::NotFound, Device::Camera) => Key::CameraNotFound,
        (CaptureProblem::Busy, Device::Microphone) => Key::MicrophoneBusy,
        (CaptureProblem::Busy, Device::Camera) => Key::CameraBusy,
        (CaptureProblem::Insecure, _) => Key::Insecure,
        (CaptureProblem::NoEffects, _) => Key::NoEffects,
        (CaptureProblem::TooSlow, _) => Key::EffectsTooSlow,
        (CaptureProblem::Unknown, Device::Microphone) => Key::MicrophoneFailed,
        (CaptureProblem::Unknown, Device::Camera) => Key::CameraFailed,
    };
    CaptureHelp { heading, advice: advice(problem, browser), retry: retry_helps(problem) }
}

fn advice(problem: CaptureProblem, browser: Browser) -> Key {
    match (problem, browser) {
        (CaptureProblem::Refused, Browser::Chromium) => Key::AllowInChromium,
        (CaptureProblem::Refused, Browser::Firefox) => Key::AllowInFirefox,
        (CaptureProblem::Refused, Browser::Safari) => Key::AllowInSafari,
        (CaptureProblem::Refused, Browser::Other) => Key::AllowInBrowser,
        (CaptureProblem::NotFound, _) => Key::AdviceNotFound,
        (CaptureProblem::Busy, _) => Key::AdviceBusy,
        (CaptureProblem::Insecure, _) => Key::AdviceInsecure,
        (CaptureProblem::NoEffects | CaptureProblem::TooSlow, _) => Key::AdviceEffects,
        (CaptureProblem::Unknown, _) => Key::AdviceFailed,
    }
}

fn retry_helps(problem: CaptureProblem) -> bool {
    !matches!(problem, CaptureProblem::Insecure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_become_problems() {
        for (name, problem) in [
            ("NotAllowedError", CaptureProblem::Refused),
            ("NotFoundError", CaptureProblem::NotFound),
            ("OverconstrainedError", CaptureProblem::NotFound),
            ("NotReadableError", CaptureProblem::Busy),
            ("TypeError", CaptureProblem::Unknown),
        ] {
            assert_eq!(CaptureProblem::from_exception_name(name), problem, "{name}");
        }
    }

    #[test]
    fn browsers_are_told_apart() {
        let chromium = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36";
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
        let safari = "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/26.0 Safari/605.1.15";
        assert_eq!(Browser::from_user_agent(chromium), Browser::Chromium);
        assert_eq!(Browser::from_user_agent(firefox), Browser::Firefox);
        assert_eq!(Browser::from_user_agent(safari), Browser::Safari);
        assert_eq!(Browser::from_user_agent(""), Browser::Other);
    }

    #[test]
    fn one_cause_for_both_devices_is_told_once() {
        let refused = Some(CaptureProblem::Refused);
        let told = capture_help(refused, refused, Browser::Firefox);
        assert_eq!(
            told,
            [CaptureHelp { heading: Key::BothRefused, advice: Key::AllowInFirefox, retry: true }]
        );
    }

    #[test]
    fn different_causes_are_told_apart() {
        let told =
            capture_help(Some(CaptureProblem::Busy), Some(CaptureProblem::NotFound), Browser::Chromium);
        let headings: Vec<Key> = told.iter().map(|help| help.heading).collect();
        assert_eq!(headings, [Key::MicrophoneBusy, Key::CameraNotFound]);
        assert!(capture_help(None, None, Browser::Other).is_empty());
    }

    #[test]
    fn an_insecure_page_cannot_be_helped_by_trying_again() {
        let insecure = Some(CaptureProblem::Insecure);
        let told = capture_help(insecure, insecure, Browser::Chromium);
        assert!(!told[0].retry);
    }
}
