// The check-up in the lobby: what it finds where all is well, where the network lets no UDP through, and where nothing gets through.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server } from './harness/server.mjs';
import { launch, freshPage } from './harness/browsers.mjs';
import { UdpLink } from './harness/udp_link.mjs';
import { until } from './harness/until.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;
/** All deadlines of a check-up together, on a machine that is slow as well. */
const LIMIT_MS = 90_000;

/** A lobby whose preview shows the camera, with the check-up opened. */
async function opened(browser, link) {
  // What the page makes: nothing of it may be left in the end.
  const note = () => {
    window.made = { connections: [], sockets: [] };
    const [Connection, Socket] = [window.RTCPeerConnection, window.WebSocket];
    window.RTCPeerConnection = class extends Connection { constructor(...words) { super(...words); window.made.connections.push(this); } };
    window.WebSocket = class extends Socket { constructor(...words) { super(...words); window.made.sockets.push(this); } };
  };
  const page = await freshPage(browser, { before: { run: note, with: [] } });
  await page.goto(link, { waitUntil: 'domcontentloaded' });
  await page.waitForSelector(byTestId('name'), { timeout: 30_000 });
  await until('the preview shows the camera', () =>
    page.$eval(`${byTestId('preview')} video`, ({ videoWidth }) => videoWidth > 0).catch(() => false), 30_000);
  assert.deepEqual(await page.evaluate(() => window.made.connections.length + window.made.sockets.length), 0, 'it costs nothing until it is opened');
  await page.click(byTestId('check-up'));
  // Its code may still be on its way.
  await page.waitForSelector(byTestId('checks'), { timeout: 30_000 });
  return page;
}

const state = (page, step) => page.$eval(byTestId(`check-${step}`), (line) => line.dataset.state);
const advice = (page, step) => page.$eval(byTestId(`advice-${step}`), (line) => line.textContent).catch(() => null);
const over = (page) => until('the check-up is over', () => page.$eval(byTestId('checks'), (checks) => checks.dataset.state === 'over'), LIMIT_MS);

async function nothingIsLeft(page) {
  await until('all connections are closed', () => page.evaluate(() =>
    window.made.connections.every(({ connectionState }) => connectionState === 'closed')
      && window.made.sockets.every(({ readyState }) => readyState >= WebSocket.CLOSING)));
}

describe('the check-up', { timeout: 600_000 }, () => {
  const browsers = {};
  let server;

  before(async () => {
    browsers.chromium = await launch.chromium();
    browsers.firefox = await launch.firefox();
    server = await Server.start();
  }, { timeout: 120_000 });

  after(async () => {
    await browsers.chromium?.close();
    await browsers.firefox?.close();
    await server?.stop();
  });

  for (const name of ['chromium', 'firefox']) {
    test(`${name}: where all is well, every step is good and nothing is left of it`, async () => {
      const { link } = await server.createRoom();
      const page = await opened(browsers[name], link);
      await over(page);
      for (const step of ['camera', 'server', 'udp', 'tcp']) assert.equal(await state(page, step), 'good', step);
      // How much gets through depends on what else this machine does; that something does, on us.
      for (const step of ['upload', 'download', 'round-trip']) {
        assert.match(await page.$eval(`${byTestId(`check-${step}`)} .check-value`, (value) => value.textContent), /\d (ms|[kM]bit\/s)/, step);
      }
      await nothingIsLeft(page);
      assert.deepEqual(page.errors, []);
      await page.browserContext().close();
    });
  }

  test('the speaker is judged by the person', async () => {
    const { link } = await server.createRoom();
    const page = await opened(browsers.chromium, link);
    assert.equal(await state(page, 'speaker'), 'waiting');
    await page.click(byTestId('play-sound'));
    await page.waitForSelector(byTestId('sound-not-heard'));
    await page.click(byTestId('sound-not-heard'));
    await until('the sound was played', async () => (await state(page, 'speaker')) === 'bad', LIMIT_MS);
    assert.match(await advice(page, 'speaker'), /volume/);
    await page.click(byTestId('sound-heard'));
    await until('it is heard', async () => (await state(page, 'speaker')) === 'good');
    await page.browserContext().close();
  });

  test('with UDP blocked, it says that calls work over TCP, and what to ask for', async () => {
    const { server: walled, link: udp } = await withoutUdp();
    try {
      const { link } = await walled.createRoom();
      const page = await opened(browsers.chromium, link);
      await over(page);
      assert.deepEqual([await state(page, 'udp'), await state(page, 'tcp')], ['doubtful', 'good']);
      assert.match(await advice(page, 'udp'), /blocks UDP: calls work over TCP/);
      assert.ok(udp.lost.length > 0, 'packets were sent, and lost');
      await nothingIsLeft(page);
      await page.browserContext().close();
    } finally {
      await walled.stop();
      udp.close();
    }
  });

  test('closing it in the middle gives everything up', async () => {
    const { link } = await server.createRoom();
    const page = await opened(browsers.chromium, link);
    await until('it has begun', () => page.evaluate(() => window.made.connections.length > 0), 30_000);
    await page.click(byTestId('check-up'));
    await page.waitForSelector(byTestId('checks'), { hidden: true });
    await nothingIsLeft(page);
    assert.deepEqual(page.errors, []);
    await page.browserContext().close();
  });

  test('a server that is gone is told, with what to do', async () => {
    const gone = await Server.start();
    const { link } = await gone.createRoom();
    const page = await opened(browsers.chromium, link);
    await over(page);
    await gone.stop();
    await page.click(byTestId('check-again'));
    await until('it has noticed', async () => (await state(page, 'server')) === 'bad', LIMIT_MS);
    assert.match(await advice(page, 'server'), /does not answer/);
    await over(page);
    await page.browserContext().close();
  });
});

/** A server whose announced UDP port loses everything; its TCP port lies at the same address. */
async function withoutUdp() {
  const link = await UdpLink.open(9, () => true);
  const server = await Server.start({ announce: [`${link.address}:${link.port}`] });
  return { server, link };
}
