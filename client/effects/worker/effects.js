// The worker of the background effects. Pictures of the camera come in, the module draws what is behind the person, and the
// result goes out. It decides nothing: the page says which effect, which camera, and how often the person is looked for.
//
// A picture that could not be processed is dropped, never passed on: what comes out has always been through the module.
//
// In:  { type: 'load', module, model }           addresses of the module and of its model
//      { type: 'blur', strength }                from 0 to 1
//      { type: 'picture', pixels, width, height } RGBA, shown behind the person
//      { type: 'spacing', pictures }             the person is looked for in every so many pictures
//      { type: 'halving', isHalving }            whether pictures of 720 lines and more are halved
//      { type: 'camera', readable | track }      a new camera; nothing of the one before comes out any more
//      { type: 'sink', writable | generate | page }
//      { type: 'frame', frame }                  one picture, where the page has to fetch them
//      { type: 'changed' }                       those that follow are of another camera
//      { type: 'wake', ms }                      say 'woken' so often; 0: no more
// Out: { type: 'loaded' }, { type: 'failed', reason }, { type: 'track', track }, without one where workers make none,
//      { type: 'woken' },
//      { type: 'drawn', frame } or { type: 'dropped' } for each 'frame'
//      { type: 'report', processed, dropped, medianMs, width, height } once a second while pictures come

'use strict';

/** After so many pictures in a row that could not be processed, something is broken for good. */
const FAILURES_MAX = 30;
const REPORT_MS = 1000;
/** Effects for which a compositor has yet to be made: the newest wins. */
let wanted = { type: 'blur', strength: 1 };
let spacing = 1;
/** Whether pictures of so many lines are halved. */
let isHalving = false;
const HALVED_MIN = 720;

let engine;
let segmenter = 0;
let compositor = 0;
let size = { width: 0, height: 0 };
/** What is to be told the compositor before the next picture. */
let isChanged = false;
let isNewCamera = false;
let sincePerson = 0;
let failures = 0;

/** Ends the loop over the camera before. */
let reader;
let sink;
let waker;
let isDrawing = false;

let times = [];
let dropped = 0;
let reportedAt = 0;

self.onmessage = ({ data }) => {
  const handle = handlers[data.type];
  Promise.resolve(handle(data)).catch(fail);
};

const handlers = {
  async load({ module, model }) {
    const [program, file] = await Promise.all([fetched(module), fetched(model)]);
    const { instance } = await WebAssembly.instantiate(program, {});
    engine = instance.exports;
    segmenter = lend(new Uint8Array(file), (at, length) => engine.segmenter_new(at, length));
    if (segmenter === 0) throw new Error('the model was refused');
    self.postMessage({ type: 'loaded' });
  },
  blur(message) {
    wanted = message;
    isChanged = true;
  },
  picture(message) {
    wanted = message;
    isChanged = true;
  },
  spacing({ pictures }) {
    spacing = pictures;
  },
  halving({ isHalving: isWanted }) {
    isHalving = isWanted;
  },
  camera({ readable, track }) {
    reader?.cancel().catch(() => {});
    isNewCamera = true;
    const stream = readable ?? new self.MediaStreamTrackProcessor({ track }).readable;
    return follow(stream.getReader());
  },
  changed() {
    isNewCamera = true;
  },
  sink({ writable, generate, page }) {
    if (generate && !(self.VideoTrackGenerator && self.MediaStreamTrackProcessor)) {
      self.postMessage({ type: 'track' });
    } else if (generate) {
      const generator = new self.VideoTrackGenerator();
      sink = new StreamSink(generator.writable);
      self.postMessage({ type: 'track', track: generator.track }, [generator.track]);
    } else {
      sink = page ? new PageSink() : new StreamSink(writable);
    }
  },
  async frame({ frame }) {
    if (!(await show(frame))) self.postMessage({ type: 'dropped' });
  },
  wake({ ms }) {
    clearInterval(waker);
    waker = ms > 0 ? setInterval(() => self.postMessage({ type: 'woken' }), ms) : undefined;
  },
};

/** Where results go in browsers that make tracks of streams. */
class StreamSink {
  constructor(writable) {
    this.writer = writable.getWriter();
  }

  async put(frame) {
    // Closes the frame.
    await this.writer.write(frame);
  }
}

/** Where they go in browsers whose page draws them on a canvas. */
class PageSink {
  async put(frame) {
    self.postMessage({ type: 'drawn', frame }, [frame]);
  }
}

async function follow(frames) {
  reader = frames;
  for (;;) {
    const { value: frame, done } = await frames.read();
    if (done) return;
    // Another camera was chosen while this one was waited for.
    if (reader !== frames) return frame.close();
    await show(frame);
  }
}

/** One picture, from the camera to the sink; tells whether it got there. */
async function show(frame) {
  if (!segmenter || !sink || isDrawing) {
    dropped += 1;
    frame.close();
    return false;
  }
  isDrawing = true;
  try {
    const began = performance.now();
    const result = await draw(frame);
    times.push(performance.now() - began);
    await sink.put(result);
    failures = 0;
    return true;
  } catch (error) {
    dropped += 1;
    failures += 1;
    if (failures >= FAILURES_MAX) fail(error);
    return false;
  } finally {
    frame.close();
    isDrawing = false;
    report();
  }
}

