//! English.

use super::Key;

/// The English text of a key.
pub(super) const fn text(key: Key) -> &'static str {
    match key {
        Key::Product => "Visavis",
        Key::HomeTitle => "Face to face, wherever you are",
        Key::HomeLead => {
            "Video meetings that run on this server and nowhere else. Start one, send the link, talk."
        }
        Key::NewMeeting => "New meeting",
        Key::CreatingMeeting => "Creating…",
        Key::InvitationField => "Link or code of a meeting",
        Key::OpenMeeting => "Open",
        Key::SeenAs => "You will be seen as {name}",
        Key::HomeFoot => "No account, nothing to install: sound and picture pass through this server only.",
        Key::HomeDrawing => "Two people talking to each other by video",
        Key::InvitationEmpty => "Paste the link of a meeting, or its code.",
        Key::InvitationOtherServer => {
            "This link belongs to another server. Open it directly in the address bar."
        }
        Key::InvitationUnreadable => "This is not a meeting’s link or code. A code looks like abc-defg-hjk.",
        Key::CreateFailed => "The meeting could not be created. Check your connection and try again.",
        Key::LobbyTitle => "Ready to join?",
        Key::NameField => "Your name",
        Key::NamePlaceholder => "How the others will see you",
        Key::Join => "Join",
        Key::NameEmpty => "Enter your name, so that the others know who you are.",
        Key::NameTooLong => "This name is too long: at most {most} characters.",
        Key::NameUnreadable => "This name contains characters that cannot be shown.",
        Key::Starting => "Allow camera and microphone when the browser asks.",
        Key::CameraIsOff => "Your camera is off",
        Key::NobodyAsked => "You can join without camera and microphone, and switch them on later.",
        Key::MicrophoneLevel => "Microphone level",
        Key::BothRefused => "Camera and microphone are not allowed",
        Key::BothNotFound => "No camera and no microphone found",
        Key::BothBusy => "Camera and microphone are in use",
        Key::BothFailed => "Camera and microphone did not start",
        Key::MicrophoneRefused => "The microphone is not allowed",
        Key::MicrophoneNotFound => "No microphone found",
        Key::MicrophoneBusy => "The microphone is in use",
        Key::MicrophoneFailed => "The microphone did not start",
        Key::CameraRefused => "The camera is not allowed",
        Key::CameraNotFound => "No camera found",
        Key::CameraBusy => "The camera is in use",
        Key::CameraFailed => "The camera did not start",
        Key::NoEffects => "The background cannot be hidden here, so your camera is off",
        Key::EffectsTooSlow => "Hiding the background is too much for this device, so your camera is off",
        Key::AdviceEffects => "Choose “No effect” under Backgrounds to be seen as you are, or try again.",
        Key::Backgrounds => "Backgrounds",
        Key::BackgroundReal => "No effect",
        Key::BackgroundLightBlur => "Slight blur",
        Key::BackgroundStrongBlur => "Strong blur",
        Key::BackgroundStudy => "Study",
        Key::BackgroundCity => "City at night",
        Key::BackgroundHills => "Hills",
        Key::BackgroundGarden => "Garden",
        Key::BackgroundWall => "Plain wall",
        Key::BackgroundVisavis => "Visavis",
        Key::BackgroundOwn => "Your picture",
        Key::AddBackground => "Choose a picture…",
        Key::OwnStaysHere => "Your picture stays in this browser. The others see only what is behind you.",
        Key::NotAPicture => "This file cannot be read as a picture.",
        Key::PictureNotKept => {
            "This browser has no room to keep the picture: it is used until the page is closed."
        }
        Key::EffectsLoading => "Getting the background ready…",
        Key::EffectsLowered => "Simplified, so that your picture stays smooth on this device.",
        Key::Insecure => "This page was not opened securely",
        Key::AllowInChromium => {
            "Click the icon left of the address, allow camera and microphone there, then try again. If they are allowed, look into your system’s privacy settings."
        }
        Key::AllowInFirefox => {
            "Click the crossed-out camera or microphone left of the address and remove the block, then try again."
        }
        Key::AllowInSafari => {
            "Open “Settings for This Website” in the menu Safari (on iPhone and iPad: the icon in the address bar), allow camera and microphone, then try again."
        }
        Key::AllowInBrowser => {
            "Allow camera and microphone for this page in the browser’s settings, then try again."
        }
        Key::AdviceNotFound => "Plug it in, or switch it on, then try again. You can also join without.",
        Key::AdviceBusy => {
            "Close other programs that use it, for example another meeting, then try again. You can also join without."
        }
        Key::AdviceInsecure => {
            "Browsers give camera and microphone only to pages that were opened with https:// or on localhost. You can join to watch and listen."
        }
        Key::AdviceFailed => {
            "Try again. If it does not help, unplug it and plug it in, or restart the browser."
        }
        Key::TryAgain => "Try again",
        Key::Microphone => "Microphone",
        Key::Camera => "Camera",
        Key::Speaker => "Speaker",
        Key::MicrophoneNumber => "Microphone {number}",
        Key::CameraNumber => "Camera {number}",
        Key::SpeakerNumber => "Speaker {number}",
        Key::NoDevice => "Nothing to choose yet",
        Key::MuteMicrophone => "Turn microphone off",
        Key::UnmuteMicrophone => "Turn microphone on",
        Key::StopCamera => "Turn camera off",
        Key::StartCamera => "Turn camera on",
        Key::DeviceSettings => "Camera, microphone and speaker",
        Key::People => "People",
        Key::PeopleCount => "People: {count}",
        Key::ClosePanel => "Close",
        Key::CopyLink => "Copy link",
        Key::LinkCopied => "Link copied",
        Key::CopyFailed => "The link could not be copied. Copy it from the address bar.",
        Key::Leave => "Leave meeting",
        Key::You => "You",
        Key::NameOfSelf => "{name} (you)",
        Key::MicrophoneOff => "Microphone off",
        Key::CameraOff => "Camera off",
        Key::PersonReconnecting => "Reconnecting…",
        Key::PictureStarved => "Picture paused: weak connection",
        Key::PictureAwaited => "Waiting for the picture…",
        Key::PictureUnreadable => "This browser cannot show the picture",
        Key::PictureShed => "Picture paused: the server is busy",
        Key::PicturePaused => "Picture paused",
        Key::AloneTitle => "You are the first here",
        Key::AloneText => "Send this link to whoever shall join you.",
        Key::Entering => "Joining…",
        Key::EnteringSlow => "The server does not answer; trying again…",
        Key::Reconnecting => "Connection lost. Reconnecting…",
        Key::ReconnectingIn => "Connection lost. Trying again in {seconds} seconds",
        Key::Offline => "You are offline. The meeting goes on as soon as there is a network.",
        Key::MediaInterrupted => "Sound and picture are interrupted. Restoring…",
        Key::SoundBlocked => "The browser is holding back the sound.",
        Key::HearSound => "Click to hear",
        Key::Arrived => "{name} joined",
        Key::Departed => "{name} left",
        Key::TimedOut => "{name} lost the connection",
        Key::SeatLost => "You were away for long and joined anew",
        Key::Reconnected => "You are connected again",
        Key::SignalNone => "Not connected",
        Key::SignalWeak => "Weak connection",
        Key::SignalMedium => "Fair connection",
        Key::SignalStrong => "Good connection",
        Key::Meeting => "Meeting",
        Key::Controls => "Meeting controls",
        Key::EndedLeft => "You left the meeting",
        Key::EndedReplaced => "The meeting is open elsewhere",
        Key::EndedRefused => "The meeting cannot go on",
        Key::EndedFull => "The meeting is full",
        Key::EndedVersion => "This page is out of date",
        Key::LeftText => "Rejoin whenever you like: the link stays the same.",
        Key::ReplacedText => {
            "You opened this meeting in another tab or window. Go on there, or come back here."
        }
        Key::Rejoin => "Rejoin",
        Key::GoHome => "To the home page",
        Key::Reload => "Reload the page",
        Key::NotFoundTitle => "There is nothing here",
        Key::NotFoundText => "The address is not one of a meeting. Check the link that you were given.",
    }
}
