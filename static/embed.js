// Visavis in another page: the element <visavis-meeting>, and Visavis.createFrame and Visavis.wrap for scripts.
// Plain JavaScript without dependencies; load it as a script or import it for its effect. See embed.d.ts for the types.
(() => {
  'use strict';

  // Made from the types in shared/src/embed: do not edit.
  const COMMANDS = {
    join: [],
    leave: [],
    setAudioEnabled: ['enabled'],
    setVideoEnabled: ['enabled'],
    setScreenShareEnabled: ['enabled'],
    setLayout: ['layout'],
    pinParticipant: ['participantId'],
    setTheme: ['theme'],
    setLanguage: ['language'],
    setHiddenParts: ['parts'],
    setToolbarButtons: ['buttons'],
    setPanel: ['panel'],
    setBackground: ['background'],
    setDisplayName: ['displayName'],
    setDevice: ['kind', 'deviceId'],
    sendChat: ['text', 'participantId'],
    setHandRaised: ['raised'],
    sendReaction: ['reaction'],
    muteParticipant: ['participantId'],
    muteAll: [],
    askToUnmute: ['participantId'],
    stopParticipantVideo: ['participantId'],
    askToStartVideo: ['participantId'],
    stopParticipantScreenShare: ['participantId'],
    lowerHand: ['participantId'],
    removeParticipant: ['participantId', 'ban'],
    setHost: ['participantId', 'host'],
    admit: ['knock'],
    deny: ['knock', 'message'],
    setLocked: ['locked'],
    setPolicy: ['policy'],
    setPasscode: ['passcode'],
    endMeeting: [],
    setCaptionsVisible: ['visible'],
    setToken: ['token'],
    getState: [],
    getParticipants: [],
    getDevices: [],
    getBackgrounds: [],
    getSupportedCommands: [],
    getSupportedEvents: [],
  };
  const ATTRIBUTES = {
    'audio': 'flag',
    'background': 'text',
    'display-name': 'text',
    'external-id': 'text',
    'hide': 'words',
    'language': 'text',
    'layout': 'text',
    'metadata': 'text',
    'skip-lobby': 'flag',
    'theme': 'theme',
    'token': 'text',
    'toolbar-buttons': 'json',
    'video': 'flag',
  };
  // End of what is made.

  const VERSION = 1;
  const ALLOW = 'autoplay; camera; microphone; fullscreen; display-capture; speaker-selection; compute-pressure; '
    + 'screen-wake-lock; storage-access; picture-in-picture';
  const PENDING_MAX = 64;
  const MESSAGE_CHARS_MAX = 64 * 1024;
  const ANSWER_WITHIN_MS = 30_000;

  // What an attribute or option that changes later asks of the running meeting.
  const LIVE = {
    'display-name': 'setDisplayName',
    audio: 'setAudioEnabled',
    video: 'setVideoEnabled',
    background: 'setBackground',
    layout: 'setLayout',
    language: 'setLanguage',
    theme: 'setTheme',
    hide: 'setHiddenParts',
    'toolbar-buttons': 'setToolbarButtons',
  };
  // What they ask when they are taken away again; the others stay as they are.
  const WITHOUT = { theme: {}, hide: [], 'toolbar-buttons': [] };

  function failure(code, message) {
    return Object.assign(new Error(message), { name: 'VisavisError', code });
  }

  /** The address for the frame, and the origin that alone is spoken with. */
  function address(roomUrl) {
    const url = new URL(roomUrl, document.baseURI);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError(`no address of a meeting: ${roomUrl}`);
    // Tells the frame to wait for this page.
    url.hash = 'embed';
    return { src: url.href, origin: url.origin };
  }

  /** Functions that want the detail of an event rather than the event; each at most once a name. */
  class Listeners {
    #target;
    #wrapped = new Map();

    constructor(target) {
      this.#target = target;
    }

    add(name, listener, options) {
      this.remove(name, listener);
      const wrapped = (event) => listener(event.detail, event);
      if (!this.#wrapped.has(name)) this.#wrapped.set(name, new Map());
      this.#wrapped.get(name).set(listener, wrapped);
      this.#target.addEventListener(name, wrapped, options);
    }

    remove(name, listener) {
      const wrapped = this.#wrapped.get(name)?.get(listener);
      if (!wrapped) return;
      this.#target.removeEventListener(name, wrapped);
      this.#wrapped.get(name).delete(listener);
    }
  }

  /** One frame, the channel into it, and what waits for an answer. */
  class Meeting extends EventTarget {
    #origin;
    #options;
    #target;
    #owned;
    #port = null;
    #accepted = false;
    #next = 1;
    // Commands by number: their text until it is sent, and how to settle their promise.
    #pending = new Map();
    #listeners;
    #settleReady;
    #deadline;

    constructor(iframe, origin, options, { target, owned = false } = {}) {
      super();
      this.iframe = iframe;
      this.#origin = origin;
      this.#options = options;
      this.#target = target ?? this;
      this.#owned = owned;
      this.#listeners = new Listeners(this.#target);
      this.ready = new Promise((resolve, reject) => { this.#settleReady = { resolve, reject }; });
      // Whoever does not ask need not catch.
      this.ready.catch(() => {});
      this.#deadline = setTimeout(() => this.#giveUp(), ANSWER_WITHIN_MS);
      window.addEventListener('message', this.#hear);
    }

    /** Offers a channel to a frame that may have been there before this script. */
    call() {
      this.#connect();
      return this;
    }

    execute(name, data) {
      return new Promise((resolve, reject) => {
        if (!this.#settleReady) return reject(failure('disconnected', 'the meeting was disposed of'));
        if (this.#pending.size >= PENDING_MAX) return reject(failure('busy', 'too many commands wait for their answer'));
        const id = this.#next++;
        const text = JSON.stringify({ v: VERSION, id, kind: 'command', name, data });
        if (text.length > MESSAGE_CHARS_MAX) return reject(failure('invalidMessage', `${name}: the data are too long`));
        const command = { text, resolve, reject };
        this.#pending.set(id, command);
        if (this.#accepted) this.#send(command);
      });
    }

    on(name, listener) {
      this.#listeners.add(name, listener);
      return this;
    }

    once(name, listener) {
      this.#listeners.add(name, listener, { once: true });
      return this;
    }

    off(name, listener) {
      this.#listeners.remove(name, listener);
      return this;
    }

    /** An option is different from now on: also after the frame was reloaded. */
    change(attribute, value) {
      if (value === undefined) delete this.#options[camel(attribute)];
      else this.#options[camel(attribute)] = value;
      const command = LIVE[attribute];
      const now = value ?? WITHOUT[attribute];
      // Before the frame has accepted this page, the options say it.
      if (!command || now === undefined || !this.#accepted) return;
      this[command](now).catch((error) => console.warn(`visavis-meeting: ${attribute}: ${error.message}`));
    }

    dispose() {
      window.removeEventListener('message', this.#hear);
      this.#close('the meeting was disposed of', true);
      this.#settleReady?.reject(failure('disconnected', 'the meeting was disposed of'));
      this.#settleReady = null;
      if (this.#owned) this.iframe.remove();
    }

    #hear = ({ source, origin, data }) => {
      if (source !== this.iframe.contentWindow || origin !== this.#origin) return;
      if (data?.visavis === 'ready') this.#connect();
    };

    #connect() {
      this.#close('the frame was reloaded', false);
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => this.#receive(data);
      this.#port = port1;
      const options = JSON.stringify(this.#options);
      this.iframe.contentWindow?.postMessage({ visavis: 'connect', v: VERSION, options }, this.#origin, [port2]);
    }

    #receive(text) {
      if (typeof text !== 'string') return;
      const { v, id, kind, name, data, error } = JSON.parse(text);
      if (v !== VERSION) return;
      if (kind === 'event') {
        if (name === 'ready') this.#accept();
        this.#target.dispatchEvent(new CustomEvent(name, { detail: data, bubbles: true }));
      } else if (kind === 'response') {
        const command = this.#pending.get(id);
        this.#pending.delete(id);
        if (error) command?.reject(failure(error.code, error.message));
        else command?.resolve(data);
      }
    }

    #accept() {
      clearTimeout(this.#deadline);
      this.#accepted = true;
      this.#settleReady.resolve();
      for (const command of this.#pending.values()) this.#send(command);
    }

    #send(command) {
      this.#port.postMessage(command.text);
      command.text = null;
    }

    /** What was sent will not be answered any more; what was not sent waits for the next channel, unless this is the end. */
    #close(why, isEnd) {
      this.#port?.close();
      this.#port = null;
      this.#accepted = false;
      for (const [id, command] of this.#pending) {
        if (command.text !== null && !isEnd) continue;
        this.#pending.delete(id);
        command.reject(failure('disconnected', why));
      }
      if (isEnd) clearTimeout(this.#deadline);
    }

    #giveUp() {
      const why = `no meeting at ${this.#origin} answers; is ${location.origin} among the server's embed_origins?`;
      this.#settleReady.reject(failure('disconnected', why));
      this.#close(why, true);
    }
  }

  for (const [name, parameters] of Object.entries(COMMANDS)) {
    Meeting.prototype[name] = function command(...values) {
      const given = parameters.map((parameter, index) => [parameter, values[index]]);
      return this.execute(name, parameters.length > 0 ? Object.fromEntries(given) : undefined);
    };
  }

  function camel(attribute) {
    return attribute.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
  }

  function known(options) {
    return Object.fromEntries(Object.keys(ATTRIBUTES).map(camel).filter((name) => options[name] !== undefined)
      .map((name) => [name, options[name]]));
  }

  function frame(src, title) {
    const iframe = document.createElement('iframe');
    Object.assign(iframe, { allow: ALLOW, title: title ?? 'Video meeting' });
    Object.assign(iframe.style, { border: '0', display: 'block', width: '100%', height: '100%' });
    iframe.src = src;
    return iframe;
  }

  function createFrame(parent, options) {
    const { src, origin } = address(options.roomUrl);
    const iframe = frame(src, options.title);
    const meeting = new Meeting(iframe, origin, known(options), { owned: true });
    parent.append(iframe);
    return meeting;
  }

  function wrap(iframe, options = {}) {
    return new Meeting(iframe, address(iframe.src).origin, known(options)).call();
  }

  /** What the text of an attribute means; undefined: it is not there, or cannot be read. */
  function read(kind, text) {
    if (text === null) return undefined;
    if (kind === 'flag') return text !== 'false';
    if (kind === 'words') return text.split(/\s+/).filter(Boolean);
    if (kind === 'text' || (kind === 'theme' && !text.trim().startsWith('{'))) return kind === 'theme' ? { mode: text.trim() } : text;
    try {
      return JSON.parse(text);
    } catch (error) {
      console.warn(`visavis-meeting: an attribute is not JSON: ${error.message}`);
      return undefined;
    }
  }

  class MeetingElement extends HTMLElement {
    static observedAttributes = ['room-url', ...Object.keys(ATTRIBUTES)];
    #meeting = null;
    #waiting = [];
    #listeners = new Listeners(this);

    constructor() {
      super();
      this.attachShadow({ mode: 'open' }).innerHTML = '<style>:host{display:block;min-height:20rem}</style>';
    }

    get iframe() {
      return this.#meeting?.iframe ?? null;
    }

    get ready() {
      return this.#meeting ? this.#meeting.ready : this.#later((meeting) => meeting.ready);
    }

    execute(name, data) {
      return this.#meeting ? this.#meeting.execute(name, data) : this.#later((meeting) => meeting.execute(name, data));
    }

    on(name, listener) {
      this.#listeners.add(name, listener);
      return this;
    }

    once(name, listener) {
      this.#listeners.add(name, listener, { once: true });
      return this;
    }

    off(name, listener) {
      this.#listeners.remove(name, listener);
      return this;
    }

    connectedCallback() {
      this.#open();
    }

    disconnectedCallback() {
      this.#meeting?.dispose();
      this.#meeting = null;
    }

    attributeChangedCallback(name, before, now) {
      if (before === now || !this.isConnected) return;
      // Another room or another person is another meeting.
      if (name === 'room-url' || name === 'token' || !this.#meeting) this.#open();
      else this.#meeting.change(name, read(ATTRIBUTES[name], now));
    }

    #open() {
      this.#meeting?.dispose();
      this.#meeting = null;
      const roomUrl = this.getAttribute('room-url');
      if (!roomUrl) return;
      const { src, origin } = address(roomUrl);
      const options = {};
      for (const [name, kind] of Object.entries(ATTRIBUTES)) {
        const value = read(kind, this.getAttribute(name));
        if (value !== undefined) options[camel(name)] = value;
      }
      const iframe = frame(src, this.getAttribute('title'));
      this.#meeting = new Meeting(iframe, origin, options, { target: this, owned: true });
      this.shadowRoot.append(iframe);
      for (const start of this.#waiting.splice(0)) start(this.#meeting);
    }

    #later(ask) {
      if (this.#waiting.length >= PENDING_MAX) return Promise.reject(failure('busy', 'too many commands wait for the element'));
      return new Promise((resolve, reject) => this.#waiting.push((meeting) => ask(meeting).then(resolve, reject)));
    }
  }

  for (const name of Object.keys(COMMANDS)) MeetingElement.prototype[name] = Meeting.prototype[name];

  globalThis.Visavis = Object.freeze({ ALLOW, createFrame, wrap });
  if (!customElements.get('visavis-meeting')) customElements.define('visavis-meeting', MeetingElement);
})();
