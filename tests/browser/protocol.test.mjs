// What the protocol promises, measured in real browsers with an independent client: slots switch without gaps or
// negotiations, sections come, go and are recycled, and no single lost handshake datagram keeps a call from starting.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, freePort } from './harness/server.mjs';
import { launch } from './harness/browsers.mjs';
import { calmly } from './harness/calm.mjs';
import { client, flows } from './harness/protocol_page.mjs';
import { UdpLink } from './harness/udp_link.mjs';
import { until } from './harness/until.mjs';

describe('slots', { timeout: 600_000 }, () => {
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
    test(`${name}: a slot switches between people and layers without a gap over 250 ms or a negotiation`, async () => {
      const { room } = await server.createRoom();
      const ada = await client(browsers.chromium, server, room, 'Ada', { width: 1280, height: 720 });
      const bob = await client(browsers.chromium, server, room, 'Bob', { width: 960, height: 540 });
      const viewer = await client(browsers[name], server, room, 'Viewer', { publish: false, audioSlots: 2, videoSlots: 3 });
      await viewer.connected();
      // Two further slots show both people all the time: gaps there are the machine's.
      const [mid, ...controls] = await viewer.run(() => window.client.videoMids());
      const steady = controls.map((slot, at) => ({ mid: slot, peer: [ada, bob][at].peer, height: 90 }));
      const want = (peer, height) => viewer.run((all) => window.client.want(all), [{ mid, peer, height }, ...steady]);
      await want(ada.peer, 180);
      await flows(viewer, mid);
      // The publishers' encoders need a moment until their larger layers flow.
      await until('the largest layer is sent', async () => {
        await want(ada.peer, 720);
        return (await viewer.run((slot) => window.client.slot(slot), mid)).height >= 540;
      }, 90_000);
      const steps = [
        [bob.peer, 180], [ada.peer, 180], [bob.peer, 360], [ada.peer, 360], [ada.peer, 180], [bob.peer, 180],
      ];
      const watched = () => Promise.all([mid, ...controls].map((slot) => viewer.run((name) => window.client.watch(name, 2000), slot)));
      const gaps = [];
      let shown = [ada.peer, 720];
      for (const [peer, height] of steps) {
        const measure = async () => {
          const watching = watched();
          await want(peer, height);
          const [gap, ...others] = await watching;
          return { gap, control: { longestGapMs: Math.max(...others.map(({ longestGapMs }) => longestGapMs)) } };
        };
        const undo = async () => { await want(...shown); await watched(); };
        gaps.push(await calmly(250, measure, undo));
        shown = [peer, height];
      }
      // One scheduling hiccup of a shared machine is not a fault of the switch; two would be.
      const long = gaps.filter((gap) => gap.longestGapMs > 250);
      assert.ok(long.length <= 1, `gaps: ${JSON.stringify(gaps)}`);
      assert.ok(gaps.filter((gap) => gap.changedAfterMs !== null).length >= 5, `pictures changed: ${JSON.stringify(gaps)}`);
      assert.equal(await viewer.run(() => window.client.negotiations), 1);
      assert.equal(await viewer.run(() => window.client.lastError), undefined);
      await Promise.all([ada.close(), bob.close(), viewer.close()]);
    });

    test(`${name}: slots are added, the camera is published later, and a section is recycled`, async () => {
      const { room } = await server.createRoom();
      const ada = await client(browsers.chromium, server, room, 'Ada', { width: 640, height: 360 });
      const bob = await client(browsers[name], server, room, 'Bob', { publish: false });
      await bob.connected();
      const [first] = await bob.run(() => window.client.videoMids());
      const want = (mid) => bob.run((slot, peer) => window.client.want([{ mid: slot, peer, height: 360 }]), mid, ada.peer);
      await want(first);
      await flows(bob, first);

      // More slots: the old one goes on, a new one shows the same person.
      await bob.run(async () => { window.client.addVideoSlots(2); await window.client.negotiate(); });
      await flows(bob, first);
      const mids = await bob.run(() => window.client.videoMids());
      assert.equal(mids.length, 3);
      await want(mids[2]);
      await flows(bob, mids[2]);

      // Publishing later: Ada sees Bob.
      await bob.run(async () => { await window.client.publish(640, 360); await window.client.negotiate(); });
      const [atAda] = await ada.run(() => window.client.videoMids());
      await ada.run((slot, peer) => window.client.want([{ mid: slot, peer, height: 360 }]), atAda, bob.peer);
      await flows(ada, atAda);

      // Recycling: a stopped section's place is taken by a new slot under another mid.
      const count = await bob.run(() => window.client.connection.localDescription.sdp.split('\nm=').length - 1);
      await bob.run(async (mid) => {
        window.client.connection.getTransceivers().find((transceiver) => transceiver.mid === mid).stop();
        await window.client.negotiate();
        window.client.addVideoSlots(1);
        await window.client.negotiate();
      }, mids[1]);
      const after = await bob.run(() => window.client.videoMids());
      assert.equal(await bob.run(() => window.client.connection.localDescription.sdp.split('\nm=').length - 1), count);
      const recycled = after.find((mid) => !mids.includes(mid));
      assert.ok(recycled, `a new mid among ${after}`);
      await want(recycled);
      await flows(bob, recycled);
      await Promise.all([ada.close(), bob.close()]);
    });
  }
});

