// Background effects through the product's own page: what the others see behind a person, and that nothing else ever leaves.
//
// The camera is a photograph. A background counts as hidden when its sharpness has fallen to less than 40 % of what it was; the
// person counts as untouched when the face is as bright within 5 % and as sharp within 25 %, which is what encoding changes.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { Server } from './harness/server.mjs';
import { freshPage, launch, launchChromium } from './harness/browsers.mjs';
import { Participant } from './harness/participant.mjs';
import { cameraFile, cameraOfPage, pictureOf, pictures, watch } from './harness/photograph.mjs';
import { until } from './harness/until.mjs';

const OTHERS = '[data-testid="tile"][data-self="false"] video';
const HIDDEN = 0.4;
const AS_BRIGHT = 0.05;
const AS_SHARP = 0.25;

const middle = (values) => values.sort((one, other) => one - other)[values.length >> 1];
const summary = (seen) => ({
  face: middle(seen.map((picture) => picture.face.luma)), faceSharpness: middle(seen.map((picture) => picture.face.sharpness)),
  flag: middle(seen.map((picture) => picture.flag.luma)), flagSharpness: middle(seen.map((picture) => picture.flag.sharpness)),
});

/** Eight pictures in a row that are as expected, and of about the camera's full size unless that does not matter. */
async function seen(page, isIt = () => true, lines = 540) {
  const all = [];
  const isGood = (picture) => picture.height >= lines && isIt(picture);
  await until('pictures that are as expected', async () => {
    all.push(...await pictures(page));
    return all.length >= 8 && all.slice(-8).every(isGood);
  }, 60_000).catch(() => { throw new Error(`${all.length} pictures, the last ${JSON.stringify(all.slice(-3))}`); });
  return all.slice(-8);
}

/** Chooses a background as a click does; tells in the same breath whether what was sent before still flows. */
const choose = (participant, name) => participant.page.evaluate((name) => {
  const sender = window.visavisDebug?.peerConnection()?.getSenders().find((sender) => sender.track?.kind === 'video');
  const track = sender?.track;
  document.querySelector(`[data-testid="background-${name}"]`).click();
  return { at: performance.timeOrigin + performance.now(), stillFlows: track?.readyState === 'live' && sender.track === track };
}, name);

/** In the page, before anything else: what the device says of itself (Compute Pressure) is ours to say, as it is to be slow or fast. */
const sayPressure = () => {
  const observers = new Set();
  let state = 'nominal';
  const tell = (observer) => observer.callback([{ source: 'cpu', state, time: performance.now() }]);
  window.PressureObserver = class {
    constructor(callback) { this.callback = callback; }
    async observe() { observers.add(this); tell(this); }
    disconnect() { observers.delete(this); }
  };
  window.setPressure = (next) => { state = next; observers.forEach(tell); };
};

/**
 * Makes this participant's device so many times slower, and say so: Chromium throttles the page's thread, and refuses to throttle workers, so that
 * the module takes so many times as long there as it does on the machine of the README: 3.3 ms for looking, 3.2 for drawing 720 lines.
 */
async function slowDown(participant, factor) {
  await participant.page.emulateCPUThrottling(factor);
  await participant.page.evaluate((state) => window.setPressure(state), factor > 1 ? 'serious' : 'nominal');
  const worker = await until('the worker', () => participant.page.workers().find((one) => one.url().endsWith('/effects/worker.js')));
  await worker.evaluate((factor) => {
    self.plain ??= engine;
    engine = {
      ...self.plain,
      compositor_process: (compositor, segmenter, isNv12) => {
        const ms = (segmenter === 0 ? 0 : 3.3) + 3.2 * (size.height / 720) ** 2;
        const end = performance.now() + (factor > 1 ? factor * ms : 0);
        const result = self.plain.compositor_process(compositor, segmenter, isNv12);
        while (performance.now() < end);
        return result;
      },
    };
  }, factor);
}

/** Frames a second of the encoding that has most, each second for so many seconds, by the clock of the statistics: the page's is slow. */
const framesSent = (participant, seconds) => participant.page.evaluate(async (seconds) => {
  const sender = window.visavisDebug.peerConnection().getSenders().find((one) => one.track?.kind === 'video');
  const read = async () => {
    const entries = [...(await sender.getStats()).values()].filter((entry) => entry.type === 'outbound-rtp');
    return new Map(entries.map((entry) => [entry.id, { at: entry.timestamp, frames: entry.framesSent ?? 0 }]));
  };
  const rate = (now, before) => (before && now.at > before.at ? (1000 * (now.frames - before.frames)) / (now.at - before.at) : 0);
  const rates = [];
  let before = await read();
  while (rates.length < seconds) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const now = await read();
    rates.push(Math.max(...[...now].map(([id, entry]) => rate(entry, before.get(id)))));
    before = now;
  }
  return rates;
}, seconds);

