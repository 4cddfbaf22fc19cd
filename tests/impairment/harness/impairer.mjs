// Our impairer of UDP (impairer.rs) between all clients and the server.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Impairer {
  #process;
  #lines;

  static async start(port, serverPort, seed) {
    const program = process.env.VISAVIS_IMPAIRER;
    if (!program) throw new Error('VISAVIS_IMPAIRER names no program; run `cargo xtask test --tier impairment`');
    const impairer = new Impairer();
    impairer.#process = spawn(program, [`0.0.0.0:${port}`, `127.0.0.1:${serverPort}`, `${seed}`], { stdio: ['pipe', 'pipe', 'inherit'] });
    impairer.#lines = createInterface({ input: impairer.#process.stdout })[Symbol.asyncIterator]();
    await impairer.#expect('listening');
    return impairer;
  }

  async #expect(start) {
    const { value } = await this.#lines.next();
    if (!value?.startsWith(start)) throw new Error(`the impairer said ${value}`);
  }

  /** One order, see impairer.rs. */
  async order(text) {
    this.#process.stdin.write(`${text}\n`);
    await this.#expect('ok');
  }

  close() { this.#process.stdin.end(); }
}
