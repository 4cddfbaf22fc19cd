// `cargo xtask bench denoise`: takes noise out of the same speech with our module and with others, in one page of Chromium.

import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { launchChromium } from '../../browser/harness/browsers.mjs';
import { ask, pageOf, serve, tell } from './serve.mjs';

const HERE = new URL('./', import.meta.url);
const ROOT = new URL('../../../', HERE);
const SPEECH = new URL('target/bench/denoise/', ROOT);
const FOLDERS = {
  '/npm/': new URL('node_modules/', HERE),
  '/effects/': new URL('target/effects/site/', ROOT),
  '/speech/': SPEECH,
  '/': HERE,
};
const KINDS = ['white0', 'white10', 'pink0', 'pink10', 'fan0', 'fan10', 'keys5'];
const MEASURES = [['pesq', 'MOS'], ['stoi_percent', '%'], ['si_sdr_db', 'dB'], ['delay_ms', 'ms']];

const runs = Number(process.argv[process.argv.indexOf('--runs') + 1]);
const python = (script) => execFileSync(
  process.env.VISAVIS_PYTHON, [fileURLToPath(new URL(script, HERE)), fileURLToPath(SPEECH)], { encoding: 'utf8' },
);

await rm(SPEECH, { recursive: true, force: true });
python('noisy.py');
const { rows, contenders } = await inChromium();
tell([...rows, ...quality(contenders, JSON.parse(python('quality.py')))]);

/** Times and sizes; what each made of the speech lies in a folder of its name afterwards. */
async function inChromium() {
  const taken = async (path, bytes) => {
    const [, who, kind] = /^\/cleaned\/([a-z-]+)\/([a-z0-9]+)$/.exec(path);
    await mkdir(new URL(`${who}/`, SPEECH), { recursive: true });
    await writeFile(new URL(`${who}/${kind}.f32`, SPEECH), bytes);
  };
  const server = await serve({ folders: FOLDERS, memory: { '/denoise.html': pageOf('/denoise_page.js') }, taken });
  const browser = await launchChromium();
  try {
    const contenders = await ask(browser, `${server.origin}/denoise.html`, { runs, kinds: KINDS });
    const version = await browser.version();
    const note = ({ about }) => `${version}, one thread; ${about}`;
    const times = contenders.map((contender) => (
      { who: contender.who, metric: 'us_per_10_ms', unit: 'us', values: contender.times, note: note(contender) }
    ));
    const sizes = ['raw', 'gzip'].flatMap((kind) => contenders.map((contender) => {
      const metric = kind === 'raw' ? 'wasm_kb' : 'wasm_gzip_kb';
      return { who: contender.who, metric, unit: 'kB', values: [server.served.get(contender.file)[kind] / 1000], note: '' };
    }));
    return { rows: [...times, ...sizes], contenders };
  } finally {
    await browser.close();
    server.close();
  }
}

/** A value for each kind of noise. */
function quality(contenders, scores) {
  const named = [...contenders.map(({ who, folder }) => [who, folder]), ['noisy input', 'noisy']];
  return MEASURES.flatMap(([metric, unit]) => named.map(([who, folder]) => (
    { who, metric, unit, values: scores[folder][metric], note: '' }
  )));
}
