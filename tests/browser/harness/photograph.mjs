// A photograph of a person as the camera: what is before and behind them is known to the pixel.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GOLDENS, png } from '../../effects/module.mjs';

const PHOTOGRAPH = new URL('hopper-256x144.picture.png', GOLDENS);
const [WIDTH, HEIGHT, SCALE, FRAMES] = [1280, 720, 5, 4];

/** Parts of the picture, as shares of its width and height: the face, and a flag behind the person. */
export const FACE = { left: 0.4375, top: 0.417, width: 0.11, height: 0.19 };
export const FLAG = { left: 0.047, top: 0.083, width: 0.156, height: 0.278 };

/** A file for Chromium's `--use-file-for-fake-video-capture`; the pictures differ by a little noise, as a camera's do. */
export async function cameraFile() {
  const { width, samples } = await png(PHOTOGRAPH);
  const folder = await mkdtemp(join(tmpdir(), 'visavis-camera-'));
  const path = join(folder, 'camera.y4m');
  const pieces = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F20:1 Ip A1:1 C420jpeg\n`)];
  for (let frame = 0; frame < FRAMES; frame += 1) pieces.push(Buffer.from('FRAME\n'), picture(samples, width, frame));
  await writeFile(path, Buffer.concat(pieces));
  return { path, remove: () => rm(folder, { recursive: true }) };
}

/** The first picture of such a file, as I420 of 1280 × 720. */
export async function pictureOf({ path }) {
  const file = await readFile(path);
  const start = file.indexOf('FRAME\n') + 'FRAME\n'.length;
  return file.subarray(start, start + (WIDTH * HEIGHT * 3) / 2);
}

/** I420 (BT.601, limited range). */
function picture(samples, width, frame) {
  const bytes = Buffer.alloc((WIDTH * HEIGHT * 3) / 2);
  let state = 7 + frame;
  const noise = () => { state = (state * 48271) % 2147483647; return (state % 5) - 2; };
  const at = (row, column) => 3 * (Math.floor(row / SCALE) * width + Math.floor(column / SCALE));
  for (let place = 0; place < WIDTH * HEIGHT; place += 1) {
    const [r, g, b] = samples.subarray(at(Math.floor(place / WIDTH), place % WIDTH));
    bytes[place] = Math.max(16, Math.min(235, 16.5 + 0.2568 * r + 0.5041 * g + 0.0979 * b + noise()));
  }
  const quarter = (WIDTH * HEIGHT) / 4;
  for (let place = 0; place < quarter; place += 1) {
    const [r, g, b] = samples.subarray(at(2 * Math.floor(place / (WIDTH / 2)), 2 * (place % (WIDTH / 2))));
    bytes[4 * quarter + place] = 128.5 - 0.1482 * r - 0.291 * g + 0.4392 * b;
    bytes[5 * quarter + place] = 128.5 + 0.4392 * r - 0.3678 * g - 0.0714 * b;
  }
  return bytes;
}

/** For `freshPage`: the same camera in a browser that takes none from a file. */
export async function cameraOfPage() {
  const address = `data:image/png;base64,${(await readFile(PHOTOGRAPH)).toString('base64')}`;
  return { run: standIn, with: [address, WIDTH, HEIGHT] };
}

function standIn(address, width, height) {
  const devices = navigator.mediaDevices;
  // An empty page has none.
  if (!devices) return;
  const original = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    if (!constraints.video) return original(constraints);
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d');
    context.imageSmoothingEnabled = false;
    let count = 0;
    const draw = () => {
      context.drawImage(image, 0, 0, width, height);
      // Something has to change for the canvas to be captured.
      context.fillStyle = `rgb(${(count += 1) % 8}, 0, 0)`;
      context.fillRect(width - 2, height - 2, 2, 2);
    };
    draw();
    setInterval(draw, 50);
    const stream = canvas.captureStream(20);
    if (constraints.audio) (await original({ audio: constraints.audio })).getAudioTracks().forEach((track) => stream.addTrack(track));
    return stream;
  };
}

/**
 * Watches every picture that the video element of this selector shows from now on. `window.pictures` collects for each of them
 * when it was shown and, for both parts, its mean luma and its sharpness (mean difference of neighbours).
 */
export async function watch(page, selector) {
  await page.evaluate((selector, parts) => {
    window.pictures = [];
    const [width, height] = [320, 180];
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const measure = ({ left, top, width: share, height: down }) => {
      const [w, h] = [Math.round(share * width), Math.round(down * height)];
      const { data } = context.getImageData(Math.round(left * width), Math.round(top * height), w, h);
      let [sum, differences] = [0, 0];
      const luma = (at) => 0.299 * data[4 * at] + 0.587 * data[4 * at + 1] + 0.114 * data[4 * at + 2];
      for (let at = 0; at < w * h; at += 1) {
        sum += luma(at);
        if (at % w < w - 1) differences += Math.abs(luma(at) - luma(at + 1));
      }
      return { luma: sum / (w * h), sharpness: differences / (w * h) };
    };
    const video = document.querySelector(selector);
    const shown = () => {
      context.drawImage(video, 0, 0, width, height);
      const found = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, measure(part)]));
      window.pictures.push({ at: performance.timeOrigin + performance.now(), height: video.videoHeight, ...found });
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  }, selector, { face: FACE, flag: FLAG });
}

/** The pictures since the last call. */
export const pictures = (page) => page.evaluate(() => window.pictures.splice(0));
