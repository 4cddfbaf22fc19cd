// Makes the captures in server/sfu/src/rtp/fixtures: the beginning of what Chromium sends in a codec and scalability
// mode, beside what Chromium itself says of each frame (RTCEncodedVideoFrame.getMetadata).
//
//   node tests/browser/capture/capture.mjs vp9 L3T3_KEY 1280x720 > server/sfu/src/rtp/fixtures/chromium-vp9-l3t3-key.txt

import { createServer } from 'node:http';
import { once } from 'node:events';
import puppeteer from 'puppeteer-core';
import { chromiumProgram } from '../harness/browsers.mjs';

const PICTURES = 24;
/** Enough for the longest payload descriptor with a scalability structure. */
const PAYLOAD_BYTES = 40;
const DESCRIPTOR_URI = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

const [codec, mode, size = '640x360'] = process.argv.slice(2);
const [width, height] = size.split('x').map(Number);

/** In the page: sends a camera to itself for a while. */
async function send(codec, scalabilityMode, width, height, descriptorUri) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { exact: width }, height: { exact: height } } });
  const from = new RTCPeerConnection({ encodedInsertableStreams: true });
  const to = new RTCPeerConnection();
  from.onicecandidate = ({ candidate }) => to.addIceCandidate(candidate);
  to.onicecandidate = ({ candidate }) => from.addIceCandidate(candidate);
  const transceiver = from.addTransceiver(stream.getVideoTracks()[0], { direction: 'sendonly', sendEncodings: [{ scalabilityMode }] });
  const { codecs } = RTCRtpSender.getCapabilities('video');
  transceiver.setCodecPreferences(codecs.filter(({ mimeType, sdpFmtpLine = '' }) => mimeType.toLowerCase() === `video/${codec}`
    && (codec !== 'vp9' || sdpFmtpLine.includes('profile-id=0'))));
  const frames = [];
  const { readable, writable } = transceiver.sender.createEncodedStreams();
  const noting = new TransformStream({
    transform(frame, controller) {
      frames.push({ type: frame.type, ...frame.getMetadata() });
      controller.enqueue(frame);
    },
  });
  readable.pipeThrough(noting).pipeTo(writable);
  await from.setLocalDescription();
  await to.setRemoteDescription(from.localDescription);
  await to.setLocalDescription();
  await from.setRemoteDescription(to.localDescription);
  await new Promise((resolve) => setTimeout(resolve, 9000));
  const line = to.localDescription.sdp.split('\r\n').find((one) => one.startsWith('a=extmap:') && one.endsWith(descriptorUri));
  return { frames, descriptorId: Number.parseInt(line.slice('a=extmap:'.length), 10) };
}

/** An RTP packet: what the fixture says of it. */
function parse(bytes, descriptorId) {
  const packet = Buffer.from(bytes);
  let at = 12 + 4 * (packet[0] & 15);
  let descriptor;
  if (packet[0] & 0x10) {
    const profile = packet.readUInt16BE(at);
    const end = at + 4 + 4 * packet.readUInt16BE(at + 2);
    at += 4;
    while (at < end) {
      if (packet[at] === 0) { at += 1; continue; }
      const isLong = profile === 0x1000;
      const id = isLong ? packet[at] : packet[at] >> 4;
      const length = isLong ? packet[at + 1] : (packet[at] & 15) + 1;
      at += isLong ? 2 : 1;
      if (id === descriptorId) descriptor = packet.subarray(at, at + length);
      at += length;
    }
    at = end;
  }
  const padding = packet[0] & 0x20 ? packet[packet.length - 1] : 0;
  return {
    marker: packet[1] >> 7, type: packet[1] & 127, sequence: packet.readUInt16BE(2), timestamp: packet.readUInt32BE(4),
    ssrc: packet.readUInt32BE(8), payload: packet.subarray(at, packet.length - padding), descriptor,
  };
}

const site = createServer((_, response) => { response.setHeader('content-type', 'text/html'); response.end('<!doctype html>'); }).listen(0);
await once(site, 'listening');
const browser = await puppeteer.launch({
  executablePath: chromiumProgram(),
  args: ['--no-sandbox', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=fps=20', '--allow-loopback-in-peer-connection',
    // Prints every packet before it is encrypted.
    '--enable-logging=stderr', '--vmodule=*srtp*=5', '--force-fieldtrials=WebRTC-Debugging-RtpDump/Enabled/'],
});
let log = '';
browser.process().stderr.on('data', (data) => { log += data; });
const version = await browser.version();
const page = await browser.newPage();
await page.goto(`http://localhost:${site.address().port}/`);
const { frames, descriptorId } = await page.evaluate(send, codec, mode, width, height, DESCRIPTOR_URI);
await browser.close();
site.close();

const dumped = [...log.matchAll(/^O \S+ 0000((?: [0-9a-f]{2})+) # RTP_DUMP/gm)].map(([, hex]) => parse(Buffer.from(hex.replaceAll(' ', ''), 'hex'), descriptorId));
const { payloadType, synchronizationSource } = frames[0];
const packets = dumped.filter(({ type, ssrc, payload }) => type === payloadType && ssrc === synchronizationSource && payload.length > 0);
const times = [...new Set(packets.map(({ timestamp }) => timestamp))].slice(0, PICTURES);
console.log(`# ${version}, ${codec} ${mode}, ${size}; see tests/browser/capture/capture.mjs`);
for (const timestamp of times) {
  for (const frame of frames.filter(({ rtpTimestamp }) => rtpTimestamp === timestamp)) {
    const { type, frameId, spatialIndex, temporalIndex, dependencies } = frame;
    console.log(['frame', timestamp, type, frameId, spatialIndex, temporalIndex, `${frame.width}x${frame.height}`, ...dependencies].join(' '));
  }
  for (const packet of packets.filter((one) => one.timestamp === timestamp)) {
    const payload = packet.payload.subarray(0, PAYLOAD_BYTES).toString('hex');
    console.log(['packet', packet.timestamp, packet.sequence, packet.marker, payload, packet.descriptor?.toString('hex') ?? '-'].join(' '));
  }
}
