// `cargo xtask bench recover`: how long the picture of somebody else stands still when something is lost: the WebSocket, the path of
// the packets, or the server, which is started anew. Through the product's own page in Chromium.

import { connect, createServer } from 'node:net';
import { once } from 'node:events';

import { UdpLink } from '../../browser/harness/udp_link.mjs';
import {
  Server, Participant, freePort, launchChromium, noteFrames, pause, percentile, runs, say, tell, until,
} from './product.mjs';

/** The picture flows for so long before something happens, and is watched for so long after it flows again. */
const CALM_MS = 2000;
/** Frames that have to come before it counts as flowing again. */
const FLOWING = 10;
/** After the loss of something that a call survives: long enough to see the consequences. */
const WATCH_MS = 8000;
const LIMIT_MS = 60_000;

const CASES = [
  { name: 'nothing lost', note: 'the control: gaps of this size are the machine\'s', happen: () => {} },
  { name: 'WebSocket lost', note: 'every TCP connection to the server is cut; packets of sound and picture are not', happen: ({ wire }) => wire.cut() },
  { name: 'path changed', note: 'the viewer\'s packets come from another port from one moment to the next, as from a NAT that forgot; what still goes to the old one is lost', happen: ({ link }) => link.rebind() },
  { name: 'server restarted', note: 'SIGTERM, and the same program started again; draining and killing one node of several is not measured: there is one node', happen: ({ server }) => server.restart() },
];

/** A TCP port in front of the server that can cut all that goes through it. */
class Wire {
  static async open(port) {
    const wire = new Wire();
    wire.sockets = new Set();
    wire.listener = createServer((client) => {
      const upstream = connect(port, '127.0.0.1');
      for (const [from, to] of [[client, upstream], [upstream, client]]) {
        wire.sockets.add(from);
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => { wire.sockets.delete(from); to.destroy(); });
      }
    }).listen(0, '127.0.0.1');
    await once(wire.listener, 'listening');
    wire.port = wire.listener.address().port;
    return wire;
  }

  cut() { for (const socket of this.sockets) socket.destroy(); }

  close() { this.cut(); this.listener.close(); }
}

const rows = [];
const browser = await launchChromium();
try {
  for (const one of CASES) {
    const freezes = [];
    for (let run = 0; run < runs; run += 1) {
      freezes.push(await measure(one));
      say(`${one.name}, run ${run}: ${freezes.at(-1).toFixed(0)} ms`);
    }
    const row = (metric, values) => ({ who: `visavis, ${one.name}`, metric, unit: 'ms', values, note: one.note });
    rows.push(row('freeze_ms_p50', freezes), row('freeze_ms_p95', [percentile(freezes, 0.95)]));
  }
} finally {
  await browser.close();
}
tell(rows);

/** The longest time without a new picture, less the usual one: 0 when nothing was to be seen. */
async function measure({ happen }) {
  const port = await freePort();
  const link = await UdpLink.open(port);
  const server = await Server.start({ port, announce: [`${link.address}:${link.port}`] });
  const wire = await Wire.open(port);
  let [ada, bob] = [];
  try {
    const { room } = await server.createRoom();
    ada = await Participant.join(browser, `${server.url}/r/${room}`, 'Ada');
    // Through the wire; a page on localhost is secure enough for a camera.
    bob = await Participant.join(browser, `http://localhost:${wire.port}/r/${room}`, 'Bob', { before: { run: noteFrames, with: [] } });
    const count = () => bob.page.evaluate(() => window.remoteFrames.length);
    const flows = async () => {
      const before = await count();
      await until('the picture flows', async () => (await count()) > before + FLOWING, LIMIT_MS);
    };
    await flows();
    await pause(CALM_MS);
    const from = await bob.page.evaluate(() => performance.now());
    await happen({ wire, link, server });
    await pause(WATCH_MS);
    await flows();
    const frames = await bob.page.evaluate(() => window.remoteFrames);
    return longestGap(frames, from);
  } finally {
    await Promise.all([ada?.close(), bob?.close()]);
    wire.close();
    await server.stop();
    link.close();
  }
}

function longestGap(frames, from) {
  const gaps = (times) => times.slice(1).map((time, index) => time - times[index]);
  const before = frames.filter((time) => time <= from);
  const usual = percentile(gaps(before.slice(-40)), 0.5);
  return Math.max(0, Math.max(...gaps(frames.slice(Math.max(0, before.length - 1)))) - usual);
}
