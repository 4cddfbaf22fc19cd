// What fails says so, with the one thing to do, and nothing that was typed is lost.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server } from '../browser/harness/server.mjs';
import { launch, freshPage } from '../browser/harness/browsers.mjs';
import { Participant } from '../browser/harness/participant.mjs';
import { until } from '../browser/harness/until.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;

/** Devices that fail with these exceptions from the start, or from `devicesFail()`, until `devicesWork()`; the tracks they give are kept in `tracks`. */
function stubDevices(video, audio, workAtFirst = false) {
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  let failing = !workAtFirst;
  window.tracks = [];
  window.devicesWork = () => (failing = false);
  window.devicesFail = () => (failing = true);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    const problem = (constraints.video && video) || (constraints.audio && audio);
    if (failing && problem) throw new DOMException('stubbed', problem);
    const stream = await real(constraints);
    window.tracks.push(...stream.getTracks());
    return stream;
  };
}

describe('failures', { timeout: 400_000 }, () => {
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

  const lobby = async (options, search = '') => {
    const { link } = await server.createRoom();
    const page = await freshPage(chromium, options);
    await page.goto(`${link}${search}`, { waitUntil: 'domcontentloaded' });
    await page.waitForSelector(byTestId('lobby'), { timeout: 20_000 });
    return { page, link };
  };
  const problems = (page) => page.$$eval(byTestId('capture-problem'), (all) => all.map((one) => one.dataset.state));
  const see = (page, id, timeoutMs = 20_000) => page.waitForSelector(byTestId(id), { visible: true, timeout: timeoutMs });

  test('devices that are refused, in use or missing are told apart, and trying again helps', async () => {
    for (const [video, audio, told] of [
      ['NotAllowedError', 'NotAllowedError', ['BothRefused']],
      ['NotReadableError', null, ['CameraBusy']],
      ['NotFoundError', 'NotReadableError', ['MicrophoneBusy', 'CameraNotFound']],
    ]) {
      const { page } = await lobby({ before: { run: stubDevices, with: [video, audio] } });
      await until(`${told} is told`, async () => JSON.stringify(await problems(page)) === JSON.stringify(told));
      await page.evaluate(() => window.devicesWork());
      await page.click(byTestId('retry-capture'));
      await until('nothing is the matter any more', async () => (await problems(page)).length === 0);
      await page.browserContext().close();
    }
  });

  test('a camera that goes in the meeting is a banner, which leads to what helps', async () => {
    const { link } = await server.createRoom();
    const ada = await Participant.join(chromium, link, 'Ada', { before: { run: stubDevices, with: ['NotFoundError', null, true] } });
    const { page } = ada;
    await page.evaluate(() => {
      window.devicesFail();
      for (const track of window.tracks.filter((track) => track.kind === 'video')) {
        track.stop();
        track.dispatchEvent(new Event('ended'));
      }
    });
    await see(page, 'capture-banner');
    await page.click(byTestId('capture-help'));
    await see(page, 'retry-capture');
    assert.equal(await page.$(byTestId('capture-banner')), null, 'the banner has done its work');
    await page.evaluate(() => window.devicesWork());
    await page.click(byTestId('retry-capture'));
    await until('the camera is back', async () => (await problems(page)).length === 0);
    await ada.close();
  });

  /** The meeting's part of the program arrives a little later than the lobby. */
  const isMeetingPart = (url) => url.endsWith('_meeting.wasm');
  const meetingArrived = (page) => until('the meeting has arrived', () => page.evaluate(() =>
    performance.getEntriesByType('resource').some(({ name, responseEnd }) => name.endsWith('_meeting.wasm') && responseEnd > 0)));

  test('without a network, the pages say so, and a person who joined gets in when it is back', async () => {
    const { page } = await lobby();
    await meetingArrived(page);
    await page.type(byTestId('name'), 'Ada');
    await page.setOfflineMode(true);
    await until('the lobby says that there is no network', () =>
      page.$eval(byTestId('network-notice'), (notice) => notice.textContent.includes('offline')));
    await page.click(byTestId('join'));
    await until('the meeting says so, too', () =>
      page.$eval(byTestId('connection'), (banner) => banner.dataset.state === 'offline').catch(() => false));
    await page.setOfflineMode(false);
    await until('the meeting is entered', () =>
      page.$eval(byTestId('meeting'), (meeting) => meeting.dataset.state === 'connected').catch(() => false), 30_000);
    await page.browserContext().close();
  });

  /** A lobby without the meeting's part of the program, until `arrives()`. */
  const lobbyAlone = async (path) => {
    const page = await freshPage(chromium);
    let isCut = true;
    let refused = 0;
    await page.setRequestInterception(true);
    page.on('request', (request) => {
      const isRefused = isCut && isMeetingPart(request.url());
      refused += Number(isRefused);
      return isRefused ? request.abort() : request.continue();
    });
    await page.goto(path, { waitUntil: 'domcontentloaded' });
    await see(page, 'lobby');
    return { page, arrives: () => (isCut = false), isRefused: () => refused > 0 };
  };

  test('the lobby can be used without the meeting; who joins loads the page again, and the name is there', async () => {
    const { link } = await server.createRoom();
    const { page, arrives } = await lobbyAlone(link);
    await until('the preview shows the camera', () => page.$(`${byTestId('preview')} video[data-ready="true"]`));
    await page.click(byTestId('check-up'));
    await see(page, 'part-unloaded');
    await page.type(byTestId('name'), 'Ada');
    await page.click(byTestId('join'));
    await see(page, 'unloaded');
    arrives();
    await page.click(byTestId('reload'));
    await see(page, 'lobby');
    assert.equal(await page.$eval(byTestId('name'), (input) => input.value), 'Ada');
    await page.click(byTestId('join'));
    await until('the meeting is entered', () =>
      page.$eval(byTestId('meeting'), (meeting) => meeting.dataset.state === 'connected').catch(() => false), 30_000);
    await page.browserContext().close();
  });

  test('a meeting that did not arrive before it was needed is asked for again', async () => {
    const { link } = await server.createRoom();
    const { page, arrives, isRefused } = await lobbyAlone(link);
    await until('the meeting was asked for in vain', isRefused);
    await page.type(byTestId('name'), 'Ada');
    arrives();
    await page.click(byTestId('join'));
    await until('the meeting is entered', () =>
      page.$eval(byTestId('meeting'), (meeting) => meeting.dataset.state === 'connected').catch(() => false), 30_000);
    await page.browserContext().close();
  });

  test('who joins without a network before the meeting has arrived is told, and gets in when it is back', async () => {
    const { link } = await server.createRoom();
    const { page, arrives } = await lobbyAlone(link);
    await page.type(byTestId('name'), 'Ada');
    await page.setOfflineMode(true);
    await page.click(byTestId('join'));
    await see(page, 'loading');
    await until('the network is named', () =>
      page.$eval(byTestId('network-notice'), (notice) => notice.textContent.includes('offline')));
    arrives();
    await page.setOfflineMode(false);
    await until('the meeting is entered', () =>
      page.$eval(byTestId('meeting'), (meeting) => meeting.dataset.state === 'connected').catch(() => false), 30_000);
    await page.browserContext().close();
  });

  test('a server that restarts is named, and the meeting goes on', async () => {
    const { link } = await server.createRoom();
    const ada = await Participant.join(chromium, link, 'Ada');
    await until('the meeting is entered', async () => (await ada.tiles()).length === 1);
    await ada.page.evaluate((selector) => {
      const banner = document.querySelector(selector);
      window.states = new Set([banner.dataset.state]);
      new MutationObserver(() => window.states.add(banner.dataset.state)).observe(banner, { attributes: true });
    }, byTestId('connection'));
    await server.restart();
    await until('the banner named the restart, and went', () =>
      ada.page.evaluate((selector) => window.states.has('server-restarting')
        && document.querySelector(selector).dataset.state === 'connected', byTestId('connection')), 40_000);
    assert.deepEqual(ada.page.errors, []);
    await ada.close();
  });

  test('a full room says so, and lets in when there is a place', async () => {
    const small = await Server.start({ settings: ['--participants-max', '2'] });
    try {
      const { link } = await small.createRoom();
      const ada = await Participant.join(chromium, link, 'Ada');
      const eve = await Participant.join(chromium, link, 'Eve');
      await eve.seesPeople(2);
      const page = await freshPage(chromium);
      await page.goto(link);
      await see(page, 'name');
      await page.type(byTestId('name'), 'Bob');
      await page.click(byTestId('join'));
      const ended = await see(page, 'ended');
      assert.equal(await ended.evaluate((element) => element.dataset.state), 'room-full');
      await ada.click('leave');
      await ada.page.waitForSelector(byTestId('ended'));
      await page.click(byTestId('rejoin'));
      await see(page, 'join');
      assert.equal(await page.$eval(byTestId('name'), (input) => input.value), 'Bob');
      await page.click(byTestId('join'));
      await until('Bob is in', () => page.$$eval(byTestId('tile'), (tiles) => tiles.length === 2));
      await Promise.all([ada.close(), eve.close(), page.browserContext().close()]);
    } finally {
      await small.stop();
    }
  });

  test('a page that speaks another version is to be reloaded', async () => {
    const speakAnotherVersion = () => {
      const send = WebSocket.prototype.send;
      WebSocket.prototype.send = function (data) {
        const message = typeof data === 'string' ? JSON.parse(data) : {};
        return send.call(this, message.version ? JSON.stringify({ ...message, version: { ...message.version, major: 99 } }) : data);
      };
    };
    const { page } = await lobby({ before: { run: speakAnotherVersion, with: [] } });
    await page.type(byTestId('name'), 'Ada');
    await page.click(byTestId('join'));
    const ended = await see(page, 'ended');
    assert.equal(await ended.evaluate((element) => element.dataset.state), 'version-mismatch');
    await Promise.all([page.waitForNavigation(), page.click(byTestId('rejoin'))]);
    await see(page, 'lobby');
    await page.browserContext().close();
  });

  test('a browser that lacks what a meeting needs is told where to go on, in its language', async () => {
    for (const missing of ['WebAssembly', 'RTCPeerConnection']) {
      const page = await freshPage(chromium, {
        before: { run: (name) => Object.defineProperty(window, name, { value: undefined }), with: [missing] },
      });
      await page.goto(`${server.url}/r/abc-defg-hjk?lang=ar`);
      await see(page, 'start-problem');
      await until('it is said in Arabic', () => page.evaluate(() => document.documentElement.dir === 'rtl'
        && document.querySelector('[data-problem="unsupported"] h1').textContent.includes('المتصفح')));
      assert.equal(await page.$eval(byTestId('start-address'), (address) => address.textContent), page.url());
      assert.equal(await page.$(byTestId('lobby')), null);
      await page.browserContext().close();
    }
  });

  test('a program that does not arrive can be loaded again', async () => {
    const page = await freshPage(chromium);
    let isCut = true;
    await page.setRequestInterception(true);
    page.on('request', (request) => (isCut && request.url().endsWith('.wasm') ? request.abort() : request.continue()));
    await page.goto(`${server.url}/`);
    await see(page, 'start-reload');
    isCut = false;
    await page.click(byTestId('start-reload'));
    await see(page, 'home');
    await page.browserContext().close();
  });

  test('a name and a link that are half written survive a reload', async () => {
    const { page } = await lobby();
    await page.type(byTestId('name'), 'Ada Love');
    await page.reload();
    await see(page, 'name');
    assert.equal(await page.$eval(byTestId('name'), (input) => input.value), 'Ada Love');
    await page.goto(`${server.url}/`);
    await see(page, 'invitation');
    await page.type(byTestId('invitation'), 'abc-de');
    await page.reload();
    await see(page, 'invitation');
    assert.equal(await page.$eval(byTestId('invitation'), (input) => input.value), 'abc-de');
    await page.browserContext().close();
  });

  test('the site can be installed', async () => {
    const page = await freshPage(chromium);
    await page.goto(`${server.url}/`);
    const session = await page.createCDPSession();
    const { errors, data } = await session.send('Page.getAppManifest');
    assert.deepEqual(errors, []);
    const manifest = JSON.parse(data);
    for (const icon of manifest.icons) {
      const answer = await fetch(new URL(icon.src, server.url));
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-type'), icon.type);
    }
    const answer = await fetch(`${server.url}/manifest.webmanifest`);
    assert.equal(answer.headers.get('content-type'), 'application/manifest+json');
    const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
    // A private window, which the tests use, may install nothing.
    assert.deepEqual(installabilityErrors.map((error) => error.errorId).filter((id) => id !== 'in-incognito'), []);
    await page.browserContext().close();
  });
});
