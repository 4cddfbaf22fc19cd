// `cargo xtask bench glass`: from camera to screen, through the server and from peer to peer, in one page of Chromium with one clock.
// The camera's pictures carry their number as a bar code; each is read off the own preview and off what arrives. Both ways send the
// same track with the same settings, one after the other in every run.

import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Server, freshPage, launchChromium, percentile, runs, say, tell } from './product.mjs';

const [WIDTH, HEIGHT, RATE] = [640, 360, 30];
/** One block of sync, then the bits of the number. */
const BITS = 7;
const NUMBERS = 2 ** BITS;
/** Each way in a run is watched for so long, after so much that is not counted. */
const [WATCH_MS, SETTLE_MS] = [5000, 3000];

const script = await readFile(new URL('../../browser/harness/protocol_client.js', import.meta.url), 'utf8');
const folder = await mkdtemp(join(tmpdir(), 'visavis-glass-'));
const clip = join(folder, 'numbers.y4m');
await film(clip);
const server = await Server.start();
const browser = await launchChromium([`--use-file-for-fake-video-capture=${clip}`]);
const ways = { visavis: [], 'peer-to-peer': [] };
try {
  const page = await freshPage(browser);
  await page.goto(server.url);
  await page.evaluate(`(() => { ${script} })()`);
  await page.evaluate(prepare, { WIDTH, HEIGHT, BITS });
  for (let run = 0; run < runs; run += 1) {
    const { room } = await server.createRoom();
    for (const who of run % 2 ? ['peer-to-peer', 'visavis'] : ['visavis', 'peer-to-peer']) {
      const latencies = await page.evaluate((who, room, watchMs, settleMs) => window.glass(who, room, watchMs, settleMs), who, room, WATCH_MS, SETTLE_MS);
      if (latencies.length < 20) throw new Error(`${who}: only ${latencies.length} pictures were recognised`);
      ways[who].push({ p50: percentile(latencies, 0.5), p95: percentile(latencies, 0.95) });
      say(`run ${run}, ${who}: p50 ${ways[who].at(-1).p50.toFixed(1)} ms of ${latencies.length} pictures`);
    }
  }
} finally {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true });
}

const note = `${WIDTH}×${HEIGHT}, ${RATE} a second, VP8, one encoding; from captureTime of the camera to presentationTime on the screen`;
const row = (who, metric, values) => ({ who, metric, unit: 'ms', values, note });
const of = (who, name) => ways[who].map((run) => run[name]);
tell([
  row('visavis', 'glass_p50_ms', of('visavis', 'p50')),
  row('peer-to-peer', 'glass_p50_ms', of('peer-to-peer', 'p50')),
  row('visavis', 'glass_p95_ms', of('visavis', 'p95')),
  row('peer-to-peer', 'glass_p95_ms', of('peer-to-peer', 'p95')),
  { ...row('visavis', 'glass_added_p50_ms', of('visavis', 'p50').map((ms, run) => ms - of('peer-to-peer', 'p50')[run])),
    note: 'the difference of the two, run by run' },
]);

