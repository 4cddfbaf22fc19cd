// The effects module as a worker uses it: instantiated without glue, memory written and read by hand.

import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { inflateSync } from "node:zlib";

// Up to version 20 Node.js has relaxed SIMD behind a flag; later ones do not mind it.
setFlagsFromString("--experimental-wasm-relaxed-simd");

const ROOT = new URL("../../", import.meta.url);

/** The models of the pinned package, by the size of their picture. */
export const MODELS = {
  "256x144": {
    file: new URL("node_modules/@mediapipe/selfie_segmentation/selfie_segmentation_landscape.tflite", ROOT),
    sha256: "4aafe6223bb8dac6fac8ca8ed56852870a33051ef3f6238822d282a109962894",
  },
  "256x256": {
    file: new URL("node_modules/@mediapipe/selfie_segmentation/selfie_segmentation.tflite", ROOT),
    sha256: "8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27",
  },
};

/** Where the photographs and the masks of TensorFlow Lite lie. */
export const GOLDENS = new URL("client/effects/goldens/", ROOT);

/** Instantiates the module in the file at `path`. */
export async function instantiate(path) {
  const { instance } = await WebAssembly.instantiate(await readFile(path), {});
  return instance.exports;
}

/** Copies `bytes` into the module's memory, calls `use(pointer, length)` and releases them. */
export function lend(module, bytes, use) {
  const pointer = module.effects_allocate(bytes.length);
  new Uint8Array(module.memory.buffer, pointer, bytes.length).set(bytes);
  try {
    return use(pointer, bytes.length);
  } finally {
    module.effects_release(pointer, bytes.length);
  }
}

/** A segmenter for the model in `bytes`, or null. */
export function segmenter(module, bytes) {
  const handle = lend(module, bytes, (pointer, length) => module.segmenter_new(pointer, length));
  if (handle === 0) return null;
  const size = module.segmenter_size(handle);
  return { handle, width: size >>> 16, height: size & 0xffff };
}

/** Writes a picture of red, green and blue bytes to where the segmenter reads it. */
export function writePicture(module, { handle, width, height }, picture) {
  for (let row = 0; row < height; row++) {
    const place = new Float32Array(module.memory.buffer, module.segmenter_input_row(handle, row), 3 * width);
    place.set(picture.subarray(3 * width * row, 3 * width * (row + 1)));
    for (let index = 0; index < place.length; index++) place[index] /= 255;
  }
}

/** The mask of the picture that was written. */
export function mask(module, { handle, width, height }) {
  const pointer = module.segmenter_run(handle);
  return new Float32Array(module.memory.buffer, pointer, width * height).slice();
}

/** Width, height and samples of a PNG file without palette and interlacing, as the goldens are. */
export async function png(path) {
  const file = await readFile(path);
  const chunks = { IDAT: [] };
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    const data = file.subarray(at + 8, at + 8 + file.readUInt32BE(at));
    const name = file.toString("latin1", at + 4, at + 8);
    if (name === "IDAT") chunks.IDAT.push(data);
    else chunks[name] = data;
  }
  const [width, height] = [chunks.IHDR.readUInt32BE(0), chunks.IHDR.readUInt32BE(4)];
  const pixelLength = { "8,2": 3, "16,0": 2 }[`${chunks.IHDR[8]},${chunks.IHDR[9]}`];
  if (!pixelLength || chunks.IHDR[12] !== 0) throw new Error(`${path} is a PNG of another kind`);
  return { width, height, samples: unfiltered(inflateSync(Buffer.concat(chunks.IDAT)), width * pixelLength, pixelLength) };
}

/** Undoes the filters of a PNG, row by row (section 9 of the standard). */
function unfiltered(rows, rowLength, pixelLength) {
  const out = new Uint8Array((rows.length / (rowLength + 1)) * rowLength);
  for (let row = 0; row * rowLength < out.length; row++) {
    const filter = rows[row * (rowLength + 1)];
    for (let index = 0; index < rowLength; index++) {
      const at = row * rowLength + index;
      const left = index >= pixelLength ? out[at - pixelLength] : 0;
      const up = row > 0 ? out[at - rowLength] : 0;
      const corner = row > 0 && index >= pixelLength ? out[at - rowLength - pixelLength] : 0;
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      out[at] = rows[row * (rowLength + 1) + 1 + index] + predicted;
    }
  }
  return out;
}

function paeth(left, up, corner) {
  const estimate = left + up - corner;
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(estimate - value));
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

/** A compositor for pictures of this size, blurring by `strength`, or null. */
export function compositor(module, width, height, strength) {
  const handle = module.compositor_new(width, height, strength);
  return handle === 0 ? null : { handle, length: (width * height * 3) / 2 };
}

/** The picture with the effect; without a network (null) the last mask is used. */
export function process(module, { handle, length }, network, picture, isNv12) {
  new Uint8Array(module.memory.buffer, module.compositor_input(handle), length).set(picture);
  const pointer = module.compositor_process(handle, network?.handle ?? 0, isNv12);
  return new Uint8Array(module.memory.buffer, pointer, length).slice();
}
