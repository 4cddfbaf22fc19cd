// The worklet and the worker of the deep filter in Chromium, with the files as the site has them:
//
//     cargo xtask setup deep-filter && cargo xtask effects
//     VISAVIS_CHROMIUM=/usr/bin/chromium node tests/denoise/worklet.mjs [SECONDS] [SAMPLE RATE]
//
// Plays the golden recording in a loop in real time, and says how late it is, how many frames did not come back in time, how long the
// worker took, and how much quieter the pauses became; then what happens when the worker stops answering.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

import puppeteer from "puppeteer-core";

const SITE = new URL("../../target/effects/site/", import.meta.url);
const GOLDENS = new URL("../../client/deep_filter/goldens/", import.meta.url);
const TYPES = { js: "text/javascript", wasm: "application/wasm", weights: "application/octet-stream" };
const [seconds = "10", rate = "48000"] = process.argv.slice(2);

const server = createServer(async ({ url }, response) => {
  const name = url.slice(1);
  try {
    const body = name === "" ? "<!doctype html>" : await readFile(new URL(name, name.endsWith(".i16") ? GOLDENS : SITE));
    response.setHeader("content-type", TYPES[name.split(".").pop()] ?? "text/html");
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const browser = await puppeteer.launch({
  executablePath: process.env.VISAVIS_CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
});
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${server.address().port}/`);
const result = await page.evaluate(
  async (seconds, rate) => {
    const reports = [];
    let failed;
    const worker = new Worker("deep_filter_worker.js");
    const loaded = new Promise((done, refused) => {
      worker.onmessage = ({ data }) => {
        if (data.type === "loaded") done();
        else if (data.type === "report") reports.push(data);
        else refused(new Error(data.reason));
      };
      worker.onerror = ({ message }) => refused(new Error(message));
    });
    worker.postMessage({ type: "load", module: "deep_filter.wasm", weights: "deep_filter.weights" });
    await loaded;
    const context = new AudioContext({ sampleRate: rate });
    await context.audioWorklet.addModule("deep_filter.js");
    const module = await WebAssembly.compileStreaming(fetch("denoise.wasm"));
    const node = new AudioWorkletNode(context, "visavis-deep-filter", { processorOptions: { module, piece: 128 } });
    const messages = {};
    const waiting = {};
    node.port.onmessage = ({ data }) => {
      messages[data.type] = data;
      waiting[data.type]?.(data);
    };
    const said = (type) => messages[type] ?? new Promise((done) => (waiting[type] = done));
    const { delay } = await said("ready");
    const { port1, port2 } = new MessageChannel();
    worker.postMessage({ type: "port", port: port1 }, [port1]);
    node.port.postMessage({ port: port2 }, [port2]);
    const words = new Int16Array(await (await fetch("noisy.i16")).arrayBuffer());
    const sound = new AudioBuffer({ length: words.length, sampleRate: 48000 });
    sound.copyToChannel(Float32Array.from(words, (word) => word / 32768), 0);
    const source = new AudioBufferSourceNode(context, { buffer: sound, loop: true });
    source.connect(node).connect(context.destination);
    source.start();
    await context.resume();
    node.port.postMessage({ record: Math.round(seconds * context.sampleRate) });
    const { before, after } = await said("recorded");
    // The quietest tenth of 20 ms pieces: pauses, after the first second.
    const quiet = (samples) => {
      const length = Math.round(context.sampleRate / 50);
      const powers = [];
      for (let at = Math.round(context.sampleRate); at + length <= samples.length; at += length) {
        powers.push(samples.subarray(at, at + length).reduce((sum, sample) => sum + sample * sample, 1e-12) / length);
      }
      powers.sort((one, other) => one - other);
      return 10 * Math.log10(powers[Math.floor(powers.length / 10)]);
    };
    const late = messages.late?.frames ?? 0;
    const state = failed;
    worker.terminate();
    const lost = await said("failed");
    const passed = new Promise((done) => (waiting.recorded = done));
    node.port.postMessage({ record: Math.round(0.5 * context.sampleRate) });
    const dry = await passed;
    const start = dry.before.length - delay - 2000;
    let worst = 0;
    for (let at = 0; at < start; at++) worst = Math.max(worst, Math.abs(dry.after[at + delay] - dry.before[at]));
    return {
      rate: context.sampleRate,
      delayMs: (1000 * delay) / context.sampleRate,
      late,
      state,
      pausesBefore: quiet(before),
      pausesAfter: quiet(after),
      meanMs: reports.map(({ meanMs }) => meanMs),
      longestMs: Math.max(...reports.map(({ longestMs }) => longestMs)),
      lost: lost.reason,
      dryDifference: worst,
    };
  },
  Number(seconds),
  Number(rate),
);
console.log(result);
await browser.close();
server.close();
