// A page with the independent client of `protocol_client.js` in it.

import { readFile } from 'node:fs/promises';
import { freshPage } from './browsers.mjs';
import { until } from './until.mjs';

const script = await readFile(new URL('./protocol_client.js', import.meta.url), 'utf8');

/** A client in a page of its own. `connect: null` joins without media. */
export async function client(browser, server, room, name, connect) {
  const page = await freshPage(browser);
  // The home page: same origin, and idle.
  await page.goto(`${server.url}/`);
  // evaluateOnNewDocument and addScriptTag are subject to the page's CSP; evaluating is not.
  await page.evaluate(`(() => { ${script} })()`);
  const peer = await page.evaluate(async (room, name, connect) => {
    window.client = new window.ProtocolClient();
    const welcome = await window.client.join(room, name);
    if (connect) await window.client.connect(connect);
    return welcome.peer;
  }, room, name, connect);
  return {
    page,
    peer,
    run: (body, ...values) => page.evaluate(body, ...values),
    connected: () => until(`${name} is connected`, () => page.evaluate(() => window.client.connection.connectionState === 'connected')),
    close: () => page.browserContext().close(),
  };
}

/** Frames of a slot keep coming. */
export async function flows(viewer, mid, moreThan = 5) {
  const start = await viewer.run((slot) => window.client.slot(slot), mid);
  await until(`slot ${mid} shows frames`, async () => {
    const now = await viewer.run((slot) => window.client.slot(slot), mid);
    return now.frames > start.frames + moreThan;
  }, 20_000);
}
