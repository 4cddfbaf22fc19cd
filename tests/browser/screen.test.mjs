// Sharing the screen: it is seen large and heard by the others, several can share, and the browser's own bar ends it.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server } from './harness/server.mjs';
import { launch } from './harness/browsers.mjs';
import { Participant } from './harness/participant.mjs';
import { endByBrowser, screenOfPage } from './harness/screen.mjs';
import { SoundServer } from './harness/sound_server.mjs';
import { until } from './harness/until.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;

/** The screens that are shown: whose, as what, and how many lines are decoded of them. */
const screens = (person) => person.page.$$eval(byTestId('screen'), (tiles) => tiles.map((tile) => ({
  peer: tile.dataset.peer,
  role: tile.dataset.role,
  height: tile.querySelector('video')?.videoHeight ?? 0,
})));

/** The screen of this person is shown large, with a picture. */
const seesScreen = (viewer, sharer) => until(`${viewer.name} sees the screen of ${sharer.name}`, async () => {
  const peer = await sharer.ownPeer();
  return (await screens(viewer)).some((screen) => screen.peer === peer && screen.role === 'featured' && screen.height > 0);
}, 30_000);

const seesNoScreen = (viewer) => until(`${viewer.name} sees no screen`, async () => (await screens(viewer)).length === 0);

/** Loudness at a frequency of everything that is received, in decibels. */
const heardAt = (person, frequency) => person.page.evaluate(async (frequency) => {
  const context = new AudioContext();
  const analyser = Object.assign(context.createAnalyser(), { fftSize: 8192, smoothingTimeConstant: 0 });
  const receivers = window.visavisDebug.peerConnection().getReceivers().filter(({ track }) => track.kind === 'audio');
  for (const { track } of receivers) context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  await new Promise((resolve) => setTimeout(resolve, 600));
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  await context.close();
  return bins[Math.round((frequency * analyser.fftSize) / context.sampleRate)];
}, frequency);

const hears = (person, frequency) =>
  until(`${person.name} hears ${frequency} Hz`, async () => (await heardAt(person, frequency)) > -50, 30_000);

const muted = async (person) => {
  await person.click('toggle-microphone');
  return person;
};

