// Made from the types in shared/src/embed: do not edit. Describes what embed.js adds to a page.

declare namespace Visavis {
  /** Whom something is allowed to. */
  type AudienceName = 'everyone' | 'hosts';

  /** A colour without transparency.  On the wire: `#rrggbb` in hexadecimal digits. */
  type Color = string;

  /** The connection to the meeting. */
  type ConnectionStatus = 'connecting' | 'connected' | 'interrupted' | 'reconnecting' | 'offline';

  /** What a device is for. */
  type DeviceKind = 'microphone' | 'camera' | 'speaker';

  /** Why a command was not carried out. */
  type ErrorCode = 'unsupportedVersion' | 'invalidMessage' | 'unknownCommand' | 'invalidData' | 'unsupported' | 'wrongStage' | 'notAllowed' | 'notFound' | 'busy' | 'disconnected';

  /** A command was not carried out. */
  interface Failure {
    /** For programs. */
    code: ErrorCode;
    /** For people who write programs, at most 300 characters. */
    message: string;
  }

  /** A part of the meeting that a page can leave out. Hiding takes a control away, not a right. */
  type HiddenPart = 'control-bar' | 'microphone' | 'camera' | 'devices' | 'backgrounds' | 'people' | 'chat' | 'screen-share' | 'raise-hand' | 'reactions' | 'captions' | 'host-controls' | 'layouts' | 'invitation' | 'room-code' | 'statistics' | 'leave' | 'mark';

  /** How the pictures are laid out. */
  type LayoutName = 'auto' | 'grid' | 'speaker' | 'sidebar';

  /** Why the meeting is over for the person. */
  type LeaveReason = 'left' | 'replaced' | 'removed' | 'meetingEnded' | 'roomFull' | 'versionMismatch' | 'refused';

  /** A device of the person's. */
  interface MediaDevice {
    /** Whether it is the one that is used. */
    chosen: boolean;
    /** For `setDevice`. */
    deviceId: string;
    /** What it is for. */
    kind: DeviceKind;
    /** As the browser calls it; empty before the person has allowed the device. */
    label: string;
  }

  /** The rules of the meeting. */
  interface MeetingPolicy {
    /** Who may write to everybody. */
    chat: AudienceName;
    /** Nobody new comes in, hosts excepted. */
    locked: boolean;
    /** Who may share a screen. */
    screenShare: AudienceName;
    /** Who may switch the own microphone on. */
    unmute: AudienceName;
    /** Who comes waits until a host lets them in. */
    waitingRoom: boolean;
  }

  /** Everything at once; the answer to `getState`. */
  interface MeetingState {
    /** Who speaks; absent while nobody does. */
    activeSpeaker?: string;
    /** The microphone is on. */
    audio: boolean;
    /** What is behind the person. */
    background: string;
    /** What is said is shown in writing. */
    captionsVisible: boolean;
    /** The connection. */
    connection: ConnectionStatus;
    /** The person's hand is raised. */
    handRaised: boolean;
    /** The person leads the meeting. */
    host: boolean;
    /** Who waits to be let in, the longest first; empty for all but hosts. */
    knocks: WaitingPerson[];
    /** How the pictures are laid out; absent where that cannot be chosen. */
    layout?: LayoutName;
    /** How good it is. */
    networkQuality: NetworkQuality;
    /** The person's own id, once in the meeting. */
    participantId?: string;
    /** The rules, once in the meeting. */
    policy?: MeetingPolicy;
    /** The room's code. */
    room: string;
    /** A screen is shared from here. */
    screenShare: boolean;
    /** Where the person is. */
    stage: Stage;
    /** The camera is on. */
    video: boolean;
  }

  /** What a host did about the person. */
  type ModerationAction = 'muted' | 'videoStopped' | 'screenShareStopped' | 'askedToUnmute' | 'askedToStartVideo' | 'askedToShareScreen';

  /** How good the connection is. */
  type NetworkQuality = 'lost' | 'poor' | 'fair' | 'good';

