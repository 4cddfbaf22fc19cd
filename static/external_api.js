// The IFrame API of Jitsi Meet, for pages that were written for it: change the address of the script and the domain, and
// the most used commands, events and functions go on working. Everything is said to the meeting through embed.js.
(() => {
  'use strict';

  const HERE = document.currentScript?.src ?? document.baseURI;
  const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
  const ROOM_CHARS_MIN = 3;
  const ROOM_CHARS_MAX = 64;

  /** embed.js from where this script came from, unless the page has it. */
  function embed() {
    if (globalThis.Visavis) return Promise.resolve(globalThis.Visavis);
    return new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = new URL('embed.js', HERE).href;
      script.onload = () => resolve(globalThis.Visavis);
      script.onerror = () => reject(new Error(`${script.src} cannot be loaded`));
      document.head.append(script);
    });
  }

  /** FNV-1a, so that two names which differ only in what rooms cannot be called stay two rooms. */
  function hash(text) {
    let value = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
    return value.toString(16).padStart(8, '0');
  }

  /** The code of a room of this name. Jitsi does not tell capital letters apart either. */
  function roomOf(name) {
    const lower = String(name ?? '').normalize('NFC').toLowerCase();
    const plain = lower.replace(/[^a-z0-9-]+/g, '-').replace(/^-+|-+$/g, '');
    if (plain === lower && plain.length >= ROOM_CHARS_MIN && plain.length <= ROOM_CHARS_MAX) return plain;
    return `${plain.slice(0, ROOM_CHARS_MAX - 9)}-${hash(lower)}`.replace(/^-/, 'room-');
  }

  const size = (value) => (typeof value === 'number' || /^\d+$/.test(value) ? `${value}px` : value);

  function optionsOf({ jwt, userInfo = {}, lang, configOverwrite: config = {} }) {
    const options = { skipLobby: config.prejoinConfig?.enabled === false || config.prejoinPageEnabled === false };
    if (jwt) options.token = jwt;
    if (lang ?? config.defaultLanguage) options.language = lang ?? config.defaultLanguage;
    if (userInfo.displayName) options.displayName = userInfo.displayName;
    if (userInfo.id ?? userInfo.email) options.externalId = userInfo.id ?? userInfo.email;
    if (config.startWithAudioMuted) options.audio = false;
    if (config.startWithVideoMuted) options.video = false;
    return options;
  }

  const device = (type) => ({ audioInput: 'microphone', audioOutput: 'speaker', videoInput: 'camera' })[type];
  const idOf = (value) => (typeof value === 'object' && value !== null ? value.id ?? value.participantID : value);
  const own = (api) => api._me?.participantId;

  /** What each command says to the meeting. Toggles are told what shall be: the opposite of what is. */
  const COMMANDS = {
    displayName: (api, meeting, name) => meeting.setDisplayName(name),
    toggleAudio: (api, meeting) => meeting.setAudioEnabled(!api._state.audio),
    muteAudio: (api, meeting, muted) => meeting.setAudioEnabled(!muted),
    toggleVideo: (api, meeting) => meeting.setVideoEnabled(!api._state.video),
    muteVideo: (api, meeting, muted) => meeting.setVideoEnabled(!muted),
    toggleShareScreen: (api, meeting) => meeting.setScreenShareEnabled(!api._state.screenShare),
    hangup: (api, meeting) => meeting.leave(),
    endConference: (api, meeting) => meeting.endMeeting(),
    toggleChat: (api, meeting) => api._panel('chat'),
    toggleParticipantsPane: (api, meeting, open) => api._panel('people', open),
    toggleSubtitles: async (api, meeting) => meeting.setCaptionsVisible(!(await meeting.getState()).captionsVisible),
    setSubtitles: (api, meeting, enabled) => meeting.setCaptionsVisible(Boolean(enabled)),
    toggleVirtualBackgroundDialog: (api, meeting) => api._panel('backgrounds'),
    setBlurredBackground: (api, meeting, blur) => meeting.setBackground({ blur: 'strong-blur', 'slight-blur': 'light-blur' }[blur] ?? 'real'),
    sendChatMessage: (api, meeting, text, to) => meeting.sendChat(text, to || undefined),
    toggleRaiseHand: (api, meeting) => meeting.setHandRaised(!api._state.handRaised),
    setTileView: (api, meeting, tiles) => meeting.setLayout(tiles ? 'grid' : 'speaker'),
    toggleTileView: (api, meeting) => meeting.setLayout(api._state.layout === 'grid' ? 'speaker' : 'grid'),
    pinParticipant: (api, meeting, id) => meeting.pinParticipant(idOf(id) ?? undefined),
    setLargeVideoParticipant: (api, meeting, id) => meeting.pinParticipant(idOf(id) ?? undefined),
    toggleFilmStrip: (api, meeting) => meeting.setLayout(api._state.layout === 'sidebar' ? 'speaker' : 'sidebar'),
    password: (api, meeting, passcode) => meeting.setPasscode(passcode || undefined),
    toggleLobby: (api, meeting, waitingRoom) => meeting.setPolicy({ waitingRoom: Boolean(waitingRoom) }),
    answerKnockingParticipant: (api, meeting, id, approved) => (approved ? meeting.admit(Number(id)) : meeting.deny(Number(id))),
    toggleModeration: (api, meeting, moderated, kind = 'audio') => (kind === 'audio'
      ? meeting.setPolicy({ unmute: moderated ? 'hosts' : 'everyone' })
      : Promise.reject(new Error('cameras cannot be kept off'))),
    muteRemoteParticipant: (api, meeting, id, kind) => mute(meeting, idOf(id), kind),
    askToUnmute: (api, meeting, id) => meeting.askToUnmute(idOf(id)),
    kickParticipant: (api, meeting, id) => meeting.removeParticipant(idOf(id)),
    grantModerator: (api, meeting, id) => meeting.setHost(idOf(id), true),
    muteEveryone: async (api, meeting, kind = 'audio') => {
      if (kind === 'audio') return meeting.muteAll();
      const others = (await meeting.getParticipants()).filter((person) => !person.isLocal && person[kind === 'video' ? 'video' : 'screenShare']);
      return Promise.all(others.map((person) => mute(meeting, person.participantId, kind)));
    },
  };

  /** Switches something of somebody off: `audio`, `video` or `desktop`. */
  function mute(meeting, id, kind) {
    if (kind === 'video') return meeting.stopParticipantVideo(id);
    return kind === 'desktop' ? meeting.stopParticipantScreenShare(id) : meeting.muteParticipant(id);
  }

  const MODERATED = {
    muted: 'Muted by a host', videoStopped: 'Camera switched off by a host', screenShareStopped: 'Screen share ended by a host',
    askedToUnmute: 'A host asks you to unmute', askedToStartVideo: 'A host asks you to start your camera',
    askedToShareScreen: 'A host asks you to share your screen',
  };

  /** What each event of the meeting is called here: any number of [name, data]. */
  const EVENTS = {
    meetingJoined: (api, { room, participant, others }) => [
      ['videoConferenceJoined', { roomName: room, id: participant.participantId, displayName: participant.displayName, breakoutRoom: false }],
      ...others.map((person) => ['participantJoined', person_(person)]),
    ],
    meetingLeft: (api, { reason }) => [
      ...(reason === 'removed' ? [['participantKickedOut', { kicked: { id: own(api), local: true } }]] : []),
      ['videoConferenceLeft', { roomName: api._room }],
      ['readyToClose', {}],
    ],
    participantJoined: (api, { participant }) => [['participantJoined', person_(participant)]],
    participantLeft: (api, { participant: { participantId: id }, reason }) => [
      ...(reason === 'removed' ? [['participantKickedOut', { kicked: { id, local: false } }]] : []),
      ['participantLeft', { id }],
      ...api._sharing(),
    ],
    participantUpdated: (api, { participant }) => [...api._mutes(participant), ...api._sharing()],
    mediaAudioStatusChanged: (api, { active }) => [['audioMuteStatusChanged', { muted: !active }]],
    mediaVideoStatusChanged: (api, { active }) => [['videoMuteStatusChanged', { muted: !active }]],
    screenShareStatusChanged: (api, { active }) => [['screenSharingStatusChanged', { on: active, details: {} }], ...api._sharing()],
    displayNameChanged: (api, { participantId, displayName }) => [['displayNameChange', { id: participantId, displayname: displayName }]],
    activeSpeakerChanged: (api, { participantId }) => (participantId ? [['dominantSpeakerChanged', { id: participantId }]] : []),
    layoutChanged: (api, { layout }) => [['tileViewChanged', { enabled: layout === 'grid' }]],
    chatMessageReceived: (api, { participantId, displayName, text, private: privateMessage }) => (participantId === own(api)
      ? [['outgoingMessage', { message: text, privateMessage }]]
      : [['incomingMessage', { from: participantId, nick: displayName, message: text, privateMessage }]]),
    handRaiseChanged: (api, { participantId, raised }) => [['raiseHandUpdated', { id: participantId, handRaised: raised ? Date.now() : 0 }]],
    knockReceived: (api, { knock, displayName }) => [['knockingParticipant', { participant: { id: String(knock), name: displayName } }]],
    hostChanged: (api, { participantId, host }) => [['participantRoleChanged', { id: participantId, role: host ? 'moderator' : 'participant' }]],
    policyChanged: (api, { policy }) => api._moderation(policy.unmute === 'hosts'),
    moderated: (api, { action, by }) => [['notificationTriggered', { title: MODERATED[action], description: by ?? '' }]],
    toolbarButtonClicked: (api, { id }) => [['toolbarButtonClicked', { key: id, preventExecution: false }]],
    errorOccurred: (api, { code, message }) => [
      ...(code.startsWith('microphone') ? [['micError', { type: code, message }]] : []),
      ...(code.startsWith('camera') ? [['cameraError', { type: code, message }]] : []),
      ['errorOccurred', { error: { name: code, message, isFatal: false } }],
    ],
  };

  const person_ = ({ participantId, displayName }) => ({ id: participantId, displayName, formattedDisplayName: displayName });

  class JitsiMeetExternalAPI {
    constructor(domain, options = {}) {
      const { roomName, width = '100%', height = '100%', parentNode = document.body, noSSL } = options;
      const scheme = noSSL ?? LOCAL.test(domain) ? 'http' : 'https';
      this._room = roomName;
      this._listeners = new Map();
      this._state = { audio: false, video: false, screenShare: false, handRaised: false, layout: undefined, panel: null };
      this._sharers = '';
      this._moderated = false;
      this._people = new Map();
      this._url = `${scheme}://${domain}/r/${roomOf(roomName)}`;
      this._box = document.createElement('div');
      Object.assign(this._box.style, { width: size(width), height: size(height) });
      parentNode.append(this._box);
      this._meeting = embed().then((visavis) => this._open(visavis, options));
      this._meeting.catch((error) => console.error(`external_api.js: ${error.message}`));
    }

    _open({ createFrame }, options) {
      const meeting = createFrame(this._box, { roomUrl: this._url, ...optionsOf(options) });
      this._frame = meeting.iframe;
      for (const [name, translate] of Object.entries(EVENTS)) {
        meeting.on(name, (detail) => {
          this._learn(name, detail);
          for (const [jitsi, data] of translate(this, detail)) this._emit(jitsi, data);
        });
      }
      if (options.onload) this._frame.addEventListener('load', options.onload);
      return meeting;
    }

    /** Keeps what toggles and the functions without a promise need. */
    _learn(name, detail) {
      if (name === 'meetingJoined') {
        this._me = detail.participant;
        Object.assign(this._state, { audio: detail.participant.audio, video: detail.participant.video });
        this._people = new Map([...detail.others, detail.participant].map((person) => [person.participantId, person]));
      }
      if (name === 'participantJoined') this._people.set(detail.participant.participantId, detail.participant);
      if (name === 'participantLeft') this._people.delete(detail.participant.participantId);
      if (name === 'mediaAudioStatusChanged') this._state.audio = detail.active;
      if (name === 'mediaVideoStatusChanged') this._state.video = detail.active;
      if (name === 'screenShareStatusChanged') this._state.screenShare = detail.active;
      if (name === 'layoutChanged') this._state.layout = detail.layout;
      if (name === 'handRaiseChanged' && detail.participantId === own(this)) this._state.handRaised = detail.raised;
      if (name === 'displayNameChanged') {
        const person = this._people.get(detail.participantId);
        if (person) person.displayName = detail.displayName;
      }
    }

    /** Microphones of others that changed. */
    _mutes(participant) {
      const before = this._people.get(participant.participantId);
      this._people.set(participant.participantId, participant);
      return ['audio', 'video'].filter((kind) => before && before[kind] !== participant[kind])
        .map((kind) => ['participantMuted', { participantId: participant.participantId, isMuted: !participant[kind], mediaType: kind }]);
    }

    /** Who shares a screen, where that is different now. */
    _sharing() {
      const others = [...this._people.values()].filter((person) => person.screenShare && person.participantId !== own(this));
      const data = others.map((person) => person.participantId);
      if (this._state.screenShare) data.push(own(this));
      if (this._sharers === data.join()) return [];
      this._sharers = data.join();
      return [['contentSharingParticipantsChanged', { data }]];
    }

    /** Whether only hosts may let microphones be on, where that is different now. */
    _moderation(enabled) {
      if (this._moderated === enabled) return [];
      this._moderated = enabled;
      return [['moderationStatusChanged', { mediaType: 'audio', enabled }]];
    }

    async _panel(name, open = this._state.panel !== name) {
      await (await this._meeting).setPanel(open ? name : undefined);
      this._state.panel = open ? name : null;
    }

    _emit(name, data) {
      for (const listener of [...(this._listeners.get(name) ?? [])]) listener(data);
    }

    executeCommand(name, ...values) {
      const command = COMMANDS[name];
      if (!command) return console.warn(`external_api.js: there is no command ${name}`);
      this._meeting.then((meeting) => command(this, meeting, ...values))
        .catch((error) => console.warn(`external_api.js: ${name}: ${error.message}`));
    }

    executeCommands(commands) {
      for (const [name, values] of Object.entries(commands)) this.executeCommand(name, ...[values].flat());
    }

    addListener(name, listener) {
      if (!this._listeners.has(name)) this._listeners.set(name, new Set());
      this._listeners.get(name).add(listener);
      return this;
    }

    on(name, listener) { return this.addListener(name, listener); }
    addEventListener(name, listener) { this.addListener(name, listener); }
    addEventListeners(listeners) { for (const [name, listener] of Object.entries(listeners)) this.addListener(name, listener); }
    once(name, listener) {
      const wrapped = (data) => { this.removeListener(name, wrapped); listener(data); };
      return this.addListener(name, wrapped);
    }
    removeListener(name, listener) { this._listeners.get(name)?.delete(listener); return this; }
    off(name, listener) { return this.removeListener(name, listener); }
    /** As there: everything that listens to the event. */
    removeEventListener(name) { this._listeners.delete(name); }
    removeEventListeners(names) { for (const name of names) this.removeEventListener(name); }

    getIFrame() { return this._frame; }
    getNumberOfParticipants() { return this._people.size; }
    getDisplayName(id) { return this._people.get(id)?.displayName; }
    getSupportedCommands() { return Object.keys(COMMANDS); }
    getSupportedEvents() {
      return ['videoConferenceJoined', 'videoConferenceLeft', 'readyToClose', 'participantJoined', 'participantLeft', 'participantKickedOut',
        'participantMuted', 'audioMuteStatusChanged', 'videoMuteStatusChanged', 'screenSharingStatusChanged', 'displayNameChange',
        'dominantSpeakerChanged', 'tileViewChanged', 'incomingMessage', 'outgoingMessage', 'raiseHandUpdated', 'participantRoleChanged',
        'contentSharingParticipantsChanged', 'knockingParticipant', 'moderationStatusChanged', 'notificationTriggered', 'toolbarButtonClicked',
        'micError', 'cameraError', 'errorOccurred'];
    }
    getParticipantsInfo() {
      return [...this._people.values()].map((person) => ({ ...person_(person), participantId: person.participantId }));
    }
    async getRoomsInfo() {
      const participants = this.getParticipantsInfo();
      return { rooms: [{ isMainRoom: true, id: this._room, jid: this._room, participants }] };
    }
    async isAudioMuted() { return !(await (await this._meeting).getState()).audio; }
    async isVideoMuted() { return !(await (await this._meeting).getState()).video; }
    async isAudioAvailable() { return (await this.getAvailableDevices()).audioInput.length > 0; }
    async isVideoAvailable() { return (await this.getAvailableDevices()).videoInput.length > 0; }
    async getAvailableDevices() { return this._devices(() => true); }
    async getCurrentDevices() {
      const devices = await this._devices((known) => known.chosen);
      return Object.fromEntries(Object.entries(devices).map(([type, [chosen]]) => [type, chosen]));
    }
    setAudioInputDevice(label, id) { return this._device('audioInput', label, id); }
    setAudioOutputDevice(label, id) { return this._device('audioOutput', label, id); }
    setVideoInputDevice(label, id) { return this._device('videoInput', label, id); }

    async _devices(filter) {
      const all = (await (await this._meeting).getDevices()).filter(filter);
      const of = (type) => all.filter((known) => known.kind === device(type)).map(({ deviceId, label }) => ({ deviceId, label, kind: type.toLowerCase() }));
      return { audioInput: of('audioInput'), audioOutput: of('audioOutput'), videoInput: of('videoInput') };
    }

    async _device(type, label, id) {
      const deviceId = id ?? (await this.getAvailableDevices())[type].find((known) => known.label === label)?.deviceId;
      await (await this._meeting).setDevice(device(type), deviceId ?? '');
    }

    dispose() {
      this._listeners.clear();
      this._meeting.then((meeting) => meeting.dispose()).catch(() => {});
      this._box.remove();
    }
  }

  globalThis.JitsiMeetExternalAPI = JitsiMeetExternalAPI;
})();
