// What a page around a meeting does and hears beside sound and pictures: the chat, hands, reactions, hosts, tokens.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { feed, serverWithKey } from '../browser/harness/captioner.mjs';
import { Server } from '../browser/harness/server.mjs';
import { launch } from '../browser/harness/browsers.mjs';
import { Participant } from '../browser/harness/participant.mjs';
import { screenOfPage } from '../browser/harness/screen.mjs';
import { choose, eventually, open, press, reads, write } from '../browser/harness/talk.mjs';
import { hostSite } from './embed/host.mjs';
import { Host, NAME } from './embed/page.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;
const unseen = { camera: false };
const QUIET = { ...NAME, video: 'false' };
const IDENTITY = { externalId: 'user-7', metadata: '{"team":"blue"}' };

/** A join token of a server's key (RFC 7519). */
function tokenOf({ id, secret }, claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const signed = `${part({ alg: 'HS256', kid: id })}.${part({ aud: 'visavis', iat: now, exp: now + 600, ...claims })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

describe('a page and what is said and led in its meeting', { timeout: 900_000 }, () => {
  let site;
  let server;
  let chromium;

  before(async () => {
    site = await hostSite();
    server = await Server.start({ embedOrigins: [site.origin] });
    site.meeting = server.url;
    chromium = await launch.chromium();
  }, { timeout: 120_000 });

  after(async () => {
    await chromium?.close();
    await server?.stop();
    site?.close();
  });

  /** A page whose person leads the meeting, by the token that it gives. */
  async function leading(browser = chromium) {
    const { link, token } = await server.createRoom();
    const host = await Host.open(browser, site);
    await host.embed({ 'room-url': link, token, ...QUIET });
    const { participant } = await host.hears('meetingJoined');
    if (!participant.host) await host.hears('hostChanged', (event) => event.participantId === participant.participantId && event.host);
    return { host, link, token, me: participant.participantId };
  }

  const joined = async (host, name) =>
    (await host.hears('participantJoined', ({ participant }) => participant.displayName === name)).participant.participantId;

  /** The main path: said by every browser. */
  async function talkAndLead(browser) {
    const { host, link, me } = await leading(browser);
    const bob = await Participant.join(chromium, link, 'Bob', unseen);
    const id = await joined(host, 'Bob');

    await open(bob, 'chat');
    assert.equal(await host.command('sendChat', 'Hello'), null);
    assert.equal(await host.command('sendChat', 'Psst', id), null);
    await reads(bob, ['Hello', 'Psst']);
    const own = await host.hears('chatMessageReceived', ({ text }) => text === 'Psst');
    assert.deepEqual(own, { participantId: me, displayName: 'Ada', text: 'Psst', private: true, ...IDENTITY });
    await write(bob, 'Hello Ada');
    const theirs = await host.hears('chatMessageReceived', ({ participantId }) => participantId === id);
    assert.deepEqual(theirs, { participantId: id, displayName: 'Bob', text: 'Hello Ada', private: false });

    await host.command('setHandRaised', true);
    assert.deepEqual(await host.hears('handRaiseChanged'), { participantId: me, raised: true, ...IDENTITY });
    assert.equal((await host.command('getState')).handRaised, true);
    await host.command('sendReaction', '👏');
    assert.deepEqual(await host.hears('reactionReceived'), { participantId: me, reaction: '👏', ...IDENTITY });
    await bob.page.waitForSelector(byTestId('floating-sign'), { timeout: 20_000 });
    await press(bob, 'toggle-hand');
    await host.hears('handRaiseChanged', ({ participantId, raised }) => participantId === id && raised);
    assert.equal(await host.command('lowerHand', id), null);
    await host.hears('handRaiseChanged', ({ participantId, raised }) => participantId === id && !raised);

    assert.equal(await host.command('muteParticipant', id), null);
    await host.hears('participantUpdated', ({ participant }) => participant.participantId === id && !participant.audio);
    assert.equal(await host.command('askToUnmute', id), null);
    await press(bob, 'unmute', byTestId('unmute-question'));
    await host.hears('participantUpdated', ({ participant }) => participant.participantId === id && participant.audio);
    assert.equal(await host.command('removeParticipant', id), null);
    assert.equal((await bob.ended()).state, 'removed');
    await host.hears('participantLeft', ({ reason }) => reason === 'removed');
    assert.equal(await host.command('endMeeting'), null);
    const end = await host.hears('meetingLeft');
    assert.deepEqual([end.reason, end.origin, end.externalId], ['meetingEnded', 'moderator', 'user-7']);
    assert.deepEqual([host.page.errors, bob.page.errors], [[], []]);
    await Promise.all([host.close(), bob.close()]);
  }

  test('the page of a host writes, raises hands, reacts and moderates', () => talkAndLead(chromium));

  test('in Firefox, too', async () => {
    const firefox = await launch.firefox();
    try {
      await talkAndLead(firefox);
    } finally {
      await firefox.close();
    }
  });

  test('who knocks is told to the page, which lets them in or sends them away, and rules build on one another', async () => {
    const { host, link } = await leading();
    // One right after the other: the second builds on the first.
    await host.page.evaluate(() => Promise.all([
      window.meeting.setPolicy({ chat: 'hosts' }), window.meeting.setPolicy({ waitingRoom: true }),
    ]));
    await host.hears('policyChanged', ({ policy }) => policy.chat === 'hosts' && policy.waitingRoom);
    const knock = async (name) => {
      const person = await Participant.arrive(chromium, link, name, unseen);
      const heard = await host.hears('knockReceived', ({ displayName }) => displayName === name);
      return { person, number: heard.knock };
    };
    const cleo = await knock('Cleo');
    assert.deepEqual((await host.command('getState')).knocks, [{ knock: cleo.number, displayName: 'Cleo' }]);
    assert.equal(await host.command('deny', cleo.number, 'We begin at ten'), null);
    const end = await cleo.person.ended();
    assert.equal(end.state, 'denied');
    assert.match(end.sentence, /We begin at ten/);
    await host.hears('knockEnded', (event) => event.knock === cleo.number);
    const dan = await knock('Dan');
    assert.equal(await host.command('admit', dan.number), null);
    await joined(host, 'Dan');
    assert.equal(await host.command('admit', dan.number), 'notFound');
    await host.command('setLocked', true);
    await host.hears('policyChanged', ({ policy }) => policy.locked && policy.waitingRoom);
    const eve = await Participant.arrive(chromium, link, 'Eve', unseen);
    assert.equal((await eve.ended()).state, 'locked');
    await Promise.all([host.close(), cleo.person.close(), dan.person.close(), eve.close()]);
  });

  test('the page of somebody who does not lead is refused, and told what hosts do about the person', async () => {
    const ada = await Participant.create(chromium, server.url, 'Ada', unseen);
    const host = await Host.open(chromium, site);
    await host.embed({ 'room-url': ada.link, ...QUIET, 'display-name': 'Bob' });
    const { participant, others } = await host.hears('meetingJoined');
    const [{ participantId: id }] = others;
    for (const [command, ...values] of [['muteParticipant', id], ['muteAll'], ['stopParticipantVideo', id], ['askToUnmute', id], ['lowerHand'],
      ['removeParticipant', id, true], ['setHost', id, false], ['admit'], ['deny', 1], ['setLocked', true], ['setPolicy', { locked: true }],
      ['setPasscode', 'open sesame'], ['endMeeting']]) {
      assert.equal(await host.command(command, ...values), 'notAllowed', command);
    }
    assert.equal(await host.command('sendReaction', '🦀'), 'notFound');
    await untilHeard(host);
    await choose(ada, 'Bob', 'mute-person');
    assert.deepEqual(await host.hears('moderated', ({ action }) => action === 'muted'), { action: 'muted', by: 'Ada', ...IDENTITY });
    await host.hears('mediaAudioStatusChanged', ({ active, origin }) => !active && origin === 'moderator');
    await choose(ada, 'Bob', 'ask-to-unmute');
    await host.hears('moderated', ({ action }) => action === 'askedToUnmute');
    await choose(ada, 'Bob', 'make-host');
    await host.hears('hostChanged', (event) => event.participantId === participant.participantId && event.host && event.externalId === 'user-7');
    assert.equal(await host.command('setHost', id, false), null);
    await host.hears('hostChanged', (event) => event.participantId === id && !event.host);
    await Promise.all([host.close(), ada.close()]);
  });

  const untilHeard = (host) => eventually('the microphone is on', async () => (await host.command('getState')).audio);

  test('a share that the person cancels is not the page’s, and one that a host ends is captured no longer', async () => {
    const { host: leader, link } = await leading();
    const host = await Host.open(chromium, site, { before: screenOfPage() });
    await host.embed({ 'room-url': link, ...QUIET, 'display-name': 'Bob' });
    await host.hears('meetingJoined');
    const id = await joined(leader, 'Bob');
    const refuse = (refusal) => host.frame.evaluate((given) => { window.refusal = given; }, refusal);
    await refuse({ name: 'NotAllowedError', message: 'Permission denied' });
    await host.command('setScreenShareEnabled', true);
    await eventually('the person was asked', () => host.frame.evaluate(() => window.asked.length === 1));
    await refuse(null);
    await host.frame.waitForSelector(byTestId('share-screen'), { visible: true });
    await host.frame.click(byTestId('share-screen'));
    assert.deepEqual(await host.hears('screenShareStatusChanged'), { active: true, origin: 'participant' });
    await leader.hears('participantUpdated', ({ participant }) => participant.participantId === id && participant.screenShare);
    assert.equal(await leader.command('stopParticipantScreenShare', id), null);
    await host.hears('screenShareStatusChanged', ({ active, origin }) => !active && origin === 'moderator');
    await host.hears('moderated', ({ action, by }) => action === 'screenShareStopped' && by === 'Ada');
    const states = () => host.frame.evaluate(() => window.screens.flatMap((stream) => stream.getTracks()).map((track) => track.readyState));
    assert.deepEqual([...new Set(await states())], ['ended']);
    await Promise.all([host.close(), leader.close()]);
  });

  test('a token reaches the server by no address, and may come after the frame', async () => {
    const { link, token } = await server.createRoom();
    const host = await Host.open(chromium, site);
    const asked = [];
    host.page.on('request', (request) => asked.push(`${request.url()} ${JSON.stringify(request.headers())}`));
    await host.embed({ 'room-url': link, 'display-name': 'Ada', video: 'false' });
    assert.equal(await host.command('setToken', token), null);
    assert.equal(await host.command('join'), null);
    await host.hears('meetingJoined');
    await eventually('Ada leads', async () => (await host.command('getState')).host);
    assert.ok(asked.length > 3 && !asked.some((line) => line.includes(token)));
    assert.ok(!(await host.frame.evaluate(() => window.location.href)).includes(token));
    // And by createFrame.
    const other = await Host.open(chromium, site);
    await other.page.evaluate((roomUrl, given) => {
      window.meeting = listen(Visavis.createFrame(document.getElementById('place'), {
        roomUrl, token: given, displayName: 'Bea', video: false, skipLobby: true,
      }));
      return window.meeting.ready;
    }, link, token);
    await other.hears('meetingJoined');
    await eventually('Bea leads, too', async () => (await other.command('getState')).host);
    await Promise.all([host.close(), other.close()]);
  });

  test('a token that does not fit is refused in the person’s language, and another one may follow', async () => {
    const { link, token } = await server.createRoom();
    const host = await Host.open(chromium, site);
    await host.embed({ 'room-url': link, token: 'a.b.c', language: 'de', ...QUIET });
    const end = await host.hears('meetingLeft');
    assert.deepEqual([end.reason, end.origin, end.externalId], ['refused', 'system', 'user-7']);
    const told = await host.frame.waitForSelector(byTestId('reason'));
    assert.match(await told.evaluate((element) => element.textContent), /^Dieser Link gehört zu einer anderen Besprechung/);
    assert.match(end.message, /^Dieser Link gehört/);
    await host.command('setToken', token);
    await host.frame.click(byTestId('rejoin'));
    await host.frame.waitForSelector(byTestId('lobby'));
    assert.equal(await host.command('join'), null);
    await host.hears('meetingJoined', ({ participant }) => participant.host);
    await host.close();
  });

  test('each part is left out everywhere', async () => {
    const { host, link } = await leading();
    const bob = await Participant.join(chromium, link, 'Bob', unseen);
    const id = await joined(host, 'Bob');
    await press(bob, 'toggle-hand');
    await host.hears('handRaiseChanged', ({ raised }) => raised);
    await host.command('setPanel', 'people');
    await host.frame.waitForSelector(`${byTestId('person')}[data-peer="${id}"] ${byTestId('person-menu')}`);
    await host.frame.click(`${byTestId('person')}[data-peer="${id}"] ${byTestId('person-menu')}`);
    await host.frame.waitForSelector(byTestId('mute-person'));
    const shown = (part) => host.frame.evaluate((name) =>
      [...document.querySelectorAll(`[data-part="${name}"]`)].some((element) => element.checkVisibility()), part);
    const PARTS = {
      chat: ['toggle-chat', 'tab-chat', 'write-privately'],
      people: ['toggle-people', 'tab-people'],
      reactions: ['reactions', 'reaction-signs', 'reactions-spoken'],
      'raise-hand': ['toggle-hand', 'hand-mark', 'lower-hand-of', 'lower-all-hands'],
      'host-controls': ['host-actions', 'host-controls', 'leave-more', 'mute-person', 'remove-person'],
    };
    for (const [part, names] of Object.entries(PARTS)) {
      await host.command('setHiddenParts', []);
      for (const name of names) assert.ok(await shown(name), `${name} is there`);
      await host.command('setHiddenParts', [part]);
      for (const name of names) assert.ok(!(await shown(name)), `${name} is hidden with ${part}`);
    }
    // What is written then comes to the page alone.
    await host.command('setHiddenParts', ['chat']);
    await host.command('setPanel');
    await write(bob, 'Nobody shows this');
    await host.hears('chatMessageReceived', ({ text }) => text === 'Nobody shows this');
    assert.ok(!(await host.frame.evaluate(() => document.body.textContent)).includes('Nobody shows this'));
    await Promise.all([host.close(), bob.close()]);
  });

  test('a page shows captions, hears what is said, and may show it by itself', async () => {
    const theirs = await hostSite();
    const { server: keyed, stop } = await serverWithKey({ embedOrigins: [theirs.origin] });
    theirs.meeting = keyed.url;
    try {
      const { room, link } = await keyed.createRoom();
      const host = await Host.open(chromium, theirs);
      await host.embed({ 'room-url': link, ...QUIET, 'display-name': 'Ada' });
      const { participant } = await host.hears('meetingJoined');
      assert.equal((await host.command('getState')).captionsVisible, false);
      assert.equal(await host.command('setCaptionsVisible', true), null);
      assert.deepEqual(await host.hears('captionsVisibilityChanged'), { visible: true, origin: 'page' });
      const said = { segment: 1, text: 'Good morning.', speaker: participant.participantId, language: 'en' };
      await eventually('the words are shown', async () => {
        await feed(keyed, room, { ...said, text: 'Good mor', is_final: false });
        return host.frame.$('[data-testid="caption"]');
      });
      await feed(keyed, room, said);
      const told = await host.hears('captionReceived');
      assert.deepEqual(told, { participantId: participant.participantId, displayName: 'Ada', text: 'Good morning.', language: 'en' });
      const isShown = (id) => host.frame.$eval(`[data-testid="${id}"]`, (element) => element.checkVisibility()).catch(() => false);
      await host.command('setHiddenParts', ['captions']);
      await feed(keyed, room, { ...said, segment: 2, text: 'And goodbye.' });
      await host.hears('captionReceived', ({ text }) => text === 'And goodbye.');
      assert.deepEqual([await isShown('captions'), await isShown('toggle-captions')], [false, false]);
      await host.command('setHiddenParts', []);
      await host.frame.click('[data-testid="toggle-captions"]');
      await host.hears('captionsVisibilityChanged', ({ visible, origin }) => !visible && origin === 'participant');
      await host.close();
    } finally {
      await stop();
      theirs.close();
    }
  });

  test('a page of a key’s origins may embed, with that key’s tokens', async () => {
    const key = { id: 'a', secret: '0123456789abcdef0123456789abcdef' };
    const folder = await mkdtemp(join(tmpdir(), 'visavis-key-'));
    const file = join(folder, 'visavis.toml');
    const theirs = await hostSite();
    await writeFile(file, `[[keys]]\nid = "${key.id}"\nsecret = "${key.secret}"\nframe_ancestors = ["${theirs.origin}"]\n`);
    const keyed = await Server.start({ settings: ['--config', file] });
    theirs.meeting = keyed.url;
    try {
      const allowed = async (origin) => (await (await fetch(`${keyed.url}/api/embed?origin=${encodeURIComponent(origin)}`)).json()).allowed;
      assert.deepEqual([await allowed(theirs.origin), await allowed(site.origin)], [true, false]);
      const host = await Host.open(chromium, theirs);
      const token = tokenOf(key, { room: 'stand-up', name: 'Ada', host: true });
      await host.embed({ 'room-url': `${keyed.url}/r/stand-up`, token, ...QUIET });
      await host.hears('meetingJoined');
      await eventually('Ada leads', async () => (await host.command('getState')).host);
      await host.close();
    } finally {
      await keyed.stop();
      theirs.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
