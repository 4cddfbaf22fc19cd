// The worker of the noise suppression of high quality. Frames come from the worklet over a port, go through the module, and go
// back. Neither the page nor its thread has a part in that.
//
// In:  { type: 'load', module, weights }   addresses of deep_filter.wasm and deep_filter.weights
//      { type: 'port', port }              the worklet's side is at the other end; nothing of the one before is left
// Out: { type: 'loaded' }, { type: 'failed', reason }
//      { type: 'report', frames, meanMs, longestMs } after every hundred frames
//
// Over the port, in both directions: a Float32Array with a frame, 480 samples at 48 kHz, and the frame's number behind it, its
// buffer transferred. What comes back is late by 1440 samples.

'use strict';

const REPORT_FRAMES = 100;

let engine;
let weights;
let filter = 0;
/** Whether the filter has heard something. */
let isUsed = false;
let samples;
let port;
let times = { frames: 0, sumMs: 0, longestMs: 0 };

self.onmessage = ({ data }) => {
  Promise.resolve(handlers[data.type](data)).catch(fail);
};

const handlers = {
  async load({ module, weights: file }) {
    const [program, bytes] = await Promise.all([fetched(module), fetched(file)]);
    const { instance } = await WebAssembly.instantiate(program, {});
    engine = instance.exports;
    weights = new Uint8Array(bytes);
    renew();
    self.postMessage({ type: 'loaded' });
  },
  async port(message) {
    port?.close();
    port = message.port;
    // Another microphone, or the same one after a while: what the network knew of the room is of no use. Making a new one takes
    // longer than a frame may, and the worklet is already waiting.
    if (isUsed) renew();
    port.onmessage = ({ data }) => {
      try {
        enhance(data);
      } catch (error) {
        fail(error);
      }
    };
  },
};

/** The frame in `data` without its noise, back to where it came from. */
function enhance(data) {
  const start = performance.now();
  const number = data[samples.length];
  isUsed = true;
  samples.set(data.subarray(0, samples.length));
  engine.filter_process(filter);
  data.set(samples);
  data[samples.length] = number;
  port.postMessage(data, [data.buffer]);
  report(performance.now() - start);
}

function report(ms) {
  times.frames += 1;
  times.sumMs += ms;
  times.longestMs = Math.max(times.longestMs, ms);
  if (times.frames < REPORT_FRAMES) return;
  const { frames, sumMs, longestMs } = times;
  times = { frames: 0, sumMs: 0, longestMs: 0 };
  self.postMessage({ type: 'report', frames, meanMs: sumMs / frames, longestMs });
}

/** A filter that has heard nothing yet. */
function renew() {
  if (!engine) throw new Error('nothing is loaded');
  if (filter !== 0) engine.filter_release(filter);
  const file = engine.weights_allocate(weights.length);
  new Uint8Array(engine.memory.buffer, file, weights.length).set(weights);
  filter = engine.filter_new(file, weights.length);
  engine.weights_release(file, weights.length);
  isUsed = false;
  if (filter === 0) throw new Error('the weights were refused');
  // Memory does not grow any more, so this stays.
  samples = new Float32Array(engine.memory.buffer, engine.filter_frame(filter), engine.filter_frame_len());
}

async function fetched(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.arrayBuffer();
}

function fail(error) {
  port?.close();
  port = undefined;
  self.postMessage({ type: 'failed', reason: String(error?.message ?? error) });
}