async function draw(frame) {
  const { x, y, width, height } = frame.visibleRect;
  // Cameras that are held sideways: the person is looked for, and sent, as they stand.
  const quarters = ((frame.rotation ?? 0) / 90) & 3;
  const isTurned = quarters > 0 || frame.flip === true;
  const isOfLuma = frame.format === 'NV12' || frame.format === 'I420';
  const isHalved = isHalving && isOfLuma && Math.min(width, height) >= HALVED_MIN;
  const even = isHalved ? ~3 : ~1;
  const rect = { x, y, width: width & even, height: height & even };
  const [across, down] = quarters % 2 === 1 ? [rect.height, rect.width] : [rect.width, rect.height];
  if (isHalved) fit(across / 2, down / 2);
  else fit(across, down);
  if (!isOfLuma) {
    await takeColours(frame, rect, isTurned);
  } else if (isTurned || isHalved) {
    await takeTurned(frame, rect, quarters, isHalved);
  } else {
    await frame.copyTo(input(), { rect });
  }
  // What was turned or halved is I420 whatever it was.
  const isNv12 = frame.format === 'NV12' && !isTurned && !isHalved;
  const isLooking = sincePerson === 0;
  sincePerson = (sincePerson + 1) % spacing;
  const at = engine.compositor_process(compositor, isLooking ? segmenter : 0, isNv12);
  const { timestamp, duration } = frame;
  const colorSpace = isOfLuma ? frame.colorSpace : BT601;
  return new VideoFrame(new Uint8Array(engine.memory.buffer, at, bytes()), {
    format: 'I420', codedWidth: size.width, codedHeight: size.height, timestamp, ...(duration ? { duration } : {}), colorSpace,
  });
}

/** What the module makes of red, green and blue. */
const BT601 = { primaries: 'smpte170m', transfer: 'smpte170m', matrix: 'smpte170m', fullRange: false };

/** Room in the module for a picture that cannot be used as it comes, once there has been one. */
let room = { at: 0, length: 0 };
let scratch;

/** Where so many bytes can be written. */
function roomFor(length) {
  if (room.length !== length) {
    if (room.length > 0) engine.effects_release(room.at, room.length);
    room = { at: engine.effects_allocate(length), length };
  }
  return new Uint8Array(engine.memory.buffer, room.at, length);
}

/** A picture that is shown turned or smaller: the module writes it upright. */
async function takeTurned(frame, rect, quarters, isHalved) {
  await frame.copyTo(roomFor((rect.width * rect.height * 3) / 2), { rect });
  const isTaken = engine.compositor_take_turned(
    compositor, room.at, room.length, frame.format === 'NV12', quarters, frame.flip === true, isHalved);
  if (!isTaken) throw new Error('not as long as its size says');
}

/** A picture in a format of a screen: the browser unpacks it, the module turns it into luma and colours. */
async function takeColours(frame, rect, isTurned) {
  const { width, height } = size;
  const length = 4 * width * height;
  const pixels = () => roomFor(length);
  try {
    // A canvas turns it, a copy does not.
    if (isTurned) throw new Error('turned');
    await frame.copyTo(pixels(), { rect, format: 'RGBA' });
  } catch {
    // Browsers that do not convert while they copy.
    scratch ??= new OffscreenCanvas(width, height);
    if (scratch.width !== width || scratch.height !== height) Object.assign(scratch, { width, height });
    const context = scratch.getContext('2d', { willReadFrequently: true, alpha: false });
    context.drawImage(frame, 0, 0);
    pixels().set(context.getImageData(0, 0, width, height).data);
  }
  if (!engine.compositor_take_rgba(compositor, room.at, length)) throw new Error('not four bytes a pixel');
}

/** A compositor of this size, with the effect that is wanted. */
function fit(width, height) {
  if (width !== size.width || height !== size.height) {
    if (compositor) engine.compositor_release(compositor);
    size = { width, height };
    compositor = engine.compositor_new(width, height, 1);
    if (compositor === 0) {
      size = { width: 0, height: 0 };
      throw new Error(`no effect for pictures of ${width} × ${height}`);
    }
    isChanged = true;
    isNewCamera = true;
  }
  if (isNewCamera) {
    engine.compositor_forget(compositor);
    sincePerson = 0;
    isNewCamera = false;
  }
  if (!isChanged) return;
  isChanged = false;
  if (wanted.type === 'blur') {
    engine.compositor_blur(compositor, wanted.strength);
  } else {
    const { pixels, width: across, height: down } = wanted;
    const isSet = lend(pixels, (at, length) => engine.compositor_picture(compositor, at, length, across, down, false));
    if (!isSet) throw new Error('the background picture was refused');
  }
}

const bytes = () => (size.width * size.height * 3) / 2;

const input = () => new Uint8Array(engine.memory.buffer, engine.compositor_input(compositor), bytes());

/** Calls `use` with a copy of these bytes in the module's memory. */
function lend(source, use) {
  const at = engine.effects_allocate(source.length);
  new Uint8Array(engine.memory.buffer, at, source.length).set(source);
  try {
    return use(at, source.length);
  } finally {
    engine.effects_release(at, source.length);
  }
}

async function fetched(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.arrayBuffer();
}

function report() {
  const now = performance.now();
  if (now - reportedAt < REPORT_MS) return;
  reportedAt = now;
  times.sort((one, other) => one - other);
  const medianMs = times[times.length >> 1] ?? 0;
  self.postMessage({ type: 'report', processed: times.length, dropped, medianMs, ...size });
  times = [];
  dropped = 0;
}

function fail(error) {
  self.postMessage({ type: 'failed', reason: String(error?.message ?? error) });
}
