// The worklet of the noise suppression: every piece of samples goes through the module. Should the module fail, sound passes
// as it is from then on, and the page is told.
//
// In:  { record: samples }        keeps so many of what goes in and of what comes out; 0: no more
// Out: { type: 'ready', delay }   by so many samples what comes out is late
//      { type: 'failed', reason }
//      { type: 'recorded', before, after }

'use strict';

class NoiseSuppression extends AudioWorkletProcessor {
  constructor({ processorOptions: { module, piece } }) {
    super();
    this.stage = 0;
    this.recording = null;
    this.port.onmessage = ({ data: { record } }) => {
      this.recording = record > 0 ? { before: new Float32Array(record), after: new Float32Array(record), length: 0 } : null;
    };
    try {
      this.exports = new WebAssembly.Instance(module, {}).exports;
      this.stage = this.exports.stage_new(sampleRate, piece);
      if (this.stage === 0) throw new Error(`${sampleRate} samples a second`);
      this.samples = this.#view(piece);
      this.port.postMessage({ type: 'ready', delay: this.exports.stage_delay(this.stage) });
    } catch (error) {
      this.#bypass(error);
    }
  }

  process([input], [output]) {
    const [samples] = input;
    const [result] = output;
    // Nothing is connected yet, or any more.
    if (!samples || !result) return true;
    if (this.stage === 0) {
      result.set(samples);
      return true;
    }
    try {
      // Views end when memory grows, which it does not while it runs.
      if (this.samples.length < samples.length) this.samples = this.#view(samples.length);
      this.samples.set(samples);
      this.exports.stage_process(this.stage, samples.length);
      result.set(this.samples.length === samples.length ? this.samples : this.samples.subarray(0, samples.length));
      if (this.recording) this.#record(samples, result);
    } catch (error) {
      result.set(samples);
      this.#bypass(error);
    }
    return true;
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

  #view(length) {
    return new Float32Array(this.exports.memory.buffer, this.exports.stage_piece(this.stage), length);
  }

  #bypass(error) {
    this.stage = 0;
    this.port.postMessage({ type: 'failed', reason: String(error?.message ?? error) });
  }
}

registerProcessor('visavis-noise-suppression', NoiseSuppression);