describe('a lost handshake datagram', { timeout: 600_000 }, () => {
  let server;
  let link;
  const browsers = {};

  before(async () => {
    const mediaPort = await freePort();
    link = await UdpLink.open(mediaPort);
    // Without TCP, which wins on a busy machine and has nothing to lose.
    server = await Server.start({ mediaPort, announce: [`${link.address}:${link.port}`], tcpPort: 0 });
    browsers.chromium = await launch.chromium();
    browsers.firefox = await launch.firefox();
  }, { timeout: 120_000 });

  after(async () => {
    await browsers.chromium?.close();
    await browsers.firefox?.close();
    await server?.stop();
    link?.close();
  });

  /** Joins once and tells how long the handshake took from the answer to `connected`, and whether a datagram was lost. */
  async function handshake(browser, lose) {
    const { room } = await server.createRoom();
    link.reset(lose);
    const one = await client(browser, server, room, 'One', { width: 320, height: 180 });
    await one.connected();
    const ms = await one.run(() => window.client.connectedAt - window.client.answeredAt);
    // A browser is connected when its last datagram has left, not when that has come to the line.
    const end = performance.now() + 1000;
    while (link.lost.length === 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    await one.close();
    return { ms, isLost: link.lost.length === 1 };
  }

  for (const name of ['chromium', 'firefox']) {
    test(`${name}: every single STUN and DTLS datagram may be lost once, and the call starts within a second`, async () => {
      // How many datagrams every handshake has: the shortest of three, since a flight may be sent again without a loss.
      let up = 12;
      let down = 8;
      for (let plain = 0; plain < 3; plain += 1) {
        await handshake(browsers[name], () => false);
        up = Math.min(up, link.counts.up.dtls);
        down = Math.min(down, link.counts.down.dtls);
      }
      const cases = [];
      for (let number = 1; number <= up; number += 1) cases.push(['up', 'dtls', number]);
      for (let number = 1; number <= down; number += 1) cases.push(['down', 'dtls', number]);
      cases.push(['up', 'stun', 1], ['down', 'stun', 1]);
      assert.ok(cases.length >= 8, `a handshake has more datagrams than ${JSON.stringify({ up, down })}`);
      const slow = [];
      for (const [direction, protocol, number] of cases) {
        const lose = (...datagram) => datagram[0] === direction && datagram[1] === protocol && datagram[2] === number;
        let { ms, isLost } = await handshake(browsers[name], lose);
        // A flight that comes in other pieces makes one handshake shorter than the next.
        for (let again = 0; again < 2 && !isLost; again += 1) ({ ms, isLost } = await handshake(browsers[name], lose));
        assert.ok(isLost, `the ${number}th ${protocol} datagram ${direction} was there to be lost`);
        // A second try tells a machine that was busy elsewhere from a handshake that waits for a timer.
        if (ms > 1000) ms = Math.min(ms, (await handshake(browsers[name], lose)).ms);
        if (ms > 1000) slow.push({ direction, protocol, number, ms });
      }
      assert.deepEqual(slow, []);
    });
  }
});
