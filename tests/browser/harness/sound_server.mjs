// A speaker for a browser on a machine that has none: Firefox processes no sound without one.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.mjs';

export class SoundServer {
  #folder;
  #program;

  /** PulseAudio with one speaker that leads nowhere, apart from the machine's own. */
  static async start() {
    const server = new SoundServer();
    server.#folder = await mkdtemp(join(tmpdir(), 'visavis-sound-'));
    const modules = ['module-null-sink', `module-native-protocol-unix socket=${server.#socket} auth-anonymous=1`];
    const options = ['-n', '--daemonize=no', '--use-pid-file=no', '--exit-idle-time=-1', ...modules.flatMap((name) => ['-L', name])];
    const env = { ...process.env, HOME: server.#folder, XDG_RUNTIME_DIR: server.#folder };
    server.#program = spawn('pulseaudio', options, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    server.#program.stderr.on('data', (text) => { said = (said + text).slice(-2000); });
    const failed = new Promise((_, reject) => {
      server.#program.on('error', (error) => reject(new Error(`pulseaudio does not start (${error.message}); \`cargo xtask setup\` installs it`)));
      server.#program.on('exit', (code) => reject(new Error(`pulseaudio ended with ${code}: ${said}`)));
    });
    failed.catch(() => {});
    await Promise.race([failed, until('the speaker is there', () => stat(server.#socket).then(() => true, () => false), 10_000)]);
    return server;
  }

  get #socket() {
    return join(this.#folder, 'native');
  }

  /** Variables with which a browser finds it. */
  get environment() {
    return { PULSE_SERVER: `unix:${this.#socket}` };
  }

  async stop() {
    this.#program.removeAllListeners('exit');
    this.#program.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