/** What the panel of statistics says the governor did, the newest first. */
const stepsOf = (participant) =>
  participant.page.$$eval('[data-testid="step"]', (steps) => steps.map((step) => step.lastElementChild.textContent));

const description = (participant) => participant.page.evaluate(() => window.visavisDebug.peerConnection().localDescription.sdp);

describe('background effects', { timeout: 600_000 }, () => {
  let server;
  let camera;
  const people = {};

  before(async () => {
    server = await Server.start();
    camera = await cameraFile();
    const chromium = await launchChromium([`--use-file-for-fake-video-capture=${camera.path}`]);
    people.chromium = { browser: chromium, options: {} };
    people.firefox = { browser: await launch.firefox(), options: { before: await cameraOfPage() } };
  }, { timeout: 120_000 });

  after(async () => {
    for (const { browser } of Object.values(people)) await browser.close();
    await server?.stop();
    await camera?.remove();
  });

  /** Ada, in this browser and with the backgrounds open, and Bob, who knows what she looks like without any. */
  async function meet(name, options = people[name].options) {
    const { link } = await server.createRoom();
    const ada = await Participant.join(people[name].browser, link, 'Ada', options);
    const bob = await Participant.join(people.chromium.browser, link, 'Bob');
    await bob.seesAndHears(1);
    await watch(bob.page, OTHERS);
    const real = summary(await seen(bob.page));
    const isHidden = (picture) => picture.flag.sharpness < real.flagSharpness * HIDDEN;
    await ada.click('toggle-backgrounds');
    await ada.page.waitForSelector('[data-testid="background-strong-blur"]');
    return { ada, bob, real, isHidden };
  }

  for (const name of ['chromium', 'firefox']) {
    test(`${name}: the background is hidden, the person is not, and no picture with it leaves once it is to be`, async () => {
      const { ada, bob, real, isHidden } = await meet(name);
      const negotiated = await description(ada);
      const { at, stillFlows } = await choose(ada, 'strong-blur');
      assert.equal(stillFlows, false, 'what was sent ends with the click');
      let all = [];
      await until('the background is hidden', async () => {
        all.push(...await pictures(bob.page));
        return all.filter(isHidden).length >= 20;
      }, 30_000);
      const first = all.findIndex(isHidden);
      assert.equal(all.slice(first).findIndex((picture) => !isHidden(picture)), -1, 'hidden once, hidden from then on');
      const late = all.slice(0, first).filter((picture) => picture.at - at > 1000);
      assert.equal(late.length, 0, 'what was on the way has arrived within a second');
      const blurred = summary(await seen(bob.page, isHidden));
      console.log(`${name}: real ${JSON.stringify(real)}, blurred ${JSON.stringify(blurred)}, first after ${Math.round(all[first].at - at)} ms`);
      assert.ok(Math.abs(blurred.face - real.face) < real.face * AS_BRIGHT, 'the face is as bright');
      assert.ok(Math.abs(blurred.faceSharpness - real.faceSharpness) < real.faceSharpness * AS_SHARP, 'the face is as sharp');

      // Another effect: still nothing of the room.
      await choose(ada, 'hills');
      all = [];
      await until('hills', async () => {
        all.push(...await pictures(bob.page));
        return all.length >= 8 && all.slice(-8).every((picture) => Math.abs(picture.flag.luma - blurred.flag) > 15);
      }, 30_000);
      assert.ok(all.every(isHidden), 'hidden on the way from one to the other');
      const replaced = summary(all.slice(-8));
      assert.ok(Math.abs(replaced.face - real.face) < real.face * AS_BRIGHT, 'the face before hills');

      await choose(ada, 'real');
      await seen(bob.page, (picture) => picture.flag.sharpness > real.flagSharpness * 0.8, 180);
      assert.equal(await description(ada), negotiated, 'nothing was negotiated');
      assert.deepEqual([ada.page.errors, bob.page.errors], [[], []]);
      await Promise.all([ada.close(), bob.close()]);
    });
  }

  for (const name of ['chromium', 'firefox']) {
    test(`${name}: behind another tab the picture goes on, and a camera that is switched off and on comes back hidden`, async () => {
      const { ada, bob, isHidden } = await meet(name);
      await choose(ada, 'strong-blur');
      await seen(bob.page, isHidden, 180);

      const other = await ada.page.browserContext().newPage();
      await other.bringToFront();
      await until('nobody looks at the page', () => ada.page.evaluate(() => document.hidden));
      await pictures(bob.page);
      const before = performance.now();
      const all = [];
      await until('fifty pictures from behind', async () => {
        all.push(...await pictures(bob.page));
        return all.length >= 50;
      }, 30_000);
      const rate = (all.length * 1000) / (performance.now() - before);
      console.log(`${name}: ${rate.toFixed(1)} pictures a second while hidden`);
      assert.ok(all.every(isHidden));
      assert.ok(rate > 5, `${rate} pictures a second`);
      await other.close();
      await ada.page.bringToFront();

      await ada.click('toggle-camera');
      await until('the camera is off', async () => (await bob.tiles()).some((tile) => !tile.self && tile.width === 0));
      await ada.click('toggle-camera');
      await until('the camera is on', async () => (await bob.tiles()).some((tile) => !tile.self && tile.width > 0));
      await watch(bob.page, OTHERS);
      const again = await seen(bob.page, isHidden, 180);
      assert.ok(again.every(isHidden));
      assert.deepEqual([ada.page.errors, bob.page.errors], [[], []]);
      await Promise.all([ada.close(), bob.close()]);
    });
  }

  // Four times: each second. Ten times is more than is promised, and a second of it may be worse than the others.
  for (const [factor, fewest] of [[4, (rates) => Math.min(...rates)], [10, (rates) => rates.reduce((sum, rate) => sum + rate) / rates.length]]) {
    test(`on a device ${factor} times as slow at least 15 hidden frames a second are sent, and the statistics tell why`, async () => {
      const { ada, bob, isHidden } = await meet('chromium', { before: { run: sayPressure, with: [] } });
      await choose(ada, 'strong-blur');
      await seen(bob.page, isHidden, 180);
      await ada.click('toggle-statistics');
      await ada.page.waitForSelector('[data-testid="measure-frames-sent"]', { timeout: 10_000 });
      await pictures(bob.page);
      await slowDown(ada, factor);
      await new Promise((resolve) => setTimeout(resolve, 20_000));
      const rates = await framesSent(ada, 10);
      const lowered = await stepsOf(ada);
      console.log(`${factor} times as slow: ${rates.map((rate) => rate.toFixed(0)).join(' ')} frames a second after ${JSON.stringify(lowered)}`);
      assert.ok(fewest(rates) >= 15, `${fewest(rates)} frames a second`);
      assert.ok(lowered.length > 0, 'a step is told');
      assert.ok((await pictures(bob.page)).every(isHidden), 'hidden all the time');
      // One small encoding is all that Bob has room for now: this machine's own encoder has time to spare as well.
      await bob.page.setViewport({ width: 360, height: 320 });
      await slowDown(ada, 1);
      await until('the effort is raised again', async () => (await stepsOf(ada)).length > lowered.length, 60_000)
        .catch(async (error) => { throw new Error(`${error.message}: ${JSON.stringify(await stepsOf(ada))}`); });
      assert.match((await stepsOf(ada))[0], /time to spare/);
      assert.ok((await pictures(bob.page)).every(isHidden), 'hidden on the way back');
      await Promise.all([ada.close(), bob.close()]);
    });
  }

  test('the strength of the blur is set with a slider, seen at once, and remembered', async () => {
    const { ada, bob, isHidden } = await meet('chromium');
    await choose(ada, 'light-blur');
    await seen(bob.page, isHidden, 180);
    const slider = '[data-testid="blur-strength"]';
    const [track, light] = await ada.page.$eval(slider, (input) =>
      [window.visavisDebug.peerConnection().getSenders().find((one) => one.track?.kind === 'video').track.id, input.value]);
    assert.equal(light, '35');
    await ada.page.focus(slider);
    await ada.page.keyboard.press('Home');
    const weak = summary(await seen(bob.page, () => true, 180)).flagSharpness;
    await ada.page.keyboard.press('End');
    await seen(bob.page, (picture) => picture.flag.sharpness < 0.8 * weak, 180);
    const after = await ada.page.$eval(slider, (input) => ({
      text: input.getAttribute('aria-valuetext'),
      chosen: document.querySelector('[data-testid="backgrounds"] input:checked').value,
      track: window.visavisDebug.peerConnection().getSenders().find((one) => one.track?.kind === 'video').track.id,
      kept: localStorage.getItem('visavis.blur-strength'),
    }));
    assert.deepEqual(after, { text: '100 %', chosen: 'strong-blur', track, kept: '100' });
    await Promise.all([ada.close(), bob.close()]);
  });

  test('where the effects cannot run the camera goes off and says why, and choosing none brings it back', async () => {
    const { link } = await server.createRoom();
    const broken = () => { window.Worker = class { constructor() { throw new Error('no workers here'); } }; };
    const page = await freshPage(people.chromium.browser, { before: { run: broken, with: [] } });
    await page.goto(link, { waitUntil: 'domcontentloaded' });
    await page.waitForSelector('[data-testid="preview"] video[data-ready="true"]', { timeout: 20_000 });
    await page.click('[data-testid="toggle-backgrounds"]');
    await page.waitForSelector('[data-testid="background-strong-blur"]');
    await choose({ page }, 'strong-blur');
    await page.waitForSelector('[data-testid="capture-problem"][data-state="NoEffects"]');
    assert.equal(await page.$eval('[data-testid="preview"]', (preview) => preview.dataset.state), 'off');
    await choose({ page }, 'real');
    await page.click('[data-testid="retry-capture"]');
    await page.waitForSelector('[data-testid="preview"][data-state="on"] video[data-ready="true"]');
    await page.browserContext().close();
  });

  test('pictures of a camera that is held sideways come out upright, and large ones halved when they are to be', async () => {
    const page = await freshPage(people.chromium.browser);
    await page.goto((await server.createRoom()).link, { waitUntil: 'domcontentloaded' });
    const seen = await page.evaluate(throughWorker, (await pictureOf(camera)).toString('base64'));
    for (const [way, { width, height, rotation, face, flag }] of Object.entries(seen)) {
      assert.deepEqual([height * 16, rotation], [width * 9, 0], `${way}: ${width} × ${height}, ${rotation}°`);
      assert.ok(way.includes('halved') === (height === 360) && face < 0.05 && flag > 0.5, `${way}: ${face} of the face changed, ${flag} of the flag`);
    }
    assert.equal(Object.keys(seen).length, 5);
    await page.browserContext().close();
  });

  test('backgrounds are chosen from the keyboard', async () => {
    const { link } = await server.createRoom();
    const ada = await Participant.join(people.chromium.browser, link, 'Ada');
    await ada.click('toggle-backgrounds');
    await ada.page.focus('[data-testid="background-real"]');
    const chosen = () => ada.page.$eval('[data-testid="backgrounds"] input:checked', (input) => input.value);
    assert.equal(await chosen(), 'real');
    for (const expected of ['light-blur', 'strong-blur', 'study']) {
      await ada.page.keyboard.press('ArrowRight');
      assert.equal(await chosen(), expected);
    }
    await ada.page.waitForSelector('[data-testid="effects"][data-state="drawing"]', { timeout: 20_000 });
    await ada.close();
  });

  test('nothing of the effects is loaded before they are wanted, and the module is small', async () => {
    const { link } = await server.createRoom();
    const loaded = [];
    const options = { watching: (page) => page.on('request', (request) => loaded.push(new URL(request.url()).pathname)) };
    const ada = await Participant.join(people.chromium.browser, link, 'Ada', options);
    assert.deepEqual(loaded.filter((path) => path.startsWith('/effects/')), []);
    await ada.click('toggle-backgrounds');
    await choose(ada, 'light-blur');
    await ada.page.waitForSelector('[data-testid="effects"][data-state="drawing"]', { timeout: 20_000 });
    for (const wanted of ['/effects/worker.js', '/effects/selfie_segmentation_landscape.tflite']) assert.ok(loaded.includes(wanted), wanted);
    for (const build of ['simd128', 'relaxed']) {
      const response = await fetch(new URL(`/effects/${build}.wasm`, link));
      const { length } = gzipSync(Buffer.from(await response.arrayBuffer()), { level: 9 });
      assert.ok(response.ok && length <= 60_000, `${build}: ${length} bytes gzipped`);
    }
    await ada.close();
  });

  test('what was chosen is remembered, and the preview never shows the room', async () => {
    const { link } = await server.createRoom();
    const ada = await Participant.join(people.chromium.browser, link, 'Ada');
    await ada.click('toggle-backgrounds');
    await choose(ada, 'strong-blur');
    await ada.click('leave');
    await ada.page.waitForSelector('[data-testid="ended"]');
    await ada.page.goto(link, { waitUntil: 'domcontentloaded' });
    await ada.page.waitForSelector('[data-testid="preview"] video');
    await watch(ada.page, '[data-testid="preview"] video');
    let all = [];
    await until('pictures in the preview', async () => {
      all.push(...await pictures(ada.page));
      return all.length >= 30;
    }, 30_000);
    const sharpest = Math.max(...all.map((picture) => picture.flag.sharpness));
    await ada.click('toggle-backgrounds');
    await choose(ada, 'real');
    const real = summary(await seen(ada.page, (picture) => picture.flag.sharpness > 2 * sharpest));
    assert.ok(sharpest < real.flagSharpness * HIDDEN, `${sharpest} of ${real.flagSharpness}`);
    await ada.close();
  });
});

