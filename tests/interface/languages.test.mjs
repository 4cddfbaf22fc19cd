// The page speaks five languages, and changes between them at once, in the lobby and in a meeting.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Server } from '../browser/harness/server.mjs';
import { launch, freshPage } from '../browser/harness/browsers.mjs';
import { Participant } from '../browser/harness/participant.mjs';
import { until } from '../browser/harness/until.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;
const texts = (tag) => JSON.parse(readFileSync(new URL(`../../client/locales/${tag}.json`, import.meta.url), 'utf8'));
const rootOf = (page) => page.evaluate(() => ({ lang: document.documentElement.lang, dir: document.documentElement.dir }));

describe('languages', { timeout: 300_000 }, () => {
  let server;
  let chromium;

  before(async () => {
    server = await Server.start();
    chromium = await launch.chromium();
  }, { timeout: 120_000 });

  after(async () => {
    await chromium?.close();
    await server?.stop();
  });

  test('a choice holds at once, without losing what was typed, and after a reload', async () => {
    const page = await freshPage(chromium);
    await page.goto(`${server.url}/`);
    await page.waitForSelector(byTestId('invitation'));
    await page.type(byTestId('invitation'), 'abc-defg');
    for (const [tag, dir] of [['ja', 'ltr'], ['ar', 'rtl'], ['fr', 'ltr'], ['de', 'ltr']]) {
      await page.select(byTestId('language'), tag);
      await until(`the heading is in ${tag}`, async () =>
        (await page.$eval('h1', (heading) => heading.textContent)) === texts(tag).HomeTitle);
      assert.deepEqual(await rootOf(page), { lang: tag, dir: dir });
      assert.equal(await page.$eval(byTestId('invitation'), (input) => input.placeholder), texts(tag).InvitationField);
    }
    assert.equal(await page.$eval(byTestId('invitation'), (input) => input.value), 'abc-defg');
    await page.reload();
    await page.waitForSelector(byTestId('home'));
    assert.equal(await page.$eval('h1', (heading) => heading.textContent), texts('de').HomeTitle);
    assert.equal(await page.$eval(byTestId('language'), (select) => select.value), 'de');
    assert.deepEqual(page.errors, []);
    await page.browserContext().close();
  });

  test('the first language of the browser that is spoken here is spoken, and an address may ask for another', async () => {
    const page = await freshPage(chromium, {
      before: {
        run: () => Object.defineProperty(navigator, 'languages', { get: () => ['nl-NL', 'fr-CA', 'en'] }),
        with: [],
      },
    });
    const heading = async () => {
      await page.waitForSelector(byTestId('home'));
      return page.$eval('h1', (heading) => heading.textContent);
    };
    await page.goto(`${server.url}/`);
    assert.equal(await heading(), texts('fr').HomeTitle);
    await page.goto(`${server.url}/?lang=ar`);
    assert.equal(await heading(), texts('ar').HomeTitle);
    // It holds for the tab, until the person chooses: then the wish is gone from the address, too.
    await page.goto(`${server.url}/`);
    assert.equal(await heading(), texts('ar').HomeTitle);
    await page.goto(`${server.url}/?lang=ar`);
    await heading();
    await page.select(byTestId('language'), 'en');
    await until('the page is English', async () => (await heading()) === texts('en').HomeTitle);
    assert.equal(new URL(page.url()).search, '');
    await page.reload();
    assert.equal(await heading(), texts('en').HomeTitle);
    await page.browserContext().close();
  });

  test('a language that does not come leaves the page as it was and says so', async () => {
    const page = await freshPage(chromium);
    await page.setRequestInterception(true);
    page.on('request', (request) => (request.url().includes('/locales/') ? request.abort() : request.continue()));
    await page.goto(`${server.url}/?lang=fr`);
    await page.waitForSelector(byTestId('home'));
    assert.equal(await page.$eval('h1', (heading) => heading.textContent), texts('en').HomeTitle);
    assert.deepEqual(await rootOf(page), { lang: 'en', dir: 'ltr' });
    await page.select(byTestId('language'), 'ja');
    await until('it says that the language did not come', () =>
      page.$eval('.language-failed', (message) => message.textContent.length > 0 && !message.hidden));
    assert.equal(await page.$eval(byTestId('language'), (select) => select.value), 'en');
    await page.browserContext().close();
  });

  test('in a meeting, a choice changes every text and nothing else', async () => {
    const { link } = await server.createRoom();
    const ada = await Participant.join(chromium, link, 'Ada');
    const bob = await Participant.join(chromium, link, 'Bob');
    await ada.seesAndHears(1);
    const peer = await ada.ownPeer();
    await ada.click('toggle-people');
    await ada.click('devices');
    await ada.page.waitForSelector(byTestId('language'));
    await ada.page.select(byTestId('language'), 'ar');
    const { page } = ada;
    const label = (id) => page.$eval(byTestId(id), (button) => button.getAttribute('aria-label'));
    await until('the bar is Arabic', async () => (await label('leave')) === texts('ar').Leave);
    assert.equal(await page.$eval(byTestId('tab-people'), (tab) => tab.textContent), texts('ar').People);
    assert.match((await ada.tiles()).find((tile) => tile.self).text, /أنت/);
    assert.deepEqual(await rootOf(page), { lang: 'ar', dir: 'rtl' });
    assert.equal(await ada.ownPeer(), peer);
    await ada.seesAndHears(1);
    await bob.click('leave');
    await until('it is said in Arabic that Bob left', () =>
      page.$eval(byTestId('announcements'), (region) => region.textContent.includes('غادر')));
    assert.deepEqual(page.errors, []);
    await Promise.all([ada.close(), bob.close()]);
  });
});
