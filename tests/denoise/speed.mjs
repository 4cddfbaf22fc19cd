// How long the deep filter takes for a frame of 10 ms, inside WebAssembly. Without a browser:
//
//     cargo xtask setup deep-filter && cargo xtask effects
//     node tests/denoise/speed.mjs                          # in Node.js
//     VISAVIS_CHROMIUM=/usr/bin/chromium node tests/denoise/speed.mjs   # in a worker of Chromium, too
//
// Rounds of a thousand frames of voice-like noise; mean, median and 95th percentile of each, then the fastest and the middle round.

import { readFile } from "node:fs/promises";

import puppeteer from "puppeteer-core";

const SITE = new URL("../../target/effects/site/", import.meta.url);
const [ROUNDS, FRAMES] = [9, 1000];

/** Runs in Node.js and in the worker alike, so it names nothing from outside. */
async function measure(wasm, weights, rounds, frames) {
  const { instance } = await WebAssembly.instantiate(wasm, {});
  const module = instance.exports;
  const file = module.weights_allocate(weights.byteLength);
  new Uint8Array(module.memory.buffer, file, weights.byteLength).set(new Uint8Array(weights));
  const filter = module.filter_new(file, weights.byteLength);
  if (filter === 0) throw new Error("the weights are refused");
  module.weights_release(file, weights.byteLength);
  const samples = new Float32Array(module.memory.buffer, module.filter_frame(filter), module.filter_frame_len());
  const sound = Float32Array.from({ length: 97 * 480 }, (_, at) =>
    (0.2 * Math.sin(at / 40) * Math.max(0, Math.sin(at / 9000))) + 0.05 * (Math.random() - 0.5));
  const results = [];
  for (let round = 0; round < rounds; round++) {
    const times = [];
    for (let frame = 0; frame < frames; frame++) {
      samples.set(sound.subarray(480 * (frame % 97), 480 * (frame % 97 + 1)));
      const start = performance.now();
      module.filter_process(filter);
      times.push(performance.now() - start);
    }
    times.sort((one, other) => one - other);
    const mean = times.reduce((sum, time) => sum + time, 0) / frames;
    results.push({ mean, median: times[frames >> 1], p95: times[Math.floor(0.95 * frames)] });
  }
  return results;
}

function print(where, results) {
  const rounds = results.slice(1).sort((one, other) => one.mean - other.mean);
  const line = ({ mean, median, p95 }) =>
    `mean ${mean.toFixed(3)}  median ${median.toFixed(3)}  p95 ${p95.toFixed(3)} ms`;
  console.log(`${where.padEnd(10)} fastest round: ${line(rounds[0])}`);
  console.log(`${where.padEnd(10)} middle round:  ${line(rounds[rounds.length >> 1])}`);
}

const wasm = await readFile(process.env.DEEP_FILTER ?? new URL("deep_filter.wasm", SITE));
const weights = await readFile(process.env.WEIGHTS ?? new URL("deep_filter.weights", SITE));
print("Node.js", await measure(wasm, weights, ROUNDS, FRAMES));

if (process.env.VISAVIS_CHROMIUM) {
  const browser = await puppeteer.launch({
    executablePath: process.env.VISAVIS_CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const page = await browser.newPage();
  const worker = `${measure}
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
    onmessage = async ({ data: [wasm, weights, rounds, frames] }) =>
      postMessage(await measure(bytes(wasm), bytes(weights), rounds, frames));`;
  const results = await page.evaluate(
    (worker, ...task) =>
      new Promise((done, failed) => {
        const runner = new Worker(URL.createObjectURL(new Blob([worker])));
        runner.onmessage = ({ data }) => done(data);
        runner.onerror = ({ message }) => failed(new Error(message));
        runner.postMessage(task);
      }),
    worker,
    wasm.toString("base64"),
    weights.toString("base64"),
    ROUNDS,
    FRAMES,
  );
  print(await browser.version(), results);
  await browser.close();
}
