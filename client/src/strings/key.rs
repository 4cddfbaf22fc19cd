//! The keys of all texts.

/// Defines [`Key`] and lists its variants, so that every locale file can be held against them.
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Names one text. Its name here is its name in the locale files.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Key {
            $($(#[$doc])* $name,)*
        }

        impl Key {
            /// All keys, in the order of their numbers.
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            /// What the text is called in the locale files.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

keys! {
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
    /// Switch.
    NoiseSuppression,
    /// Below it.
    NoiseSuppressionText,
    /// Below it.
    NoiseSuppressionStarting,
    /// Below it.
    NoiseSuppressionFailed,
    /// Below it.
    NoiseSuppressionLowered,
    /// Switch.
    HighQuality,
    /// Below it.
    HighQualityText,
    /// Button.
    HearDifference,
    /// Button, while it is recorded.
    SaySomething,
    /// Button.
    StopListening,
    /// Choice.
    HearBefore,
    /// Choice.
    HearAfter,
    /// Below it.
    OthersDoNotHear,
    /// Name of the slider of a blur.
    BlurStrength,
    /// Its value.
    Percent,
    /// Button and heading.
    CallStatistics,
    /// Below the heading: of which time they are.
    StatisticsWindow,
    /// Heading: what the governor did.
    StatisticsSteps,
    /// While it has done nothing.
    StatisticsNoSteps,
    /// One of its steps.
    StatisticsStep,
    /// Name of the effort that is made now.
    StatisticsEffort,
    /// Name of what limits what is sent.
    StatisticsLimit,
    /// While nothing is measured.
    StatisticsNothing,
    /// What a plot shows, for those who do not see it.
    StatisticsPlot,
    /// Button.
    CopyReport,
    /// After copying.
    ReportCopied,
    /// When copying did not work.
    ReportNotCopied,
    /// A measure.
    MeasurePicturesDrawn,
    /// A measure.
    MeasurePicturesLost,
    /// A measure.
    MeasureDrawingTime,
    /// A measure.
    MeasureFramesSent,
    /// A measure.
    MeasureBitsSent,
    /// A measure.
    MeasureLatency,
    /// A measure.
    MeasureRoundTrip,
    /// A measure.
    MeasureBitsReceived,
    /// A measure.
    MeasurePacketsMissed,
    /// A measure.
    MeasureJitterBuffer,
    /// In place of a number that nobody tells.
    NotKnown,
    /// Heading: the time between camera and screen.
    StatisticsBudget,
    /// Below it.
    StatisticsBudgetText,
    /// While none of it is measured.
    StatisticsBudgetNothing,
    /// What the bar of the budget shows, for those who do not see it.
    StatisticsBudgetBar,
    /// Name of the last line of the budget.
    StatisticsSum,
    /// Heading of a table.
    StatisticsSent,
    /// Heading of a table.
    StatisticsReceived,
    /// In place of a table without lines.
    StatisticsNoStreams,
    /// Name of the protocol that carries sound and pictures.
    StatisticsProtocol,
    /// Column of a table.
    ColumnStage,
    /// Column of a table.
    ColumnTime,
    /// Column of a table.
    ColumnSource,
    /// Column of a table.
    ColumnCodec,
    /// Column of a table.
    ColumnLayer,
    /// Column of a table.
    ColumnSize,
    /// Column of a table.
    ColumnFrames,
    /// Column of a table.
    ColumnEncoding,
    /// Column of a table.
    ColumnLimit,
    /// Column of a table.
    ColumnBits,
    /// Column of a table.
    ColumnLoss,
    /// Column of a table.
    ColumnFreezes,
    /// A line of a table.
    OwnSound,
    /// A line of a table.
    OwnPicture,
    /// A line of a table.
    VoiceNumber,
    /// A line of a table.
    PictureNumber,
    /// A stage of the budget.
    StageCapture,
    /// A stage of the budget.
    StageEffects,
    /// A stage of the budget.
    StageEncode,
    /// A stage of the budget.
    StageUplink,
    /// A stage of the budget.
    StageServer,
    /// A stage of the budget.
    StageDownlink,
    /// A stage of the budget.
    StageJitterBuffer,
    /// A stage of the budget.
    StageDecode,
    /// A stage of the budget.
    StageRender,
    /// Where the number of a stage comes from.
    SourceCapture,
    /// Where the number of a stage comes from.
    SourceEffects,
    /// Where the number of a stage comes from.
    SourceEncode,
    /// Where the number of a stage comes from.
    SourceUplink,
    /// Where the number of a stage comes from.
    SourceServer,
    /// Where the number of a stage comes from.
    SourceDownlink,
    /// Where the number of a stage comes from.
    SourceJitterBuffer,
    /// Where the number of a stage comes from.
    SourceDecode,
    /// Where the number of a stage comes from.
    SourceRender,
    /// A number with its unit.
    UnitPerSecond,
    /// A number with its unit.
    UnitMilliseconds,
    /// A number with its unit.
    UnitKilobits,
    /// A number with its unit.
    UnitMegabits,
    /// How long ago.
    SecondsAgo,
    /// How long ago.
    MinutesAgo,
    /// An effort of the effects.
    EffortFull,
    /// An effort of the effects.
    EffortEverySecond,
    /// An effort of the effects.
    EffortSmall,
    /// An effort of the effects.
    EffortLightBlur,
    /// An effort of the effects.
    EffortPicture,
    /// An effort of the effects.
    EffortOff,
    /// Why the effort changed.
    ReasonPicturesLost,
    /// Why the effort changed.
    ReasonNoTime,
    /// Why the effort changed.
    ReasonPressure,
    /// Why the effort changed.
    ReasonEncoderBehind,
    /// Why the effort changed.
    ReasonEncoderLimited,
    /// Why the effort changed.
    ReasonTimeToSpare,
    /// What limits what is sent.
    LimitNone,
    /// What limits what is sent.
    LimitOther,
    /// What limits what is sent.
    LimitBandwidth,
    /// What limits what is sent.
    LimitProcessor,
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
    /// Button and heading.
    CheckUp,
    /// Below it.
    CheckUpText,
    /// Button.
    CheckAgain,
    /// While it runs.
    CheckRunning,
    /// When it is over.
    CheckAllWell,
    /// When it is over.
    CheckConcerns,
    /// A step.
    CheckServer,
    /// A step.
    CheckUdp,
    /// A step.
    CheckTcp,
    /// A step.
    CheckUpload,
    /// A step.
    CheckDownload,
    /// What was measured.
    CheckAtLeast,
    /// What was measured.
    CheckLoss,
    /// Button.
    PlaySound,
    /// Button.
    SoundHeard,
    /// Button.
    SoundNotHeard,
    /// How it is with a step.
    VerdictWaiting,
    /// How it is with a step.
    VerdictRunning,
    /// How it is with a step.
    VerdictGood,
    /// How it is with a step.
    VerdictDoubtful,
    /// How it is with a step.
    VerdictBad,
    /// How it is with a step.
    VerdictUntested,
    /// What to do.
    AdviceDeviceOff,
    /// What to do.
    AdviceNoPicture,
    /// What to do.
    AdviceSilent,
    /// What to do.
    AdviceNotHeard,
    /// What to do.
    AdviceRefused,
    /// What to do.
    AdviceUnreachable,
    /// What to do.
    AdviceNotOffered,
    /// What to do.
    AdviceTcpNotNeeded,
    /// What to do.
    AdviceUdpBlocked,
    /// What to do.
    AdviceUdpBlockedNoTcp,
    /// What to do.
    AdviceAllBlocked,
    /// What to do.
    AdviceSlow,
    /// What to do.
    AdviceUpload,
    /// What to do.
    AdviceUploadBad,
    /// What to do.
    AdviceDownload,
    /// What to do.
    AdviceDownloadBad,
    /// What to do.
    AdviceLoss,
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
    /// Button.
    ShareScreen,
    /// Button.
    StopSharing,
    /// Banner while the own screen is shared.
    YouArePresenting,
    /// What matters about the shared screen.
    HintDetail,
    /// What matters about the shared screen.
    HintMotion,
    /// Name of the choice between the two.
    HintChoice,
    /// Message: the system lets the browser see no screen.
    ScreenBlocked,
    /// Message: sharing did not begin.
    ScreenFailed,
    /// The tile of a shared screen.
    ScreenOf,
    /// Name of the choice among several.
    SharedScreens,
    /// Button and heading.
    Layout,
    /// An arrangement.
    LayoutAuto,
    /// An arrangement.
    LayoutGrid,
    /// An arrangement.
    LayoutSpeaker,
    /// An arrangement.
    LayoutSidebar,
    /// Switch: the own tile is not shown.
    HideSelf,
    /// Button.
    OpenFloating,
    /// Button.
    CloseFloating,
    /// Button.
    EnterFullScreen,
    /// Button.
    LeaveFullScreen,
    /// Button on a tile.
    TileMenu,
    /// Button.
    Pin,
    /// Button.
    Unpin,
    /// Beside the name of what is pinned.
    Pinned,
    /// Button.
    PreviousPage,
    /// Button.
    NextPage,
    /// Which page is shown.
    PageOf,
    /// Name of the two buttons.
    Pages,
    /// Button that opens what has no room in the bar.
    More,
    /// Message: a device was plugged in.
    DevicePlugged,
    /// Button of it.
    UseDevice,
    /// Message: a device is gone, and another is used.
    DeviceGone,
    /// Message: a device is gone, and the system's own is used.
    DeviceGoneDefault,
    /// Message: the person speaks, and nobody hears them.
    YouAreMuted,
    /// Button and heading.
    Shortcuts,
    /// What a key does.
    ShortcutMicrophone,
    /// What a key does.
    ShortcutTalk,
    /// What a key does.
    ShortcutCamera,
    /// What a key does.
    ShortcutShare,
    /// What a key does.
    ShortcutPeople,
    /// What a key does.
    ShortcutChat,
    /// What a key does.
    ShortcutReactions,
    /// What a key does.
    ShortcutHand,
    /// What a key does.
    ShortcutCaptions,
    /// What a key does.
    ShortcutLayout,
    /// What a key does.
    ShortcutFloat,
    /// What a key does.
    ShortcutFullScreen,
    /// What a key does.
    ShortcutHelp,
    /// What a key does.
    ShortcutClose,
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
    ServerRestarting,
    /// Banner.
    Offline,
    /// Heading of a help, outside a meeting.
    NoNetwork,
    /// What to do.
    AdviceNoNetwork,
    /// Button beside what is the matter with a microphone or camera.
    WhatToDo,
    /// Banner.
    MediaInterrupted,
    /// Banner.
    SoundBlocked,
    /// Button.
    HearSound,
    /// Said aloud.
    OwnMicrophoneOn,
    /// Said aloud.
    OwnMicrophoneOff,
    /// Said aloud.
    OwnCameraOn,
    /// Said aloud.
    OwnCameraOff,
    /// Message.
    Arrived,
    /// Message.
    Departed,
    /// Message.
    TimedOut,
    /// Message.
    Removed,
    /// Message: a line of the chat.
    Wrote,
    /// Message to hosts.
    Knocked,
    /// Message to hosts.
    HandRaised,
    /// Message: by whom the microphone was switched off.
    MutedBy,
    /// Message: the microphone was switched off by nobody in particular.
    MutedByHost,
    /// Message: by whom the camera was switched off.
    CameraStoppedBy,
    /// Message: the camera was switched off by nobody in particular.
    CameraStoppedByHost,
    /// Message: by whom the sharing was ended.
    ScreenStoppedBy,
    /// Message: the sharing was ended by nobody in particular.
    ScreenStoppedByHost,
    /// Message, and reason of a button that cannot be pressed.
    MicrophoneNotAllowed,
    /// Message, and reason of a button that cannot be pressed.
    CameraNotAllowed,
    /// Message, and reason of a button that cannot be pressed.
    ScreenNotAllowed,
    /// Message.
    BecameHost,
    /// Message.
    NoLongerHost,
    /// Message.
    NotSent,
    /// Reading aloud: a line for the reader alone.
    WrotePrivately,
    /// Below a line that is being written.
    LineTooLong,
    /// Below a line that is being written: too many wait.
    LinesWaiting,
    /// Name of the panel and of its tab.
    Chat,
    /// Name of the button that switches captions, what is said in writing, on and off, and of the area that shows them.
    Captions,
    /// In the area for captions, when none come.
    CaptionsNobody,
    /// Name of the button with the number of unread lines.
    ChatUnread,
    /// In a chat without lines.
    ChatEmpty,
    /// In a chat without lines.
    ChatEmptyText,
    /// Inside the empty field.
    ChatPlaceholder,
    /// Button that sends a line.
    Send,
    /// Before the name of the reader.
    SendTo,
    /// The reader of a line that is not private.
    Everybody,
    /// Note at a private line of one's own.
    PrivateTo,
    /// Note at a private line of somebody else.
    PrivateFrom,
    /// An own line is on its way.
    LineUnderway,
    /// An own line was not taken.
    LineFailed,
    /// Button at a line that failed.
    SendAgain,
    /// Button at a line that failed.
    Discard,
    /// Button that goes to the end of the chat.
    NewMessages,
    /// Why nothing can be written to everybody.
    ChatForHosts,
    /// Why nothing can be written at all.
    ChatWithoutHosts,
    /// How the field is used.
    ChatKeys,
    /// Name of the reactions and of their button.
    Reactions,
    /// Announcement of a reaction.
    Reacted,
    /// A reaction.
    ReactionThumbsUp,
    /// A reaction.
    ReactionThumbsDown,
    /// A reaction.
    ReactionHeart,
    /// A reaction.
    ReactionClap,
    /// A reaction.
    ReactionLaugh,
    /// A reaction.
    ReactionSurprise,
    /// A reaction.
    ReactionSad,
    /// A reaction.
    ReactionParty,
    /// Button.
    RaiseHand,
    /// Button.
    LowerHand,
    /// At a tile and in the list of people.
    HandNumber,
    /// Name of the field that finds people.
    SearchPeople,
    /// Nobody is found.
    NobodyFound,
    /// Role.
    Host,
    /// Name of the button with what can be done with somebody.
    ActionsFor,
    /// What can be done with somebody.
    MutePerson,
    /// What can be done with somebody.
    StopCameraOf,
    /// What can be done with somebody.
    AskToUnmutePerson,
    /// What can be done with somebody.
    AskToStartCamera,
    /// What can be done with somebody.
    LowerHandOf,
    /// What can be done with somebody.
    MakeHost,
    /// What can be done with somebody.
    MakeGuest,
    /// What can be done with somebody.
    RemovePerson,
    /// What can be done with somebody.
    BanPerson,
    /// What can be done with somebody.
    WritePrivately,
    /// Question before somebody is removed.
    RemoveTitle,
    /// Question before somebody is removed.
    RemoveText,
    /// Question before somebody is removed and kept out.
    BanTitle,
    /// Question before somebody is removed and kept out.
    BanText,
    /// Button that answers a question with no.
    Cancel,
    /// Button.
    MuteAll,
    /// Button.
    LowerAllHands,
    /// Name of the settings that hosts have.
    HostControls,
    /// A rule.
    RuleLocked,
    /// A rule.
    RuleLockedText,
    /// A rule.
    RuleWaitingRoom,
    /// A rule.
    RuleWaitingRoomText,
    /// A rule.
    RuleShare,
    /// A rule.
    RuleChat,
    /// A rule.
    RuleUnmute,
    /// Name of a field.
    Passcode,
    /// Below the field of the passcode, for hosts.
    PasscodeText,
    /// Below the field of the passcode, for hosts.
    PasscodeSet,
    /// Button.
    SetPasscode,
    /// Button.
    RemovePasscode,
    /// Heading of the list of who waits.
    Waiting,
    /// Button.
    Admit,
    /// Button.
    AdmitAll,
    /// Button.
    Deny,
    /// Names what a button is about.
    AdmitPerson,
    /// Names what a button is about.
    DenyPerson,
    /// Question before somebody is not let in.
    DenyTitle,
    /// Name of a field.
    DenyMessage,
    /// Inside the empty field.
    DenyPlaceholder,
    /// Banner for hosts.
    OneKnocks,
    /// Banner for hosts.
    SomeKnock,
    /// Button in that banner.
    ShowWaiting,
    /// Button.
    EndForAll,
    /// Question before the meeting is ended.
    EndForAllTitle,
    /// Question before the meeting is ended.
    EndForAllQuestion,
    /// Name of the choice between leaving and ending.
    LeaveOrEnd,
    /// Question of a host to the person.
    AskedToUnmute,
    /// Question of a host to the person.
    AskedToUnmuteBy,
    /// Question of a host to the person.
    AskedToStartCamera,
    /// Question of a host to the person.
    AskedToStartCameraBy,
    /// Below the question.
    AskedText,
    /// Answer to the question.
    StayMuted,
    /// Answer to the question.
    StayUnseen,
    /// While a host is asked.
    KnockingTitle,
    /// While a host is asked.
    KnockingText,
    /// Question for the passcode.
    PasscodeTitle,
    /// Question for the passcode.
    PasscodeQuestion,
    /// The passcode was wrong.
    PasscodeWrong,
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
    /// Heading of the last page: nobody else may wait to be let in at the moment.
    EndedWaitingRoomFull,
    /// Heading of the last page.
    EndedVersion,
    /// Heading of the last page.
    EndedRemoved,
    /// Heading of the last page.
    EndedDenied,
    /// Heading of the last page.
    EndedForAll,
    /// Heading of the last page.
    EndedBanned,
    /// Heading of the last page.
    EndedLocked,
    /// Heading of the last page.
    EndedToken,
    /// Sentence of the last page.
    RemovedText,
    /// Sentence of the last page.
    DeniedText,
    /// Sentence of the last page: what the host wrote.
    DeniedMessage,
    /// Sentence of the last page.
    EndedForAllText,
    /// Sentence of the last page.
    BannedText,
    /// Sentence of the last page.
    LockedText,
    /// Button: knocks once more.
    AskAgain,
    /// Sentence of the last page.
    LeftText,
    /// Sentence of the last page.
    ReplacedText,
    /// Sentence of the last page: the room has as many people as it can hold.
    FullText,
    /// Sentence of the last page: so many people wait to be let in that nobody else may.
    WaitingRoomFullText,
    /// Sentence of the last page: page and server speak different versions.
    VersionText,
    /// When the server cannot read what this page sends.
    ProblemPage,
    /// When the page sends changes faster than the server takes them; nothing has to be done.
    ProblemTooOften,
    /// When the server has no room for more meetings at the moment.
    ProblemBusy,
    /// Below EndedToken: the meeting can only be entered by a personal link.
    ProblemTokenRequired,
    /// Below EndedToken: the link is for another meeting.
    ProblemTokenInvalid,
    /// Below EndedToken: the link is too old, or for later.
    ProblemTokenExpired,
    /// When somebody did what the rules of the meeting do not allow.
    ProblemForbidden,
    /// When the connection for sound and picture was not accepted.
    ProblemOffer,
    /// When something went wrong inside the server.
    ProblemServer,
    /// Below EndedRefused: the server was switched off.
    ProblemShutDown,
    /// Below EndedRefused: the device was too slow for the meeting.
    ProblemTooSlow,
    /// Below EndedRefused, when it is not known why.
    ProblemClosed,
    /// Button.
    Rejoin,
    /// Button.
    GoHome,
    /// Button.
    Reload,
    /// Name of the switch of languages.
    Language,
    /// When a language could not be fetched.
    LanguageFailed,
    /// Heading of the page for browsers that lack what a meeting needs.
    UnsupportedTitle,
    /// What to do, above the address to be copied.
    UnsupportedText,
    /// While a part of the page is loaded that was just opened.
    OneMoment,
    /// Heading of the page for a program that did not arrive.
    UnloadedTitle,
    /// What to do.
    UnloadedText,
    /// Heading of an unknown address.
    NotFoundTitle,
    /// Below it.
    NotFoundText,
    /// Heading when the page around the frame may not show the meeting.
    EmbedRefusedTitle,
    /// What to do about it.
    EmbedRefusedText,
    /// Link that opens the meeting outside the frame.
    OpenInTab,
}
