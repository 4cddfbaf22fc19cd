// The site as it is deployed: over https, with signaling over wss, and plain HTTP that leads to it.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, ask } from './harness/server.mjs';
import { issueFor } from './harness/authority.mjs';
import { freshPage, launch } from './harness/browsers.mjs';
import { Participant } from './harness/participant.mjs';

/** Keeps the addresses of the page's sockets in `sockets`. */
function noteSockets() {
  window.sockets = [];
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      window.sockets.push(this.url);
    }
  };
}

describe('a meeting over https', { timeout: 400_000 }, () => {
  const issued = issueFor('localhost');
  let server;
  let chromium;
  let firefox;

  before(async () => {
    server = await Server.start({ tls: issued });
    // Of all keys that no authority vouches for, Chromium takes this one; Firefox has no such list.
    chromium = await launch.chromium([`--ignore-certificate-errors-spki-list=${issued.spkiHash}`]);
    firefox = await launch.firefox({}, {}, { acceptInsecureCerts: true });
  }, { timeout: 120_000 });

  after(async () => {
    await chromium?.close();
    await firefox?.close();
    await server?.stop();
  });

  test('the certificate holds before who trusts its authority, and before nobody else', async () => {
    const answer = await ask(`${server.url}/`, server);
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.headers['strict-transport-security'], 'max-age=63072000');
    await assert.rejects(ask(`${server.url}/`), { code: 'SELF_SIGNED_CERT_IN_CHAIN' });
    await assert.rejects(ask(`https://127.0.0.1:${server.port}/`, server), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  test('who comes over plain HTTP is led to the same page over https', async () => {
    const { room, link } = await server.createRoom();
    const page = await freshPage(chromium);
    const response = await page.goto(`http://localhost:${server.plainPort}/r/${room}`);
    assert.equal(page.url(), link);
    const redirects = response.request().redirectChain().map((request) => request.response().status());
    assert.deepEqual(redirects, [308]);
    assert.equal(response.headers()['strict-transport-security'], 'max-age=63072000');
    await page.waitForSelector('[data-testid="lobby"]');
    await page.browserContext().close();
  });

  test('the page has what browsers give to secure contexts alone', async () => {
    const page = await freshPage(chromium);
    await page.goto(server.url);
    const given = await page.evaluate(() => [
      isSecureContext, 'mediaDevices' in navigator, 'subtle' in crypto, 'audioWorklet' in AudioContext.prototype,
      'wakeLock' in navigator, 'clipboard' in navigator,
    ]);
    assert.deepEqual(given, given.map(() => true));
    await page.browserContext().close();
  });

  for (const name of ['chromium', 'firefox']) {
    test(`somebody in Chromium and somebody in ${name} see and hear each other`, async () => {
      const { link } = await server.createRoom();
      const ada = await Participant.join(chromium, link, 'Ada', { before: { run: noteSockets, with: [] } });
      const bob = await Participant.join({ chromium, firefox }[name], link, 'Bob');
      await Promise.all([ada.seesAndHears(1), bob.seesAndHears(1)]);
      assert.deepEqual(await ada.page.evaluate(() => window.sockets), [`wss://localhost:${server.port}/ws`]);
      assert.deepEqual([ada.page.errors, bob.page.errors], [[], []]);
      await Promise.all([ada.close(), bob.close()]);
    });
  }
});
