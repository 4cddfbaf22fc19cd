// Real Chromium behind bad networks: rates that change (tbf), losses (nft), delay, jitter, reordering and duplication (our
// impairer), and addresses that change. Every test prints what it saw.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, freePort } from '../browser/harness/server.mjs';
import { chromiumProgram, launchChromium } from '../browser/harness/browsers.mjs';
import { Participant } from '../browser/harness/participant.mjs';
import { client } from '../browser/harness/protocol_page.mjs';
import { until } from '../browser/harness/until.mjs';
import { Network, loopbackUp } from './harness/network.mjs';
import { Impairer } from './harness/impairer.mjs';

const SEED = 20;
/** What a slow line carries, in kbit/s: so much, and no more than this part of what the full picture takes. */
const SLOW_KBIT = 600;
const SLOW_PART = 0.7;
/** The full picture takes at least so much: with less, the smallest one and a voice would not fit a slow line. */
const ALL_KBIT_MIN = 450;
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a viewer has received so far: picture and sound. */
const received = (viewer) => viewer.run(async () => {
  const seen = { frames: 0, height: 0, bytes: 0, freezes: 0, energy: 0, samples: 0, concealed: 0 };
  for (const entry of (await window.client.connection.getStats()).values()) {
    if (entry.type !== 'inbound-rtp') continue;
    if (entry.kind === 'audio') {
      seen.energy += entry.totalAudioEnergy ?? 0;
      seen.samples += entry.totalSamplesReceived ?? 0;
      seen.concealed += (entry.concealedSamples ?? 0) - (entry.silentConcealedSamples ?? 0);
    } else {
      seen.frames += entry.framesDecoded ?? 0;
      seen.bytes += entry.bytesReceived ?? 0;
      seen.freezes += entry.freezeCount ?? 0;
      seen.height = Math.max(seen.height, entry.frameHeight ?? 0);
    }
  }
  return seen;
});

/** What came within `ms`: frames and kbit of picture a second, height, the share of concealed sound in percent, and sound energy. */
async function measure(viewer, ms) {
  const before = await received(viewer);
  const start = performance.now();
  await pause(ms);
  const now = await received(viewer);
  const passed = (performance.now() - start) / 1000;
  return {
    height: now.height,
    fps: Math.round((now.frames - before.frames) / passed),
    kbit: Math.round((now.bytes - before.bytes) * 8 / 1000 / passed),
    freezes: now.freezes - before.freezes,
    concealedPercent: Number((100 * (now.concealed - before.concealed) / Math.max(1, now.samples - before.samples)).toFixed(1)),
    energy: Number((now.energy - before.energy).toFixed(4)),
  };
}

/** How long until the viewer's picture has a height that fits. */
async function reaches(viewer, what, fits, limitMs) {
  const start = performance.now();
  await until(what, async () => fits((await received(viewer)).height), limitMs);
  return performance.now() - start;
}

/**
 * Measures for `ms` each until what came is as `holds` says, and gives that. Who joins, shrinks or grows has a while in which
 * things are on their way, and a busy machine a longer one.
 */
async function settles(what, viewer, ms, holds, limitMs) {
  const seen = [];
  await until(what, async () => holds(seen[seen.push(await measure(viewer, ms)) - 1]), limitMs)
    .catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(seen)}`); });
  return seen.at(-1);
}

/**
 * Waits until the picture is in its full size and takes what it takes, and tells how much that is, in kbit/s. Chromium raises what it
 * sends by 8 percent a second where its first probes show nothing, as on a busy machine: from 300 to 1500 kbit/s in 20 s, and the
 * largest picture begins with a third of what it takes in the end.
 */
async function takesAll(viewer) {
  let before = Infinity;
  const { kbit } = await settles('the full picture takes no more', viewer, 2000, (now) => {
    const isSteady = now.height === 720 && now.kbit >= ALL_KBIT_MIN && now.kbit < 1.1 * before;
    before = now.height === 720 ? now.kbit : Infinity;
    return isSteady;
  }, 120_000);
  return kbit;
}

/** A network with a Chromium in it. */
async function place(ports) {
  const network = await Network.open();
  // Cameras are given to secure origins alone, and these are plain http on an address.
  const origins = ports.map((port) => `http://${network.gateway}:${port}`).join(',');
  const browser = await launchChromium([`--unsafely-treat-insecure-origin-as-secure=${origins}`], network.wrap(chromiumProgram()));
  return { network, browser };
}

