// The worklet of the noise suppression of high quality: pieces of samples become frames, which a worker takes the noise out of. What
// comes back in time is played; in the place of the rest the sound is played as it was, equally late, and one fades into the other.
// Without a worker, and after it failed, all sound is played so.
//
// Options: { module, piece, wait }  the compiled denoise.wasm, the longest piece (128), how many frames of 10 ms an answer may take (2)
// In:  { port }                   to the worker, which has loaded; null: nobody answers any more
//      { isOn }                   whether what comes back is played; frames go out in either case
//      { record: samples }        keeps so many of what goes in and of what comes out; 0: no more
// Out: { type: 'ready', delay }   by so many samples what comes out is late, whatever happens afterwards
//      { type: 'late', frames }   so many did not come back in time since the beginning; at most once a second
//      { type: 'failed', reason } none has come for a second, or the module failed
//      { type: 'recorded', before, after }
//
// Over the port, in both directions: a Float32Array with a frame, 480 samples at 48 kHz, and its number behind it.

'use strict';

/** A frame and its number. */
const FRAME_LENGTH = 481;
/** Arrays that came back and wait to go out once more: no more than are ever on the way. */
const SPARE_MAX = 16;

class DeepFilter extends AudioWorkletProcessor {
  constructor({ processorOptions: { module, piece = 128, wait = 2 } }) {
    super();
    this.relay = 0;
    this.isOn = true;
    this.worker = null;
    this.spare = [];
    this.late = 0;
    this.saidAt = 0;
    this.recording = null;
    this.port.onmessage = ({ data }) => this.#handle(data);
    try {
      this.exports = new WebAssembly.Instance(module, {}).exports;
      this.relay = this.exports.relay_new(sampleRate, piece, wait);
      if (this.relay === 0) throw new Error(`${sampleRate} samples a second`);
      this.samples = this.#view(this.exports.relay_piece(this.relay), piece);
      this.frame = this.#view(this.exports.relay_frame(this.relay), FRAME_LENGTH);
      this.port.postMessage({ type: 'ready', delay: this.exports.relay_delay(this.relay) });
    } catch (error) {
      this.#bypass(error);
    }
  }

  process([input], [output]) {
    const [samples] = input;
    const [result] = output;
    // Nothing is connected yet, or any more.
    if (!samples || !result) return true;
    if (this.relay === 0) {
      result.set(samples);
      return true;
    }
    try {
      // Views end when memory grows, which it does not while it runs.
      if (this.samples.length < samples.length) {
        this.samples = this.#view(this.exports.relay_piece(this.relay), samples.length);
      }
      this.samples.set(samples);
      this.exports.relay_process(this.relay, samples.length, this.isOn);
      result.set(this.samples.length === samples.length ? this.samples : this.samples.subarray(0, samples.length));
      if (this.recording) this.#record(samples, result);
      if (this.worker) this.#exchange();
    } catch (error) {
      result.set(samples);
      this.#bypass(error);
    }
    return true;
  }

  #handle({ port, isOn, record }) {
    if (port !== undefined && this.relay !== 0) this.#connect(port);
    if (isOn !== undefined) this.isOn = isOn;
    if (record !== undefined) {
      this.recording = record > 0 ? { before: new Float32Array(record), after: new Float32Array(record), length: 0 } : null;
    }
  }

  #connect(worker) {
    this.worker?.close();
    this.worker = worker;
    this.exports.relay_connect(this.relay, worker !== null);
    if (!worker) return;
    worker.onmessage = ({ data }) => {
      // It may belong to a worker before.
      if (this.worker !== worker || this.relay === 0) return;
      this.frame.set(data);
      this.exports.relay_answer(this.relay);
      if (this.spare.length < SPARE_MAX) this.spare.push(data);
    };
  }

  /** Sends what is to be sent, and says how late the answers are. */
  #exchange() {
    while (this.exports.relay_outgoing(this.relay)) {
      const data = this.spare.pop() ?? new Float32Array(FRAME_LENGTH);
      data.set(this.frame);
      this.worker.postMessage(data, [data.buffer]);
    }
    const late = this.exports.relay_late(this.relay);
    if (late !== this.late && currentTime >= this.saidAt + 1) {
      this.late = late;
      this.saidAt = currentTime;
      this.port.postMessage({ type: 'late', frames: late });
    }
    if (this.exports.relay_is_lost(this.relay)) {
      this.#connect(null);
      this.port.postMessage({ type: 'failed', reason: 'the worker does not answer in time' });
    }
  }

  #record(samples, result) {
    const { before, after, length } = this.recording;
    const fits = Math.min(samples.length, before.length - length);
    before.set(samples.subarray(0, fits), length);
    after.set(result.subarray(0, fits), length);
    this.recording.length += fits;
    if (this.recording.length < before.length) return;
    this.recording = null;
    this.port.postMessage({ type: 'recorded', before, after }, [before.buffer, after.buffer]);
  }

  #view(at, length) {
    return new Float32Array(this.exports.memory.buffer, at, length);
  }

  #bypass(error) {
    this.relay = 0;
    this.worker?.close();
    this.worker = null;
    this.port.postMessage({ type: 'failed', reason: String(error?.message ?? error) });
  }
}

registerProcessor('visavis-deep-filter', DeepFilter);
