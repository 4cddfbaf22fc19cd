// Every key of the list does what the list says, and the space bar lets a muted person talk while it is held.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server } from '../browser/harness/server.mjs';
import { launch } from '../browser/harness/browsers.mjs';
import { Participant } from '../browser/harness/participant.mjs';
import { screenOfPage } from '../browser/harness/screen.mjs';
import { until } from '../browser/harness/until.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;
const stateOf = (person, id) => person.page.$eval(byTestId(id), (element) => element.dataset.state);
const isThere = async (person, id) => (await person.page.$(byTestId(id))) !== null;
const becomes = (person, id, state) => until(`${id} is ${state}`, async () => (await stateOf(person, id)) === state);
const appears = (person, id) => until(`${id} is there`, () => isThere(person, id));
const goes = (person, id) => until(`${id} is gone`, async () => !(await isThere(person, id)));

const helpIsOpen = (person) => person.page.$eval(byTestId('help'), (dialog) => dialog.open);

async function press(person, key, ...modifiers) {
  for (const modifier of modifiers) await person.page.keyboard.down(modifier);
  await person.page.keyboard.press(key);
  for (const modifier of modifiers) await person.page.keyboard.up(modifier);
}

/** Nothing has the focus, as after a click on a picture. */
const leaveControls = (person) => person.page.evaluate(() => document.activeElement?.blur());

/** Audio energy that arrives within a while. */
async function heard(person) {
  const before = (await person.received()).audioEnergy;
  await new Promise((resolve) => setTimeout(resolve, 1200));
  return (await person.received()).audioEnergy - before;
}

describe('keys', { timeout: 600_000 }, () => {
  let server;
  const browsers = {};

  before(async () => {
    server = await Server.start();
    browsers.chromium = await launch.chromium();
    browsers.firefox = await launch.firefox();
  }, { timeout: 120_000 });

  after(async () => {
    await browsers.chromium?.close();
    await browsers.firefox?.close();
    await server?.stop();
  });

  for (const name of ['chromium', 'firefox']) {
    test(`${name}: every key does what the list says`, async () => {
      const { link } = await server.createRoom();
      const ada = await Participant.join(browsers[name], link, 'Ada', { before: screenOfPage() });
      await leaveControls(ada);
      for (const [keys, id, first, second] of [
        [['m'], 'toggle-microphone', 'off', 'on'],
        [['d', 'Control'], 'toggle-microphone', 'off', 'on'],
        [['e'], 'toggle-camera', 'off', 'on'],
        [['e', 'Control'], 'toggle-camera', 'off', 'on'],
        [['p'], 'toggle-people', 'open', 'closed'],
        [['l'], 'layout', 'open', 'closed'],
        [['r'], 'reactions', 'open', 'closed'],
        [['h'], 'toggle-hand', 'raised', 'lowered'],
        [['t'], 'toggle-captions', 'shown', 'hidden'],
        [['s'], 'share-screen', 'sharing', 'idle'],
      ]) {
        await press(ada, ...keys);
        await becomes(ada, id, first);
        await press(ada, ...keys);
        await becomes(ada, id, second);
      }
      await press(ada, 'c');
      await becomes(ada, 'toggle-chat', 'open');
      // One can write at once: then letters are letters.
      await until('the chat has the focus', () => ada.page.evaluate(() => document.activeElement.matches('textarea, input')));
      await leaveControls(ada);
      await press(ada, 'c');
      await becomes(ada, 'toggle-chat', 'closed');
      await press(ada, 'p');
      await press(ada, 'l');
      await appears(ada, 'layout-menu');
      await press(ada, 'Escape');
      await goes(ada, 'layout-menu');
      await goes(ada, 'people');
      if (await ada.page.evaluate(() => document.fullscreenEnabled)) {
        await press(ada, 'f');
        await until('the page fills the screen', () => ada.page.evaluate(() => document.fullscreenElement !== null));
        await press(ada, 'f');
        await until('it does not any more', () => ada.page.evaluate(() => document.fullscreenElement === null));
      }
      assert.deepEqual(ada.page.errors, []);
      await ada.close();
    });

    test(`${name}: the list of keys holds the focus until it is closed, and gives it back`, async () => {
      const { link } = await server.createRoom();
      const ada = await Participant.join(browsers[name], link, 'Ada');
      await ada.page.focus(byTestId('toggle-people'));
      await press(ada, '?');
      await until('it is open', () => helpIsOpen(ada));
      const lines = await ada.page.$$eval(byTestId('shortcut'), (lines) => lines.map((line) => line.textContent));
      assert.equal(lines.length, 16);
      for (let step = 0; step < 5; step += 1) {
        await press(ada, 'Tab');
        const within = await ada.page.evaluate(() => {
          const focused = document.activeElement;
          return focused === document.body || focused.closest('dialog') !== null;
        });
        assert.ok(within, 'the focus stays within');
      }
      await press(ada, 'm');
      assert.equal(await stateOf(ada, 'toggle-microphone'), 'on', 'other keys wait');
      await press(ada, 'Escape');
      await until('it is closed', async () => !(await helpIsOpen(ada)));
      assert.equal(await ada.page.evaluate(() => document.activeElement.dataset.testid), 'toggle-people');
      await press(ada, '?');
      await until('it is open', () => helpIsOpen(ada));
      await press(ada, '?');
      await until('it is closed', async () => !(await helpIsOpen(ada)));
      assert.deepEqual(ada.page.errors, []);
      await ada.close();
    });

    test(`${name}: a muted person is heard while the space bar is held, and only then`, async () => {
      const { link } = await server.createRoom();
      const ada = await Participant.join(browsers.chromium, link, 'Ada');
      const bob = await Participant.join(browsers[name], link, 'Bob');
      await ada.click('toggle-microphone');
      await ada.seesAndHears(1);
      await bob.click('toggle-microphone');
      await until('nothing is heard', async () => (await heard(ada)) < 1e-4, 20_000);
      // The button that was clicked has the focus, and is not pressed by the key.
      await bob.page.keyboard.down(' ');
      await becomes(bob, 'toggle-microphone', 'on');
      await bob.page.keyboard.down(' ');
      await until('Ada hears Bob', async () => (await heard(ada)) > 1e-3, 20_000);
      await bob.page.keyboard.up(' ');
      await becomes(bob, 'toggle-microphone', 'off');
      await until('nothing is heard any more', async () => (await heard(ada)) < 1e-4, 20_000);
      // A button that was reached with the keyboard is.
      await bob.page.focus(byTestId('toggle-camera'));
      await press(bob, 'Tab');
      await bob.page.keyboard.down('Shift');
      await press(bob, 'Tab');
      await bob.page.keyboard.up('Shift');
      await press(bob, ' ');
      await becomes(bob, 'toggle-camera', 'off');
      assert.equal(await stateOf(bob, 'toggle-microphone'), 'off');
      assert.deepEqual([ada.page.errors, bob.page.errors], [[], []]);
      await Promise.all([ada.close(), bob.close()]);
    });
  }
});
