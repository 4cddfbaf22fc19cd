// Noise suppression through the product's own page: what the others hear of a person in a noisy room.
//
// The microphone is a file, as it is. Noise counts as suppressed when what arrives between the words is at least 15 dB quieter; the
// voice counts as untouched when what arrives of it is as loud within 3 dB.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server } from './harness/server.mjs';
import { launchChromium, launchFirefox } from './harness/browsers.mjs';
import { Participant } from './harness/participant.mjs';
import { clickInPause, heard, listen, loudness, microphoneOfPage, missing, sentenceSeconds } from './harness/speech.mjs';
import { SoundServer } from './harness/sound_server.mjs';
import { until } from './harness/until.mjs';

const QUIETER = 15;
const AS_LOUD = 3;
/** Below this there is nothing to be heard. */
const SILENCE = -75;

const FRAMES_A_SECOND = 50;
const SWITCH = '[data-testid="noise-suppression"]';

const noiseState = (participant) => participant.page.$eval('[data-testid="noise"]', (noise) => noise.dataset.state);
const isLowered = (participant) => participant.page.$eval('[data-testid="noise"]', (noise) => noise.dataset.lowered);
const becomes = (participant, state) => until(`the suppression is ${state}`, async () => await noiseState(participant) === state, 20_000);
const description = (participant) => participant.page.evaluate(() => window.visavisDebug.peerConnection().localDescription.sdp);
const lastAsked = (participant) => participant.page.evaluate(() => window.asked.at(-1));

/**
 * What goes into the encoder of the microphone (W3C WebRTC Statistics, `RTCAudioSourceStats`): how loud it is, and the energy and the
 * seconds of everything so far. A single frame that is not silence adds to the energy.
 */
const sent = (participant) => participant.page.evaluate(async () => {
  const senders = window.visavisDebug.peerConnection().getSenders();
  const reports = await Promise.all(senders.map((sender) => sender.getStats()));
  const source = reports.flatMap((report) => [...report.values()])
    .find((entry) => entry.type === 'media-source' && entry.kind === 'audio');
  return { level: source.audioLevel, energy: source.totalAudioEnergy, seconds: source.totalSamplesDuration };
});

