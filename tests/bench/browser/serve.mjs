// A server for one benchmark: folders, pieces of memory, and what the page sends back. Its headers make the page's clock fine
// enough: cross-origin isolation is what browsers want for that.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const TYPES = {
  '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm', '.json': 'application/json',
};
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/**
 * Serves `folders` (prefix → URL of a folder) and `memory` (path → bytes); `taken(path, bytes)` gets what is sent by POST.
 * `served` holds the bytes of every WebAssembly file that was asked for, raw and gzipped.
 */
export async function serve({ folders, memory = {}, taken = () => {} }) {
  const served = new Map();
  const find = async (path) => {
    if (memory[path]) return memory[path];
    const prefix = Object.keys(folders).find((prefix) => path.startsWith(prefix));
    if (!prefix || path.includes('..')) return null;
    const bytes = await readFile(join(fileURLToPath(folders[prefix]), path.slice(prefix.length))).catch(() => null);
    if (bytes && path.endsWith('.wasm')) served.set(path, { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length });
    return bytes;
  };
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    if (request.method === 'POST') {
      const pieces = [];
      for await (const piece of request) pieces.push(piece);
      await taken(path, Buffer.concat(pieces));
      return response.writeHead(204, ISOLATION).end();
    }
    const bytes = await find(path);
    if (!bytes) return response.writeHead(404, ISOLATION).end();
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    return response.writeHead(200, { ...ISOLATION, 'Content-Type': type, 'Cache-Control': 'no-store' }).end(bytes);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { origin: `http://127.0.0.1:${server.address().port}`, served, close: () => server.close() };
}

/** A document that does nothing but load a module. */
export const pageOf = (script) => Buffer.from(
  `<!doctype html><meta charset="utf-8"><script type="importmap">{"imports":{"@litertjs/wasm-utils":`
  + `"/npm/@litertjs/wasm-utils/dist/index.js"}}</script><script type="module" src="${script}"></script>`,
);

/** Opens the page and calls what it put on its window; ends with what that returned, or with the page's first error. */
export async function ask(browser, address, ...words) {
  const page = await browser.newPage();
  try {
    const failed = new Promise((_, reject) => {
      page.on('pageerror', (error) => reject(new Error(`${address}: ${error.message}`)));
    });
    failed.catch(() => {});
    await page.goto(address, { waitUntil: 'load' });
    await page.waitForFunction('window.measure', { timeout: 20_000 });
    // Not one long call: the protocol gives up on those.
    await page.evaluate((words) => {
      window.measure(...words).then((value) => { window.outcome = { value }; }, (error) => { window.outcome = { error: String(error) }; });
    }, words);
    for (;;) {
      const outcome = await Promise.race([page.evaluate(() => window.outcome), failed]);
      if (outcome?.error) throw new Error(`${address}: ${outcome.error}`);
      if (outcome) return outcome.value;
      await new Promise((resolve) => { setTimeout(resolve, 250); });
    }
  } finally {
    await page.close();
  }
}

/** What the program that started this reads: the rows of the result, each with the values of all runs. */
export function tell(rows) {
  process.stdout.write(`${JSON.stringify({ rows })}\n`);
}
