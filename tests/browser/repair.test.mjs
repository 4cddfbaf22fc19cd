// Repair of video (FlexFEC) in a real browser: over a long way that loses packets, a viewer that takes repair packets sees
// fewer and shorter freezes than one that only asks for what is missing again. Both watch the same camera at the same time.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, freePort } from './harness/server.mjs';
import { launch } from './harness/browsers.mjs';
import { client, flows } from './harness/protocol_page.mjs';
import { UdpLink } from './harness/udp_link.mjs';

/** Round trip, the share of packets to the viewer that are lost, and for how long it is measured. */
const ROUND_TRIP_MS = 250;
const LOSS = 0.05;
const SECONDS = 40;

/** From now on the link is long and loses a share of what goes down, drawn from a seed. */
function impair(link) {
  let state = 7;
  const random = () => { state = (state * 48271) % 2147483647; return state / 2147483647; };
  link.delayMs = ROUND_TRIP_MS / 2;
  link.reset((direction, protocol) => protocol === 'media' && direction === 'down' && random() < LOSS);
}

describe('repair of video', { timeout: 240_000 }, () => {
  let browser;

  before(async () => { browser = await launch.chromium(); }, { timeout: 60_000 });

  after(() => browser?.close());

  test('over a long way with losses, who takes repair packets sees fewer freezes', async () => {
    const mediaPort = await freePort();
    const [near, repaired, plain] = await Promise.all([1, 2, 3].map(() => UdpLink.open(mediaPort)));
    const links = [near, repaired, plain];
    const server = await Server.start({ mediaPort, announce: links.map((link) => `${link.address}:${link.port}`) });
    const { room } = await server.createRoom();
    const over = (link, options) => ({ audioSlots: 0, candidates: `${link.address} ${link.port} `, ...options });
    const ada = await client(browser, server, room, 'Ada', over(near, { videoSlots: 0 }));
    const viewers = [];
    for (const [name, link, flexfec] of [['Bob', repaired, true], ['Eve', plain, false]]) {
      const viewer = await client(browser, server, room, name, over(link, { publish: false, flexfec }));
      await viewer.connected();
      [viewer.mid] = await viewer.run(() => window.client.videoMids());
      await viewer.run((mid, peer) => window.client.want([{ mid, peer, height: 360 }]), viewer.mid, ada.peer);
      await flows(viewer, viewer.mid);
      viewers.push(viewer);
    }
    impair(repaired);
    impair(plain);
    // Repair begins when the loss has been reported.
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    const inbound = (viewer) => viewer.run((mid) => window.client.inbound(mid), viewer.mid);
    const first = await Promise.all(viewers.map(inbound));
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
    const last = await Promise.all(viewers.map(inbound));
    const [bob, eve] = last.map((stats, at) => {
      const since = (key) => (stats[key] ?? 0) - (first[at][key] ?? 0);
      return {
        frames: since('framesDecoded'), freezes: since('freezeCount'), frozen: since('totalFreezesDuration'),
        requests: since('nackCount'), again: since('retransmittedPacketsReceived'), repairs: since('fecPacketsReceived'),
        useless: since('fecPacketsDiscarded'), packets: since('packetsReceived'),
      };
    });
    console.log(`with repair ${JSON.stringify(bob)}, without ${JSON.stringify(eve)}`);
    assert.ok(bob.repairs > SECONDS, `${bob.repairs} repair packets in ${SECONDS} s`);
    assert.equal(bob.useless, 0, 'every repair packet is of a form that the browser knows');
    assert.equal(eve.repairs, 0, 'who does not take repair gets none');
    assert.ok(bob.repairs < bob.packets / 2, `${bob.repairs} repair packets for ${bob.packets} packets`);
    assert.ok(eve.frozen > 0.5, `${eve.frozen} s frozen without repair: nothing to compare with`);
    assert.ok(bob.frozen < eve.frozen * 0.75, `${bob.frozen} s frozen with repair, ${eve.frozen} s without`);
    for (const page of [ada, ...viewers]) await page.close();
    await server.stop();
    for (const link of links) link.close();
  });
});
