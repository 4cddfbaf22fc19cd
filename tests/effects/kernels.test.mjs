// The kernels as WebAssembly runs them: each beside its scalar twin, and whole inferences beside TensorFlow Lite.
// VISAVIS_EFFECTS names the module built with simd128, VISAVIS_EFFECTS_RELAXED the one with relaxed SIMD.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

import { GOLDENS, MODELS, instantiate, mask, png, segmenter, writePicture } from "./module.mjs";

const builds = { simd128: process.env.VISAVIS_EFFECTS, "relaxed SIMD": process.env.VISAVIS_EFFECTS_RELAXED };

test("the models are the pinned files", async () => {
  for (const { file, sha256 } of Object.values(MODELS)) {
    assert.equal(createHash("sha256").update(await readFile(file)).digest("hex"), sha256, String(file));
  }
});

for (const [name, path] of Object.entries(builds)) {
  test(`${name}: every kernel computes what its scalar twin computes`, async () => {
    const module = await instantiate(path);
    const count = module.twins_count();
    assert.ok(count > 10);
    for (let index = 0; index < count; index++) {
      const bytes = new Uint8Array(module.memory.buffer, module.twins_name(index), module.twins_name_len(index));
      const name = new TextDecoder().decode(bytes);
      assert.ok(module.twins_difference(index) <= 1, name);
    }
  });

  test(`${name}: the masks are those of TensorFlow Lite`, async () => {
    const module = await instantiate(path);
    const segmenters = {};
    for (const [size, { file }] of Object.entries(MODELS)) segmenters[size] = segmenter(module, await readFile(file));
    const pictures = (await readdir(GOLDENS)).filter((file) => file.endsWith(".picture.png"));
    assert.equal(pictures.length, 12);
    for (const file of pictures) {
      const { width, height, samples } = await png(new URL(file, GOLDENS));
      const golden = await png(new URL(file.replace(".picture.", ".plain.mask."), GOLDENS));
      const network = segmenters[`${width}x${height}`];
      writePicture(module, network, samples);
      const { overlap, largest } = compare(mask(module, network), golden.samples);
      assert.ok(overlap >= 0.995, `${file}: overlap ${overlap}`);
      assert.ok(largest <= 1e-3, `${file}: difference ${largest}`);
    }
  });

  test(`${name}: a file that is no model is refused`, async () => {
    const module = await instantiate(path);
    const model = await readFile(MODELS["256x144"].file);
    assert.equal(segmenter(module, model.subarray(0, 1000)), null);
    assert.equal(segmenter(module, Buffer.alloc(0)), null);
  });
}

/** Overlap (intersection over union) and largest difference of a mask and a golden one, sixteen bits big-endian. */
function compare(mask, samples) {
  let [both, either, largest] = [0, 0, 0];
  for (let index = 0; index < mask.length; index++) {
    const golden = (samples[2 * index] * 256 + samples[2 * index + 1]) / 65535;
    both += mask[index] > 0.5 && golden > 0.5 ? 1 : 0;
    either += mask[index] > 0.5 || golden > 0.5 ? 1 : 0;
    largest = Math.max(largest, Math.abs(mask[index] - golden));
  }
  return { overlap: both / either, largest };
}
