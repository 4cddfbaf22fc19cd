// The real server binary on free ports, with the site built into it.

import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { request as plainly } from 'node:http';
import { request as encrypted } from 'node:https';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.mjs';

/** A TCP port nobody listens on at the moment. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  return port;
}

/** Asks for an address, trusting nobody but `authority` where one is given; the answer has its text with it. */
export function ask(url, { method = 'GET', authority } = {}) {
  return new Promise((answered, failed) => {
    const begin = url.startsWith('https:') ? encrypted : plainly;
    const asking = begin(url, { method, ca: authority, agent: false }, async (response) => {
      response.text = (await response.toArray()).join('');
      answered(response);
    });
    asking.on('error', failed).end();
  });
}

/** A running server; `restart` starts another one on the same ports. */
export class Server {
  #process;
  #arguments;
  #folder;
  log = '';

  static async start({ announce = [], port, mediaPort, address = '0.0.0.0', tcpPort, videoCodecs = [], embedOrigins = [], settings = [], tls } = {}) {
    const server = new Server();
    server.port = port ?? (await freePort());
    server.mediaPort = mediaPort ?? server.port;
    server.url = `http://localhost:${server.port}`;
    server.#arguments = ['--address', address, '--port', `${server.port}`, '--media-port', `${server.mediaPort}`];
    server.tcpPort = tcpPort ?? (await freePort());
    server.#arguments.push('--media-tcp-port', `${server.tcpPort}`);
    // A folder of its own, kept over `restart`; no keys, for clients on every address of this machine.
    server.#folder = await mkdtemp(join(tmpdir(), 'visavis-'));
    server.#arguments.push('--data-dir', server.#folder, '--open');
    if (announce.length > 0) server.#arguments.push('--announce', announce.join(','));
    if (videoCodecs.length > 0) server.#arguments.push('--video-codecs', videoCodecs.join(','));
    if (embedOrigins.length > 0) server.#arguments.push('--embed-origins', embedOrigins.join(','));
    server.#arguments.push(...settings);
    if (tls) await server.#encrypt(tls);
    await server.#run();
    return server;
  }

  /** Over https, with what an authority of `authority.mjs` has issued; plain HTTP is redirected from `plainPort`. */
  async #encrypt({ authority, chain, key }) {
    const [chainFile, keyFile] = ['chain.pem', 'key.pem'].map((name) => join(this.#folder, name));
    await Promise.all([writeFile(chainFile, chain), writeFile(keyFile, key, { mode: 0o600 })]);
    this.authority = authority;
    this.url = `https://localhost:${this.port}`;
    this.plainPort = await freePort();
    this.#arguments.push('--tls-certificate', chainFile, '--tls-key', keyFile, '--http-redirect-port', `${this.plainPort}`);
  }

  async #run() {
    const binary = process.env.VISAVIS_BIN;
    if (!binary) throw new Error('VISAVIS_BIN names no server; run `cargo xtask test --tier browser`');
    this.#process = spawn(binary, this.#arguments, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.on('data', (data) => (this.log += data));
    }
    await until('the server is ready', async () => {
      if (this.#process.exitCode !== null) throw new Error(`the server ended at once:\n${this.log}`);
      const response = await ask(`${this.url}/api/ready`, this).catch(() => null);
      return response?.statusCode === 200;
    }, 10_000);
  }

  async stop() {
    await this.#end();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #end() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGTERM');
      await once(this.#process, 'exit');
    }
  }

  async restart() {
    await this.#end();
    await this.#run();
  }

  /** A new meeting: its code, its link, and the token of its host. */
  async createRoom() {
    const { statusCode, text } = await ask(`${this.url}/api/rooms`, { method: 'POST', authority: this.authority });
    if (statusCode !== 201) throw new Error(`no room: ${statusCode} ${text}`);
    const { room, token } = JSON.parse(text);
    return { room, link: `${this.url}/r/${room}`, token };
  }
}