describe('a shared screen', { timeout: 600_000 }, () => {
  let server;
  let chromium;
  let firefox;
  let sound;
  let link;
  let ada;
  let bob;

  before(async () => {
    server = await Server.start();
    chromium = await launch.chromium();
    ({ link } = await server.createRoom());
    ada = await muted(await Participant.join(chromium, link, 'Ada', { before: screenOfPage({ tone: 1000 }) }));
    bob = await muted(await Participant.join(chromium, link, 'Bob', { before: screenOfPage({ tone: 2000 }) }));
  }, { timeout: 120_000 });

  after(async () => {
    await chromium?.close();
    await firefox?.close();
    await sound?.stop();
    await server?.stop();
  });

  test('it is seen large and heard, and the person who shares is told so', async () => {
    await ada.click('share-screen');
    await ada.page.waitForSelector(byTestId('presenting'));
    await seesScreen(bob, ada);
    await hears(bob, 1000);
    const [asked] = await ada.page.evaluate(() => window.asked);
    assert.equal(asked.selfBrowserSurface, 'exclude');
    assert.equal(asked.audio.noiseSuppression, false);
    assert.deepEqual(await screens(ada), [], 'who shares sees no hall of mirrors');
  });

  test('letters stay sharp unless motion matters more', async () => {
    const sent = () => ada.page.evaluate(() => {
      const sender = window.visavisDebug.peerConnection().getSenders().find(({ track }) => track && track === window.screens.at(-1).getVideoTracks()[0]);
      return [sender?.track.contentHint, sender?.getParameters().degradationPreference];
    });
    const is = (hint, preference) => until(`${hint} matters`, async () => {
      const now = await sent();
      return now[0] === hint && now[1] === preference;
    });
    await is('detail', 'maintain-resolution');
    await ada.click('hint-motion');
    await is('motion', 'maintain-framerate');
    await ada.click('hint-detail');
    await is('detail', 'maintain-resolution');
  });

  test('of two screens the latest is shown, and the other can be chosen', async () => {
    const viewer = await muted(await Participant.join(chromium, link, 'Vera'));
    await seesScreen(viewer, ada);
    await bob.page.keyboard.press('s');
    await seesScreen(viewer, bob);
    await seesScreen(ada, bob);
    const tabs = await viewer.page.$$eval(byTestId('screen-tab'), (tabs) => tabs.map((tab) => [tab.textContent, tab.ariaPressed]));
    assert.deepEqual(tabs, [['Ada: screen', 'false'], ['Bob: screen', 'true']]);
    await hears(viewer, 2000);
    await viewer.page.click(`${byTestId('screen-tab')}[data-peer="${await ada.ownPeer()}"]`);
    await seesScreen(viewer, ada);
    await hears(viewer, 1000);
    assert.deepEqual(viewer.page.errors, []);
    await viewer.close();
  });

  test('the sound of a screen is heard by somebody who does not look', async () => {
    const other = await bob.page.browserContext().newPage();
    await other.bringToFront();
    await until('nobody looks at the page', () => bob.page.evaluate(() => document.hidden));
    const camera = `${byTestId('tile')}[data-peer="${await ada.ownPeer()}"]`;
    await until('no camera is received any more', () => bob.page.$eval(camera, (tile) => !tile.dataset.slot), 20_000);
    await hears(bob, 1000);
    await other.close();
    await bob.page.bringToFront();
    await seesScreen(bob, ada);
  });

  test('the bar of the browser ends it, and so does the button', async () => {
    await endByBrowser(ada.page);
    await seesNoScreen(bob);
    await until('Ada is not told any more that she shares', async () => !(await ada.page.$(byTestId('presenting'))));
    await seesScreen(ada, bob);
    await bob.click('stop-sharing');
    await seesNoScreen(ada);
    await ada.click('share-screen');
    await seesScreen(bob, ada);
    await ada.click('share-screen');
    await seesNoScreen(bob);
  });

  test('who changes their mind is told nothing, a block of the system is explained', async () => {
    const refuse = (message) => bob.page.evaluate((text) => { window.refusal = { name: 'NotAllowedError', message: text }; }, message);
    const toasts = () => bob.page.$$eval(byTestId('toast'), (toasts) => toasts.map((toast) => toast.textContent));
    await until('old messages are gone', async () => (await toasts()).length === 0);
    await refuse('Permission denied');
    const asked = await bob.page.evaluate(() => window.asked.length);
    await bob.click('share-screen');
    await until('the browser was asked', () => bob.page.evaluate((before) => window.asked.length > before, asked));
    assert.deepEqual(await toasts(), []);
    await refuse('Permission denied by system');
    await bob.click('share-screen');
    await until('it is explained', async () => (await toasts()).some((toast) => toast.includes('screen recording')));
    assert.equal(await bob.page.$(byTestId('presenting')), null);
  });

  test('a browser that cannot share has no button for it', async () => {
    const cannot = { run: () => { if (navigator.mediaDevices) MediaDevices.prototype.getDisplayMedia = undefined; }, with: [] };
    const vera = await Participant.join(chromium, link, 'Vera', { before: cannot });
    assert.equal(await vera.page.$(byTestId('share-screen')), null);
    await vera.close();
  });

  test('Firefox shares with Chromium, and sees what Chromium shares', async () => {
    // Without a speaker, Firefox lets no sound be made either.
    sound = await SoundServer.start();
    firefox = await launch.firefox({}, sound.environment);
    const finn = await muted(await Participant.join(firefox, link, 'Finn', { before: screenOfPage({ tone: 3000 }) }));
    await finn.click('share-screen');
    await seesScreen(ada, finn);
    await hears(ada, 3000);
    await endByBrowser(finn.page);
    await seesNoScreen(ada);
    await ada.click('share-screen');
    await seesScreen(finn, ada);
    assert.deepEqual([ada.page.errors, bob.page.errors, finn.page.errors], [[], [], []]);
    await finn.close();
  });
});
