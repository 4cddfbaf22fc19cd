// The scripts of the embedding without a browser: how large they are, and how Jitsi's words become ours.

import { test, describe, beforeEach } from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import vm from 'node:vm';

const STATIC = new URL('../../static/', import.meta.url);
const GZIPPED_BYTES_MAX = 10_000;
const source = (name) => readFile(new URL(name, STATIC), 'utf8');

test('each script is smaller than ten kilobytes once compressed', async () => {
  for (const name of ['embed.js', 'external_api.js']) {
    const bytes = gzipSync(await source(name), { level: 9 }).length;
    assert.ok(bytes < GZIPPED_BYTES_MAX, `${name} has ${bytes} bytes`);
  }
});

/** A meeting that notes what it is told and says what it is told to say. */
class FakeMeeting {
  said = [];
  iframe = new EventTarget();
  #listeners = {};

  constructor(options) {
    this.options = options;
    for (const name of ['setDisplayName', 'setAudioEnabled', 'setVideoEnabled', 'setScreenShareEnabled', 'leave', 'endMeeting', 'setPanel',
      'setBackground', 'sendChat', 'setHandRaised', 'setLayout', 'pinParticipant', 'muteParticipant', 'askToUnmute', 'removeParticipant',
      'muteAll', 'stopParticipantVideo', 'stopParticipantScreenShare', 'setHost', 'setPolicy', 'setPasscode', 'admit', 'deny', 'setDevice',
      'setCaptionsVisible', 'dispose']) {
      this[name] = async (...values) => { this.said.push([name, ...values]); return null; };
    }
  }

