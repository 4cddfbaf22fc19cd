// Every page in every state, judged by axe in light and dark, in English and in Arabic, and by whether it fits into a desktop, a tablet
// and a phone; and the whole way by keyboard. What was seen lies in tests/artifacts/pages afterwards, the English pages in all three
// sizes, or in the folder that VISAVIS_PICTURES names.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Server } from '../browser/harness/server.mjs';
import { feed, serverWithKey } from '../browser/harness/captioner.mjs';
import { launch, freshPage } from '../browser/harness/browsers.mjs';
import { until } from '../browser/harness/until.mjs';

const axe = createRequire(import.meta.url)('axe-core').source;
const byTestId = (id) => `[data-testid="${id}"]`;
const pictures = process.env.VISAVIS_PICTURES ?? 'tests/artifacts/pages';
const SIZES = [[1280, 800], [820, 1180], [390, 844]];

/** Looks at a state in both colour schemes; what axe finds is told with the state's name. */
async function audit(page, state, tag, found) {
  for (const scheme of ['light', 'dark']) {
    await page.emulateMediaFeatures([
      { name: 'prefers-color-scheme', value: scheme },
      { name: 'prefers-reduced-motion', value: 'reduce' },
    ]);
    if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
    const violations = await page.evaluate(async () => {
      // A colour on its way from one to another has no contrast to be judged.
      for (const animation of document.getAnimations()) {
        if (animation.effect.getComputedTiming().endTime !== Infinity) animation.finish();
      }
      const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html.slice(0, 160)} (${node.any.map((one) => one.message).join('; ').slice(0, 200)})`).join(', ')}`);
    });
    found.push(...violations.map((violation) => `${state}, ${tag}, ${scheme}: ${violation}`));
    // What fits in one scheme fits in the other, and is looked at in both.
    if (scheme === 'light' || tag === 'en') found.push(...(await fit(page, `${state}-${tag}-${scheme}`, tag === 'en')));
  }
}

/** What can be used and runs out of the page at one of the sizes; the page is photographed at each if it is to be. */
async function fit(page, name, isPhotographed) {
  const outside = [];
  for (const [width, height] of SIZES) {
    await page.setViewport({ width, height });
    outside.push(...(await page.evaluate(outsideOfPage)).map((what) => `${name}-${width}: ${what} runs out of the page`));
    if (isPhotographed) await page.screenshot({ path: join(pictures, `${name}-${width}.png`) });
  }
  await page.setViewport({ width: 1280, height: 800 });
  return outside;
}

/** In a page, once it is laid out: controls that reach over its left or right edge, unless they can be scrolled to. */
async function outsideOfPage() {
  await new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); });
  const canScroll = (element) => element && element !== document.body
    && (['auto', 'scroll'].includes(getComputedStyle(element).overflowX) || canScroll(element.parentElement));
  const controls = [...document.querySelectorAll('button, a, input, select, textarea, [role="dialog"]')];
  const isOutside = (element) => {
    const { left, right, width } = element.getBoundingClientRect();
    return width > 1 && element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && (left < -1 || right > innerWidth + 1);
  };
  return controls.filter((element) => isOutside(element) && !canScroll(element.parentElement)).map((element) => element.outerHTML.slice(0, 120));
}

/** Devices that fail with this exception. */
function stubDevices(problem) {
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException('stubbed', problem);
  };
}