/** Publisher and viewer in a room, the viewer showing the publisher large. */
async function call(server, from, to) {
  const { room } = await server.createRoom();
  const at = ({ network }) => ({ url: `http://${network.gateway}:${server.port}` });
  const publisher = await client(from.browser, at(from), room, 'Ada', { width: 1280, height: 720 });
  const viewer = await client(to.browser, at(to), room, 'Bob', { publish: false });
  await Promise.all([publisher.connected(), viewer.connected()]);
  const [mid] = await viewer.run(() => window.client.videoMids());
  await viewer.run((slot, peer) => window.client.want([{ mid: slot, peer, height: 720 }]), mid, publisher.peer);
  const end = () => Promise.all([publisher.close(), viewer.close()]);
  return { publisher, viewer, end };
}

describe('bad networks', { timeout: 900_000 }, () => {
  const ada = {};
  const bob = {};
  let server;
  let bent;
  let impairer;

  before(async () => {
    loopbackUp();
    const [port, bentPort, mediaPort] = await Promise.all([freePort(), freePort(), freePort()]);
    Object.assign(ada, await place([port, bentPort]));
    Object.assign(bob, await place([port, bentPort]));
    const gateways = [ada.network.gateway, bob.network.gateway];
    server = await Server.start({ port, announce: gateways });
    impairer = await Impairer.start(mediaPort, bentPort, SEED);
    bent = await Server.start({ port: bentPort, announce: gateways.map((gateway) => `${gateway}:${mediaPort}`) });
  }, { timeout: 120_000 });

  after(async () => {
    for (const { browser, network } of [ada, bob]) {
      await browser?.close();
      network?.close();
    }
    impairer?.close();
    await server?.stop();
    await bent?.stop();
  });

  /** The picture is large, shrinks on a slow line, flows there, and is large again after it. */
  async function followsTheRate(direction, limited) {
    const { viewer, end } = await call(server, ada, bob);
    try {
      const full = await reaches(viewer, 'the full picture', (height) => height === 720, 90_000);
      const all = await takesAll(viewer);
      // A machine that encodes few frames has a picture of 600 kbit/s: that line would carry it.
      const line = Math.min(SLOW_KBIT, Math.round(SLOW_PART * all));
      limited.rate(direction, line);
      const down = await reaches(viewer, 'a smaller picture', (height) => height <= 360, 20_000);
      const flows = ({ fps, concealedPercent }) => fps >= 5 && concealedPercent < 20;
      const slow = await settles('frames flow on a slow line, and sound goes before picture', viewer, 5000, flows, 30_000);
      limited.rate(direction, null);
      const up = await reaches(viewer, 'the full picture again', (height) => height === 720, 40_000);
      const fast = await settles('frames flow after it', viewer, 3000, ({ fps }) => fps >= 10, 20_000);
      console.log(`${direction}link ${line} of ${all} kbit/s: 720p first after ${seconds(full)}, smaller after ${seconds(down)}, `
        + `there ${JSON.stringify(slow)}; 720p again after ${seconds(up)}, then ${JSON.stringify(fast)}`);
    } finally {
      await end();
    }
  }

  test('the picture follows the rate of the publisher\'s line down and up', () => followsTheRate('up', ada.network));

  test('the picture follows the rate of the viewer\'s line down and up', () => followsTheRate('down', bob.network));

  test('sound survives a loss of 20 percent at the viewer', async () => {
    const { viewer, end } = await call(server, ada, bob);
    try {
      await reaches(viewer, 'a picture', (height) => height > 0, 20_000);
      await pause(2000);
      const clean = await measure(viewer, 4000);
      bob.network.lose(200);
      await pause(1000);
      const lossy = await measure(viewer, 10_000);
      const rule = bob.network.inside('nft list ruleset');
      const dropped = Number(/counter packets (\d+)/.exec(rule)[1]);
      bob.network.lose(0);
      await pause(1000);
      const after = await measure(viewer, 4000);
      console.log(`20 % loss (${dropped} datagrams): before ${JSON.stringify(clean)}, during ${JSON.stringify(lossy)}, after ${JSON.stringify(after)}`);
      assert.ok(dropped > 100, `datagrams were lost: ${dropped}`);
      assert.ok(lossy.energy > clean.energy, `sound during it, which is 2.5 times as long: ${JSON.stringify({ clean, lossy })}`);
      assert.ok(lossy.concealedPercent < 10, `redundancy brings back most of what was lost: ${JSON.stringify(lossy)}`);
      assert.ok(after.concealedPercent < 5 && after.fps >= 10, JSON.stringify(after));
    } finally {
      bob.network.lose(0);
      await end();
    }
  });

  test('a call goes on over a line with delay, jitter, reordering, bursts of loss and duplicates', async () => {
    const { viewer, end } = await call(bent, ada, bob);
    try {
      await reaches(viewer, 'a picture', (height) => height > 0, 20_000);
      await impairer.order('both delay=50 jitter=25 loss=20 duplication=10 burst_begin=2 burst_end=100 burst_loss=500');
      await pause(4000);
      const bad = await measure(viewer, 8000);
      await impairer.order('both');
      console.log(`delay, jitter, bursts, seed ${SEED}: ${JSON.stringify(bad)}`);
      assert.ok(bad.fps >= 8 && bad.energy > 0 && bad.concealedPercent < 15, JSON.stringify(bad));
    } finally {
      await impairer.order('both');
      await end();
    }
  });

  /** How long after `change` the viewer sees new frames again: the longest time without one. */
  async function freezeAfter(viewer, change) {
    const [mid] = await viewer.run(() => window.client.videoMids());
    const watching = viewer.run((slot) => window.client.watch(slot, 8000), mid);
    await pause(1000);
    await change();
    return (await watching).longestGapMs;
  }

  // Nobody tells Chromium that a NAT has forgotten it: it notices at its next check of the connection, and it checks every
  // 2.5 s. The server follows that check at once.
  test('a NAT that forgot its bindings is survived at the next connectivity check', async () => {
    const { viewer, end } = await call(bent, ada, bob);
    try {
      await reaches(viewer, 'the picture', (height) => height > 0, 20_000);
      await pause(3000);
      const freeze = await freezeAfter(viewer, () => impairer.order('rebind'));
      console.log(`NAT rebinding of both at once: ${seconds(freeze)} without a frame`);
      assert.ok(freeze < 3500, seconds(freeze));
    } finally {
      await end();
    }
  });

  test('a client that moves to another address is seen and heard again', async () => {
    const { room } = await server.createRoom();
    const link = ({ network }) => `http://${network.gateway}:${server.port}/r/${room}`;
    const one = await Participant.join(ada.browser, link(ada), 'Ada');
    const other = await Participant.join(bob.browser, link(bob), 'Bob');
    try {
      await Promise.all([one.seesAndHears(1), other.seesAndHears(1)]);
      const frames = async () => (await other.received()).framesDecoded;
      ada.network.move();
      // What is under way still arrives.
      await pause(300);
      const [start, before] = [performance.now(), await frames()];
      await until('frames come again', async () => (await frames()) > before + 3, 30_000);
      console.log(`another address: frames again after ${seconds(300 + performance.now() - start)}`);
      await Promise.all([one.seesAndHears(1), other.seesAndHears(1)]);
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });
});
