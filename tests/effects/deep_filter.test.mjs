// The deep filter as WebAssembly runs it. VISAVIS_DEEP_FILTER names the module, VISAVIS_DEEP_FILTER_WEIGHTS its weights.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { instantiate } from "./module.mjs";

const GOLDENS = new URL("../../client/deep_filter/goldens/", import.meta.url);

/** A golden recording, from −1 to 1. */
async function recording(name) {
  const bytes = await readFile(new URL(`${name}.i16`, GOLDENS));
  return Float32Array.from({ length: bytes.length / 2 }, (_, at) => bytes.readInt16LE(2 * at) / 32768);
}

/** A filter with `weights`, or null. */
function create(module, weights) {
  const file = module.weights_allocate(weights.length);
  new Uint8Array(module.memory.buffer, file, weights.length).set(weights);
  const filter = module.filter_new(file, weights.length);
  module.weights_release(file, weights.length);
  return filter === 0 ? null : filter;
}

test("every kernel of the deep filter computes what its scalar twin computes", async () => {
  const module = await instantiate(process.env.VISAVIS_DEEP_FILTER);
  const count = module.twins_count();
  assert.ok(count >= 8);
  for (let index = 0; index < count; index++) {
    const bytes = new Uint8Array(module.memory.buffer, module.twins_name(index), module.twins_name_len(index));
    assert.ok(module.twins_difference(index) <= 1, new TextDecoder().decode(bytes));
  }
});

test("the sound is that of ONNX Runtime, and memory does not grow", async () => {
  const module = await instantiate(process.env.VISAVIS_DEEP_FILTER);
  const filter = create(module, await readFile(process.env.VISAVIS_DEEP_FILTER_WEIGHTS));
  const before = module.memory.buffer.byteLength;
  const frame = new Float32Array(module.memory.buffer, module.filter_frame(filter), module.filter_frame_len());
  const [noisy, golden] = [await recording("noisy"), await recording("rounded")];
  let [energy, difference] = [0, 0];
  for (let at = 0; at < noisy.length; at += frame.length) {
    frame.set(noisy.subarray(at, at + frame.length));
    module.filter_process(filter);
    for (const [index, sample] of frame.entries()) {
      energy += golden[at + index] ** 2;
      difference += (golden[at + index] - sample) ** 2;
    }
  }
  const decibels = 10 * Math.log10(energy / difference);
  assert.ok(decibels > 65, `${decibels} dB`);
  assert.equal(module.memory.buffer.byteLength, before);
  module.filter_release(filter);
});

test("a file that holds no weights is refused", async () => {
  const module = await instantiate(process.env.VISAVIS_DEEP_FILTER);
  const weights = await readFile(process.env.VISAVIS_DEEP_FILTER_WEIGHTS);
  for (const file of [Buffer.alloc(0), weights.subarray(1), weights.subarray(0, 1000), Buffer.alloc(weights.length, 255)]) {
    assert.equal(create(module, file), null);
  }
});
