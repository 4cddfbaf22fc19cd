// Captions, fed through the HTTP API as a captioner's tool feeds them, and read on the product's own page.

import { test, describe, before, after, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { feed, serverWithKey } from '../browser/harness/captioner.mjs';
import { launch } from '../browser/harness/browsers.mjs';
import { Participant } from '../browser/harness/participant.mjs';
import { eventually, press } from '../browser/harness/talk.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;

/** What the area shows: who, in which language, and the words. */
const captions = (person) => person.page.$$eval('[data-testid="caption"]', (all) => all.map((caption) => {
  const text = caption.querySelector('[data-testid="caption-text"]');
  return {
    speaker: caption.querySelector('[data-testid="caption-speaker"]')?.textContent ?? null,
    language: text.getAttribute('lang'),
    text: text.textContent,
  };
}));

/** Waits until the area shows these words of these speakers: `Ada: Hello`. */
const reads = (person, expected) => eventually(`${person.name} reads ${JSON.stringify(expected)}`, async () => {
  const shown = (await captions(person)).map(({ speaker, text }) => `${speaker}: ${text}`);
  return JSON.stringify(shown) === JSON.stringify(expected);
});

/** Keeps what comes through the page's sockets. */
const listening = {
  run: () => {
    window.heard = [];
    const Original = window.WebSocket;
    window.WebSocket = class extends Original {
      constructor(...given) {
        super(...given);
        this.addEventListener('message', ({ data }) => window.heard.push(data));
      }
    };
  },
  with: [],
};

/** How many captions the server has sent to somebody. */
const sentTo = (person) => person.page.evaluate(() =>
  window.heard.filter((text) => JSON.parse(text).type === 'caption').length);

const unseen = { camera: false, before: listening };

describe('captions', { timeout: 600_000 }, () => {
  let server;
  let stop;
  let chromium;
  let firefox;

  before(async () => {
    ({ server, stop } = await serverWithKey());
    chromium = await launch.chromium();
    firefox = await launch.firefox();
  }, { timeout: 120_000 });

  after(async () => {
    await chromium?.close();
    await firefox?.close();
    await stop?.();
  });

  /** Everybody leaves, whatever became of the test. */
  afterEach(async () => {
    const contexts = [chromium, firefox].flatMap((browser) => browser.browserContexts());
    await Promise.all(contexts.filter((context) => context.id).map((context) => context.close()));
  });

  const say = async (room, caption) => assert.equal(await feed(server, room, caption), 204);

  /** Switches captions on and waits until the server knows. */
  const show = async (person, room) => {
    await press(person, 'toggle-captions');
    await eventually(`the server sends captions to ${person.name}`, async () => {
      await say(room, { segment: 0, text: 'Is this on?', name: 'Captioner' });
      return (await sentTo(person)) > 0;
    });
  };

  test('who wants captions reads who says what, and nobody else is sent any', async () => {
    const { room, link } = await server.createRoom();
    const ada = await Participant.join(chromium, link, 'Ada', unseen);
    const bob = await Participant.join(chromium, link, 'Bob', unseen);
    await Promise.all([ada, bob].map((person) => person.seesPeople(2)));
    const speaker = await bob.ownPeer();
    await show(ada, room);
    await reads(ada, ['Captioner: Is this on?']);
    const button = await ada.page.$eval(byTestId('toggle-captions'), ({ ariaPressed, ariaLabel }) => ({ ariaPressed, ariaLabel }));
    assert.deepEqual(button, { ariaPressed: 'true', ariaLabel: 'Captions' });

    await say(room, { segment: 1, text: 'Good mor', speaker, language: 'en', is_final: false });
    await reads(ada, ['Captioner: Is this on?', 'Bob: Good mor']);
    await say(room, { segment: 1, text: 'Good morning.', speaker, language: 'en' });
    await reads(ada, ['Captioner: Is this on?', 'Bob: Good morning.']);
    await say(room, { segment: 2, text: '<b>How</b> are you?', speaker, language: 'en' });
    await reads(ada, ['Captioner: Is this on?', 'Bob: Good morning. <b>How</b> are you?']);
    assert.equal((await captions(ada))[1].language, 'en');
    const region = await ada.page.$eval(byTestId('captions'), (area) => ({ label: area.ariaLabel, live: area.ariaLive }));
    assert.deepEqual(region, { label: 'Captions', live: 'off' });
    assert.equal(await bob.page.$(byTestId('captions')), null);
    assert.equal(await sentTo(bob), 0, 'nothing is sent to who does not show it');

    // By key, and late: what was said last comes at once.
    await bob.page.keyboard.press('t');
    await reads(bob, ['Captioner: Is this on?', 'Bob: Good morning. <b>How</b> are you?']);
    await reads(ada, []);
    await ada.page.reload({ waitUntil: 'domcontentloaded' });
    await ada.inState('connected');
    await eventually('captions are on after a reload', () =>
      ada.page.$eval(byTestId('toggle-captions'), (button) => button.ariaPressed === 'true').catch(() => false));
    await press(ada, 'toggle-captions');
    await eventually('the area is gone', async () => (await ada.page.$(byTestId('captions'))) === null);
    assert.deepEqual([ada, bob].map((person) => person.page.errors), [[], []]);
  });

  test('who switches them on where nobody writes any is told so once', async () => {
    const { link } = await server.createRoom();
    const ada = await Participant.join(chromium, link, 'Ada', unseen);
    await press(ada, 'toggle-captions');
    const hint = () => ada.page.$eval(byTestId('captions-nobody'), (status) => status.textContent.trim()).catch(() => null);
    await eventually('Ada is told', async () => (await hint()) === 'Nobody is writing captions in this meeting.');
    await eventually('and then no more', async () => (await hint()) === '');
  });

  test('captions cover neither the controls nor the pictures, on a desktop and on a phone', async () => {
    const { room, link } = await server.createRoom();
    const ada = await Participant.join(chromium, link, 'Ada', unseen);
    const bob = await Participant.join(chromium, link, 'Bob', unseen);
    await show(ada, room);
    for (const [width, height] of [[1280, 800], [390, 844], [320, 568]]) {
      await ada.page.setViewport({ width, height });
      const long = 'There is much to be said about this, and all of it has to be read. '.repeat(5);
      await say(room, { segment: 1, text: long, speaker: await bob.ownPeer(), is_final: false });
      await say(room, { segment: 2, text: long, name: 'Somebody with a name that is as long as a name can be', is_final: false });
      await eventually('both speakers are shown, below the pictures and above the controls', () => ada.page.evaluate(() => {
        const box = (selector) => document.querySelector(selector).getBoundingClientRect();
        const all = [...document.querySelectorAll('[data-testid="caption"]')].map((one) => one.getBoundingClientRect());
        const tiles = [...document.querySelectorAll('[data-testid="tile"]')].map((tile) => tile.getBoundingClientRect());
        const top = Math.min(...all.map((one) => one.top));
        return all.length === 2 && tiles.every((tile) => tile.bottom <= top + 1)
          && all.every((one) => one.bottom <= box('.control-bar').top + 1 && one.left >= 0 && one.right <= innerWidth);
      }));
    }
  });

  test('words run the way of their script, whatever the page speaks', async () => {
    const { room, link } = await server.createRoom();
    const ada = await Participant.join(chromium, link, 'Ada', unseen);
    await show(ada, room);
    await say(room, { segment: 1, text: 'صباح الخير', name: 'ليلى', language: 'ar' });
    await reads(ada, ['Captioner: Is this on?', 'ليلى: صباح الخير']);
    const directions = await ada.page.$$eval(byTestId('caption-text'), (all) => all.map((text) => getComputedStyle(text).direction));
    assert.deepEqual(directions, ['ltr', 'rtl']);
  });

  test('Firefox shows them too', async () => {
    const { room, link } = await server.createRoom();
    const finn = await Participant.join(firefox, link, 'Finn', unseen);
    await show(finn, room);
    await say(room, { segment: 1, text: 'Good mor', speaker: await finn.ownPeer(), is_final: false });
    await say(room, { segment: 1, text: 'Good morning.', speaker: await finn.ownPeer() });
    await reads(finn, ['Captioner: Is this on?', 'Finn: Good morning.']);
    await reads(finn, []);
    await finn.page.keyboard.press('t');
    await eventually('the area is gone', async () => (await finn.page.$(byTestId('captions'))) === null);
    assert.deepEqual(finn.page.errors, []);
  });
});
