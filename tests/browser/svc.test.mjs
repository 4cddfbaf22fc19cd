// What the server prefers is what the product's own page sends: VP9 and AV1 with layers inside one stream where the
// browser can, several streams where it cannot; and slots that offer nothing else.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server } from './harness/server.mjs';
import { launch, freshPage } from './harness/browsers.mjs';
import { Participant } from './harness/participant.mjs';
import { client } from './harness/protocol_page.mjs';
import { until } from './harness/until.mjs';

/** `MESSAGE_BYTES_MAX` in shared/src/limits.rs. */
const MESSAGE_BYTES_MAX = 64 * 1024;

/** What the page's camera is sent as: codec, scalability mode and the number of streams that make frames. */
const sending = (participant) => participant.page.evaluate(async () => {
  const stats = await window.visavisDebug.peerConnection().getStats();
  const streams = [...stats.values()].filter((entry) => entry.type === 'outbound-rtp' && entry.kind === 'video' && entry.framesEncoded > 0);
  return streams.map((entry) => ({ codec: stats.get(entry.codecId)?.mimeType, mode: entry.scalabilityMode, rid: entry.rid }));
});

/** What the page's camera in one stream is at the moment, and what it takes to make it. */
const outgoing = (participant) => participant.page.evaluate(async () => {
  const stats = [...(await window.visavisDebug.peerConnection().getStats()).values()];
  const [one] = stats.filter((entry) => entry.type === 'outbound-rtp' && entry.kind === 'video');
  return { height: one.frameHeight ?? 0, mode: one.scalabilityMode, frames: one.framesEncoded, keys: one.keyFramesEncoded,
    seconds: one.totalEncodeTime, bytes: one.bytesSent };
});

/** What sending costs over a while: bits a second, and milliseconds of encoding a second. */
async function costs(participant, ms = 4000) {
  const before = await outgoing(participant);
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, ms));
  const now = await outgoing(participant);
  const seconds = (performance.now() - start) / 1000;
  return { kbps: Math.round((now.bytes - before.bytes) / 125 / seconds), encodingMs: Math.round((now.seconds - before.seconds) * 1000 / seconds),
    fps: Math.round((now.frames - before.frames) / seconds) };
}

/** What the page's slots decode: codecs of those that show frames. */
const showing = (participant) => participant.page.evaluate(async () => {
  const stats = await window.visavisDebug.peerConnection().getStats();
  const slots = [...stats.values()].filter((entry) => entry.type === 'inbound-rtp' && entry.kind === 'video' && entry.framesDecoded > 0);
  return slots.map((entry) => stats.get(entry.codecId)?.mimeType);
});

/** A participant's camera in one slot of a viewer that says how large. */
async function viewerOf(browser, server, room, peer) {
  const viewer = await client(browser, server, room, 'Viewer', { publish: false, videoSlots: 1 });
  await viewer.connected();
  const [mid] = await viewer.run(() => window.client.videoMids());
  return {
    want: (height) => viewer.run((slot, who, tall) => window.client.want([{ mid: slot, peer: who, height: tall }]), mid, peer, height),
    slot: () => viewer.run((slot) => window.client.slot(slot), mid),
    /** Wants another height, and watches the frames that are shown from then on. */
    see: (height, ms) => viewer.run((slot, who, tall, ms) => {
      window.client.want([{ mid: slot, peer: who, height: tall }]);
      return window.client.watch(slot, ms);
    }, mid, peer, height, ms),
    close: () => viewer.close(),
  };
}