  /** Options of `createFrame` and `wrap`; attributes of `<visavis-meeting>` in kebab-case. */
  interface Options {
    /** Whether the microphone is on at the start; absent: yes. */
    audio?: boolean;
    /** What is behind the person; absent: what they chose last. */
    background?: string;
    /** What the lobby begins with, and what `join` uses. */
    displayName?: string;
    /** The page's own name for the person; comes back in the events about them. */
    externalId?: string;
    /** What is left out. As an attribute: names with spaces between them. */
    hide?: HiddenPart[];
    /** The language; absent: that of the browser. */
    language?: string;
    /** How the pictures are laid out at the start. */
    layout?: LayoutName;
    /** Any text, for example JSON; comes back in the events about the person. */
    metadata?: string;
    /** Goes straight into the meeting. Needs a name, of the options or used before. */
    skipLobby?: boolean;
    /** Colours and corners. As an attribute: `light`, `dark`, `auto`, or JSON. */
    theme?: Theme;
    /** The join token, if the room wants one. It never stands in an address that a server sees. */
    token?: string;
    /** Buttons of the page's own. As an attribute: JSON. */
    toolbarButtons?: ToolbarButton[];
    /** Whether the camera is on at the start; absent: yes. */
    video?: boolean;
  }

  /** Who wanted a change. */
  type Origin = 'participant' | 'page' | 'moderator' | 'system';

  /** What can lie open beside the pictures. */
  type PanelName = 'people' | 'chat' | 'backgrounds' | 'statistics';

  /** Somebody in the meeting. */
  interface Participant {
    /** Whether the microphone is on. */
    audio: boolean;
    /** As the others read it. */
    displayName: string;
    /** The page's own name for them; of the person in this frame. */
    externalId?: string;
    /** Whether a hand is raised. */
    handRaised: boolean;
    /** Whether they lead the meeting. */
    host: boolean;
    /** Whether it is the person in this frame. */
    isLocal: boolean;
    /** What the page wants back with every event about them; of the person in this frame. */
    metadata?: string;
    /** Stays the same over reconnects and reloads. */
    participantId: string;
    /** Whether the server has lost them for the moment. */
    reconnecting: boolean;
    /** Whether a screen is shared. */
    screenShare: boolean;
    /** Whether the camera is on. */
    video: boolean;
  }

  /** Why somebody else is gone. */
  type ParticipantLeaveReason = 'left' | 'timedOut' | 'removed' | 'unknown';

  /** What of the rules shall be different; what is left out stays as it is. */
  interface PolicyChange {
    /** Who may write to everybody. */
    chat?: AudienceName;
    /** Nobody new comes in, hosts excepted. */
    locked?: boolean;
    /** Who may share a screen. */
    screenShare?: AudienceName;
    /** Who may switch the own microphone on. */
    unmute?: AudienceName;
    /** Who comes waits until a host lets them in. */
    waitingRoom?: boolean;
  }

  /** What did not work. */
  type ProblemCode = 'microphoneRefused' | 'microphoneFailed' | 'cameraRefused' | 'cameraFailed' | 'options' | 'server';

  /** Where the person is. */
  type Stage = 'lobby' | 'joining' | 'joined' | 'ended';

  /** The page's own colours and corners. What is left out stays as Visavis has it; colours that belong to a given one, such as the text on a button, follow from it so that they can be read. */
  interface Theme {
    /** Buttons and what is chosen. */
    accent?: Color;
    /** Leaving, and what went wrong. */
    danger?: Color;
    /** Behind the pages before and after the meeting. */
    ground?: Color;
    /** Text. */
    ink?: Color;
    /** Light, dark, or as the system has it. */
    mode?: ThemeMode;
    /** How round corners are, in CSS pixels, at most 48. */
    radius?: number;
    /** Behind the pictures of the meeting. */
    stage?: Color;
    /** Bars, panels and cards. */
    surface?: Color;
  }

  /** Light, dark, or as the person's system has it. */
  type ThemeMode = 'auto' | 'light' | 'dark';

  /** A button of the page's own in the bar of the meeting. A press comes back as `toolbarButtonClicked`. */
  interface ToolbarButton {
    /** A picture as a `data:image/…` address, at most 8,192 characters; without one the label is shown. */
    icon?: string;
    /** Names the button in `toolbarButtonClicked`. */
    id: string;
    /** What it is called; shown as a tip and read by screen readers. */
    label: string;
    /** Whether it is shown as switched on; nothing for a button without a state. */
    pressed?: boolean;
  }

  /** Somebody who waits to be let in. */
  interface WaitingPerson {
    /** As they call themselves. */
    displayName: string;
    /** Names them for `admit` and `deny`. */
    knock: number;
  }

