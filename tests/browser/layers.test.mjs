// Layers that no tile needs are paused at the sender, in real browsers: what each encoding sends is read off the
// publisher's own statistics.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Server } from './harness/server.mjs';
import { launch, freshPage } from './harness/browsers.mjs';
import { Participant } from './harness/participant.mjs';
import { until } from './harness/until.mjs';

const script = await readFile(new URL('./harness/protocol_client.js', import.meta.url), 'utf8');

/** A viewer that wants exactly what the test says. */
async function viewer(browser, server, room) {
  const page = await freshPage(browser);
  await page.goto(`${server.url}/`);
  await page.evaluate(`(() => { ${script} })()`);
  await page.evaluate(async (room) => {
    window.client = new window.ProtocolClient();
    await window.client.join(room, 'Viewer');
    await window.client.connect({ publish: false, audioSlots: 1, videoSlots: 1 });
  }, room);
  await until('the viewer is connected', () => page.evaluate(() => window.client.connection.connectionState === 'connected'));
  const [mid] = await page.evaluate(() => window.client.videoMids());
  return {
    want: (peer, height) => page.evaluate((slot, who, tall) => window.client.want(tall ? [{ mid: slot, peer: who, height: tall }] : []), mid, peer, height),
    slot: () => page.evaluate((slot) => window.client.slot(slot), mid),
    close: () => page.browserContext().close(),
  };
}

/** Frames that each camera encoding of the product's page has made so far, by rid. */
const sent = (participant) => participant.page.evaluate(async () => {
  const stats = [...(await window.visavisDebug.peerConnection().getStats()).values()];
  const video = stats.filter((entry) => entry.type === 'outbound-rtp' && entry.kind === 'video');
  return Object.fromEntries(video.map((entry) => [entry.rid ?? '', entry.framesEncoded ?? 0]));
});

/** `until`, and what the publisher sends when it takes too long. */
async function eventually(what, participant, probe, limitMs = 30_000) {
  try {
    await until(what, probe, limitMs);
  } catch (error) {
    const state = await participant.page.evaluate(async () => {
      const connection = window.visavisDebug.peerConnection();
      const stats = [...(await connection.getStats()).values()];
      const video = stats.filter((entry) => entry.type === 'outbound-rtp' && entry.kind === 'video');
      const encodings = connection.getSenders().flatMap((sender) => sender.getParameters().encodings ?? []);
      return { video: video.map(({ rid, framesEncoded, frameHeight, bytesSent, active }) => ({ rid, framesEncoded, frameHeight, bytesSent, active })), encodings };
    });
    throw new Error(`${error.message}: ${JSON.stringify(state)}`);
  }
}

/** The rids whose encoder makes frames now. */
async function sending(participant, ms = 1200) {
  const before = await sent(participant);
  await new Promise((resolve) => setTimeout(resolve, ms));
  const now = await sent(participant);
  return Object.keys(now).filter((rid) => now[rid] > (before[rid] ?? 0) + 1).sort();
}

const is = (participant, rids) => async () => (await sending(participant)).join() === rids;

describe('layers', { timeout: 600_000 }, () => {
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
    test(`${name}: a layer that no tile needs stops, and flows again when one does`, async (context) => {
      const { room, link } = await server.createRoom();
      const ada = await Participant.join(browsers[name], link, 'Ada');
      const bob = await viewer(browsers.chromium, server, room);
      const peer = await ada.ownPeer();

      await bob.want(peer, 720);
      // The publisher's bandwidth estimate starts low on a machine that is busy elsewhere.
      await eventually('a large picture arrives', ada, async () => (await bob.slot()).height >= 480, 60_000);
      await bob.want(peer, 180);
      await eventually('only the smallest layer is sent', ada, is(ada, 'q'));
      const small = (await bob.slot()).height;

      const start = performance.now();
      await bob.want(peer, 720);
      let frames = (await bob.slot()).frames;
      await eventually('a larger picture arrives', ada, async () => (await bob.slot()).height > small);
      const larger = performance.now() - start;
      await eventually('the largest picture arrives', ada, async () => (await bob.slot()).height >= 480, 60_000);
      const largest = performance.now() - start;
      assert.ok((await bob.slot()).frames > frames, 'frames flow meanwhile');
      context.diagnostic(`${name}: larger after ${larger.toFixed(0)} ms, largest after ${largest.toFixed(0)} ms (polled every 50 ms)`);

      await bob.want(peer, 0);
      await eventually('the hidden camera sends its smallest layer', ada, is(ada, 'q'));
      frames = (await bob.slot()).frames;
      const shown = performance.now();
      await bob.want(peer, 180);
      await eventually('the hidden camera is seen again', ada, async () => (await bob.slot()).frames > frames);
      context.diagnostic(`${name}: a hidden camera is seen after ${(performance.now() - shown).toFixed(0)} ms`);

      await bob.close();
      await eventually('alone, nothing is sent', ada, is(ada, ''));
      const joined = performance.now();
      const cleo = await viewer(browsers.chromium, server, room);
      await cleo.want(peer, 180);
      await eventually('whoever joins sees somebody', ada, async () => (await cleo.slot()).frames > 0);
      context.diagnostic(`${name}: whoever joins one who is alone sees them after ${(performance.now() - joined).toFixed(0)} ms, page load included`);
      assert.deepEqual(ada.page.errors, []);
      await Promise.all([ada.close(), cleo.close()]);
    });
  }
});
