// A participant on libdatachannel: sends RTP that GStreamer encoded, as its users do, and depacketises what it receives.
// The library carries RTP and decodes nothing. One JSON object a line, in and out; see harness/foreign.mjs.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import datachannel from 'node-datachannel';

const AUDIO = { payloadType: 111, ssrc: 1001 };
const VIDEO = { payloadType: 96, ssrc: 2002 };

// Each RTP packet behind its length in two bytes (RFC 4571), on standard output.
const AUDIO_PIPELINE = 'audiotestsrc is-live=true freq=440 volume=0.3 ! audio/x-raw,rate=48000,channels=1 ! audioconvert ! '
  + `opusenc ! rtpopuspay pt=${AUDIO.payloadType} ssrc=${AUDIO.ssrc} ! rtpstreampay ! fdsink fd=1 sync=false`;
const VIDEO_PIPELINE = 'videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=20/1 ! videoconvert ! '
  + 'vp8enc deadline=1 cpu-used=8 keyframe-max-dist=20 target-bitrate=600000 ! '
  + `rtpvp8pay pt=${VIDEO.payloadType} ssrc=${VIDEO.ssrc} picture-id-mode=15-bit ! rtpstreampay ! fdsink fd=1 sync=false`;

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** Runs a pipeline and calls back with each RTP packet. */
function encode(pipeline, onPacket) {
  const encoder = spawn('gst-launch-1.0', ['-q', ...pipeline.split(' ')], { stdio: ['ignore', 'pipe', 'inherit'] });
  let rest = Buffer.alloc(0);
  encoder.stdout.on('data', (data) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0);
      onPacket(rest.subarray(2, end));
      rest = rest.subarray(end);
    }
  });
  return encoder;
}

/** The payload of an RTP packet (RFC 3550 §5.1) and what is needed of its header; nothing for RTCP (RFC 5761 §4). */
function parse(packet) {
  if (packet.length < 12 || (packet[1] >= 192 && packet[1] <= 223)) return null;
  let start = 12 + 4 * (packet[0] & 15);
  if (packet[0] & 0x10) start += 4 + 4 * packet.readUInt16BE(start + 2);
  const padding = packet[0] & 0x20 ? packet[packet.length - 1] : 0;
  return { marker: packet[1] >= 128, sequence: packet.readUInt16BE(2), payload: packet.subarray(start, packet.length - padding) };
}

/** The frame behind a VP8 payload descriptor (RFC 7741 §4.2), and whether the packet starts one. */
function vp8Frame(payload) {
  let at = 1;
  if (payload[0] & 0x80) {
    const flags = payload[1];
    at = 2;
    if (flags & 0x80) at += payload[at] & 0x80 ? 2 : 1;
    if (flags & 0x40) at += 1;
    if (flags & 0x30) at += 1;
  }
  return { starts: (payload[0] & 0x17) === 0x10, data: payload.subarray(at) };
}

const video = { frames: 0, keyFrames: 0, width: 0, height: 0, gaps: 0, bytes: 0 };
const audio = { frames: 0, energy: 0 };
let lastSequence;

function onVideo(packet) {
  const rtp = parse(packet);
  if (!rtp || rtp.payload.length === 0) return;
  if (lastSequence !== undefined && rtp.sequence !== ((lastSequence + 1) & 0xffff)) video.gaps += 1;
  lastSequence = rtp.sequence;
  const { starts, data } = vp8Frame(rtp.payload);
  video.bytes += data.length;
  if (rtp.marker) video.frames += 1;
  // RFC 6386 §9.1: the P bit is 0 in a key frame, then come the start code and the dimensions.
  if (starts && (data[0] & 1) === 0 && data[3] === 0x9d && data[4] === 0x01 && data[5] === 0x2a) {
    video.keyFrames += 1;
    video.width = data.readUInt16LE(6) & 0x3fff;
    video.height = data.readUInt16LE(8) & 0x3fff;
  }
}

function onAudio(packet) {
  const rtp = parse(packet);
  // RFC 6716 §3.1, §3.4: one byte of configuration; what has no more than that is silence.
  if (rtp && rtp.payload.length > 1) audio.frames += 1;
}

let connection;
const encoders = [];

function start() {
  connection = new datachannel.PeerConnection('peer', { iceServers: [], disableAutoNegotiation: true });
  const microphone = new datachannel.Audio('0', 'SendOnly');
  microphone.addOpusCodec(AUDIO.payloadType);
  microphone.addSSRC(AUDIO.ssrc, 'peer', 'peer', 'microphone');
  const camera = new datachannel.Video('1', 'SendOnly');
  camera.addVP8Codec(VIDEO.payloadType);
  camera.addSSRC(VIDEO.ssrc, 'peer', 'peer', 'camera');
  const hears = new datachannel.Audio('2', 'RecvOnly');
  hears.addOpusCodec(AUDIO.payloadType);
  const sees = new datachannel.Video('3', 'RecvOnly');
  sees.addVP8Codec(VIDEO.payloadType);

  for (const [description, source] of [[microphone, AUDIO_PIPELINE], [camera, VIDEO_PIPELINE]]) {
    const track = connection.addTrack(description);
    track.onOpen(() => encoders.push(encode(source, (packet) => track.isOpen() && track.sendMessageBinary(packet))));
  }
  for (const [description, onPacket] of [[hears, onAudio], [sees, onVideo]]) {
    const track = connection.addTrack(description);
    track.setMediaHandler(new datachannel.RtcpReceivingSession());
    track.onMessage(onPacket);
    received.push(track);
  }
  connection.onGatheringStateChange((state) => {
    if (state === 'complete') say({ type: 'offer', sdp: connection.localDescription().sdp });
  });
  connection.setLocalDescription('offer');
}

/** Tracks that nothing else refers to would be collected. */
const received = [];

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const message = JSON.parse(line);
    if (message.type === 'start') start();
    if (message.type === 'answer') {
      connection.setRemoteDescription(message.sdp, 'answer');
      setInterval(() => say({ type: 'report', state: connection.state(), video, audio, bytesReceived: connection.bytesReceived() }), 500);
    }
  })
  .on('close', () => {
    for (const encoder of encoders) encoder.kill();
    connection?.close();
    datachannel.cleanup();
    process.exit(0);
  });
