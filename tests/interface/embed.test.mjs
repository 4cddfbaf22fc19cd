// A meeting inside a page of another origin: what the page says and hears, who is refused, and what works without storage.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server } from '../browser/harness/server.mjs';
import { launch, launchBlockedChromium } from '../browser/harness/browsers.mjs';
import { Participant } from '../browser/harness/participant.mjs';
import { until } from '../browser/harness/until.mjs';
import { hostSite, withoutPolicies } from './embed/host.mjs';
import { Host, NAME } from './embed/page.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;

describe('a meeting in a page of another origin', { timeout: 600_000 }, () => {
  let site;
  let stranger;
  let server;
  let chromium;

  before(async () => {
    site = await hostSite();
    stranger = await hostSite();
    server = await Server.start({ embedOrigins: [site.origin] });
    site.meeting = server.url;
    stranger.meeting = server.url;
    chromium = await launch.chromium();
  }, { timeout: 120_000 });

  after(async () => {
    await chromium?.close();
    await server?.stop();
    site?.close();
    stranger?.close();
  });

  test('the page hears who comes and goes, and carries the person through the meeting', async () => {
    const { link } = await server.createRoom();
    const host = await Host.open(chromium, site);
    await host.embed({ 'room-url': link, ...NAME });
    const joined = await host.hears('meetingJoined');
    assert.equal(joined.room, link.split('/r/')[1]);
    assert.deepEqual([joined.participant.displayName, joined.participant.isLocal], ['Ada', true]);
    assert.deepEqual([joined.participant.externalId, joined.participant.metadata], ['user-7', '{"team":"blue"}']);
    const bob = await Participant.join(chromium, link, 'Bob');
    const { participant } = await host.hears('participantJoined');
    assert.equal(participant.displayName, 'Bob');
    await bob.seesAndHears(1);
    assert.equal((await host.command('getState')).stage, 'joined');
    assert.deepEqual((await host.command('getParticipants')).map((person) => person.displayName), ['Bob', 'Ada']);

    // The page switches the microphone, Bob sees it; then the person does.
    await until('the microphone is on', async () => (await host.command('getState')).audio);
    assert.equal(await host.command('setAudioEnabled', false), null);
    assert.deepEqual(await host.hears('mediaAudioStatusChanged', ({ active }) => !active), { active: false, origin: 'page' });
    await until('Bob sees that Ada is muted', async () => (await bob.tiles()).some((tile) => !tile.self && tile.muted));
    await host.frame.click(byTestId('toggle-microphone'));
    const again = await host.hears('mediaAudioStatusChanged', ({ origin }) => origin === 'participant');
    assert.equal(again.active, true);

    await host.command('setDisplayName', 'Ada L.');
    await host.hears('displayNameChanged', ({ displayName, origin }) => displayName === 'Ada L.' && origin === 'page');
    await until('Bob reads the new name', async () => (await bob.tiles()).some((tile) => tile.text.includes('Ada L.')));

    await bob.click('toggle-camera');
    await host.hears('participantUpdated', (event) => event.participant.displayName === 'Bob' && !event.participant.video);
    await bob.click('leave');
    const left = await host.hears('participantLeft');
    assert.deepEqual([left.participant.displayName, left.reason], ['Bob', 'left']);

    assert.equal(await host.command('leave'), null);
    const end = await host.hears('meetingLeft');
    assert.deepEqual([end.reason, end.origin, end.externalId], ['left', 'page', 'user-7']);
    assert.equal(await host.command('leave'), 'wrongStage');
    assert.deepEqual(host.page.errors, []);
    await Promise.all([host.close(), bob.close()]);
  });

  test('the page chooses how the meeting looks, what is left out, and adds buttons of its own', async () => {
    const { link } = await server.createRoom();
    const host = await Host.open(chromium, site);
    const buttons = [{ id: 'help', label: 'Ask for help' }];
    await host.embed({
      'room-url': link, ...NAME, hide: 'people invitation', theme: '{"mode":"dark","accent":"#7a3cff","radius":4}', language: 'de',
      'toolbar-buttons': JSON.stringify(buttons),
    });
    await host.frame.waitForSelector(byTestId('leave'));
    const shown = (id) => host.frame.$eval(byTestId(id), (element) => element.checkVisibility()).catch(() => false);
    const property = (name) => host.frame.evaluate((wanted) => getComputedStyle(document.documentElement).getPropertyValue(wanted), name);
    const root = (attribute) => host.frame.$eval('html', (element, name) => element.getAttribute(name), attribute);
    assert.deepEqual([await shown('leave'), await shown('toggle-people')], [true, false]);
    assert.deepEqual([await property('--accent'), await property('--on-accent'), await property('--radius')], ['#7a3cff', '#ffffff', '4px']);
    assert.deepEqual([await root('data-theme'), await root('lang')], ['dark', 'de']);
    await host.frame.click(byTestId('page-button-help'));
    assert.deepEqual(await host.hears('toolbarButtonClicked'), { id: 'help' });

    // An attribute that changes acts at once, as a command does.
    await host.page.evaluate(() => { window.meeting.setAttribute('hide', 'leave'); window.meeting.removeAttribute('theme'); });
    await until('other parts are hidden', async () => (await shown('toggle-people')) && !(await shown('leave')));
    await until('the theme is gone', async () => (await root('data-theme')) === null && (await property('--accent')) !== '#7a3cff');
    await host.command('setPanel', 'people');
    await host.frame.waitForSelector(byTestId('people'));
    await host.command('setPanel');
    await until('the panel is closed', async () => (await host.frame.$(byTestId('people'))) === null);
    await host.command('setLanguage', 'fr');
    await until('the page speaks French', async () => (await root('lang')) === 'fr');
    await host.close();
  });

  test('what does not fit is answered with a reason, and nothing happens', async () => {
    const { link } = await server.createRoom();
    const host = await Host.open(chromium, site);
    await host.embed({ 'room-url': link, 'display-name': 'Ada', video: 'false' });
    assert.equal(await host.command('setAudioEnabled', 'yes'), 'invalidData');
    assert.equal(await host.command('setTheme', { accent: 'url(https://elsewhere.example)' }), 'invalidData');
    assert.equal(await host.command('setBackground', 'beach'), 'notFound');
    assert.equal(await host.command('execute', 'fly'), 'unknownCommand');
    assert.equal(await host.command('execute', 'sendChat', { text: 'x'.repeat(70_000) }), 'invalidMessage');
    const supported = await host.command('getSupportedCommands');
    const [{ commands }] = await host.heard('ready');
    assert.deepEqual(supported, commands);
    // A flood is refused and what was accepted is answered.
    const flood = await host.page.evaluate(async () => {
      const all = await Promise.allSettled(Array.from({ length: 100 }, () => window.meeting.getState()));
      return all.map((one) => one.reason?.code ?? one.value.stage);
    });
    assert.deepEqual([...new Set(flood)], ['lobby', 'busy']);
    // Out of the lobby by command, with the camera off as the attribute says.
    assert.equal(await host.command('join'), null);
    const { participant } = await host.hears('meetingJoined');
    assert.deepEqual([participant.displayName, participant.video], ['Ada', false]);
    await host.close();
  });

  test('what the person hides stays hidden, whatever the page says', async () => {
    const { link } = await server.createRoom();
    const host = await Host.open(chromium, site);
    await host.embed({ 'room-url': link, ...NAME, video: 'false' });
    await host.hears('meetingJoined');
    await host.command('setBackground', 'light-blur');
    assert.deepEqual(await host.hears('backgroundChanged'), { background: 'light-blur', origin: 'page' });
    assert.equal(await host.command('setBackground', 'real'), null);
    await host.frame.click(byTestId('toggle-backgrounds'));
    await (await host.frame.waitForSelector(byTestId('background-strong-blur'))).click();
    await host.hears('backgroundChanged', ({ background, origin }) => background === 'strong-blur' && origin === 'participant');
    assert.equal(await host.command('setBackground', 'real'), 'notAllowed');
    assert.equal((await host.command('getState')).background, 'strong-blur');
    await host.close();
  });

  test('createFrame and wrap do the same without the element, and a reloaded frame is spoken with again', async () => {
    const { link } = await server.createRoom();
    const host = await Host.open(chromium, site);
    await host.page.evaluate((roomUrl) => {
      window.meeting = listen(Visavis.createFrame(document.getElementById('place'), { roomUrl, displayName: 'Ada', video: false }));
      return window.meeting.ready;
    }, link);
    assert.equal((await host.command('getState')).stage, 'lobby');
    // The frame loads anew: the channel is cut, and made again.
    await host.page.evaluate(() => { window.meeting.iframe.src = window.meeting.iframe.src.replace('#', '?again#'); });
    await until('the frame is spoken with again', async () => (await host.heard('ready')).length === 2);
    assert.equal((await host.command('getState')).stage, 'lobby');
    await host.page.evaluate(() => window.meeting.dispose());
    assert.equal(await host.command('getState'), 'disconnected');
    assert.equal(await host.page.$('iframe'), null);
    // A frame of the page's own, with the meeting in it before the script speaks with it.
    await host.page.evaluate(async (src) => {
      const iframe = Object.assign(document.createElement('iframe'), { src, allow: Visavis.ALLOW, id: 'frame' });
      document.getElementById('place').append(iframe);
      await new Promise((resolve) => { iframe.onload = resolve; });
    }, link);
    const frame = await until('the frame is there', () => host.page.frames().find((one) => one.url() === link));
    await frame.waitForSelector(byTestId('lobby'));
    await host.page.evaluate(() => {
      window.meeting = listen(Visavis.wrap(document.getElementById('frame'), { theme: { mode: 'dark' } }));
      return window.meeting.ready;
    });
    assert.equal(await frame.$eval('html', (element) => element.dataset.theme), 'dark');
    await host.close();
  });

  test('a page that the server does not name gets no meeting and no word', async () => {
    const { link } = await server.createRoom();
    const host = await Host.open(chromium, stranger);
    const refused = [];
    host.page.on('console', (message) => refused.push(message.text()));
    await host.page.evaluate((given) => embed(given), { 'room-url': link, ...NAME });
    await until('the browser refuses the frame', () => refused.some((text) => text.includes('frame-ancestors')));
    assert.deepEqual(await host.page.evaluate(() => heard), []);
    await host.close();
  });

  test('a page that gets hold of the frame all the same is not spoken with', async () => {
    // Something between server and browser takes the policy away.
    const passedOn = await withoutPolicies(server.url);
    const host = await Host.open(chromium, stranger);
    await host.page.evaluate((given) => embed(given), { 'room-url': `${passedOn.url}/r/abc-defg-hjk`, ...NAME });
    const frame = await until('the frame is there', () => host.page.frames().find((one) => one.url().startsWith(passedOn.url)));
    await frame.waitForSelector(byTestId('refused'));
    assert.deepEqual(await host.page.evaluate(() => heard), []);
    await host.close();
    passedOn.close();
  });

  test('another window cannot speak for the page', async () => {
    const { link } = await server.createRoom();
    const host = await Host.open(chromium, site);
    await host.embed({ 'room-url': link, 'display-name': 'Ada', video: 'false' });
    await host.hears('ready');
    // A frame of a stranger in the same page offers a channel to the meeting's frame.
    const answered = await host.page.evaluate(async (src) => {
      const iframe = Object.assign(document.createElement('iframe'), { src });
      document.body.append(iframe);
      await new Promise((resolve) => { iframe.onload = resolve; });
      return true;
    }, stranger.origin);
    assert.ok(answered);
    const frame = host.page.frames().find((one) => one.url().startsWith(stranger.origin));
    await frame.evaluate((origin) => {
      const { port1, port2 } = new MessageChannel();
      window.words = [];
      port1.onmessage = ({ data }) => window.words.push(data);
      window.parent.frames[0].postMessage({ visavis: 'connect', v: 1, options: '{"displayName":"Eve"}' }, origin, [port2]);
    }, server.url);
    // The channel of the page lives on, which it would not if another had taken its place.
    for (let round = 0; round < 5; round += 1) assert.equal((await host.command('getState')).stage, 'lobby');
    assert.deepEqual(await frame.evaluate(() => window.words), []);
    await host.close();
  });

  test('with all storage blocked the meeting works', async () => {
    const blocked = await launchBlockedChromium();
    try {
      const { link } = await server.createRoom();
      const host = await Host.open(blocked.browser, site);
      await host.embed({ 'room-url': link, ...NAME });
      const reach = await host.frame.evaluate(() => { try { return typeof window.localStorage; } catch (error) { return error.name; } });
      assert.equal(reach, 'SecurityError');
      await host.hears('meetingJoined');
      const bob = await Participant.join(chromium, link, 'Bob');
      await bob.seesAndHears(1);
      await host.command('leave');
      await host.hears('meetingLeft');
      assert.deepEqual(host.page.errors, []);
      await Promise.all([host.close(), bob.close()]);
    } finally {
      await blocked.close();
    }
  });

  test('a page that was written for Jitsi Meet goes on working', async () => {
    const { room, link } = await server.createRoom();
    const host = await Host.open(chromium, site);
    await host.page.evaluate(async ({ origin, domain, roomName }) => {
      const script = Object.assign(document.createElement('script'), { src: `${origin}/external_api.js` });
      document.head.append(script);
      await new Promise((resolve) => { script.onload = resolve; });
      window.api = new JitsiMeetExternalAPI(domain, {
        roomName, height: 500, userInfo: { displayName: 'Ada' },
        configOverwrite: { prejoinConfig: { enabled: false }, startWithVideoMuted: true },
      });
      for (const name of window.api.getSupportedEvents()) window.api.addListener(name, (detail) => heard.push({ name, detail }));
    }, { origin: server.url, domain: new URL(server.url).host, roomName: room });
    const joined = await host.hears('videoConferenceJoined');
    assert.deepEqual([joined.roomName, joined.displayName], [room, 'Ada']);
    const bob = await Participant.join(chromium, link, 'Bob');
    await host.hears('participantJoined', ({ displayName }) => displayName === 'Bob');
    await until('the microphone is on', () => host.page.evaluate(async () => !(await window.api.isAudioMuted())));
    const toggle = () => host.page.evaluate(() => window.api.executeCommand('muteAudio', true));
    await toggle();
    await host.hears('audioMuteStatusChanged', ({ muted }) => muted);
    await until('Bob sees that Ada is muted', async () => (await bob.tiles()).some((tile) => !tile.self && tile.muted));
    await host.page.evaluate(() => window.api.executeCommand('hangup'));
    await host.hears('readyToClose');
    await Promise.all([host.close(), bob.close()]);
  });

  test('in Firefox a page embeds the meeting, hears of it and switches the microphone', async () => {
    const firefox = await launch.firefox();
    try {
      const { link } = await server.createRoom();
      const host = await Host.open(firefox, site);
      await host.embed({ 'room-url': link, ...NAME });
      await host.hears('meetingJoined');
      const bob = await Participant.join(chromium, link, 'Bob');
      await host.hears('participantJoined', ({ participant }) => participant.displayName === 'Bob');
      await bob.seesAndHears(1);
      await until('the microphone is on', async () => (await host.command('getState')).audio);
      await host.command('setAudioEnabled', false);
      await host.hears('mediaAudioStatusChanged', ({ active, origin }) => !active && origin === 'page');
      await until('Bob sees that Ada is muted', async () => (await bob.tiles()).some((tile) => !tile.self && tile.muted));
      await host.command('leave');
      await host.hears('meetingLeft');
      assert.deepEqual(host.page.errors, []);
      await Promise.all([host.close(), bob.close()]);
    } finally {
      await firefox.close();
    }
  });
});
