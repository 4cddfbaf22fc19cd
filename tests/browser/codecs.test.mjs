// A real decoder's word for every codec: four slots of a viewer switch a hundred times between people and layers, each in an order
// drawn from a seed, and the picture goes on after each switch within the time of a key frame. What one slot does is no excuse for
// the others: they often want the same person, in different sizes, whose key frames are asked for as seldom as for one.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server } from './harness/server.mjs';
import { launch } from './harness/browsers.mjs';
import { client, flows } from './harness/protocol_page.mjs';

/** Key frames of one source are asked for at most this often; then it is encoded and travels. */
const KEY_FRAME_INTERVAL_MS = 500;
/** What a machine that encodes two cameras and decodes one on few cores adds. */
const SLACK_MS = 1000;
const SWITCHES = Number(process.env.VISAVIS_SWITCHES ?? 100);
const SLOTS = 4;
/** Each slot's share of the switches. */
const STEPS = Math.ceil(SWITCHES / SLOTS);

/** Numbers from a seed (mulberry32), so that a failure can be repeated. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const CASES = [
  { codec: 'vp8', heights: [90, 180, 360] },
  { codec: 'vp9', scalability: 'L3T3_KEY', heights: [180, 360] },
  { codec: 'vp9', scalability: 'L3T3', heights: [180, 360] },
  { codec: 'vp9', heights: [90, 180, 360] },
  { codec: 'h264', heights: [90, 180, 360] },
  { codec: 'av1', heights: [90, 180, 360] },
  { codec: 'av1', scalability: 'L1T3', heights: [360] },
  { codec: 'av1', scalability: 'L3T3_KEY', heights: [180, 360] },
];

describe('codecs', { timeout: 1_800_000 }, () => {
  let server;
  let chromium;
  let firefox;

  before(async () => {
    server = await Server.start();
    chromium = await launch.chromium();
    firefox = await launch.firefox();
  }, { timeout: 120_000 });

  after(async () => {
    await chromium?.close();
    await firefox?.close();
    await server?.stop();
  });

  /** Somebody who only looks, and what can be done with each of their slots. */
  async function viewerOf(browser, room, videoSlots = 1) {
    const viewer = await client(browser, server, room, 'Viewer', { publish: false, videoSlots });
    await viewer.connected();
    const mids = await viewer.run(() => window.client.videoMids());
    // Wants are said for all slots at once.
    const wants = new Map();
    const slots = mids.map((mid) => ({
      mid,
      want: (peer, height) => {
        wants.set(mid, { mid, peer, height });
        return viewer.run((all) => window.client.want(all), [...wants.values()]);
      },
      slot: () => viewer.run((name) => window.client.slot(name), mid),
      watch: () => viewer.run((name) => { (window.ends ??= {})[name] = window.client.watching(name); }, mid),
      watched: () => viewer.run((name) => window.ends[name](), mid),
    }));
    return { viewer, slots, ...slots[0] };
  }

  /** Switches one slot again and again, and tells what was seen there. */
  async function switched({ want, slot, watch, watched }, people, heights, seed) {
    const next = random(seed);
    const begun = await slot();
    const heard = new Set();
    await watch();
    for (let step = 0; step < STEPS; step += 1) {
      await want(people[Math.floor(next() * people.length)].peer, heights[Math.floor(next() * heights.length)]);
      await new Promise((resolve) => setTimeout(resolve, 250 + next() * 500));
      heard.add((await slot()).height);
    }
    const gap = await watched();
    return { gap, begun, ended: await slot(), heights: [...heard] };
  }

  for (const { codec, scalability, heights } of CASES) {
    test(`${codec} ${scalability ?? 'simulcast'}: ${SWITCHES} random switches between people and layers are decoded without a freeze`, async () => {
      const { room } = await server.createRoom();
      const camera = { codec, scalability, width: 640, height: 360 };
      const ada = await client(chromium, server, room, 'Ada', camera);
      const bob = await client(chromium, server, room, 'Bob', camera);
      const { viewer, slots } = await viewerOf(chromium, room, SLOTS);
      for (const { want } of slots) await want(ada.peer, heights[0]);
      await Promise.all(slots.map(({ mid }) => flows(viewer, mid)));
      const results = await Promise.all(slots.map((slot, at) => switched(slot, [ada, bob], heights, 20260101 + at)));
      for (const result of results) {
        const seen = JSON.stringify(result);
        console.log(`${codec} ${scalability ?? 'simulcast'}: ${seen}`);
        assert.equal(result.ended.codec, `video/${codec.toUpperCase()}`, seen);
        assert.ok(result.gap.longestGapMs < KEY_FRAME_INTERVAL_MS + SLACK_MS, seen);
        assert.ok(result.ended.frames - result.begun.frames > STEPS * 2, seen);
        // Larger pictures of simulcast come with the publisher's bandwidth estimate, which a busy machine keeps low.
        if (scalability) assert.ok(result.heights.length >= heights.length, seen);
      }
      assert.equal(await viewer.run(() => window.client.lastError), undefined);
      await Promise.all([ada.close(), bob.close(), viewer.close()]);
    });
  }

  test('one slot shows people with four codecs in turn, without a negotiation', async () => {
    const { room } = await server.createRoom();
    const people = [];
    for (const codec of ['vp8', 'vp9', 'h264', 'av1']) {
      people.push([codec, await client(chromium, server, room, codec, { codec, width: 320, height: 180, scalability: 'L1T1' })]);
    }
    const { viewer, mid, want, slot } = await viewerOf(chromium, room);
    for (const [codec, person] of [...people, ...people.toReversed()]) {
      await want(person.peer, 180);
      const deadline = Date.now() + 10_000;
      let now = await slot();
      while (now.codec !== `video/${codec.toUpperCase()}` && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        now = await slot();
      }
      assert.equal(now.codec, `video/${codec.toUpperCase()}`, JSON.stringify(now));
      await flows(viewer, mid);
    }
    assert.equal(await viewer.run(() => window.client.negotiations), 1);
    await Promise.all([viewer.close(), ...people.map(([, person]) => person.close())]);
  });

  test('a viewer without dependency descriptors sees the smallest size of layered AV1', async () => {
    const { room } = await server.createRoom();
    const ada = await client(chromium, server, room, 'Ada', { codec: 'av1', scalability: 'L2T2_KEY', width: 640, height: 360 });
    const viewer = await client(chromium, server, room, 'Viewer', { publish: false, descriptors: false });
    await viewer.connected();
    const [mid] = await viewer.run(() => window.client.videoMids());
    await viewer.run((slot, peer) => window.client.want([{ mid: slot, peer, height: 360 }]), mid, ada.peer);
    await flows(viewer, mid, 30);
    const shown = await viewer.run((slot) => window.client.slot(slot), mid);
    assert.deepEqual([shown.codec, shown.height], ['video/AV1', 180], JSON.stringify(shown));
    await Promise.all([ada.close(), viewer.close()]);
  });

  test('Firefox shows VP9 with layers of Chromium', async () => {
    const { room } = await server.createRoom();
    const ada = await client(chromium, server, room, 'Ada', { codec: 'vp9', scalability: 'L3T3_KEY', width: 640, height: 360 });
    const { viewer, mid, want, slot } = await viewerOf(firefox, room);
    for (const height of [90, 360, 180]) {
      await want(ada.peer, height);
      await flows(viewer, mid);
    }
    assert.equal((await slot()).codec, 'video/VP9');
    await Promise.all([ada.close(), viewer.close()]);
  });
});