  /** Every command as a method. */
  interface Commands {
    /** Enters the meeting from the lobby, under the name of the options or the one that was used last. */
    join(): Promise<null>;
    /** Leaves the meeting. Answered before the end is reported by `meetingLeft`. */
    leave(): Promise<null>;
    /** Switches the microphone. Answered at once; `mediaAudioStatusChanged` follows when it is done. */
    setAudioEnabled(enabled: boolean): Promise<null>;
    /** Switches the camera. Answered at once; `mediaVideoStatusChanged` follows when it is done. */
    setVideoEnabled(enabled: boolean): Promise<null>;
    /** Begins or ends sharing a screen. Browsers ask the person, and some want a click inside the frame first. */
    setScreenShareEnabled(enabled: boolean): Promise<null>;
    /** Lays the pictures out. */
    setLayout(layout: LayoutName): Promise<null>;
    /** Shows somebody large, or nobody in particular any longer. */
    pinParticipant(participantId?: string): Promise<null>;
    /** Replaces the colours and corners; what is left out is Visavis' own again. */
    setTheme(theme: Theme): Promise<null>;
    /** Speaks another language. */
    setLanguage(language: string): Promise<null>;
    /** Hides these parts and shows all others. */
    setHiddenParts(parts: HiddenPart[]): Promise<null>;
    /** Replaces the page's own buttons. */
    setToolbarButtons(buttons: ToolbarButton[]): Promise<null>;
    /** Opens a panel in place of the one that is open, or closes it. */
    setPanel(panel?: PanelName): Promise<null>;
    /** Puts something behind the person, until they choose themselves; it is not remembered. What the person has hidden is not shown again by a page: `real` is then answered with `notAllowed`. */
    setBackground(background: string): Promise<null>;
    /** Calls the person differently from now on. */
    setDisplayName(displayName: string): Promise<null>;
    /** Uses another device from now on; it is remembered in the person's browser. */
    setDevice(kind: DeviceKind, deviceId: string): Promise<null>;
    /** Writes into the chat. */
    sendChat(text: string, participantId?: string): Promise<null>;
    /** Raises or lowers the person's hand. */
    setHandRaised(raised: boolean): Promise<null>;
    /** Shows a reaction to everybody. */
    sendReaction(reaction: string): Promise<null>;
    /** Switches somebody's microphone off. For hosts. */
    muteParticipant(participantId: string): Promise<null>;
    /** Switches every microphone off but those of the hosts. For hosts. */
    muteAll(): Promise<null>;
    /** Asks somebody to switch their microphone on. For hosts. */
    askToUnmute(participantId: string): Promise<null>;
    /** Switches somebody's camera off. For hosts. */
    stopParticipantVideo(participantId: string): Promise<null>;
    /** Asks somebody to switch their camera on. For hosts. */
    askToStartVideo(participantId: string): Promise<null>;
    /** Ends what somebody shares of their screen. For hosts. */
    stopParticipantScreenShare(participantId: string): Promise<null>;
    /** Takes somebody's hand down, or all. For hosts. */
    lowerHand(participantId?: string): Promise<null>;
    /** Takes somebody out of the meeting. For hosts. */
    removeParticipant(participantId: string, ban?: boolean): Promise<null>;
    /** Lets somebody lead the meeting, or lead it no longer. For hosts; the last one stays a host. */
    setHost(participantId: string, host: boolean): Promise<null>;
    /** Lets in who waits. For hosts. */
    admit(knock?: number): Promise<null>;
    /** Sends away who waits. For hosts. */
    deny(knock: number, message?: string): Promise<null>;
    /** Lets nobody else in, or everybody again. For hosts. */
    setLocked(locked: boolean): Promise<null>;
    /** Changes the rules of the meeting; what is left out stays as it is. For hosts. */
    setPolicy(policy: PolicyChange): Promise<null>;
    /** Asks everybody who comes for a passcode, or for none any longer. For hosts. */
    setPasscode(passcode?: string): Promise<null>;
    /** Ends the meeting for all. For hosts. */
    endMeeting(): Promise<null>;
    /** Shows what is said in writing, where somebody feeds captions, or shows it no longer. */
    setCaptionsVisible(visible: boolean): Promise<null>;
    /** Hands a join token over, in place of the one of the options. Counts from the next time that the meeting is entered. */
    setToken(token: string): Promise<null>;
    /** Tells everything at once. */
    getState(): Promise<MeetingState>;
    /** Tells who is in the meeting, the person in this frame included. */
    getParticipants(): Promise<Participant[]>;
    /** Tells which devices there are. */
    getDevices(): Promise<MediaDevice[]>;
    /** Tells what can be put behind the person. */
    getBackgrounds(): Promise<string[]>;
    /** Tells which commands this meeting carries out; every other is answered with `unsupported`. */
    getSupportedCommands(): Promise<string[]>;
    /** Tells which events this meeting sends. */
    getSupportedEvents(): Promise<string[]>;
  }

