// A voice in a noisy room as the microphone, and what of it arrives. The voice is synthetic (eSpeak NG 1.51, en-us: "The meeting
// starts at nine. Please bring the figures."), the noise is white.

import { readFile } from 'node:fs/promises';

const SPEECH = new URL('speech.wav', import.meta.url);
const HEADER_BYTES = 44;
const PAUSE_SECONDS = 2;
const NOISE = 0.012;

/** Seconds after which everything has been said once. */
export async function sentenceSeconds() {
  const { samples, rate } = await noisySpeech();
  return samples.length / rate;
}

/** A pause and a sentence, both in noise, from −1 to 1. */
async function noisySpeech() {
  const file = await readFile(SPEECH);
  const rate = file.readUInt32LE(24);
  const pause = PAUSE_SECONDS * rate;
  const samples = new Float32Array(pause + (file.length - HEADER_BYTES >> 1));
  let state = 0x9e3779b9;
  for (let at = 0; at < samples.length; at += 1) {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
    const said = at < pause ? 0 : file.readInt16LE(HEADER_BYTES + 2 * (at - pause)) / 32768;
    samples[at] = 0.5 * said + NOISE * (state / 2 ** 31);
  }
  return { samples, rate };
}

/**
 * For `freshPage`: this sound stands in for every microphone, as it is, whatever the browser would make of it; what was asked of
 * the microphone is in `window.asked`. Contexts and sounds to be played that the page makes are in `window.contexts` and
 * `window.buffers`. Where in the sound it is, in seconds, tells `window.microphoneAt()`.
 */
export async function microphoneOfPage() {
  const { samples, rate } = await noisySpeech();
  const bytes = Buffer.from(samples.buffer).toString('base64');
  return { run: standIn, with: [bytes, rate] };
}

function standIn(base64, rate) {
  const devices = navigator.mediaDevices;
  // An empty page has none.
  if (!devices) return;
  Object.assign(window, { asked: [], contexts: [], buffers: [] });
  const Context = window.AudioContext;
  window.AudioContext = class extends Context {
    constructor(...options) {
      super(...options);
      window.contexts.push(this);
    }

    createBuffer(...options) {
      const buffer = super.createBuffer(...options);
      window.buffers.push(buffer);
      return buffer;
    }
  };
  const original = devices.getUserMedia.bind(devices);
  let playing;
  const play = () => {
    if (playing) return playing;
    const context = new Context();
    const samples = new Float32Array(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);
    const buffer = context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(samples, 0);
    const source = Object.assign(context.createBufferSource(), { buffer, loop: true });
    const destination = Object.assign(context.createMediaStreamDestination(), { channelCount: 1 });
    source.connect(destination);
    source.start();
    const start = context.currentTime;
    window.microphoneAt = () => (context.currentTime - start) % buffer.duration;
    playing = destination.stream.getAudioTracks()[0];
    return playing;
  };
  devices.getUserMedia = async (constraints) => {
    if (!constraints.audio) return original(constraints);
    window.asked.push(JSON.parse(JSON.stringify(constraints.audio)));
    const stream = constraints.video ? await original({ video: constraints.video }) : new MediaStream();
    stream.addTrack(play().clone());
    return stream;
  };
}

/**
 * Clicks on what fits the selector as soon as the pause begins. At least `left` seconds of it are left when the click has had its
 * effect, which `has` tells, or it is undone by another click and tried again.
 */
export async function clickInPause(page, selector, left, has) {
  for (let tries = 0; tries < 8; tries += 1) {
    await page.evaluate(async (button) => {
      while (window.microphoneAt() > 0.1) await new Promise((resolve) => setTimeout(resolve, 10));
      document.querySelector(button).click();
    }, selector);
    const isDone = await has();
    if (isDone && await page.evaluate(() => window.microphoneAt()) <= PAUSE_SECONDS - left) return;
    if (isDone) await page.click(selector);
  }
  throw new Error('this machine is too slow to do anything within the pause');
}

/** Listens from now on to everything that the page receives: loudness in decibels, fifty times a second, in `window.heard`. */
export async function listen(page) {
  await page.evaluate(() => {
    window.heard = [];
    const context = new AudioContext();
    const frame = context.sampleRate / 50;
    const tap = context.createScriptProcessor(1024, 1, 1);
    let [sum, count] = [0, 0];
    tap.onaudioprocess = ({ inputBuffer }) => {
      for (const sample of inputBuffer.getChannelData(0)) {
        sum += sample * sample;
        count += 1;
        if (count < frame) continue;
        window.heard.push(10 * Math.log10(sum / count + 1e-9));
        [sum, count] = [0, 0];
      }
    };
    tap.connect(context.destination);
    // Nothing else keeps it alive.
    window.tap = tap;
    const receivers = window.visavisDebug.peerConnection().getReceivers();
    for (const { track } of receivers.filter((receiver) => receiver.track.kind === 'audio')) {
      context.createMediaStreamSource(new MediaStream([track])).connect(tap);
    }
  });
}

/** The loudness of the frames since the last call. */
export const heard = (page) => page.evaluate(() => window.heard.splice(0));

/** Quieter than any room: nothing came, or a stand-in for what should have. */
const NOTHING = -89;

/** The part of the frames in which there is nothing at all: a noisy room has none, so it is the machine that did not keep up. */
export const missing = (frames) => frames.filter((frame) => frame < NOTHING).length / frames.length;

/** The noise between the words and the voice, in decibels: a tenth of the frames is as quiet, three tenths are as loud. */
export function loudness(frames) {
  const sorted = [...frames].sort((one, other) => one - other);
  const loud = sorted.slice(Math.floor(0.7 * sorted.length));
  const power = loud.reduce((sum, decibels) => sum + 10 ** (decibels / 10), 0) / loud.length;
  return { noise: sorted[Math.floor(sorted.length / 10)], voice: 10 * Math.log10(power) };
}
