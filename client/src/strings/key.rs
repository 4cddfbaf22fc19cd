//! The keys of all texts.

/// Names one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// The product's name.
    Product,
    /// Heading of the home page.
    HomeTitle,
    /// Below the heading of the home page.
    HomeLead,
    /// Button that creates a meeting.
    NewMeeting,
    /// The same while it is being created.
    CreatingMeeting,
    /// Name of the field for a link or code.
    InvitationField,
    /// Button that opens the meeting of a link or code.
    OpenMeeting,
    /// Who the person was last time.
    SeenAs,
    /// At the bottom of the home page.
    HomeFoot,
    /// What the drawing on the home page shows.
    HomeDrawing,
    /// Nothing was entered.
    InvitationEmpty,
    /// A link of another server was entered.
    InvitationOtherServer,
    /// What was entered is neither.
    InvitationUnreadable,
    /// Creating a meeting failed.
    CreateFailed,
    /// Heading before joining.
    LobbyTitle,
    /// Name of the field for the person's name.
    NameField,
    /// Inside the empty field.
    NamePlaceholder,
    /// Button that joins.
    Join,
    /// No name was entered.
    NameEmpty,
    /// The name is too long.
    NameTooLong,
    /// The name has control characters.
    NameUnreadable,
    /// While camera and microphone are being asked for.
    Starting,
    /// In the preview without a picture.
    CameraIsOff,
    /// Below the preview's heading when both are off.
    NobodyAsked,
    /// Name of the level meter.
    MicrophoneLevel,
    /// Heading of a help.
    BothRefused,
    /// Heading of a help.
    BothNotFound,
    /// Heading of a help.
    BothBusy,
    /// Heading of a help.
    BothFailed,
    /// Heading of a help.
    MicrophoneRefused,
    /// Heading of a help.
    MicrophoneNotFound,
    /// Heading of a help.
    MicrophoneBusy,
    /// Heading of a help.
    MicrophoneFailed,
    /// Heading of a help.
    CameraRefused,
    /// Heading of a help.
    CameraNotFound,
    /// Heading of a help.
    CameraBusy,
    /// Heading of a help.
    CameraFailed,
    /// Heading of a help: what hides the background does not work here.
    NoEffects,
    /// Heading of a help: hiding the background takes more than this device can.
    EffectsTooSlow,
    /// What to do about both.
    AdviceEffects,
    /// Name of the menu of backgrounds.
    Backgrounds,
    /// A background.
    BackgroundReal,
    /// A background.
    BackgroundLightBlur,
    /// A background.
    BackgroundStrongBlur,
    /// A background.
    BackgroundStudy,
    /// A background.
    BackgroundCity,
    /// A background.
    BackgroundHills,
    /// A background.
    BackgroundGarden,
    /// A background.
    BackgroundWall,
    /// A background.
    BackgroundVisavis,
    /// A background: the picture that the person chose.
    BackgroundOwn,
    /// Chooses a file with a picture.
    AddBackground,
    /// Below it.
    OwnStaysHere,
    /// The file is no picture.
    NotAPicture,
    /// The browser keeps no picture of this size.
    PictureNotKept,
    /// While what draws the background is loaded.
    EffectsLoading,
    /// The effects are simpler than chosen, to keep up.
    EffectsLowered,
    /// Heading of a help.
    Insecure,
    /// What to do.
    AllowInChromium,
    /// What to do.
    AllowInFirefox,
    /// What to do.
    AllowInSafari,
    /// What to do.
    AllowInBrowser,
    /// What to do.
    AdviceNotFound,
    /// What to do.
    AdviceBusy,
    /// What to do.
    AdviceInsecure,
    /// What to do.
    AdviceFailed,
    /// Button that tries again.
    TryAgain,
    /// Name of the microphone picker.
    Microphone,
    /// Name of the camera picker.
    Camera,
    /// Name of the speaker picker.
    Speaker,
    /// A device without a name.
    MicrophoneNumber,
    /// A device without a name.
    CameraNumber,
    /// A device without a name.
    SpeakerNumber,
    /// Shown in a picker without lines.
    NoDevice,
    /// Button.
    MuteMicrophone,
    /// Button.
    UnmuteMicrophone,
    /// Button.
    StopCamera,
    /// Button.
    StartCamera,
    /// Button and heading.
    DeviceSettings,
    /// Button and heading.
    People,
    /// Button with the number of people.
    PeopleCount,
    /// Button.
    ClosePanel,
    /// Button.
    CopyLink,
    /// After copying.
    LinkCopied,
    /// When copying did not work.
    CopyFailed,
    /// Button.
    Leave,
    /// Beside the own name.
    You,
    /// The own name in a tile.
    NameOfSelf,
    /// Beside somebody's name.
    MicrophoneOff,
    /// Beside somebody's name.
    CameraOff,
    /// On somebody's tile.
    PersonReconnecting,
    /// On somebody's tile.
    PictureStarved,
    /// On somebody's tile.
    PictureAwaited,
    /// On somebody's tile.
    PictureUnreadable,
    /// On somebody's tile.
    PictureShed,
    /// On somebody's tile.
    PicturePaused,
    /// When nobody else is there.
    AloneTitle,
    /// Below it.
    AloneText,
    /// While joining.
    Entering,
    /// While joining takes several tries.
    EnteringSlow,
    /// Banner.
    Reconnecting,
    /// Banner.
    ReconnectingIn,
    /// Banner.
    Offline,
    /// Banner.
    MediaInterrupted,
    /// Banner.
    SoundBlocked,
    /// Button.
    HearSound,
    /// Message.
    Arrived,
    /// Message.
    Departed,
    /// Message.
    TimedOut,
    /// Message.
    SeatLost,
    /// Message.
    Reconnected,
    /// Quality of the connection.
    SignalNone,
    /// Quality of the connection.
    SignalWeak,
    /// Quality of the connection.
    SignalMedium,
    /// Quality of the connection.
    SignalStrong,
    /// Name of the region with the tiles.
    Meeting,
    /// Name of the bar.
    Controls,
    /// Heading of the last page.
    EndedLeft,
    /// Heading of the last page.
    EndedReplaced,
    /// Heading of the last page.
    EndedRefused,
    /// Heading of the last page.
    EndedFull,
    /// Heading of the last page.
    EndedVersion,
    /// Sentence of the last page.
    LeftText,
    /// Sentence of the last page.
    ReplacedText,
    /// Button.
    Rejoin,
    /// Button.
    GoHome,
    /// Button.
    Reload,
    /// Heading of an unknown address.
    NotFoundTitle,
    /// Below it.
    NotFoundText,
}