/**
 * In a page: what the worker makes of the picture (I420, 1280 × 720) as cameras give it that are held otherwise, and which share of the
 * samples of the face and of the flag behind it differs from the upright picture.
 */
async function throughWorker(base64) {
  const [WIDTH, HEIGHT] = [1280, 720];
  const upright = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const planes = [[0, WIDTH, HEIGHT], [WIDTH * HEIGHT, WIDTH / 2, HEIGHT / 2], [WIDTH * HEIGHT * 1.25, WIDTH / 2, HEIGHT / 2]];
  // What has to be turned so, and then mirrored, to be upright.
  const held = (rotation, flip) => {
    const isSideways = rotation % 180 === 90;
    const samples = new Uint8Array(upright.length);
    for (const [offset, width, height] of planes) {
      const [across, down] = isSideways ? [height, width] : [width, height];
      for (let row = 0; row < height; row += 1) {
        for (let column = 0; column < width; column += 1) {
          const from = flip ? width - 1 - column : column;
          const [y, x] = { 0: [row, from], 90: [down - 1 - from, row], 180: [down - 1 - row, across - 1 - from], 270: [from, across - 1 - row] }[rotation];
          samples[offset + y * across + x] = upright[offset + row * width + column];
        }
      }
    }
    const [codedWidth, codedHeight] = isSideways ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT];
    return new VideoFrame(samples, { format: 'I420', codedWidth, codedHeight, timestamp: 0, rotation, flip });
  };
  const seen = {};
  for (const [rotation, flip, isHalving] of [[0, false, false], [90, false, false], [180, false, false], [270, true, false], [90, false, true]]) {
    const worker = new Worker('/effects/worker.js');
    const said = (type) => new Promise((resolve, reject) => {
      worker.addEventListener('message', ({ data }) => {
        if (data.type === type) resolve(data);
        if (data.type === 'failed' || data.type === 'dropped') reject(new Error(data.reason ?? data.type));
      });
    });
    const loaded = said('loaded');
    worker.postMessage({ type: 'load', module: '/effects/simd128.wasm', model: '/effects/selfie_segmentation_landscape.tflite' });
    await loaded;
    worker.postMessage({ type: 'sink', page: true });
    worker.postMessage({ type: 'blur', strength: 0.85 });
    worker.postMessage({ type: 'halving', isHalving });
    const drawn = said('drawn');
    const frame = held(rotation, flip);
    worker.postMessage({ type: 'frame', frame }, [frame]);
    const { frame: result } = await drawn;
    const samples = new Uint8Array(result.allocationSize());
    await result.copyTo(samples);
    const scale = WIDTH / result.codedWidth;
    const changed = (top, left, length, most) => {
      let count = 0;
      for (let row = top; row < top + length; row += scale) {
        for (let column = left; column < left + length; column += scale) {
          const now = samples[(row / scale) * result.codedWidth + column / scale];
          const before = upright[row * WIDTH + column];
          count += Math.abs(now - before) > most;
        }
      }
      return count / (length / scale) ** 2;
    };
    const name = `${rotation}°${flip ? ', mirrored' : ''}${isHalving ? ', halved' : ''}`;
    seen[name] = {
      width: result.codedWidth, height: result.codedHeight, rotation: result.rotation ?? 0, face: changed(300, 560, 140, 12), flag: changed(60, 60, 200, 6),
    };
    result.close();
    worker.terminate();
  }
  return seen;
}