  /** The `detail` of every event. */
  interface Events {
    /** The frame has accepted this page; the first event, and again after the frame was reloaded. */
    ready: {
      /** What `getSupportedCommands` would answer. */
      commands: string[];
      /** What `getSupportedEvents` would answer. */
      events: string[];
    };
    /** The person is in the meeting. */
    meetingJoined: {
      /** Everybody else, in order of arrival. */
      others: Participant[];
      /** Who they are. */
      participant: Participant;
      /** The room's code. */
      room: string;
    };
    /** The meeting is over for the person, or could not be entered. */
    meetingLeft: {
      /** The page's own name for the person. */
      externalId?: string;
      /** One plain sentence. */
      message: string;
      /** What the page wanted back. */
      metadata?: string;
      /** Who wanted it. */
      origin: Origin;
      /** Why. */
      reason: LeaveReason;
    };
    /** Somebody else came. */
    participantJoined: {
      /** Who. */
      participant: Participant;
    };
    /** Somebody else's microphone, camera, screen, hand, role or connection changed. */
    participantUpdated: {
      /** As they are now. */
      participant: Participant;
    };
    /** Somebody else is gone. */
    participantLeft: {
      /** As they were last. */
      participant: Participant;
      /** Why. */
      reason: ParticipantLeaveReason;
    };
    /** The person's microphone was switched. */
    mediaAudioStatusChanged: {
      /** On or off. */
      active: boolean;
      /** Who wanted it. */
      origin: Origin;
    };
    /** The person's camera was switched. */
    mediaVideoStatusChanged: {
      /** On or off. */
      active: boolean;
      /** Who wanted it. */
      origin: Origin;
    };
    /** The person began or ended sharing a screen. */
    screenShareStatusChanged: {
      /** On or off. */
      active: boolean;
      /** Who wanted it. */
      origin: Origin;
    };
    /** Somebody is called differently. */
    displayNameChanged: {
      /** The new name. */
      displayName: string;
      /** Who wanted it. */
      origin: Origin;
      /** Who. */
      participantId: string;
    };
    /** The person has something else behind them. */
    backgroundChanged: {
      /** What, as in `setBackground`. */
      background: string;
      /** Who wanted it. */
      origin: Origin;
    };
    /** The pictures are laid out differently. */
    layoutChanged: {
      /** How. */
      layout: LayoutName;
      /** Who wanted it. */
      origin: Origin;
    };
    /** What is said is shown in writing, or is not any more. */
    captionsVisibilityChanged: {
      /** Who wanted it. */
      origin: Origin;
      /** Whether it is shown. */
      visible: boolean;
    };
    /** Somebody has said something, in writing; only while captions are visible. What may yet be put right is not told. */
    captionReceived: {
      /** As they are called; absent: nobody knows. */
      displayName?: string;
      /** In which language, as a tag of BCP 47; absent: nobody has said. */
      language?: string;
      /** Who; absent: nobody in the meeting. */
      participantId?: string;
      /** What. */
      text: string;
    };
    /** The connection came, went or comes back. */
    connectionStatusChanged: {
      /** How it is. */
      status: ConnectionStatus;
    };
    /** The connection is better or worse. */
    networkQualityChanged: {
      /** How good it is. */
      quality: NetworkQuality;
    };
    /** Somebody else speaks now. */
    activeSpeakerChanged: {
      /** Who; absent: nobody. */
      participantId?: string;
    };
    /** Somebody wrote into the chat, the person in this frame included. */
    chatMessageReceived: {
      /** As they are called. */
      displayName: string;
      /** The page's own name for the person; of the person in this frame. */
      externalId?: string;
      /** What the page wanted back; of the person in this frame. */
      metadata?: string;
      /** Who. */
      participantId: string;
      /** Whether nobody but its author and one other can read it. */
      private: boolean;
      /** What. */
      text: string;
    };
    /** A hand went up or down. */
    handRaiseChanged: {
      /** The page's own name for the person; of the person in this frame. */
      externalId?: string;
      /** What the page wanted back; of the person in this frame. */
      metadata?: string;
      /** Whose. */
      participantId: string;
      /** Up or down. */
      raised: boolean;
    };
    /** Somebody showed a reaction. */
    reactionReceived: {
      /** The page's own name for the person; of the person in this frame. */
      externalId?: string;
      /** What the page wanted back; of the person in this frame. */
      metadata?: string;
      /** Who. */
      participantId: string;
      /** Which: an emoji. */
      reaction: string;
    };
    /** Somebody waits to be let in. For hosts. */
    knockReceived: {
      /** As they call themselves. */
      displayName: string;
      /** Names them for `admit` and `deny`. */
      knock: number;
    };
    /** Somebody does not wait any longer: a host has answered, or they have gone. For hosts. */
    knockEnded: {
      /** Who, as in `knockReceived`. */
      knock: number;
    };
    /** Somebody leads the meeting from now on, or leads it no longer. */
    hostChanged: {
      /** The page's own name for the person; of the person in this frame. */
      externalId?: string;
      /** Whether they lead. */
      host: boolean;
      /** What the page wanted back; of the person in this frame. */
      metadata?: string;
      /** Who. */
      participantId: string;
    };
    /** The rules of the meeting are different. */
    policyChanged: {
      /** As they are now. */
      policy: MeetingPolicy;
    };
    /** A host did something about the person in this frame. Being removed is told by `meetingLeft`. */
    moderated: {
      /** What. */
      action: ModerationAction;
      /** The host's name; absent: it is not known. */
      by?: string;
      /** The page's own name for the person; of the person in this frame. */
      externalId?: string;
      /** What the page wanted back; of the person in this frame. */
      metadata?: string;
    };
    /** A button of the page's own was pressed. */
    toolbarButtonClicked: {
      /** Which. */
      id: string;
    };
    /** Something did not work; the meeting goes on unless `meetingLeft` follows. */
    errorOccurred: {
      /** What. */
      code: ProblemCode;
      /** One plain sentence. */
      message: string;
    };
  }

/** Options of `createFrame`. */
  interface FrameOptions extends Options {
    /** The meeting's address, for example `https://meet.example.org/r/abc-defg-hjk`. */
    roomUrl: string;
    /** What screen readers call the frame; otherwise `Video meeting`. */
    title?: string;
  }