describe('svc', { timeout: 600_000 }, () => {
  const servers = {};
  const browsers = {};

  before(async () => {
    servers.vp9 = await Server.start({ videoCodecs: ['vp9', 'vp8', 'h264', 'av1'] });
    servers.av1 = await Server.start({ videoCodecs: ['av1', 'vp9', 'vp8'] });
    browsers.chromium = await launch.chromium();
    browsers.firefox = await launch.firefox();
  }, { timeout: 120_000 });

  after(async () => {
    await Promise.all(Object.values(browsers).map((browser) => browser.close()));
    await Promise.all(Object.values(servers).map((server) => server.stop()));
  });

  test('VP9 first: one stream with three sizes, of which each tile gets its own', async (context) => {
    const { room, link } = await servers.vp9.createRoom();
    const ada = await Participant.join(browsers.chromium, link, 'Ada');
    const bob = await Participant.join(browsers.chromium, link, 'Bob');
    await bob.seesAndHears(1, 40_000);
    assert.deepEqual((await showing(bob)), ['video/VP9']);
    await bob.close();
    const viewer = await viewerOf(browsers.chromium, servers.vp9, room, await ada.ownPeer());
    const heights = {};
    let sent;
    for (const height of [180, 720, 180]) {
      await viewer.want(height);
      const fits = height === 180 ? (now) => now <= 180 : (now) => now > 180;
      await until(`a picture for ${height} lines`, async () => {
        const { height: shown, frames } = await viewer.slot();
        heights[height] = shown;
        return frames > 0 && fits(shown);
      }, 40_000);
      if (height === 720) sent = await sending(ada);
    }
    const [stream, ...others] = sent;
    context.diagnostic(`${JSON.stringify(stream)}, heights ${JSON.stringify(heights)}`);
    assert.deepEqual([stream.codec, stream.mode, others.length], ['video/VP9', 'L3T3_KEY', 0]);
    assert.ok(heights[180] > 0 && heights[180] < heights[720], JSON.stringify(heights));
    assert.deepEqual(ada.page.errors, []);
    await Promise.all([ada.close(), viewer.close()]);
  });

  for (const [codec, modes] of [['vp9', { 180: 'L1T3', 360: 'L2T3_KEY', 720: 'L3T3_KEY' }], ['av1', { 180: 'L1T3', 720: 'L1T3' }]]) {
    test(`${codec} first: one stream is sent no larger than it is shown`, async (context) => {
      const { room, link } = await servers[codec].createRoom();
      const ada = await Participant.join(browsers.chromium, link, 'Ada');
      const viewer = await viewerOf(browsers.chromium, servers[codec], room, await ada.ownPeer());
      const becomes = async (lines, limitMs = 40_000) => {
        let now;
        try {
          await until('', async () => {
            now = await outgoing(ada);
            return now.height === lines && now.mode === modes[lines] && (await viewer.slot()).height === lines;
          }, limitMs);
        } catch {
          assert.fail(`not sent and shown with ${lines} lines: ${JSON.stringify(now)}, ${JSON.stringify(await viewer.slot())}`);
        }
      };
      const flows = async () => {
        const { frames } = await viewer.slot();
        await until('frames are decoded on', async () => (await viewer.slot()).frames > frames + 10, 20_000);
      };
      await viewer.want(720);
      // The publisher's bandwidth estimate starts low on a machine that is busy elsewhere.
      await becomes(720, 60_000);
      const measured = { 720: await costs(ada) };
      for (const lines of Object.keys(modes).map(Number).filter((lines) => lines < 720)) {
        const start = performance.now();
        const shrinking = viewer.see(lines, 7000);
        await becomes(lines);
        const sentAfter = performance.now() - start;
        const shrunk = await shrinking;
        await flows();
        measured[lines] = await costs(ada);
        const { keys } = await outgoing(ada);
        const grown = await viewer.see(720, 4000);
        await becomes(720);
        await flows();
        const round = (value) => (value === null ? null : Math.round(value));
        context.diagnostic(`${codec}: sent with ${lines} lines ${round(sentAfter)} ms after the want (polled every 50 ms), longest gap `
          + `${round(shrunk.longestGapMs)} ms; 720 again: first larger frame shown after ${round(grown.changedAfterMs)} ms, longest gap `
          + `${round(grown.longestGapMs)} ms, ${(await outgoing(ada)).keys - keys} key frames of all layers`);
        assert.ok(shrunk.frames > 20 && grown.frames > 10, `frames go on: ${JSON.stringify([shrunk, grown])}`);
      }
      context.diagnostic(`${codec}: costs ${JSON.stringify(measured)}`);
      assert.ok(measured[180].kbps < measured[720].kbps, JSON.stringify(measured));
      assert.deepEqual(ada.page.errors, []);
      await Promise.all([ada.close(), viewer.close()]);
    });
  }

  test('AV1 first: one stream with three frame rates', async (context) => {
    const { link } = await servers.av1.createRoom();
    const ada = await Participant.join(browsers.chromium, link, 'Ada');
    const bob = await Participant.join(browsers.chromium, link, 'Bob');
    await bob.seesAndHears(1, 60_000);
    assert.deepEqual(await showing(bob), ['video/AV1']);
    const [stream, ...others] = await sending(ada);
    context.diagnostic(JSON.stringify(stream));
    assert.deepEqual([stream.codec, stream.mode, others.length], ['video/AV1', 'L1T3', 0]);
    await Promise.all([ada.close(), bob.close()]);
  });

  test('VP9 first: Firefox sends what it can in several streams, and sees VP9', async (context) => {
    const { link } = await servers.vp9.createRoom();
    const ada = await Participant.join(browsers.chromium, link, 'Ada');
    const bob = await Participant.join(browsers.firefox, link, 'Bob');
    await Promise.all([ada.seesAndHears(1, 60_000), bob.seesAndHears(1, 60_000)]);
    assert.deepEqual(await showing(bob), ['video/VP9']);
    assert.deepEqual(await showing(ada), ['video/VP8']);
    const streams = await sending(bob);
    context.diagnostic(JSON.stringify(streams));
    assert.ok(streams.every(({ rid, codec }) => codec === 'video/VP8' && ['q', 'h', 'f'].includes(rid)), JSON.stringify(streams));
    await Promise.all([ada.close(), bob.close()]);
  });

  for (const name of ['chromium', 'firefox']) {
    test(`${name}: an offer of 25 slots fits into a message with room to spare, all codecs allowed`, async (context) => {
      const { room, link } = await servers.vp9.createRoom();
      const crowd = await freshPage(browsers.chromium);
      await crowd.goto(`${servers.vp9.url}/`);
      await crowd.evaluate((room) => Promise.all(Array.from({ length: 25 }, async (_, at) => {
        const socket = new WebSocket(`ws://${location.host}/ws`);
        await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
        socket.send(JSON.stringify({ type: 'hello', version: { major: 1, minor: 0 }, room, name: `Guest ${at}`, media: { camera: true } }));
        (window.sockets ??= []).push(socket);
      })), room);
      const ada = await Participant.join(browsers[name], link, 'Ada', { width: 2400, height: 1600 });
      const described = () => ada.page.evaluate(() => {
        const sdp = window.visavisDebug.peerConnection()?.localDescription?.sdp ?? '';
        const sections = sdp.split('\r\nm=').slice(1);
        const slots = sections.filter((section) => section.startsWith('video') && section.includes('\r\na=recvonly'));
        return { bytes: JSON.stringify({ type: 'offer', negotiation: 1, sdp, sources: [] }).length, slots: slots.length, slot: slots[0] };
      });
      let now;
      await until('25 slots are offered', async () => (now = await described()).slots === 25, 60_000);
      const codecs = [...now.slot.matchAll(/a=rtpmap:\d+ (\w[\w-]*)/g)].map(([, codec]) => codec.toLowerCase());
      context.diagnostic(`${name}: ${now.bytes} bytes, of each slot ${now.slot.length}: ${codecs.join(' ')}`);
      assert.ok(now.bytes < MESSAGE_BYTES_MAX * 0.85, `${now.bytes}`);
      assert.ok(codecs.includes('vp8') && codecs.includes('vp9') && codecs.includes('rtx'), codecs.join());
      await Promise.all([ada.close(), crowd.browserContext().close()]);
    });
  }
});
