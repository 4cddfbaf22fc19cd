// What the benchmarks of the whole product share: the server that `cargo xtask bench` built, people in it, and percentiles.

export { Server, freePort } from '../../browser/harness/server.mjs';
export { launchChromium, freshPage } from '../../browser/harness/browsers.mjs';
export { Participant } from '../../browser/harness/participant.mjs';
export { until } from '../../browser/harness/until.mjs';
export { tell } from './serve.mjs';

/** The number after `--runs`. */
export const runs = Number(process.argv[process.argv.indexOf('--runs') + 1]);

/** The value that the fraction `quantile` of `values` does not exceed. */
export function percentile(values, quantile) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * quantile) - 1))];
}

export const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** What is done here, for whoever waits; standard output is for the result alone. */
export const say = (line) => process.stderr.write(`${line}\n`);

/**
 * Runs in a page before its own scripts: notes in `window.frames` when frames of other people's tiles were handed to the screen, by
 * the page's clock, and when the way into the meeting passed its marks.
 */
export function noteFrames() {
  window.remoteFrames = [];
  window.marks = {};
  const mark = (name) => { window.marks[name] ??= performance.now(); };
  const watched = new WeakSet();
  const watch = (video) => {
    if (watched.has(video)) return;
    watched.add(video);
    const onFrame = (now, frame) => {
      mark('frame');
      if (window.remoteFrames.length < 100_000) window.remoteFrames.push(frame.presentationTime);
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
  };
  const look = () => document.querySelectorAll('[data-testid="tile"][data-self="false"] video').forEach(watch);
  new MutationObserver(look).observe(document, { subtree: true, childList: true });
  document.addEventListener('click', ({ target }) => {
    if (target.closest?.('[data-testid="join"]')) mark('click');
  }, true);
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function noted(...words) {
    mark('socket');
    this.addEventListener('message', ({ data }) => {
      for (const type of ['welcome', 'answer']) if (typeof data === 'string' && data.startsWith(`{"type":"${type}"`)) mark(type);
    });
    return send.apply(this, words);
  };
  const Connection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(...words) {
      super(...words);
      this.addEventListener('connectionstatechange', () => { if (this.connectionState === 'connected') mark('connected'); });
    }
  };
}
