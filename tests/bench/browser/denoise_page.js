// Takes noise out of the same speech with each module, all of them in this page and on one thread, second after second in turns.
// A new one is a new entry of CONTENDERS.

const RATE = 48_000;
const FRAMES_PER_SECOND = 100;
/** What a worklet is given at a time. */
const PIECE = 128;
/** Seconds before anything is measured: browsers compile in the background what runs often. */
const WARM_UP = 10;

const bytes = async (address) => {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.arrayBuffer();
};

/** An instance of a module whose imports are a C library's: of all of them only copying is ever called. */
function withoutLibrary(module, copies) {
  let memory;
  const copy = (to, from, count) => {
    new Uint8Array(memory.buffer).copyWithin(to, from, from + count);
    return to;
  };
  const imports = {};
  for (const { module: group, name } of WebAssembly.Module.imports(module)) {
    imports[group] ??= {};
    imports[group][name] = copies.test(name) ? copy : () => 0;
  }
  const { exports } = new WebAssembly.Instance(module, imports);
  memory = Object.values(exports).find((value) => value instanceof WebAssembly.Memory);
  return { exports, memory };
}

/** Ours: in pieces, as the worklet gives them, so that queues count. */
function visavis(module) {
  const { exports } = new WebAssembly.Instance(module, {});
  const stage = exports.stage_new(RATE, PIECE);
  const piece = new Float32Array(exports.memory.buffer, exports.stage_piece(stage), PIECE);
  return {
    length: PIECE,
    process(samples, result) {
      piece.set(samples);
      exports.stage_process(stage, PIECE);
      result.set(piece);
    },
  };
}

/** A network of a C library: frames of `length` samples, `scale` times as loud as a page's. */
function frames({ length, scale, memory, source, target, run }) {
  const [input, output] = [source, target].map((at) => new Float32Array(memory.buffer, at, length));
  return {
    length,
    process(samples, result) {
      for (let at = 0; at < length; at += 1) input[at] = samples[at] * scale;
      run();
      for (let at = 0; at < length; at += 1) result[at] = output[at] / scale;
    },
  };
}

/** RNNoise, its functions by the names that this build gives them. */
const rnnoise = (names, copies) => (module) => {
  const { exports, memory } = withoutLibrary(module, copies);
  exports[names.start]?.();
  const state = exports[names.create](0);
  const [source, target] = [0, 0].map(() => exports[names.allocate](4 * 480));
  return frames({ length: 480, scale: 32_768, memory, source, target, run: () => exports[names.process](state, target, source) });
};

/** GTCRN, resampled inside from frames of 16 ms. */
function gtcrn(module) {
  const { exports, memory } = withoutLibrary(module, /^$/);
  exports.d?.();
  const state = exports.e();
  const [source, target] = [0, 0].map(() => exports.k(4 * 768));
  return frames({ length: 768, scale: 1, memory, source, target, run: () => exports.j(state, source, target) });
}

const CONTENDERS = [
  {
    who: 'visavis', folder: 'visavis', file: '/effects/denoise.wasm', make: visavis,
    about: 'RNNoise in Rust, in pieces of 128 samples with its queues, as the worklet runs it',
  },
  {
    who: '@sapphi-red/web-noise-suppressor 0.4.1', folder: 'sapphi', about: 'RNNoise in C with SIMD, in whole frames',
    file: '/npm/@sapphi-red/web-noise-suppressor/dist/rnnoise_simd.wasm',
    make: rnnoise({ start: '__wasm_call_ctors', create: 'rnnoise_create', allocate: 'malloc', process: 'rnnoise_process_frame' }, /memcpy_big/),
  },
  {
    who: '@jitsi/rnnoise-wasm 0.2.1', folder: 'jitsi', about: 'RNNoise in C, in whole frames',
    file: '/npm/@jitsi/rnnoise-wasm/dist/rnnoise.wasm',
    make: rnnoise({ start: 'd', create: 'f', allocate: 'g', process: 'j' }, /^b$/),
  },
  {
    who: 'GTCRN of web-noise-suppressor', folder: 'gtcrn', about: 'another network, 16 kHz',
    file: '/npm/@sapphi-red/web-noise-suppressor/dist/gtcrn.wasm', make: gtcrn,
  },
];

/** A contender on its way through one file. */
class Pass {
  constructor({ length, process }, samples) {
    Object.assign(this, { length, process, samples, at: 0, result: new Float32Array(samples.length) });
  }

  /** Up to the end of this second; microseconds for each 10 ms. */
  second(number) {
    const end = Math.min(number * RATE, this.samples.length);
    const began = performance.now();
    const from = this.at;
    for (; this.at + this.length <= end; this.at += this.length) {
      this.process(this.samples.subarray(this.at, this.at + this.length), this.result.subarray(this.at, this.at + this.length));
    }
    return (1000 * (performance.now() - began) * RATE) / FRAMES_PER_SECOND / (this.at - from);
  }
}

const median = (values) => [...values].sort((one, other) => one - other)[values.length >> 1];

/** All contenders through one file; what each made of it goes back to the server when `isKept`. */
async function through(field, kind, samples, isKept) {
  const passes = field.map(({ make, module }) => new Pass(make(module), samples));
  const times = field.map(() => []);
  for (let second = 1; second * RATE <= samples.length; second += 1) {
    passes.forEach((_, index) => {
      // Nobody always follows the same one.
      const turn = (index + second) % passes.length;
      times[turn].push(passes[turn].second(second));
    });
  }
  for (const [index, { folder, all }] of field.entries()) {
    all.push(median(times[index]));
    if (isKept) await fetch(`/cleaned/${folder}/${kind}`, { method: 'POST', body: passes[index].result });
  }
  // Who waits for the outcome is to be answered meanwhile.
  await new Promise((resolve) => { setTimeout(resolve); });
}

window.measure = async ({ runs, kinds }) => {
  const compiled = CONTENDERS.map(async (contender) => (
    { ...contender, module: await WebAssembly.compile(await bytes(contender.file)), all: [] }
  ));
  const field = await Promise.all(compiled);
  const files = await Promise.all(kinds.map(async (kind) => [kind, new Float32Array(await bytes(`/speech/${kind}.f32`))]));
  await through(field, '', files[0][1].subarray(0, WARM_UP * RATE), false);
  field.forEach(({ all }) => { all.length = 0; });
  for (let run = 0; run < runs; run += 1) {
    for (const [kind, samples] of files) await through(field, kind, samples, run === 0);
  }
  return field.map(({ who, folder, file, about, all }) => ({ who, folder, file, about, times: all }));
};
