// `cargo xtask bench effects`: finds the person with our module and with other runtimes in one page of Chromium, and draws whole
// pictures with the product's own worker in Chromium and Firefox.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { launchChromium, launchFirefox } from '../../browser/harness/browsers.mjs';
import { GOLDENS, png } from '../../effects/module.mjs';
import { ask, pageOf, serve, tell } from './serve.mjs';

const HERE = new URL('./', import.meta.url);
const ROOT = new URL('../../../', HERE);
const FOLDERS = {
  '/npm/': new URL('node_modules/', HERE),
  '/effects/': new URL('target/effects/site/', ROOT),
  '/made/': new URL('target/bench/effects/', ROOT),
  '/': HERE,
};
/** What our module reads as it is, and its peers in the forms that they take. */
const MODEL = new URL('selfie_segmentation_landscape.tflite', FOLDERS['/effects/']);
/** The photograph of the speed; the overlap is that of every photograph of this size. */
const SIZE = '256x144';
const PHOTOGRAPHS = ['astronaut', 'astronaut-near', 'cameraman', 'hopper', 'pair', 'coelho', 'three'];
/** Whose the WebAssembly files are: a part of their path. */
const FILES = [
  ['visavis', '/effects/relaxed.wasm'],
  ['visavis simd128', '/effects/simd128.wasm'],
  ['LiteRT.js 2.5.3', '/npm/@litertjs/'],
  ['onnxruntime-web 1.30.0', '/npm/onnxruntime-web/'],
  ['tasks-vision 0.10.35', '/npm/@mediapipe/'],
];
/** A clock as fine as Chromium's. */
const FINE_CLOCK = { 'privacy.reduceTimerPrecision': false };

const runs = Number(process.argv[process.argv.indexOf('--runs') + 1]);
const memory = {
  '/inference.html': pageOf('/effects_page.js'),
  '/frame.html': pageOf('/frame_page.js'),
};
for (const name of PHOTOGRAPHS) {
  memory[`/${name}.picture`] = Buffer.from((await png(new URL(`${name}-${SIZE}.picture.png`, GOLDENS))).samples);
  memory[`/${name}.mask`] = Buffer.from((await png(new URL(`${name}-${SIZE}.plain.mask.png`, GOLDENS))).samples);
}

const path = (url) => fileURLToPath(url);
execFileSync(process.env.VISAVIS_PYTHON, [path(new URL('peers.py', HERE)), path(MODEL), path(FOLDERS['/made/'])]);
const server = await serve({ folders: FOLDERS, memory });
const rows = [];
try {
  await inChromium();
  await inFirefox();
} finally {
  server.close();
}
tell(rows);

async function inChromium() {
  const browser = await launchChromium();
  try {
    const version = await browser.version();
    rows.push(...await ask(browser, `${server.origin}/inference.html`, { runs, photographs: PHOTOGRAPHS, version }));
    rows.push(...sizes());
    rows.push(...await ask(browser, `${server.origin}/frame.html`, { runs, engine: 'chromium', hasPeer: true }));
  } finally {
    await browser.close();
  }
}

async function inFirefox() {
  const browser = await launchFirefox(FINE_CLOCK);
  try {
    rows.push(...await ask(browser, `${server.origin}/frame.html`, { runs, engine: 'firefox', hasPeer: false }));
  } finally {
    await browser.close();
  }
}

function sizes() {
  const found = FILES.map(([who, part]) => [who, [...server.served].find(([path]) => path.includes(part))?.[1]]);
  return ['raw', 'gzip'].flatMap((kind) => found.filter(([, size]) => size).map(([who, size]) => (
    { who, metric: kind === 'raw' ? 'wasm_kb' : 'wasm_gzip_kb', unit: 'kB', values: [size[kind] / 1000], note: '' }
  )));
}