  /** Why a promise of a command was rejected. */
  interface CommandError extends Error {
    code: ErrorCode;
  }

  type Listener<E extends keyof Events> = (detail: Events[E], event: CustomEvent<Events[E]>) => void;

  /** A meeting in a frame. */
  interface Meeting extends Commands, EventTarget {
    /** The frame. */
    readonly iframe: HTMLIFrameElement;
    /** Fulfilled when the frame has accepted this page for the first time; rejected when it does not within 30 seconds. */
    readonly ready: Promise<void>;
    /** Carries out a command by its name. */
    execute(name: keyof Commands, data?: object): Promise<unknown>;
    on<E extends keyof Events>(name: E, listener: Listener<E>): this;
    once<E extends keyof Events>(name: E, listener: Listener<E>): this;
    off<E extends keyof Events>(name: E, listener: Listener<E>): this;
    /** Cuts the connection; a frame that `createFrame` made is taken away. */
    dispose(): void;
  }

  /** `<visavis-meeting>`: a meeting as an element. Its commands wait until it stands in the page. */
  interface MeetingElement extends HTMLElement, Commands {
    readonly iframe: HTMLIFrameElement | null;
    readonly ready: Promise<void>;
    execute(name: keyof Commands, data?: object): Promise<unknown>;
    on<E extends keyof Events>(name: E, listener: Listener<E>): this;
    once<E extends keyof Events>(name: E, listener: Listener<E>): this;
    off<E extends keyof Events>(name: E, listener: Listener<E>): this;
  }

  /** What the frame must be allowed, for frames that are not made by this script. */
  const ALLOW: string;
  /** Puts a meeting into `parent`. */
  function createFrame(parent: Element, options: FrameOptions): Meeting;
  /** Speaks with a meeting in a frame that is already there. */
  function wrap(iframe: HTMLIFrameElement, options?: Options): Meeting;
}

interface HTMLElementTagNameMap {
  'visavis-meeting': Visavis.MeetingElement;
}
