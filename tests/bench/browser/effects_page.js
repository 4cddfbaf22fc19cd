// Finds the person in a photograph with each runtime, all of them in this page and on one thread, taking turns.

import { FilesetResolver, ImageSegmenter } from '/npm/@mediapipe/tasks-vision/vision_bundle.mjs';

const [WIDTH, HEIGHT] = [256, 144];
const PIXELS = WIDTH * HEIGHT;
const MODEL = '/effects/selfie_segmentation_landscape.tflite';
/** Inferences of a contender before the next has its turn. */
const TURN = 30;
/** Before anything is measured: browsers compile in the background what runs often. */
const WARM_UP = 60;

const bytes = async (address) => {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.arrayBuffer();
};

/** The photograph from 0 to 1, colour beside colour. */
const unit = (photograph) => Float32Array.from(photograph, (value) => value / 255);

async function visavis(file) {
  const { instance: { exports: module } } = await WebAssembly.instantiate(await bytes(`/effects/${file}`), {});
  const model = new Uint8Array(await bytes(MODEL));
  const place = module.effects_allocate(model.length);
  new Uint8Array(module.memory.buffer, place, model.length).set(model);
  const segmenter = module.segmenter_new(place, model.length);
  return {
    show(photograph) {
      const picture = unit(photograph);
      for (let row = 0; row < HEIGHT; row += 1) {
        const at = module.segmenter_input_row(segmenter, row);
        new Float32Array(module.memory.buffer, at, 3 * WIDTH).set(picture.subarray(3 * WIDTH * row, 3 * WIDTH * (row + 1)));
      }
    },
    run: () => module.segmenter_run(segmenter),
    mask: (at) => new Float32Array(module.memory.buffer, at, PIXELS).slice(),
  };
}

async function liteRt() {
  const { loadLiteRt, loadAndCompile, Tensor } = await import('/npm/@litertjs/core/dist/index.js');
  await loadLiteRt('/npm/@litertjs/core/wasm/', { threads: false });
  const model = await loadAndCompile(MODEL, { accelerator: 'wasm', cpuOptions: { numThreads: 1 } });
  let input;
  return {
    show(photograph) {
      input?.delete();
      input = new Tensor(unit(photograph), [1, HEIGHT, WIDTH, 3]);
    },
    run: async () => (await model.run(input))[0],
    mask: async (tensor) => new Float32Array(await tensor.data()),
    release: (tensor) => tensor.delete(),
  };
}

async function onnxRuntime() {
  const ort = await import('/npm/onnxruntime-web/dist/ort.wasm.min.mjs');
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = '/npm/onnxruntime-web/dist/';
  const session = await ort.InferenceSession.create('/made/model.onnx', { executionProviders: ['wasm'] });
  let feeds;
  return {
    show(photograph) {
      const picture = unit(photograph);
      const planes = Float32Array.from(picture, (_, at) => picture[3 * (at % PIXELS) + Math.floor(at / PIXELS)]);
      feeds = { [session.inputNames[0]]: new ort.Tensor('float32', planes, [1, 3, HEIGHT, WIDTH]) };
    },
    run: async () => (await session.run(feeds))[session.outputNames[0]],
    mask: (tensor) => tensor.data,
  };
}

async function tasksVision() {
  const files = await FilesetResolver.forVisionTasks('/npm/@mediapipe/tasks-vision/wasm');
  const segmenter = await ImageSegmenter.createFromOptions(files, {
    baseOptions: { modelAssetPath: '/made/model.task.tflite', delegate: 'CPU' },
    runningMode: 'VIDEO', outputConfidenceMasks: true, outputCategoryMask: false,
  });
  const picture = new ImageData(WIDTH, HEIGHT);
  let timestamp = 0;
  return {
    show(photograph) {
      for (let at = 0; at < PIXELS; at += 1) picture.data.set([...photograph.subarray(3 * at, 3 * at + 3), 255], 4 * at);
    },
    run() {
      timestamp += 33;
      let mask;
      segmenter.segmentForVideo(picture, timestamp, (result) => { mask = result.confidenceMasks[0].getAsFloat32Array().slice(); });
      return mask;
    },
    mask: (mask) => mask,
  };
}

const CONTENDERS = [
  ['visavis', () => visavis('relaxed.wasm'), 'the module with relaxed SIMD, as Chromium gets it'],
  ['visavis simd128', () => visavis('simd128.wasm'), 'the module for browsers without relaxed SIMD'],
  ['LiteRT.js 2.5.3', liteRt, 'TensorFlow Lite with XNNPACK, relaxed SIMD; the same file'],
  ['onnxruntime-web 1.30.0', onnxRuntime, 'wasm backend; the same network as ONNX'],
  ['tasks-vision 0.10.35', tasksVision, 'delegate CPU; takes the picture as ImageData and hands over the mask'],
];

/** Overlap in percent (intersection over union of what is more likely person than not) with a mask of sixteen bits, big-endian. */
function overlap(mask, golden) {
  let [both, either] = [0, 0];
  for (let at = 0; at < PIXELS; at += 1) {
    const [ours, theirs] = [mask[at] > 0.5, golden[2 * at] * 256 + golden[2 * at + 1] > 32767];
    both += ours && theirs ? 1 : 0;
    either += ours || theirs ? 1 : 0;
  }
  return either > 0 ? (100 * both) / either : 100;
}

async function overlaps(contender, photographs) {
  const values = [];
  for (const { picture, golden } of photographs) {
    contender.show(picture);
    const result = await contender.run();
    values.push(overlap(await contender.mask(result), golden));
    contender.release?.(result);
  }
  return values;
}

/** Sorted times of one turn, in milliseconds. */
async function turn(contender, count) {
  const times = [];
  for (let index = 0; index < count; index += 1) {
    const began = performance.now();
    const result = await contender.run();
    times.push(performance.now() - began);
    contender.release?.(result);
  }
  return times.sort((one, other) => one - other);
}

window.measure = async ({ runs, photographs: names, version }) => {
  const photographs = await Promise.all(names.map(async (name) => (
    { picture: new Uint8Array(await bytes(`/${name}.picture`)), golden: new Uint8Array(await bytes(`/${name}.mask`)) }
  )));
  const field = [];
  for (const [who, make, about] of CONTENDERS) {
    const contender = await make();
    const iou = await overlaps(contender, photographs);
    contender.show(photographs[0].picture);
    await turn(contender, WARM_UP);
    field.push({ who, contender, iou, note: `${version}, one thread; ${about}`, median: [], best: [] });
  }
  for (let run = 0; run < runs; run += 1) {
    // Nobody always follows the same one.
    for (let index = 0; index < field.length; index += 1) {
      const { contender, median, best } = field[(run + index) % field.length];
      const times = await turn(contender, TURN);
      median.push(times[times.length >> 1]);
      best.push(times[0]);
    }
  }
  const rows = (metric, unit, key) => field.map(({ who, note, [key]: values }) => ({ who, metric, unit, values, note }));
  return [...rows('inference_ms', 'ms', 'median'), ...rows('inference_best_ms', 'ms', 'best'), ...rows('iou_percent', '%', 'iou')];
};
