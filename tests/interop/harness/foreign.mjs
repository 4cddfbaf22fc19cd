// A participant on a stack that is not ours and no browser: a process that has the media, and speaks one JSON object a
// line with us, who do the signaling. To it: `{"type":"start"}`, `{"type":"answer","sdp"}`, and the end of its input.
// From it: `{"type":"offer","sdp"}` once, `{"type":"report", …}` twice a second; anything else is its log.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Signaling } from './signaling.mjs';
import { until } from '../../browser/harness/until.mjs';

const peers = (name) => fileURLToPath(new URL(`../peers/${name}`, import.meta.url));

/** How each stack is started. The programs are what `cargo xtask setup` provides. */
const STACKS = {
  aiortc: () => [process.env.VISAVIS_PYTHON ?? 'python3', peers('aiortc_peer.py')],
  gstreamer: () => ['/usr/bin/python3', peers('gstreamer_peer.py')],
  libdatachannel: () => [process.execPath, peers('libdatachannel_peer.mjs')],
};
export const stacks = Object.keys(STACKS);

const OFFER_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 5_000;

/** The m-lines of a description: mid, kind and direction. */
export function sections(sdp) {
  return sdp.split(/\r?\nm=/).slice(1).map((text) => ({
    kind: text.split(' ')[0],
    mid: /\na=mid:(\S+)/.exec(text)?.[1],
    direction: /\na=(sendonly|recvonly|sendrecv|inactive)/.exec(text)?.[1] ?? 'sendrecv',
    text,
  }));
}

/** What a description says of the abilities that matter here; the evidence of the README's table. */
export function abilities(sdp) {
  const codecs = new Set([...sdp.matchAll(/a=rtpmap:\d+ ([^/\r\n]+)/g)].map(([, name]) => name.toUpperCase()));
  const extensions = [...sdp.matchAll(/a=extmap:\d+(?:\/\w+)? (\S+)/g)].map(([, uri]) => uri.split(/[:/]/).at(-1));
  return {
    codecs: [...codecs].join(' '),
    extensions: [...new Set(extensions)].join(' '),
    feedback: [...new Set([...sdp.matchAll(/a=rtcp-fb:\S+ ([^\r\n]+)/g)].map(([, name]) => name.trim()))].join(', '),
    setup: /a=setup:(\w+)/.exec(sdp)?.[1],
    simulcast: /a=simulcast:/.test(sdp),
    bundle: /a=group:BUNDLE/.test(sdp),
    reducedSizeRtcp: /a=rtcp-rsize/.test(sdp),
  };
}

export class ForeignPeer {
  #process;
  #offer;
  log = '';
  /** The newest report: `{state, video: {frames, width, height, contrast}, audio: {frames, energy}, …}` */
  report = { state: 'new' };

  /** Starts the stack, joins the room and negotiates one microphone, one camera and one slot of each kind. */
  static async join(stack, server, room) {
    const peer = new ForeignPeer();
    peer.stack = stack;
    peer.#start(...STACKS[stack]());
    peer.signaling = await Signaling.join(server, room, stack);
    peer.offer = await peer.#offered();
    const lines = sections(peer.offer);
    const isAudio = ({ kind }) => kind === 'audio';
    const sources = lines.filter(({ direction }) => direction === 'sendonly')
      .map((line) => ({ mid: line.mid, kind: isAudio(line) ? 'microphone' : 'camera' }));
    peer.videoSlot = lines.find((line) => line.direction === 'recvonly' && !isAudio(line)).mid;
    peer.answer = await peer.signaling.offer(peer.offer, sources);
    peer.#tell({ type: 'answer', sdp: peer.answer });
    return peer;
  }

  #start(program, ...words) {
    this.#process = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process.on('error', (error) => (this.log += `${program}: ${error.message}\n`));
    this.#process.stderr.on('data', (data) => (this.log += data));
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      let message;
      try { message = JSON.parse(line); } catch { this.log += `${line}\n`; return; }
      if (message.type === 'report') this.report = message;
      if (message.type === 'offer') this.#offer = message.sdp;
    });
    this.#tell({ type: 'start' });
  }

  #tell(message) { this.#process.stdin.write(`${JSON.stringify(message)}\n`); }

  #offered() {
    return this.until('makes an offer', () => this.#offer, { limitMs: OFFER_LIMIT_MS });
  }

  get peer() { return this.signaling.peer; }

  want(peer, height) { this.signaling.want(this.videoSlot, peer, height); }

  /** Waits until something holds; a failure says what the peer reported and logged, and what the other side has `seen`. */
  async until(what, holds, { limitMs = 20_000, seen = () => undefined } = {}) {
    try {
      return await until(`${this.stack} ${what}`, () => {
        if (this.#process.exitCode !== null) throw new Error(`${this.stack} ended with ${this.#process.exitCode}`);
        return holds(this.report);
      }, limitMs);
    } catch (error) {
      const slots = JSON.stringify(this.signaling?.slots);
      throw new Error(`${error.message}\nreport: ${JSON.stringify(this.report)}\nseen: ${JSON.stringify(seen())}\nslots: ${slots}\nlog: ${this.log.slice(-3000)}`);
    }
  }

  async close() {
    this.signaling?.close();
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const limit = setTimeout(() => this.#process.kill('SIGKILL'), STOP_LIMIT_MS);
    this.#process.stdin.end();
    await once(this.#process, 'exit');
    clearTimeout(limit);
  }
}
