// One connection of the signaling protocol (shared/PROTOCOL.md) for a peer that has media and no WebSocket.

import { WebSocket } from 'ws';

/** The server speaks first about what it was asked; anything later than this is a failure. */
const ANSWER_LIMIT_MS = 15_000;

export class Signaling {
  #socket;
  #waiting = new Map();
  #negotiation = 0;
  #pings;
  /** Everybody in the room by peer id. */
  people = new Map();
  slots = [];
  errors = [];

  /** Opens the connection and says hello; `peer` is our seat. */
  static async join(server, room, name) {
    const signaling = new Signaling();
    signaling.#socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`);
    await new Promise((resolve, reject) => {
      signaling.#socket.once('open', resolve);
      signaling.#socket.once('error', reject);
    });
    signaling.#socket.on('message', (data) => signaling.#handle(JSON.parse(data)));
    const welcome = signaling.#next('welcome');
    signaling.#send({ type: 'hello', version: { major: 1, minor: 0 }, room, name, media: { microphone: true, camera: true } });
    const { peer, timeout_ms: timeoutMs } = await welcome;
    signaling.peer = peer;
    signaling.#pings = setInterval(() => signaling.#send({ type: 'ping', nonce: 1 }), timeoutMs / 3);
    return signaling;
  }

  #send(message) { this.#socket.send(JSON.stringify(message)); }

  #next(type) {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`no ${type} came; errors: ${JSON.stringify(this.errors)}`)), ANSWER_LIMIT_MS);
      this.#waiting.set(type, (message) => { clearTimeout(limit); resolve(message); });
    });
  }

  #handle(message) {
    if (message.type === 'error') this.errors.push(message);
    if (message.type === 'slot_map') this.slots = message.slots;
    this.#waiting.get(message.type)?.(message);
    this.#waiting.delete(message.type);
  }

  /** One offer; resolves with the answer's description. `sources`: [{mid, kind}] */
  async offer(sdp, sources) {
    const answer = this.#next('answer');
    this.#negotiation += 1;
    this.#send({ type: 'offer', negotiation: this.#negotiation, sdp, sources });
    return (await answer).sdp;
  }

  want(mid, peer, height) {
    this.#send({ type: 'wants', wants: [{ mid, source: { peer, kind: 'camera' }, max_height: height, priority: 1 }] });
  }

  close() {
    clearInterval(this.#pings);
    this.#socket.close();
  }
}
