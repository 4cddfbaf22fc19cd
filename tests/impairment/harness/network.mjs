// Networks for clients: a namespace each, joined to ours by a veth pair. The tier runs in a namespace of its own, so that
// names and addresses meet nobody else's (xtask/src/impairment.rs).

import { spawn, execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

const run = (line) => {
  const [program, ...words] = line.split(' ');
  return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
};

/** Our own end: without it the server's site cannot be reached. */
export function loopbackUp() {
  run('ip link set lo up');
}

export class Network {
  static #count = 0;
  #keeper;

  /** A namespace with one interface; `gateway` is our address in it. */
  static async open() {
    const network = new Network();
    const number = (Network.#count += 1);
    network.veth = `veth${number}`;
    network.gateway = `10.77.${number}.1`;
    network.address = `10.77.${number}.2`;
    network.#keeper = spawn('unshare', ['--net', 'sh', '-c', 'echo here; exec sleep 3600'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(network.#keeper.stdout, 'data');
    run(`ip link add ${network.veth} type veth peer name eth0 netns ${network.pid}`);
    run(`ip address add ${network.gateway}/24 dev ${network.veth}`);
    run(`ip link set ${network.veth} up`);
    network.inside('ip link set lo up');
    network.inside(`ip address add ${network.address}/24 dev eth0`);
    network.inside('ip link set eth0 up');
    network.inside(`ip route add default via ${network.gateway}`);
    return network;
  }

  get pid() { return this.#keeper.pid; }

  /** Runs a command in the namespace. */
  inside(line) { return run(`nsenter --target ${this.pid} --net ${line}`); }

  /** A program that starts `program` in the namespace. */
  wrap(program) {
    const file = join(mkdtempSync(join(tmpdir(), 'visavis-network-')), 'start');
    writeFileSync(file, `#!/bin/sh\nexec nsenter --target ${this.pid} --net "${program}" "$@"\n`);
    chmodSync(file, 0o755);
    return file;
  }

  /** Limits what the client receives (`down`) or sends (`up`); null takes the limit away. */
  rate(direction, kbit) {
    const tc = (line) => (direction === 'down' ? run(`tc qdisc ${line.replace('DEV', this.veth)}`) : this.inside(`tc qdisc ${line.replace('DEV', 'eth0')}`));
    if (kbit === null) tc('del dev DEV root');
    else tc(`replace dev DEV root tbf rate ${kbit}kbit burst 8kb latency 250ms`);
  }

  /** Drops this share of the UDP datagrams that reach the client. In an input hook: elsewhere a drop fails the send. */
  lose(perMille) {
    this.inside('nft flush ruleset');
    if (perMille === 0) return;
    this.inside('nft add table inet line');
    this.inside('nft add chain inet line input { type filter hook input priority 0 ; }');
    this.inside(`nft add rule inet line input meta l4proto udp numgen random mod 1000 < ${perMille} counter drop`);
  }

  /** Moves the client to another address of the same network, as when it changes from one access point to another. */
  move() {
    const next = this.address.replace(/\d+$/, (last) => `${Number(last) + 1}`);
    this.inside(`ip address del ${this.address}/24 dev eth0`);
    this.inside(`ip address add ${next}/24 dev eth0`);
    this.inside(`ip route replace default via ${this.gateway}`);
    this.address = next;
  }

  close() { this.#keeper.kill(); }
}
