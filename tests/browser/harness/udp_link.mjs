// A UDP link between browsers and the server that can lose chosen datagrams, and delay all. The server announces the
// link's port.

import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { once } from 'node:events';

/**
 * This machine's own address, as browsers see it: Firefox does not send to the loopback address while there is another
 * interface. Datagrams to it stay on the machine all the same.
 */
function ownAddress() {
  const addresses = Object.values(networkInterfaces()).flat();
  return addresses.find((address) => address.family === 'IPv4' && !address.internal)?.address ?? '127.0.0.1';
}

/** RFC 7983: which protocol a datagram is. */
export function protocolOf(datagram) {
  const first = datagram[0];
  if (first <= 3) return 'stun';
  if (first >= 20 && first <= 63) return 'dtls';
  return 'media';
}

export class UdpLink {
  /**
   * `lose(direction, protocol, number, datagram)` says whether to lose a datagram; `number` counts from 1 for each
   * direction ('up' to the server, 'down' from it) and protocol.
   */
  static async open(serverPort, lose = () => false) {
    const link = new UdpLink();
    link.serverPort = serverPort;
    link.lose = lose;
    /** What each datagram takes, one way. */
    link.delayMs = 0;
    link.clients = new Map();
    link.reset();
    link.socket = createSocket('udp4');
    link.socket.on('message', (datagram, from) => link.#up(datagram, from));
    link.address = ownAddress();
    link.socket.bind(0, link.address);
    await once(link.socket, 'listening');
    link.port = link.socket.address().port;
    return link;
  }

  /** Starts counting anew, for the next handshake. */
  reset(lose = this.lose) {
    this.lose = lose;
    this.counts = { up: {}, down: {} };
    this.lost = [];
  }

  #passes(direction, datagram) {
    const protocol = protocolOf(datagram);
    const number = (this.counts[direction][protocol] = (this.counts[direction][protocol] ?? 0) + 1);
    if (!this.lose(direction, protocol, number, datagram)) return true;
    this.lost.push({ direction, protocol, number, bytes: datagram.length });
    return false;
  }

  #carry(direction, datagram, send) {
    if (!this.#passes(direction, datagram)) return;
    if (this.delayMs === 0) send();
    else setTimeout(() => { if (!this.isClosed) send(); }, this.delayMs);
  }

  #up(datagram, from) {
    const key = `${from.address}:${from.port}`;
    let client = this.clients.get(key);
    if (!client) {
      client = createSocket('udp4');
      client.on('message', (answer) => {
        this.#carry('down', answer, () => this.socket.send(answer, from.port, from.address));
      });
      client.bind(0, '127.0.0.1');
      this.clients.set(key, client);
    }
    this.#carry('up', datagram, () => client.send(datagram, this.serverPort, '127.0.0.1'));
  }

  /** From now on the server sees every client at another port, and what it sends to the old ones is lost. */
  rebind() {
    for (const client of this.clients.values()) client.close();
    this.clients.clear();
  }

  close() {
    this.isClosed = true;
    this.socket.close();
    for (const client of this.clients.values()) client.close();
  }
}
