// Redundant audio (RFC 2198) in real browsers: whoever negotiates it is told everything nearly whole over a connection
// that loses a fifth of all datagrams, whatever the publisher and the other viewers have.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, freePort } from './harness/server.mjs';
import { launch } from './harness/browsers.mjs';
import { client } from './harness/protocol_page.mjs';
import { UdpLink } from './harness/udp_link.mjs';
import { until } from './harness/until.mjs';

/** A link that loses this share of the media in one direction, always the same datagrams. */
async function lossyLink(mediaPort, lossy, share) {
  let state = 1;
  const random = () => { state = (state * 48271) % 2147483647; return state / 2147483647; };
  const link = await UdpLink.open(mediaPort);
  // Packets by direction and payload type: RTP headers are in clear.
  link.types = { up: {}, down: {} };
  link.begin = () => link.reset((direction, protocol, number, datagram) => {
    if (protocol !== 'media') return false;
    const type = datagram[1] & 0x7f;
    if (type < 64 || type > 95) link.types[direction][type] = (link.types[direction][type] ?? 0) + 1;
    return direction === lossy && random() < share;
  });
  return link;
}

/** Chromium's payload types. */
const RED = 63;
const OPUS = 111;

const audio = () => window.client.audio();

/** How much of what is heard in the next seconds was made up because nothing came, 0 to 1. */
async function concealed(page, seconds) {
  const first = await page.run(audio);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const last = await page.run(audio);
  const samples = last.received - first.received;
  assert.ok(samples > seconds * 24_000, `only ${samples} samples in ${seconds} s`);
  return { share: (last.concealed - first.concealed) / samples, ...last };
}

describe('redundant audio', { timeout: 300_000 }, () => {
  const browsers = {};

  before(async () => {
    browsers.chromium = await launch.chromium();
    browsers.firefox = await launch.firefox();
  }, { timeout: 120_000 });

  after(async () => {
    await browsers.chromium?.close();
    await browsers.firefox?.close();
  });

  for (const direction of ['down', 'up']) {
    test(`a fifth lost on the way ${direction}: who has redundancy hears nearly everything`, async () => {
      const mediaPort = await freePort();
      const link = await lossyLink(mediaPort, direction, 0.2);
      const server = await Server.start({ mediaPort, announce: [`${link.address}:${link.port}`] });
      const { room } = await server.createRoom();
      const ada = await client(browsers.chromium, server, room, 'Ada', { audioSlots: 0, videoSlots: 0, redundant: true });
      const bob = await client(browsers.chromium, server, room, 'Bob', { publish: false, audioSlots: 1, videoSlots: 0 });
      const eve = await client(browsers.firefox, server, room, 'Eve', { publish: false, audioSlots: 1, videoSlots: 0 });
      for (const page of [ada, bob, eve]) await page.connected();
      await until('sound arrives', async () => (await bob.run(audio)).received > 0 && (await eve.run(audio)).received > 0);
      link.begin();
      // Redundancy begins when the loss has been reported: a browser's audio reports come every five seconds.
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      const [redundant, plain] = await Promise.all([concealed(bob, 15), concealed(eve, 15)]);
      console.log(`${direction}: Chromium ${JSON.stringify(redundant)}, Firefox ${JSON.stringify(plain)}`);
      console.log(`packets by payload type: ${JSON.stringify(link.types)}`);
      assert.ok(link.types.up[RED] > 500 && !link.types.up[OPUS], 'the publisher sends redundancy');
      if (direction === 'down') assert.ok(link.types.down[RED] > 500, 'the server adds redundancy');
      assert.ok(redundant.share < 0.08, `Chromium makes up ${redundant.share} of what it plays`);
      if (direction === 'up') assert.ok(plain.share < 0.1, `Firefox makes up ${plain.share}`);
      for (const page of [ada, bob, eve]) await page.close();
      await server.stop();
      await link.close();
    });
  }
});
