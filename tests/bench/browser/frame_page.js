// Whole pictures of 1280 × 720 through the worker of the product, as a page that fetches pictures itself hands them over, one after
// the other. The times are those that the worker reports once a second: from the picture to the finished `VideoFrame`.

const [WIDTH, HEIGHT, SCALE] = [1280, 720, 5];
/** Pictures of the peer in one run. */
const PEER_TURN = 8;
/** Reports that are not counted: browsers compile in the background what runs often. */
const WARM_UP = 2;

const bytes = async (address) => new Uint8Array(await (await fetch(address)).arrayBuffer());

/** The photograph, enlarged smoothly. */
async function enlarged() {
  const [across, down] = [WIDTH / SCALE, HEIGHT / SCALE];
  const photograph = await bytes('/hopper.picture');
  const small = new ImageData(across, down);
  for (let at = 0; at < across * down; at += 1) small.data.set([...photograph.subarray(3 * at, 3 * at + 3), 255], 4 * at);
  const context = new OffscreenCanvas(WIDTH, HEIGHT).getContext('2d');
  context.drawImage(await createImageBitmap(small), 0, 0, WIDTH, HEIGHT);
  return context.getImageData(0, 0, WIDTH, HEIGHT).data;
}

/** I420 (BT.601, limited range) as cameras give it. */
function camera(rgba) {
  const picture = new Uint8Array((WIDTH * HEIGHT * 3) / 2);
  const quarter = (WIDTH * HEIGHT) / 4;
  for (let at = 0; at < WIDTH * HEIGHT; at += 1) {
    const [r, g, b] = rgba.subarray(4 * at, 4 * at + 3);
    picture[at] = 16.5 + 0.2568 * r + 0.5041 * g + 0.0979 * b;
    const [row, column] = [Math.floor(at / WIDTH), at % WIDTH];
    if (row % 2 === 1 || column % 2 === 1) continue;
    const place = 4 * quarter + (row / 2) * (WIDTH / 2) + column / 2;
    picture[place] = 128.5 - 0.1482 * r - 0.291 * g + 0.4392 * b;
    picture[place + quarter] = 128.5 + 0.4392 * r - 0.3678 * g - 0.0714 * b;
  }
  return picture;
}

const frame = (picture, index) => (
  new VideoFrame(picture, { format: 'I420', codedWidth: WIDTH, codedHeight: HEIGHT, timestamp: index * 33_333 })
);

/** The worker with the module; `run` shows it pictures until it reports, and gives the median of their times. */
async function product(picture) {
  const module = WebAssembly.validate(await bytes('/effects/relaxed.wasm')) ? 'relaxed.wasm' : 'simd128.wasm';
  const worker = new Worker('/effects/worker.js');
  const reports = [];
  let [heard, broke] = [() => {}, () => {}];
  const next = () => new Promise((resolve, reject) => { [heard, broke] = [resolve, reject]; });
  worker.onmessage = ({ data }) => {
    if (data.type === 'failed') broke(new Error(data.reason));
    if (data.type === 'dropped') broke(new Error('a picture was dropped'));
    if (data.type === 'report') reports.push(data.medianMs);
    if (data.type === 'drawn') data.frame.close();
    if (data.type === 'drawn' || data.type === 'loaded') heard();
  };
  const loaded = next();
  worker.postMessage({ type: 'load', module: `/effects/${module}`, model: '/effects/selfie_segmentation_landscape.tflite' });
  await loaded;
  worker.postMessage({ type: 'sink', page: true });
  worker.postMessage({ type: 'blur', strength: 1 });
  let index = 0;
  return async () => {
    reports.length = 0;
    while (reports.length === 0) {
      const shown = frame(picture, index);
      const drawn = next();
      worker.postMessage({ type: 'frame', frame: shown }, [shown]);
      await drawn;
      index += 1;
    }
    return reports[0];
  };
}

/** What pages do without a module of their own: tasks-vision finds the person, a canvas blurs and composes. */
async function canvas(picture) {
  const { FilesetResolver, ImageSegmenter } = await import('/npm/@mediapipe/tasks-vision/vision_bundle.mjs');
  const files = await FilesetResolver.forVisionTasks('/npm/@mediapipe/tasks-vision/wasm');
  const segmenter = await ImageSegmenter.createFromOptions(files, {
    baseOptions: { modelAssetPath: '/made/model.task.tflite', delegate: 'CPU' },
    runningMode: 'VIDEO', outputConfidenceMasks: true, outputCategoryMask: false,
  });
  const [across, down] = [WIDTH / SCALE, HEIGHT / SCALE];
  const small = new OffscreenCanvas(across, down).getContext('2d', { willReadFrequently: true });
  const person = new OffscreenCanvas(across, down).getContext('2d');
  const outline = new ImageData(across, down);
  const result = new OffscreenCanvas(WIDTH, HEIGHT).getContext('2d');
  let index = 0;
  const draw = (shown) => {
    small.drawImage(shown, 0, 0, across, down);
    segmenter.segmentForVideo(small.getImageData(0, 0, across, down), 33 * index, ({ confidenceMasks: [mask] }) => {
      mask.getAsFloat32Array().forEach((likelihood, at) => { outline.data[4 * at + 3] = 255 * likelihood; });
    });
    person.putImageData(outline, 0, 0);
    result.globalCompositeOperation = 'copy';
    result.drawImage(person.canvas, 0, 0, WIDTH, HEIGHT);
    result.globalCompositeOperation = 'source-in';
    result.drawImage(shown, 0, 0);
    result.globalCompositeOperation = 'destination-over';
    result.filter = 'blur(12px)';
    result.drawImage(shown, 0, 0);
    result.filter = 'none';
    new VideoFrame(result.canvas, { timestamp: shown.timestamp }).close();
  };
  return () => {
    const times = [];
    for (let count = 0; count < PEER_TURN; count += 1) {
      index += 1;
      const shown = frame(picture, index);
      const began = performance.now();
      draw(shown);
      times.push(performance.now() - began);
      shown.close();
    }
    return times.sort((one, other) => one - other)[times.length >> 1];
  };
}

window.measure = async ({ runs, engine, hasPeer }) => {
  const picture = camera(await enlarged());
  const metric = `frame_720p_ms_${engine}`;
  const field = [{ who: 'visavis', run: await product(picture), note: 'whole picture with blur in the worker of the product' }];
  if (hasPeer) {
    const note = 'whole picture with blur: tasks-vision, composed on a 2D canvas without a GPU';
    field.push({ who: 'tasks-vision 0.10.35', run: await canvas(picture), note });
  }
  const values = field.map(() => []);
  for (let run = -WARM_UP; run < runs; run += 1) {
    for (const [index, contender] of field.entries()) {
      const value = await contender.run();
      if (run >= 0) values[index].push(value);
    }
  }
  return field.map(({ who, note }, index) => ({ who, metric, unit: 'ms', values: values[index], note }));
};