describe('noise suppression', { timeout: 900_000 }, () => {
  let server;
  let microphone;
  let seconds;
  let speaker;
  const browsers = {};

  before(async () => {
    server = await Server.start();
    microphone = await microphoneOfPage();
    seconds = await sentenceSeconds();
    speaker = await SoundServer.start();
    browsers.chromium = await launchChromium();
    browsers.firefox = await launchFirefox({}, speaker.environment);
  }, { timeout: 120_000 });

  after(async () => {
    for (const browser of Object.values(browsers)) await browser.close();
    await speaker?.stop();
    await server?.stop();
  });

  /** Ada in a noisy room, with the devices open, and Bob, who says nothing and listens. */
  async function meet(name, options = { before: microphone }) {
    const { link } = await server.createRoom();
    const ada = await Participant.join(browsers[name], link, 'Ada', options);
    const bob = await Participant.join(browsers.chromium, link, 'Bob');
    await bob.seesAndHears(1);
    await bob.click('toggle-microphone');
    // Two cameras in three sizes each would keep a small machine busy, and nothing here is about pictures.
    await Promise.all([ada, bob].map((person) => person.click('toggle-camera')));
    await listen(bob.page);
    await ada.click('devices');
    await ada.page.waitForSelector(SWITCH);
    return { ada, bob, link };
  }

  /** What Bob hears from now on, until everything has been said twice. */
  async function framesOf(bob) {
    await heard(bob.page);
    const frames = [];
    await until('everything has been said twice', async () => {
      frames.push(...await heard(bob.page));
      return frames.length >= 2 * seconds * FRAMES_A_SECOND;
    }, 60_000);
    return frames;
  }

  const listened = async (bob) => loudness(await framesOf(bob));

  /** The same while nobody takes the noise out: sound with holes in it tells nothing of the noise, and is listened to again. */
  async function listenedToNoise(bob) {
    const holes = [];
    for (let tries = 0; tries < 5; tries += 1) {
      const frames = await framesOf(bob);
      holes.push(missing(frames));
      if (holes.at(-1) < 0.05) return loudness(frames);
    }
    return assert.fail(`this machine drops sound again and again: ${holes}`);
  }

  /**
   * What Bob hears once what was on its way is there: on a machine that does not keep up it comes late and with holes in it, which
   * sound like silence. That nothing new was on its way says `sent`.
   */
  async function listenedToSilence(bob) {
    let loud;
    for (let tries = 0; tries < 3; tries += 1) {
      loud = await listened(bob);
      if (loud.voice < SILENCE) break;
      console.log(`late sound: ${JSON.stringify(loud)}`);
    }
    return loud;
  }

  /** Waits until Bob has heard nothing for a second: what was said before arrives later. */
  async function quietens(bob) {
    let last = [];
    await until('nothing is heard any more', async () => {
      last = [...last, ...await heard(bob.page)].slice(-FRAMES_A_SECOND);
      return last.length === FRAMES_A_SECOND && last.every((frame) => frame < SILENCE);
    }, 20_000);
  }

  /**
   * What Bob hears while the larger network runs. A machine that has other things to do meanwhile goes on with the smaller one, and
   * comes back to the larger by itself; one that never manages is too slow.
   */
  async function listenedLarge(ada, bob) {
    for (let tries = 0; tries < 3; tries += 1) {
      await until('the larger network runs', async () => await isLowered(ada) === 'false' && await noiseState(ada) === 'running', 150_000);
      const loud = await listened(bob);
      if (await isLowered(ada) === 'false') return loud;
      console.log('the larger network was given up meanwhile');
    }
    return assert.fail('the larger network never lasts until everything has been said twice');
  }

  const end = async ({ ada, bob }) => {
    assert.deepEqual([ada.page.errors, bob.page.errors], [[], []]);
    await Promise.all([ada.close(), bob.close()]);
  };

  // The small network takes next to nothing, and each browser is listened to for itself: both at once.
  describe('with the small network', { concurrency: 2 }, () => {
    for (const name of ['chromium', 'firefox']) {
      test(`${name}: the noise falls, the voice does not, the browser leaves both alone, and nothing is negotiated`, async () => {
        const { ada, bob } = await meet(name);
        const without = await listenedToNoise(bob);
        const negotiated = await description(ada);
        assert.equal((await lastAsked(ada)).noiseSuppression, true, 'the browser\'s own');

        await ada.page.click(SWITCH);
        await becomes(ada, 'running');
        await until('the browser leaves it to us', async () => (await lastAsked(ada)).noiseSuppression === false);
        const asked = await lastAsked(ada);
        assert.deepEqual([asked.noiseSuppression, asked.echoCancellation, asked.autoGainControl], [false, true, true]);
        const with_ = await listened(bob);
        console.log(`${name}: without ${JSON.stringify(without)}, with ${JSON.stringify(with_)}`);
        assert.ok(without.noise - with_.noise >= QUIETER, 'the noise is quieter');
        assert.ok(Math.abs(without.voice - with_.voice) <= AS_LOUD, 'the voice is as loud');

        await ada.page.click(SWITCH);
        await becomes(ada, 'idle');
        await until('the browser is asked for its own again', async () => (await lastAsked(ada)).noiseSuppression === true);
        const again = await listenedToNoise(bob);
        assert.ok(Math.abs(again.noise - without.noise) < AS_LOUD, `the noise is back: ${JSON.stringify(again)}`);
        assert.equal(await description(ada), negotiated);
        await end({ ada, bob });
      });
    }

    for (const name of ['chromium', 'firefox']) {
      test(`${name}: the difference can be heard, and the others hear nothing of it`, async () => {
        const { ada, bob } = await meet(name);
        await ada.page.click(SWITCH);
        await becomes(ada, 'running');
        const state = () => ada.page.$eval('[data-testid="difference"]', (difference) => difference.dataset.state);
        // What is recorded is shorter than what is said: it has to have some of the pause, in which the network has settled.
        await clickInPause(ada.page, '[data-testid="hear-difference"]', 1.2, async () => await state() === 'recording');
        await until('the recording is played', async () => await state() === 'before', 20_000);
        await heard(bob.page);
        await until('Bob listened for a second', () => bob.page.evaluate(() => window.heard.length > 60));
        const loudest = Math.max(...(await heard(bob.page)).slice(-50));
        assert.ok(loudest < SILENCE, `the others hear nothing, not ${loudest} dB`);
        await ada.click('hear-after');
        assert.equal(await state(), 'after');

        const recorded = await ada.page.evaluate(() => window.buffers.map((buffer) => ({
          rate: buffer.sampleRate, samples: [...buffer.getChannelData(0)],
        })));
        assert.equal(recorded.length, 2);
        const [before, after] = recorded.map(({ samples, rate }) => loudness(frames(samples, rate)));
        console.log(`${name}: before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
        assert.ok(before.noise - after.noise >= QUIETER && Math.abs(before.voice - after.voice) <= AS_LOUD);
        const shift = lag(recorded[0].samples, recorded[1].samples, recorded[0].rate);
        assert.ok(Math.abs(shift) <= 0.002 * recorded[0].rate, `${shift} samples apart`);

        await ada.click('hear-difference');
        assert.equal(await state(), 'idle');
        assert.ok((await listened(bob)).voice > SILENCE + 20, 'the others hear Ada again');
        await end({ ada, bob });
      });
    }
  });

  for (const name of ['chromium', 'firefox']) {
    test(`${name}: in high quality the noise falls and the voice does not`, async () => {
      const { ada, bob } = await meet(name);
      const without = await listenedToNoise(bob);
      await ada.page.click(SWITCH);
      await becomes(ada, 'running');
      await ada.click('high-quality');
      await until('the larger network is loaded', () => ada.page.evaluate(() => performance.getEntriesByName(
        new URL('/effects/deep_filter.weights', location.href).href).length > 0 || window.contexts.length > 2));
      await becomes(ada, 'running');
      const with_ = await listenedLarge(ada, bob);
      console.log(`${name}: without ${JSON.stringify(without)}, in high quality ${JSON.stringify(with_)}`);
      assert.ok(without.noise - with_.noise >= QUIETER, 'the noise is quieter');
      assert.ok(Math.abs(without.voice - with_.voice) <= AS_LOUD, 'the voice is as loud');
      await end({ ada, bob });
    });
  }

  test('where the larger network cannot run the smaller one does it, and the page says so', async () => {
    const broken = (standIn, ...rest) => {
      const Real = window.Worker;
      window.Worker = function Worker(address) {
        if (address.includes('deep_filter')) throw new Error('no such worker here');
        return new Real(address);
      };
      Function(`return ${standIn}`)()(...rest);
    };
    const before = { run: broken, with: [microphone.run.toString(), ...microphone.with] };
    const { ada, bob } = await meet('chromium', { before });
    await ada.page.click(SWITCH);
    await ada.click('high-quality');
    await until('the smaller one does it', async () => await isLowered(ada) === 'true' && await noiseState(ada) === 'running');
    assert.ok((await listened(bob)).voice > SILENCE + 20);
    await end({ ada, bob });
  });

  test('muted stays muted, whichever suppression there is', async () => {
    const { ada, bob } = await meet('chromium');
    await ada.page.keyboard.press('m');
    await ada.page.waitForSelector('[data-testid="toggle-microphone"][data-state="off"]');
    await until('what was said before is sent', async () => (await sent(ada)).level === 0);
    const muted = await sent(ada);
    await quietens(bob);
    await ada.page.click(SWITCH);
    await becomes(ada, 'running');
    assert.equal(await ada.page.$eval('[data-testid="hear-difference"]', (button) => button.disabled), true);
    const quiet = await listenedToSilence(bob);
    assert.ok(quiet.voice < SILENCE, JSON.stringify(quiet));
    const still = await sent(ada);
    assert.ok(still.seconds > muted.seconds + 1, 'silence was sent meanwhile');
    assert.equal(still.energy, muted.energy, 'and nothing else, not for a moment');
    await ada.page.keyboard.press('m');
    assert.ok((await listened(bob)).voice > SILENCE + 20);
    assert.ok((await sent(ada)).energy > muted.energy, 'what is said is measured');
    await end({ ada, bob });
  });

  test('a person is heard while the browser holds the suppression back, and it goes on by itself', async () => {
    const { ada, bob } = await meet('chromium');
    await ada.page.click(SWITCH);
    await becomes(ada, 'running');
    await ada.page.evaluate(() => {
      window.seen = [];
      const noise = document.querySelector('[data-testid="noise"]');
      new MutationObserver(() => window.seen.push(noise.dataset.state)).observe(noise, { attributes: true });
      // The newest one that is left is the suppression's.
      return window.contexts.filter((context) => context.state === 'running').at(-1).suspend();
    });
    await until('it runs again', () => ada.page.evaluate(() => window.seen.join() === 'starting,running'));
    const there = await listened(bob);
    assert.ok(there.voice > SILENCE + 20 && there.noise < there.voice - QUIETER - 10, JSON.stringify(there));
    await end({ ada, bob });
  });

  test('where it cannot run the browser\'s own is used, the person is heard, and the page says so', async () => {
    const broken = (standIn, ...rest) => {
      window.AudioWorkletNode = class { constructor() { throw new Error('no worklets here'); } };
      Function(`return ${standIn}`)()(...rest);
    };
    const before = { run: broken, with: [microphone.run.toString(), ...microphone.with] };
    const { ada, bob } = await meet('chromium', { before });
    await ada.page.click(SWITCH);
    await becomes(ada, 'failed');
    await until('the browser is asked for its own', async () => (await lastAsked(ada)).noiseSuppression === true);
    assert.ok((await listened(bob)).voice > SILENCE + 20);
    await end({ ada, bob });
  });

  test('it is switched from the keyboard, remembered, and loaded only when wanted', async () => {
    const { link } = await server.createRoom();
    const loaded = [];
    const watching = (page) => page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
    const ada = await Participant.join(browsers.chromium, link, 'Ada', { before: microphone, watching });
    await ada.click('devices');
    await ada.page.waitForSelector(SWITCH);
    assert.deepEqual(loaded.filter((path) => path.startsWith('/effects/denoise')), []);
    await ada.page.focus(SWITCH);
    await ada.page.keyboard.press('Space');
    await becomes(ada, 'running');
    assert.ok(loaded.includes('/effects/denoise.wasm'));
    await ada.page.reload({ waitUntil: 'domcontentloaded' });
    await ada.inMeeting();
    await ada.click('devices');
    await ada.page.waitForSelector(`${SWITCH}:checked`);
    await becomes(ada, 'running');
    await until('the browser leaves it to us', async () => (await lastAsked(ada)).noiseSuppression === false);
    await ada.close();
  });
});

/** The loudness of frames of 20 ms, in decibels. */
function frames(samples, rate) {
  const frame = rate / FRAMES_A_SECOND;
  return Array.from({ length: Math.floor(samples.length / frame) }, (_, at) => {
    const part = samples.slice(Math.floor(at * frame), Math.floor((at + 1) * frame));
    return 10 * Math.log10(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length + 1e-9);
  });
}

/** By how many samples the second is later than the first, up to 30 ms: where they have most in common. */
function lag(first, second, rate) {
  const most = Math.round(0.03 * rate);
  const common = (shift) => {
    let sum = 0;
    for (let at = most; at < first.length - most; at += 1) sum += first[at] * second[at + shift];
    return sum;
  };
  const shifts = Array.from({ length: 2 * most + 1 }, (_, at) => at - most);
  return shifts.reduce((best, shift) => {
    const value = common(shift);
    return value > best.value ? { shift, value } : best;
  }, { shift: 0, value: -Infinity }).shift;
}
