// `cargo xtask bench bundle`: what a browser loads until the lobby can be used, and what the script for embedding weighs. Counted as
// gzip makes it, whatever the server sends; what was asked for before that moment counts whole.

import { gzipSync } from 'node:zlib';

import { Server, freshPage, launchChromium, say, tell, until } from './product.mjs';

/** Compressed already: gzip would only add to it. */
const IS_COMPRESSED = /^(image\/(?!svg)|video|audio|font\/woff2)/;
const gzipped = (bytes, type) => (IS_COMPRESSED.test(type) ? bytes.length : gzipSync(bytes, { level: 9 }).length);

const server = await Server.start();
const browser = await launchChromium();
const rows = [];
try {
  const { link } = await server.createRoom();
  const loaded = await lobby(link);
  for (const { path, bytes } of loaded) say(`${String(bytes).padStart(8)}  ${path}`);
  rows.push(row('first_view_gzip_bytes', loaded.reduce((sum, { bytes }) => sum + bytes, 0), 'until the name can be typed and "Join" clicked; effects and noise suppression are loaded later'));
  const embed = await fetch(`${server.url}/embed.js`);
  if (embed.ok && embed.headers.get('content-type')?.includes('javascript')) {
    rows.push(row('embed_gzip_bytes', gzipped(Buffer.from(await embed.arrayBuffer()), 'text/javascript'), 'static/embed.js'));
  } else {
    say('this server has no /embed.js: embed_gzip_bytes is left out');
  }
} finally {
  await browser.close();
  await server.stop();
}
tell(rows);

function row(metric, bytes, note) {
  return { who: 'visavis', metric, unit: 'bytes', values: [bytes], note };
}

async function lobby(link) {
  const page = await freshPage(browser);
  await page.setCacheEnabled(false);
  let isOpen = true;
  const answers = [];
  page.on('request', (request) => { if (isOpen) request.counts = true; });
  page.on('response', (response) => {
    const { url } = { url: response.url() };
    if (response.request().counts && url.startsWith('http')) answers.push(response);
  });
  await page.goto(link, { waitUntil: 'domcontentloaded' });
  const isUsable = () => page.evaluate(() => {
    const [name, join] = ['name', 'join'].map((id) => document.querySelector(`[data-testid="${id}"]`));
    return Boolean(name && join && !join.disabled);
  });
  await until('the lobby can be used', isUsable, 30_000);
  isOpen = false;
  const size = async (response) => {
    // A redirect and an answer without content have no bytes.
    const bytes = await response.buffer().catch(() => Buffer.alloc(0));
    return { path: new URL(response.url()).pathname, bytes: bytes.length && gzipped(bytes, response.headers()['content-type'] ?? '') };
  };
  return Promise.all(answers.map(size));
}