describe('accessibility', { timeout: 600_000 }, () => {
  let server;
  let chromium;

  before(async () => {
    await mkdir(pictures, { recursive: true });
    server = await Server.start();
    chromium = await launch.chromium();
  }, { timeout: 120_000 });

  after(async () => {
    await chromium?.close();
    await server?.stop();
  });

  const see = (page, id) => page.waitForSelector(byTestId(id), { visible: true, timeout: 20_000 });
  const gone = (page, id) => until(`${id} is gone`, async () => (await page.$(byTestId(id))) === null);

  /** A page in a language: the address asks for it, the tab remembers it. */
  const open = async (path, tag, before, { url } = server) => {
    const page = await freshPage(chromium, { before });
    await page.goto(`${url}${path}${path.includes('?') ? '&' : '?'}lang=${tag}`, { waitUntil: 'domcontentloaded' });
    return page;
  };
  const enter = async (room, name, tag, where) => {
    const page = await open(`/r/${room}`, tag, undefined, where);
    await see(page, 'name');
    await page.type(byTestId('name'), name);
    await page.click(byTestId('join'));
    await until(`${name} is in the meeting`, () => page.$$eval(byTestId('tile'), (tiles) => tiles.length > 0), 30_000);
    return page;
  };

  for (const tag of ['en', 'ar']) {
    test(`axe finds nothing on the pages around a meeting, in ${tag}`, async () => {
      const found = [];
      const home = await open('/', tag);
      await see(home, 'home');
      await audit(home, 'home', tag, found);
      await home.type(byTestId('invitation'), 'x');
      await home.click(byTestId('open-meeting'));
      await until('the home page complains', () =>
        home.$eval(byTestId('home-message'), (message) => message.textContent.length > 0).catch(() => false));
      await home.setOfflineMode(true);
      await until('the home page is offline', () =>
        home.$eval(byTestId('network-notice'), (notice) => notice.textContent.length > 0));
      await audit(home, 'home-offline', tag, found);
      await home.browserContext().close();

      const nowhere = await open('/nowhere', tag);
      await see(nowhere, 'not-found');
      await audit(nowhere, 'not-found', tag, found);
      await nowhere.browserContext().close();

      const unloaded = await open('/r/abc-defg-hjk', tag);
      await unloaded.setRequestInterception(true);
      unloaded.on('request', (request) => (request.url().endsWith('_meeting.wasm') ? request.abort() : request.continue()));
      await unloaded.reload({ waitUntil: 'domcontentloaded' });
      await see(unloaded, 'name');
      await unloaded.click(byTestId('check-up'));
      await see(unloaded, 'part-unloaded');
      await audit(unloaded, 'lobby-alone', tag, found);
      await unloaded.type(byTestId('name'), 'Ada');
      await unloaded.click(byTestId('join'));
      await see(unloaded, 'unloaded');
      await audit(unloaded, 'unloaded', tag, found);
      await unloaded.browserContext().close();

      const lobby = await open('/r/abc-defg-hjk', tag);
      await see(lobby, 'lobby');
      await until('the preview shows the camera', () => lobby.$(`${byTestId('preview')} video[data-ready="true"]`));
      await audit(lobby, 'lobby', tag, found);
      await lobby.click(byTestId('join'));
      await lobby.click(byTestId('toggle-backgrounds'));
      await see(lobby, 'backgrounds');
      await lobby.click(byTestId('toggle-camera'));
      await audit(lobby, 'lobby-backgrounds', tag, found);
      await lobby.click(byTestId('check-up'));
      await see(lobby, 'checks');
      await until('the check-up is over', () =>
        lobby.$eval(byTestId('checks'), (checks) => checks.dataset.state === 'over'), 90_000);
      await audit(lobby, 'check-up', tag, found);
      await lobby.browserContext().close();

      for (const problem of ['NotAllowedError', 'NotFoundError', 'NotReadableError']) {
        const refused = await open('/r/abc-defg-hjk', tag, { run: stubDevices, with: [problem] });
        await see(refused, 'capture-problem');
        await audit(refused, `lobby-${problem}`, tag, found);
        await refused.browserContext().close();
      }

      const old = await open('/', tag, { run: () => Object.defineProperty(window, 'WebAssembly', { value: undefined }), with: [] });
      await see(old, 'start-problem');
      await until('it speaks the language', () => old.evaluate((tag) => document.documentElement.lang === tag, tag));
      await audit(old, 'unsupported', tag, found);
      await old.browserContext().close();
      assert.deepEqual(found, []);
    });

    test(`axe finds nothing in a meeting, in ${tag}`, async () => {
      const found = [];
      const { room } = await server.createRoom();
      const ada = await enter(room, 'Ada', tag);
      await see(ada, 'alone');
      await audit(ada, 'meeting-alone', tag, found);
      const bob = await enter(room, 'Bob', tag);
      await until('Ada sees Bob', () => ada.$(`${byTestId('tile')}[data-self="false"] video[data-ready="true"]`), 30_000);
      await audit(ada, 'meeting', tag, found);
      for (const [opener, panel, closer] of [
        ['toggle-people', 'people', 'close-people'],
        ['toggle-backgrounds', 'background-panel', 'close-backgrounds'],
        ['toggle-statistics', 'statistics', 'close-statistics'],
      ]) {
        await ada.click(byTestId(opener));
        await see(ada, panel);
        await audit(ada, `meeting-${panel}`, tag, found);
        await ada.click(byTestId(closer));
        await gone(ada, panel);
      }
      await ada.click(byTestId('devices'));
      await see(ada, 'pick-microphone');
      await audit(ada, 'meeting-devices', tag, found);
      await ada.click(byTestId('pick-microphone'));
      await audit(ada, 'meeting-devices-list', tag, found);
      await ada.keyboard.press('Escape');
      await ada.keyboard.press('Escape');
      await gone(ada, 'pick-microphone');
      await ada.click(byTestId('layout'));
      await see(ada, 'layout-menu');
      await audit(ada, 'meeting-layouts', tag, found);
      await ada.keyboard.press('Escape');
      await gone(ada, 'layout-menu');
      await ada.click(byTestId('reactions'));
      await see(ada, 'reaction');
      await audit(ada, 'meeting-reactions', tag, found);
      await ada.click(byTestId('reaction'));
      await ada.keyboard.press('Escape');
      await gone(ada, 'reaction');
      await ada.keyboard.press('?');
      await see(ada, 'help');
      await audit(ada, 'meeting-keys', tag, found);
      await ada.click(byTestId('close-help'));
      await ada.click(byTestId('toggle-microphone'));
      await ada.click(byTestId('toggle-camera'));
      await audit(ada, 'meeting-muted', tag, found);
      await bob.click(byTestId('leave'));
      await see(bob, 'ended');
      await audit(bob, 'ended', tag, found);
      await Promise.all([ada.browserContext().close(), bob.browserContext().close()]);
      assert.deepEqual(found, []);
    });
  }

  for (const tag of ['en', 'ar']) {
    test(`axe finds nothing at the door, in the chat and in what a host sees, in ${tag}`, async () => {
      const found = [];
      // Whoever creates a meeting on the home page leads it.
      const ada = await open('/', tag);
      await see(ada, 'home');
      await ada.click(byTestId('new-meeting'));
      await see(ada, 'name');
      await ada.type(byTestId('name'), 'Ada');
      await ada.click(byTestId('join'));
      await see(ada, 'alone');
      const path = new URL(ada.url()).pathname;
      const stand = async (id) => {
        const page = await open(path, tag);
        await see(page, 'name');
        await page.type(byTestId('name'), 'Eve');
        await page.click(byTestId('join'));
        await see(page, id);
        return page;
      };
      await ada.click(byTestId('toggle-people'));
      await ada.click(byTestId('host-controls'));
      await ada.type(byTestId('set-passcode-field'), 'sesame');
      await ada.click(byTestId('set-passcode'));
      await see(ada, 'remove-passcode');
      await audit(ada, 'host-controls', tag, found);

      const outside = await stand('passcode-question');
      await audit(outside, 'passcode', tag, found);
      await outside.type(byTestId('passcode'), 'wrong');
      await outside.click(byTestId('give-passcode'));
      await until('the passcode is wrong', () =>
        outside.$eval(byTestId('passcode-message'), (message) => message.textContent.length > 0).catch(() => false));
      await audit(outside, 'passcode-wrong', tag, found);
      await outside.browserContext().close();
      await ada.click(byTestId('remove-passcode'));
      await gone(ada, 'remove-passcode');

      await ada.click(byTestId('rule-waiting-room'));
      const eve = await stand('knocking');
      await audit(eve, 'knocking', tag, found);
      await see(ada, 'waiting-list');
      await audit(ada, 'waiting-list', tag, found);
      await ada.click(byTestId('deny'));
      await see(ada, 'deny-question');
      await audit(ada, 'deny-question', tag, found);
      await ada.click(`${byTestId('deny-question')} ${byTestId('cancel')}`);
      await gone(ada, 'deny-question');
      await ada.click(byTestId('close-people'));
      await see(ada, 'banner-admit');
      await audit(ada, 'knock-banner', tag, found);
      await ada.click(byTestId('banner-admit'));
      await see(eve, 'toggle-chat');

      await ada.click(byTestId('toggle-chat'));
      await see(ada, 'chat');
      await audit(ada, 'chat-empty', tag, found);
      for (const [page, words] of [[ada, 'https://example.org/agenda'], [eve, 'I have read it.']]) {
        if (page === eve) await eve.click(byTestId('toggle-chat'));
        await see(page, 'chat-text');
        await page.type(byTestId('chat-text'), words);
        await page.keyboard.press('Enter');
      }
      await until('both lines are there', () => ada.$$eval(byTestId('line'), (lines) => lines.length === 2));
      await eve.click(byTestId('toggle-hand'));
      await see(ada, 'hand-mark');
      await audit(ada, 'chat', tag, found);
      await ada.click(byTestId('tab-people'));
      await see(ada, 'lower-all-hands');
      await ada.click(byTestId('person-menu'));
      await see(ada, 'remove-person');
      await audit(ada, 'person-menu', tag, found);
      await ada.click(byTestId('leave-more'));
      await see(ada, 'end-for-all');
      await audit(ada, 'leave-menu', tag, found);
      await ada.click(byTestId('end-for-all'));
      await see(ada, 'end-question');
      await audit(ada, 'end-question', tag, found);
      await ada.click(`${byTestId('end-question')} ${byTestId('confirm')}`);
      await see(eve, 'ended');
      await audit(eve, 'ended-for-all', tag, found);
      await Promise.all([ada.browserContext().close(), eve.browserContext().close()]);
      assert.deepEqual(found, []);
    });
  }

  for (const tag of ['en', 'ar']) {
    test(`axe finds nothing where captions are shown, in ${tag}`, async () => {
      const found = [];
      const { server: keyed, stop } = await serverWithKey();
      try {
        const { room } = await keyed.createRoom();
        const ada = await enter(room, 'Ada', tag, keyed);
        const bob = await enter(room, 'Bob', tag, keyed);
        await until('Ada sees Bob', () => ada.$(`${byTestId('tile')}[data-self="false"] video[data-ready="true"]`), 30_000);
        await ada.click(byTestId('toggle-captions'));
        const speaker = await bob.$eval(`${byTestId('tile')}[data-self="true"]`, (tile) => tile.dataset.peer);
        const words = [
          { segment: 1, text: 'Shall we look at the plan for the spring?', name: 'Captioner', language: 'en' },
          { segment: 2, text: 'Yes, let us begin with what is still open from the last time. I think there were two things, and both of them are done by now.', speaker, language: 'en' },
        ];
        await until('both speakers are shown', async () => {
          for (const caption of words) await feed(keyed, room, caption);
          return (await ada.$$(byTestId('caption'))).length === 2;
        });
        // They would vanish while they are looked at.
        const speaking = setInterval(() => words.forEach((caption) => feed(keyed, room, { ...caption, is_final: false }).catch(() => {})), 2000);
        try {
          await audit(ada, 'captions', tag, found);
          assert.equal((await ada.$$(byTestId('caption'))).length, 2);
        } finally {
          clearInterval(speaking);
        }
        await Promise.all([ada.browserContext().close(), bob.browserContext().close()]);
      } finally {
        await stop();
      }
      assert.deepEqual(found, []);
    });
  }

  test('from the home page into a call and out of it, by keyboard alone', async () => {
    const page = await open('/', 'en');
    await see(page, 'home');
    const focused = () => page.evaluate(() => document.activeElement?.dataset.testid ?? document.activeElement?.tagName);
    const tabTo = async (id) => {
      for (let presses = 0; presses < 60; presses += 1) {
        if ((await focused()) === id) return;
        await page.keyboard.press('Tab');
      }
      throw new Error(`the keyboard does not reach ${id}`);
    };
    await tabTo('new-meeting');
    await page.keyboard.press('Enter');
    await see(page, 'lobby');
    await until('the lobby begins at its heading', async () => (await focused()) === 'H1');
    await tabTo('name');
    await page.keyboard.type('Ada');
    await page.keyboard.press('Enter');
    await until('Ada is in the meeting', () => page.$$eval(byTestId('tile'), (tiles) => tiles.length > 0), 30_000);
    for (const [opener, panel] of [['toggle-statistics', 'statistics'], ['toggle-people', 'people']]) {
      await tabTo(opener);
      await page.keyboard.press('Enter');
      await until(`the focus is in ${panel}`, () =>
        page.evaluate((selector) => document.querySelector(selector)?.contains(document.activeElement) ?? false, byTestId(panel)));
      await page.keyboard.press('Escape');
      await gone(page, panel);
      await until(`the focus is back on ${opener}`, async () => (await focused()) === opener);
    }
    await tabTo('devices');
    await page.keyboard.press('Enter');
    await until('the focus is on the first device', async () => (await focused()) === 'pick-microphone');
    await page.keyboard.press('Escape');
    await until('the focus is back on the devices', async () => (await focused()) === 'devices');
    await tabTo('leave');
    await page.keyboard.press('Enter');
    await see(page, 'ended');
    await tabTo('go-home');
    await page.keyboard.press('Enter');
    await see(page, 'home');
    assert.deepEqual(page.errors, []);
    await page.browserContext().close();
  });

  test('who comes, goes and mutes is said in a live region', async () => {
    const { room } = await server.createRoom();
    const ada = await enter(room, 'Ada', 'en');
    const said = (sentence) => until(`it is said that ${sentence}`, () =>
      ada.$eval(byTestId('announcements'), (region, sentence) => region.textContent.includes(sentence), sentence));
    const bob = await enter(room, 'Bob', 'en');
    await said('Bob joined');
    await ada.click(byTestId('toggle-microphone'));
    await said('Your microphone is off');
    await ada.click(byTestId('toggle-microphone'));
    await said('Your microphone is on');
    await bob.click(byTestId('leave'));
    await said('Bob left');
    await Promise.all([ada.browserContext().close(), bob.browserContext().close()]);
  });

  test('with less motion wanted, nothing moves for longer than a moment', async () => {
    const page = await open('/r/abc-defg-hjk', 'en');
    await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
    await see(page, 'lobby');
    const longest = await page.evaluate(() => Math.max(0, ...document.getAnimations().map((animation) =>
      animation.effect.getComputedTiming().endTime)));
    assert.ok(longest < 100, `${longest} ms`);
    await page.browserContext().close();
  });
});
