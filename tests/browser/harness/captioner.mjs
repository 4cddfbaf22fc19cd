// A server with a key of the operator's, and a program that feeds captions with it.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server } from './server.mjs';

const KEY = { id: 'ops', secret: '0123456789abcdef0123456789abcdef' };

/** A server that lets guests in and has a key for its API; `stop` ends it and takes its settings away. */
export async function serverWithKey(options = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'visavis-key-'));
  const file = join(folder, 'visavis.toml');
  await writeFile(file, `guests = true\n\n[[keys]]\nid = "${KEY.id}"\nsecret = "${KEY.secret}"\napi = true\n`);
  const server = await Server.start({ ...options, settings: ['--config', file] });
  const stop = async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { server, stop };
}

/** Feeds a caption: `{ segment, text, speaker?, name?, language?, is_final? }`. Gives the status of the answer. */
export async function feed(server, room, caption) {
  const response = await fetch(`${server.url}/api/v1/rooms/${room}/captions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY.id}:${KEY.secret}`, 'content-type': 'application/json' },
    body: JSON.stringify(caption),
  });
  return response.status;
}