  on(name, listener) { this.#listeners[name] = listener; }
  tell(name, detail) { this.#listeners[name](detail); }
  async getState() { return { audio: true, video: false, captionsVisible: true }; }
  async getParticipants() { return [ADA, BOB]; }
  async getDevices() {
    return [{ kind: 'microphone', deviceId: 'm1', label: 'Desk', chosen: true }, { kind: 'microphone', deviceId: 'm2', label: 'Head', chosen: false },
      { kind: 'camera', deviceId: 'c1', label: 'Lid', chosen: true }];
  }
}

const person = (participantId, displayName, isLocal) => ({ participantId, displayName, isLocal, audio: true, video: true });
const ADA = person('a', 'Ada', true);
const BOB = person('b', 'Bob', false);

test('the prose names what the scripts for Jitsi carry out and send', async () => {
  const [prose, script] = await Promise.all([readFile(new URL('../../shared/EMBED.md', import.meta.url), 'utf8'), source('external_api.js')]);
  const names = [...script.matchAll(/^ {4}(\w+): (?:async )?\(api, meeting/gm)].map(([, name]) => name);
  const events = [...script.matchAll(/\['(\w+)', \{/g)].map(([, name]) => name);
  assert.ok(names.length >= 25 && events.length >= 20, `${names.length} ${events.length}`);
  assert.deepEqual([...names, ...events].filter((name) => !prose.includes(`\`${name}\``)), []);
});

describe('external_api.js', () => {
  let Api;
  let meeting;
  let warnings;

  beforeEach(async () => {
    const element = () => ({ style: {}, append() {}, remove() {} });
    warnings = [];
    const context = vm.createContext({
      document: { currentScript: { src: 'https://meet.example.org/external_api.js' }, createElement: element, body: element() },
      Visavis: { createFrame: (parent, options) => { meeting = new FakeMeeting(options); return meeting; } },
      console: { warn: (text) => warnings.push(text), error: (text) => warnings.push(text) },
      TextEncoder, URL, EventTarget,
    });
    context.globalThis = context;
    vm.runInContext(await source('external_api.js'), context);
    Api = context.JitsiMeetExternalAPI;
  });

  /** Opens a meeting and notes every event that is asked for. */
  async function open(options = {}, domain = 'meet.example.org') {
    const api = new Api(domain, { roomName: 'stand-up', ...options });
    const heard = [];
    for (const name of api.getSupportedEvents()) api.addListener(name, (data) => heard.push([name, data]));
    await settled();
    meeting.tell('meetingJoined', { room: 'stand-up', participant: ADA, others: [BOB] });
    return { api, heard };
  }

  // Whatever is waiting for promises has been done.
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  // Objects of another context are equal in what they hold, not in their prototypes.
  const plain = (value) => JSON.parse(JSON.stringify(value));
  const check = (actual, expected) => assert.deepEqual(plain(actual), plain(expected));

  test('the options become ours, and the room a code', async () => {
    await open({
      jwt: 'token', lang: 'de', userInfo: { displayName: 'Ada', email: 'ada@example.org' },
      configOverwrite: { startWithAudioMuted: true, prejoinConfig: { enabled: false } },
    });
    check(meeting.options, {
      roomUrl: 'https://meet.example.org/r/stand-up', skipLobby: true, token: 'token', language: 'de', displayName: 'Ada',
      externalId: 'ada@example.org', audio: false,
    });
    await open({}, 'localhost:8080');
    assert.equal(meeting.options.roomUrl, 'http://localhost:8080/r/stand-up');
  });

  test('names of rooms become codes that stay apart', async () => {
    const code = async (roomName) => {
      await open({ roomName });
      const found = meeting.options.roomUrl.split('/r/')[1];
      assert.match(found, /^[a-z0-9-]{3,64}$/, roomName);
      return found;
    };
    assert.equal(await code('stand-up'), 'stand-up');
    assert.equal(await code('Stand-Up'), 'stand-up');
    const codes = [];
    for (const name of ['stand up', 'stand_up', 'ab', 'Besprechung für alle', '会議', '会談', 'x'.repeat(80), 'x'.repeat(81), '']) {
      codes.push(await code(name));
    }
    assert.equal(new Set(codes).size, codes.length, codes.join(' '));
  });

  test('toggles say what shall be', async () => {
    const { api } = await open();
    api.executeCommand('toggleAudio');
    await settled();
    meeting.tell('mediaAudioStatusChanged', { active: false, origin: 'page' });
    api.executeCommand('toggleAudio');
    api.executeCommand('toggleChat');
    await settled();
    await settled();
    api.executeCommand('toggleChat');
    await settled();
    check(meeting.said, [['setAudioEnabled', false], ['setAudioEnabled', true], ['setPanel', 'chat'], ['setPanel', null]]);
  });

  test('commands say the same in our words', async () => {
    const { api } = await open();
    const cases = [
      [['displayName', 'Ada L.'], ['setDisplayName', 'Ada L.']],
      [['hangup'], ['leave']],
      [['toggleVideo'], ['setVideoEnabled', false]],
      [['toggleShareScreen'], ['setScreenShareEnabled', true]],
      [['sendChatMessage', 'Hello', 'b'], ['sendChat', 'Hello', 'b']],
      [['setTileView', true], ['setLayout', 'grid']],
      [['toggleRaiseHand'], ['setHandRaised', true]],
      [['setBlurredBackground', 'slight-blur'], ['setBackground', 'light-blur']],
      [['setBlurredBackground', 'none'], ['setBackground', 'real']],
      [['pinParticipant', 'b'], ['pinParticipant', 'b']],
      [['kickParticipant', { id: 'b' }], ['removeParticipant', 'b']],
      [['muteEveryone'], ['muteAll']],
      [['muteEveryone', 'video'], ['stopParticipantVideo', 'b']],
      [['muteRemoteParticipant', 'b'], ['muteParticipant', 'b']],
      [['muteRemoteParticipant', 'b', 'desktop'], ['stopParticipantScreenShare', 'b']],
      [['grantModerator', 'b'], ['setHost', 'b', true]],
      [['setSubtitles', true], ['setCaptionsVisible', true]],
      [['toggleSubtitles'], ['setCaptionsVisible', false]],
      [['password', 'open sesame'], ['setPasscode', 'open sesame']],
      [['password', ''], ['setPasscode', undefined]],
      [['toggleLobby', true], ['setPolicy', { waitingRoom: true }]],
      [['toggleModeration', true, 'audio'], ['setPolicy', { unmute: 'hosts' }]],
      [['answerKnockingParticipant', '7', true], ['admit', 7]],
      [['answerKnockingParticipant', '7', false], ['deny', 7]],
      [['toggleFilmStrip'], ['setLayout', 'sidebar']],
      [['askToUnmute', 'b'], ['askToUnmute', 'b']],
      [['toggleParticipantsPane', true], ['setPanel', 'people']],
      [['endConference'], ['endMeeting']],
    ];
    for (const [[name, ...values], expected] of cases) {
      meeting.said.length = 0;
      api.executeCommand(name, ...values);
      await settled();
      check(meeting.said, [expected]);
    }
    api.executeCommand('toggleWhiteboard');
    assert.match(warnings.at(-1), /toggleWhiteboard/);
    assert.ok(api.getSupportedCommands().length + api.getSupportedEvents().length >= 50);
  });

  test('events come in the words of the other', async () => {
    const { heard } = await open();
    check(heard.map(([name]) => name), ['videoConferenceJoined', 'participantJoined']);
    heard.length = 0;
    meeting.tell('participantUpdated', { participant: { ...BOB, audio: false } });
    meeting.tell('mediaVideoStatusChanged', { active: false, origin: 'participant' });
    meeting.tell('chatMessageReceived', { participantId: 'b', displayName: 'Bob', text: 'Hi', private: true });
    meeting.tell('chatMessageReceived', { participantId: 'a', displayName: 'Ada', text: 'Ho', private: false });
    meeting.tell('activeSpeakerChanged', { participantId: 'b' });
    meeting.tell('activeSpeakerChanged', {});
    meeting.tell('errorOccurred', { code: 'cameraRefused', message: 'No.' });
    meeting.tell('participantUpdated', { participant: { ...BOB, audio: false, screenShare: true } });
    meeting.tell('handRaiseChanged', { participantId: 'b', raised: false });
    meeting.tell('hostChanged', { participantId: 'b', host: true });
    meeting.tell('knockReceived', { knock: 7, displayName: 'Cy' });
    meeting.tell('policyChanged', { policy: { unmute: 'hosts' } });
    meeting.tell('policyChanged', { policy: { unmute: 'hosts', locked: true } });
    meeting.tell('moderated', { action: 'muted', by: 'Bob' });
    meeting.tell('participantLeft', { participant: BOB, reason: 'removed' });
    meeting.tell('meetingLeft', { reason: 'removed', origin: 'moderator', message: '' });
    check(heard, [
      ['participantMuted', { participantId: 'b', isMuted: true, mediaType: 'audio' }],
      ['videoMuteStatusChanged', { muted: true }],
      ['incomingMessage', { from: 'b', nick: 'Bob', message: 'Hi', privateMessage: true }],
      ['outgoingMessage', { message: 'Ho', privateMessage: false }],
      ['dominantSpeakerChanged', { id: 'b' }],
      ['cameraError', { type: 'cameraRefused', message: 'No.' }],
      ['errorOccurred', { error: { name: 'cameraRefused', message: 'No.', isFatal: false } }],
      ['contentSharingParticipantsChanged', { data: ['b'] }],
      ['raiseHandUpdated', { id: 'b', handRaised: 0 }],
      ['participantRoleChanged', { id: 'b', role: 'moderator' }],
      ['knockingParticipant', { participant: { id: '7', name: 'Cy' } }],
      ['moderationStatusChanged', { mediaType: 'audio', enabled: true }],
      ['notificationTriggered', { title: 'Muted by a host', description: 'Bob' }],
      ['participantKickedOut', { kicked: { id: 'b', local: false } }],
      ['participantLeft', { id: 'b' }],
      ['contentSharingParticipantsChanged', { data: [] }],
      ['participantKickedOut', { kicked: { id: 'a', local: true } }],
      ['videoConferenceLeft', { roomName: 'stand-up' }],
      ['readyToClose', {}],
    ]);
  });

  test('functions answer as there', async () => {
    const { api } = await open();
    assert.equal(api.getNumberOfParticipants(), 2);
    assert.equal(api.getDisplayName('b'), 'Bob');
    assert.equal(await api.isAudioMuted(), false);
    assert.equal(await api.isVideoMuted(), true);
    check((await api.getAvailableDevices()).audioInput.map(({ deviceId }) => deviceId), ['m1', 'm2']);
    check((await api.getCurrentDevices()).audioInput.deviceId, 'm1');
    await api.setAudioInputDevice('Head');
    check(meeting.said, [['setDevice', 'microphone', 'm2']]);
    api.dispose();
    await settled();
    check(meeting.said.at(-1), ['dispose']);
  });

  test('a listener is called until it is taken away', async () => {
    const { api } = await open();
    let calls = 0;
    const count = () => { calls += 1; };
    api.on('audioMuteStatusChanged', count);
    api.once('audioMuteStatusChanged', count);
    const mute = () => meeting.tell('mediaAudioStatusChanged', { active: false, origin: 'page' });
    mute();
    mute();
    api.off('audioMuteStatusChanged', count);
    mute();
    assert.equal(calls, 3);
  });
});
