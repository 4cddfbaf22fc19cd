// The compositor as WebAssembly runs it: a photograph as a camera's picture of 1280 × 720, in both formats.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { GOLDENS, MODELS, compositor, instantiate, lend, png, process as compose, segmenter } from "./module.mjs";

const builds = { simd128: process.env.VISAVIS_EFFECTS, "relaxed SIMD": process.env.VISAVIS_EFFECTS_RELAXED };
const [WIDTH, HEIGHT] = [1280, 720];

/** The photograph, every pixel five times each way, as I420 (BT.601, limited range). */
async function camera() {
  const { width, samples } = await png(new URL("hopper-256x144.picture.png", GOLDENS));
  const bytes = new Uint8Array((WIDTH * HEIGHT * 3) / 2);
  const pixel = (row, column) => 3 * (Math.floor(row / 5) * width + Math.floor(column / 5));
  for (let at = 0; at < WIDTH * HEIGHT; at++) {
    const [r, g, b] = samples.subarray(pixel(Math.floor(at / WIDTH), at % WIDTH));
    bytes[at] = 16.5 + 0.2568 * r + 0.5041 * g + 0.0979 * b;
  }
  const quarter = (WIDTH * HEIGHT) / 4;
  for (let at = 0; at < quarter; at++) {
    const [r, g, b] = samples.subarray(pixel(2 * Math.floor(at / (WIDTH / 2)), 2 * (at % (WIDTH / 2))));
    bytes[4 * quarter + at] = 128.5 - 0.1482 * r - 0.291 * g + 0.4392 * b;
    bytes[5 * quarter + at] = 128.5 + 0.4392 * r - 0.3678 * g - 0.0714 * b;
  }
  return bytes;
}

/** The same picture as NV12. */
function nv12(i420) {
  const quarter = i420.length / 6;
  const bytes = i420.slice();
  for (let at = 0; at < quarter; at++) {
    bytes[4 * quarter + 2 * at] = i420[4 * quarter + at];
    bytes[4 * quarter + 2 * at + 1] = i420[5 * quarter + at];
  }
  return bytes;
}

/** The share of a rectangle's luma that differs by more than two. */
function changed(before, after, { left, top, width, height }) {
  let count = 0;
  for (let row = top; row < top + height; row++) {
    for (let at = row * WIDTH + left; at < row * WIDTH + left + width; at++) {
      count += Math.abs(before[at] - after[at]) > 2 ? 1 : 0;
    }
  }
  return count / (width * height);
}

const FACE = { left: 560, top: 300, width: 140, height: 140 };
const FLAG = { left: 60, top: 60, width: 200, height: 200 };

for (const [name, path] of Object.entries(builds)) {
  test(`${name}: the person stays, the background is blurred, and both formats give the same`, async () => {
    const module = await instantiate(path);
    const network = segmenter(module, await readFile(MODELS["256x144"].file));
    const picture = await camera();
    const blurring = compositor(module, WIDTH, HEIGHT, 0.8);
    const blurred = compose(module, blurring, network, picture, false);
    assert.ok(changed(picture, blurred, FACE) < 0.02, "the face");
    assert.ok(changed(picture, blurred, FLAG) > 0.6, "the flag");
    module.compositor_forget(blurring.handle);
    assert.deepEqual(compose(module, blurring, network, nv12(picture), true), blurred);
  });

  test(`${name}: a picture takes the background's place`, async () => {
    const module = await instantiate(path);
    const network = segmenter(module, await readFile(MODELS["256x144"].file));
    const picture = await camera();
    const replacing = compositor(module, WIDTH, HEIGHT, 0);
    const white = new Uint8Array(4 * 320 * 200).fill(255);
    const isSet = lend(module, white, (at, length) =>
      module.compositor_picture(replacing.handle, at, length, 320, 200, false),
    );
    assert.ok(isSet);
    const replaced = compose(module, replacing, network, picture, false);
    assert.ok(changed(picture, replaced, FACE) < 0.02, "the face");
    let whites = 0;
    for (let row = FLAG.top; row < FLAG.top + FLAG.height; row++) {
      for (let column = FLAG.left; column < FLAG.left + FLAG.width; column++) {
        whites += replaced[row * WIDTH + column] >= 234 ? 1 : 0;
      }
    }
    assert.ok(whites / (FLAG.width * FLAG.height) > 0.95, "the flag");
  });

  test(`${name}: a size that is odd is refused`, async () => {
    const module = await instantiate(path);
    assert.equal(compositor(module, 641, 360, 0.5), null);
  });
}
