// The worklet of the noise suppression: every piece of samples goes through the module. Should the module fail, sound passes
// as it is from then on, and the page is told.

'use strict';

class NoiseSuppression extends AudioWorkletProcessor {
  constructor({ processorOptions: { module, piece } }) {
    super();
    this.stage = 0;
    this.port.onmessage = ({ data }) => { this.isOn = data.isOn; };
    this.isOn = true;
    try {
      this.exports = new WebAssembly.Instance(module, {}).exports;
      this.stage = this.exports.stage_new(sampleRate, piece);
      if (this.stage === 0) throw new Error(`${sampleRate} samples a second`);
      this.samples = this.#view(piece);
      this.port.postMessage({ type: 'ready', delay: this.exports.stage_delay(this.stage) / sampleRate });
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
      // What is off is still put through: switching makes no gap, and the network knows the room.
      result.set(this.isOn ? this.samples.subarray(0, samples.length) : samples);
    } catch (error) {
      result.set(samples);
      this.#bypass(error);
    }
    return true;
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