/** A clip of numbered pictures: a white block, then a block for each bit, over moving stripes. */
async function film(path) {
  const file = await open(path, 'w');
  await file.write(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${RATE}:1 Ip A1:1 C420jpeg\n`);
  const block = WIDTH / (BITS + 1);
  for (let number = 0; number < NUMBERS; number += 1) {
    const frame = Buffer.alloc((WIDTH * HEIGHT * 3) / 2, 128);
    for (let row = 0; row < HEIGHT; row += 1) {
      for (let column = 0; column < WIDTH; column += 1) {
        const bit = Math.floor(column / block) - 1;
        const isWhite = bit < 0 || (number >> bit) & 1;
        const stripe = 64 + (((row + column + 8 * number) >> 4) & 7) * 16;
        frame[row * WIDTH + column] = row < HEIGHT / 2 ? (isWhite ? 235 : 16) : stripe;
      }
    }
    await file.write('FRAME\n');
    await file.write(frame);
  }
  await file.close();
}

/** In the page: `window.glass(who, …)` gives the latencies of the pictures that were recognised, in milliseconds. */
function prepare({ WIDTH, HEIGHT, BITS }) {
  const context = new OffscreenCanvas(WIDTH, 1).getContext('2d', { willReadFrequently: true });
  const read = (video) => {
    context.drawImage(video, 0, (HEIGHT / 4) * (video.videoHeight / HEIGHT), video.videoWidth, 1, 0, 0, WIDTH, 1);
    const { data } = context.getImageData(0, 0, WIDTH, 1);
    const level = (place) => data[4 * Math.floor(((place + 0.5) * WIDTH) / (BITS + 1))];
    if (level(0) < 150) return null;
    let number = 0;
    for (let bit = 0; bit < BITS; bit += 1) if (level(bit + 1) > 128) number |= 1 << bit;
    return number;
  };
  const show = (track) => {
    const video = document.createElement('video');
    Object.assign(video, { muted: true, autoplay: true, playsInline: true, srcObject: new MediaStream([track]) });
    document.body.append(video);
    video.play();
    return video;
  };
  const onFrames = (video, hear) => {
    const onFrame = (now, frame) => { hear(read(video), frame); video.requestVideoFrameCallback(onFrame); };
    video.requestVideoFrameCallback(onFrame);
  };
  const encodings = [{ scalabilityMode: 'L1T1', maxBitrate: 1_500_000 }];

  async function throughServer(room) {
    const [sender, viewer] = [new window.ProtocolClient(), new window.ProtocolClient()];
    const { peer } = await sender.join(room, 'Ada');
    await sender.connect({ audioSlots: 0, videoSlots: 0, width: WIDTH, height: HEIGHT, codec: 'vp8', scalability: 'L1T1' });
    await viewer.join(room, 'Bob');
    await viewer.connect({ publish: false, audioSlots: 0, videoSlots: 1 });
    const [mid] = viewer.videoMids();
    viewer.want([{ mid, peer, height: HEIGHT }]);
    const [camera] = sender.stream.getVideoTracks();
    const { receiver } = viewer.receiving('video')[0];
    return { camera, arriving: receiver.track, end: () => { sender.close(); viewer.close(); sender.stream.getTracks().forEach((track) => track.stop()); } };
  }

  async function fromPeerToPeer() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: WIDTH, height: HEIGHT } });
    const [camera] = stream.getVideoTracks();
    const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
    from.onicecandidate = ({ candidate }) => to.addIceCandidate(candidate);
    to.onicecandidate = ({ candidate }) => from.addIceCandidate(candidate);
    from.addTransceiver(stream.getAudioTracks()[0], { direction: 'sendonly' });
    const sending = from.addTransceiver(camera, { direction: 'sendonly', sendEncodings: encodings });
    const { codecs } = RTCRtpSender.getCapabilities('video');
    sending.setCodecPreferences(codecs.filter(({ mimeType }) => ['video/VP8', 'video/rtx'].includes(mimeType)));
    await from.setLocalDescription();
    await to.setRemoteDescription(from.localDescription);
    await to.setLocalDescription();
    await from.setRemoteDescription(to.localDescription);
    const { receiver } = to.getTransceivers().find((one) => one.receiver.track.kind === 'video');
    return { camera, arriving: receiver.track, end: () => { from.close(); to.close(); stream.getTracks().forEach((track) => track.stop()); } };
  }

  window.glass = async (who, room, watchMs, settleMs) => {
    const way = who === 'visavis' ? await throughServer(room) : await fromPeerToPeer();
    const videos = [show(way.camera), show(way.arriving)];
    const captured = new Map();
    const latencies = [];
    let counts = false;
    onFrames(videos[0], (number, frame) => { if (number !== null && frame.captureTime) captured.set(number, frame.captureTime); });
    onFrames(videos[1], (number, frame) => {
      if (!counts || number === null || !captured.has(number)) return;
      const latency = frame.presentationTime - captured.get(number);
      // The preview missed this picture: what it knows is of the round before.
      if (latency >= 0 && latency < 2000) latencies.push(latency);
    });
    await new Promise((resolve) => { setTimeout(resolve, settleMs); });
    counts = true;
    await new Promise((resolve) => { setTimeout(resolve, watchMs); });
    way.end();
    for (const video of videos) { video.srcObject = null; video.remove(); }
    return latencies;
  };
}
